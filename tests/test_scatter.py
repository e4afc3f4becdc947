import numpy as np
import pytest

from skmnist.diagnosis._scatter import drift_variance, excess_variance


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


def left_out(influences, n_repeats, n_splits, rng):
    """Return how far each split's error moves by the samples it leaves out."""
    n = len(influences)
    return np.concatenate(
        [
            -influences[rng.permutation(n)].reshape(n_splits, -1).sum(axis=1)
            for _ in range(n_repeats)
        ]
    )


def drift(means, n_repeats=1, *, luck=False, rng=None, n_rows=80):
    """Return the drift of splits that err this much more on all rows, but for noise."""
    deviations = [np.full(n_rows, mean) for mean in means]
    if rng is not None:
        deviations = [rows + rng.normal(size=n_rows) for rows in deviations]
    return drift_variance(deviations, n_repeats=n_repeats, kept=0.8, luck=luck)


def test_drift_is_what_a_model_owes_to_its_data():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        # The error is 0.3 and the mean of the influences of 100 samples.
        influences = rng.normal(size=100)
        moved = left_out(influences - influences.mean(), 1, 5, rng) / 80
        found.append(drift(moved))
    assert np.mean(found) == pytest.approx(1 / 100, rel=0.1)


def test_what_samples_explain_that_are_judged_one_by_one_is_no_drift():
    rng = np.random.default_rng(0)
    found = [drift(np.zeros(5), rng=rng) for _ in range(400)]
    # The jackknife would take the variance of the means, 1/80, for 3.2 times as much.
    assert np.mean(found) < 0.4 * 3.2 / 80


def test_repetitions_tell_the_luck_of_training_from_the_data():
    rng = np.random.default_rng(0)
    lucky = rng.normal(size=(400, 15))
    once = np.mean([drift(means[:5], luck=True) for means in lucky])
    thrice = np.mean([drift(means, 3, luck=True) for means in lucky])
    assert once == pytest.approx(0.35 * 3.2, rel=0.1)
    assert thrice < 0.6 * once


def test_one_split_tells_nothing_of_drift():
    assert drift([0.1]) == 0
    assert drift([0.1, 0.2, 0.3], 3) == 0
