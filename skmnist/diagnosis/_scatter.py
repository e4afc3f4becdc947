"""How splits differ from each other: what training adds to the variance of an error."""

from functools import cached_property

import numpy as np
from scipy.stats import chi2

_COUNTED_WHERE_LUCKY = 0.31


def trains_at_random(estimator):
    """Tell whether luck may be in a training: a `random_state` is somewhere in it."""
    return any(name.endswith("random_state") for name in estimator.get_params())


class Scatter:
    """What the differences between the splits of a diagnosis add to its variances.

    Parameters
    ----------
    evidence : Evidence
    """

    def __init__(self, evidence):
        self.evidence = evidence

    def added(self, *, train=0, validation=0, reference=0):
        """Return what they add to the variance of a weighted sum of errors.

        Beyond chance: that of the training errors, and of the sum over the rows that
        each split tested, paired by sample, as hard rows among these are missing from
        its training, and lower the training error where they raise the other two. The
        drift of models with their data moves both sides of a gap alike; elsewhere it
        counts, too, but not twice what shows in the training errors already.

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
                    np.nan_to_num(others[f.test])
                    + validation * (f.test_codes != evidence.codes[f.test])
                    for f in evidence.folds
                ],
                "test",
            )
        return variance

    def excess(self, values, side):
        """Return `excess_variance` of what each split gives its rows of a side."""
        return excess_variance(values, self._groups(side))

    @cached_property
    def train_excess(self):
        """`excess_variance` of the errors in training."""
        return self.excess(self._wrong_in_training, "train")

    @cached_property
    def drift(self):
        """`drift_variance` of the classifier that is judged."""
        evidence = self.evidence
        folds, errors = evidence.folds, evidence.train_error
        tested = np.bincount(np.concatenate([f.test for f in folds]))
        tested = np.unique(tested[tested > 0])
        # Each row is tested once in every repetition; not so one set after each fit.
        repeats = (
            len(tested) == 1 and len(folds) > tested[0] and len(folds) % tested[0] == 0
        )
        used = np.unique(np.concatenate([r for f in folds for r in (f.train, f.test)]))
        return drift_variance(
            [
                wrong - errors[fold.train]
                for wrong, fold in zip(self._wrong_in_training, folds, strict=True)
            ],
            n_repeats=int(tested[0]) if repeats else 1,
            kept=np.mean([len(f.train) for f in folds]) / len(used),
            luck=evidence.luck,
            groups=self._groups("train"),
        )

    @cached_property
    def _wrong_in_training(self):
        codes = self.evidence.codes
        return [fold.train_codes != codes[fold.train] for fold in self.evidence.folds]

    def _groups(self, side):
        groups = self.evidence.groups
        if groups is None:
            return None
        return [groups[getattr(fold, side)] for fold in self.evidence.folds]


def excess_variance(values, groups=None):
    """Return the variance that splits add to their mean by scattering beyond chance.

    Scatter that the choice of samples explains counts nothing, as it is in the variance
    over samples already: only where χ² = Σ (score − mean)²/noise exceeds its 99 % point
    (one training went wrong, say, or the splits differ in kind) the excess variance of
    a split enters, divided by the number of splits.

    Parameters
    ----------
    values : list of ndarray of shape (n_rows_of_the_split,)
        What each split gives each of its rows.
    groups : list of ndarray, default=None
        Of the same rows: samples of one group are not independent.

    Returns
    -------
    variance : float
        0 with one split, where nothing can be known.
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
    """Return the variance of each split's mean that its samples explain."""
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


def drift_variance(deviations, *, n_repeats, kept, luck, groups=None):
    """Return the variance of an error that models owe to their data as a whole.

    Some models change as a whole with their data (naive Bayes, shallow trees), and err
    more or less on all samples alike; a variance over samples misses that, as all
    splits share most of their data. It shows in the differences between splits on the
    same samples: for a function of the data it is their variance, without what samples
    explain that are judged otherwise one by one, times kept/(1 − kept), the jackknife
    that leaves parts out (Shao and Wu, Annals of Statistics 17, 1989).

    The luck of training, a random start for one, makes models differ, too, but its mean
    over the splits hardly varies. Repetitions tell it from the data's part, as that
    cancels in the mean over the splits of one, each sample being left out once. Few
    repetitions do it roughly: half of it is taken off. Of the rest 0.31 is counted, by
    simulated coverage.

    Parameters
    ----------
    deviations : list of ndarray of shape (n_rows_of_the_split,)
        How much more the model of each split errs on a row than the mean of all that
        trained on it, itself among them; the splits of a repetition lie together.
    n_repeats : int
    kept : float
        The part of the rows that a split trains on.
    luck : bool
        Whether training is random.
    groups : list of ndarray, default=None
        Of the same rows: samples of one group are not independent.

    Returns
    -------
    variance : float
        0 with fewer than three splits, which have no rows in common.
    """
    means = np.reshape([np.mean(split) for split in deviations], (n_repeats, -1))
    n_splits = means.shape[1]
    # How far a model is from the mean of the others shows only so much in its deviation
    # from a mean that it is in itself.
    shown = 1 - 1 / (n_repeats * (n_splits - 1) ** 2) if n_splits > 1 else 0.0
    if shown == 0 or kept >= 1:
        return 0.0
    between = float(np.mean(np.var(means, axis=1, ddof=1)))
    chance = float(np.mean(_noise(deviations, groups)))
    share = 1.0
    if luck:
        share = _COUNTED_WHERE_LUCKY
        if n_repeats > 1:
            repeats = n_splits * float(np.var(np.mean(means, axis=1), ddof=1))
            chance = (chance + repeats) / 2
    excess = max(0.0, between - chance) / shown**2 * (n_splits - 1) / n_splits
    return share * excess * kept / (1 - kept)
