"""Tests of the arguments that a diagnosis takes or refuses."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, diagnose_fit

TREE = DecisionTreeClassifier(random_state=0)


def test_from_cv_results_refuses_missing_estimators_and_other_data(small):
    X, y = small
    with pytest.raises(ValueError, match="return_estimator=True"):
        FitDiagnosis.from_cv_results(cross_validate(TREE, X, y), X, y)
    results = cross_validate(TREE, X, y, return_estimator=True, return_indices=True)
    with pytest.raises(ValueError, match="row 199"):
        FitDiagnosis.from_cv_results(results, X[:100], y[:100])
    with pytest.raises(ValueError, match="tolerance"):
        FitDiagnosis.from_cv_results(results, X, y, tolerance=2)


def test_hold_out(small):
    X, y = small
    diagnosis = diagnose_fit(
        TREE, X[:140], y[:140], X_val=X[140:], y_val=y[140:], reference=0.05
    )
    fitted = DecisionTreeClassifier(random_state=0).fit(X[:140], y[:140])
    expected = 1 - fitted.score(X[140:], y[140:])
    assert diagnosis.errors["validation"].value == pytest.approx(expected)
    assert diagnosis.n_samples == 60
    assert diagnosis.folds.n_train.tolist() == [140]
    np.testing.assert_array_equal(diagnosis.out_of_fold.index, np.arange(60))
    assert "variation between trainings is not included" in diagnosis.sentence
    assert "there is one split" in diagnosis.sentence


@pytest.mark.parametrize("layout", ["array", "frame", "sparse", "images"])
def test_hold_out_layouts(small, layout):
    X, y = small
    X = {
        "array": X,
        "frame": pd.DataFrame(X),
        "sparse": sparse.csr_array(X),
        "images": X.reshape(-1, 2, 4),
    }[layout]
    clf = DummyClassifier() if layout == "images" else TREE
    weight = np.linspace(0.1, 1, 140)
    diagnosis = diagnose_fit(
        clf,
        X[:140],
        y[:140],
        X_val=X[140:],
        y_val=y[140:],
        learning_curve=True,
        params={"sample_weight": weight},
        random_state=0,
    )
    assert diagnosis.n_samples == 60
    assert diagnosis.learning_curve.train_size.max() == 140


def test_params_reach_fit(small):
    X, y = small
    weight = (y == 0).astype(float)
    diagnosis = diagnose_fit(
        GaussianNB(), X, y, reference=0.0, params={"sample_weight": weight + 1e-9}
    )
    plain = diagnose_fit(GaussianNB(), X, y, reference=0.0)
    assert diagnosis.errors["train"].value > plain.errors["train"].value


def test_groups_stay_together_and_count_as_one_sample(small):
    X, y = small
    clf = GaussianNB()
    plain = diagnose_fit(clf, X, y, reference=0.0)
    X, y, groups = np.repeat(X, 4, axis=0), np.repeat(y, 4), np.repeat(range(200), 4)
    for cv in (GroupKFold(3), 5):
        grouped = diagnose_fit(clf, X, y, cv=cv, groups=groups, reference=0.0)
        for _, rows in grouped.out_of_fold.groupby("split"):
            assert len(set(groups[rows.index])) == len(rows) / 4
    for one, four in ((plain.gap, grouped.gap), (plain.bias, grouped.bias)):
        assert four.high - four.low == pytest.approx(one.high - one.low, rel=0.3)


@pytest.mark.parametrize(
    "cv",
    [
        RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=0),
        ShuffleSplit(3, test_size=0.3, random_state=0),
        LeaveOneOut(),
        [(np.arange(100), np.arange(100, 200))],
    ],
    ids=["repeated", "shuffled", "leave one out", "one split"],
)
def test_cv_splitters(small, cv):
    diagnosis = diagnose_fit(GaussianNB(), *small, cv=cv, reference=0.05)
    assert diagnosis.confusion_matrix.sum() == len(diagnosis.out_of_fold)
    assert diagnosis.gap.low < diagnosis.gap.high
    assert diagnosis.bias.low < diagnosis.bias.high
    json.dumps(diagnosis.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_n_jobs_gives_same_diagnosis(small):
    X, y = small
    clf = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0))
    one = diagnose_fit(clf, X, y, random_state=0)
    two = diagnose_fit(clf, X, y, random_state=0, n_jobs=2)
    assert one.sentence == two.sentence
    pd.testing.assert_frame_equal(one.out_of_fold, two.out_of_fold)


class NeverFitted(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("fitted before the input was checked")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.zeros(30)}, "at least 2 classes"),
        ({"cv": 16}, "n_splits=16"),
        ({"y": np.r_[np.nan, np.tile([0.0, 1.0], 15)[1:]]}, "y contains NaN"),
        ({"y": np.array([None, *"ab" * 14, "a"], dtype=object)}, "y contains NaN"),
        ({"y": np.linspace(0, 1, 30)}, "Unknown label type"),
        ({"y": np.zeros(29)}, "inconsistent numbers"),
        ({"tolerance": 0}, "'tolerance'"),
        ({"tolerance": 1.0}, "'tolerance'"),
        ({"reference": "best"}, "'reference'"),
        ({"reference": 1.5}, "'reference'"),
        ({"reference": LinearRegression()}, "should be a classifier"),
        ({"X_val": np.zeros((5, 2))}, "y_val is None"),
        ({"y_val": np.zeros(5)}, "X_val is None"),
        ({"X_val": np.zeros((5, 3)), "y_val": np.zeros(5)}, r"shape \(3,\)"),
        ({"X_val": np.zeros((5, 2)), "y_val": np.full(5, 7)}, r"labels \[7\]"),
        (
            {
                "X_val": np.zeros((5, 2)),
                "y_val": np.zeros(5),
                "groups": np.arange(30),
            },
            "groups cannot be combined with X_val; pass one or the other",
        ),
        ({"X": np.array([["a", "b"]] * 30, dtype=object)}, "numeric features"),
        ({"n_jobs": "two"}, "'n_jobs'"),
        ({"estimator": LinearRegression()}, "should be a classifier"),
        ({"estimator": KMeans()}, "should be a classifier"),
        ({"estimator": "tree"}, "'estimator'"),
        ({"estimator": DummyClassifier}, "got estimator class instead"),
        ({"estimator": keras.Sequential()}, r"KerasImageClassifier\(model=\.\.\.\)"),
        ({"y": np.array([1, "a"] * 15, dtype=object)}, "one type, got int and str"),
        ({"groups": np.r_[np.nan, np.arange(29)]}, "groups contains NaN"),
        ({"groups": np.array([None, *"abc" * 9, "a", "b"])}, "groups contains NaN"),
        (
            {"X": pd.DataFrame({"lists": [[1, 2]] * 30})},
            "cannot use the column 'lists'",
        ),
    ],
)
def test_invalid_input_is_refused_before_training(changes, message):
    given = {
        "estimator": NeverFitted(),
        "X": np.random.default_rng(0).normal(size=(30, 2)),
        "y": np.tile([0, 1], 15),
    }
    with pytest.raises((ValueError, TypeError), match=message):
        diagnose_fit(**given | changes)


def test_from_cv_results_with_groups_matches_diagnose_fit():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    X = (rng.normal(size=(30, 2)) + (np.arange(30) % 2)[:, None])[groups]
    y = np.arange(30)[groups] % 2
    cv = list(StratifiedGroupKFold(5).split(X, y, groups))
    results = cross_validate(
        GaussianNB(), X, y, cv=cv, return_estimator=True, return_indices=True
    )
    given = {"reference": 0.1, "groups": groups}
    from_results = FitDiagnosis.from_cv_results(results, X, y, **given)
    trained = diagnose_fit(GaussianNB(), X, y, cv=cv, **given)
    assert from_results.errors == trained.errors
    assert from_results.gap == trained.gap


def test_from_cv_results_refuses_other_labels(small):
    X, y = small
    results = cross_validate(
        GaussianNB(), X, y, return_estimator=True, return_indices=True
    )
    names = np.array(["a", "b", "c"])[y]
    with pytest.raises(ValueError, match=r"know the labels \[0, 1, 2\], which y"):
        FitDiagnosis.from_cv_results(results, X, names, reference=0.1)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (
            (pd.DataFrame, np.asarray),
            "X is a DataFrame, but X_val is an array: pass both in the same form",
        ),
        (
            (np.asarray, sparse.csr_array),
            "X is an array, but X_val is a sparse matrix: pass both",
        ),
        (
            (pd.DataFrame, lambda X: pd.DataFrame(X).rename(columns={0: "a", 1: "b"})),
            r"differ in their columns: \[0, 1, 'a', 'b'\]",
        ),
    ],
)
def test_hold_out_of_other_type_or_columns_is_refused(small, kinds, message):
    X, y = small
    X, X_val = (kind(X) for kind in kinds)
    with pytest.raises(ValueError, match=message):
        diagnose_fit(GaussianNB(), X, y, X_val=X_val, y_val=y)


def test_hold_out_columns_are_reordered(small):
    X, y = small
    X = pd.DataFrame(X)
    diagnoses = [
        diagnose_fit(GaussianNB(), X, y, X_val=X_val, y_val=y, reference=0.1)
        for X_val in (X, X[X.columns[::-1]])
    ]
    assert diagnoses[0].errors == diagnoses[1].errors


def test_columns_of_lists_and_arrays(small):
    X, y = small
    frame = pd.DataFrame(X, columns=list("abcdefgh")).assign(
        lists=X.tolist(), arrays=[np.full(9999, row) for row in range(200)]
    )
    only_numbers = make_column_transformer(("passthrough", list(range(8))))
    diagnosis = diagnose_fit(make_pipeline(only_numbers, TREE), frame, y, reference=0.1)
    assert diagnosis.errors == diagnose_fit(TREE, X, y, reference=0.1).errors
    assert len(diagnosis.data["X"]["sha256"]) == 64


def test_samples_of_different_length(small):
    X, y = small
    longer = [np.r_[row, np.zeros(2000 + n)] for n, row in enumerate(X)]
    first_eight = FunctionTransformer(lambda X: np.array([row[:8] for row in X]))
    clf = make_pipeline(first_eight, TREE)
    test = {"X_test": longer[:30], "y_test": y[:30]}
    diagnosis = diagnose_fit(clf, longer, y, reference=0.1, **test)
    plain = diagnose_fit(TREE, X, y, reference=0.1)
    assert diagnosis.errors["validation"] == plain.errors["validation"]
    # Most of their numbers are equal, but not all.
    assert not diagnosis.evidence.duplicates.twins.any()
    hold_out = {"X_val": longer[150:], "y_val": y[150:]}
    held_out = diagnose_fit(clf, longer[:150], y[:150], reference=0.1, **hold_out)
    assert held_out.n_samples == 50


def test_list_of_texts():
    clf = make_pipeline(CountVectorizer(), MultinomialNB())
    texts = ["good film", "bad film"] * 20
    diagnosis = diagnose_fit(clf, texts, [1, 0] * 20, reference=0.02)
    assert diagnosis.errors["validation"].value == 0


def test_infinite_X_is_refused_before_training(small):
    X, y = small
    X = np.where(X > 3, np.inf, X)
    with pytest.raises(ValueError, match="X holds infinity"):
        diagnose_fit(NeverFitted(), X, y)


def test_search_with_refit_false_is_refused(small):
    search = GridSearchCV(TREE, {"max_depth": [1, 2]}, refit=False).fit(*small)
    with pytest.raises(ValueError, match="refit=False has no best estimator"):
        diagnose_fit(search, *small)


def test_to_dict_with_datetime_labels(small):
    X, y = small
    days = np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "datetime64[D]")[y]
    record = diagnose_fit(GaussianNB(), X, days, reference=0.1).to_dict()
    assert json.loads(json.dumps(record))["classes"][0] == "2026-01-01"


def test_data_has_fingerprints_of_groups_and_sample_weight(small):
    X, y = small
    given = {"cv": 3, "reference": 0.1, "groups": np.arange(len(y)) % 50}
    weights = np.linspace(0.5, 2, len(y))
    plain = diagnose_fit(GaussianNB(), X, y, **given)
    weighted = diagnose_fit(
        GaussianNB(), X, y, params={"sample_weight": weights}, **given
    )
    assert set(plain.data) == {"X", "y", "groups"}
    assert weighted.data["sample_weight"]["shape"] == [len(y)]
    assert weighted.configuration["params"] == "sample_weight"


class CustomRepr(GaussianNB):
    def __repr__(self):
        return "a repr without parentheses"


def test_configuration_uses_repr_of_estimator(small):
    diagnosis = diagnose_fit(CustomRepr(), *small, reference=0.1)
    assert diagnosis.configuration["estimator"] == "a repr without parentheses"


class MinimalClassifier(ClassifierMixin, BaseEstimator):
    """Predicts the first label; has no fitted attribute of scikit-learn's."""

    def fit(self, X, y, extra=None):
        self.answer_ = y[0]
        return self

    def predict(self, X):
        return np.full(len(X), self.answer_)


def test_classifier_with_only_fit_and_predict(small):
    X, y = small
    results = cross_validate(
        MinimalClassifier(), X, y, return_estimator=True, return_indices=True
    )
    from_results = FitDiagnosis.from_cv_results(results, X, y, reference=0.1)
    trained = diagnose_fit(MinimalClassifier(), X, y, reference=0.1)
    assert from_results.errors == trained.errors


@pytest.mark.parametrize(
    "extra",
    [[(np.zeros((3, 2)), np.zeros(3))], sparse.coo_array(np.eye(200)), np.arange(7)],
    ids=["pairs", "sparse", "other length"],
)
def test_params_of_any_type(small, extra):
    diagnosis = diagnose_fit(
        MinimalClassifier(), *small, reference=0.1, params={"extra": extra}
    )
    assert ("extra" in diagnosis.data) == sparse.issparse(extra)
    assert diagnosis.configuration["params"] == "extra"


def test_refit_false_of_other_meta_estimator(small):
    clf = TunedThresholdClassifierCV(GaussianNB(), refit=False, cv=0.3, random_state=0)
    X, y = small
    assert diagnose_fit(clf, X, y > 0, cv=2, reference=0.1).verdict


def test_search_over_arrays_or_without_capacity_parameter(small):
    X, y = small
    grid = {"priors": [None, np.array([0.2, 0.3, 0.5]), np.full(3, 1 / 3)]}
    search = GridSearchCV(GaussianNB(), grid, cv=3).fit(X, y)
    search.best_params_ = {"priors": grid["priors"][2]}
    assert diagnose_fit(search, X, y, reference=0.1).verdict
    search = GridSearchCV(TREE, {"min_samples_leaf": [1, 5]}, cv=3).fit(X, y)
    capacity = {"max_depth": [1, 5, None]}
    codes = [
        finding.code
        for finding in diagnose_fit(
            search, X, y, reference=0.1, capacity=capacity
        ).findings
    ]
    assert "FIT10" not in codes
