"""Load MNIST from local files or by download, and verify its checksums."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from skmnist.datasets._arrays import PARTS, expected_files, join, read_part
from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._idx import idx_header

if TYPE_CHECKING:
    from typing import Literal

    from skmnist._typing import BunchOrTuple, PathLike


# SHA-256 of the uncompressed IDX files of the images and the labels.
_MNIST_SHA256 = {
    "train": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "test": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}

# The same file that keras.datasets.mnist downloads.
_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_NPZ_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

_MNIST_DESCR = """\
MNIST, a database of handwritten digits
---------------------------------------

:Number of instances: 60000 for training, 10000 for testing; here {n_samples}
:Number of attributes: 784
:Attribute information: pixels of a 28x28 image, integers from 0 (background) to 255
:Classes: 10, the digits 0 to 9
:Creators: Yann LeCun, Corinna Cortes, Christopher J. C. Burges

Each digit was scaled to fit a 20x20 box and centred by mass in a 28x28 image. The
training and test images were written by disjoint sets of people.

Reference: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning
applied to document recognition. Proceedings of the IEEE 86(11), 2278-2324.
"""


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "subset": [StrOptions(set(PARTS))],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_mnist(
    data_home: PathLike | None = None,
    *,
    subset: Literal["train", "test", "all"] = "train",
    return_X_y: bool = False,
    as_frame: bool = False,
    download_if_missing: bool = True,
) -> BunchOrTuple:
    """Load the MNIST data set of 70,000 handwritten digits, 28×28 pixels each.

    The data set is downloaded if it is not found locally. The SHA-256 of every array is
    compared with that of the original. Only the files of the requested subset are read.

    Parameters
    ----------
    data_home : path-like, default=None
        Folder with the IDX files under their original names, such as
        ``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``, optionally gzipped;
        folder with ``mnist.npz``; or npz file. Nothing is downloaded if `data_home` is
        given. If None, the folder in the environment variable ``SKMNIST_MNIST_DIR`` is
        searched first, then ``datasets/mnist.npz`` in the Keras folder (``KERAS_HOME``,
        by default ``~/.keras``), to which Keras downloads the file if it is missing.
    subset : {"train", "test", "all"}, default="train"
        Select the 60,000 training images, the 10,000 test images, or both, with the
        training images first.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series.
    download_if_missing : bool, default=True
        If False, raise OSError if the data is not available locally instead of
        downloading it.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        data : ndarray or DataFrame of shape (n_samples, 784), uint8
            Flattened images, pixels from 0 to 255.
        images : ndarray of shape (n_samples, 28, 28), uint8
            Images. They share memory with `data` if it is an ndarray.
        target : ndarray or Series of shape (n_samples,), int64
            Digits from 0 to 9.
        feature_names : list of str
            Names of the form ``pixel_{row}_{column}``.
        target_names : ndarray of shape (10,)
            Classes, sorted.
        frame : DataFrame of shape (n_samples, 785) or None
            `data` and `target` if ``as_frame=True``, otherwise None.
        DESCR : str
            Description of the data set.
    (data, target) : tuple
        If ``return_X_y=True``.

    Raises
    ------
    OSError
        If MNIST is not found, cannot be read, or cannot be downloaded.
    ValueError
        If a file is corrupted or its content differs from MNIST.

    See Also
    --------
    load_digits28 : Load digits that are included in scikit-learn.
    read_idx : Read an array from an IDX file.

    Examples
    --------
    >>> from skmnist import fetch_mnist
    >>> mnist = fetch_mnist(subset="test")  # doctest: +SKIP
    >>> mnist.images.shape  # doctest: +SKIP
    (10000, 28, 28)
    """
    names = PARTS[subset]
    if data_home is not None:
        candidates, download_if_missing = [data_home], False
    else:
        keras_home = os.environ.get("KERAS_HOME", "~/.keras")
        candidates = [
            os.environ.get("SKMNIST_MNIST_DIR"),
            os.path.join(keras_home, "datasets", "mnist.npz"),
        ]
    candidates = [Path(path).expanduser() for path in candidates if path]
    for path in candidates:
        parts = [read_part(path, name) for name in names] if path.exists() else []
        if parts and None not in parts:
            break
    else:
        if not download_if_missing:
            raise FileNotFoundError(
                f"MNIST ({subset}) was not found in {', '.join(map(str, candidates))}. "
                f"Expected {expected_files(names)}. Set data_home to their location, "
                "or to None with download_if_missing=True to download them."
            )
        parts = _download(names, candidates[-1])
    for name, part in zip(names, parts, strict=True):
        _check_sha256(part, _MNIST_SHA256[name])
    images, target = join(parts)
    descr = _MNIST_DESCR.format(n_samples=len(images))
    return make_bunch(images, target, descr, return_X_y, as_frame)


def _check_sha256(part, expected):
    """Raise ValueError if the arrays of `part` differ from those of MNIST."""
    for array, source, sha256 in zip(part[:2], part.sources, expected, strict=True):
        if array.dtype != np.uint8:
            raise ValueError(
                f"{source} does not match MNIST: it has dtype {array.dtype}, expected "
                "uint8."
            )
        # Hashing header and data as an IDX file makes the checksum independent of the
        # format in which the arrays are stored, and covers dtype and shape.
        digest = hashlib.sha256(idx_header(array))
        digest.update(np.ascontiguousarray(array))
        if digest.hexdigest() != sha256:
            raise ValueError(
                f"{source} does not match MNIST: expected SHA-256 {sha256} as an IDX "
                f"file, got {digest.hexdigest()} (shape {array.shape}). Delete the "
                "file and download it again."
            )


def _download(names, cached):
    """Download MNIST with Keras into its cache and return the subsets `names`.

    The file is moved to `cached` atomically once the download is complete.

    Parameters
    ----------
    names : sequence of {"train", "test"}
        Subsets to return.
    cached : pathlib.Path
        Destination of the npz file in the Keras cache.

    Returns
    -------
    parts : list of Part
        One entry per subset.

    Raises
    ------
    OSError
        If the download fails or its checksum is wrong.
    """
    from keras.utils import get_file

    try:
        with _temporary_folder(cached) as folder:
            # get_file writes to the final path directly, where another process would
            # find an incomplete file.
            path = Path(
                get_file(
                    cached.name,
                    origin=_ORIGIN,
                    file_hash=_NPZ_SHA256,
                    cache_dir=folder,
                    cache_subdir="",
                )
            )
            parts = [read_part(path, name) for name in names]
            with contextlib.suppress(OSError):  # the data is read, caching is optional
                os.replace(path, cached)
    except Exception as error:  # get_file raises plain Exception without network
        raise OSError(
            f"Keras could not download MNIST ({str(error).rstrip('.')}): set the "
            "environment variable SKMNIST_MNIST_DIR, or data_home, to "
            f"{expected_files(names)}."
        ) from error
    return parts


@contextlib.contextmanager
def _temporary_folder(path):
    """Create a temporary folder, on the file system of `path` if it is writeable.

    os.replace moves files within one file system only.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".mnist-", dir=path.parent)
    except OSError:  # e.g. read-only home: load the data without caching it
        folder = tempfile.mkdtemp(prefix="mnist-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
