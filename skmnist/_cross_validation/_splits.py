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

    Raises
    ------
    ValueError
        If there is no split, or one is not a pair of rows of X, has an empty side, or
        tests rows that it trains on.
    """
    if cv is None or isinstance(cv, Integral):
        grouped = groups is not None
        cv = shuffled_folds(5 if cv is None else cv, random_state, grouped=grouped)
    splits = check_cv(cv).split(X, y, groups)
    rows = [_rows(split, n, len(y)) for n, split in enumerate(splits, 1)]
    if not rows:
        raise ValueError(f"cv={cv!r} has no splits.")
    check_splits(rows)
    return rows


def check_splits(splits):
    """Check that no split is empty on a side or tests rows that it trains on.

    Parameters
    ----------
    splits : list of (train, test)
        Arrays of int.

    Raises
    ------
    ValueError
        If one does.
    """
    for number, (train, test) in enumerate(splits, 1):
        if not len(train) or not len(test):
            side = "test" if len(train) else "training"
            raise ValueError(f"Split {number} of cv has no {side} samples.")
        n_both = len(np.intersect1d(train, test))
        if n_both:
            raise ValueError(
                f"Split {number} of cv tests {n_both:,} samples that it trains on, so "
                "their error would not be that of new samples: leave them out of one "
                "side."
            )


def _rows(split, number, n_samples):
    """Return a split as row numbers that are not negative."""
    try:
        return tuple(np.arange(n_samples)[_as_index(side)] for side in split)
    except IndexError as error:
        raise ValueError(
            f"Split {number} of cv should be rows of X to train on and to test, but "
            f"{error}."
        ) from error


def _as_index(side):
    side = np.asarray(side)
    return side if side.size else side.astype(int)
