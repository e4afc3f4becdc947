"""NumPy's own files, read strictly: no objects, no more memory than a file can fill."""

import math
import os
import zipfile
from pathlib import Path

import numpy as np

from skmnist.datasets._idx import MAX_DEFLATE_RATIO, read_exactly

_RATIOS = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MAX_DEFLATE_RATIO}


def read_npy(path):
    """Read an array of numbers or strings from an npy file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    array : ndarray
        In native byte order and row-major.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If its content is not one whole array and nothing else.
    """
    path = Path(path)
    with open(path, "rb") as file:
        try:
            return read_array(file, os.fstat(file.fileno()).st_size, "it")
        except MemoryError:
            raise
        except Exception as error:  # numpy parses the header with Python's own parser
            raise ValueError(
                f"{path} cannot be read as an npy file: {error}"
            ) from error


def read_npz(path, choose):
    """Read some arrays of numbers or strings from an npz file.

    Parameters
    ----------
    path : path-like
        The file.
    choose : callable
        Takes the names of the arrays in the file and returns those to read. It raises
        ValueError where they are not the right ones.

    Returns
    -------
    arrays : dict of str to ndarray
        By the names chosen, in native byte order and row-major.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged, is something else, or holds other arrays.
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
        # Of damaged bytes zipfile and numpy raise a dozen types between them.
        except Exception as error:
            raise ValueError(
                f"{path} cannot be read as an npz file: {error}"
            ) from error


def listing(names, limit=8):
    """Write some names into a sentence."""
    shown = ", ".join(names[:limit]) or "nothing"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _read_member(archive, name, size):
    """Read a member of an npz file of `size` bytes."""
    info = archive.getinfo(name)
    # zipfile unpacks the other methods of compression without bounds.
    if info.compress_type not in _RATIOS:
        raise ValueError(f"{name} is compressed in a way that numpy does not write.")
    if info.file_size > _RATIOS[info.compress_type] * min(info.compress_size, size):
        raise ValueError(f"{name} declares more data than a file of this size holds.")
    with archive.open(info) as member:
        return read_array(member, info.file_size, name)


def read_array(stream, size, name):
    """Read an npy stream of `size` bytes; allocate only what it holds."""
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):  # later ones allow a header of gigabytes
        raise ValueError(f"{name} has the npy version {version}, not (1, 0).")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biufU" or not dtype.itemsize:
        raise ValueError(
            f"{name} has dtype {dtype}, but numbers or strings were expected."
        )
    n_bytes, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or n_bytes != there:
        raise ValueError(
            f"{name} declares {dtype} data of shape {shape}, {n_bytes} bytes, but "
            f"holds {there} bytes."
        )
    content = read_exactly(stream, n_bytes, name)
    order = "F" if fortran_order else "C"
    array = np.ndarray(shape, dtype, content, order=order)
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)
