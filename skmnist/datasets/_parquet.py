"""Parquet files, read in chunks of rows whose columns are numbered."""

SUFFIXES = (".parquet", ".pq")
_CHUNK_VALUES = 4_000_000


class ParquetFile:
    """A parquet file with the interface of `CsvFile`.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is not a parquet file.
    """

    has_names = True
    decimal = "."

    def __init__(self, path):
        try:
            from pyarrow import ArrowException
            from pyarrow.parquet import ParquetFile as File
        except ImportError as error:
            raise ImportError(
                f"Reading {path} requires pyarrow: pip install pyarrow."
            ) from error
        self.path = path
        with open(path, "rb"):  # its own errors name no file
            pass
        try:
            self._file = File(path)
            self.names = self._file.schema_arrow.names
            self.n_rows = self._file.metadata.num_rows
        except (ArrowException, OSError) as error:
            raise ValueError(
                f"{path} cannot be read as a parquet file: {str(error).rstrip('.')}."
            ) from error

    def chunks(self, as_text=(), n_rows=None, columns=None):
        """Yield the rows in DataFrames with columns 0, 1, ..., values as stored."""
        from pyarrow import ArrowException

        n_rows = n_rows or max(1, _CHUNK_VALUES // len(self.names))
        try:
            for batch in self._file.iter_batches(batch_size=n_rows):
                # The metadata of pandas would make a column the index.
                frame = batch.to_pandas(ignore_metadata=True)
                frame = frame.set_axis(range(len(self.names)), axis=1)
                yield frame if columns is None else frame[columns]
        except (ArrowException, OSError) as error:
            raise ValueError(
                f"{self.path} cannot be read as a parquet file: {error}."
            ) from error
