"""IDX, the file format of MNIST: a strict reader and an atomic writer.

An IDX file holds one array: two zero bytes, a type code, the number of dimensions, each
dimension as a big-endian uint32, then the elements, big-endian, in row-major order.
"""

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from skmnist._atomic import replacing

__all__ = ["MAX_DEFLATE_RATIO", "idx_header", "read_exactly", "read_idx", "write_idx"]

#: Deflate spends at least 2 bits on a match, and a match gives at most 258 bytes.
MAX_DEFLATE_RATIO = 1032

_DTYPES = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
# By kind and size, as in "i2": the byte order is the file's affair.
_CODES = {dtype.str[1:]: code for code, dtype in _DTYPES.items()}

_GZIP_MAGIC = b"\x1f\x8b"
_NUMPY_MAX_NDIM = 64
_MAX_DIMENSION = 2**32 - 1
_CHUNK = 1 << 20


def read_idx(path):
    """Read an array from an IDX file.

    The file may be gzipped, whatever its name: its first bytes tell. All that the file
    says of itself is checked, and no memory is taken for data that it cannot hold.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    array : ndarray
        Of any shape; its dtype is uint8, int8, int16, int32, float32 or float64, in
        native byte order. It can be written to.

    Raises
    ------
    OSError
        If the file cannot be read, FileNotFoundError if there is none.
    ValueError
        If its content is not one whole IDX array and nothing else.

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
                return _read_array(unzipped, size * MAX_DEFLATE_RATIO, path)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(
                f"{path} is a damaged gzip file ({error}): get it again."
            ) from error


def write_idx(path, array):
    """Write an array to an IDX file.

    The file is put in its place in one step: it is there as a whole, or as it was
    before. It is gzipped if its name ends in ``.gz``; equal arrays give equal bytes.

    Parameters
    ----------
    path : path-like
        The file. One that exists is replaced.
    array : array-like
        Of any shape; its dtype is uint8, int8, int16, int32, float32 or float64, in any
        byte order and memory layout.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If IDX cannot hold the array's dtype or its shape.

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
    # Not ascontiguousarray, which gives an array without dimensions one.
    array = np.asarray(array, dtype=_DTYPES[header[2]], order="C")
    content = array.reshape(-1).view(np.uint8)
    with replacing(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped:
                zipped.write(header)
                zipped.write(content)
        else:
            file.write(header)
            file.write(content)


def idx_header(array):
    """Return the bytes in front of an array's elements in an IDX file.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    header : bytes
        Of length 4 + 4 · ndim.

    Raises
    ------
    ValueError
        If IDX cannot hold the array's dtype or its shape.
    """
    code = _CODES.get(array.dtype.str[1:])
    if code is None:
        names = ", ".join(dtype.name for dtype in _DTYPES.values())
        raise ValueError(
            f"An IDX file cannot hold elements of dtype {array.dtype}: convert them "
            f"with astype to one of {names}."
        )
    if any(length > _MAX_DIMENSION for length in array.shape):
        raise ValueError(
            f"An IDX file cannot hold an array of shape {array.shape}: no dimension "
            f"may exceed {_MAX_DIMENSION}."
        )
    dimensions = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, code, array.ndim]) + dimensions


def read_exactly(stream, n_bytes, name):
    """Read a stream to its end, which must come after a known number of bytes.

    Memory grows with what there is, not with what was announced, and no more than one
    byte past the end is ever unpacked.

    Parameters
    ----------
    stream : binary file
        Read from where it stands.
    n_bytes : int
        How many bytes there must be.
    name : str or pathlib.Path
        What is read, for the message.

    Returns
    -------
    content : bytearray
        The bytes.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    content = bytearray()
    while len(content) <= n_bytes:
        chunk = stream.read(min(_CHUNK, n_bytes + 1 - len(content)))
        if not chunk:
            break
        content += chunk
    if len(content) < n_bytes:
        raise ValueError(
            f"{name} is cut off: its header declares {n_bytes} bytes of data, but "
            f"{len(content)} are there."
        )
    if len(content) > n_bytes:
        raise ValueError(
            f"{name} goes on after the {n_bytes} bytes of data that its header "
            "declares: it is damaged or something else."
        )
    return content


def _read_array(stream, size_limit, path):
    """Read an array from a stream that holds at most `size_limit` bytes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(
            f"{path} is not an IDX file: it begins with the bytes "
            f"{magic.hex(' ') or '(none)'}, but two zero bytes, a type code and the "
            "number of dimensions were expected."
        )
    _, _, code, ndim = magic
    if code not in _DTYPES:
        known = ", ".join(f"0x{code:02X} {d.name}" for code, d in _DTYPES.items())
        raise ValueError(
            f"{path} has the unknown IDX type code 0x{code:02X}; the format has "
            f"{known}."
        )
    dtype = _DTYPES[code]
    dimensions = stream.read(4 * ndim)
    if len(dimensions) < 4 * ndim:
        raise ValueError(
            f"{path} is cut off within its header: {ndim} dimensions take {4 * ndim} "
            f"bytes, but {len(dimensions)} are there."
        )
    if ndim > _NUMPY_MAX_NDIM:
        raise ValueError(
            f"{path} declares {ndim} dimensions, but a numpy array has at most "
            f"{_NUMPY_MAX_NDIM}."
        )
    shape = tuple(np.frombuffer(dimensions, dtype=">u4").tolist())
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes > size_limit - len(magic) - len(dimensions):
        raise ValueError(
            f"{path} is cut off or damaged: its header declares {dtype.name} data of "
            f"shape {shape}, {n_bytes} bytes, more than a file of this size can hold."
        )
    content = read_exactly(stream, n_bytes, path)
    try:
        array = np.ndarray(shape, dtype, content)
    except ValueError as error:  # (0, 2**32 - 1, 2**32 - 1) is empty, yet too big
        raise ValueError(
            f"{path} declares the shape {shape}, which numpy cannot hold: {error}"
        ) from error
    if not dtype.isnative:
        array.byteswap(inplace=True)
    return array.view(dtype.newbyteorder("="))
