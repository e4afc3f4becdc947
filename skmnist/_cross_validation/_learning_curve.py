"""Train on parts of each split, to see whether more data would help."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import FitFailedWarning

#: The fractions of the training rows; all rows are trained on in any case.
FRACTIONS = (0.1, 0.25, 0.5, 0.75)
# Each class of a part needs a sample to train on, and one that `fit` may hold out.
_LEAST_OF_A_CLASS = 2


def run_learning_curve(cross_validation, estimator, folds):
    """Train on nested, stratified parts of each split.

    Parameters
    ----------
    cross_validation : CrossValidation
    estimator : classifier
    folds : list of Fold
        Trained on all rows of each split.

    Returns
    -------
    curve : DataFrame
        Columns train_size, fold, train_accuracy, validation_accuracy.
    half : list of Fold or None
        Those trained on half of each split; None if a class is too rare for that.
    """
    y, splits = cross_validation.y, cross_validation.splits
    orders = [_stratified_order(train, y, cross_validation.seed) for train, _ in splits]
    rarest = min(
        np.unique(y[train], return_counts=True)[1].min() for train, _ in splits
    )
    curves = []
    for fraction in FRACTIONS:
        if fraction * rarest < _LEAST_OF_A_CLASS:
            continue
        parts = [
            (order[: round(fraction * len(order))], test)
            for order, (_, test) in zip(orders, splits, strict=True)
        ]
        part_folds = _run_part(
            cross_validation, estimator, fraction, parts, len(curves) * len(splits)
        )
        if part_folds is not None:
            curves.append((fraction, [len(train) for train, _ in parts], part_folds))
    curves.append((1.0, [len(train) for train, _ in splits], folds))
    rows = [
        {
            "train_size": size,
            "fold": fold.number,
            "train_accuracy": fold.train_accuracy,
            "validation_accuracy": fold.validation_accuracy,
        }
        for _, sizes, part_folds in curves
        for size, fold in zip(sizes, part_folds, strict=True)
    ]
    halves = [part_folds for fraction, _, part_folds in curves if fraction == 0.5]
    return pd.DataFrame(rows), halves[0] if halves else None


def _run_part(cross_validation, estimator, fraction, parts, done):
    """Train on one part of each split; warn and return None if it is too small."""
    try:
        return cross_validation.run(
            estimator, "learning curve", done=done, cv=parts, epochs=False
        )
    except ValueError as error:
        warnings.warn(
            f"The learning curve leaves out the point at {100 * fraction:g} % of the "
            f"samples: {error}",
            FitFailedWarning,
            stacklevel=5,  # the caller of `diagnose_fit`
        )
        return None


def _stratified_order(train, y, seed):
    """Return the rows in an order whose every beginning is stratified."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(train)
    place = np.empty(len(rows))
    # Each class is spread evenly over [0, 1), with a random offset.
    for label in np.unique(y[rows]):
        (members,) = np.nonzero(y[rows] == label)
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return rows[np.argsort(place, kind="stable")]
