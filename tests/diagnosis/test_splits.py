"""Tests of a diagnosis on the splits of a series, of groups, and of the user."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    TimeSeriesSplit,
)
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, diagnose_fit

STUMP = DecisionTreeClassifier(max_depth=1, random_state=0)


@pytest.fixture(scope="module")
def series():
    """600 samples of a rule that turns into its opposite for the last 100."""
    X = np.random.default_rng(0).normal(size=(600, 5))
    y = (X[:, 0] > 0).astype(int)
    y[500:] = 1 - y[500:]
    return X, y


def codes_of(diagnosis):
    return {finding.code: finding for finding in diagnosis.findings}


def test_last_samples_of_a_series_count_in_the_gap(series):
    cv = TimeSeriesSplit(5)
    diagnosis = diagnose_fit(LogisticRegression(), *series, cv=cv, reference=0.0)
    errors = diagnosis.errors
    expected = errors["validation"].value - errors["train"].value
    assert expected > 0.2
    assert diagnosis.gap.value == pytest.approx(expected, abs=0.01)
    assert diagnosis.gap.contains(expected)
    assert diagnosis.leaning != "good"


def test_series_without_drift_has_a_narrow_gap():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 5))
    y = np.where(rng.random(600) < 0.3, rng.integers(2, size=600), X[:, 0] > 0)
    diagnosis = diagnose_fit(STUMP, X, y, cv=TimeSeriesSplit(5), reference=0.0)
    assert diagnosis.gap.high - diagnosis.gap.low < 0.15
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    both = diagnose_fit(tree, X, y, cv=TimeSeriesSplit(5), reference=STUMP)
    assert both.bias.high - both.bias.low < 0.2


def test_series_is_not_advised_to_be_shuffled(series):
    cv = TimeSeriesSplit(5)
    diagnosis = diagnose_fit(LogisticRegression(), *series, cv=cv, reference=0.0)
    advice = codes_of(diagnosis)["FIT08"].advice
    assert "If the order of the samples has no meaning" in advice


def test_labels_of_a_split_that_differs_are_not_called_wrong(series):
    diagnosis = diagnose_fit(
        LogisticRegression(), *series, cv=KFold(6), reference=0.0, random_state=0
    )
    assert "FIT08" in codes_of(diagnosis)
    assert "FIT13" not in codes_of(diagnosis)


def test_groups_widen_the_gap_of_a_single_split():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 20)
    X = np.repeat(rng.normal(size=(40, 3)), 20, axis=0)
    y = np.repeat(rng.integers(2, size=40), 20)
    split = list(
        GroupShuffleSplit(1, test_size=0.5, random_state=0).split(X, y, groups)
    )
    one, other = (
        diagnose_fit(STUMP, X, y, cv=split, groups=given, reference=0.0).gap
        for given in (groups, None)
    )
    assert one.high - one.low > 2 * (other.high - other.low)


def test_interval_of_a_difference_is_within_100_percent(small):
    X, y = small
    groups = np.arange(200) % 2
    diagnosis = diagnose_fit(STUMP, X, y, cv=2, groups=groups, reference=0.0)
    assert diagnosis.evidence.advantage.low >= -1
    assert diagnosis.evidence.advantage.high <= 1


ROWS = np.arange(200)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([(ROWS, ROWS)], "Split 1 of cv tests 200 samples that it trains on"),
        (
            [(ROWS[:100], ROWS[100:]), (ROWS[:120], ROWS[100:])],
            "Split 2 of cv tests 20 samples that it trains on",
        ),
        ([(ROWS[:100], [])], "Split 1 of cv has no test samples"),
        ([([], ROWS[100:])], "Split 1 of cv has no training samples"),
        ([], "has no splits"),
        ([(ROWS[:100], ROWS[100:] + 5)], "rows of X .* index 200 is out of bounds"),
        ([(ROWS[:50] < 20, ROWS[:50] >= 20)], "rows of X .* boolean"),
        ([(ROWS[:100] / 1, ROWS[100:] / 1)], "rows of X .* integer"),
    ],
    ids=[
        "all rows on both sides",
        "some rows on both sides",
        "no test rows",
        "no training rows",
        "no splits",
        "no such row",
        "short mask",
        "floats",
    ],
)
def test_unusable_splits_are_refused(small, cv, message):
    with pytest.raises(ValueError, match=message):
        diagnose_fit(STUMP, *small, cv=cv, reference=0.1)


def test_cv_results_of_rows_on_both_sides_are_refused(small):
    results = {
        "estimator": [STUMP.fit(*small)],
        "indices": {"train": [ROWS], "test": [ROWS]},
        "fit_time": [0.0],
    }
    with pytest.raises(ValueError, match="tests 200 samples that it trains on"):
        FitDiagnosis.from_cv_results(results, *small, reference=0.1)


def test_negative_rows_are_counted_from_the_end(small):
    halves = [(ROWS[:100], ROWS[100:]), (ROWS[100:], ROWS[:100])]
    negative = [(a - 200, b - 200) for a, b in halves]
    one, other = (
        diagnose_fit(STUMP, *small, cv=cv, reference=0.1) for cv in (halves, negative)
    )
    assert one.sentence == other.sentence
    assert one.out_of_fold.equals(other.out_of_fold)
