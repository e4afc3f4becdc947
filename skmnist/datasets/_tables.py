"""Read tables of pixels or other features, with labels: CSV and parquet files."""

import re
from io import BytesIO
from typing import NamedTuple

import numpy as np

from skmnist.datasets import _csv, _parquet
from skmnist.datasets._arrays import as_labels
from skmnist.datasets._columns import (
    Columns,
    choose_columns,
    is_bytes,
    is_named,
    is_numeric,
    position_of,
    positions_of,
)
from skmnist.datasets._npy import listing
from skmnist.datasets._picture_folders import PictureStack
from skmnist.datasets._pictures import read_picture
from skmnist.datasets._separators import Kind, kind_of

# Rows from which the columns are told apart.
_SAMPLED_ROWS = 1_000
_MISSING = ("", "nan", "NaN")


class Table(NamedTuple):
    """The columns of a file.

    Attributes
    ----------
    values : ndarray
        Features of shape (n_rows, n_features), or images of shape (n_rows, h, w[, 3]).
    names : list of str
        The names of the features.
    labels, groups : ndarray of shape (n_rows,) or None
    label : str or None
        The name of the column of labels.
    left_out : list of str
        The names of columns that are not among the features asked for.
    """

    values: np.ndarray
    names: list
    labels: np.ndarray | None
    groups: np.ndarray | None
    label: str | None
    left_out: list


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
    features=None,
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
        pixels; or, in a file without names, as the first or last column. It is not
        found if another column is as likely.
    groups : str, default=None
        Name or number of a column of groups.
    needs_label : bool, default=True
        Whether to raise ValueError if no column of labels is found.
    features : list of str, default=None
        Names of the columns that a model was trained on: if the file has names, these
        are read, without labels. None reads all columns beside the labels.
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
    if _csv.is_csv(path):
        file = _csv.CsvFile(path, asked_for=(label, groups))
    else:
        file = _parquet.ParquetFile(path)
    sample = next(iter(file.chunks(n_rows=_SAMPLED_ROWS)), None)
    if sample is None or not len(sample):
        raise ValueError(f"{path} contains no rows.")
    asked_for = [
        None if name is None else position_of(file, name) for name in (label, groups)
    ]
    left_out = []
    if features is not None and is_named([*features, *file.names]):
        columns = Columns(positions_of(file, features))
        left_out = [name for name in file.names if name not in features]
    else:
        columns = choose_columns(file, sample, *asked_for, needs_label, notes)
    collected = _Numbers()
    if _has_pictures(sample, columns):
        collected = _Pictures(file, image_shape, formatter, notes)
    texts = {i: [] for i in (columns.label, columns.groups) if i is not None}
    n_rows = 0
    for frame in file.chunks(as_text=list(texts)):
        collected.add(file, frame[columns.features], n_rows)
        for position, parts in texts.items():
            parts.append(_present(file, frame[position], n_rows))
        n_rows += len(frame)
    texts = {position: np.concatenate(parts) for position, parts in texts.items()}
    names = [file.names[position] for position in columns.features]
    labels = label_name = None
    if columns.label is not None:
        label_name = file.names[columns.label]
        labels = _as_typed(texts[columns.label], file, label_name)
    return Table(
        collected.result(),
        names,
        labels,
        texts.get(columns.groups),
        label_name,
        left_out,
    )


class _Numbers:
    """Features that are numbers, collected chunk by chunk."""

    def __init__(self):
        self._blocks = []

    def add(self, file, frame, first_row):
        if not all(dtype.kind in "biuf" for dtype in frame.dtypes):
            _raise_bad_cell(file, frame, first_row)
        booleans = [i for i, dtype in frame.dtypes.items() if dtype.kind == "b"]
        # Otherwise the array of bools and numbers would be one of objects.
        block = frame.astype(dict.fromkeys(booleans, np.uint8)).to_numpy()
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            _raise_bad_cell(file, frame, first_row)
        fits = block.min() >= 0 and block.max() <= 255
        if fits and (block == np.rint(block)).all():
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


def _has_pictures(sample, columns):
    (first, *others) = columns.features
    return not others and is_bytes(sample[first])


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


def _as_typed(labels, file, name):
    """Return labels as numbers if all of them are, and as text otherwise."""
    source = f"Column {name!r} of {file.path}"
    if labels.dtype.kind == "O" and not all(isinstance(v, str) for v in labels):
        labels = labels.astype(str)
    if labels.dtype.kind != "O":
        return as_labels(labels, source)
    texts = np.char.strip(labels.astype(str))
    unique = np.unique(texts).tolist()
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", text, re.ASCII) for text in unique):
        return texts.astype(np.int64)
    try:
        numbers = np.char.replace(texts, file.decimal, ".").astype(np.float64)
    except ValueError:
        return texts
    # Numbers such as 007 are names.
    has_decimals = any(file.decimal in text for text in unique)
    return as_labels(numbers, source) if has_decimals else texts


def _raise_bad_cell(file, frame, first_row):
    """Raise ValueError with the first cell that is not a finite number."""
    numbers = np.transpose([_as_numbers(frame[i], file.decimal) for i in frame])
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
    kind = kind_of(cell) if _csv.is_csv(file.path) else Kind.TEXT
    expected = _expected(cell, kind)
    raise ValueError(f"{where} has {cell[:40]!r} in column {name!r}; {expected}")


def _as_numbers(values, decimal):
    """Return a column as floats, NaN for cells that are no number."""
    import pandas as pd

    if is_numeric(values):
        return values.to_numpy(float)
    texts = values.astype(str).str.strip()
    if decimal == ",":
        texts = texts.where(~texts.str.contains(".", regex=False), "")
        texts = texts.str.replace(",", ".")
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float, copy=True)
    booleans = texts.str.lower().isin(["true", "false"]).to_numpy()
    # They are no numbers among numbers, but beside them another cell is to be named.
    if not np.isfinite(numbers).any():
        numbers[booleans] = 0
    return numbers


def _expected(cell, kind):
    """Return the end of the sentence on a cell that is no finite number."""
    if cell.lower().strip("+-") in ("nan", "inf", "infinity"):
        return "expected a finite number."
    if kind is Kind.TEXT:
        return (
            "expected a number. If the column contains the labels, pass its name as "
            "label; encode other text as numbers, for example with pandas.get_dummies."
        )
    if kind is Kind.AMBIGUOUS:
        readings = cell.replace(",", "."), cell.replace(",", "")
        expected = "it may be {} or {}, and the file does not show which".format(
            *readings
        )
    elif kind is Kind.POINT:
        expected = "expected a decimal comma, as in other numbers of the file"
    else:
        expected = "expected a number with a decimal point and no thousands separators"
    return (
        f"{expected}: read the file with pandas.read_csv, whose parameters decimal and "
        "thousands decide, and write it again with to_csv."
    )
