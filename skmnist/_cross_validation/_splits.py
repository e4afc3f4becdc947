"""The splits of a cross-validation."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    BaseShuffleSplit,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

# What always draws its splits at random; of other splitters, `shuffle` tells.
_DRAWN = Integral, BaseShuffleSplit, RepeatedKFold, RepeatedStratifiedKFold


def shuffled_folds(n_folds, random_state, *, grouped=False):
    """Return the splitter that a number of folds means in this package.

    Parameters
    ----------
    n_folds : int
    random_state : int, RandomState instance or None
        None shuffles as 0 does, so that two diagnoses of the same samples have the same
        splits, and can be compared.
    grouped : bool, default=False
        Whether groups of samples are never divided.

    Returns
    -------
    cv : StratifiedKFold or StratifiedGroupKFold
    """
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    seed = 0 if random_state is None else random_state
    return kind(n_folds, shuffle=True, random_state=seed)


def is_shuffled(cv):
    """Return whether splits are drawn at random.

    Returns
    -------
    shuffled : bool or None
        False for folds that could be shuffled; None if it is not known, or if the order
        of the samples is to be kept, as in a series.
    """
    if cv is None or isinstance(cv, _DRAWN) or getattr(cv, "shuffle", False):
        return True
    return False if isinstance(cv, KFold | StratifiedKFold) else None


def rows_of_splits(cv, X, y, groups=None, random_state=None):
    """Return the row numbers of each split.

    Parameters
    ----------
    cv : int, cross-validator or iterable of (train, test)
        Row numbers or boolean masks, arrays or lists. An integer means shuffled
        stratified folds, and None 5 of them.
    X, y, groups : array-like of shape (n_samples, ...)
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds of an integer `cv`; None does it as 0.

    Returns
    -------
    splits : list of (train, test)
        Arrays of int.
    """
    if cv is None or isinstance(cv, Integral):
        grouped = groups is not None
        cv = shuffled_folds(5 if cv is None else cv, random_state, grouped=grouped)
    splits = check_cv(cv).split(X, y, groups)
    return [tuple(_rows(side) for side in split) for split in splits]


def _rows(side):
    side = np.asarray(side)
    return np.flatnonzero(side) if side.dtype == bool else side
