"""Tests of rows that are on both sides of a split."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skmnist import ImageFlattener, diagnose_fit


def codes_of(diagnosis):
    return [finding.code for finding in diagnosis.findings]


@pytest.mark.parametrize("layout", ["array", "frame", "sparse", "images"])
def test_duplicates_across_splits(digits, layout):
    """Labels are drawn at random, so that only what was memorised is right."""
    X = digits[0][:300]
    y = np.random.default_rng(0).integers(3, size=300)
    clf = KNeighborsClassifier(1)
    plain = diagnose_fit(clf, X, y, reference=0.1)
    assert "FIT12" not in codes_of(plain)
    X, y = np.concatenate([X, X[:50]]), np.concatenate([y, y[:50]])
    layouts = {
        "array": X,
        "frame": pd.DataFrame(X),
        "sparse": sparse.csr_array(X),
        "images": X.reshape(-1, 8, 8),
    }
    if layout == "images":
        clf = make_pipeline(ImageFlattener(), clf)
    # Two halves: the last 50 rows are duplicates of the first 50.
    half = np.arange(350) < 175
    splits = [(np.flatnonzero(half), np.flatnonzero(~half))]
    diagnosis = diagnose_fit(clf, layouts[layout], y, cv=splits, reference=0.1)
    (finding,) = (each for each in diagnosis.findings if each.code == "FIT12")
    evidence = finding.evidence
    assert evidence["n_duplicates"] == 50
    assert evidence["share"] == pytest.approx(50 / 175)
    assert evidence["gain_low"] > 0.3
    # A model that memorises nothing errs on duplicates as on others.
    dummy = diagnose_fit(
        DummyClassifier(), layouts[layout], y, cv=splits, reference=0.1
    )
    assert "FIT12" not in codes_of(dummy)


@pytest.mark.parametrize("copies", [2, 3, 10])
def test_data_that_are_all_copies_are_never_good(small, copies):
    X, y = (np.repeat(array, copies, axis=0) for array in small)
    neighbour = KNeighborsClassifier(1)
    diagnosis = diagnose_fit(neighbour, X, y, reference=0.0, random_state=0)
    (finding,) = (each for each in diagnosis.findings if each.code == "FIT12")
    assert finding.evidence["share"] > 0.8
    assert diagnosis.verdict == "inconclusive"
    assert diagnosis.leaning is None
    assert "does not measure generalisation" in diagnosis.sentence


@pytest.mark.parametrize("n_values", [2, 4, 10, 20])
def test_few_possible_rows_are_no_duplicates(n_values):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X = rng.integers(n_values, size=(600, 2)).astype(float)
        y = (X.sum(axis=1) + rng.normal(size=600) > n_values - 1).astype(int)
        tree = DecisionTreeClassifier(random_state=0)
        diagnosis = diagnose_fit(tree, X, y, reference=0.1, random_state=seed)
        assert "FIT12" not in codes_of(diagnosis)
        assert diagnosis.evidence.twins[0] > 300
