"""Read labelled images from arrays in files: folders of IDX files, and npz files."""

import re
from typing import NamedTuple

import numpy as np

from skmnist.datasets._idx import read_idx
from skmnist.datasets._npy import listing, read_npz

PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}

# For example, the prefix of "emnist-letters-train-images-idx3-ubyte.gz" is
# "emnist-letters-". A name without train, t10k or test belongs to the training subset.
IDX_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)?[-.]?(?P<kind>images|labels)"
    r"[-.]idx\d[-.]ubyte(\.gz)?"
)
_IDX_PARTS = {"train": ("train", None), "test": ("t10k", "test")}

NPZ_KEYS = {
    "train": (
        ("x_train", "y_train"),
        ("X_train", "y_train"),
        ("train_images", "train_labels"),
        ("X", "y"),
        ("x", "y"),
        ("images", "labels"),
        ("data", "target"),
        ("arr_0", "arr_1"),
    ),
    "test": (
        ("x_test", "y_test"),
        ("X_test", "y_test"),
        ("test_images", "test_labels"),
    ),
}


class Part(NamedTuple):
    """Images and labels of one subset, and the source of each array.

    Attributes
    ----------
    images : ndarray of shape (n_samples, ...)
    labels : ndarray of shape (n_samples,)
    sources : tuple of path-like or str
        Of the images and the labels, for messages.
    names : list of str or None
        The features, if they have names of their own.
    groups, filenames : ndarray of shape (n_samples,) or None
    label : str or None
        The column of labels in a table.
    """

    images: np.ndarray
    labels: np.ndarray
    sources: tuple
    names: list | None = None
    groups: np.ndarray | None = None
    filenames: np.ndarray | None = None
    label: str | None = None


def read_part(path, name, groups=None):
    """Read the training or test subset from IDX files or an npz file.

    Parameters
    ----------
    path : pathlib.Path
        Folder of IDX files or of mnist.npz, an npz file, or the IDX file of the images.
    name : {"train", "test"}
        Subset to read.
    groups : str, default=None
        Array of groups in an npz file.

    Returns
    -------
    part : Part or None
        None if the folder does not contain the subset.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If a file does not contain labelled images.
    """
    is_folder = path.is_dir()
    found = find_arrays(path, name) if is_folder else _idx_pair_of(path) or path
    if found is None:
        return None
    if isinstance(found, tuple):
        if groups is not None:
            raise ValueError(f"IDX files contain no groups: remove groups={groups!r}.")
        part = Part(*map(read_idx, found), found)
    else:
        part = _read_npz(found, NPZ_KEYS[name], groups)
    labels = as_labels(part.labels, part.sources[1])
    part = part._replace(labels=labels)
    check_part(part)
    return part


def find_arrays(folder, name):
    """Return the IDX files of images and labels, or mnist.npz, in a folder; or None."""
    found = _find_idx(folder, name)
    if found is None and (folder / "mnist.npz").is_file():
        return folder / "mnist.npz"
    return found


def _idx_files(folder):
    """Return the files in a folder by IDX file name, also in folders of such names."""
    files, nested = {}, {}
    for path in sorted(folder.iterdir()):
        if not IDX_NAME.fullmatch(path.name):
            continue
        if path.is_file():
            files[path.name] = path
        elif path.is_dir():  # Kaggle's archive contains each file in a folder, too
            nested |= {
                inner.name: inner
                for inner in sorted(path.iterdir())
                if IDX_NAME.fullmatch(inner.name) and inner.is_file()
            }
    return files | {name: path for name, path in nested.items() if name not in files}


def _find_idx(folder, name):
    """Return the paths of the images and labels of a subset, or None if missing."""
    groups = {}
    for file_name, path in _idx_files(folder).items():
        match = IDX_NAME.fullmatch(file_name)
        if match["part"] in _IDX_PARTS[name]:
            pair = groups.setdefault((match["prefix"], match["part"]), {})
            pair.setdefault(match["kind"], path)  # "a" sorts before "a.gz"
    pairs = {
        group: (pair["images"], pair["labels"])
        for group, pair in groups.items()
        if len(pair) == 2
    }
    # Files with exactly the names of MNIST take precedence over prefixed ones.
    unprefixed = pairs.get(("", _IDX_PARTS[name][0]))
    if unprefixed is None and len(pairs) > 1:
        names = listing([images.name for images, _ in pairs.values()])
        raise ValueError(
            f"{folder} contains {len(pairs)} sets of images for the {name} subset: "
            f"{names}. Move each set to a separate folder, or pass the path of its "
            "images."
        )
    return unprefixed or next(iter(pairs.values()), None)


def _idx_pair_of(path):
    """Return an IDX file of images and that of its labels; None for other files."""
    match = IDX_NAME.fullmatch(path.name)
    if match is None or match["kind"] != "images" or not path.is_file():
        return None
    for name, other in _idx_files(path.parent).items():
        partner = IDX_NAME.fullmatch(name)
        same = all(partner[key] == match[key] for key in ("prefix", "part"))
        if same and partner["kind"] == "labels":
            return path, other
    raise ValueError(f"There is no IDX file of labels beside {path}.")


def _read_npz(path, pairs, groups):
    """Read the first pair of names in `pairs` that an npz file contains."""

    def choose(names):
        for pair in pairs:
            if set(pair) <= set(names):
                break
        else:
            expected = ", or ".join(f"{x} and {y}" for x, y in pairs)
            raise ValueError(f"it contains {listing(names)}; expected {expected}.")
        if groups is not None and groups not in names:
            raise ValueError(f"it contains {listing(names)}, but no {groups!r}.")
        return pair if groups is None else (*pair, groups)

    arrays = read_npz(path, choose)
    sources = tuple(f"{path}[{name!r}]" for name in arrays)
    images, labels, *rest = arrays.values()
    return Part(images, labels, sources[:2], groups=rest[0] if rest else None)


def check_part(part):
    """Raise ValueError if images or labels have invalid dtype, shape or length."""
    (images, labels), (images_source, labels_source) = part[:2], part.sources
    if (
        images.ndim not in (2, 3, 4)
        or images.size == 0
        or images.dtype.kind not in "iuf"
    ):
        raise ValueError(
            f"{images_source} has shape {images.shape} and dtype {images.dtype}; "
            "expected a non-empty array of integers or floats of shape (n_samples, "
            "height, width), (n_samples, height, width, channels) or (n_samples, "
            "n_features)."
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(
            f"{images_source} contains NaN or infinity: remove or replace these values."
        )
    for name, values in (("labels", labels), ("groups", part.groups)):
        if values is not None and len(images) != len(values):
            raise ValueError(
                f"{images_source} has {len(images)} images, but {labels_source} has "
                f"{len(values)} {name}. Each image needs exactly one."
            )


def join(parts):
    """Concatenate the images and labels of `parts`; return images and target."""
    kinds = {(p.images.shape[1:], p.images.dtype, p.labels.dtype.kind) for p in parts}
    if len(kinds) > 1:
        raise ValueError(
            "The training and test subsets cannot be concatenated: "
            + ", but ".join(
                f"{p.sources[0]} has images of shape {p.images.shape[1:]} and dtype "
                f"{p.images.dtype}, labels of dtype {p.labels.dtype}"
                for p in parts
            )
            + "."
        )
    images, target = parts[0][:2]
    if len(parts) > 1:  # a single part needs no copy
        images = np.concatenate([part.images for part in parts])
        target = np.concatenate([part.labels for part in parts])
    if target.dtype.kind in "iu":
        target = target.astype(np.int64)
    return images, target


def as_labels(labels, source):
    """Return labels in one dimension; whole floats as integers.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,) or (n_samples, 1)
    source : str
        The name of the array in messages.

    Raises
    ------
    ValueError
        If they have another shape or type, or floats are not whole.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind == "f" and labels.ndim == 1:
        odd = labels[~(labels == np.rint(labels))]
        if len(odd):
            raise ValueError(
                f"{source} contains the label {odd[0]}; expected integers, bools, "
                "strings, or floats that are whole numbers."
            )
        labels = labels.astype(np.int64)
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        one_hot = labels.ndim == 2 and set(np.unique(labels)) == {0, 1}
        hint = (
            " One-hot rows are converted by labels.argmax(axis=1)." if one_hot else ""
        )
        raise ValueError(
            f"{source} has shape {labels.shape} and dtype {labels.dtype}; expected "
            f"integers, bools or strings of shape (n_samples,).{hint}"
        )
    return labels


def expected_files(names):
    """Return text that lists the files expected for the subsets `names`."""
    files = [
        f"{_IDX_PARTS[name][0]}-{kind}-ubyte"
        for name in names
        for kind in ("images-idx3", "labels-idx1")
    ]
    return f"a folder with {', '.join(files)} (optionally gzipped), or an npz file"
