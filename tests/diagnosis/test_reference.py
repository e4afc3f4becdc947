"""Tests of what a fit is measured against."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    StratifiedKFold,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitDiagnosis, diagnose_fit, fetch_mnist
from skmnist._cross_validation import _reference

SHUFFLED = StratifiedKFold(5, shuffle=True, random_state=0)
THIRDS = StratifiedKFold(3, shuffle=True, random_state=0)
NEIGHBORS, MACHINE = "k-nearest neighbours", "RBF-SVC"
TREES = "histogram gradient boosting"


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:900]
    return X[order] / 16, y[order]


@pytest.fixture
def fits(monkeypatch):
    """Record the shape of X in each fit of a candidate, by its class."""
    seen = {}
    for cls in (KNeighborsClassifier, SVC, HistGradientBoostingClassifier):
        seen[cls] = []

        def spy(self, X, y, cls=cls, fit=cls.fit, **options):
            seen[cls].append(np.shape(X))
            return fit(self, X, y, **options)

        monkeypatch.setattr(cls, "fit", spy)
    return seen


def test_classifier_as_reference(digits):
    diagnosis = diagnose_fit(
        GaussianNB(), *digits, cv=SHUFFLED, reference=KNeighborsClassifier()
    )
    assert diagnosis.reference == "KNeighborsClassifier"
    knn = cross_validate(KNeighborsClassifier(), *digits, cv=SHUFFLED)
    error = 1 - knn["test_score"].mean()
    assert diagnosis.errors["reference"].value == pytest.approx(error)


@pytest.mark.parametrize("layout", ["frame", "images", "pixels", "sparse", "missing"])
def test_auto_takes_any_layout(digits, layout):
    X, y = digits[0][:150], digits[1][:150] % 3
    X = {
        "frame": pd.DataFrame(X)
        .add_prefix("x")
        .assign(letter=np.array(list("abc"))[y]),
        "images": X.reshape(-1, 8, 8, 1),
        "pixels": np.tile(X * 255, 2).astype(np.uint8),
        "sparse": sparse.csr_array(X),
        "missing": np.where(X > 0.99, np.nan, X),
    }[layout]
    diagnosis = diagnose_fit(DummyClassifier(), X, y, cv=3, random_state=0)
    assert diagnosis.errors["reference"].value < 0.5
    assert diagnosis.verdict == "underfit"
    assert diagnosis.reference in (NEIGHBORS, MACHINE, TREES)


def test_auto_thins_out_many_rows_and_says_so(fits, monkeypatch):
    monkeypatch.setattr(_reference, "_MAX_ROWS", 2000)
    X = np.random.default_rng(0).normal(size=(3200, 2))
    cv = [(np.arange(2500), np.arange(2500, 3200))]
    y = X[:, 0] > 0
    diagnosis = diagnose_fit(DummyClassifier(), X, y, cv=cv)
    assert fits[SVC] == [(2000, 2)]
    said = f"({diagnosis.reference}, trained on 2,000 of 2,500 samples)"
    assert said in diagnosis.sentence
    assert "cannot show" not in diagnosis.sentence


def test_auto_trains_on_16000_rows(fits):
    X = np.random.default_rng(0).normal(size=(17_000, 2))
    y = X[:, 0] > 0
    cv = [(np.arange(16_500), np.arange(16_500, 17_000))]
    diagnose_fit(DummyClassifier(), X, y, cv=cv)
    assert fits[SVC] == [(16_000, 2)]


def test_auto_thins_out_rows_of_many_features(fits, monkeypatch):
    monkeypatch.setattr(_reference, "_MAX_VALUES", 100_000)
    monkeypatch.setattr(_reference, "_MIN_ROWS", 100)
    X = np.random.default_rng(0).normal(size=(700, 200))
    cv = [(np.arange(600), np.arange(600, 700))]
    diagnose_fit(DummyClassifier(), X, X[:, 0] > 0, cv=cv)
    # 500 rows of 200 features, on 40 components.
    assert fits[SVC] == [(500, 40)]


def test_a_reference_that_errs_more_than_the_model_shows_no_bias():
    X = np.random.default_rng(0).normal(size=(300, 2))
    tree = DecisionTreeClassifier(random_state=0)
    weak = diagnose_fit(tree, X, X[:, 0] > 0, reference=DummyClassifier())
    assert "trained on" not in weak.sentence
    assert "(DummyClassifier)" in weak.sentence
    assert (
        "errs more on new samples, and cannot show an avoidable bias" in weak.sentence
    )


@pytest.mark.parametrize("form", ["flat", "images", "table"])
def test_auto_grows_no_trees_on_images(digits, fits, form):
    X, y = digits[0][:200], digits[1][:200]
    X = {"flat": X, "images": X.reshape(-1, 8, 8), "table": X[:, :60]}[form]
    diagnose_fit(DummyClassifier(), X, y, cv=2)
    assert bool(fits[HistGradientBoostingClassifier]) == (form == "table")


@pytest.mark.parametrize("best", [MACHINE, TREES])
def test_auto_drops_candidates_proven_worse(digits, best, fits):
    X, y = digits[0][:, :60], digits[1]
    if best == TREES:  # they find the one informative feature of twenty
        X = np.random.default_rng(0).uniform(0, 6, size=(600, 20))
        y = np.floor(X[:, 0]) % 2
    diagnosis = diagnose_fit(DummyClassifier(), X, y, cv=THIRDS, random_state=0)
    assert diagnosis.reference == best
    n_fits = {cls: len(shapes) for cls, shapes in fits.items()}
    assert n_fits[HistGradientBoostingClassifier] == (1 if best == MACHINE else 3)
    clf = SVC(C=10)
    if best == TREES:
        clf = HistGradientBoostingClassifier(max_iter=50, random_state=0)
        X = StandardScaler().fit_transform(X)
    error = 1 - cross_validate(clf, X, y, cv=THIRDS)["test_score"].mean()
    assert diagnosis.errors["reference"].value == pytest.approx(error, abs=0.01)


def test_reference_predicts_no_training_rows(digits, monkeypatch):
    predicted = []
    predict = SVC.predict

    def spy(self, X):
        predicted.append(len(X))
        return predict(self, X)

    monkeypatch.setattr(SVC, "predict", spy)
    X, y = digits
    diagnosis = diagnose_fit(DummyClassifier(), X, y, cv=SHUFFLED)
    assert predicted == [180] * 5
    assert all(fold.train_wrong is None for fold in diagnosis.evidence.reference)


def test_linear_model_on_mnist_underfits():
    try:
        mnist = fetch_mnist(subset="train", download_if_missing=False)
    except OSError:
        pytest.skip("MNIST is not here")
    X, y = mnist.images[:6000].reshape(6000, -1) / 255, mnist.target[:6000]
    # With 14 components, because a fit to all pixels takes minutes to converge.
    clf = make_pipeline(PCA(14, random_state=0), LogisticRegression(max_iter=1000))
    diagnosis = diagnose_fit(clf, X, y, cv=3, random_state=0)
    assert diagnosis.verdict == "underfit"
    assert diagnosis.reference == MACHINE
    assert diagnosis.errors["reference"].value < 0.045


def test_reference_interval_includes_rows_never_trained_on():
    # Every split also tests the last block. The classifier errs on the first and the
    # last block.
    blocks = np.arange(150).reshape(5, 30)
    y = np.isin(np.arange(150) // 30, (1, 2, 3)).astype(int)
    splits = [
        (np.delete(blocks[:4], k, axis=0).ravel(), blocks[[k, 4]].ravel())
        for k in range(4)
    ]
    ones = DummyClassifier(strategy="constant", constant=1)
    X = np.zeros((150, 1))
    errors = diagnose_fit(ones, X, y, cv=splits, reference=ones).errors
    assert errors["reference"] == errors["validation"]


@pytest.mark.parametrize("reference", ["auto", SVC()])
@pytest.mark.parametrize("fits_itself", [True, False])
def test_reference_trained_on_one_class_predicts_it(reference, fits_itself):
    y = np.repeat([0, 1, 2], 50)
    X = np.random.default_rng(0).normal(size=(150, 3)) + y[:, None]
    cv, tree = TimeSeriesSplit(5), DecisionTreeClassifier(random_state=0)
    if fits_itself:
        diagnosis = diagnose_fit(tree, X, y, cv=cv, reference=reference)
    else:
        results = cross_validate(
            tree, X, y, cv=cv, return_estimator=True, return_indices=True
        )
        diagnosis = FitDiagnosis.from_cv_results(results, X, y, reference=reference)
    assert "FIT08" in [finding.code for finding in diagnosis.findings]
    first = diagnosis.evidence.reference[0]
    assert not y[first.train].any()
    assert not first.test_codes.any()
