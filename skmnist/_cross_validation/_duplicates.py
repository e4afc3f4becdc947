"""Find samples that are on both sides of a split."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import lambertw
from scipy.stats import chi2

from skmnist._content import content_of, hash_rows


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Test rows that are identical to a training row of their split.

    Attributes
    ----------
    twins : ndarray of bool of shape (n_samples,)
        Whether a row was tested by a split that trained on an identical one.
    by_chance : bool
        Whether features drawn independently of each other would give as many identical
        pairs of rows, to a factor of 100: there are only few possible rows.
    equally_many : bool
        Whether the numbers of identical rows scatter less than chance, as if the data
        had been copied.
    """

    twins: np.ndarray
    by_chance: bool
    equally_many: bool


def find_duplicates(X, splits):
    """Find test rows that are identical to a training row of their split.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
    splits : list of (train, test)

    Returns
    -------
    duplicates : Duplicates
    """
    keys = _keys(X)
    twins = np.zeros(len(keys), dtype=bool)
    for train, test in splits:
        twins[test] |= np.isin(keys[test], keys[train])
    if not twins.any():
        return Duplicates(twins, by_chance=False, equally_many=False)
    counts = np.unique(keys, return_counts=True)[1]
    return Duplicates(twins, _are_by_chance(X, counts), _are_equally_many(counts))


def _are_by_chance(X, counts):
    """Return whether independent features would give as many identical pairs."""
    n = int(np.sum(counts))
    least = np.sum(counts * (counts - 1.0)) / 2 / 100
    expected = n * (n - 1) / 2
    for column in _columns(X):
        shares = np.unique(column, return_counts=True)[1] / n
        expected *= np.sum(shares**2)
        if expected < least:
            return False
    return True


def _columns(X):
    """Iterate over the features of X as arrays of shape (n_samples,)."""
    if isinstance(X, pd.DataFrame):
        columns = (X.iloc[:, [k]] for k in range(X.shape[1]))
        return (pd.factorize(hash_rows(column))[0] for column in columns)
    if sparse.issparse(X):
        X = sparse.csc_array(X)
        return (X[:, [k]].toarray().ravel() for k in range(X.shape[1]))
    X = np.asarray(X)
    if X.ndim == 1 or X.dtype.kind not in "biufc":
        return iter(())
    return iter(X.reshape(len(X), -1).T)


def _are_equally_many(counts):
    """Return whether the numbers of equal rows scatter less than chance at 1 %.

    Rows that are drawn independently are at least as unequal in number as a Poisson
    distribution without its zeros. Copies are equally many.
    """
    mean = np.mean(counts)
    if mean == 1 or len(counts) == 1:
        return False
    rate = mean + float(lambertw(-mean * np.exp(-mean)).real)
    variance = mean * (1 + rate - mean)
    scatter = np.sum((counts - mean) ** 2) / variance
    return bool(scatter < chi2.ppf(0.01, len(counts) - 1))


def _keys(X):
    """Return an integer per row, equal for identical rows."""
    if isinstance(X, pd.DataFrame):
        return hash_rows(X)
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        rows = (X[[i]] for i in range(X.shape[0]))
        texts = (row.indices.tobytes() + row.data.tobytes() for row in rows)
    else:
        X = np.asarray(X)
        numbers = X.ndim > 1 and X.dtype.kind in "biufc"
        texts = map(bytes, X) if numbers else map(content_of, X.tolist())
    # Hashes, because keeping the rows themselves would double the memory.
    return np.fromiter(map(hash, texts), np.int64)
