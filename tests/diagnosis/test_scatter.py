from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit

from skmnist.diagnosis._scatter import Scatter, drift_variance, excess_variance


def splits_with_errors(*counts, size=60):
    return [np.arange(size) < count for count in counts]


def test_splits_that_scatter_by_chance_add_nothing_and_a_failed_one_does():
    assert excess_variance(splits_with_errors(4, 6, 8, 5, 7)) == 0
    failed = splits_with_errors(4, 6, 48, 5, 7)
    rates = [np.mean(split) for split in failed]
    # Less what 60 samples of an error of 70 in 300 scatter by.
    excess = np.var(rates, ddof=1) - 70 / 300 * 230 / 300 / 60
    assert excess_variance(failed) == pytest.approx(excess / 5)
    assert excess_variance(failed[2:3]) == 0


def test_splits_that_scatter_by_groups_add_nothing():
    # Ten groups of six samples, each right or wrong as a whole.
    values = splits_with_errors(0, 6, 30, 12, 18)
    groups = [np.repeat(np.arange(10), 6)] * 5
    assert excess_variance(values) > 0
    assert excess_variance(values, groups) == 0


def drift_of(splits, rng, *, n_unused=0, lucky=0.0, luck=False):
    """Return the drift of models that all rows move alike, by 0.03 in the mean."""
    used = np.unique(np.concatenate([train for train, _ in splits]))
    n = used.max() + 1
    influence = rng.normal(size=n) * 0.03 * np.sqrt(n)
    easy = rng.uniform(size=n + n_unused)
    folds, errors = [], np.zeros((2, n + n_unused))
    for train, test in splits:
        error = 0.4 + influence[train].mean() + lucky * rng.normal()
        wrong = easy[train] < error
        errors[:, train] += wrong, np.ones(len(train))
        folds.append(SimpleNamespace(train=train, test=test, train_codes=wrong))
    evidence = SimpleNamespace(
        folds=folds,
        codes=np.zeros(n + n_unused, dtype=bool),
        train_error=errors[0] / np.maximum(errors[1], 1),
        groups=None,
        luck=luck,
    )
    return Scatter(evidence).drift


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
def test_drift_is_the_variance_that_models_owe_to_their_data(cv, options):
    found = mean_drift(cv, np.random.default_rng(0), **options)
    assert found == pytest.approx(0.03**2, rel=0.2)


def test_what_samples_explain_that_are_judged_one_by_one_is_no_drift():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        deviations = [rng.normal(size=80) for _ in range(5)]
        found.append(drift_variance(deviations, n_repeats=1, kept=0.8, luck=False))
    # The jackknife would take the variance of the means, 1/80, for 3.6 times as much.
    assert np.mean(found) < 0.4 * 3.6 / 80


def test_repetitions_tell_the_luck_of_training_from_the_data():
    rng = np.random.default_rng(0)
    thrice = RepeatedKFold(n_splits=5, n_repeats=3, random_state=0)
    plain = mean_drift(KFold(5), rng, luck=True)
    once = mean_drift(KFold(5), rng, luck=True, lucky=0.05)
    again = mean_drift(thrice, rng, luck=True, lucky=0.05)
    assert plain == pytest.approx(0.31 * 0.03**2, rel=0.2)
    assert again - plain < 0.7 * (once - plain)


def test_few_splits_and_one_set_to_test_on_tell_nothing_of_drift():
    rng = np.random.default_rng(0)
    assert mean_drift(KFold(2), rng) == 0
    assert mean_drift(ShuffleSplit(1, random_state=0), rng) == 0
    # Trainings on different rows that are tested on the same are no repetitions.
    splits = [(train, np.arange(60)) for train, _ in KFold(5).split(np.arange(300))]
    assert drift_of(splits, rng) > 0
