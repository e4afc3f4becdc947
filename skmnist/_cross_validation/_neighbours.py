"""What the nearest training samples of each test sample are labelled."""

from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist._cross_validation._reference import _flatten, _shares_one_unit

# With fewer neighbours, the votes are too coarse to tell sure samples from others.
_N_NEIGHBOURS = 15
# Training rows of a split that are searched.
_MAX_ROWS = 5000


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The vote of the nearest training samples, of the first split that tests a row.

    Attributes
    ----------
    majority : ndarray of int of shape (n_rows,)
        The most frequent class among the neighbours; −1 for a row that is not tested.
    share : ndarray of float of shape (n_rows,)
        The fraction of the neighbours that are of this class.
    """

    majority: np.ndarray
    share: np.ndarray


def find_neighbours(X, codes, splits, seed):
    """Let the nearest training samples of each test sample vote on its class.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Standardised by feature, unless all share a unit, as pixels do.
    codes : ndarray of int of shape (n_samples,)
        Classes.
    splits : list of (train, test)
    seed : int or None
        Draws at most 5,000 training rows of a split.

    Returns
    -------
    neighbours : Neighbours or None
        None if X is not numeric, or a split has too few training samples.
    """
    if min(len(train) for train, _ in splits) < 2 * _N_NEIGHBOURS:
        return None
    try:
        flat = _flatten(X)
    except (ValueError, TypeError):
        return None
    values = flat.data if hasattr(flat, "tocsr") else flat
    if values.dtype.kind == "f" and np.isinf(values).any():
        return None
    scaler = StandardScaler(with_mean=not hasattr(flat, "tocsr"))
    scale = [] if _shares_one_unit(X, flat) else [scaler]
    voters = make_pipeline(
        SimpleImputer(keep_empty_features=True),
        *scale,
        KNeighborsClassifier(_N_NEIGHBOURS),
    )
    rng = np.random.default_rng(seed)
    majority, share = np.full(len(codes), -1), np.full(len(codes), np.nan)
    for train, test in splits:
        new = test[majority[test] < 0]
        if len(train) > _MAX_ROWS:
            train = rng.choice(train, _MAX_ROWS, replace=False)
        if len(new):
            voters.fit(flat[train], codes[train])
            votes = voters.predict_proba(flat[new])
            majority[new] = voters.classes_[np.argmax(votes, axis=1)]
            share[new] = votes.max(axis=1)
    return Neighbours(majority, share)
