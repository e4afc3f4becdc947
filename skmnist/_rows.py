"""Some rows of an array that is too large to copy."""

import mmap

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
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return isinstance(X, mmap.mmap)
