"""The mistakes that a classifier was surest of, with their pixels."""

import numpy as np
from scipy import sparse

_MOST = 24
# A table of fewer columns, or with negative ones, is hardly an image laid flat.
_SMALLEST_SIDE = 8
_LARGEST_SIDE = 256


def find_mistakes(out_of_fold):
    """Return the surest wrong predictions, at most 24, one for each sample.

    Parameters
    ----------
    out_of_fold : DataFrame
        Of a diagnosis.

    Returns
    -------
    mistakes : DataFrame
        Columns row, y_true, y_pred, probability and split, the surest first; in the
        order of the rows where there are no probabilities.
    """
    wrong = out_of_fold[out_of_fold["y_true"] != out_of_fold["y_pred"]].reset_index()
    surest = wrong.sort_values("probability", ascending=False, kind="stable")
    return surest.drop_duplicates("row").head(_MOST).reset_index(drop=True)


def pixels_of(X, rows):
    """Return samples as pictures to look at, or None where they are no images.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Images, or flat squares of at least 8×8 pixels without negative values.
    rows : ndarray of int

    Returns
    -------
    images : ndarray of uint8 of shape (n_rows, h, w) or (n_rows, h, w, 3), or None
        The range of the values is stretched to 0–255; of large ones every few pixels.
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
        side = round(X.shape[1] ** 0.5)
        if side < _SMALLEST_SIDE or side**2 != X.shape[1] or X.min() < 0:
            return None
        return X.reshape(-1, side, side)
    if X.ndim == 4 and X.shape[-1] == 1:
        X = X[..., 0]
    return X if X.ndim == 3 or (X.ndim == 4 and X.shape[-1] == 3) else None
