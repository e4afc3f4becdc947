"""Scatter between splits: what training adds to the variance of an error."""

from functools import cached_property

import numpy as np
from scipy.stats import chi2

# Share of the drift that is counted if training is random; see `drift_variance`.
_RANDOM_TRAINING_SHARE = 0.31


def has_random_training(estimator):
    """Return whether an estimator has a `random_state`, itself or in a step."""
    return any(name.endswith("random_state") for name in estimator.get_params())


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

        Three parts are counted. First, scatter of the training errors beyond chance.
        Second, scatter beyond chance of the weighted sum over the rows that each split
        tested, paired by sample: hard rows among them are missing from the training of
        the same split, so they lower its training error and raise the other two.
        Third, the drift of models with their data. Drift moves training and validation
        error alike, so it cancels in a gap; elsewhere the larger of drift and training
        scatter counts, because the drift shows in the training errors, too.

        Parameters
        ----------
        train, validation, reference : float, default=0
            The weight of each error in the sum.

        Returns
        -------
        variance : float
        """
        evidence = self.evidence
        variance = (train + validation) ** 2 * self.drift
        if train:
            variance = max(variance, train**2 * self.train_excess)
        if validation or reference:
            others = np.zeros(len(evidence.codes))
            if train:
                others += train * evidence.train_error
            if reference:
                others += reference * evidence.reference_error
            variance += self.excess(
                [
                    np.nan_to_num(others[f.test]) + validation * f.test_wrong
                    for f in evidence.folds
                ],
                "test",
            )
        return variance

    def excess(self, values, side):
        """Return the `excess_variance` of values given per split for a side's rows."""
        return excess_variance(values, self._groups(side))

    @cached_property
    def train_excess(self):
        """`excess_variance` of the errors in training."""
        return self.excess(self._wrong_in_training, "train")

    @cached_property
    def drift(self):
        """`drift_variance` of the diagnosed classifier."""
        return self.drift_of(self.deviations, self.evidence.random_training)

    @cached_property
    def deviations(self):
        """For each split, the training errors minus those of all models, by row."""
        folds, errors = self.evidence.folds, self.evidence.train_error
        return [fold.train_wrong - errors[fold.train] for fold in folds]

    def drift_of(self, deviations, random_training):
        """Return the `drift_variance` of deviations of the splits of this diagnosis.

        Parameters
        ----------
        deviations : list of ndarray of shape (n_train,)
        random_training : bool

        Returns
        -------
        variance : float
        """
        folds = self.evidence.folds
        tested = np.bincount(np.concatenate([f.test for f in folds]))
        tested = np.unique(tested[tested > 0])
        # Repeated folds test every row once per repetition; other repeated splits, such
        # as one test set for every fit, do not count as repetitions.
        repeats = (
            len(tested) == 1 and len(folds) > tested[0] and len(folds) % tested[0] == 0
        )
        used = np.unique(np.concatenate([r for f in folds for r in (f.train, f.test)]))
        return drift_variance(
            deviations,
            n_repeats=int(tested[0]) if repeats else 1,
            kept=np.mean([len(f.train) for f in folds]) / len(used),
            random_training=random_training,
            groups=self._groups("train"),
        )

    @cached_property
    def _wrong_in_training(self):
        return [fold.train_wrong for fold in self.evidence.folds]

    def _groups(self, side):
        groups = self.evidence.groups
        if groups is None:
            return None
        return [groups[getattr(fold, side)] for fold in self.evidence.folds]


def excess_variance(values, groups=None):
    """Return the variance that splits add to their mean by scattering beyond chance.

    Scatter that the choice of samples explains is not counted, because the variance
    over samples includes it. The excess variance of a split, divided by the number of
    splits, is counted only if χ² = Σ (score − mean)²/noise exceeds its 99 % point: for
    example if one training failed, or the splits differ in kind.

    Parameters
    ----------
    values : list of ndarray of shape (n_rows_of_the_split,)
        For each split, a value per row.
    groups : list of ndarray, default=None
        Of the same rows: samples of one group are not independent.

    Returns
    -------
    variance : float
        0 with one split, which shows no scatter.
    """
    if len(values) < 2:
        return 0.0
    scores = np.array([np.mean(split) for split in values])
    noise = _noise(values, groups)
    if not np.all(noise > 0):
        return 0.0
    scatter = np.sum((scores - np.mean(scores)) ** 2 / noise)
    if scatter <= chi2.ppf(0.99, len(scores) - 1):
        return 0.0
    excess = max(0.0, float(np.var(scores, ddof=1) - np.mean(noise)))
    return excess / len(scores)


def _noise(values, groups):
    """Return the variance of each split's mean that the choice of samples explains."""
    sizes = np.array([len(split) for split in values])
    centre = np.sum([np.sum(split) for split in values]) / sizes.sum()
    squares = 0.0
    for number, split in enumerate(values):
        deviations = split - centre
        if groups is not None:
            _, codes = np.unique(groups[number], return_inverse=True)
            deviations = np.bincount(codes, deviations)
        squares += np.sum(deviations**2)
    return squares / sizes.sum() / sizes


def drift_variance(deviations, *, n_repeats, kept, random_training, groups=None):
    """Return the variance of an error that comes from models drifting with their data.

    Some models change as a whole with their data, such as naive Bayes or shallow trees,
    and then err more, or less, on all samples alike. A variance over samples misses
    this, because all splits share most of their data. It is estimated from the
    differences between splits on the same samples. For a model that is a function of
    its data this is the delete-d jackknife (Shao and Wu, Annals of Statistics 17,
    1989): the variance between splits, minus the part explained by single samples that
    are predicted differently, times kept/(1 − kept).

    Random training, for example from random initial weights, makes models differ as
    well, but its mean over the splits hardly varies. Repetitions separate the two: the
    part of the data cancels in the mean over the splits of one repetition, which leaves
    out each sample once. With few repetitions this estimate is rough, so only half of
    it is subtracted. Of the rest a share of 0.31 is counted, chosen by simulation.

    Parameters
    ----------
    deviations : list of ndarray of shape (n_rows_of_the_split,)
        For each split and training row: the error of the split's model minus the mean
        error of all models trained on the row, itself included. The splits of a
        repetition are consecutive.
    n_repeats : int
    kept : float
        The fraction of the rows that a split trains on.
    random_training : bool
        Whether training is random.
    groups : list of ndarray, default=None
        Of the same rows: samples of one group are not independent.

    Returns
    -------
    variance : float
        0 with fewer than three splits, which have no training rows in common.
    """
    means = np.reshape([np.mean(split) for split in deviations], (n_repeats, -1))
    n_splits = means.shape[1]
    # A model's deviation from a mean that includes the model itself is smaller than its
    # deviation from the mean of the others.
    shown = 1 - 1 / (n_repeats * (n_splits - 1) ** 2) if n_splits > 1 else 0.0
    if shown == 0 or kept >= 1:
        return 0.0
    between = float(np.mean(np.var(means, axis=1, ddof=1)))
    chance = float(np.mean(_noise(deviations, groups)))
    share = 1.0
    if random_training:
        share = _RANDOM_TRAINING_SHARE
        if n_repeats > 1:
            repeats = n_splits * float(np.var(np.mean(means, axis=1), ddof=1))
            chance = (chance + repeats) / 2
    excess = max(0.0, between - chance) / shown**2 * (n_splits - 1) / n_splits
    return share * excess * kept / (1 - kept)
