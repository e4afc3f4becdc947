"""Read and write IDX files, the format of MNIST.

An IDX file contains one array: two zero bytes, a type code, the number of dimensions,
each dimension as a big-endian uint32, then the big-endian elements in row-major order.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skmnist._atomic import replacing

if TYPE_CHECKING:
    from skmnist._typing import ArrayLike, PathLike


__all__ = ["MAX_DEFLATE_RATIO", "idx_header", "read_exactly", "read_idx", "write_idx"]

#: Largest compression ratio of deflate: 258 bytes, the longest match, for 2 bits.
MAX_DEFLATE_RATIO = 1032

_DTYPES = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
# Keyed by kind and size, e.g. "i2", so that arrays of either byte order are accepted.
_CODES = {dtype.str[1:]: code for code, dtype in _DTYPES.items()}

_GZIP_MAGIC = b"\x1f\x8b"
_NUMPY_MAX_NDIM = 64
_MAX_DIMENSION = 2**32 - 1
_CHUNK = 1 << 20


def read_idx(path: PathLike) -> np.ndarray:
    """Read an array from an IDX file.

    Gzip compression is detected by the content of the file, not by its name. The header
    is checked against the size of the file before memory is allocated.

    Parameters
    ----------
    path : path-like
        File to read.

    Returns
    -------
    array : ndarray
        Writeable array of any shape, of dtype uint8, int8, int16, int32, float32 or
        float64 in native byte order.

    Raises
    ------
    OSError
        If the file cannot be read; FileNotFoundError if it does not exist.
    ValueError
        If the file is not a valid IDX file, is truncated, or has trailing data.

    See Also
    --------
    write_idx : Write an array to an IDX file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmnist import read_idx, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte.gz"
    ...     write_idx(path, np.array([5, 0, 4], dtype=np.uint8))
    ...     read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    path = Path(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_gzip = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if not is_gzip:
            return _read_array(file, size, path)
        try:
            with gzip.GzipFile(fileobj=file) as unzipped:
                # The unpacked size is unknown in advance; this is an upper bound.
                return _read_array(unzipped, size * MAX_DEFLATE_RATIO, path)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{path} is a corrupted gzip file ({error}). Download or copy it again."
            ) from error


def write_idx(path: PathLike, array: ArrayLike) -> None:
    """Write an array to an IDX file.

    The file is written atomically: an existing file is replaced only once the new one
    is complete. The file is gzipped if its name ends in ``.gz``. Equal arrays give
    identical files.

    Parameters
    ----------
    path : path-like
        File to write. An existing file is replaced.
    array : array-like
        Array of any shape, byte order and memory layout, of dtype uint8, int8, int16,
        int32, float32 or float64.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the format does not support the dtype or shape of the array.

    See Also
    --------
    read_idx : Read an array from an IDX file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmnist import write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "images-idx3-ubyte"
    ...     write_idx(path, np.zeros((2, 28, 28), dtype=np.uint8))
    ...     path.stat().st_size
    1584
    """
    path, array = Path(path), np.asarray(array)
    header = idx_header(array)
    # Not ascontiguousarray, which makes a 0-dimensional array 1-dimensional.
    array = np.asarray(array, dtype=_DTYPES[header[2]], order="C")
    content = array.reshape(-1).view(np.uint8)
    with replacing(path) as file:
        if path.suffix == ".gz":
            # Without name and time stamp, equal arrays give identical files.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped:
                zipped.write(header)
                zipped.write(content)
        else:
            file.write(header)
            file.write(content)


def idx_header(array):
    """Return the IDX header of an array.

    Parameters
    ----------
    array : ndarray
        Array to describe.

    Returns
    -------
    header : bytes
        Header of 4 + 4 * ndim bytes.

    Raises
    ------
    ValueError
        If the format does not support the dtype or shape of the array.
    """
    code = _CODES.get(array.dtype.str[1:])
    if code is None:
        names = ", ".join(dtype.name for dtype in _DTYPES.values())
        raise ValueError(
            f"IDX files do not support dtype {array.dtype}. Convert the array with "
            f"astype to one of {names}."
        )
    if any(length > _MAX_DIMENSION for length in array.shape):
        raise ValueError(
            f"IDX files do not support arrays of shape {array.shape}: each dimension "
            f"must be at most {_MAX_DIMENSION}."
        )
    dimensions = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, code, array.ndim]) + dimensions


def read_exactly(stream, n_bytes, name):
    """Read the rest of a stream, which must have exactly `n_bytes` bytes.

    Memory use is proportional to the bytes present, not to `n_bytes`, and at most one
    byte more than `n_bytes` is unpacked.

    Parameters
    ----------
    stream : binary file
        Stream to read from its current position.
    n_bytes : int
        Expected number of bytes.
    name : str or pathlib.Path
        Name of the stream for error messages.

    Returns
    -------
    content : bytearray
        Content of the stream.

    Raises
    ------
    ValueError
        If the stream has more or fewer bytes.
    """
    # Reading in chunks keeps a small file with a large declared size from allocating
    # that size; reading one byte more than declared detects trailing data.
    content = bytearray()
    while len(content) <= n_bytes:
        chunk = stream.read(min(_CHUNK, n_bytes + 1 - len(content)))
        if not chunk:
            break
        content += chunk
    if len(content) < n_bytes:
        raise ValueError(
            f"{name} is truncated: its header declares {n_bytes} bytes of data, but "
            f"only {len(content)} are present."
        )
    if len(content) > n_bytes:
        raise ValueError(
            f"{name} has trailing data after the {n_bytes} bytes that its header "
            "declares. It is corrupted or in another format."
        )
    return content


def _read_array(stream, size_limit, path):
    """Read an IDX array from a stream of at most `size_limit` bytes.

    `path` names the stream in error messages.
    """
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(
            f"{path} is not an IDX file: it starts with the bytes "
            f"{magic.hex(' ') or '(none)'}; expected two zero bytes, a type code and "
            "the number of dimensions."
        )
    _, _, code, ndim = magic
    if code not in _DTYPES:
        known = ", ".join(f"0x{code:02X} {d.name}" for code, d in _DTYPES.items())
        raise ValueError(
            f"{path} has unknown IDX type code 0x{code:02X}; expected one of {known}."
        )
    dtype = _DTYPES[code]
    dimensions = stream.read(4 * ndim)
    if len(dimensions) < 4 * ndim:
        raise ValueError(
            f"{path} is truncated within its header: {ndim} dimensions take "
            f"{4 * ndim} bytes, but only {len(dimensions)} are present."
        )
    if ndim > _NUMPY_MAX_NDIM:
        raise ValueError(
            f"{path} declares {ndim} dimensions, but NumPy arrays have at most "
            f"{_NUMPY_MAX_NDIM}."
        )
    shape = tuple(np.frombuffer(dimensions, dtype=">u4").tolist())
    n_bytes = math.prod(shape) * dtype.itemsize
    # The header of a corrupted or malicious file may declare terabytes. Checking it
    # against the size of the file first means that such a file is rejected unread.
    if n_bytes > size_limit - len(magic) - len(dimensions):
        raise ValueError(
            f"{path} is truncated or corrupted: its header declares {dtype.name} data "
            f"of shape {shape}, {n_bytes} bytes, more than a file of this size can "
            "contain."
        )
    content = read_exactly(stream, n_bytes, path)
    try:
        array = np.ndarray(shape, dtype, content)
    except ValueError as error:  # e.g. (0, 2**32 - 1, 2**32 - 1): no data, but invalid
        raise ValueError(
            f"{path} declares shape {shape}, which NumPy does not support: {error}"
        ) from error
    if not dtype.isnative:
        array.byteswap(inplace=True)
    return array.view(dtype.newbyteorder("="))
