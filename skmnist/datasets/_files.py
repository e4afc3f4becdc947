"""Labelled images in files: a folder of IDX files, or an npz file."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._idx import read_idx
from skmnist.datasets._npy import listing, read_npz

PARTS = {"train": ("train",), "test": ("test",), "all": ("train", "test")}

# "emnist-letters-train-images-idx3-ubyte.gz" has the prefix "emnist-letters-". A name
# that says neither train nor test is of the training part.
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
    """Load labelled images of one's own.

    Parameters
    ----------
    path : path-like
        A folder with the IDX files of images and labels, named as MNIST's are after any
        prefix, or an npz file with the arrays x_train, y_train (and x_test, y_test), or
        X, y, or images, labels, or data, target. Images have the shape (n, height,
        width), (n, height, width, channels) or (n, n_features).
    subset : {"train", "test", "all"}, default="train"
        Which part.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        As of `fetch_mnist`. Flat images that are not square stay flat in `images`, and
        labels may also be strings or bools.

    Raises
    ------
    OSError
        If a file is missing or cannot be read.
    ValueError
        If its content is not labelled images.
    """
    path = Path(path).expanduser()
    parts = [read_part(path, name) for name in PARTS[subset]]
    if None in parts:
        names = sorted(entry.name for entry in path.iterdir())
        raise ValueError(
            f"{path} holds {listing(names)}, but {expected_files(PARTS[subset])} "
            "was expected."
        )
    images, target = join(parts)
    return make_bunch(images, target, f"Images from {path}", False, False)


class Part(NamedTuple):
    """Images, their labels, and where each came from."""

    images: np.ndarray
    labels: np.ndarray
    sources: tuple


def read_part(path, name):
    """Read the training or the test part from a folder or an npz file.

    None stands for a folder that has no such part.
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
    """Return the paths of the images and of the labels, or None."""
    groups = {}
    for path in sorted(folder.iterdir()):
        match = _IDX_NAME.fullmatch(path.name)
        if match and match["part"] in _IDX_PARTS[name]:
            pair = groups.setdefault((match["prefix"], match["part"]), {})
            pair.setdefault(match["kind"], path)  # unzipped sorts before gzipped
    pairs = {
        group: (pair["images"], pair["labels"])
        for group, pair in groups.items()
        if len(pair) == 2
    }
    # Beside others, MNIST's own names are meant.
    own = pairs.get(("", _IDX_PARTS[name][0]))
    if own is None and len(pairs) > 1:
        names = listing([images.name for images, _ in pairs.values()])
        raise ValueError(
            f"{folder} holds {len(pairs)} sets of images for the {name} part: {names}. "
            "Give each a folder of its own."
        )
    return own or next(iter(pairs.values()), None)


def _read_npz(path, pairs):
    """Read the first pair of arrays that an npz file has."""

    def choose(names):
        for pair in pairs:
            if set(pair) <= set(names):
                return pair
        expected = " or ".join(f"{x}, {y}" for x, y in pairs)
        raise ValueError(f"it holds {listing(names)}, but {expected} was expected.")

    arrays = read_npz(path, choose)
    return Part(*arrays.values(), tuple(f"{path}[{name!r}]" for name in arrays))


def _check_part(part):
    """Raise ValueError unless images and labels are such, and belong together."""
    (images, labels), (images_source, labels_source) = part[:2], part.sources
    if (
        images.ndim not in (2, 3, 4)
        or images.size == 0
        or images.dtype.kind not in "iuf"
    ):
        raise ValueError(
            f"{images_source} has shape {images.shape} and dtype {images.dtype}, but "
            "images are integers or floats of shape (n, height, width), (n, height, "
            "width, channels) or (n, n_features), and there must be one at least."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        raise ValueError(
            f"{labels_source} has shape {labels.shape} and dtype {labels.dtype}, but "
            "labels are integers, bools or strings of shape (n,)."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{images_source} has {len(images)} images, but {labels_source} has "
            f"{len(labels)} labels: each image needs one label."
        )


def join(parts):
    """Return images and target of all parts."""
    kinds = {(p.images.shape[1:], p.images.dtype, p.labels.dtype.kind) for p in parts}
    if len(kinds) > 1:
        raise ValueError(
            "The parts do not go together: "
            + ", but ".join(
                f"{p.sources[0]} has images of shape {p.images.shape[1:]} and dtype "
                f"{p.images.dtype}, labels of dtype {p.labels.dtype}"
                for p in parts
            )
            + "."
        )
    images, target = parts[0][:2]
    if len(parts) > 1:  # of one part there is no need for a copy
        images = np.concatenate([part.images for part in parts])
        target = np.concatenate([part.labels for part in parts])
    if target.dtype.kind in "iu":
        target = target.astype(np.int64)
    return images, target


def expected_files(names):
    """Say in which files the parts are looked for."""
    files = [
        f"{_IDX_PARTS[name][0]}-{kind}-ubyte"
        for name in names
        for kind in ("images-idx3", "labels-idx1")
    ]
    return f"a folder of {', '.join(files)} (gzipped or not), or an npz file"
