"""Images without labels, from the files that `skmnist predict` is given."""

import glob
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skmnist.classifiers._checks import background_level
from skmnist.datasets import read_idx
from skmnist.datasets._files import as_images
from skmnist.datasets._npy import listing, read_npy, read_npz
from skmnist.datasets._pictures import (
    Notes,
    is_picture,
    read_picture,
    scale_to_size,
    to_channels,
)
from skmnist.datasets._tables import is_table, read_table
from skmnist.preprocessing import MNISTFormatter, PixelScaler

_MNIST_SHAPE = (28, 28)
# Attribute of a classifier that says how its training images were read.
_RECORD = "_inputs"


class Inputs(NamedTuple):
    """Images that a model takes, and what is said of them.

    Attributes
    ----------
    images : ndarray of shape (n_samples, *image_shape)
    names : list
        A path for each picture, a number for each image in an array, both for several
        arrays.
    notes : list of str
        Sentences that say what was done to pictures, and which columns of a table were
        left out.
    left_out : list of str
        Sentences that say which pictures were left out, and why.
    """

    images: np.ndarray
    names: list
    notes: list
    left_out: list


class Options(NamedTuple):
    """How images are read.

    Attributes
    ----------
    mnist_format : bool, default=None
        Whether images are brought into MNIST's format. None does so if the training
        images were. If that is not known, because they were no pictures, it does so
        with pictures if the model takes images of 28×28 pixels with a dark background.
    transpose : bool, default=False
        Whether rows and columns of images are exchanged.
    label : str, default=None
        Column of a table to leave out.
    """

    mnist_format: bool | None = None
    transpose: bool = False
    label: str | None = None


def record(pipeline, data, mnist_format):
    """Record in a model how its images were read, so that others are read likewise.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; its last step is saved with the record.
    data : Data
    mnist_format : bool
        Whether the images were brought into MNIST's format on request.
    """
    known = True if mnist_format else (False if data.are_pictures else None)
    vars(pipeline[-1])[_RECORD] = {"mnist_format": known, "columns": data.columns}


def read_inputs(arguments, pipeline, options):
    """Read images without labels.

    Parameters
    ----------
    arguments : list of str
        Paths of pictures, of folders of pictures, or of arrays: npy, npz, IDX, CSV or
        parquet files. A pattern such as ``scans/*.png`` names all files that match it.
    pipeline : sklearn.pipeline.Pipeline
        The fitted model.
    options : Options

    Returns
    -------
    inputs : Inputs

    Raises
    ------
    OSError
        If a file is missing or cannot be read.
    ValueError
        If a file does not contain images that the model takes.
    """
    recorded = _recorded(pipeline)
    if options.mnist_format is None:
        options = options._replace(mnist_format=recorded.get("mnist_format"))
    image_shape = image_shape_of(pipeline)
    paths, left_out = _expand(arguments)
    pictures = [path for path in paths if is_picture(path)]
    arrays = [path for path in paths if not is_picture(path)]
    parts, names, notes = [], [], []
    for path in arrays:
        columns = recorded.get("columns")
        images, ignored = _read_array(path, image_shape, options, columns)
        notes += ignored
        parts.append(images)
        numbers = range(len(images))
        several = len(paths) > 1
        names += [f"{path}[{i}]" for i in numbers] if several else list(numbers)
    if pictures:
        if options.mnist_format is None:
            is_mnist = _was_fitted_on_mnist_format(pipeline, image_shape)
            options = options._replace(mnist_format=is_mnist)
        images, read, done, unreadable = _read_pictures(pictures, image_shape, options)
        notes += done
        parts.append(_in_range(images, pipeline))
        names += list(map(str, read))
        left_out += unreadable
    return Inputs(np.concatenate(parts), names, notes, left_out)


def _recorded(pipeline):
    """Return what `record` left in a model; nothing if it is of another origin."""
    recorded = vars(pipeline[-1]).get(_RECORD)
    return recorded if isinstance(recorded, dict) else {}


def image_shape_of(pipeline):
    """Return the shape of the samples that a model takes."""
    first = pipeline[0]
    return getattr(first, "image_shape_", None) or (first.n_features_in_,)


def write_picture(images, file):
    """Write images as a PNG file, each pixel enlarged, ten images in a row.

    Parameters
    ----------
    images : ndarray of shape (n, height, width[, 3])
        Values are stretched to 0-255 if they exceed it.
    file : binary file
    """
    from PIL import Image

    shown = images.astype(float)
    if shown.max() > 255 or 0 < shown.max() <= 1:
        shown *= 255 / shown.max()
    shown = np.rint(shown.clip(0, 255)).astype(np.uint8)
    factor = max(1, 280 // max(shown.shape[1:3]))
    shown = shown.repeat(factor, axis=1).repeat(factor, axis=2)
    n_columns = min(10, len(shown))
    missing = -len(shown) % n_columns
    blank = np.zeros((missing, *shown.shape[1:]), dtype=np.uint8)
    rows = np.concatenate([shown, blank]).reshape(-1, n_columns, *shown.shape[1:])
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    Image.fromarray(sheet).save(file, "PNG")


def _in_range(images, pipeline):
    """Return 8-bit pixels in the range that the model was fitted on."""
    for step in pipeline:
        if isinstance(step, PixelScaler) and step.max_value != 255:
            return images * (step.max_value / 255)
    return images


def _expand(arguments):
    """Return the paths that arguments name, and sentences on what is left out."""
    paths, left_out = [], []
    for argument in arguments:
        path = Path(argument).expanduser()
        if path.is_dir():
            entries = sorted(e for e in path.iterdir() if not e.name.startswith("."))
            found = list(filter(is_picture, entries))
            if not found:
                raise ValueError(f"The folder {path} contains no pictures.")
            others = [entry for entry in entries if not is_picture(entry)]
            left_out += [f"Left out: {entry} is not a picture." for entry in others]
        elif path.exists() or not glob.has_magic(argument):
            found = [path]
        else:
            found = sorted(map(Path, glob.glob(str(path), recursive=True)))
            found = [match for match in found if not match.is_dir()]
            if not found:
                raise FileNotFoundError(f"No file matches {argument!r}.")
        paths += found
    return list(dict.fromkeys(paths)), left_out


def _read_array(path, image_shape, options, columns):
    """Read the images in an array, or the rows of a table.

    Returns
    -------
    images : ndarray of shape (n_samples, *image_shape)
    notes : list of str
    """
    notes = []
    if path.suffix == ".npz":
        (images,) = read_npz(path, _choose_images).values()
    elif path.suffix == ".npy":
        images = read_npy(path)
    elif is_table(path):
        images, notes = _read_table(path, image_shape, options.label, columns)
    else:
        images = _read_idx(path)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim == 2 and images.shape[1] == int(np.prod(image_shape)):
        images = images.reshape(-1, *image_shape)
    if images.shape == image_shape:
        images = images[np.newaxis]
    if options.transpose and images.ndim > 2:
        images = images.swapaxes(1, 2)
    if options.mnist_format and len(image_shape) > 1:
        images = _formatter(path, image_shape).fit_transform(as_images(images))
    if images.shape[1:] != image_shape:
        raise ValueError(
            f"{path} holds an array of shape {images.shape}, but the model takes "
            f"samples of shape {image_shape}: pass {('n', *image_shape)}."
        )
    return images, notes


def _read_table(path, image_shape, label, columns):
    """Read a table without its labels, with the columns that the model was fitted on.

    Parameters
    ----------
    path : pathlib.Path
    image_shape : tuple of int
    label : str or None
    columns : list of str or None
        None if the model takes images, or columns without names.

    Returns
    -------
    values : ndarray of shape (n_rows, n_features)
    said : list of str
        Which columns were left out.
    """
    notes = Notes()
    table = read_table(path, notes, label=label, needs_label=False, features=columns)
    if len(table.names) == int(np.prod(image_shape)) + 1 and label is None:
        # The training file, perhaps: its labels are found among all columns.
        notes = Notes()
        table = read_table(path, notes, label=label)
    if notes.text():
        warnings.warn(f"{path}: {notes.text()}.", UserWarning, stacklevel=1)
    said = []
    if table.label is not None and label is None:
        said.append(
            f"{path}: left out column {table.label!r}, which holds the labels (--label "
            "names another one)."
        )
    others = [name for name in table.left_out if name != label]
    if others:
        said.append(
            f"{path}: left out {listing([repr(name) for name in others])}, which the "
            "model was not trained on."
        )
    return table.values, said


def _read_idx(path):
    try:
        return read_idx(path)
    except ValueError as error:
        if path.suffix in ("", ".gz") or "idx" in path.name:
            raise
        raise ValueError(
            f"{path} is of no known kind: expected a picture (PNG, JPEG, BMP, TIFF, "
            "WebP, GIF), or an npy, npz, IDX, CSV or parquet file."
        ) from error


def _choose_images(names):
    """Return the name of the array of images among those in an npz file."""
    known = [name for name in ("x", "X", "images", "data") if name in names]
    if len(known or names) != 1:
        raise ValueError(
            f"it contains {listing(names)}, so the images are ambiguous: name them 'x'."
        )
    return known or names


def _was_fitted_on_mnist_format(pipeline, image_shape):
    """Return whether a model was fitted on images that look like those of MNIST."""
    background = getattr(pipeline[-1], "_background", None)
    is_dark = background is None or background_level(*background) == "dark"
    return image_shape == _MNIST_SHAPE and is_dark


def _read_pictures(paths, image_shape, options):
    """Read pictures as images of one shape.

    Returns
    -------
    images : ndarray of shape (n, *image_shape), uint8
    paths : list of pathlib.Path
        Of the images. Pictures that cannot be read are left out, if others can.
    notes, left_out : list of str
    """
    if len(image_shape) == 1:
        raise ValueError(
            f"{paths[0]} is a picture, but the model takes rows of {image_shape[0]} "
            "values."
        )
    convert = _formatted if options.mnist_format else _scaled
    images, read, notes, left_out = [], [], Notes(), []
    for path in paths:
        try:
            pixels = read_picture(path, notes)
            if options.transpose:
                pixels = pixels.swapaxes(0, 1)
            images.append(convert(pixels, path, image_shape))
            read.append(path)
        except (OSError, ValueError) as error:
            if len(paths) == 1:
                raise
            left_out.append(f"Left out: {error}")
    if not images:
        raise ValueError(f"None of {len(paths)} pictures can be used. {left_out[0]}")
    others = [f"{notes.text()}."] if notes.text() else []
    done = _what_was_done(read, image_shape, options.mnist_format)
    return np.stack(images), read, [*others, done], left_out


def _what_was_done(paths, image_shape, mnist_format):
    which = str(paths[0]) if len(paths) == 1 else f"{len(paths)} pictures"
    how = "brought into MNIST's format" if mnist_format else "scaled"
    other = ""
    if mnist_format:
        other = "--no-mnist-format only scales; "
    elif len(image_shape) == 2 and image_shape[0] == image_shape[1]:
        other = "--mnist-format converts; "
    size = "×".join(map(str, image_shape[:2]))
    return f"{which}: {how}, {size} pixels ({other}--show FILE writes the result)."


def _formatter(path, image_shape):
    """Return a transformer to MNIST's format at the size that a model takes."""
    size = image_shape[0]
    if image_shape != (size, size):
        raise ValueError(
            f"{path} cannot be brought into MNIST's format, because the model takes "
            f"images of shape {image_shape}: use --no-mnist-format."
        )
    return MNISTFormatter(size=size, box_size=max(1, round(size * 20 / 28)))


def _formatted(pixels, path, image_shape):
    """Return a picture in MNIST's format, at the size that the model takes."""
    (image,) = _formatter(path, image_shape).fit_transform(pixels[np.newaxis])
    if not image.any():
        raise ValueError(
            f"{path} contains no ink: all of its {pixels.shape[1]}×{pixels.shape[0]} "
            "pixels are background."
        )
    return image


def _scaled(pixels, path, image_shape):
    """Return a picture at the size and with the channels that the model takes."""
    height, width, *channels = image_shape
    if pixels.shape[:2] != (height, width):
        pixels = scale_to_size(pixels, (height, width))
    return to_channels(pixels, *channels)
