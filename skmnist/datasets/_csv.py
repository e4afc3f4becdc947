"""CSV files, read in chunks of rows whose columns are numbered."""

import contextlib
import csv
import gzip
import io
import re
import warnings
import zipfile
from functools import partial

from skmnist.datasets._headers import are_names, are_numbers_and_names
from skmnist.datasets._separators import (
    Kind,
    decimal_of,
    kind_of,
    may_contain_commas,
)

SUFFIXES = (".csv", ".tsv", ".txt")
_COMPRESSED = (".gz", ".zip")
# In the order of preference.
_DELIMITERS = ";,\t|"
_QUOTED = re.compile(r'"[^"]*"')
# Rows below the first, by which it is told whether that contains names.
_SAMPLED_ROWS = 1_000
# Values in memory at a time, each of 8 bytes.
_CHUNK_VALUES = 4_000_000


def is_csv(path):
    """Return whether the ending of a path is that of a CSV file, also compressed."""
    suffix = path.suffix.lower()
    if suffix in _COMPRESSED:
        suffix = path.with_suffix("").suffix.lower()
    return suffix in SUFFIXES


class CsvFile:
    """A CSV file with commas, semicolons, tabs or bars between the values.

    Parameters
    ----------
    path : pathlib.Path
        Optionally compressed by gzip, or the only file in a zip archive.
    asked_for : sequence, default=()
        Names of columns that the caller uses. They are found also beside numbers.

    Attributes
    ----------
    names : list of str
        Names of the columns; their numbers from 0 if `has_names` is False.
    has_names : bool
        Whether the file contains names: in its first row, or in the comment before it
        that `numpy.savetxt` writes.
    decimal : {".", ","}
        What is read as the decimal separator.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not text, or has fewer than two columns.
    """

    def __init__(self, path, asked_for=()):
        self.path = path
        with self._reported(), self._text() as text:
            head = _Head(text)
        if not head.rows:
            raise ValueError(f"{path} is empty.")
        if "\0" in head.rows[0]:
            raise ValueError(f"{path} is not a CSV file: it contains binary data.")
        self._delimiter = _find_delimiter(*head.rows, *[""] * (2 - len(head.rows)))
        with self._reported():
            first, second, comment = head.split(self._delimiter)
        if len(first) < 2:
            raise ValueError(
                f"{path} is not a CSV file of two or more columns: its first line is "
                f"{str(first)[:60]}."
            )
        self._n_comments = head.n_comments
        self.decimal = "."
        self._is_first_row_names = False
        self.names = comment or list(map(str, range(len(first))))
        if not comment:
            self._is_first_row_names = are_names(first, second) or (
                are_numbers_and_names(first, self._rows_below_first, asked_for)
            )
        if self._is_first_row_names:
            self.names = first
        self.has_names = bool(comment) or self._is_first_row_names
        with self._reported(), self._text() as text:
            has_commas = may_contain_commas(text, self._delimiter)
        if has_commas:
            self.decimal = decimal_of(self.chunks(), self._delimiter)

    def chunks(self, as_text=(), n_rows=None, columns=None):
        """Yield the rows in DataFrames with columns 0, 1, ...

        Parameters
        ----------
        as_text : sequence of int
            Columns that are not converted to numbers.
        n_rows : int, default=None
            Yield only the first rows, in one frame.
        columns : list of int, default=None
            Yield only these columns.
        """
        import pandas as pd

        with self._text() as text:
            for _ in range(self._n_comments):
                text.readline()
            reader = self._read(
                pd.read_csv,
                text,
                sep=self._delimiter,
                decimal=self.decimal,
                header=0 if self._is_first_row_names else None,
                names=list(range(len(self.names))),
                usecols=columns,
                dtype=dict.fromkeys(as_text, str),
                # Otherwise rows that are one value too long would shift the columns.
                index_col=False,
                # "NA" is text, which is reported with its row, or a label.
                na_filter=False,
                nrows=n_rows,
                chunksize=max(1, _CHUNK_VALUES // len(self.names)),
            )
            while (frame := self._read(next, reader, None)) is not None:
                yield frame

    def _rows_below_first(self, columns):
        """Return the text of some columns in many rows below the first."""
        rows = self.chunks(columns, n_rows=_SAMPLED_ROWS, columns=columns)
        frame = next(rows, None)
        # Rows that are too short are reported when all of the file is read.
        return [] if frame is None else frame.iloc[1:].fillna("")

    def _read(self, function, *args, **kwargs):
        # Not around `yield`, where the caller would run with the filters of warnings.
        with self._reported():
            return function(*args, **kwargs)

    def _text(self):
        """Return the file opened as text."""
        opener = {".gz": gzip.open, ".zip": _only_member}.get(
            self.path.suffix.lower(), partial(open, mode="rb")
        )
        file = opener(self.path)
        return io.TextIOWrapper(file, "utf-8-sig", newline="")

    @contextlib.contextmanager
    def _reported(self):
        """Raise ValueError with the path in place of the errors of the modules used."""
        import pandas as pd

        try:
            with warnings.catch_warnings():
                # Rows that are longer than the first: values would be dropped.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                warnings.simplefilter("ignore", pd.errors.DtypeWarning)
                yield
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.path} is not a CSV file in UTF-8: it contains the byte "
                f"0x{error.object[error.start]:02x}."
            ) from error
        except pd.errors.ParserWarning as error:
            raise ValueError(
                f"{self.path} has rows of more than {len(self.names)} values, the "
                "number of values in its first line."
            ) from error
        except pd.errors.ParserError as error:
            text = str(error).strip().removeprefix("Error tokenizing data. C error: ")
            raise ValueError(
                f"{self.path} cannot be read as a CSV file of {len(self.names)} "
                f"columns: {text.rstrip('.')}."
            ) from error
        except (csv.Error, EOFError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
            raise ValueError(f"{self.path} cannot be read: {error}.") from error


class _Head:
    """The lines before the first row of a file, and the first two rows.

    Attributes
    ----------
    rows : list of str
        Up to two lines.
    n_comments : int
        Number of lines before the first row.
    """

    def __init__(self, text):
        self.rows, comments = [], []
        for number, line in enumerate(text, 1):
            if line.startswith("#") and not self.rows:
                comments.append((number, line))
            elif line.strip():
                self.rows.append(line)
            if len(self.rows) == 2:
                break
        self.n_comments, self._comment = comments[-1] if comments else (0, "")
        self._if_data = [line for _, line in comments[:2]]
        if not self.rows:
            self._take_comments_as_rows()

    def split(self, delimiter):
        """Return the cells of both rows, and the names in the last comment, if any."""
        first, second = self._cells(delimiter)
        text = re.sub("^#+ *", "", self._comment)
        if text.startswith(delimiter):  # a column named "#"
            text = f"#{text}"
        comment = [cell.strip() for cell in _split(text, delimiter)]
        if len(comment) != len(first):
            return first, second, []
        if are_names(comment, first):
            return first, second, comment
        # A label may be "#"; numbers beside it are no comment.
        if any(kind_of(cell) is not Kind.TEXT for cell in comment[1:]):
            self._take_comments_as_rows()
            first, second = self._cells(delimiter)
        return first, second, []

    def _cells(self, delimiter):
        cells = [_split(line, delimiter) for line in self.rows]
        return *cells, *[[]] * (2 - len(cells))

    def _take_comments_as_rows(self):
        self.rows = [*self._if_data, *self.rows][:2]
        self.n_comments, self._comment = 0, ""


def _split(line, delimiter):
    return next(csv.reader([line], delimiter=delimiter), [])


def _find_delimiter(first, second):
    """Return the delimiter, judged by the first two lines."""
    first, second = (_QUOTED.sub("", line) for line in (first, second))
    commas = first.count(",")
    for delimiter in _DELIMITERS:
        # Rows of values with decimal commas contain one comma more than delimiters.
        n = first.count(delimiter)
        is_constant = not second or second.count(delimiter) == n
        if delimiter != "," and n and is_constant and n >= commas - 1:
            return delimiter
    return max(_DELIMITERS, key=first.count)


def _only_member(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ValueError(f"{path} contains {len(names)} files; expected one.")
        return archive.open(names[0])
