"""Train on parts of each split, to see whether more data would help."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import FitFailedWarning

#: The fractions of the training rows; all rows are trained on in any case.
FRACTIONS = (0.1, 0.25, 0.5, 0.75)
# Each class of a part needs a sample to train on, and one that `fit` may hold out.
_LEAST_OF_A_CLASS = 2


class LearningCurve:
    """Trainings on nested, stratified parts of each split.

    Parameters
    ----------
    cross_validation : CrossValidation
    estimator : classifier

    Attributes
    ----------
    stages : list of Stage
        One for each fraction at which every class has enough samples.
    """

    def __init__(self, cross_validation, estimator):
        y, splits = cross_validation.y, cross_validation.splits
        seed = cross_validation.seed
        orders = [_stratified_order(train, y, seed) for train, _ in splits]
        rarest = min(
            np.unique(y[train], return_counts=True)[1].min() for train, _ in splits
        )
        self._splits = splits
        # The largest first: fits of very different lengths then share cores better.
        self._fractions = [
            fraction
            for fraction in reversed(FRACTIONS)
            if fraction * rarest >= _LEAST_OF_A_CLASS
        ]
        self.stages = [
            cross_validation.stage(
                estimator,
                "learning curve",
                done=number * len(splits),
                splits=[
                    (order[: round(fraction * len(order))], test)
                    for order, (_, test) in zip(orders, splits, strict=True)
                ],
                epochs=False,
                skips_errors=True,
            )
            for number, fraction in enumerate(self._fractions)
        ]

    def points(self, trained, folds):
        """Return the curve and the folds of each part.

        Parameters
        ----------
        trained : list of list of Fold or ValueError
            Of the stages.
        folds : list of Fold
            Trained on all rows of each split.

        Returns
        -------
        curve : DataFrame
            Columns train_size, fold, train_accuracy, validation_accuracy.
        parts : dict of float to list of Fold
            By the fraction of each split that was trained on, all of it excluded.
        """
        points = {}
        for fraction, stage, part_folds in zip(
            self._fractions, self.stages, trained, strict=True
        ):
            if not _warn_of_errors(fraction, part_folds):
                points[fraction] = stage.splits, part_folds
        parts = {fraction: folds for fraction, (_, folds) in points.items()}
        points[1.0] = self._splits, folds
        rows = [
            {
                "train_size": len(train),
                "fold": fold.number,
                "train_accuracy": fold.train_accuracy,
                "validation_accuracy": fold.validation_accuracy,
            }
            for _, (splits, part_folds) in sorted(points.items())
            for (train, _), fold in zip(splits, part_folds, strict=True)
        ]
        return pd.DataFrame(rows), parts


def _warn_of_errors(fraction, folds):
    """Warn if a part was too small to train on, and return whether it was."""
    errors = [fold for fold in folds if isinstance(fold, ValueError)]
    if errors:
        warnings.warn(
            f"The learning curve leaves out the point at {100 * fraction:g} % of the "
            f"samples: {errors[0]}",
            FitFailedWarning,
            stacklevel=5,  # the caller of `diagnose_fit`
        )
    return bool(errors)


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
