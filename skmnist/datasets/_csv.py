"""CSV files, read in chunks of rows whose columns are numbered."""

import contextlib
import csv
import gzip
import io
import re
import warnings
import zipfile
from functools import partial

SUFFIXES = (".csv", ".tsv", ".txt")
_COMPRESSED = (".gz", ".zip")
# In the order of preference: values with decimal commas contain as many commas.
_DELIMITERS = ";,\t|"
# Names 0, 1, 2, ... are told from values if there are this many of them.
_NUMBERED_COLUMNS = 8
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

    Attributes
    ----------
    names : list of str
        Names of the columns; their numbers from 0 if `has_names` is False.
    has_names : bool
        Whether the first row contains names.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not text, or has fewer than two columns.
    """

    def __init__(self, path):
        self.path = path
        with self._reported(), self._text() as text:
            lines = (line for line in text if line.strip())
            first, second = next(lines, ""), next(lines, "")
        if not first:
            raise ValueError(f"{path} is empty.")
        if "\0" in first:
            raise ValueError(f"{path} is not a CSV file: it contains binary data.")
        self._delimiter = max(_DELIMITERS, key=first.count)
        first, second = (
            next(csv.reader([line], delimiter=self._delimiter), [])
            for line in (first, second)
        )
        if len(first) < 2:
            raise ValueError(
                f"{path} is not a CSV file of two or more columns: its first line is "
                f"{str(first)[:60]}."
            )
        has_commas = any(re.fullmatch(r"-?\d+,\d+", cell) for cell in [*first, *second])
        self._decimal = "," if has_commas else "."
        self.has_names = _are_names(first, second, self._decimal)
        self.names = first if self.has_names else list(map(str, range(len(first))))

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
            reader = self._read(
                pd.read_csv,
                text,
                sep=self._delimiter,
                decimal=self._decimal,
                header=0 if self.has_names else None,
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


def _are_names(first, second, decimal):
    """Return whether the first of two rows contains the names of the columns."""

    def is_number(text):
        try:
            float(text.replace(decimal, "."))
        except ValueError:
            return False
        return True

    numbers = [value for value in first if is_number(value)]
    if len(numbers) <= len(first) // 2:
        pairs = zip(first, second, strict=False)
        # Text in both rows may be labels; the other cells decide.
        told = any(not is_number(name) and is_number(value) for name, value in pairs)
        return told or (not numbers and not second)
    # A DataFrame of an array has the names 0, 1, 2, ...
    starts = (list(map(str, range(i, i + len(numbers)))) for i in (0, 1))
    return len(numbers) >= _NUMBERED_COLUMNS and numbers in starts


def _only_member(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ValueError(f"{path} contains {len(names)} files; expected one.")
        return archive.open(names[0])
