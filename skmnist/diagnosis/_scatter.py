"""Scatter between splits: what training adds to the variance of an error."""

from functools import cached_property

import numpy as np
from scipy.stats import chi2

from skmnist.diagnosis._intervals import BEYOND_CHANCE, DRIFT


class Scatter:
    """Variance that the differences between the splits of a diagnosis add.

    Parameters
    ----------
    evidence : Evidence
    """

    def __init__(self, evidence):
        self.evidence = evidence

    def added(self, *, train=0, validation=0, reference=0):
        """Return the variance that the splits add to a weighted sum of errors.

        Two parts are counted. First, the drift of models with their data, which moves
        training and validation error alike, so that it cancels in a gap. Second,
        scatter of the weighted sum beyond chance, for example because one training
        failed. The sum of a split is that of the rows it tested, plus the deviation of
        its model's training error from that of all models on the same rows: hard rows
        among the tested ones are missing from the training of the same split, and
        would count twice if training and validation error were compared directly.

        Parameters
        ----------
        train, validation, reference : float, default=0
            The weight of each error in the sum.

        Returns
        -------
        variance : float
        """
        evidence, folds = self.evidence, self.evidence.folds
        scores, noise = np.zeros((2, len(folds)))
        if train:
            rows = [fold.train for fold in folds]
            means, variances = self._means(self._row_deviations, rows)
            scores, noise = train * means, train**2 * variances
        if validation or reference:
            others = np.zeros(len(evidence.codes))
            if train:
                others += train * evidence.train_error
            if train and validation:
                # Rows that no split trains on, such as the last of a series, are
                # compared with the mean error of those that are.
                others = np.where(np.isnan(others), np.nanmean(others), others)
            if reference:
                others += reference * evidence.reference_error
            # Without validation errors they are left out, perhaps all of a split.
            rows = [fold.test[np.isfinite(others[fold.test])] for fold in folds]
            values = [others[of_split] for of_split in rows]
            if validation:
                values = [
                    of_split + validation * fold.test_wrong
                    for of_split, fold in zip(values, folds, strict=True)
                ]
            means, variances = self._means(values, rows)
            compared = [len(split) > 0 for split in rows]
            scores, noise = (scores + means)[compared], (noise + variances)[compared]
        drift = (train + validation) ** 2 * self.drift
        return drift + excess_variance(scores, noise)

    def excess(self, values, side):
        """Return the `excess_variance` of values given per split for a side's rows."""
        rows = [getattr(fold, side) for fold in self.evidence.folds]
        return excess_variance(*self._means(values, rows))

    @cached_property
    def drift(self):
        """`drift_variance` of the diagnosed classifier."""
        return drift_variance(self.deviations, self.evidence.folds)

    @cached_property
    def deviations(self):
        """For each split, its training error minus that of all models on these rows."""
        return np.array([np.mean(split) for split in self._row_deviations])

    @cached_property
    def _row_deviations(self):
        folds, errors = self.evidence.folds, self.evidence.train_error
        return [fold.train_wrong - errors[fold.train] for fold in folds]

    def _means(self, values, rows):
        groups = self.evidence.groups
        if groups is not None:
            groups = [groups[rows_of_split] for rows_of_split in rows]
        return split_means(values, groups)


def split_means(values, groups=None):
    """Return the mean of each split, and its variance by the choice of samples.

    Parameters
    ----------
    values : list of ndarray of shape (n_rows_of_the_split,)
        For each split, a value per row.
    groups : list of ndarray, default=None
        Of the same rows: samples of one group are not independent.

    Returns
    -------
    means, variances : ndarray of shape (n_splits,)
        0 for a split without rows.
    """
    sizes = np.array([max(1, len(split)) for split in values])
    sums = np.array([np.sum(split) for split in values])
    centre = sums.sum() / sizes.sum()
    squares = 0.0
    for number, split in enumerate(values):
        deviations = split - centre
        if groups is not None:
            _, codes = np.unique(groups[number], return_inverse=True)
            deviations = np.bincount(codes, deviations)
        squares += np.sum(deviations**2)
    return sums / sizes, squares / sizes.sum() / sizes


def excess_variance(scores, noise):
    """Return the variance that splits add to their mean by scattering beyond chance.

    Scatter that the choice of samples explains is not counted, because the variance
    over samples includes it. The excess variance of a split, divided by the number of
    splits, is counted only if χ² = Σ (score − mean)²/noise exceeds its 99 % point: for
    example if one training failed, or the splits differ in kind.

    Parameters
    ----------
    scores : ndarray of shape (n_splits,)
        The mean of each split.
    noise : ndarray of shape (n_splits,)
        Its variance by the choice of samples.

    Returns
    -------
    variance : float
        0 with one split, which shows no scatter.
    """
    if len(scores) < 2 or not np.all(noise > 0):
        return 0.0
    scatter = np.sum((scores - np.mean(scores)) ** 2 / noise)
    if scatter <= chi2.ppf(BEYOND_CHANCE, len(scores) - 1):
        return 0.0
    excess = max(0.0, float(np.var(scores, ddof=1) - np.mean(noise)))
    return excess / len(scores)


def drift_variance(deviations, folds):
    """Return the variance of an error that comes from models drifting with their data.

    Some models change as a whole with their data, such as naive Bayes or shallow trees,
    and then err more, or less, on all samples alike. A variance over samples misses
    this. It shows in the training errors of the splits, whose variance is multiplied by
    1/J + n_test/n_train (Nadeau and Bengio, Machine Learning 52, 2003), because J
    splits share most of their data, and by 2, because the splits of one data set differ
    less than data sets do. The factor 2 was chosen by simulation; docs/coverage.rst
    shows the coverage.

    Parameters
    ----------
    deviations : ndarray of shape (n_splits,)
        The training error of each split minus that of all models on the same rows. The
        difference of those of two classifiers gives the drift of the difference of two
        errors.
    folds : list of Fold
        The splits.

    Returns
    -------
    variance : float
        0 with one split, and with two that have no training rows in common.
    """
    if len(folds) < 2:
        return 0.0
    n_train, n_test = (
        np.mean([len(getattr(fold, side)) for fold in folds])
        for side in ("train", "test")
    )
    share = 1 / len(folds) + n_test / n_train
    return DRIFT * share * float(np.var(deviations, ddof=1))
