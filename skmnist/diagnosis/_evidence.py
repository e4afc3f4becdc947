"""Errors of every sample, and the estimates that verdict and findings use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import fisher_exact

from skmnist._cross_validation._duplicates import Duplicates
from skmnist._cross_validation._neighbours import Neighbours
from skmnist._estimate import Estimate
from skmnist.diagnosis import _intervals as intervals
from skmnist.diagnosis._extrapolation import extrapolate
from skmnist.diagnosis._labels import find_suspect_labels
from skmnist.diagnosis._learning_rate import rate_fault
from skmnist.diagnosis._scatter import Scatter
from skmnist.diagnosis._shift import NewSamples
from skmnist.search._candidates import Candidates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# Two-sided confidence at which bias and gap decide the verdict, chosen by simulation
# (docs/coverage.rst): at 95 % one in eleven verdicts on clear cases is inconclusive.
DECISION = 0.8
# Significance level for a split that differs from the others, after Bonferroni.
_SIGNIFICANT = 0.01
# With fewer rows than this the error of a part of the samples is not judged.
_FEWEST_ROWS = 20


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that a verdict and its findings are based on.

    For each sample, v is its mean error over the splits that tested it, t its mean
    error over the splits that trained on it, and r the reference's error out of fold.

    Parameters
    ----------
    folds, dummy : list of Fold
        Of the classifier, and of always predicting the most frequent class.
    codes : ndarray of int of shape (n_rows,)
        True classes.
    n_classes : int
    tolerance : float
        Largest bias or gap regarded as negligible, a fraction.
    reference_name : str
    reference : float or list of Fold
        A known error, or a reference's folds.
    groups : ndarray of shape (n_rows,), default=None
        Samples of one group are not independent.
    shuffled : bool, default=None
        Whether the splits were drawn at random; None if that is not known.
    parameters : frozenset of str, default=frozenset()
        Names of the classifier's parameters, for advice.
    parts : dict of float to list of Fold, default={}
        Of the classifier, by the fraction of the rows of each split trained on.
    duplicates : Duplicates, default=None
        Test rows that are identical to a training row of their split.
    candidates : Candidates, default=None
        Results of a search, or of other values of a parameter of capacity.
    neighbours : Neighbours, default=None
        The labels of the nearest training samples.
    test : NewSamples, default=None
        Samples that belong to no split.
    suggested_rate : float, default=None
        A learning rate to try, if the one used is unsuitable.
    """

    folds: list[Any]
    dummy: list[Any]
    codes: np.ndarray
    n_classes: int
    tolerance: float
    reference_name: str
    reference: float | list[Any]
    groups: np.ndarray | None = None
    shuffled: bool | None = None
    parameters: frozenset[str] = frozenset()
    parts: dict[Any, Any] = field(default_factory=dict)
    duplicates: Duplicates | None = None
    candidates: Candidates | None = None
    neighbours: Neighbours | None = None
    test: NewSamples | None = None
    suggested_rate: float | None = None

    @property
    def known(self) -> bool:
        """Whether the reference is a known error."""
        return isinstance(self.reference, float)

    @property
    def reference_rows(self) -> tuple[int, int] | None:
        """How many rows the reference was trained on, and of how many.

        None if it was trained on all, or is a known error.
        """
        if self.known:
            return None
        rows, of = (
            min(len(fold.train) for fold in folds)
            for folds in (self.reference, self.folds)
        )
        return (rows, of) if rows < of else None

    @cached_property
    def scatter(self):
        """The scatter between splits."""
        return Scatter(self)

    @cached_property
    def train_error(self):
        """Error of each row in training, NaN where no split trained on it."""
        return self.by_row((fold.train, fold.train_wrong) for fold in self.folds)

    @cached_property
    def validation_error(self):
        """Error of each row out of fold, NaN where no split tested it."""
        return self._test_error(self.folds)

    @cached_property
    def reference_error(self):
        """Error of the reference for each row, NaN where no split tested it."""
        if self.known:
            return np.full(len(self.codes), self.reference)
        return self._test_error(self.reference)

    @cached_property
    def n_samples(self):
        """The number of rows tested."""
        return int(np.sum(~np.isnan(self.validation_error)))

    @cached_property
    def paired(self):
        """Whether most test rows were trained on in other splits; not in a hold-out."""
        both = ~np.isnan(self.validation_error) & ~np.isnan(self.train_error)
        return bool(2 * np.sum(both) >= self.n_samples)

    @cached_property
    def repeated(self):
        """Whether several splits tested the same row."""
        return sum(len(fold.test) for fold in self.folds) > self.n_samples

    @cached_property
    def errors(self):
        """Estimate of each error: "reference", "train", "validation", maybe "test"."""
        if self.known:
            reference = Estimate(self.reference, self.reference, self.reference)
        else:
            reference = self._error(self.reference_error, reference=1)
        errors = {
            "reference": reference,
            "train": self._error(self.train_error, train=1),
            "validation": self._error(self.validation_error, validation=1),
        }
        if self.test is not None and self.test.codes is not None:
            errors["test"] = self.test.error(self)
        return errors

    @cached_property
    def test_excess(self):
        """The test error minus the validation error; None without test labels."""
        return None if self.test is None else self.test.excess(self)

    @cached_property
    def bias(self):
        """B, the training error above the reference."""
        if self.known:
            # A training error below the irreducible error does not count as better.
            return self.errors["train"].shift(-self.reference).not_negative()
        return self._difference(
            self.train_error, self.reference_error, train=1, reference=-1
        )

    @cached_property
    def gap(self):
        """G, the validation error above the training error.

        If a known error is larger than the training error, it is measured from that.
        """
        if self.above_known:
            return self.errors["validation"].shift(-self.reference).not_negative()
        return self.difference

    @cached_property
    def above_known(self) -> bool:
        """Whether the gap is measured from a known error above the training error."""
        return self.known and self.errors["train"].value < self.reference

    @cached_property
    def difference(self):
        """The validation error minus the training error, ignoring a known error.

        Rows that no split trains on, such as the last of a series, have no training
        error to be paired with. They are compared with all training errors, and
        contribute by their share.
        """
        v, t = self.validation_error, self.train_error
        paired = self._difference(v, t, train=-1, validation=1)
        rows = self._never_trained
        if not self.paired or not len(rows):
            return paired
        new, trained = (
            intervals.proportion(errors, groups=self._groups(of_rows))
            for errors, of_rows in ((v[rows], rows), _known(t))
        )
        share = len(rows) / self.n_samples
        unpaired = new.plus(trained.negated())
        return paired.times(1 - share).plus(unpaired.times(share))

    @cached_property
    def _never_trained(self):
        """The rows that are tested, and that no split trains on."""
        tested = ~np.isnan(self.validation_error)
        return np.flatnonzero(tested & np.isnan(self.train_error))

    @cached_property
    def bias_minus_gap(self):
        """B − G: which of the two is larger."""
        t, v, r = self.train_error, self.validation_error, self.reference_error
        if self.paired and len(self._never_trained):
            return self.bias.plus(self.difference.negated())
        if self.paired:
            value, rows = _known(2 * t - v - r)
            return intervals.mean(
                value,
                instability=self.scatter.added(train=2, validation=-1, reference=-1),
                groups=self._groups(rows),
            )
        twice, others = (
            intervals.mean(values, training=False, groups=self._groups(rows))
            for values, rows in (_known(2 * t), _known(v + r))
        )
        return twice.plus(others.negated())

    @cached_property
    def decisive(self):
        """Bias, gap and bias minus gap, with the intervals that decide the verdict."""
        names = "bias", "gap", "bias_minus_gap"
        return {name: getattr(self, name).at_confidence(DECISION) for name in names}

    @cached_property
    def behind_reference(self):
        """The validation error minus the error of the reference on the same samples."""
        if self.known:
            return self.errors["validation"].shift(-self.reference)
        return self._difference(
            self.validation_error, self.reference_error, validation=1, reference=-1
        )

    @cached_property
    def advantage(self):
        """The dummy's balanced error minus the classifier's."""
        return self._advantage_of(self.validation_error)

    @cached_property
    def reference_advantage(self):
        """The dummy's balanced error minus the reference's; None of a known error."""
        return None if self.known else self._advantage_of(self.reference_error)

    def _advantage_of(self, errors):
        difference, rows = _known(self._test_error(self.dummy) - errors)
        return self._class_mean(difference, rows)

    @cached_property
    def resolution(self):
        """The smallest bias or gap that these samples can distinguish from zero."""
        # The bias against a known error is cut at 0, so its interval is too narrow.
        bias = self.errors["train"] if self.known else self.bias
        return max((e.high - e.low) / 2 for e in (bias, self.difference))

    @cached_property
    def has_curves(self):
        """Whether every split has scores after each epoch, with probabilities."""
        return all(
            fold.curves is not None and np.isfinite(fold.curves.validation_loss).all()
            for fold in self.folds
        )

    @cached_property
    def final_loss_decrease(self):
        """Decrease of the validation loss in the last quarter of the epochs, or None.

        Two estimates: the loss at three quarters of the training, and its decrease from
        there to the end. After a training of one epoch: the loss after it, and its
        decrease by a second epoch.
        """
        if not self.has_curves:
            return None
        n_epochs = [len(fold.curves.sample_loss) for fold in self.folds]
        if max(n_epochs) == 1:
            once = self._last_losses()
            twice = [fold.curves.one_more for fold in self.folds]
            return self._loss(once), self.loss_difference(once, twice)
        if min(n_epochs) < 2:
            return None
        starts = [
            fold.curves.sample_loss[max(1, 3 * n // 4) - 1]
            for fold, n in zip(self.folds, n_epochs, strict=True)
        ]
        return self._loss(starts), self.loss_difference(starts, self._last_losses())

    @cached_property
    def rate_fault(self):
        """Whether the learning rate is unsuitable, as `rate_fault` returns it."""
        return rate_fault(self)

    @cached_property
    def last_loss(self):
        """The validation loss of the fitted classifier."""
        # Not the end of the curve: early stopping restores its best epoch.
        return self._loss([fold.test_loss for fold in self.folds])

    @cached_property
    def early_stop(self):
        """The validation loss that stopping earlier would have saved, or None.

        The epoch, counted from 1, and the estimate. Each split is evaluated at the
        epoch that the other splits choose, because its own minimum would always look
        better than its end.
        """
        if not self.has_curves or len(self.folds) < 2:
            return None
        shortest = min(len(fold.curves.validation_loss) for fold in self.folds)
        curves = np.array([f.curves.validation_loss[:shortest] for f in self.folds])
        others = (curves.sum(axis=0) - curves) / (len(curves) - 1)
        best = np.argmin(others, axis=1)
        early = [
            fold.curves.sample_loss[k] for fold, k in zip(self.folds, best, strict=True)
        ]
        saved = self.loss_difference([f.test_loss for f in self.folds], early)
        return int(np.argmin(curves.mean(axis=0))) + 1, saved

    @cached_property
    def overconfidence(self):
        """Mean predicted probability minus accuracy, or None without probabilities."""
        if not self._has_probabilities:
            return None
        excess = self.by_row(
            (fold.test, fold.probability - ~fold.test_wrong) for fold in self.folds
        )
        return self.mean_by_row(excess)

    @cached_property
    def _has_probabilities(self):
        return not any(np.isnan(fold.probability).any() for fold in self.folds)

    @cached_property
    def calibration(self):
        """The calibration curve, in tenths of the predictions by their probability.

        Arrays of mean probability, accuracy, and number of predictions; None without
        probabilities.
        """
        if not self._has_probabilities:
            return None
        probability = np.concatenate([fold.probability for fold in self.folds])
        hits = np.concatenate([~fold.test_wrong for fold in self.folds])
        parts = np.array_split(np.argsort(probability, kind="stable"), 10)
        return np.array(
            [
                (probability[part].mean(), hits[part].mean(), len(part))
                for part in parts
                if len(part)
            ]
        ).T

    @cached_property
    def suspect_labels(self):
        """The labels that are probably wrong, or None if wrong labels are not proven.

        A classifier that is no better than chance cannot contradict a label.
        """
        # Where the splits differ in kind, as in a series that drifts, labels that
        # contradict the training samples of their split need not be wrong.
        if self.advantage.low <= 0 or self.splits_differ:
            return None
        return find_suspect_labels(self)

    @cached_property
    def more_data(self):
        """Decrease of the error on the same new samples, from half the rows to all."""
        if 0.5 not in self.parts:
            return None
        half, whole = self._test_error(self.parts[0.5]), self.validation_error
        _, rows = _known(half + whole)
        return intervals.paired_difference(
            half[rows], whole[rows], groups=self._groups(rows)
        )

    @cached_property
    def twins(self):
        """Test rows with an identical training row: their number and what they gain.

        The gain is the error of the other test rows minus that of these; None if there
        are too few others to tell.
        """
        if self.duplicates is None:
            return 0, None
        known, rows = _known(self.validation_error)
        twins = self.duplicates.twins[rows]
        count = int(twins.sum())
        if count == 0 or len(rows) - count < _FEWEST_ROWS:
            return count, None
        return count, self._two_samples(
            (known[~twins], rows[~twins]), (known[twins], rows[twins])
        )

    @cached_property
    def extrapolation(self):
        """The extrapolated learning curve, or None."""
        if not self.parts:
            return None
        stages = [self.parts[fraction] for fraction in sorted(self.parts)]
        stages.append(self.folds)
        errors = np.array([self._test_error(folds) for folds in stages])
        rows = np.flatnonzero(~np.isnan(errors).any(axis=0))
        sizes = [np.mean([len(fold.train) for fold in folds]) for folds in stages]
        return extrapolate(errors[:, rows], sizes, self._groups(rows))

    @cached_property
    def unseen_classes(self) -> tuple[float, list[int]]:
        """Test samples of classes that the training samples of their split lack.

        Their share of all test samples, and the numbers of these splits.
        """
        unseen = [
            ~np.isin(self.codes[fold.test], self.codes[fold.train])
            for fold in self.folds
        ]
        splits = [
            fold.number
            for fold, lacks in zip(self.folds, unseen, strict=True)
            if lacks.any()
        ]
        return float(np.concatenate(unseen).mean()), splits

    @cached_property
    def outlier_split(self):
        """The split whose error differs most from that of the others, or None.

        Its position, and the p value of Fisher's exact test times the number of splits
        (Bonferroni). None with groups, because the test assumes independent samples.
        """
        if len(self.folds) < 2 or self.groups is not None:
            return None
        wrong = np.array([np.sum(fold.test_wrong) for fold in self.folds])
        sizes = np.array([len(fold.test) for fold in self.folds])
        right = sizes - wrong
        p = [
            fisher_exact(
                [[wrong[i], right[i]], [wrong.sum() - wrong[i], right.sum() - right[i]]]
            ).pvalue
            for i in range(len(sizes))
        ]
        place = int(np.argmin(p))
        return place, min(1.0, float(p[place]) * len(sizes))

    @property
    def splits_differ(self) -> bool:
        """Whether a split has another error than the others, beyond chance."""
        return self.outlier_split is not None and self.outlier_split[1] < _SIGNIFICANT

    def loss_difference(
        self, first: list[np.ndarray], second: list[np.ndarray]
    ) -> Estimate:
        """Estimate how much the validation loss differs, paired by sample.

        Parameters
        ----------
        first, second : list of ndarray of shape (n_test,)
            Log-loss of each validation sample, an array for each split.

        Returns
        -------
        difference : Estimate
            Mean of first − second.
        """
        return self._loss(
            [a.astype(float) - b for a, b in zip(first, second, strict=True)]
        )

    def by_row(self, parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Average values that several splits give for a row.

        Parameters
        ----------
        parts : iterable of (rows, values)

        Returns
        -------
        means : ndarray of float of shape (n_rows,)
            NaN for a row that is in no split.
        """
        total, count = np.zeros((2, len(self.codes)))
        for rows, values in parts:
            np.add.at(total, rows, values)
            np.add.at(count, rows, 1)
        return np.divide(total, count, np.full_like(total, np.nan), where=count > 0)

    def mean_by_row(self, values: np.ndarray) -> Estimate:
        """Estimate the mean of values by row, without those that are NaN."""
        known, rows = _known(values)
        if not len(known):
            return Estimate(np.nan, np.nan, np.nan)
        return intervals.mean(known, training=self.paired, groups=self._groups(rows))

    def class_mean_by_row(self, values: np.ndarray) -> Estimate:
        """Estimate the mean over classes of values by row."""
        return self._class_mean(*_known(values))

    def _test_error(self, folds):
        return self.by_row((fold.test, fold.test_wrong) for fold in folds)

    def _last_losses(self):
        return [fold.curves.sample_loss[-1] for fold in self.folds]

    def _loss(self, losses):
        values = self.by_row(
            (fold.test, loss) for fold, loss in zip(self.folds, losses, strict=True)
        )
        known, rows = _known(values)
        return intervals.mean(
            known,
            training=self.paired,
            instability=self.scatter.excess(losses, "test"),
            groups=self._groups(rows),
        )

    def _error(self, errors, **sides):
        known, rows = _known(errors)
        return intervals.proportion(
            known,
            training=self.paired,
            instability=self.scatter.added(**sides),
            groups=self._groups(rows),
        )

    def _class_mean(self, values, rows):
        return intervals.class_mean(
            values, self.codes[rows], self.n_classes, groups=self._groups(rows)
        )

    def _difference(self, first, second, **sides):
        if not self.paired:
            return self._two_samples(_known(first), _known(second))
        _, rows = _known(first + second)
        return intervals.paired_difference(
            first[rows],
            second[rows],
            instability=self.scatter.added(**sides),
            groups=self._groups(rows),
        )

    def _two_samples(self, *sides):
        """Estimate the difference of two means of values, each given with its rows."""
        (first, rows), (second, other_rows) = sides
        return intervals.two_sample_difference(
            first,
            second,
            groups=(self._groups(rows), self._groups(other_rows)),
        )

    def _groups(self, rows):
        return None if self.groups is None else self.groups[rows]


def _known(values):
    """Return the values that are not NaN, and their rows."""
    rows = np.flatnonzero(~np.isnan(values))
    return values[rows], rows


def error_difference(n_rows, groups):
    """Return a function that compares the validation errors of two lists of folds.

    Parameters
    ----------
    n_rows : int
    groups : ndarray of shape (n_rows,) or None

    Returns
    -------
    difference : callable
        ``difference(first, second)`` estimates the validation error of the first minus
        that of the second, paired by sample.
    """

    def difference(first, second):
        errors = np.full((2, n_rows), np.nan)
        for error, folds in zip(errors, (first, second), strict=True):
            for fold in folds:
                error[fold.test] = fold.test_wrong
        rows = np.flatnonzero(~np.isnan(errors[0]))
        return intervals.paired_difference(
            *errors[:, rows], groups=None if groups is None else groups[rows]
        )

    return difference
