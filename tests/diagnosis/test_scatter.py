"""Tests of the variance that the scatter between splits adds."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit

from skmnist._cross_validation._folds import Fold
from skmnist._cross_validation._scores import Predictions
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._scatter import drift_variance, excess_variance, split_means


def splits_with_errors(*counts, size=60):
    return [np.arange(size) < count for count in counts]


def excess_of(values, groups=None):
    return excess_variance(*split_means(values, groups))


def test_excess_variance_of_failed_split():
    assert excess_of(splits_with_errors(4, 6, 8, 5, 7)) == 0
    failed = splits_with_errors(4, 6, 48, 5, 7)
    rates = [np.mean(split) for split in failed]
    # Minus the variance of the error of 60 samples, if it is 70 in 300.
    excess = np.var(rates, ddof=1) - 70 / 300 * 230 / 300 / 60
    assert excess_of(failed) == pytest.approx(excess / 5)
    assert excess_of(failed[2:3]) == 0


def test_excess_variance_with_groups():
    # Ten groups of six samples, each right or wrong as a whole.
    values = splits_with_errors(0, 6, 30, 12, 18)
    groups = [np.repeat(np.arange(10), 6)] * 5
    assert excess_of(values) > 0
    assert excess_of(values, groups) == 0


def predictions_of(wrong):
    """Return predictions of samples of class 0, of which some are wrong."""
    unknown = np.full(len(wrong), np.nan)
    return Predictions(wrong.astype(int), wrong, unknown, unknown)


def folds_of(splits, errors, easy, validation=0.0):
    """Return folds whose models err on all samples with a lower `easy`.

    `errors` are those of the model of each split, `validation` what is added on the
    tested rows.
    """
    folds = []
    for number, ((train, test), error) in enumerate(zip(splits, errors, strict=True)):
        sides = (
            predictions_of(easy[train] < error),
            predictions_of(easy[test] < error + validation),
        )
        folds.append(Fold.of(number + 1, (train, test), sides, fit_time=0.0))
    return folds


def evidence_of(folds, n):
    return Evidence(
        folds=folds,
        dummy=[],
        codes=np.zeros(n, dtype=int),
        n_classes=2,
        tolerance=0.02,
        reference_name="known error",
        reference=0.0,
    )


@pytest.mark.parametrize(
    ("cv", "share"),
    [
        (KFold(3), 1 / 3 + 1 / 2),
        (KFold(10), 1 / 10 + 1 / 9),
        (RepeatedKFold(n_splits=5, n_repeats=3, random_state=0), 1 / 15 + 1 / 4),
        (ShuffleSplit(8, test_size=0.2, random_state=0), 1 / 8 + 1 / 4),
    ],
    ids=str,
)
def test_drift_is_the_variance_of_training_errors_times_the_shared_data(cv, share):
    splits = list(cv.split(np.arange(300)))
    errors = 0.3 + 0.05 * np.random.default_rng(0).normal(size=len(splits))
    easy = np.random.default_rng(1).uniform(size=300)
    evidence = evidence_of(folds_of(splits, errors, easy), 300)
    # Row by row, as splits train on other rows.
    wrong = np.full((len(splits), 300), np.nan)
    for row, (train, _), error in zip(wrong, splits, errors, strict=True):
        row[train] = easy[train] < error
    shown = np.nanmean(wrong - np.nanmean(wrong, axis=0), axis=1)
    drift = drift_variance(evidence.scatter.deviations, evidence.folds)
    assert drift == pytest.approx(2 * share * np.var(shown, ddof=1))
    assert drift_variance(shown[:1], evidence.folds[:1]) == 0


def test_luck_that_moves_both_sides_alike_does_not_widen_a_gap():
    splits = list(KFold(5).split(np.arange(1000)))
    easy = np.random.default_rng(0).permutation(np.linspace(0, 1, 1000))
    errors = [0.1, 0.4, 0.1, 0.2, 0.1]
    evidence = evidence_of(folds_of(splits, errors, easy, validation=0.05), 1000)
    scatter = evidence.scatter
    assert scatter.added(train=-1, validation=1) < 0.05 * scatter.added(validation=1)
    assert scatter.added(train=1) > 0.5 * scatter.added(validation=1)


def test_failure_on_one_side_widens_a_gap():
    splits = list(KFold(5).split(np.arange(1000)))
    easy = np.random.default_rng(0).permutation(np.linspace(0, 1, 1000))
    folds = folds_of(splits, [0.1] * 5, easy)
    failed = folds_of(splits[:1], [0.1], easy, validation=0.3) + folds[1:]
    assert evidence_of(folds, 1000).scatter.added(train=-1, validation=1) == 0
    added = evidence_of(failed, 1000).scatter.added(train=-1, validation=1)
    assert added == pytest.approx(np.var([0.3, 0, 0, 0, 0], ddof=1) / 5, rel=0.2)


def test_two_splits_show_luck_of_training():
    """They have no training rows in common."""
    splits = list(KFold(2).split(np.arange(600)))
    easy = np.random.default_rng(0).permutation(np.linspace(0, 1, 600))
    even, odd = (
        evidence_of(folds_of(splits, errors, easy), 600).scatter.added(validation=1)
        for errors in ([0.2, 0.2], [0.05, 0.35])
    )
    assert odd > 0.01 > even
