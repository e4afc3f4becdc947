"""Tests of the confidence intervals, and of their coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit
from skmnist._estimate import Estimate, percent
from skmnist.diagnosis._intervals import (
    _tango,
    class_mean,
    mean,
    paired_difference,
    proportion,
    quantile,
    two_sample_difference,
)


def errors_of(n, n_wrong):
    return np.arange(n) < n_wrong


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.023, "2.3 %"),
        (0.1234, "12.3 %"),
        (0.0, "0.0 %"),
        (-0.0000001, "0.0 %"),
        (0.0012, "0.12 %"),
        (-0.031, "−3.1 %"),
    ],
)
def test_percent(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize("wrong", [0, 1, 7, 150, 300])
def test_proportion_without_training_variance_is_wilson_interval(wrong):
    estimate = proportion(errors_of(300, wrong), training=False)
    interval = binomtest(wrong, 300).proportion_ci(method="wilson")
    # Student's quantile with 299 degrees of freedom is 0.4 % above the normal one.
    assert estimate.low == pytest.approx(interval.low, abs=4e-4)
    assert estimate.high == pytest.approx(interval.high, abs=4e-4)


def test_two_sample_difference_matches_newcombe():
    # Newcombe (1998), table II, method 10: 56/70 − 48/80 gives 0.0524 to 0.3339.
    estimate = two_sample_difference(errors_of(70, 56), errors_of(80, 48))
    assert estimate.value == pytest.approx(0.2)
    assert estimate.low == pytest.approx(0.0524, abs=0.003)
    assert estimate.high == pytest.approx(0.3339, abs=0.003)


@pytest.mark.parametrize(("b", "c"), [(12, 5), (3, 0), (0, 2), (40, 40)])
def test_tango_limits_solve_score_equation(b, c):
    n, z = 100, 1.96

    def score(delta):
        # The likelihood of c under b − c = delta, maximised on a grid.
        grid = np.linspace(max(1e-9, -delta + 1e-9), (1 - delta) / 2 - 1e-9, 400_001)
        rest = 1 - 2 * grid - delta
        log_likelihood = (n - b - c) * np.log(rest)
        log_likelihood += b * np.log(grid + delta) + c * np.log(grid)
        p = grid[np.argmax(log_likelihood)]
        return (b - c - n * delta) / math.sqrt(n * (2 * p + delta * (1 - delta)))

    low, high = _tango(b / n, c / n, n, z)
    assert score(low) == pytest.approx(z, abs=0.02)
    assert score(high) == pytest.approx(-z, abs=0.02)


def test_tango_without_discordant_pairs():
    z = 1.96
    limit = z**2 / (300 + z**2)
    assert _tango(0, 0, 300, z) == pytest.approx((-limit, limit), abs=1e-6)


@given(
    st.lists(st.tuples(*[st.sampled_from([0, 1 / 3, 0.5, 1])] * 2), min_size=2),
    st.floats(0, 0.01),
)
def test_intervals_contain_value_and_have_positive_width(pairs, instability):
    first, second = np.array(pairs, dtype=float).T
    estimates = [
        paired_difference(first, second, instability=instability),
        two_sample_difference(first, second),
        proportion(first, instability=instability),
        class_mean(first - second, (first > 0).astype(int), 2),
    ]
    for estimate in estimates:
        assert estimate.low <= estimate.value + 1e-12
        assert estimate.value <= estimate.high + 1e-12
        assert estimate.low < estimate.high


def test_paired_difference_is_antisymmetric():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2, (2, 50)).astype(float)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-6)


def test_averaging_over_models_is_not_more_samples():
    rng = np.random.default_rng(0)
    once = (rng.random(400) < 0.3).astype(float)
    often = np.full(400, 0.3)
    zero = np.zeros(400)
    narrow = paired_difference(often, zero)
    wide = paired_difference(once, zero)
    assert narrow.high - narrow.low > (wide.high - wide.low) / 3


def test_groups_count_as_one_sample():
    rng = np.random.default_rng(0)
    by_group = (rng.random(40) < 0.3).astype(float)
    first, groups = np.repeat(by_group, 25), np.repeat(np.arange(40), 25)
    zero = np.zeros(1000)
    for estimate in (
        paired_difference(first, zero, groups=groups),
        proportion(first, groups=groups),
        mean(first, groups=groups),
    ):
        expected = 2 * quantile(39) * math.sqrt(1.4 * np.var(by_group) / 40)
        assert estimate.high - estimate.low == pytest.approx(expected, rel=0.15)


def test_groups_without_errors_count_as_one_sample():
    zero, groups = np.zeros(1000), np.repeat(np.arange(10), 100)
    few = proportion(zero, training=False, groups=groups)
    assert few.high == pytest.approx(proportion(np.zeros(10), training=False).high)


def test_class_mean_weights_classes_equally():
    codes = np.repeat([0, 1], [990, 10])
    estimate = class_mean((codes == 1).astype(float), codes, 2)
    assert estimate.value == 0.5
    assert estimate.low < 0.45
    empty = class_mean((codes == 1).astype(float), codes, 3)
    assert empty.value == 0.5


def test_estimate_shift_and_contains():
    estimate = Estimate(0.5, 0.25, 0.75).shift(-0.25)
    assert estimate == Estimate(0.25, 0.0, 0.5)
    assert estimate.contains(0.5)
    assert not estimate.contains(0.51)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classifier", "reference"),
    [
        (LinearDiscriminantAnalysis(), 0.1),
        (DecisionTreeClassifier(max_depth=6, random_state=0), 0.1),
    ],
    ids=["LDA", "tree"],
)
def test_gap_and_bias_coverage(classifier, reference):
    n, n_experiments = 300, 80
    X, y = make_classification(
        40_000,
        n_informative=8,
        n_redundant=4,
        n_classes=3,
        class_sep=1.2,
        random_state=0,
    )
    X_new, y_new, X, y = X[:10_000], y[:10_000], X[10_000:], y[10_000:]
    rng = np.random.default_rng(0)
    results, train, new = [], [], []
    for _ in range(n_experiments):
        rows = rng.choice(len(X), n, replace=False)
        results.append(diagnose_fit(classifier, X[rows], y[rows], reference=reference))
        fitted = classifier.fit(X[rows[:240]], y[rows[:240]])
        train.append(1 - fitted.score(X[rows[:240]], y[rows[:240]]))
        new.append(1 - fitted.score(X_new, y_new))
    gap = np.mean(new) - np.mean(train)
    if np.mean(train) < reference:
        gap = np.mean(new) - reference
    bias = max(0, np.mean(train) - reference)
    half_gap = np.mean([r.gap.high - r.gap.low for r in results]) / 2
    deviation = np.std([r.gap.value for r in results])
    assert np.mean([r.gap.low <= gap <= r.gap.high for r in results]) >= 0.85
    assert np.mean([r.bias.low <= bias <= r.bias.high for r in results]) >= 0.85
    # The coverage does not come from intervals that are too wide.
    assert half_gap <= 1.7 * 1.96 * deviation
