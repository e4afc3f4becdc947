"""Tests of `diagnose_fit`: verdicts, tables, references, progress."""

import copy
import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, diagnose_fit
from skmnist._estimate import Estimate
from skmnist.diagnosis._diagnose import plan_diagnosis, run_diagnosis
from skmnist.diagnosis._findings import find
from skmnist.search._candidates import Candidates

TREE = DecisionTreeClassifier(random_state=0)
# What an integer cv means.
SHUFFLED = StratifiedKFold(5, shuffle=True, random_state=0)


class Network(ClassifierMixin, BaseEstimator):
    """scikit-learn's perceptron, trained in epochs as skmnist's classifiers are."""

    _after_epoch = None

    def __init__(
        self,
        epochs=5,
        units=50,
        learning_rate=0.001,
        warm_start=False,
        random_state=0,
    ):
        self.epochs = epochs
        self.units = units
        self.learning_rate = learning_rate
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X, y):
        if not self.warm_start or not hasattr(self, "network_"):
            self.network_ = MLPClassifier(
                self.units,
                alpha=0,
                batch_size=32,
                learning_rate_init=self.learning_rate,
                random_state=self.random_state,
            )
        for _ in range(self.epochs):
            self.network_.partial_fit(X, y, classes=np.unique(y))
            self.classes_ = self.network_.classes_
            if self._after_epoch is not None:
                self._after_epoch(self)
        return self

    def predict(self, X):
        return self.network_.predict(X)

    def predict_proba(self, X):
        return self.network_.predict_proba(X)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:900]
    return X[order] / 16, y[order]


@pytest.fixture(scope="module")
def tree_diagnosis(small):
    return diagnose_fit(
        TREE, *small, reference=0.05, learning_curve=True, random_state=0
    )


@pytest.fixture(scope="module")
def network_diagnosis(digits):
    return diagnose_fit(Network(4), *digits, cv=3, reference=0.03, random_state=0)


def test_dummy_on_rare_class_underfits():
    y = np.zeros(600, dtype=int)
    y[:6] = 1
    X = np.random.default_rng(0).normal(size=(600, 2))
    diagnosis = diagnose_fit(DummyClassifier(), X, y, reference=0.0)
    assert diagnosis.verdict == "underfit"
    assert [finding.code for finding in diagnosis.findings] == ["FIT01"]
    assert diagnosis.errors["validation"].value == pytest.approx(0.01)


def test_full_tree_overfits(tree_diagnosis):
    assert tree_diagnosis.verdict == "overfit"
    assert tree_diagnosis.findings[0].code == "FIT03"
    assert "harmful" not in tree_diagnosis.findings[0].evidence


def test_stump_underfits_with_auto_reference():
    X, y = make_moons(500, noise=0.2, random_state=0)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    diagnosis = diagnose_fit(stump, X, y, random_state=0)
    assert diagnosis.verdict == "underfit"
    (finding,) = diagnosis.findings
    assert finding.code == "FIT02"
    assert finding.evidence["bias_low"] > 0.02
    assert finding.evidence["reference_name"] == diagnosis.reference
    assert diagnosis.reference in diagnosis.sentence


def test_best_stump_with_label_noise_is_good():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(3000, 1))
    y = (X[:, 0] > 0) ^ (rng.random(3000) < 0.05)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    diagnosis = diagnose_fit(stump, X, y, reference=0.05)
    assert diagnosis.verdict == "good"
    (finding,) = diagnosis.findings
    assert finding.code == "FIT13"
    assert finding.evidence["share_low"] < 0.05 < finding.evidence["share_high"]
    full = diagnose_fit(TREE, X, y, reference=0.05)
    assert full.verdict == "overfit"
    # A training error below the known error is not a negative bias.
    assert full.bias.value == 0
    assert full.bias.low < 0
    expected = full.errors["validation"].value - 0.05
    assert full.gap.value == pytest.approx(expected)


def test_bias_and_gap_are_both_found():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 60))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    y = np.where(rng.random(600) < 0.6, X[:, 2] > 0, y).astype(int)
    clf = LogisticRegression(max_iter=1000)
    diagnosis = diagnose_fit(clf, X, y, reference=0.05)
    codes = [finding.code for finding in diagnosis.findings]
    assert codes[:2] == ["FIT02", "FIT03"]
    assert diagnosis.verdict in ("both", "underfit")
    assert diagnosis.bias.low > 0.02
    assert diagnosis.gap.low > 0.02


def test_undertrained_network_underfits(network_diagnosis):
    assert network_diagnosis.verdict == "underfit"
    finding = network_diagnosis.findings[-1]
    assert finding.code == "FIT04"
    assert finding.evidence["fall_low"] > 0
    assert finding.evidence["n_epochs"] == 4
    assert "4 epochs" in network_diagnosis.sentence
    assert "still falling" in network_diagnosis.sentence


def test_fewer_epochs_are_not_advised_beside_more(network_diagnosis):
    simpler = {"value": 3, "best_value": 4, "error": 0.1, "best_error": 0.1}
    simpler["difference_high"] = 0.01
    for name, code in ("epochs", "FIT04"), ("network__epochs", "FIT04"):
        candidates = Candidates([], simpler=simpler | {"parameter": name})
        evidence = replace(network_diagnosis.evidence, candidates=candidates)
        assert [finding.code for finding in find(evidence)][-1] == code
    candidates = Candidates([], simpler=simpler | {"parameter": "units"})
    evidence = replace(network_diagnosis.evidence, candidates=candidates)
    assert [finding.code for finding in find(evidence)][-1] == "FIT10"


@pytest.mark.parametrize("verdict", ["underfit", "overfit", "good", "inconclusive"])
def test_sentence_states_bias_and_gap(verdict, small, tree_diagnosis):
    diagnosis = {
        "overfit": lambda: tree_diagnosis,
        "underfit": lambda: diagnose_fit(DummyClassifier(), *small, reference=0.05),
        "good": lambda: diagnose_fit(
            GaussianNB(), *small, reference=0.1, tolerance=0.1
        ),
        "inconclusive": lambda: diagnose_fit(GaussianNB(), *small, reference=0.08),
    }[verdict]()
    assert diagnosis.verdict == verdict
    assert diagnosis.sentence.count(str(diagnosis.bias)) == 1
    assert diagnosis.sentence.count(str(diagnosis.gap)) == 1


def test_converged_network_is_not_undertrained(digits):
    clf = Network(40, learning_rate=0.01)
    diagnosis = diagnose_fit(clf, *digits, cv=3, reference=0.03)
    assert "FIT04" not in [finding.code for finding in diagnosis.findings]


@pytest.mark.slow
def test_negligible_loss_decrease_is_not_undertrained(digits):
    # The loss falls by a tenth from epoch 60 to 80; the error stays at 4.3 %.
    diagnosis = diagnose_fit(Network(80), *digits, cv=3, reference=0.03)
    loss = diagnosis.epochs.groupby("epoch").validation_loss.mean()
    assert loss[80] < 0.95 * loss[60]
    assert "FIT04" not in [finding.code for finding in diagnosis.findings]


def test_gap_is_harmful_if_earlier_epoch_is_better():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30))
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(int)
    late = diagnose_fit(Network(60, learning_rate=0.01), X, y, cv=3, reference=0.1)
    (finding,) = [f for f in late.findings if f.code == "FIT03"]
    assert finding.evidence["harmful"]
    assert finding.evidence["epoch"] < 30
    assert "Stop earlier" in finding.advice
    assert str(finding.evidence["epoch"]) in finding.sentence


def test_gap_is_not_harmful_if_no_earlier_epoch_is_better(digits):
    X, y = digits
    clf, cv = Network(25), StratifiedKFold(3)
    diagnosis = diagnose_fit(clf, X[:200], y[:200], cv=cv, reference=0.0)
    (finding,) = [f for f in diagnosis.findings if f.code == "FIT03"]
    assert not finding.evidence["harmful"]
    assert "epoch" not in finding.evidence
    assert "would not help" in finding.advice


def test_inconclusive_sentence_has_samples_needed(small):
    X, y = small
    diagnosis = diagnose_fit(GaussianNB(), X, y, reference=0.1, tolerance=0.03)
    assert diagnosis.verdict == "inconclusive"
    assert re.search(
        r"(about [\d,]+|no number of) samples would decide it", diagnosis.sentence
    )
    assert "200 samples do not decide whether" in diagnosis.sentence


def test_sentence_has_errors_and_interval(tree_diagnosis, network_diagnosis):
    for diagnosis in (tree_diagnosis, network_diagnosis):
        assert diagnosis.sentence.startswith(f"{diagnosis.verdict}: ")
        for words in ("training error", "validation error", "error of the reference"):
            assert re.search(words + r"[^,;]* \d+\.\d+ %", diagnosis.sentence)
        assert re.search(r"95 % interval", diagnosis.sentence)


def test_errors_bias_and_gap_are_consistent(tree_diagnosis):
    errors = tree_diagnosis.errors
    assert errors["train"].value == 0
    out_of_fold = tree_diagnosis.out_of_fold
    wrong = (out_of_fold.y_true != out_of_fold.y_pred).mean()
    assert errors["validation"].value == pytest.approx(wrong)
    assert errors["reference"] == Estimate(0.05, 0.05, 0.05)
    assert tree_diagnosis.resolution == pytest.approx(
        (tree_diagnosis.gap.high - tree_diagnosis.gap.low) / 2
    )
    for estimate in (tree_diagnosis.bias, tree_diagnosis.gap):
        assert estimate.low <= estimate.value <= estimate.high


def test_folds_match_cross_validate(small, tree_diagnosis):
    X, y = small
    scoring = ["accuracy", "balanced_accuracy", "neg_log_loss"]
    expected = cross_validate(
        TREE, X, y, cv=SHUFFLED, scoring=scoring, return_train_score=True
    )
    folds = tree_diagnosis.folds
    assert folds.fold.tolist() == [1, 2, 3, 4, 5]
    assert (folds.n_train + folds.n_validation == 200).all()
    for score in ("accuracy", "balanced_accuracy"):
        np.testing.assert_allclose(
            folds[f"validation_{score}"], expected[f"test_{score}"]
        )
        np.testing.assert_allclose(folds[f"train_{score}"], expected[f"train_{score}"])
    np.testing.assert_allclose(folds.validation_loss, -expected["test_neg_log_loss"])
    np.testing.assert_allclose(
        folds.train_loss, -expected["train_neg_log_loss"], atol=1e-12
    )


def test_summary(tree_diagnosis):
    summary = tree_diagnosis.summary
    assert summary.columns.tolist() == ["mean", "low", "high"]
    assert summary.index.tolist() == [
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
        "train_balanced_accuracy",
        "validation_balanced_accuracy",
    ]
    assert (summary.low <= summary["mean"]).all()
    assert (summary["mean"] <= summary.high).all()
    expected = 1 - tree_diagnosis.errors["validation"].value
    assert summary.loc["validation_accuracy", "mean"] == pytest.approx(expected)


def test_confusion_matrix_and_out_of_fold(small, tree_diagnosis):
    matrix, table = tree_diagnosis.confusion_matrix, tree_diagnosis.out_of_fold
    expected = pd.crosstab(table.y_true, table.y_pred).to_numpy()
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype.kind == "i"
    np.testing.assert_array_equal(table.index, np.arange(200))
    np.testing.assert_array_equal(table.y_true, small[1])
    assert table.columns.tolist() == ["y_true", "y_pred", "probability", "split"]
    assert table.index.name == "row"


def test_epochs(network_diagnosis):
    epochs = network_diagnosis.epochs
    assert epochs.columns.tolist() == [
        "fold",
        "epoch",
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
    ]
    assert epochs.fold.tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert epochs.epoch.tolist() == [1, 2, 3, 4] * 3
    last = epochs[epochs.epoch == 4].reset_index(drop=True)
    for name in epochs.columns[2:]:
        np.testing.assert_allclose(last[name], network_diagnosis.folds[name])


def test_learning_curve(small, tree_diagnosis):
    curve = tree_diagnosis.learning_curve
    assert curve.fold.tolist() == [1, 2, 3, 4, 5] * 5
    assert curve.train_size.max() == 160
    full = curve[curve.train_size == 160].validation_accuracy
    expected = tree_diagnosis.folds.validation_accuracy
    assert abs(full.mean() - expected.mean()) < 0.1
    assert diagnose_fit(TREE, *small, reference=0.05).learning_curve is None


def test_to_dict_is_json(tree_diagnosis, network_diagnosis, digits):
    X, y = digits
    labels = np.array([f"d{label}" for label in y])
    without = diagnose_fit(SVC(), X, labels, cv=3, reference=0.02)
    for diagnosis in (tree_diagnosis, network_diagnosis, without):
        record = diagnosis.to_dict()
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert record["verdict"] == diagnosis.verdict
        assert record["gap"]["low"] == diagnosis.gap.low
    assert without.to_dict()["folds"][0]["validation_loss"] is None
    assert without.to_dict()["classes"][0] == "d0"


def test_to_frame_ends_with_mean(tree_diagnosis):
    frame = tree_diagnosis.to_frame()
    assert frame.index.tolist() == [1, 2, 3, 4, 5, "mean"]
    assert frame.loc["mean", "validation_accuracy"] == pytest.approx(
        tree_diagnosis.folds.validation_accuracy.mean()
    )


def test_str_and_repr(tree_diagnosis):
    text = str(tree_diagnosis)
    assert text.startswith(tree_diagnosis.sentence)
    assert tree_diagnosis.findings[0].advice in text
    assert "FIT03" in text
    assert repr(tree_diagnosis) == "FitDiagnosis(verdict='overfit', n_samples=200)"


def test_diagnosis_is_frozen_copyable_and_picklable(tree_diagnosis):
    with pytest.raises(AttributeError):
        tree_diagnosis.verdict = "good"
    for copied in (
        copy.deepcopy(tree_diagnosis),
        pickle.loads(pickle.dumps(tree_diagnosis)),
    ):
        assert copied.to_dict() == tree_diagnosis.to_dict()


@pytest.mark.slow
def test_to_html_repr_html_and_plot(tree_diagnosis, tmp_path):
    path = tmp_path / "report.html"
    tree_diagnosis.to_html(path)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert tree_diagnosis._repr_html_().startswith('<div class="skmnist-card')
    bundle = tree_diagnosis._repr_mimebundle_()
    assert bundle["text/plain"] == str(tree_diagnosis)
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    assert tree_diagnosis.plot() is not None
    pyplot.close("all")


def test_from_cv_results_matches_diagnose_fit(small, tree_diagnosis):
    X, y = small
    results = cross_validate(
        TREE,
        X,
        y,
        cv=SHUFFLED,
        return_train_score=True,
        return_estimator=True,
        return_indices=True,
    )
    diagnosis = FitDiagnosis.from_cv_results(results, X, y, reference=0.05)
    assert diagnosis.sentence == tree_diagnosis.sentence
    assert diagnosis.epochs is None
    timeless = diagnosis.folds.drop(columns="fit_time")
    expected = tree_diagnosis.folds.drop(columns="fit_time")
    pd.testing.assert_frame_equal(timeless, expected)
    np.testing.assert_array_equal(diagnosis.folds.fit_time, results["fit_time"])


def test_progress(small):
    calls = []

    class Progress:
        def plan(self, n_fits, n_full_fits, n_jobs):
            assert (n_full_fits, n_jobs) == (2, 1)
            calls.append(n_fits["folds"])

        def stage(self, name, done=0):
            return lambda *call: calls.append((name, *call))

    plan = plan_diagnosis(
        Network(2),
        *small,
        cv=2,
        reference=0.1,
        tolerance=0.02,
        learning_curve=False,
        n_jobs=None,
        random_state=None,
    )
    assert calls == []
    finished = []
    diagnosis = run_diagnosis(plan, Progress(), finished)
    assert [fold.number for fold in finished] == [1, 2]
    assert finished == diagnosis.evidence.folds
    assert calls == [
        2,
        ("folds", 1, 1, 2),
        ("folds", 1, 2, 2),
        ("folds", 2, 1, 2),
        ("folds", 2, 2, 2),
    ]


def test_gap_is_measured_from_known_error(digits):
    X, y = digits
    easy = diagnose_fit(GaussianNB(), X, y, cv=3, reference=0.4)
    assert easy.verdict == "good"
    assert (easy.bias.value, easy.gap.value, easy.gap.high) == (0, 0, 0)
    assert easy.gap.low < 0
    # The truncation at the known error makes neither a negative gap nor a resolution
    # of zero.
    assert "FIT11" not in [finding.code for finding in easy.findings]
    assert easy.resolution > 0.01
    tree = diagnose_fit(TREE, X, y, cv=3, reference=0.1)
    error = tree.errors["validation"].value
    assert tree.errors["train"].value == 0
    assert tree.gap.value == pytest.approx(error - 0.1)
    assert "error on new samples exceeds the known error of 10.0 % by" in tree.sentence


def test_chance_level_with_groups():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 20)
    n_found = 0
    for _ in range(20):
        y = np.repeat(rng.permutation(20) % 2, 20)
        X = rng.normal(size=(20, 2))[groups] + 0.1 * rng.normal(size=(400, 2))
        cv = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        diagnosis = diagnose_fit(
            GaussianNB(), X, y, cv=cv, groups=groups, reference=0.1
        )
        n_found += "FIT01" in [finding.code for finding in diagnosis.findings]
    # There is nothing to learn. Without groups a third would count as better than
    # chance.
    assert n_found >= 18


def test_auto_reference_keeps_wide_sparse_X_sparse(monkeypatch):
    X = sparse.random_array((300, 5000), density=0.01, random_state=0, format="csr")
    y = np.asarray(X[:, :500].sum(axis=1) > X[:, 500:1000].sum(axis=1)).astype(int)

    toarray_ = sparse.csr_array.toarray

    def toarray(self, *args, **kwargs):
        assert self.shape[1] < 5000
        return toarray_(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_array, "toarray", toarray)
    diagnosis = diagnose_fit(MultinomialNB(), X, y, cv=3, random_state=0)
    assert 0 < diagnosis.errors["reference"].value < 0.5


def test_random_state_makes_curves_repeatable(digits):
    X, y = (array[:300] for array in digits)
    clf = Network(1, random_state=None)
    first, again = (
        diagnose_fit(
            clf,
            X,
            y,
            cv=2,
            reference=0.1,
            learning_curve=True,
            capacity={"units": [10, 50]},
            random_state=0,
        )
        for _ in range(2)
    )
    for name in ("folds", "learning_curve", "capacity_curve"):
        tables = [getattr(each, name) for each in (first, again)]
        tables = [table.drop(columns="fit_time", errors="ignore") for table in tables]
        pd.testing.assert_frame_equal(*tables)


def test_random_state_seeds_reference(digits):
    X, y = digits
    first, again = (
        diagnose_fit(
            GaussianNB(),
            X,
            y,
            cv=2,
            reference=Network(1, 5, random_state=None),
            random_state=0,
        )
        for _ in range(2)
    )
    assert first.errors == again.errors


def test_inconclusive_sentence_names_undecided_quantity(small):
    error = 1 - np.mean(cross_validate(TREE, *small, cv=SHUFFLED)["test_score"])
    tree = diagnose_fit(TREE, *small, reference=error - 0.03)
    assert tree.verdict == "inconclusive"
    assert re.search(
        r"200 samples do not decide whether the excess of the error on new samples "
        r"over the known error of \d+\.\d %, 3\.0 % \(.*\), exceeds the tolerance",
        tree.sentence,
    )


def test_arguments_and_global_state_are_unchanged(small):
    X, y = small
    before = X.copy(), np.random.get_state()[1].copy()
    clf = Network(2, random_state=None)
    diagnose_fit(clf, X, y, cv=2)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    assert vars(clf) == vars(Network(2, random_state=None))
