"""Tests of the findings, and of what is printed during a diagnosis."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_blobs, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist._estimate import Estimate
from skmnist.diagnosis import _progress
from skmnist.diagnosis._findings import more_data_helps, unstable_splits


@pytest.fixture(scope="module")
def noisy():
    """Labels that depend on one feature, a fifth of them drawn at random."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    flip = rng.random(600) < 0.2
    return X, np.where(flip, rng.integers(2, size=600), X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def findings_of(diagnosis):
    return {finding.code: finding for finding in diagnosis.findings}


def choose(search, **params):
    """Make a candidate the best of a fitted search."""
    search.best_index_ = search.cv_results_["params"].index(params)
    search.best_params_ = params


def test_good_fit_has_no_findings():
    X, y = make_blobs(900, centers=3, cluster_std=0.5, random_state=0)
    diagnosis = diagnose_fit(
        LinearDiscriminantAnalysis(), X, y, learning_curve=True, random_state=0
    )
    assert diagnosis.verdict == "good"
    assert diagnosis.findings == []


@pytest.mark.slow
def test_trained_too_long_names_best_epoch():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(64,), epochs=40, learning_rate=0.01, random_state=0
    )
    finding = findings_of(diagnose_fit(clf, X, y, cv=3, reference=0.1))["FIT05"]
    assert 1 <= finding.evidence["epoch"] < 30
    assert finding.evidence["early_stop_saves_low"] > 0
    assert f"epoch {finding.evidence['epoch']}" in finding.advice


@pytest.mark.tensorflow
@pytest.mark.slow
def test_early_stopping_is_not_trained_too_long():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(64,),
        epochs=40,
        learning_rate=0.01,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=15,
        random_state=0,
    )
    diagnosis = diagnose_fit(clf, X, y, cv=3, reference=0.1)
    # The validation loss rose at the end, but `fit` restored the best epoch.
    curves = diagnosis.epochs.groupby("fold")["validation_loss"]
    assert curves.last().mean() > curves.min().mean() + 0.1
    assert "FIT05" not in findings_of(diagnosis)
    assert not findings_of(diagnosis)["FIT03"].evidence["harmful"]


@pytest.mark.slow
def test_single_epoch_is_compared_with_second(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(16,), epochs=1, random_state=0)
    X, y = digits
    once, twice = (
        diagnose_fit(clf.set_params(epochs=n), X / 16, y, cv=2, reference=0.1)
        for n in (1, 2)
    )
    evidence = findings_of(once)["FIT04"].evidence
    assert evidence["n_epochs"] == 1
    assert "second epoch" in findings_of(once)["FIT04"].sentence
    epochs = twice.epochs.groupby("epoch")["validation_loss"].mean()
    # The sizes of the folds differ by one.
    assert evidence["loss"] == pytest.approx(epochs[1], rel=1e-3)
    assert evidence["fall"] == pytest.approx(epochs[1] - epochs[2], rel=1e-3)
    # The second epoch does not change what is diagnosed.
    assert len(once.epochs) == 2
    train = twice.epochs.query("epoch == 1")["train_accuracy"].mean()
    assert once.errors["train"].value == pytest.approx(1 - train, rel=1e-3)


def test_overconfident(noisy):
    tree = diagnose_fit(DecisionTreeClassifier(random_state=0), *noisy, reference=0.1)
    finding = findings_of(tree)["FIT06"]
    error = tree.errors["validation"].value
    assert finding.evidence["overconfidence"] == pytest.approx(error)
    assert finding.evidence["calibration_error"] == pytest.approx(error, abs=0.02)
    assert tree.calibration.n.sum() == 600
    plain = diagnose_fit(LogisticRegression(), *noisy, reference=0.1)
    assert "FIT06" not in findings_of(plain)


def test_more_data_helps(digits, noisy):
    X, y = digits
    neighbours = diagnose_fit(
        KNeighborsClassifier(),
        X[:300],
        y[:300],
        reference=0.02,
        cv=StratifiedKFold(5),
        learning_curve=True,
        random_state=0,
    )
    finding = findings_of(neighbours)["FIT07"]
    sizes = neighbours.learning_curve.groupby("train_size").validation_accuracy.mean()
    assert sizes.index.tolist() == [24, 60, 120, 180, 240]
    fall = sizes[240] - sizes[120]
    assert finding.evidence["fall"] == pytest.approx(fall)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    still = diagnose_fit(
        stump, *noisy, reference=0.1, learning_curve=True, random_state=0
    )
    assert "FIT07" not in findings_of(still)


def test_learning_curve_leaves_out_parts_too_small_to_fit(digits):
    X, y = digits
    with pytest.warns(FitFailedWarning, match="leaves out the point at 10 %") as log:
        diagnosis = diagnose_fit(
            KNeighborsClassifier(30),
            X[:300],
            y[:300],
            reference=0.02,
            learning_curve=True,
        )
    assert [warning.filename for warning in log] == [__file__]
    assert diagnosis.learning_curve["train_size"].unique().tolist() == [
        60,
        120,
        180,
        240,
    ]


@pytest.mark.parametrize(("low", "found"), [(0.0049, False), (0.0051, True)])
def test_more_data_helps_only_if_it_is_proven_to_matter(low, found):
    estimate = Estimate(0.03, low, 0.05)
    evidence = SimpleNamespace(
        more_data=estimate,
        tolerance=0.02,
        parameters=frozenset(),
        extrapolation=None,
    )
    assert (more_data_helps(evidence) is not None) == found


def test_unstable_splits(digits):
    X, y = (array[:1000] for array in digits)
    folds = np.arange(1000) % 5
    splits = [
        (np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)
    ]
    clf = GaussianNB()
    assert "FIT08" not in findings_of(diagnose_fit(clf, X, y, cv=splits, reference=0.1))
    y = y.copy()
    y[splits[3][1]] = np.random.default_rng(0).permutation(y[splits[3][1]])
    unstable = diagnose_fit(clf, X, y, cv=splits, reference=0.1)
    finding = findings_of(unstable)["FIT08"]
    assert finding.evidence["split"] == 4
    assert finding.evidence["p_value"] < 0.01
    assert "If the order of the samples has no meaning, shuffle" in finding.advice


def test_classes_that_splits_do_not_train_on_decide_nothing():
    X, y = load_iris(return_X_y=True)  # sorted by class
    clf = KNeighborsClassifier()
    in_order = diagnose_fit(clf, X, y, cv=KFold(3), reference=0.05)
    finding = findings_of(in_order)["FIT08"]
    assert finding.evidence == {"share_of_unseen_classes": 1.0, "splits": [1, 2, 3]}
    assert "StratifiedKFold" in finding.advice
    assert (in_order.verdict, in_order.leaning) == ("inconclusive", None)
    assert "no model can predict them right (splits 1, 2, 3)" in in_order.sentence
    # One such sample explains little of a large gap.
    flipped = np.random.default_rng(0).random(150) < 0.25
    y = np.where(flipped, y == 0, y > 0).astype(int)
    y[-1] = 2
    splits = list(StratifiedKFold(5).split(X, y % 2))
    memorised = diagnose_fit(KNeighborsClassifier(1), X, y, cv=splits, reference=0.05)
    finding = findings_of(memorised)["FIT08"]
    assert finding.evidence == {"share_of_unseen_classes": 1 / 150, "splits": [5]}
    assert memorised.verdict != "inconclusive"


def test_advice_on_unstable_splits_knows_whether_they_were_shuffled(digits):
    X, y = (array[:1000] for array in digits)
    y = y.copy()
    y[:200] = np.random.default_rng(0).permutation(y[:200])
    in_order, drawn = (
        diagnose_fit(KNeighborsClassifier(), X, y, cv=cv, reference=0.1)
        for cv in (StratifiedKFold(5), 5)
    )
    finding = findings_of(in_order)["FIT08"]
    assert finding.evidence["split"] == 1
    assert "The splits were not shuffled: shuffle them" in finding.advice
    assert "FIT08" not in findings_of(drawn)
    by_chance = unstable_splits(replace(in_order.evidence, shuffled=True))
    assert by_chance.advice.startswith("Inspect the samples of that split")
    assert "shuffle" not in by_chance.advice


def test_best_value_at_edge(digits):
    X, y = (array[:600] for array in digits)
    tree = DecisionTreeClassifier(random_state=0)
    short = GridSearchCV(tree, {"max_depth": [1, 2, 3]}, cv=5).fit(X, y)
    diagnosis = diagnose_fit(short, X, y, reference=0.05, random_state=0)
    finding = findings_of(diagnosis)["FIT09"]
    assert finding.evidence == {"max_depth": 3}
    assert "max_depth=3 is the highest of 1, 2, 3" in finding.sentence
    wide = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 3, 200]}, cv=3, scoring="accuracy"
    ).fit(X, y)
    choose(wide, n_neighbors=3)
    assert "FIT09" not in findings_of(diagnose_fit(wide, X, y, reference=0.05))


def test_edge_is_of_grid_with_best_value(digits):
    X, y = (array[:300] for array in digits)
    grids = [
        {"weights": ["uniform"], "n_neighbors": [1, 3, 200]},
        {"weights": ["distance"], "n_neighbors": [3, 200]},
    ]
    search = GridSearchCV(KNeighborsClassifier(), grids, cv=3).fit(X, y)
    choose(search, weights="uniform", n_neighbors=3)
    assert "FIT09" not in findings_of(diagnose_fit(search, X, y, reference=0.05))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"scoring": "neg_log_loss"},
            r"scores -0\.\d+ \(neg_log_loss\), the best, 2, -0",
        ),
        (
            {"scoring": {"a": "accuracy", "f": "f1"}, "refit": "f"},
            r"scores 0\.92 \(f1\), the best, 2, 0\.913",
        ),
        (
            {"scoring": ["accuracy", "f1"], "refit": "accuracy"},
            r"has an error of 8\.2 %, the best, 2, 8\.8 %",
        ),
    ],
)
def test_simpler_candidate_by_scoring_of_search(noisy, options, text):
    capacity = {"max_depth": [1, 2]}
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    search = GridSearchCV(tree, capacity, cv=5, **options).fit(*noisy)
    choose(search, max_depth=2)
    diagnosis = diagnose_fit(search, *noisy, reference=0.1, capacity=capacity)
    sentence = findings_of(diagnosis)["FIT10"].sentence
    assert re.search(text, sentence)


def test_simpler_candidate_of_search_and_capacity_curve(noisy):
    X, y = noisy
    depths = [1, 2, 3, 5]
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    capacity = {"max_depth": depths}
    curve = diagnose_fit(tree, X, y, reference=0.1, capacity=capacity)
    assert curve.capacity_curve["value"].unique().tolist() == ["1", "2", "3", "5"]
    assert len(curve.capacity_curve) == 20
    search = GridSearchCV(tree, capacity, cv=5).fit(X, y)
    choose(search, max_depth=3)
    diagnosis = diagnose_fit(search, X, y, reference=0.1, capacity=capacity)
    results = 1 - search.cv_results_["mean_test_score"]
    evidence = findings_of(diagnosis)["FIT10"].evidence
    assert evidence["value"] == 1
    assert evidence["best_error"] == pytest.approx(results[2])
    assert evidence["error"] == pytest.approx(results[0])
    assert evidence["difference_high"] <= diagnosis.tolerance
    # Values may be a NumPy array.
    capacity = {"max_depth": np.array(depths)}
    again = diagnose_fit(tree, X, y, reference=0.1, capacity=capacity)
    assert again.capacity_curve.equals(curve.capacity_curve)


def test_gap_is_harmful_if_simpler_model_is_better(noisy):
    tree = DecisionTreeClassifier(max_depth=20, random_state=0)
    capacity = {"max_depth": [1, 20]}
    diagnosis = diagnose_fit(tree, *noisy, reference=0.1, capacity=capacity)
    finding = findings_of(diagnosis)["FIT03"]
    assert finding.evidence["harmful"]
    assert finding.evidence["simpler"] == "1"
    assert finding.evidence["simpler_saves_low"] > 0
    assert "the simpler 1" in finding.sentence


def test_negative_gap():
    X, y = make_classification(800, class_sep=0.5, flip_y=0.2, random_state=0)
    easy = np.abs(LogisticRegression().fit(X, y).decision_function(X)) > 1.2
    diagnosis = diagnose_fit(
        LogisticRegression(),
        X[~easy],
        y[~easy],
        X_val=X[easy],
        y_val=y[easy],
        reference=0.1,
    )
    finding = findings_of(diagnosis)["FIT11"]
    assert finding.evidence["gap_high"] < 0
    assert "−" not in finding.sentence.split("by")[1].split("(")[0]


def test_rare_class_that_no_model_finds_is_said_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 4))
    y = (np.arange(800) < 8).astype(int)
    chance = findings_of(diagnose_fit(DummyClassifier(), X, y))["FIT01"]
    assert "Neither is the reference" in chance.sentence
    X[:8] += 5  # found easily
    chance = findings_of(diagnose_fit(DummyClassifier(), X, y))["FIT01"]
    assert "Neither" not in chance.sentence


def test_simpler_candidate_is_proven_not_worse(noisy):
    X, y = noisy
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    capacity = {"max_depth": [1, 3]}
    for tolerance in (0.001, 0.1):
        diagnosis = diagnose_fit(
            tree, X, y, reference=0.1, capacity=capacity, tolerance=tolerance
        )
        finding = findings_of(diagnosis).get("FIT10")
        simpler = diagnosis.evidence.candidates.simpler
        assert (finding is None) == (simpler is None)
        if finding is not None:
            assert finding.evidence["difference_high"] <= tolerance
            assert "within the tolerance" in finding.sentence


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        ({"depth": [1, 2]}, "not a parameter of the estimator"),
        ({"max_depth": [1, 2]}, "own, 5, exactly once"),
        ({"max_depth": [5]}, "at least two values of max_depth"),
        ({}, "one parameter"),
        ({"max_depth": [1, 5], "min_samples_leaf": [1, 2]}, "one parameter"),
        ([1, 2], "capacity"),
        ({"max_depth": 5}, "list the values"),
        ({"max_depth": {1, 5}}, "list the values"),
    ],
)
def test_invalid_capacity_is_refused(noisy, capacity, message):
    tree = DecisionTreeClassifier(max_depth=5)
    with pytest.raises(ValueError, match=message):
        diagnose_fit(tree, *noisy, capacity=capacity)


def test_verbose_prints_number_of_fits_and_time(noisy, capsys):
    diagnose_fit(
        DecisionTreeClassifier(max_depth=2),
        *noisy,
        cv=4,
        reference="auto",
        learning_curve=True,
        capacity={"max_depth": [1, 2, 3]},
        verbose=1,
    )
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("40 fits (4 folds, 8 capacity, 16 learning curve, 12 ref")
    assert re.fullmatch(r"About \d+ s, estimated from the first fit\.", second)


def test_durations_are_written_in_suitable_units():
    assert [_progress.duration(s) for s in (0.1, 99, 600, 9000)] == [
        "1 s",
        "99 s",
        "10 min",
        "2.5 h",
    ]
