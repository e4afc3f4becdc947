"""Data, their parts, and networks, as the options of the command line name them."""

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    check_cv,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist._cross_validation._splits import shuffled_folds
from skmnist.classifiers import KerasMLPClassifier, LeNetClassifier
from skmnist.cli._advice import is_augmented
from skmnist.cli._app import load_backend
from skmnist.cli._options import Folds, parse_image_shape
from skmnist.cli._settings import settings_of
from skmnist.datasets import fetch_mnist, load_digits28, load_images
from skmnist.datasets._files import has_test_part
from skmnist.datasets._tables import is_table
from skmnist.preprocessing import ImageFlattener, MNISTFormatter, PixelScaler

# Fixed, so that `evaluate` uses the part that `train` did not, with any seed.
_TEST_FRACTION, _SPLIT_SEED = 0.2, 0

# The largest values of pixels: scaled, of scikit-learn's digits, of 8, 10, 12 and 16
# bits.
_PIXEL_MAXIMA = (1, 16, 255, 1023, 4095, 65535)

_NETWORKS = {"mlp": KerasMLPClassifier, "lenet": LeNetClassifier}


class Data(NamedTuple):
    """Labelled images, or samples of a table.

    Attributes
    ----------
    images : ndarray of shape (n_samples, height, width[, channels])
        Pixels as they are stored; of shape (n_samples, n_features) for a table.
    y : ndarray of shape (n_samples,)
        Labels.
    groups : ndarray of shape (n_samples,) or None
    name : str
        The value of --data.
    columns : list of str, default=None
        Of a table.
    are_pictures : bool, default=False
        Whether the images were read from picture files.
    label : str, default=None
        Column of the labels in a table.
    is_label_found : bool, default=False
        Whether this column was found, and not given.
    """

    images: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None
    name: str
    columns: list | None = None
    are_pictures: bool = False
    label: str | None = None
    is_label_found: bool = False

    @property
    def label_note(self):
        """Sentence that says which column was found to hold the labels, or None."""
        if not self.is_label_found:
            return None
        return (
            f"The labels are in column {self.label!r} of {self.name} (--label names "
            "another one)."
        )

    def take(self, rows):
        """Return some of the samples."""
        groups = None if self.groups is None else self.groups[rows]
        return self._replace(images=self.images[rows], y=self.y[rows], groups=groups)


def load(options, subset="train"):
    """Load labelled images to learn from.

    Parameters
    ----------
    options : dict
        Values of the options that say which data to read: "data" is "digits", "mnist",
        or a path that `load_images` reads; others have the names of its parameters.
    subset : {"train", "test"}, default="train"

    Returns
    -------
    data : Data
    """
    name = options["data"]
    formatter = MNISTFormatter() if options.get("mnist_format") else None
    chosen = {
        "label": options.get("label"),
        "groups": options.get("groups"),
        "image_shape": parse_image_shape(options.get("image_shape")),
        "transpose": options.get("transpose", False),
    }
    if name in ("digits", "mnist"):
        given = [option.replace("_", "-") for option, value in chosen.items() if value]
        if given:
            raise ValueError(
                f"--{given[0]} is for files, and --data {name} is not a file."
            )
        bunch = load_digits28() if name == "digits" else _load_mnist(subset)
        if formatter is not None:
            bunch.images = formatter.fit_transform(bunch.images)
    elif Path(name).expanduser().exists():
        bunch = load_images(name, subset, formatter=formatter, **chosen)
    else:
        raise FileNotFoundError(
            f"There is no file or folder {name!r}: --data takes digits, mnist, a "
            "folder of pictures or IDX files, or a CSV, parquet or npz file."
        )
    images = _squeeze(bunch.images)
    return Data(
        images,
        bunch.target,
        bunch.get("groups"),
        name,
        columns=bunch.feature_names if images.ndim == 2 else None,
        are_pictures="filenames" in bunch,
        label=bunch.get("label"),
        is_label_found="label" in bunch and chosen["label"] is None,
    )


def _load_mnist(subset):
    """Load a part of MNIST; a terminal shows the progress of a download on stderr."""
    try:
        return fetch_mnist(subset=subset, download_if_missing=False)
    except FileNotFoundError:
        load_backend()  # the download is Keras's, and so is the bar on stdout
        shown = sys.stderr if sys.stderr.isatty() else io.StringIO()
        with contextlib.redirect_stdout(shown):
            return fetch_mnist(subset=subset)


def load_parts(options):
    """Load labelled images in a training and a test part.

    MNIST is divided already, and so are some files. Of other data a fifth, stratified
    by class and of whole groups, is the test part, which depends on the data alone.

    Parameters
    ----------
    options : dict
        As in `load`.

    Returns
    -------
    train, test : Data
    """
    data, name = load(options), options["data"]
    if name == "mnist" or (name != "digits" and has_test_part(name)):
        # Pictures of the test part get the size of those of the training part.
        shape = "x".join(map(str, data.images.shape[1:]))
        is_file = name != "mnist" and data.images.ndim > 2
        return data, load(options | ({"image_shape": shape} if is_file else {}), "test")
    check_class_sizes(data, 2, "a training and a test part")
    if data.groups is not None:
        folds = Folds(round(1 / _TEST_FRACTION))
        splits = make_cv(folds, data, _SPLIT_SEED).split()
        train, test = next(iter(splits))
    else:
        train, test = train_test_split(
            np.arange(len(data.y)),
            test_size=max(_TEST_FRACTION, len(np.unique(data.y)) / len(data.y)),
            stratify=data.y,
            random_state=_SPLIT_SEED,
        )
    return data.take(train), data.take(test)


def load_test(options, name, data, pipelines):
    """Load labelled test images beside those that a diagnosis is made with.

    Parameters
    ----------
    options : dict
        As in `load`, of the other images. Files are read with the same options.
    name : str
        The value of --test-data. Of MNIST, and of files with a test part, that part is
        read.
    data : Data
        The other images, whose size pictures get.
    pipelines : iterable of Pipeline
        Their scalers determine the largest pixel.

    Returns
    -------
    test : Data
        Without groups.

    Raises
    ------
    OSError
        If they cannot be read.
    ValueError
        If they do not match the other images.
    """
    is_named = name in ("digits", "mnist")
    chosen = {**options, "data": name, "groups": None}
    if is_named:
        chosen |= {"image_shape": None, "transpose": False}
    elif data.images.ndim > 2:
        chosen["image_shape"] = "x".join(map(str, data.images.shape[1:]))
    if not is_table(Path(name)):
        chosen["label"] = None
    # A path that does not exist is left for `load` to report.
    divided = name == "mnist" or (
        Path(name).expanduser().exists() and has_test_part(name)
    )
    test = load(chosen, "test" if divided else "train")
    if test.images.shape[1:] != data.images.shape[1:]:
        raise ValueError(
            f"The test images of {name} have the shape {test.images.shape[1:]}, those "
            f"of {data.name} {data.images.shape[1:]}: --image-shape or --mnist-format "
            "brings both to one."
        )
    for pipeline in pipelines:
        for step in pipeline:
            if isinstance(step, PixelScaler) and test.images.max() > step.max_value:
                raise ValueError(
                    f"A pixel of {name} has the value {test.images.max()}, but those "
                    f"of {data.name} are at most {step.max_value}: rescale them alike."
                )
    return test


def subsample(data, n_samples, seed):
    """Return `n_samples` of the images, stratified by class; None returns all."""
    if n_samples is None or n_samples == len(data.y):
        return data
    n_images, n_classes = len(data.y), len(np.unique(data.y))
    if not n_classes <= n_samples <= n_images - n_classes:
        raise ValueError(
            f"--samples {n_samples} is not possible with {n_images} images of "
            f"{n_classes} classes, each in proportion: pass {n_classes} to "
            f"{n_images - n_classes}, or leave it out for all."
        )
    check_class_sizes(data, 2, "a part of them in proportion")
    chosen, _ = train_test_split(
        np.arange(n_images), train_size=n_samples, stratify=data.y, random_state=seed
    )
    return data.take(chosen)


def check_class_sizes(data, smallest, purpose):
    """Raise ValueError unless there are two classes, each with enough images."""
    labels, counts = np.unique(data.y, return_counts=True)
    place = data.name if data.label is None else f"column {data.label!r} of {data.name}"
    if len(labels) < 2:
        raise ValueError(
            f"The labels in {place} have one class, {labels[0]}, but a classifier "
            "needs two."
        )
    if counts.min() < smallest:
        number = "1 image" if counts.min() == 1 else f"{counts.min()} images"
        raise ValueError(
            f"Class {labels[counts.argmin()]} in {place} has {number}, too few for "
            f"{purpose}: each class needs at least {smallest}."
        )


def make_cv(folds, data, seed):
    """Return the splits of a cross-validation, shuffled and stratified by class.

    Parameters
    ----------
    folds : Folds
    data : Data
        Groups are never divided between folds.
    seed : int

    Returns
    -------
    cv : cross-validation generator
    """
    n_folds, n_repeats = folds
    if data.groups is None:
        if n_repeats == 1:
            return shuffled_folds(n_folds, seed)
        return RepeatedStratifiedKFold(
            n_splits=n_folds, n_repeats=n_repeats, random_state=seed
        )
    n_groups = len(np.unique(data.groups))
    if n_groups < n_folds:
        raise ValueError(
            f"The data of {data.name} have {n_groups} groups, too few for {n_folds} "
            "folds of whole groups."
        )
    splits = []
    for repeat in range(n_repeats):
        cv = shuffled_folds(n_folds, seed + repeat, grouped=True)
        splits += cv.split(data.images, data.y, data.groups)
    return check_cv(splits)


def make_model(model, data, settings, seed, *, models=None):
    """Make the Pipeline of a network for these images.

    Parameters
    ----------
    model : {"mlp", "lenet"}
        The network.
    data : Data
        Pixels are divided by the smallest of 1, 16, 255, 1023, 4095 and 65535 that none
        exceeds. The columns of a table are standardised.
    settings : dict
        Hyperparameters; others have the network's defaults.
    seed : int
        Seeds the network.
    models : list of str, default=None
        All networks of the command: those that lack a hyperparameter ignore it, if
        another one has it.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Not fitted.

    Raises
    ------
    ValueError
        If a setting is invalid, pixels are too large, or a table is for LeNet.
    """
    network_class = _NETWORKS[model]
    known = [_NETWORKS[name] for name in models or [model]]
    network = network_class(
        random_state=seed, **settings_of(network_class, settings, known)
    )
    network._validate_params()
    if data.images.ndim == 2:
        if is_augmented(network):
            raise ValueError(
                f"random_... deforms images, but {data.name} is a table: leave those "
                "settings out, or pass the shape of its images with --image-shape."
            )
        if model == "lenet":
            raise ValueError(
                f"LeNet needs images, but {data.name} has rows of "
                f"{data.images.shape[1]} values: use --model mlp, or pass their shape "
                "with --image-shape."
            )
        return make_pipeline(StandardScaler(), network)
    highest = data.images.max()
    if highest > _PIXEL_MAXIMA[-1]:
        raise ValueError(
            f"A pixel of {data.name} has the value {highest}, but the largest "
            f"supported value is {_PIXEL_MAXIMA[-1]} (16-bit): rescale the images."
        )
    scaler = PixelScaler(max_value=next(m for m in _PIXEL_MAXIMA if highest <= m))
    if model == "lenet":
        return make_pipeline(scaler, network)
    shape = data.images.shape[1:]
    if len(shape) > 2 or shape[0] != shape[1]:
        network.set_params(image_shape=shape)  # lost when they are flattened
    return make_pipeline(ImageFlattener(), scaler, network)


def _squeeze(images):
    """Drop a single channel, as networks treat (n, h, w) and (n, h, w, 1) alike."""
    return images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
