"""Recognise images that are given as rows."""

import math

from scipy import sparse

# Rows with fewer features are not taken for images.
_SMALLEST_SIDE = 8


def is_flat_image(X):
    """Return whether every row can be a square image.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n_samples, n_features)
        Numbers.

    Returns
    -------
    is_image : bool
        Whether there are at least 8×8 features, as many as in a square, and no negative
        values.
    """
    if sparse.issparse(X):
        return False
    side = math.isqrt(X.shape[1])
    is_square = side >= _SMALLEST_SIDE and side**2 == X.shape[1]
    return is_square and (X.dtype.kind in "bu" or bool(X.min() >= 0))
