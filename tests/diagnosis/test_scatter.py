"""Tests of the variance that the scatter between splits adds."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit

from skmnist._cross_validation._folds import Fold
from skmnist._cross_validation._scores import Predictions
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._scatter import drift_variance, excess_variance


def splits_with_errors(*counts, size=60):
    return [np.arange(size) < count for count in counts]


def test_excess_variance_of_failed_split():
    assert excess_variance(splits_with_errors(4, 6, 8, 5, 7)) == 0
    failed = splits_with_errors(4, 6, 48, 5, 7)
    rates = [np.mean(split) for split in failed]
    # Minus the variance of the error of 60 samples, if it is 70 in 300.
    excess = np.var(rates, ddof=1) - 70 / 300 * 230 / 300 / 60
    assert excess_variance(failed) == pytest.approx(excess / 5)
    assert excess_variance(failed[2:3]) == 0


def test_excess_variance_with_groups():
    # Ten groups of six samples, each right or wrong as a whole.
    values = splits_with_errors(0, 6, 30, 12, 18)
    groups = [np.repeat(np.arange(10), 6)] * 5
    assert excess_variance(values) > 0
    assert excess_variance(values, groups) == 0


def predictions_of(wrong):
    """Return predictions of samples of class 0, of which some are wrong."""
    unknown = np.full(len(wrong), np.nan)
    return Predictions(wrong.astype(int), wrong, unknown, unknown)


def drift_of(splits, rng, *, n_unused=0, training_noise=0.0, random_training=False):
    """Return the drift of models whose error is the mean influence of their rows.

    Its standard deviation between independent data sets is 0.03. `training_noise` is
    the standard deviation that random training adds.
    """
    used = np.unique(np.concatenate([train for train, _ in splits]))
    n = used.max() + 1
    influence = rng.normal(size=n) * 0.03 * np.sqrt(n)
    easy = rng.uniform(size=n + n_unused)
    folds = []
    for number, (train, test) in enumerate(splits, 1):
        error = 0.4 + influence[train].mean() + training_noise * rng.normal()
        sides = (predictions_of(easy[rows] < error) for rows in (train, test))
        folds.append(Fold.of(number, (train, test), sides, fit_time=0.0))
    evidence = Evidence(
        folds=folds,
        dummy=[],
        codes=np.zeros(n + n_unused, dtype=int),
        n_classes=2,
        tolerance=0.02,
        reference_name="known error",
        reference=0.0,
        random_training=random_training,
    )
    return evidence.scatter.drift


def mean_drift(cv, rng, **options):
    rows = np.arange(300)
    return np.mean([drift_of(list(cv.split(rows)), rng, **options) for _ in range(150)])


@pytest.mark.parametrize(
    ("cv", "options"),
    [
        (KFold(3), {}),
        (KFold(5), {}),
        (KFold(10), {}),
        (KFold(5), {"n_unused": 700}),
        (RepeatedKFold(n_splits=5, n_repeats=3, random_state=0), {}),
        (ShuffleSplit(8, test_size=0.2, random_state=0), {}),
    ],
    ids=str,
)
def test_drift_estimates_variance_from_data(cv, options):
    found = mean_drift(cv, np.random.default_rng(0), **options)
    assert found == pytest.approx(0.03**2, rel=0.2)


def test_drift_excludes_variance_of_single_samples():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        deviations = [rng.normal(size=80) for _ in range(5)]
        drift = drift_variance(deviations, n_repeats=1, kept=0.8, random_training=False)
        found.append(drift)
    # The jackknife alone would return 3.6 times the variance of the means, 1/80.
    assert np.mean(found) < 0.4 * 3.6 / 80


def test_repetitions_separate_random_training_from_data():
    rng = np.random.default_rng(0)
    thrice = RepeatedKFold(n_splits=5, n_repeats=3, random_state=0)
    noisy = {"random_training": True, "training_noise": 0.05}
    plain = mean_drift(KFold(5), rng, random_training=True)
    once = mean_drift(KFold(5), rng, **noisy)
    again = mean_drift(thrice, rng, **noisy)
    assert plain == pytest.approx(0.31 * 0.03**2, rel=0.2)
    assert again - plain < 0.7 * (once - plain)


def test_drift_with_few_splits_or_one_test_set():
    rng = np.random.default_rng(0)
    assert mean_drift(KFold(2), rng) == 0
    assert mean_drift(ShuffleSplit(1, random_state=0), rng) == 0
    # Models trained on different rows and tested on the same are not repetitions.
    splits = [(train, np.arange(60)) for train, _ in KFold(5).split(np.arange(300))]
    assert drift_of(splits, rng) > 0
