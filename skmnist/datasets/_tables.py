"""Read tables of pixels or other features, with labels: CSV and parquet files."""

import re
from io import BytesIO
from typing import NamedTuple

import numpy as np

from skmnist.datasets import _csv, _parquet
from skmnist.datasets._arrays import as_labels
from skmnist.datasets._npy import listing
from skmnist.datasets._picture_folders import PictureStack
from skmnist.datasets._pictures import read_picture

# Names of a column of labels, in lower case, in the order of preference.
_LABEL_NAMES = ("label", "class", "target", "y", "digit", "labels", "species")
# Names of a column that numbers the rows, as pandas and Kaggle write it.
_ROW_NAMES = ("", "unnamed: 0", "id", "imageid", "index", "__index_level_0__")
_PIXEL_NAME = re.compile(r"(pixel|px|x|f|feature)?[_ -]?\d+([x_-]\d+)*", re.IGNORECASE)
# Rows from which the columns are told apart.
_SAMPLED_ROWS = 1_000
_MISSING = ("", "nan", "NaN")
# A first column of 0, 1, 2, ... or 1, 2, 3, ... without a name numbers the rows.
_NUMBERED_ROWS = 20
# A pixel in the corner of an image is seldom ink; a class is seldom this frequent.
_MOST_OF_ONE_LABEL = 0.95


class Table(NamedTuple):
    """The columns of a file.

    Attributes
    ----------
    values : ndarray
        Features of shape (n_rows, n_features), or images of shape (n_rows, h, w[, 3]).
    names : list of str
        The names of the features.
    labels, groups : ndarray of shape (n_rows,) or None
    """

    values: np.ndarray
    names: list
    labels: np.ndarray | None
    groups: np.ndarray | None


class _Columns(NamedTuple):
    """The numbers of the columns by what they contain."""

    features: list
    label: int | None
    groups: int | None


def is_table(path):
    """Return whether the ending of a path is that of a table."""
    return _csv.is_csv(path) or path.suffix.lower() in _parquet.SUFFIXES


def read_table(
    path,
    notes,
    *,
    label=None,
    groups=None,
    needs_label=True,
    image_shape=None,
    formatter=None,
):
    """Read a table in chunks.

    Parameters
    ----------
    path : pathlib.Path
        A CSV file (with commas, semicolons, tabs or bars, also compressed) or a parquet
        file. The latter may contain encoded pictures in one column.
    notes : Notes
        What was done to pictures, and columns that are left out.
    label : str, default=None
        Name of the column of labels, or its number from 0, negative from the end. None
        finds it: by its name; as the only column with text; as the only one beside
        pixels; or, in a file without names, as the first or last column.
    groups : str, default=None
        Name or number of a column of groups.
    needs_label : bool, default=True
        Whether to raise ValueError if no column of labels is found.
    image_shape : tuple of int, default=None
        Size of encoded pictures, as in `read_class_folders`.
    formatter : MNISTFormatter, default=None
        Applied to encoded pictures.

    Returns
    -------
    table : Table
        Whole numbers from 0 to 255 are stored as uint8, others as int64 or float64.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a table of numbers with one label each; it names row and column.
    """
    file = _csv.CsvFile(path) if _csv.is_csv(path) else _parquet.ParquetFile(path)
    sample = next(iter(file.chunks(n_rows=_SAMPLED_ROWS)), None)
    if sample is None or not len(sample):
        raise ValueError(f"{path} contains no rows.")
    columns = _choose_columns(file, sample, label, groups, needs_label, notes)
    features = _Numbers()
    if _has_pictures(sample, columns):
        features = _Pictures(file, image_shape, formatter, notes)
    texts = {i: [] for i in (columns.label, columns.groups) if i is not None}
    n_rows = 0
    for frame in file.chunks(as_text=list(texts)):
        features.add(file, frame[columns.features], n_rows)
        for position, parts in texts.items():
            parts.append(_present(file, frame[position], n_rows))
        n_rows += len(frame)
    texts = {position: np.concatenate(parts) for position, parts in texts.items()}
    return Table(
        features.result(),
        [file.names[position] for position in columns.features],
        None if columns.label is None else _as_typed(texts[columns.label], path),
        texts.get(columns.groups),
    )


class _Numbers:
    """Features that are numbers, collected chunk by chunk."""

    def __init__(self):
        self._blocks = []

    def add(self, file, frame, first_row):
        if not all(dtype.kind in "biuf" for dtype in frame.dtypes):
            _raise_bad_cell(file, frame, first_row)
        block = frame.to_numpy()
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            _raise_bad_cell(file, frame, first_row)
        fits = block.min() >= 0 and block.max() <= 255
        if block.dtype.kind == "b" or (fits and (block == np.rint(block)).all()):
            block = block.astype(np.uint8)
        self._blocks.append(block)

    def result(self):
        return np.concatenate(self._blocks)


class _Pictures:
    """Features that are encoded pictures in one column, as on Hugging Face."""

    def __init__(self, file, image_shape, formatter, notes):
        self._notes = notes
        self._stack = PictureStack(file.n_rows, image_shape, formatter, file.path)
        self._must_agree = image_shape is None and formatter is None
        self._size = None

    def add(self, file, frame, first_row):
        for row, cell in enumerate(frame.iloc[:, 0], first_row + 1):
            content = cell.get("bytes") if isinstance(cell, dict) else cell
            try:
                pixels = read_picture(BytesIO(content), self._notes)
            except (TypeError, ValueError, OSError) as error:
                raise ValueError(
                    f"{file.path} contains no readable picture in row {row}: "
                    f"{error.__cause__ or error}."
                ) from error
            self._size = self._size or pixels.shape[:2]
            if self._must_agree and pixels.shape[:2] != self._size:
                raise ValueError(
                    f"{file.path} has pictures of several sizes, another one in row "
                    f"{row}: pass image_shape, such as (28, 28), to scale them."
                )
            self._stack.add(pixels, f"row {row}", self._notes)

    def result(self):
        return self._stack.images


def _choose_columns(file, sample, label, groups, needs_label, notes):
    """Return which columns are features, label and groups."""
    asked_for = [
        None if name is None else _position(file, name) for name in (label, groups)
    ]
    positions = []
    for position, name in enumerate(file.names):
        reason = _reason_to_leave_out(file, sample, position)
        if reason is None or position in asked_for:
            positions.append(position)
        else:
            notes.add(f"left out, {reason}", f"column {name!r}")
    label, groups = asked_for
    if groups is not None:
        positions.remove(groups)
    if label is None:
        label = _find_label(file, sample, positions, needs_label)
        if label is None and needs_label:
            some = dict.fromkeys((*positions[:3], positions[-1]))
            shown = listing([file.names[i] for i in some])
            raise ValueError(
                f"{file.path} has no column that is known to contain labels among "
                f"{len(positions)} ({shown}): pass its name, or its number, as label."
            )
    if label in positions:
        positions.remove(label)
    if not positions:
        raise ValueError(f"{file.path} has no columns beside the labels.")
    return _Columns(positions, label, groups)


def _reason_to_leave_out(file, sample, position):
    """Return why a column is no feature, or None."""
    values, name = sample[position], file.names[position].strip().lower()
    n_rows = len(values)
    if values.dtype.kind not in "biuf" and (values.astype(str).str.strip() == "").all():
        return None if name else "as it is empty"
    if file.has_names and name in _ROW_NAMES and values.nunique() == n_rows > 1:
        return "as it numbers the rows"
    if position == 0 and not file.has_names and n_rows >= _NUMBERED_ROWS:
        numbers = np.arange(n_rows)
        if _is_numeric(values) and (values - values.iloc[0] == numbers).all():
            return "as it numbers the rows"
    return None


def _position(file, name):
    """Return the number of a column that was named, or numbered."""
    names = file.names
    if name in names:
        return names.index(name)
    if re.fullmatch(r"-?\d+", str(name)) and -len(names) <= int(name) < len(names):
        return int(name) % len(names)
    raise ValueError(f"{file.path} has no column {name!r}: it has {listing(names)}.")


def _find_label(file, sample, positions, needs_label):
    """Return the number of the column of labels, or None if nothing tells it."""
    names = [name.strip().lower() for name in file.names]
    if file.has_names:
        for name in _LABEL_NAMES:
            if names.count(name) == 1 and names.index(name) in positions:
                return names.index(name)
    if not needs_label:
        return None
    text = [
        i for i in positions if not _is_numeric(sample[i]) and not _is_bytes(sample[i])
    ]
    if len(text) == 1:
        return text[0]
    others = [i for i in positions if not _PIXEL_NAME.fullmatch(names[i])]
    if len(others) == 1 and len(positions) > 2:
        return others[0]
    if file.has_names and others:
        return None
    # A label repeats and varies; the corner of an image is constant or varies widely.
    # All rows are read, because they may be sorted by label.
    ends = [positions[0], positions[-1]]
    parts = list(file.chunks(columns=ends))
    ends = [i for i in ends if _may_be_label(np.concatenate([p[i] for p in parts]))]
    return ends[0] if len(ends) == 1 else None


def _may_be_label(values):
    if values.dtype.kind not in "iuf" or (values != np.rint(values)).any():
        return False
    counts = np.unique(values, return_counts=True)[1]
    repeats = 2 <= len(counts) <= max(2, len(values) // 2)
    return repeats and counts.max() <= _MOST_OF_ONE_LABEL * len(values)


def _is_numeric(values):
    return values.dtype.kind in "biuf"


def _is_bytes(values):
    return isinstance(values.iloc[0], bytes | dict)


def _has_pictures(sample, columns):
    (first, *others) = columns.features
    return not others and _is_bytes(sample[first])


def _present(file, values, first_row):
    """Return a column of labels or groups as an array; raise if a value is missing."""
    array = values.to_numpy()
    missing = values.isna().to_numpy()
    if array.dtype.kind == "O":
        texts = values.astype(str).str.strip()
        missing = missing | texts.isin(_MISSING).to_numpy()
    if missing.any():
        name = file.names[values.name]
        raise ValueError(
            f"{file.path} has no value in column {name!r} of row "
            f"{first_row + int(missing.argmax()) + 1}: complete or remove the row."
        )
    return array


def _as_typed(labels, path):
    """Return labels as numbers if all of them are, and as text otherwise."""
    source = f"The column of labels in {path}"
    if labels.dtype.kind == "O" and not all(isinstance(v, str) for v in labels):
        labels = labels.astype(str)
    if labels.dtype.kind != "O":
        return as_labels(labels, source)
    texts = np.char.strip(labels.astype(str))
    unique = np.unique(texts).tolist()
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", text, re.ASCII) for text in unique):
        return texts.astype(np.int64)
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return texts
    # Numbers such as 007 are names.
    return as_labels(numbers, source) if any("." in t for t in unique) else texts


def _raise_bad_cell(file, frame, first_row):
    """Raise ValueError with the first cell that is not a finite number."""
    import pandas as pd

    numbers = frame.astype(str).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    bad = np.argwhere(~np.isfinite(numbers))
    if not len(bad):
        names = [file.names[i] for i in frame if frame[i].dtype.kind not in "biuf"]
        raise ValueError(
            f"{file.path} has columns that are not stored as numbers of 64 bits: "
            f"{listing(names)}."
        )
    row, place = bad[0]
    cells = [str(cell).strip() for cell in frame.iloc[row]]
    name, cell = file.names[frame.columns[place]], cells[place]
    where = f"{file.path}, row {first_row + row + 1}"
    filled = len(cells)
    while filled and cells[filled - 1] in _MISSING:
        filled -= 1
    if filled <= place:
        raise ValueError(
            f"{where} is too short: the columns from {name!r} on have no value."
        )
    if cell in _MISSING:
        raise ValueError(
            f"{where} has no value in column {name!r}: complete or remove the row."
        )
    raise ValueError(
        f"{where} has {cell[:40]!r} in column {name!r}; expected a number. If the "
        "column contains the labels, pass its name as label."
    )
