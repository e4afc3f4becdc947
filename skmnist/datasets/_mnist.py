"""MNIST itself: found on this machine or downloaded, and checked."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from sklearn.utils._param_validation import StrOptions, validate_params

from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._files import PARTS, expected_files, join, read_part
from skmnist.datasets._idx import idx_header

# Of the IDX file of each array: images, labels.
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

# What keras.datasets.mnist downloads.
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

Each digit was scaled to fit a 20x20 box and placed by its centre of mass in a 28x28
image. The test images were written by other people than the training images.

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
    data_home=None,
    *,
    subset="train",
    return_X_y=False,
    as_frame=False,
    download_if_missing=True,
):
    """Load MNIST: 70,000 handwritten digits of 28×28 pixels.

    Every array is checked against the SHA-256 of the original. Only the files that the
    subset needs are read.

    Parameters
    ----------
    data_home : path-like, default=None
        A folder with the IDX files under their own names (``train-images-idx3-ubyte``
        and so on, gzipped or not, also spelled ``train-images.idx3-ubyte``), a folder
        with ``mnist.npz``, or an npz file. Where it is given, nothing is downloaded.
        None looks in the folder that the environment variable ``SKMNIST_MNIST_DIR``
        names, then for ``datasets/mnist.npz`` in Keras's folder (``KERAS_HOME``, by
        default ``~/.keras``), and then lets Keras download it there.
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both, training first.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, `data` is a DataFrame and `target` a Series.
    download_if_missing : bool, default=True
        If False, raise OSError where MNIST is not on this machine.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With these attributes:

        data : ndarray or DataFrame of shape (n_samples, 784), uint8
            Flat images, 0 to 255.
        images : ndarray of shape (n_samples, 28, 28), uint8
            The images. An ndarray `data` is the same memory.
        target : ndarray or Series of shape (n_samples,), int64
            The digits.
        feature_names : list of str
            ``pixel_0_0`` (row, column) and so on.
        target_names : ndarray of shape (10,)
            The classes.
        frame : DataFrame of shape (n_samples, 785) or None
            `data` and `target`, with ``as_frame=True``.
        DESCR : str
            A description.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    OSError
        If MNIST is in none of these places, or cannot be read or downloaded.
    ValueError
        If what is there is damaged, or is not MNIST.

    See Also
    --------
    load_digits28 : Digits that need no download.
    read_idx : Read any IDX file.

    Examples
    --------
    >>> from skmnist import fetch_mnist
    >>> mnist = fetch_mnist(subset="test")  # doctest: +SKIP
    >>> mnist.images.shape  # doctest: +SKIP
    (10000, 28, 28)
    """
    names = PARTS[subset]
    if data_home is not None:
        places, download_if_missing = [data_home], False
    else:
        keras_home = os.environ.get("KERAS_HOME", "~/.keras")
        places = [
            os.environ.get("SKMNIST_MNIST_DIR"),
            os.path.join(keras_home, "datasets", "mnist.npz"),
        ]
    places = [Path(place).expanduser() for place in places if place]
    for place in places:
        parts = [read_part(place, name) for name in names] if place.exists() else []
        if parts and None not in parts:
            break
    else:
        if not download_if_missing:
            raise FileNotFoundError(
                f"MNIST ({subset}) was not found in {', '.join(map(str, places))}. "
                f"Expected {expected_files(names)}. Give another data_home, or leave "
                "it out and allow the download."
            )
        parts = _download(names, places[-1])
    for name, part in zip(names, parts, strict=True):
        _check_sha256(part, _MNIST_SHA256[name])
    images, target = join(parts)
    descr = _MNIST_DESCR.format(n_samples=len(images))
    return make_bunch(images, target, descr, return_X_y, as_frame)


def _check_sha256(part, expected):
    """Raise ValueError unless the arrays, as IDX files, are those of MNIST."""
    for array, source, sha256 in zip(part[:2], part.sources, expected, strict=True):
        if array.dtype != np.uint8:
            raise ValueError(
                f"{source} is not MNIST's: it has dtype {array.dtype}, not uint8."
            )
        digest = hashlib.sha256(idx_header(array))
        digest.update(np.ascontiguousarray(array))
        if digest.hexdigest() != sha256:
            raise ValueError(
                f"{source} is not MNIST's: expected the SHA-256 {sha256} of its IDX "
                f"file, got {digest.hexdigest()} (shape {array.shape}). Delete it and "
                "get it again."
            )


def _download(names, cached):
    """Let Keras download MNIST, put it into its cache as a whole, and return parts."""
    from keras.utils import get_file

    try:
        with _folder_beside(cached) as folder:
            # Keras itself writes to the final name, where others would find a part.
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
            with contextlib.suppress(OSError):  # what was read will do
                os.replace(path, cached)
    except Exception as error:  # Keras raises plain Exception where it has no network
        raise OSError(
            f"Keras could not download MNIST: {str(error).rstrip('.')}. Get the files "
            "by other means and give their folder as data_home."
        ) from error
    return parts


@contextlib.contextmanager
def _folder_beside(path):
    """Make a folder for a download, where it can be renamed into its place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".mnist-", dir=path.parent)
    except OSError:  # a read-only home: it is downloaded, and not kept
        folder = tempfile.mkdtemp(prefix="mnist-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
