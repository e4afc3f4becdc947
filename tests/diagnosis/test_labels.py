"""Tests of labels that are probably wrong (FIT13)."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, make_classification, make_moons
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit
from skmnist._cross_validation._neighbours import find_neighbours
from skmnist.report import render_html


def digits_with_flips(share=0.1, seed=0):
    """Return digits, labels of which a share is wrong, and which are."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < share
    other = (y + rng.integers(1, 10, size=len(y))) % 10
    return X, np.where(wrong, other, y), wrong


@pytest.fixture(scope="module")
def flipped():
    X, y, wrong = digits_with_flips()
    clf = KNeighborsClassifier(7)
    return diagnose_fit(clf, X, y, reference=0.02, random_state=0), wrong


def found(diagnosis):
    return {finding.code: finding for finding in diagnosis.findings}.get("FIT13")


def test_share_of_flipped_labels_is_estimated(flipped):
    diagnosis, wrong = flipped
    record = found(diagnosis).evidence
    assert record["share_low"] <= wrong.mean() <= record["share_high"]
    assert record["share_high"] - record["share_low"] < 0.07
    assert record["n_suspects"] == len(diagnosis.suspect_labels)
    assert record["rows"] == diagnosis.suspect_labels["row"].head(24).tolist()


def test_listed_rows_are_those_flipped(flipped):
    diagnosis, wrong = flipped
    _, true = load_digits(return_X_y=True)
    table = diagnosis.suspect_labels
    assert wrong[table["row"]].mean() > 0.95
    assert wrong[table["row"].head(24)].all()
    assert table["row"].nunique() == len(table) > 0.5 * wrong.sum()
    right = table["y_suggested"] == true[table["row"]]
    assert right[wrong[table["row"]]].mean() > 0.95
    margin = table["probability_suggested"] - table["probability_true"]
    assert (np.diff(margin) <= 0).all()


def test_suspects_stand_in_text_record_and_page(flipped):
    diagnosis, _ = flipped
    assert "FIT13 Suspect labels (issue): An estimated" in str(diagnosis)
    record = json.loads(json.dumps(diagnosis.to_dict()))
    assert record["suspect_labels"]["row"] == diagnosis.suspect_labels["row"].tolist()
    assert diagnosis.suspect_images.shape == (24, 8, 8)
    page = render_html(diagnosis)
    first = diagnosis.suspect_labels.to_dict("records")[0]
    assert "Labels that are probably wrong" in page
    alt = f'labelled {first["y_true"]}, probably {first["y_suggested"]}"'
    assert f'alt="Image {first["row"]}: {alt}' in page


@pytest.mark.parametrize(("reference", "advised"), [(0.02, True), (0.12, False)])
def test_advice_names_reference_unless_it_is_known(reference, advised):
    X, y, _ = digits_with_flips()
    diagnosis = diagnose_fit(GaussianNB(), X, y, reference=reference, random_state=0)
    assert ("reference=0." in found(diagnosis).advice) == advised


@pytest.mark.parametrize(
    "clf",
    [LogisticRegression(), DecisionTreeClassifier(random_state=0), GaussianNB()],
    ids=lambda clf: type(clf).__name__,
)
@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: make_moons(1000, noise=0.35, random_state=seed),
        lambda seed: make_classification(
            1000, n_classes=3, n_informative=5, class_sep=0.7, random_state=seed
        ),
        lambda seed: make_classification(
            1000, weights=[0.95], class_sep=0.5, flip_y=0, random_state=seed
        ),
    ],
    ids=["moons", "three classes", "rare class"],
)
def test_overlapping_classes_are_no_wrong_labels(draw, clf):
    diagnosis = diagnose_fit(clf, *draw(0), reference=0.1, random_state=0)
    assert found(diagnosis) is None
    assert diagnosis.suspect_labels.empty
    assert diagnosis.suspect_images is None


def test_rare_class_that_is_not_learned_is_no_wrong_label():
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < 0.05).astype(int)
    X = rng.normal(size=(3000, 10))
    X[:, 0] += 1.5 * y
    clf = LogisticRegression(class_weight="balanced")
    assert found(diagnose_fit(clf, X, y, reference=0.02)) is None


def test_classifier_without_probabilities_is_silent():
    X, y, _ = digits_with_flips()
    assert found(diagnose_fit(RidgeClassifier(), X, y, reference=0.02)) is None


def test_labels_without_relation_to_features_are_not_judged():
    X, y, _ = digits_with_flips(0.9)
    assert found(diagnose_fit(GaussianNB(), X, y, reference=0.02)) is None


def test_features_that_are_not_numbers_are_not_judged():
    X = pd.DataFrame({"a": ["x", "y", "z", "x"] * 50})
    X["b"] = [pd.Timestamp(2026, 1, 1 + k % 7) for k in range(200)]
    y = np.arange(200) % 2
    assert (
        find_neighbours(np.array(X, dtype=object), y, [(np.arange(100),) * 2], 0)
        is None
    )
    clf = make_pipeline(OrdinalEncoder(), GaussianNB())
    assert found(diagnose_fit(clf, X, y, reference=0.02)) is None


def test_repetitions_list_each_row_once_and_by_majority():
    X, y, wrong = digits_with_flips()
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
    diagnosis = diagnose_fit(GaussianNB(), X, y, cv=cv, reference=0.02)
    table = diagnosis.suspect_labels
    assert table["row"].is_unique
    wrongly = diagnosis.out_of_fold.query("y_true != y_pred")
    times = wrongly.groupby(level="row").size()
    assert (times[table["row"]] >= 2).all()


def test_rows_of_hold_out_are_counted_from_its_first():
    X, y, wrong = digits_with_flips(0.2)
    diagnosis = diagnose_fit(
        KNeighborsClassifier(),
        X[:800],
        y[:800],
        X_val=X[800:],
        y_val=y[800:],
        reference=0.02,
    )
    rows = diagnosis.suspect_labels["row"]
    assert len(rows) > 50
    assert wrong[800:][rows].mean() > 0.95
    assert diagnosis.suspect_labels["y_true"].tolist() == y[800:][rows].tolist()


def test_samples_of_one_group_prove_less():
    X, y, wrong = digits_with_flips(0.06)
    groups = np.arange(len(y)) % 30
    independent = found(diagnose_fit(GaussianNB(), X, y, reference=0.02))
    # All wrong labels are those of one group.
    groups[wrong] = 30
    splits = [
        (
            np.flatnonzero(np.arange(len(y)) % 5 != k),
            np.flatnonzero(np.arange(len(y)) % 5 == k),
        )
        for k in range(5)
    ]
    grouped = diagnose_fit(GaussianNB(), X, y, cv=splits, groups=groups, reference=0.02)
    assert independent is not None
    assert found(grouped) is None
