"""Find samples that stand on both sides of a split."""

import numpy as np
import pandas as pd
from scipy import sparse


def find_twins(X, splits):
    """Tell which rows are tested although an identical one was trained on.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
    splits : list of (train, test)

    Returns
    -------
    twins : ndarray of bool of shape (n_samples,)
    """
    keys = _keys(X)
    twins = np.zeros(len(keys), dtype=bool)
    for train, test in splits:
        twins[test] |= np.isin(keys[test], keys[train])
    return twins


def _keys(X):
    """Return an integer for each row, the same for identical rows."""
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
    # Hashes, not the rows: they would be a second copy of the data.
    return np.fromiter(map(hash, texts), np.int64)
