"""Find samples that are on both sides of a split."""

import numpy as np
import pandas as pd
from scipy import sparse


def find_duplicates(X, splits):
    """Return which test rows are identical to a training row of their split.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
    splits : list of (train, test)

    Returns
    -------
    duplicates : ndarray of bool of shape (n_samples,)
    """
    keys = _keys(X)
    duplicates = np.zeros(len(keys), dtype=bool)
    for train, test in splits:
        duplicates[test] |= np.isin(keys[test], keys[train])
    return duplicates


def _keys(X):
    """Return an integer per row, equal for identical rows."""
    if isinstance(X, pd.DataFrame):
        return pd.util.hash_pandas_object(X, index=False).to_numpy()
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        rows = (X[[i]] for i in range(X.shape[0]))
        texts = (row.indices.tobytes() + row.data.tobytes() for row in rows)
    else:
        X = np.asarray(X)
        numbers = X.ndim > 1 and X.dtype.kind in "biufc"
        texts = map(bytes, X) if numbers else map(repr, X.tolist())
    # Hashes, because keeping the rows themselves would double the memory.
    return np.fromiter(map(hash, texts), np.int64)
