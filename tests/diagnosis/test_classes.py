"""Tests of the error of each class."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from skmnist import diagnose_fit
from skmnist._cross_validation._folds import judge_fitted
from skmnist.diagnosis._classes import per_class_sentence, per_class_table
from skmnist.diagnosis._evidence import Evidence


def blobs(rng, n_classes, n, separation):
    """Return classes that are equally far from each other."""
    y = rng.integers(n_classes, size=n)
    X = rng.normal(size=(n, n_classes))
    X[np.arange(n), y] += separation
    return X, y


def evidence_of(clf, X, y, splits, groups=None):
    """Return the evidence of a classifier without the work of a whole diagnosis."""
    folds = [
        judge_fitted(
            clf.fit(X[train], y[train]),
            X,
            y,
            train=train,
            test=test,
            number=number,
            fit_time=0.0,
        )
        for number, (train, test) in enumerate(splits, 1)
    ]
    classes, codes = np.unique(y, return_inverse=True)
    return Evidence(folds, [], codes, len(classes), 0.02, "known error", 0.1, groups)


def table_of(clf, X, y, splits, groups=None):
    evidence = evidence_of(clf, X, y, splits, groups)
    return per_class_table(evidence, np.unique(y)).set_index("class")


def stratified(y, n_splits=5, seed=0):
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(y, y))


@pytest.fixture(scope="module")
def diagnosis():
    X, y = load_digits(return_X_y=True)
    return diagnose_fit(GaussianNB(), X, y, reference=0.1, random_state=0)


def test_error_and_precision_are_those_of_confusion_matrix(diagnosis):
    counts, table = diagnosis.confusion_matrix, diagnosis.per_class
    assert table["class"].tolist() == list(range(10))
    assert table["n"].tolist() == counts.sum(axis=1).tolist()
    right = np.diag(counts)
    np.testing.assert_allclose(table["error"], 1 - right / counts.sum(axis=1))
    np.testing.assert_allclose(table["precision"], right / counts.sum(axis=0))
    assert (table["low"] < table["error"]).all()
    assert (table["error"] < table["high"]).all()


def test_worse_classes_are_named_in_text_and_record(diagnosis):
    worse = diagnosis.per_class[diagnosis.per_class["worse"]]
    errors = worse.set_index("class")["error"]
    assert errors.index.tolist() == [2, 9]
    assert errors.min() > diagnosis.errors["validation"].value
    named = diagnosis.per_class_sentence
    places = [named.index(f"class {c} (error") for c in errors.sort_values().index]
    assert places == sorted(places, reverse=True)
    assert str(diagnosis).splitlines()[1].strip() == named
    record = json.loads(json.dumps(diagnosis.to_dict()))
    assert record["per_class"]["worse"] == diagnosis.per_class["worse"].tolist()
    assert record["per_class_sentence"] == named


def test_equal_classes_are_seldom_called_worse():
    found = 0
    for seed in range(100):
        X, y = blobs(np.random.default_rng(seed), 10, 200, 3.0)
        table = table_of(GaussianNB(), X, y, stratified(y, seed=seed))
        found += table["worse"].any()
    assert found <= 5


@pytest.mark.parametrize("n_rare", [3, 1])
def test_rare_class_that_is_never_found(n_rare):
    rng = np.random.default_rng(0)
    X, y = blobs(rng, 3, 300, 3.0)
    y = np.array(["blue", "green", "red"])[y]
    # Of no use to a nearest neighbour: among the green ones.
    rare = np.flatnonzero(y == "green")[:n_rare]
    y = y.astype(object)
    y[rare] = "rare"
    splits = list(KFold(5).split(X))
    table = table_of(KNeighborsClassifier(5), X, y.astype(str), splits)
    row = table.loc["rare"]
    assert (row["n"], row["error"]) == (n_rare, 1)
    assert np.isnan(row["precision"])
    # The others err in 4 %: one sample proves nothing.
    assert row["worse"] == (n_rare == 3)
    assert table["worse"].sum() == (n_rare == 3)
    said = per_class_sentence(table.reset_index(), 0.01)
    assert ("class rare (never recognised: all 3 samples misclassified)" in said) == (
        n_rare == 3
    )


def test_of_hundred_classes_only_the_worst_are_named():
    rng = np.random.default_rng(0)
    X, y = blobs(rng, 100, 2000, 12.0)
    # Half the samples of ten classes lie where other classes do.
    X[(y < 10) & (rng.random(2000) < 0.5)] = 0
    table = table_of(KNeighborsClassifier(5), X, y, stratified(y, 3))
    assert set(np.flatnonzero(table["worse"])) <= set(range(10))
    assert table["worse"].sum() > 5
    said = per_class_sentence(table.reset_index(), 0.05)
    assert said.count("class ") == 5
    assert f"and {table['worse'].sum() - 5} more" in said


def test_class_without_test_samples_has_no_error():
    X, y = blobs(np.random.default_rng(0), 3, 300, 5.0)
    train = np.arange(300) < 200
    test = ~train & (y != 2)
    splits = [(np.flatnonzero(train), np.flatnonzero(test))]
    table = table_of(GaussianNB(), X, y, splits)
    assert table.loc[2, "n"] == 0
    assert table.loc[2, ["error", "low", "high"]].isna().all()
    assert not table.loc[2, "worse"]


def test_repetitions_count_each_sample_once():
    X, y = blobs(np.random.default_rng(0), 3, 150, 2.5)
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
    splits = list(cv.split(X, y))
    once = table_of(GaussianNB(), X, y, splits[:5])
    thrice = table_of(GaussianNB(), X, y, splits)
    assert thrice["n"].tolist() == once["n"].tolist() == np.bincount(y).tolist()
    width = (thrice["high"] - thrice["low"]) / (once["high"] - once["low"])
    assert (width > 0.8).all()


def test_samples_of_one_group_prove_less():
    rng = np.random.default_rng(0)
    X, y = blobs(rng, 2, 400, 4.0)
    # In two groups of twenty, class 1 lies where class 0 does.
    groups = np.arange(400) % 20
    X[(groups < 2) & (y == 1)] += [4, -4]
    splits = [
        (np.flatnonzero(groups % 5 != k), np.flatnonzero(groups % 5 == k))
        for k in range(5)
    ]
    independent = table_of(GaussianNB(), X, y, splits)
    grouped = table_of(GaussianNB(), X, y, splits, groups)
    assert independent.loc[1, "worse"]
    assert not grouped.loc[1, "worse"]
    assert grouped.loc[1, "high"] > independent.loc[1, "high"]
