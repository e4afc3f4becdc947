"""Read labelled images from a folder of IDX files or from an npz file."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._idx import read_idx
from skmnist.datasets._npy import listing, read_npz

PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}

# For example, the prefix of "emnist-letters-train-images-idx3-ubyte.gz" is
# "emnist-letters-". A name without train, t10k or test belongs to the training subset.
_IDX_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)?[-.]?(?P<kind>images|labels)"
    r"[-.]idx\d[-.]ubyte(\.gz)?"
)
_IDX_PARTS = {"train": ("train", None), "test": ("t10k", "test")}

_NPZ_KEYS = {
    "train": (
        ("x_train", "y_train"),
        ("X_train", "y_train"),
        ("X", "y"),
        ("images", "labels"),
        ("data", "target"),
    ),
    "test": (("x_test", "y_test"), ("X_test", "y_test")),
}


def load_images(path, subset="train"):
    """Load labelled images from a folder of IDX files or an npz file.

    Parameters
    ----------
    path : path-like
        Folder or npz file. The folder contains IDX files of images and labels with the
        file names of MNIST, optionally after a common prefix. The npz file contains the
        arrays x_train and y_train (and x_test and y_test), X and y, images and labels,
        or data and target. Images have shape (n_samples, height, width), (n_samples,
        height, width, channels) or (n_samples, n_features).
    subset : {"train", "test", "all"}, default="train"
        Subset to load; "all" is the training subset followed by the test subset.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        Same attributes as in `fetch_mnist`. Flat images that are not square remain flat
        in `images`. Labels may also be strings or bools.

    Raises
    ------
    OSError
        If a file is missing or cannot be read.
    ValueError
        If the files do not contain labelled images, or the subset is missing.
    """
    path = Path(path).expanduser()
    parts = [read_part(path, name) for name in PARTS[subset]]
    if None in parts:
        names = sorted(entry.name for entry in path.iterdir())
        raise ValueError(
            f"{path} contains {listing(names)}; expected "
            f"{expected_files(PARTS[subset])}."
        )
    images, target = join(parts)
    return make_bunch(images, target, f"Images from {path}", False, False)


class Part(NamedTuple):
    """Images and labels of one subset, and the source of each array."""

    images: np.ndarray
    labels: np.ndarray
    sources: tuple


def read_part(path, name):
    """Read the training or test subset from a folder or an npz file.

    Parameters
    ----------
    path : pathlib.Path
        Folder or npz file.
    name : {"train", "test"}
        Subset to read.

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
    if not path.is_dir():
        part = _read_npz(path, _NPZ_KEYS[name])
    elif sources := _find_idx(path, name):
        part = Part(*map(read_idx, sources), sources)
    elif (path / "mnist.npz").is_file():
        part = _read_npz(path / "mnist.npz", _NPZ_KEYS[name])
    else:
        return None
    _check_part(part)
    return part


def _find_idx(folder, name):
    """Return the paths of the images and labels of a subset, or None if missing."""
    groups = {}
    for path in sorted(folder.iterdir()):
        match = _IDX_NAME.fullmatch(path.name)
        if match and match["part"] in _IDX_PARTS[name]:
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
            f"{names}. Move each set to a separate folder."
        )
    return unprefixed or next(iter(pairs.values()), None)


def _read_npz(path, pairs):
    """Read the first pair of names in `pairs` that an npz file contains."""

    def choose(names):
        for pair in pairs:
            if set(pair) <= set(names):
                return pair
        expected = ", or ".join(f"{x} and {y}" for x, y in pairs)
        raise ValueError(f"it contains {listing(names)}; expected {expected}.")

    arrays = read_npz(path, choose)
    return Part(*arrays.values(), tuple(f"{path}[{name!r}]" for name in arrays))


def _check_part(part):
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
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        raise ValueError(
            f"{labels_source} has shape {labels.shape} and dtype {labels.dtype}; "
            "expected integers, bools or strings of shape (n_samples,)."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{images_source} has {len(images)} images, but {labels_source} has "
            f"{len(labels)} labels. Each image needs exactly one label."
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


def expected_files(names):
    """Return text that lists the files expected for the subsets `names`."""
    files = [
        f"{_IDX_PARTS[name][0]}-{kind}-ubyte"
        for name in names
        for kind in ("images-idx3", "labels-idx1")
    ]
    return f"a folder with {', '.join(files)} (optionally gzipped), or an npz file"
