"""Tests of a diagnosis of classifiers that predict in another way than usual."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, diagnose_fit


class Changed(ClassifierMixin, BaseEstimator):
    """A tree whose predictions functions change.

    Parameters
    ----------
    labels, probabilities : callable, default=None
        Of what the tree predicts.
    order : callable, default=None
        Of `classes_` and the columns of probabilities.
    """

    def __init__(self, labels=None, probabilities=None, order=None):
        self.labels = labels
        self.probabilities = probabilities
        self.order = order

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
        columns = np.arange(len(self.tree_.classes_))
        self.columns_ = columns if self.order is None else self.order(columns)
        self.classes_ = self.tree_.classes_[self.columns_]
        return self

    def predict(self, X):
        predicted = self.tree_.predict(X)
        return predicted if self.labels is None else self.labels(predicted)

    def predict_proba(self, X):
        given = self.tree_.predict_proba(X)[:, self.columns_]
        return given if self.probabilities is None else self.probabilities(given)


def written(clf, X, y):
    diagnosis = diagnose_fit(clf, X, y, reference=0.1, random_state=0)
    losses = diagnosis.folds[["train_loss", "validation_loss"]].round(12)
    return f"{diagnosis}\n{losses}"


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": lambda labels: labels.astype(float)},
        {"labels": lambda labels: labels.astype(object)},
        {"labels": lambda labels: labels[:, None]},
        {"labels": lambda labels: pd.Series(labels, index=range(7, 7 + len(labels)))},
        {"probabilities": lambda given: pd.DataFrame(given)},
        {"probabilities": lambda given: given.tolist()},
        {"order": lambda columns: columns[::-1]},
    ],
    ids=["float", "object", "column", "series", "frame", "list", "unsorted classes"],
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_form_of_predictions_does_not_matter(small, changes):
    assert written(Changed(**changes), *small) == written(Changed(), *small)


def test_whole_numbers_as_probabilities(small):
    certain = Changed(probabilities=lambda given: (given > 0.5).astype(int))
    diagnosis = diagnose_fit(certain, *small, reference=0.1)
    assert np.isfinite(diagnosis.folds["validation_loss"]).all()


def test_classes_of_booleans_may_be_predicted_as_numbers(small):
    X, y = small
    clf = Changed(labels=lambda labels: labels.astype(int))
    expected = written(Changed(), X, y > 0)
    assert written(clf, X, y > 0) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": lambda labels: labels + 5}, r"predicts \[\d, .*, which y does not"),
        (
            {"labels": lambda labels: labels + 0.5},
            r"predicts \[\d\.5.* y does not",
        ),
        ({"labels": lambda labels: labels.astype(str)}, r"predicts \['\d'.*are \[0, 1"),
        ({"labels": lambda labels: np.eye(3)[labels]}, "should be a 1d array"),
        (
            {"probabilities": lambda given: given[:, 1]},
            r"one column for each of 3 classes, got an array of shape \(160,\)",
        ),
    ],
    ids=["unknown", "between labels", "text", "one-hot", "one column"],
)
def test_predictions_that_are_no_labels_are_refused(small, changes, message):
    with pytest.raises(ValueError, match=message):
        diagnose_fit(Changed(**changes), *small, reference=0.1)


def test_codes_instead_of_names_are_refused(small):
    X, y = small
    clf = Changed(labels=lambda labels: np.unique(labels, return_inverse=True)[1])
    with pytest.raises(ValueError, match=r"predicts \[\d, .*are \['a', 'b', 'c'\]"):
        diagnose_fit(clf, X, np.array(["a", "b", "c"])[y], reference=0.1)


def _first_missing(given):
    given[0] = np.nan
    return given


def test_missing_probabilities_say_nothing_about_confidence(small):
    diagnosis = diagnose_fit(Changed(probabilities=_first_missing), *small, reference=0)
    assert diagnosis.calibration is None
    assert "FIT06" not in [finding.code for finding in diagnosis.findings]


def test_classifier_without_classes(small):
    class WithoutClasses(Changed):
        def fit(self, X, y):
            super().fit(X, y)
            del self.classes_
            return self

    assert written(WithoutClasses(), *small) == written(Changed(), *small)


def test_classifier_that_can_predict_only_once_fitted(small):
    stack = StackingClassifier([("bayes", GaussianNB())], cv=2)
    assert not hasattr(stack, "predict")
    diagnosis = diagnose_fit(stack, *small, cv=2, reference=stack)
    assert diagnosis.reference == "StackingClassifier"


def test_frozen_classifier_needs_a_hold_out(small):
    X, y = small
    frozen = FrozenEstimator(GaussianNB().fit(X[:100], y[:100]))
    for clf in frozen, make_pipeline(StandardScaler(), frozen):
        with pytest.raises(ValueError, match="FrozenEstimator is not trained"):
            diagnose_fit(clf, X, y, reference=0.1)
    diagnosis = diagnose_fit(
        frozen, X[:100], y[:100], X_val=X[100:], y_val=y[100:], reference=0.1
    )
    expected = 1 - frozen.score(X[100:], y[100:])
    assert diagnosis.errors["validation"].value == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
@pytest.mark.parametrize(
    "clf", [SelfTrainingClassifier(LogisticRegression()), LabelPropagation()], ids=str
)
def test_unlabelled_samples_are_refused(small, clf):
    X, y = small
    with pytest.raises(ValueError, match=r"100 samples have the label -1, which means"):
        diagnose_fit(clf, X, np.where(np.arange(200) % 2, y, -1), reference=0.1)
    assert diagnose_fit(clf, X, y, reference=0.1).n_samples == 200


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LinearRegression(), r"should be a classifier, got LinearRegression\(\)"),
        (FrozenEstimator(GaussianNB()), "FrozenEstimator is not trained"),
    ],
    ids=["regressor", "frozen"],
)
def test_cv_results_of_what_is_not_trained_to_classify_are_refused(
    small, model, message
):
    X, y = small
    getattr(model, "estimator", model).fit(X, y)
    results = cross_validate(model, X, y, return_estimator=True, return_indices=True)
    with pytest.raises(ValueError, match=message):
        FitDiagnosis.from_cv_results(results, X, y, reference=0.1)
