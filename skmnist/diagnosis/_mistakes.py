"""The wrong predictions with the highest probability, and their pixels."""

import math

import numpy as np
from scipy import sparse

from skmnist._images import is_flat_image

#: Of samples that are shown.
MOST_SHOWN = 24
_LARGEST_SIDE = 256


def find_mistakes(out_of_fold):
    """Return the wrong predictions with the highest probability, at most 24.

    Each sample is listed once.

    Parameters
    ----------
    out_of_fold : DataFrame
        Of a diagnosis.

    Returns
    -------
    mistakes : DataFrame
        Columns row, y_true, y_pred, probability and split, the most probable first; in
        the order of the rows without probabilities.
    """
    wrong = out_of_fold[out_of_fold["y_true"] != out_of_fold["y_pred"]].reset_index()
    surest = wrong.sort_values("probability", ascending=False, kind="stable")
    return surest.drop_duplicates("row").head(MOST_SHOWN).reset_index(drop=True)


def pixels_of(X, rows):
    """Return samples as 8-bit images, or None if they are not images.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Images, or flat squares of at least 8×8 pixels without negative values.
    rows : ndarray of int

    Returns
    -------
    images : ndarray of uint8 of shape (n_rows, h, w) or (n_rows, h, w, 3), or None
        Values are stretched to 0–255. Images of more than 256 pixels a side are
        subsampled.
    """
    if sparse.issparse(X) or not len(rows):
        return None
    X = X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows]
    images = _as_images(np.asarray(X))
    if images is None:
        return None
    step = -(-max(images.shape[1:3]) // _LARGEST_SIDE)
    images = images[:, ::step, ::step].astype(float)
    low, high = min(0.0, images.min()), images.max()
    return np.rint((images - low) / ((high - low) or 1) * 255).astype(np.uint8)


def _as_images(X):
    if X.dtype.kind not in "buif" or not np.isfinite(X).all():
        return None
    if X.ndim == 2:
        side = math.isqrt(X.shape[1])
        return X.reshape(-1, side, side) if is_flat_image(X) else None
    if X.ndim == 4 and X.shape[-1] == 1:
        X = X[..., 0]
    return X if X.ndim == 3 or (X.ndim == 4 and X.shape[-1] == 3) else None
