"""Read labelled images from files: IDX, npz, CSV, parquet, and folders of pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from skmnist.datasets._arrays import (
    IDX_NAME,
    NPZ_KEYS,
    PARTS,
    Part,
    check_part,
    expected_files,
    find_arrays,
    join,
    read_part,
)
from skmnist.datasets._bunch import make_bunch
from skmnist.datasets._npy import listing, read_npz
from skmnist.datasets._picture_folders import find_class_folders, read_class_folders
from skmnist.datasets._pictures import Notes, is_picture
from skmnist.datasets._tables import is_table, read_table
from skmnist.preprocessing._images import check_image_shape

if TYPE_CHECKING:
    from typing import Literal

    from skmnist._typing import BunchOrTuple, PathLike, Shape
    from skmnist.preprocessing import MNISTFormatter


@validate_params(
    {
        "path": [str, os.PathLike],
        "subset": [StrOptions(set(PARTS))],
        "label": [str, int, None],
        "groups": [str, int, None],
        "image_shape": [tuple, list, None],
        "transpose": ["boolean"],
        "formatter": [HasMethods("fit_transform"), None],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_images(
    path: PathLike,
    subset: Literal["train", "test", "all"] = "train",
    *,
    label: str | int | None = None,
    groups: str | int | None = None,
    image_shape: Shape | None = None,
    transpose: bool = False,
    formatter: MNISTFormatter | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> BunchOrTuple:
    """Load labelled images, or rows of a table, from files.

    Parameters
    ----------
    path : path-like
        One of these:

        - a folder with a subfolder of pictures (PNG, JPEG, BMP, TIFF, WebP, GIF, PNM)
          for each class, whose name is the label; or with subfolders ``train`` and
          ``test`` of such folders;
        - a CSV file (``.csv``, ``.tsv``, ``.txt``, optionally compressed as ``.gz`` or
          ``.zip``) with one row per image and a column of labels; its other columns are
          numbers, without thousands separators, or True and False;
        - a parquet file of the same form, or with a column of encoded pictures;
          requires pyarrow;
        - a folder of IDX files with the file names of MNIST, optionally after a common
          prefix; or the IDX file of the images, with that of the labels beside it;
        - an npz file with the arrays x_train and y_train (and x_test and y_test), X and
          y, images and labels, or data and target.
    subset : {"train", "test", "all"}, default="train"
        Subset to load; "all" is the training subset followed by the test subset. Data
        that are not divided are the training subset.
    label : str or int, default=None
        Column of the labels in a CSV or parquet file: its name, or its number from 0,
        negative from the end. If None, it is the column named label, class, target, y
        or digit; or the only column with text; or the only one beside those named after
        pixels; or, if the columns have no names, the first or the last one, if only one
        of them can contain labels. If another column is as likely, an error lists both.
    groups : str or int, default=None
        Column of a CSV or parquet file, or array in an npz file, of groups such as
        writers, returned as `groups`.
    image_shape : tuple of int, default=None
        (height, width), or (height, width, channels). Flat rows are reshaped to it.
        Pictures are scaled to it, their aspect ratio preserved, and are grey without
        channels. If None, flat rows are images if they have a square number of pixels,
        at least 8×8, none of them negative; and pictures keep their size if at least
        half of them have the same size, or are scaled to 28×28 otherwise.
    transpose : bool, default=False
        Whether rows and columns of each image are exchanged, as in the files of EMNIST.
    formatter : MNISTFormatter, default=None
        Transformer that is applied to each image; pictures are not scaled before.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        data : ndarray or DataFrame of shape (n_samples, n_features)
            Flat images, or the rows of a table; uint8 for pictures.
        images : ndarray of shape (n_samples, height, width[, channels])
            Images, which share memory with `data` if it is an ndarray; `data` itself if
            the rows are not images.
        target : ndarray or Series of shape (n_samples,)
            Labels: int64, str or bool.
        feature_names : list of str
            Names of the columns, or ``pixel_{row}_{column}[_{channel}]``.
        target_names : ndarray of shape (n_classes,)
            Classes, sorted.
        frame : DataFrame or None
            `data` and `target` if ``as_frame=True``, otherwise None.
        groups : ndarray of shape (n_samples,)
            Only if `groups` is given.
        filenames : ndarray of shape (n_samples,)
            Only of pictures: their paths, relative to `path`.
        label : str
            Only of CSV and parquet files: the name of the column of labels.
        DESCR : str
            Description of the data set.
    (data, target) : tuple
        If ``return_X_y=True``.

    Raises
    ------
    OSError
        If a file is missing or cannot be read.
    ValueError
        If the files do not contain labelled images, or the subset is missing. The
        message contains the path, and row and column of a table.

    Warns
    -----
    UserWarning
        One warning that lists what was done to pictures (scaled, turned as EXIF says,
        transparent ones laid on white, 16 bits reduced to 8) and which files were left
        out because they cannot be read.

    See Also
    --------
    fetch_mnist : Load MNIST, and verify that it is MNIST.
    skmnist.preprocessing.MNISTFormatter : Bring images into the format of MNIST.

    Examples
    --------
    A CSV file as Kaggle writes it, with the label first:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skmnist import load_digits28, load_images
    >>> digits = load_digits28()
    >>> frame = pd.DataFrame(digits.data[:50]).add_prefix("pixel")
    >>> frame.insert(0, "label", digits.target[:50])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "train.csv"
    ...     frame.to_csv(path, index=False)
    ...     bunch = load_images(path)
    >>> bunch.images.shape, bunch.images.dtype, bunch.target[:5]
    ((50, 28, 28), dtype('uint8'), array([0, 1, 2, 3, 4]))
    """
    path = Path(path).expanduser()
    if (path / path.name).is_file():  # archives unpack a file to a folder of its name
        path = path / path.name
    if image_shape is not None:
        check_image_shape(image_shape, with_minus_one=False)
        image_shape = tuple(map(int, image_shape))
    notes = Notes()
    options = {"label": label, "groups": groups, "image_shape": image_shape}
    parts = []
    for name in PARTS[subset]:
        part = _read(path, name, formatter, notes, **options)
        if part is None:
            raise ValueError(_missing_part(path, subset))
        parts.append(_arranged(part, image_shape, transpose, formatter))
        if part.filenames is not None:  # pictures of the test subset get this size, too
            options["image_shape"] = parts[0].images.shape[1:]
    images, target = join(parts)
    bunch = make_bunch(
        images, target, f"Images from {path}", return_X_y, as_frame, parts[0].names
    )
    notes.warn(path, stacklevel=3)  # `validate_params` lies in between
    if return_X_y:
        return bunch
    for name in ("groups", "filenames"):
        if getattr(parts[0], name) is not None:
            bunch[name] = np.concatenate([getattr(part, name) for part in parts])
    if parts[0].label is not None:
        bunch.label = parts[0].label
        bunch.DESCR += f"\n\nThe labels are in column {bunch.label!r}."
    if notes.text():
        bunch.DESCR += f"\n\n{notes.text()}"
    return bunch


def has_test_part(path):
    """Return whether a folder or an npz file is divided into two subsets."""
    path = Path(path).expanduser()
    if path.is_dir():
        found = find_arrays(path, "test") or find_class_folders(path, "test", Notes())
        return found is not None
    if path.suffix.lower() != ".npz":
        return False
    names = []
    read_npz(path, lambda found: names.extend(found) or [])
    return any(set(pair) <= set(names) for pair in NPZ_KEYS["test"])


def _read(path, name, formatter, notes, *, label, groups, image_shape):
    """Read one subset of any kind of file; return None if it is missing."""
    if is_table(path) and not path.is_dir():
        if name == "test":
            return None
        table = read_table(
            path,
            notes,
            label=label,
            groups=groups,
            image_shape=image_shape,
            formatter=formatter,
        )
        source = str(path)
        part = Part(
            table.values,
            table.labels,
            (source,) * 2,
            table.names,
            table.groups,
            label=table.label,
        )
        check_part(part)
        return part
    if label is not None:
        raise ValueError(
            f"label={label!r} names a column of a CSV or parquet file, and {path} is "
            "neither."
        )
    if not path.is_dir():
        _check_kind(path)
        return read_part(path, name, groups)
    if find_arrays(path, name):
        return read_part(path, name, groups)
    classes = find_class_folders(path, name, notes)
    if classes is None:
        return None
    if groups is not None:
        raise ValueError(
            f"groups={groups!r} names a column of a table or an array of an npz file, "
            f"and {path} is a folder of pictures."
        )
    images, labels, filenames = read_class_folders(
        classes, source=path, image_shape=image_shape, formatter=formatter, notes=notes
    )
    return Part(images, labels, (str(path), str(path)), filenames=filenames)


def _check_kind(path):
    """Raise ValueError for a file that is of no kind that contains labelled images."""
    if is_picture(path):
        raise ValueError(
            f"{path} is a single picture without a label: pass the folder that "
            "contains a subfolder of pictures for each class."
        )
    is_known = path.suffix.lower() == ".npz" or IDX_NAME.fullmatch(path.name)
    if path.is_file() and not is_known:
        raise ValueError(
            f"{path} is of no known kind: expected a CSV, parquet or npz file, IDX "
            "files named as those of MNIST, or a folder."
        )


def _arranged(part, image_shape, transpose, formatter):
    """Return a part with its images reshaped, transposed and formatted as asked."""
    images = part.images
    # Pictures, also those in a table, are shaped and formatted while they are read.
    is_read = part.filenames is not None or (part.names and images.ndim > 2)
    if images.ndim == 2 and image_shape is not None:
        if np.prod(image_shape) != images.shape[1]:
            raise ValueError(
                f"{part.sources[0]} has rows of {images.shape[1]} values, which are "
                f"not images of the shape image_shape={image_shape}."
            )
        images = images.reshape(-1, *image_shape)
    images = as_images(images)
    if transpose:
        if images.ndim == 2:
            raise ValueError(
                f"{part.sources[0]} has rows of {images.shape[1]} values, which cannot "
                "be transposed: pass image_shape."
            )
        images = np.ascontiguousarray(images.swapaxes(1, 2))
    if formatter is not None and not is_read:
        images = formatter.fit_transform(images)
    return part._replace(images=images)


def as_images(X):
    """Return flat rows as square images, if they can be images, and others unchanged.

    Rows of fewer than 8×8 values, or with negative values, are rows of a table.
    """
    if X.ndim != 2:
        return X
    side = round(X.shape[1] ** 0.5)
    if side < 8 or side**2 != X.shape[1] or X.min() < 0:
        return X
    return X.reshape(-1, side, side)


def _missing_part(path, subset):
    """Return what a folder contains and what was expected."""
    if not path.is_dir():
        return f"{path} is not divided into a training and a test subset."
    entries = sorted(path.iterdir())
    found = f"{path} contains {listing([entry.name for entry in entries])}; expected "
    hint = ""
    if any(map(is_picture, entries)):
        hint = " Pictures without labels can be predicted, but not learned from."
    return (
        f"{found}{expected_files(PARTS[subset])}, or a folder with a subfolder of "
        f"pictures for each class.{hint}"
    )
