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


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_drift_is_what_a_model_owes_to_its_data(n_repeats):
    rng = np.random.default_rng(0)
    found, luck = [], []
    for _ in range(400):
        influences = rng.normal(size=100)
        moved = left_out(influences - influences.mean(), n_repeats, 5, rng)
        found.append(drift_variance(moved, n_repeats))
        luck.append(drift_variance(rng.normal(size=5 * n_repeats), n_repeats))
    # The sum of 20 independent influences of variance 1.
    assert np.mean(found) == pytest.approx(20, rel=0.1)
    # Luck of variance 1 is counted whole where nothing tells it from the data's part.
    assert np.mean(luck) < 0.6 if n_repeats > 1 else np.mean(luck) > 0.9


def test_one_split_tells_nothing_of_drift():
    assert drift_variance([0.1], 1) == 0
    assert drift_variance([0.1, 0.2, 0.3], 3) == 0
