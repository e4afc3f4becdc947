"""Train on parts of each split, to see whether more data would help."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import FitFailedWarning

from skmnist._cross_validation._folds import run_folds

#: The parts of the training rows; all of them are trained on anyway.
FRACTIONS = (0.1, 0.25, 0.5, 0.75)
# Each class of a part needs a sample to train on, and one that `fit` may hold out.
_LEAST_OF_A_CLASS = 2


def run_learning_curve(
    estimator,
    X,
    y,
    splits,
    folds,
    *,
    params=None,
    n_jobs=None,
    seed=None,
    progress=None,
):
    """Train on parts of each split, nested and stratified, and judge as ever.

    Parameters
    ----------
    estimator : classifier
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)
    folds : list of Fold
        Trained on all of each split.
    params : dict, default=None
        Metadata for `fit`.
    n_jobs : int, default=None
    seed : int, default=None
        Draws the parts.
    progress : FitProgress, default=None

    Returns
    -------
    curve : DataFrame
        Columns train_size, fold, train_accuracy, validation_accuracy.
    half : list of Fold or None
        Those trained on half of each split; None where a class is too rare for that.
    """
    orders = [_stratified_order(train, y, seed) for train, _ in splits]
    rarest = min(
        np.unique(y[train], return_counts=True)[1].min() for train, _ in splits
    )
    sizes, curves = [], []
    for fraction in FRACTIONS:
        if fraction * rarest < _LEAST_OF_A_CLASS:
            continue
        parts = [
            (order[: round(fraction * len(order))], test)
            for order, (_, test) in zip(orders, splits, strict=True)
        ]
        done = len(sizes) * len(splits)
        try:
            part_folds = run_folds(
                estimator,
                X,
                y,
                cv=parts,
                params=params,
                n_jobs=n_jobs,
                epochs=False,
                progress=progress and progress.stage("learning curve", done),
                random_state=seed,
            )
        except ValueError as error:  # too few samples for this estimator
            warnings.warn(
                f"The learning curve leaves {100 * fraction:g} % of the samples out: "
                f"{error}",
                FitFailedWarning,
                stacklevel=4,
            )
            continue
        sizes.append([len(train) for train, _ in parts])
        curves.append((fraction, part_folds))
    sizes.append([len(train) for train, _ in splits])
    curves.append((1.0, folds))
    codes = np.unique(y, return_inverse=True)[1]
    rows = [
        {
            "train_size": size,
            "fold": fold.number,
            "train_accuracy": np.mean(fold.train_codes == codes[fold.train]),
            "validation_accuracy": np.mean(fold.test_codes == codes[fold.test]),
        }
        for row, (_, part_folds) in zip(sizes, curves, strict=True)
        for size, fold in zip(row, part_folds, strict=True)
    ]
    return pd.DataFrame(rows), dict(curves).get(0.5)


def _stratified_order(train, y, seed):
    """Return the rows in an order of which every beginning is stratified."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(train)
    place = np.empty(len(rows))
    for label in np.unique(y[rows]):
        (members,) = np.nonzero(y[rows] == label)
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return rows[np.argsort(place, kind="stable")]
