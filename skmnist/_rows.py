"""Some rows of an array that is too large to copy."""

import contextlib
import mmap
import os
import threading
from collections import Counter
from pathlib import Path

import numpy as np


class Rows:
    """Some rows of an array, copied only where they are read.

    Indexing with a slice or with row numbers returns an ndarray of those rows, equal to
    ``array[rows][index]``. `numpy.asarray` copies all of them.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        Not copied; usually a memory map.
    rows : ndarray of int of shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist._rows import Rows
    >>> some = Rows(np.arange(10).reshape(5, 2), np.array([4, 0, 1]))
    >>> some.shape
    (3, 2)
    >>> some[[0, 2]]
    array([[8, 9],
           [2, 3]])
    """

    def __init__(self, array, rows):
        self._array = array
        self._rows = rows

    @property
    def shape(self):
        """The number of rows, and the shape of each."""
        return len(self._rows), *self._array.shape[1:]

    @property
    def ndim(self):
        """The number of dimensions."""
        return self._array.ndim

    @property
    def dtype(self):
        """The dtype of the array."""
        return self._array.dtype

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, index):
        return self._array[self._rows[index]]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype)

    def reshape(self, _, *row_shape):
        """Return the same rows, each in another shape."""
        return Rows(self._array.reshape(-1, *row_shape), self._rows)

    def take(self, rows):
        """Return some of these rows, without copying any."""
        return Rows(self._array, self._rows[rows])

    def blocks(self, n_bytes=2**24):
        """Yield all rows in order, as arrays of about `n_bytes`."""
        size = max(1, n_bytes // max(1, self[:1].nbytes))
        for start in range(0, len(self), size):
            yield self[start : start + size]


def is_memory_mapped(X):
    """Return whether X is an array whose values are in a memory-mapped file."""
    return _mapping(X) is not None


@contextlib.contextmanager
def read_in_random_order(X):
    """Tell the operating system that the rows of a large memory map are shuffled.

    It would otherwise read the pages around each row as well, of which none is used
    before others take its place if the file is larger than the free memory.
    """
    mapping = _mapping(X)
    if (
        mapping is None
        or not hasattr(mmap, "MADV_RANDOM")
        or len(mapping) <= _available_memory()
    ):
        yield
        return
    with _readers_lock:
        _readers[id(mapping)] += 1
        mapping.madvise(mmap.MADV_RANDOM)
    try:
        yield
    finally:
        with _readers_lock:
            _readers[id(mapping)] -= 1
            if not _readers[id(mapping)]:
                del _readers[id(mapping)]
                mapping.madvise(mmap.MADV_NORMAL)


# The number of fits, which may run in several threads, that read a map.
_readers = Counter()
_readers_lock = threading.Lock()


def _mapping(X):
    """Return the mmap object that holds the values of an array; None without one."""
    if isinstance(X, Rows):
        X = X._array
    while isinstance(X, np.ndarray):
        X = X.base
    return X if isinstance(X, mmap.mmap) else None


def _available_memory():
    """Return the bytes that can be used without swapping; all memory if unknown."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
