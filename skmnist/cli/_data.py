"""Data, their parts, and models, as the options of the command line name them."""

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist.classifiers import KerasMLPClassifier, LeNetClassifier
from skmnist.cli._app import load_backend
from skmnist.datasets import fetch_mnist, load_digits28, read_idx
from skmnist.datasets._files import load_images
from skmnist.datasets._npy import listing, read_npy, read_npz
from skmnist.preprocessing import ImageFlattener, PixelScaler

# Fixed, so that `evaluate` uses the part that `train` did not, with any seed.
_TEST_FRACTION, _SPLIT_SEED = 0.2, 0

# The largest values of pixels: scaled or binary, 8-bit, 16-bit.
_PIXEL_MAXIMA = (1, 255, 65535)


def load(name):
    """Load labelled images to learn from.

    Parameters
    ----------
    name : str
        "digits", "mnist", a folder of IDX files or an npz file. If the data are divided
        into a training and a test part, the former is loaded.

    Returns
    -------
    images : ndarray of shape (n_samples, height, width[, channels])
        Pixels as they are stored.
    y : ndarray of shape (n_samples,)
        Labels.
    """
    if name == "digits":
        bunch = load_digits28()
    elif name == "mnist":
        bunch = _load_mnist("train")
    elif Path(name).exists():
        bunch = load_images(Path(name))
    else:
        raise FileNotFoundError(
            f"There is no file or folder {name!r}: --data takes digits, mnist, a "
            "folder of IDX files, or an npz file."
        )
    return _squeeze(bunch.images), bunch.target


def _load_mnist(subset):
    """Load a part of MNIST; a terminal shows the progress of a download on stderr."""
    try:
        return fetch_mnist(subset=subset, download_if_missing=False)
    except FileNotFoundError:
        load_backend()  # the download is Keras's, and so is the bar on stdout
        shown = sys.stderr if sys.stderr.isatty() else io.StringIO()
        with contextlib.redirect_stdout(shown):
            return fetch_mnist(subset=subset)


def load_parts(name):
    """Load labelled images in a training and a test part.

    MNIST is divided already. Of other data a fifth, stratified by class, is the test
    part, which depends on the data alone.

    Parameters
    ----------
    name : str
        As in `load`.

    Returns
    -------
    train, test : tuple of (ndarray, ndarray)
        Images and labels.
    """
    images, y = load(name)
    if name == "mnist":
        bunch = _load_mnist("test")
        return (images, y), (_squeeze(bunch.images), bunch.target)
    check_class_sizes(y, 2, "a training and a test part")
    train, test = train_test_split(
        np.arange(len(y)),
        test_size=max(_TEST_FRACTION, len(np.unique(y)) / len(y)),
        stratify=y,
        random_state=_SPLIT_SEED,
    )
    return (images[train], y[train]), (images[test], y[test])


def subsample(images, y, n_samples, seed):
    """Return `n_samples` of the images, stratified by class; None returns all."""
    if n_samples is None or n_samples == len(y):
        return images, y
    n_classes = len(np.unique(y))
    if not n_classes <= n_samples <= len(y) - n_classes:
        raise ValueError(
            f"--samples {n_samples} is not possible with {len(y)} images of "
            f"{n_classes} classes, each in proportion: pass {n_classes} to "
            f"{len(y) - n_classes}, or leave it out for all."
        )
    chosen, _ = train_test_split(
        np.arange(len(y)), train_size=n_samples, stratify=y, random_state=seed
    )
    return images[chosen], y[chosen]


def check_class_sizes(y, smallest, purpose):
    """Raise ValueError unless there are two classes, each with enough images."""
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) < 2:
        raise ValueError(
            f"The data have one class, {labels[0]}, but a classifier needs two."
        )
    if counts.min() < smallest:
        raise ValueError(
            f"Class {labels[counts.argmin()]} has {counts.min()} images, too few for "
            f"{purpose}: each class needs at least {smallest}."
        )


def make_model(model, images, *, epochs, batch_size, seed):
    """Make the Pipeline of a network for these images.

    Parameters
    ----------
    model : {"mlp", "lenet"}
        The network.
    images : ndarray of shape (n_samples, height, width[, channels])
        Pixels are divided by the smallest of 1, 255 and 65535 that none exceeds.
    epochs, batch_size : int or None
        None keeps the network's default.
    seed : int
        Seeds the network.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Not fitted.
    """
    given = {"epochs": epochs, "batch_size": batch_size}
    given = {name: value for name, value in given.items() if value is not None}
    highest = images.max()
    if highest > _PIXEL_MAXIMA[-1]:
        raise ValueError(
            f"A pixel has the value {highest}, but the largest supported value is "
            f"{_PIXEL_MAXIMA[-1]} (16-bit): rescale the images."
        )
    scaler = PixelScaler(max_value=next(m for m in _PIXEL_MAXIMA if highest <= m))
    if model == "lenet":
        return make_pipeline(scaler, LeNetClassifier(random_state=seed, **given))
    network = KerasMLPClassifier(random_state=seed, **given)
    return make_pipeline(ImageFlattener(), scaler, network)


def read_images(path, image_shape):
    """Read images without labels.

    Parameters
    ----------
    path : pathlib.Path
        An npy file; an npz file with the images as "x", "X", "images" or "data", or
        with one array alone; or an IDX file.
    image_shape : tuple of int
        The shape of one image that the model takes. Flat rows are reshaped to it.

    Returns
    -------
    images : ndarray of shape (n_samples, *image_shape)
        Pixels as they are stored.
    """
    if path.suffix == ".npz":
        (images,) = read_npz(path, _choose_images).values()
    elif path.suffix == ".npy":
        images = read_npy(path)
    else:
        images = read_idx(path)
    n_pixels = int(np.prod(image_shape))
    images = _squeeze(images)
    if images.ndim == 2 and images.shape[1] == n_pixels:
        images = images.reshape(-1, *image_shape)
    if images.shape == image_shape:
        images = images[np.newaxis]
    if images.shape[1:] != image_shape:
        raise ValueError(
            f"{path} holds an array of shape {images.shape}, but the model takes "
            f"images of shape {image_shape}: pass {('n', *image_shape)}."
        )
    return images


def _choose_images(names):
    """Return the name of the array of images among those in an npz file."""
    known = [name for name in ("x", "X", "images", "data") if name in names]
    if len(known or names) != 1:
        raise ValueError(
            f"it contains {listing(names)}, so the images are ambiguous: name them 'x'."
        )
    return known or names


def _squeeze(images):
    """Drop a single channel, as networks treat (n, h, w) and (n, h, w, 1) alike."""
    return images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
