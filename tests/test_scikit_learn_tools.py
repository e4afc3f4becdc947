"""scikit-learn's tools with the classifiers, for flat samples and images.

The table of layouts in the user guide lists the results.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    RocCurveDisplay,
    accuracy_score,
    make_scorer,
)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    LearningCurveDisplay,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skmnist import (
    ImageFlattener,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    build_mlp,
)

MLP = KerasMLPClassifier(
    hidden_layer_sizes=(32,), learning_rate=0.01, epochs=4, random_state=0
)


@pytest.fixture(params=["flat", "images"])
def data(request, digits):
    """uint8 digits with pixels in [0, 16], flat or as images, and labels."""
    X, y = digits
    X = (X * 16).astype(np.uint8)
    return (X if request.param == "flat" else X.reshape(-1, 8, 8)), y


@pytest.fixture
def pipe():
    return make_pipeline(ImageFlattener(), PixelScaler(max_value=16), clone(MLP))


@pytest.fixture
def either():
    """Pipeline without ImageFlattener: the classifier accepts both layouts."""
    return make_pipeline(PixelScaler(max_value=16), clone(MLP))


def test_folds_are_stratified_on_data_sorted_by_label():
    X, y = load_digits(return_X_y=True)
    order = np.argsort(y, kind="stable")
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(64,), epochs=8, learning_rate=3e-3, random_state=0
    )
    scores = cross_val_score(
        make_pipeline(PixelScaler(max_value=16), clf), X[order], y[order], cv=5
    )
    assert scores.min() > 0.85


def test_cross_validate_returns_fitted_pipelines_that_predict(data, pipe):
    X, y = data
    result = cross_validate(
        pipe, X, y, cv=3, return_train_score=True, return_estimator=True
    )
    assert result["test_score"].min() > 0.75
    assert result["train_score"].min() > result["test_score"].min()
    scores = [fitted.score(X, y) for fitted in result["estimator"]]
    assert np.min(scores) > 0.8


def test_cross_val_predict_gives_out_of_fold_probabilities(data, either):
    X, y = data
    probabilities = cross_val_predict(either, X, y, cv=3, method="predict_proba")
    assert probabilities.shape == (400, 10)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.75


@pytest.mark.slow
def test_grid_search_over_parameters(data, pipe):
    X, y = data
    grid = {
        "kerasmlpclassifier__learning_rate": [1e-5, 1e-2],
        "kerasmlpclassifier__hidden_layer_sizes": [(16,), (32, 16)],
        "kerasmlpclassifier__batch_size": [16],
    }
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["kerasmlpclassifier__learning_rate"] == 1e-2
    slow, fast = search.cv_results_["mean_test_score"].reshape(2, 2).T
    assert (fast > slow).all()
    assert search.best_estimator_[-1].learning_rate == 1e-2


def test_grid_search_over_builder_keywords(data):
    X, y = data
    clf = KerasImageClassifier(build_mlp, epochs=2, random_state=0)
    grid = {"kerasimageclassifier__model__hidden_layer_sizes": [(8,), (64,)]}
    pipe = make_pipeline(PixelScaler(max_value=16), clf)
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0
    assert search.best_estimator_[-1].model_params == {"hidden_layer_sizes": (64,)}


def test_halving_search_with_epochs_as_resource(data, either):
    X, y = data
    search = HalvingGridSearchCV(
        either,
        {"kerasmlpclassifier__learning_rate": [1e-4, 1e-3, 1e-2]},
        resource="kerasmlpclassifier__epochs",
        max_resources=6,
        min_resources=2,
        factor=3,
        cv=2,
        error_score="raise",
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [2, 6]
    assert search.best_estimator_[-1].n_iter_ == 6


@pytest.mark.slow
def test_randomized_search_with_n_jobs(data, pipe):
    X, y = data
    search = RandomizedSearchCV(
        pipe,
        {"kerasmlpclassifier__learning_rate": np.geomspace(1e-4, 1e-2, 9)},
        n_iter=3,
        cv=2,
        n_jobs=2,
        error_score="raise",
        random_state=0,
    ).fit(X, y)
    assert search.best_score_ > 0.5


def test_learning_and_validation_curves(data, either):
    X, y = data
    sizes, train, test = learning_curve(
        either, X, y, train_sizes=[60, 260], cv=3, error_score="raise"
    )
    assert sizes.tolist() == [60, 260]
    assert test[1].mean() > test[0].mean()
    assert train.shape == (2, 3)
    _, test = validation_curve(
        either,
        X,
        y,
        param_name="kerasmlpclassifier__epochs",
        param_range=[1, 6],
        cv=3,
        error_score="raise",
    )
    assert test[1].mean() > test[0].mean()


def test_incremental_learning_curve(digits):
    X, y = digits
    _, train, test = learning_curve(
        clone(MLP),
        X,
        y,
        train_sizes=[100, 260],
        cv=3,
        exploit_incremental_learning=True,
        error_score="raise",
    )
    assert test[1].mean() > test[0].mean() > 0.1
    assert np.isfinite(train).all()


def test_soft_voting_stacking_and_calibration(data):
    X, y = data
    X = PixelScaler(max_value=16).fit_transform(X)
    voting = VotingClassifier(
        [("a", clone(MLP)), ("b", clone(MLP).set_params(random_state=1))], voting="soft"
    ).fit(X, y)
    np.testing.assert_allclose(
        voting.predict_proba(X),
        np.mean([member.predict_proba(X) for member in voting.estimators_], axis=0),
    )
    stack = StackingClassifier(
        [("a", clone(MLP))], LogisticRegression(max_iter=500), cv=2
    )
    assert stack.fit(X, y).score(X, y) > 0.8
    calibrated = CalibratedClassifierCV(clone(MLP), cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, y) > 0.8


def test_one_versus_rest(data):
    X, y = data
    X = PixelScaler(max_value=16).fit_transform(X)
    clf = OneVsRestClassifier(clone(MLP)).fit(X[:200], y[:200])
    assert clf.score(X[:200], y[:200]) > 0.8


@pytest.mark.slow
def test_tools_that_require_flat_data(digits):
    X, y = digits
    for tool in (
        BaggingClassifier(clone(MLP), n_estimators=2, random_state=0),
        OneVsOneClassifier(clone(MLP).set_params(epochs=1)),
        make_pipeline(StandardScaler(), clone(MLP)),
        make_pipeline(
            ColumnTransformer([("all", "passthrough", slice(0, 64))]), clone(MLP)
        ),
    ):
        subset = y < 3 if isinstance(tool, OneVsOneClassifier) else slice(None)
        assert tool.fit(X[subset], y[subset]).score(X[subset], y[subset]) > 0.7
        with pytest.raises(ValueError, match="dim"):
            clone(tool).fit(X.reshape(-1, 8, 8)[subset], y[subset])


def test_self_training(digits):
    X, y = digits
    some = np.where(np.arange(400) % 3, y, -1)
    clf = SelfTrainingClassifier(clone(MLP), max_iter=1).fit(X, some)
    assert clf.score(X, y) > 0.8


def test_permutation_importance(digits):
    X, y = digits
    clf = clone(MLP).fit(X, y)
    importance = permutation_importance(clf, X, y, n_repeats=2, random_state=0)
    assert importance.importances_mean[np.ptp(X, axis=0) == 0].max() == 0
    assert importance.importances_mean.max() > 0.01


def test_displays_from_estimator(digits):
    X, y = digits
    backend = matplotlib.get_backend()
    clf = clone(MLP).fit(X, y)
    figure = matplotlib.figure.Figure()
    shown = ConfusionMatrixDisplay.from_estimator(clf, X, y, ax=figure.subplots())
    assert shown.confusion_matrix.sum() == 400
    binary = clone(MLP).fit(X, y == 3)
    roc = RocCurveDisplay.from_estimator(
        binary, X, y == 3, ax=matplotlib.figure.Figure().subplots()
    )
    assert np.max(roc.roc_auc) > 0.9
    curve = LearningCurveDisplay.from_estimator(
        clone(MLP),
        X,
        y,
        train_sizes=[100, 200],
        cv=2,
        ax=matplotlib.figure.Figure().subplots(),
    )
    assert curve.train_scores.shape == (2, 2)
    assert matplotlib.get_backend() == backend


def test_feature_names_of_data_frames(digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel_{i}" for i in range(64)])
    clf = clone(MLP).fit(frame, pd.Series(y, index=range(400, 800)))
    assert clf.feature_names_in_.tolist() == frame.columns.tolist()
    np.testing.assert_array_equal(
        clf.predict_proba(frame), clone(MLP).fit(X, y).predict_proba(X)
    )
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"pixel_0": "first"}))


def test_pandas_output_in_pipeline(data, pipe, either):
    X, y = data
    expected = pipe.fit(X, y).predict_proba(X)
    with sklearn.config_context(transform_output="pandas"):
        inside = clone(pipe).fit(X, y)
        np.testing.assert_array_equal(inside.predict_proba(X), expected)
        assert isinstance(inside[:-1].transform(X), pd.DataFrame)
        assert either.fit(X, y).predict(X).shape == (400,)


def test_sample_weight_is_routed_as_metadata(data, pipe):
    X, y = data
    weight = np.where(y < 5, 1.0, 1e-9)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_pipeline(
            *[step for _, step in pipe.steps[:-1]],
            clone(MLP)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True),
        )
        search = GridSearchCV(
            routed,
            {"kerasmlpclassifier__epochs": [4]},
            cv=2,
            scoring=make_scorer(accuracy_score).set_score_request(sample_weight=True),
            error_score="raise",
        ).fit(X, y, sample_weight=weight)
        predictions = search.predict(X)
        best = search.best_estimator_
        weighted = best.score(X, y, sample_weight=weight)
    assert (predictions < 5).all()
    assert search.best_score_ > 0.8
    hits = predictions == y
    assert weighted == pytest.approx(np.average(hits, weights=weight))


@pytest.mark.slow
def test_lenet_in_pipeline_with_flat_data_and_images(data):
    X, y = data
    clf = LeNetClassifier(
        filters=(8, 16),
        hidden_layer_sizes=(32,),
        hidden_dropout=0.0,
        learning_rate=0.005,
        batch_size=16,
        epochs=8,
        random_state=0,
    )
    pipe = make_pipeline(PixelScaler(max_value=16), clf)
    scores = cross_val_score(pipe, X, y, cv=2, error_score="raise")
    assert scores.min() > 0.6
