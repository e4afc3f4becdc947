"""Each finding where it is true, and none where nothing is to be found."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, _progress, diagnose_fit


@pytest.fixture(scope="module")
def noisy():
    """A rule of one feature, and a fifth of the labels at random."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    flip = rng.random(600) < 0.2
    return X, np.where(flip, rng.integers(2, size=600), X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def found(diagnosis):
    return {finding.code: finding for finding in diagnosis.findings}


def test_nothing_is_found_where_nothing_is_wrong():
    X, y = make_blobs(900, centers=3, cluster_std=0.5, random_state=0)
    diagnosis = diagnose_fit(
        LinearDiscriminantAnalysis(), X, y, learning_curve=True, random_state=0
    )
    assert diagnosis.verdict == "good"
    assert diagnosis.findings == []


def test_a_network_trained_too_long_is_told_the_epoch():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(64,), epochs=40, learning_rate=0.01, random_state=0
    )
    finding = found(diagnose_fit(clf, X, y, cv=3, reference=0.1))["FIT05"]
    assert 1 <= finding.evidence["epoch"] < 30
    assert finding.evidence["early_stop_saves_low"] > 0
    assert f"epoch {finding.evidence['epoch']}" in finding.advice


def test_early_stopping_is_not_told_to_stop_earlier():
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
    # The curve turned up again, but what is judged went back to the best epoch.
    curves = diagnosis.epochs.groupby("fold")["validation_loss"]
    assert curves.last().mean() > curves.min().mean() + 0.1
    assert "FIT05" not in found(diagnosis)
    assert not found(diagnosis)["FIT03"].evidence["harmful"]


def test_a_single_epoch_is_compared_with_a_second(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(16,), epochs=1, random_state=0)
    X, y = digits
    once, twice = (
        diagnose_fit(clf.set_params(epochs=n), X / 16, y, cv=2, reference=0.1)
        for n in (1, 2)
    )
    evidence = found(once)["FIT04"].evidence
    assert evidence["n_epochs"] == 1
    assert "second epoch" in found(once)["FIT04"].sentence
    epochs = twice.epochs.groupby("epoch")["validation_loss"].mean()
    # The folds differ by a row.
    assert evidence["loss"] == pytest.approx(epochs[1], rel=1e-3)
    assert evidence["fall"] == pytest.approx(epochs[1] - epochs[2], rel=1e-3)
    # What was asked for is judged, not what came after.
    assert len(once.epochs) == 2
    train = twice.epochs.query("epoch == 1")["train_accuracy"].mean()
    assert once.errors["train"].value == pytest.approx(1 - train, rel=1e-3)


def test_a_tree_that_is_always_sure_is_overconfident_and_a_calibrated_model_not(noisy):
    tree = diagnose_fit(DecisionTreeClassifier(random_state=0), *noisy, reference=0.1)
    finding = found(tree)["FIT06"]
    error = tree.errors["validation"].value
    assert finding.evidence["overconfidence"] == pytest.approx(error)
    assert finding.evidence["calibration_error"] == pytest.approx(error, abs=0.02)
    assert tree.calibration.n.sum() == 600
    plain = diagnose_fit(LogisticRegression(), *noisy, reference=0.1)
    assert "FIT06" not in found(plain)


def test_more_data_helps_neighbours_and_not_a_stump(digits, noisy):
    X, y = digits
    neighbours = diagnose_fit(
        KNeighborsClassifier(),
        X[:300],
        y[:300],
        reference=0.02,
        learning_curve=True,
        random_state=0,
    )
    finding = found(neighbours)["FIT07"]
    sizes = neighbours.learning_curve.groupby("train_size").validation_accuracy.mean()
    assert sizes.index.tolist() == [24, 60, 120, 180, 240]
    fall = sizes[240] - sizes[120]
    assert finding.evidence["fall"] == pytest.approx(fall)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    still = diagnose_fit(
        stump, *noisy, reference=0.1, learning_curve=True, random_state=0
    )
    assert "FIT07" not in found(still)


def test_parts_too_small_for_the_estimator_are_left_out_of_the_curve(digits):
    X, y = digits
    with pytest.warns(FitFailedWarning, match="leaves 10 % of the samples out"):
        diagnosis = diagnose_fit(
            KNeighborsClassifier(30),
            X[:300],
            y[:300],
            reference=0.02,
            learning_curve=True,
        )
    assert diagnosis.learning_curve["train_size"].unique().tolist() == [
        60,
        120,
        180,
        240,
    ]


def test_a_split_with_shuffled_labels_is_named(digits):
    X, y = (array[:1000] for array in digits)
    folds = np.arange(1000) % 5
    splits = [
        (np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)
    ]
    clf = GaussianNB()
    assert "FIT08" not in found(diagnose_fit(clf, X, y, cv=splits, reference=0.1))
    y = y.copy()
    y[splits[3][1]] = np.random.default_rng(0).permutation(y[splits[3][1]])
    finding = found(diagnose_fit(clf, X, y, cv=splits, reference=0.1))["FIT08"]
    assert finding.evidence["split"] == 4
    assert finding.evidence["p_value"] < 0.01


def test_a_search_that_stopped_at_its_edge_is_found(digits):
    X, y = (array[:600] for array in digits)
    tree = DecisionTreeClassifier(random_state=0)
    short = GridSearchCV(tree, {"max_depth": [1, 2, 3]}, cv=3).fit(X, y)
    diagnosis = diagnose_fit(short, X, y, reference=0.05, random_state=0)
    finding = found(diagnosis)["FIT09"]
    assert finding.evidence == {"max_depth": 3}
    assert "max_depth=3 is the highest of 1, 2, 3" in finding.sentence
    wide = GridSearchCV(
        KNeighborsClassifier(), {"n_neighbors": [1, 3, 200]}, cv=3, scoring="accuracy"
    ).fit(X, y)
    wide.best_params_ = {"n_neighbors": 3}
    assert "FIT09" not in found(diagnose_fit(wide, X, y, reference=0.05))


def test_the_edge_is_that_of_the_grid_the_best_came_from(digits):
    X, y = (array[:300] for array in digits)
    grids = [
        {"weights": ["uniform"], "n_neighbors": [1, 3, 200]},
        {"weights": ["distance"], "n_neighbors": [3, 200]},
    ]
    search = GridSearchCV(KNeighborsClassifier(), grids, cv=3).fit(X, y)
    search.best_params_ = {"weights": "uniform", "n_neighbors": 3}
    assert "FIT09" not in found(diagnose_fit(search, X, y, reference=0.05))


@pytest.mark.parametrize(
    ("options", "said"),
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
            r"errs on 8\.2 %, the best, 2, on 8\.8 %",
        ),
    ],
)
def test_a_simpler_candidate_is_told_by_the_score_that_chose(noisy, options, said):
    capacity = {"max_depth": [1, 2]}
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    search = GridSearchCV(tree, capacity, cv=5, **options).fit(*noisy)
    search.best_params_ = {"max_depth": 2}
    diagnosis = diagnose_fit(search, *noisy, reference=0.1, capacity=capacity)
    sentence = found(diagnosis)["FIT10"].sentence
    assert re.search(said, sentence)


def test_a_simpler_candidate_is_found_in_a_search_and_along_a_curve(noisy):
    X, y = noisy
    depths = [1, 2, 3, 5]
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    capacity = {"max_depth": depths}
    curve = diagnose_fit(tree, X, y, reference=0.1, capacity=capacity)
    assert curve.capacity_curve["value"].unique().tolist() == ["1", "2", "3", "5"]
    assert len(curve.capacity_curve) == 20
    search = GridSearchCV(tree, capacity, cv=5).fit(X, y)
    search.best_params_ = {"max_depth": 3}
    finding = found(diagnose_fit(search, X, y, reference=0.1, capacity=capacity))
    results = 1 - search.cv_results_["mean_test_score"]
    evidence = finding["FIT10"].evidence
    assert evidence["value"] == 1
    assert evidence["best_error"] == pytest.approx(results[2])
    assert evidence["error"] == pytest.approx(results[0])
    assert evidence["error"] <= evidence["best_error"] + evidence["standard_error"]
    # NumPy's numbers do as well.
    capacity = {"max_depth": np.array(depths)}
    again = diagnose_fit(tree, X, y, reference=0.1, capacity=capacity)
    assert again.capacity_curve.equals(curve.capacity_curve)


def test_a_gap_is_harmful_where_a_simpler_model_errs_less(noisy):
    tree = DecisionTreeClassifier(max_depth=20, random_state=0)
    capacity = {"max_depth": [1, 20]}
    diagnosis = diagnose_fit(tree, *noisy, reference=0.1, capacity=capacity)
    finding = found(diagnosis)["FIT03"]
    assert finding.evidence["harmful"]
    assert finding.evidence["simpler"] == "1"
    assert finding.evidence["simpler_saves_low"] > 0
    assert "the simpler 1" in finding.sentence


def test_new_samples_that_are_easier_are_found():
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
    finding = found(diagnosis)["FIT11"]
    assert finding.evidence["gap_high"] < 0
    assert "−" not in finding.sentence.split("by")[1].split("(")[0]


@pytest.mark.parametrize("layout", ["array", "frame", "sparse", "images"])
def test_duplicates_on_both_sides_are_counted(digits, layout):
    import pandas as pd
    from scipy import sparse

    X, y = (array[:300] for array in digits)
    plain = diagnose_fit(GaussianNB(), X, y, reference=0.1)
    assert "FIT12" not in found(plain)
    X, y = np.concatenate([X, X[:50]]), np.concatenate([y, y[:50]])
    layouts = {
        "array": X,
        "frame": pd.DataFrame(X),
        "sparse": sparse.csr_array(X),
        "images": X.reshape(-1, 8, 8),
    }
    clf = KNeighborsClassifier(1) if layout == "sparse" else GaussianNB()
    if layout == "images":
        clf = KerasMLPClassifier(hidden_layer_sizes=(4,), epochs=1, rescaling=1 / 16)
    # Two halves: the last 50 rows have their twins in the first.
    half = np.arange(350) < 175
    splits = [(np.flatnonzero(half), np.flatnonzero(~half))]
    with np.errstate(all="ignore"):
        diagnosis = diagnose_fit(clf, layouts[layout], y, cv=splits, reference=0.1)
    evidence = found(diagnosis)["FIT12"].evidence
    assert evidence["n_duplicates"] == 50
    assert evidence["share"] == pytest.approx(50 / 175)


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        ({"depth": [1, 2]}, "none of the estimator's"),
        ({"max_depth": [1, 2]}, "the estimator's own, 5"),
        ({"max_depth": [5]}, "two values"),
        ({}, "one parameter"),
        ({"max_depth": [1, 5], "min_samples_leaf": [1, 2]}, "one parameter"),
        ([1, 2], "capacity"),
        ({"max_depth": 5}, "list the values"),
        ({"max_depth": {1, 5}}, "list the values"),
    ],
)
def test_a_capacity_that_says_nothing_is_refused(noisy, capacity, message):
    tree = DecisionTreeClassifier(max_depth=5)
    with pytest.raises(ValueError, match=message):
        diagnose_fit(tree, *noisy, capacity=capacity)


def test_cost_is_told_before_anything_else(noisy, capsys):
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
    assert second == "About 1 s, going by the first fit; the reference comes on top."


def test_time_is_told_from_the_epochs_that_do_not_compile(monkeypatch, capsys):
    clock = iter([0.0, 60.0, 62.0])
    monkeypatch.setattr(_progress, "perf_counter", lambda: next(clock))
    with _progress.FitProgress(tell_plan=True) as progress:
        progress.plan({"folds": 5, "reference": 15}, 7.5, n_jobs=1)
        tell = progress.stage("folds")
        for epoch in (1, 2, 3, 10):
            tell(1, epoch, 10)
    *_, told = capsys.readouterr().err.splitlines()
    assert told.startswith("About 2 min, going by the first epochs")  # 2 s × 10 × 7.5
    assert [_progress.duration(s) for s in (0.1, 99, 600, 9000)] == [
        "1 s",
        "99 s",
        "10 min",
        "2.5 h",
    ]
