"""Read npy and npz files without pickle and with bounded memory."""

import math
import os
import zipfile
from pathlib import Path

import numpy as np

from skmnist.datasets._idx import MAX_DEFLATE_RATIO, read_exactly

# Largest possible ratio of unpacked to packed size, by zip compression method.
_RATIOS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MAX_DEFLATE_RATIO}


def read_npy(path):
    """Read an array of numbers or strings from an npy file.

    Parameters
    ----------
    path : path-like
        File to read.

    Returns
    -------
    array : ndarray
        Array in native byte order and row-major order.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not a valid npy file, is truncated, or has trailing data.
    """
    path = Path(path)
    with open(path, "rb") as file:
        try:
            return read_array(file, os.fstat(file.fileno()).st_size, "it")
        except MemoryError:
            raise
        except Exception as error:  # numpy evaluates the header as Python literals
            raise ValueError(
                f"{path} cannot be read as an npy file: {error}"
            ) from error


def read_npz(path, choose):
    """Read selected arrays of numbers or strings from an npz file.

    Parameters
    ----------
    path : path-like
        File to read.
    choose : callable
        Function ``choose(names) -> names`` that takes the names of the arrays in the
        file and returns those to read. It raises ValueError if the required arrays are
        missing.

    Returns
    -------
    arrays : dict of str to ndarray
        Selected arrays by name, in native byte order and row-major order.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is corrupted, is not an npz file, or lacks the required arrays.
    """
    path = Path(path)
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                names = choose([n.removesuffix(".npy") for n in archive.namelist()])
                size = os.fstat(file.fileno()).st_size
                return {n: _read_member(archive, f"{n}.npy", size) for n in names}
        except MemoryError:
            raise
        # zipfile and numpy raise many types of exceptions for corrupted files.
        except Exception as error:
            raise ValueError(
                f"{path} cannot be read as an npz file: {error}"
            ) from error


def listing(names, limit=8):
    """Join up to `limit` names with commas and count the rest; "nothing" if empty."""
    shown = ", ".join(names[:limit]) or "nothing"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _read_member(archive, name, size):
    """Read the array in member `name` of an npz file of `size` bytes."""
    info = archive.getinfo(name)
    # zipfile reads bzip2 and LZMA members without bounding the unpacked size.
    if info.compress_type not in _RATIOS:
        raise ValueError(
            f"{name} has zip compression method {info.compress_type}; expected 0 "
            "(stored) or 8 (deflated), as written by numpy.savez."
        )
    # file_size and compress_size are declared in the zip directory, which may be
    # corrupted; `size` is the actual size of the file.
    if info.file_size > _RATIOS[info.compress_type] * min(info.compress_size, size):
        raise ValueError(
            f"{name} declares {info.file_size} bytes of data, more than a file of this "
            "size can contain."
        )
    with archive.open(info) as member:
        return read_array(member, info.file_size, name)


def read_array(stream, size, name):
    """Read an array from an npy stream.

    Parameters
    ----------
    stream : binary file
        Stream at the start of an npy file.
    size : int
        Number of bytes in the stream.
    name : str
        Name of the stream for error messages.

    Returns
    -------
    array : ndarray
        Array in native byte order and row-major order.

    Raises
    ------
    ValueError
        If the format version or the dtype is not supported, or the declared size
        differs from `size`.
    """
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):  # later versions allow headers of several gigabytes
        raise ValueError(f"{name} has npy version {version}; expected (1, 0).")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biufU" or not dtype.itemsize:
        raise ValueError(f"{name} has dtype {dtype}; expected numbers or strings.")
    # Compare before allocating: a corrupted header may declare terabytes.
    n_bytes, n_available = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or n_bytes != n_available:
        raise ValueError(
            f"{name} declares {dtype} data of shape {shape}, {n_bytes} bytes, but "
            f"contains {n_available} bytes."
        )
    content = read_exactly(stream, n_bytes, name)
    order = "F" if fortran_order else "C"
    array = np.ndarray(shape, dtype, content, order=order)
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)
