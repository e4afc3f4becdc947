"""Tests of test samples beside the splits, and of FIT15."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, KerasMLPClassifier, compare_fits, diagnose_fit
from skmnist.diagnosis._shift import separate
from skmnist.report import render_html

KNN = KNeighborsClassifier(3)
N_TRAIN = 600


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:1000]
    return X[order] / 16, y[order]


def diagnose(digits, X_test, y_test, estimator=KNN, **options):
    X, y = (part[:N_TRAIN] for part in digits)
    options = {"reference": 0.03, "random_state": 0, "cv": 3} | options
    return diagnose_fit(estimator, X, y, X_test=X_test, y_test=y_test, **options)


def shift_of(diagnosis):
    found = [f for f in diagnosis.findings if f.code == "FIT15"]
    return found[0] if found else None


def test_samples_of_one_population_are_no_shift(digits):
    diagnosis = diagnose(digits, *(part[N_TRAIN:] for part in digits))
    assert shift_of(diagnosis) is None
    assert diagnosis.test_excess.contains(0)
    assert 0.4 < diagnosis.test_separation.auc < 0.6
    n_train, n_test = (
        getattr(diagnosis.test_separation, name) for name in ("n_train", "n_test")
    )
    assert (n_train, n_test) == (300, 200)


def test_from_cv_results_takes_test_samples(digits):
    X, y = (part[:N_TRAIN] for part in digits)
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    expected = diagnose(digits, X_test, y_test)
    splits = [(fold.train, fold.test) for fold in expected.evidence.folds]
    results = cross_validate(
        KNN, X, y, cv=splits, return_estimator=True, return_indices=True
    )
    options = {"X_test": X_test, "reference": 0.03, "random_state": 0}
    found = FitDiagnosis.from_cv_results(results, X, y, y_test=y_test, **options)
    assert found.test_excess == expected.test_excess
    assert found.test_separation == expected.test_separation
    assert found.data == expected.data
    unlabelled = FitDiagnosis.from_cv_results(results, X, y, **options)
    assert unlabelled.test_excess is None
    assert unlabelled.test_separation == expected.test_separation
    with pytest.raises(ValueError, match="without X_test"):
        FitDiagnosis.from_cv_results(results, X, y, y_test=y_test, reference=0.03)


def test_test_error_is_the_mean_of_the_folds_models(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    diagnosis = diagnose(digits, X_test, y_test)
    scores = []
    for split in diagnosis.evidence.folds:
        model = KNeighborsClassifier(3).fit(*(part[split.train] for part in digits))
        scores.append(model.score(X_test, y_test))
    assert diagnosis.folds["test_accuracy"].tolist() == pytest.approx(scores)
    error = diagnosis.errors["test"]
    assert error.value == pytest.approx(1 - np.mean(scores))
    assert error.low < error.value < error.high
    assert diagnosis.test_excess.value == pytest.approx(
        error.value - diagnosis.errors["validation"].value
    )


def test_test_samples_change_nothing_else(digits):
    with_test = diagnose(digits, *(part[N_TRAIN:] for part in digits))
    without = diagnose(digits, None, None)
    assert with_test.verdict == without.verdict
    assert with_test.bias == without.bias
    pd.testing.assert_frame_equal(with_test.out_of_fold, without.out_of_fold)
    assert "test" not in without.errors
    assert without.test_excess is None
    assert without.test_separation is None
    assert compare_fits(with_test, without).difference.value == 0


def test_both_parts_of_a_shift_are_named(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    noise = np.random.default_rng(0).normal(scale=0.5, size=X_test.shape)
    finding = shift_of(diagnose(digits, X_test + noise, y_test))
    assert finding.evidence["error_is_higher"]
    assert finding.evidence["excess_low"] > 0
    assert finding.evidence["samples_differ"]
    assert finding.evidence["auc"] > 0.9
    assert "The error on the test samples is" in finding.sentence
    assert "A classifier tells the test samples from the others" in finding.sentence


def test_wrong_labels_raise_the_error_alone(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    y_test = np.where(np.arange(len(y_test)) % 4, y_test, (y_test + 1) % 10)
    finding = shift_of(diagnose(digits, X_test, y_test))
    assert finding.evidence["error_is_higher"]
    assert not finding.evidence["samples_differ"]
    assert "Check the labels" in finding.advice


def test_samples_without_labels_are_compared(digits):
    diagnosis = diagnose(digits, digits[0][N_TRAIN:] * 0.5, None)
    finding = shift_of(diagnosis)
    assert "excess" not in finding.evidence
    assert finding.evidence["samples_differ"]
    assert "test" not in diagnosis.errors
    assert "test_accuracy" not in diagnosis.folds
    assert set(diagnosis.data) == {"X", "y", "X_test"}


def test_unseen_labels_count_as_errors(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    y_test = np.where(y_test == 3, 77, y_test)
    diagnosis = diagnose(digits, X_test, y_test)
    model = KNeighborsClassifier(3).fit(*(part[:N_TRAIN] for part in digits))
    assert diagnosis.errors["test"].value == pytest.approx(
        1 - model.score(X_test, y_test), abs=0.03
    )
    assert diagnosis.errors["test"].value > np.mean(y_test == 77)


@pytest.mark.parametrize("layout", ["frame", "sparse", "images"])
def test_layouts_give_the_same_separation(digits, layout):
    X = digits[0]
    make = {
        "frame": pd.DataFrame,
        "sparse": sparse.csr_array,
        "images": lambda part: part.reshape(-1, 8, 8),
    }[layout]
    separation = separate(make(X[:N_TRAIN]), make(X[N_TRAIN:] * 0.8), 0)
    expected = separate(X[:N_TRAIN], X[N_TRAIN:] * 0.8, 0)
    assert separation.auc == pytest.approx(expected.auc, abs=0.1)
    assert separation.is_proven


def test_table_of_text_and_gaps_is_compared():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"colour": rng.choice(["red", "blue"], 400), "size": rng.normal(size=400)}
    )
    other = frame.copy()
    other.loc[other["colour"] == "red", "size"] += 3
    frame.loc[::7, "size"] = np.nan
    other.loc[::7, "size"] = np.nan
    assert separate(frame, other, 0).is_proven
    assert not separate(frame[:200], frame[200:], 0).is_proven


def test_gaps_alone_tell_samples_apart():
    X = np.random.default_rng(0).normal(size=(400, 3))
    other = X.copy()
    other[::2, 0] = np.nan
    assert separate(X, other, 0).is_proven


def test_too_few_samples_and_groups_are_not_compared(digits):
    X_test, y_test = (part[N_TRAIN : N_TRAIN + 19] for part in digits)
    diagnosis = diagnose(digits, X_test, y_test)
    assert diagnosis.test_separation is None
    assert "test" in diagnosis.errors
    assert "too few of them" in render_html(diagnosis)
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    groups = np.arange(N_TRAIN) // 4
    grouped = diagnose(digits, X_test * 0.5, y_test, groups=groups)
    assert grouped.test_separation is None
    assert "new groups can always be told apart" in render_html(grouped)


def test_network_is_judged_at_its_own_epoch(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    clf = make_pipeline(
        MinMaxScaler(),
        KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=1, random_state=0),
    )
    once = diagnose(digits, X_test, y_test, clf, cv=2)
    curve = diagnose(
        digits,
        X_test,
        y_test,
        clf,
        cv=2,
        capacity={"kerasmlpclassifier__epochs": [1, 3]},
    )
    assert once.errors["test"].value == pytest.approx(curve.errors["test"].value)
    model = clf.fit(*(part[once.evidence.folds[0].train] for part in digits))
    assert once.folds["test_accuracy"][0] == pytest.approx(model.score(X_test, y_test))


def test_hold_out_and_test_samples_go_together(digits):
    X, y = digits
    diagnosis = diagnose(
        digits, X[800:], y[800:], X_val=X[N_TRAIN:800], y_val=y[N_TRAIN:800]
    )
    assert shift_of(diagnosis) is None
    assert diagnosis.n_samples == 200
    model = KNeighborsClassifier(3).fit(X[:N_TRAIN], y[:N_TRAIN])
    assert diagnosis.errors["test"].value == pytest.approx(
        1 - model.score(X[800:], y[800:])
    )


def test_result_and_page_have_the_test_error(digits):
    diagnosis = diagnose(digits, *(part[N_TRAIN:] for part in digits))
    record = diagnosis.to_dict()
    assert record["errors"]["test"]["value"] == diagnosis.errors["test"].value
    assert record["test_excess"]["low"] == diagnosis.test_excess.low
    assert record["test_separation"]["auc"] == diagnosis.test_separation.auc
    assert "error on the test samples" in str(diagnosis)
    page = render_html(diagnosis)
    assert "Test error, on the test images" in page
    assert "Test accuracy, %" in page
    display = diagnosis.plot()
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels[1:] == ["Training", "Validation", "Test"]
    assert len(display.lines_) == 4
    assert "Test error, on the test images" in diagnosis._repr_html_()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (None, y), "y_test was given without X_test"),
        (lambda X, y: (X[:, :9], y), r"X_test has samples of shape \(9,\)"),
        (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
        (lambda X, y: (pd.DataFrame(X), y), "X is an array, but X_test is a DataFrame"),
        (lambda X, y: (X, y.astype(str)), "None of the labels of y_test"),
        (lambda X, y: (X, np.where(y == 1, np.nan, y)), "y_test contains NaN"),
    ],
)
def test_bad_test_samples_are_refused_before_training(digits, change, message):
    class Untrained(DecisionTreeClassifier):
        def fit(self, X, y):
            raise AssertionError("something was trained")

    X_test, y_test = change(*(part[N_TRAIN:] for part in digits))
    with pytest.raises(ValueError, match=message):
        diagnose(digits, X_test, y_test, Untrained())


def test_precomputed_kernel_is_refused(digits):
    X, y = digits
    kernel = X[:100] @ X[:100].T
    with pytest.raises(ValueError, match="takes kernels or distances"):
        diagnose_fit(SVC(kernel="precomputed"), kernel, y[:100], X_test=kernel)


def test_pipeline_transforms_test_samples(digits):
    X_test, y_test = (part[N_TRAIN:] for part in digits)
    clf = make_pipeline(StandardScaler(), GaussianNB(var_smoothing=0.1))
    diagnosis = diagnose(digits, X_test, y_test, clf)
    model = clf.fit(*(part[diagnosis.evidence.folds[0].train] for part in digits))
    assert diagnosis.folds["test_accuracy"][0] == pytest.approx(
        model.score(X_test, y_test)
    )
