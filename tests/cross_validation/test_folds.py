"""Tests of the training on splits, and of epochs followed on the way."""

import copy

import imblearn.pipeline
import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist._cross_validation._folds import judge_fitted
from skmnist._cross_validation._splits import rows_of_splits
from skmnist._cross_validation._stages import CrossValidation, run_folds
from skmnist._seed import draw_seed


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    """Softmax regression in NumPy, trained in epochs as skmnist's classifiers are."""

    n_epochs_trained = 0
    _after_epoch = None

    def __init__(
        self,
        epochs=5,
        learning_rate=0.5,
        validation_fraction=0.0,
        early_stopping=False,
        class_weight=None,
        callbacks=None,
        warm_start=False,
        random_state=None,
    ):
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        X = np.asarray(X, dtype=float)
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        if self.class_weight == "balanced":
            weight = weight * compute_sample_weight("balanced", y)
        n_held_out = int(self.validation_fraction * len(X))
        rows = np.random.default_rng(self.random_state).permutation(len(X))
        held_out, rows = np.sort(rows[:n_held_out]), np.sort(rows[n_held_out:])
        self.validation_indices_ = held_out
        if not self.warm_start or not hasattr(self, "weights_"):
            self._start(X, np.unique(y))
        best = np.inf
        for _ in range(self.epochs):
            self._train(X[rows], y[rows], weight[rows])
            if self._after_epoch is not None:
                self._after_epoch(copy.copy(self))
            if self.early_stopping:
                loss = log_loss(y[held_out], self.predict_proba(X[held_out]))
                if loss > best - 0.01:
                    break
                best = loss
        return self

    def _start(self, X, classes):
        seed = self.random_state
        self.seed_ = np.random.SeedSequence().entropy if seed is None else seed
        self.classes_ = classes
        self.n_iter_ = 0
        n_features = X.reshape(len(X), -1).shape[1]
        start = np.random.default_rng([self.seed_, 0])
        self.weights_ = start.normal(size=(n_features, len(classes))) / 100

    def _train(self, X, y, weight):
        type(self).n_epochs_trained += 1
        self.n_iter_ += 1
        flat = X.reshape(len(X), -1)
        order = np.random.default_rng([self.seed_, self.n_iter_]).permutation(len(X))
        target = np.equal.outer(y, self.classes_)
        for rows in np.array_split(order, max(1, len(order) // 32)):
            slope = (self.predict_proba(X[rows]) - target[rows]) * weight[rows, None]
            self.weights_ = self.weights_ - (
                self.learning_rate * flat[rows].T @ slope / len(rows)
            )

    def predict_proba(self, X):
        X = np.asarray(X, dtype=float)
        scores = X.reshape(len(X), -1) @ self.weights_
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


class RowCounter(TransformerMixin, BaseEstimator):
    """Transformer that records the number of rows of each fit, for all its clones."""

    n_rows_of_fits = []

    def fit(self, X, y=None):
        self.n_rows_of_fits.append(len(X))
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


@pytest.fixture
def data():
    return make_classification(
        120, 6, n_informative=4, n_classes=3, class_sep=1.5, random_state=0
    )


def assert_same_predictions(first, second):
    for side in ("train", "test"):
        for name in (side, f"{side}_codes", f"{side}_wrong"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    # Sums in another memory layout differ in the last bit.
    np.testing.assert_allclose(first.train_loss, second.train_loss, rtol=1e-12)
    np.testing.assert_allclose(first.test_loss, second.test_loss, rtol=1e-12)


def test_followed_epochs_end_with_result_of_plain_fit(data):
    clf = SoftmaxRegression(random_state=3)
    cv = StratifiedKFold(3)
    followed = run_folds(clf, *data, cv=cv)
    plain = run_folds(clf, *data, cv=cv, epochs=False)
    for one, other in zip(followed, plain, strict=True):
        assert other.curves is None
        assert_same_predictions(one, other)
        curves = one.curves
        assert curves.sample_loss.shape == (5, len(one.test))
        assert curves.sample_loss.dtype == np.float32
        np.testing.assert_allclose(curves.sample_loss[-1], one.test_loss, rtol=1e-5)
        assert curves.train_loss[-1] == pytest.approx(one.train_loss.mean())
        assert curves.validation_loss[-1] == pytest.approx(one.test_loss.mean())
        hits = one.train_codes == data[1][one.train]
        assert curves.train_accuracy[-1] == hits.mean() == one.train_accuracy
        hits = one.test_codes == data[1][one.test]
        assert curves.validation_accuracy[-1] == hits.mean() == one.validation_accuracy
        assert curves.train_loss[-1] < curves.train_loss[0]


@pytest.mark.parametrize("validation_fraction", [0, 0.25])
def test_classifier_is_trained_once(data, validation_fraction):
    before = SoftmaxRegression.n_epochs_trained
    clf = SoftmaxRegression(epochs=4, validation_fraction=validation_fraction)
    run_folds(clf, *data, cv=3)
    assert SoftmaxRegression.n_epochs_trained == before + 3 * 4


def test_classifier_that_stops_early_is_trained_once(data):
    before = SoftmaxRegression.n_epochs_trained
    clf = SoftmaxRegression(epochs=40, validation_fraction=0.25, early_stopping=True)
    folds = run_folds(clf, *data, cv=3)
    n_epochs = [len(fold.curves.train_loss) for fold in folds]
    assert max(n_epochs) < 40
    assert SoftmaxRegression.n_epochs_trained == before + sum(n_epochs)


@pytest.mark.parametrize("random_state", [0, None])
def test_rows_held_out_by_fit_are_in_neither_side(data, random_state):
    clf = SoftmaxRegression(
        epochs=40,
        validation_fraction=0.25,
        early_stopping=True,
        random_state=random_state,
    )
    for fold in run_folds(clf, *data, cv=3, random_state=0):
        assert len(fold.train) == 60
        assert len(fold.test) == 40
        assert not set(fold.train) & set(fold.test)
        assert 1 < len(fold.curves.train_loss) < 40
        np.testing.assert_allclose(
            fold.curves.sample_loss[-1], fold.test_loss, rtol=1e-5
        )
        assert fold.curves.train_loss[-1] == pytest.approx(fold.train_loss.mean())


def test_transformers_are_fitted_on_training_rows_only(data):
    RowCounter.n_rows_of_fits.clear()
    X, y = data
    scaled = make_pipeline(RowCounter(), StandardScaler(), SoftmaxRegression())
    folds = run_folds(scaled.set_params(softmaxregression__random_state=0), X, y, cv=3)
    assert RowCounter.n_rows_of_fits == [80, 80, 80]
    for fold in folds:
        assert len(fold.curves.train_loss) == 5
        fitted = clone(scaled).fit(X[fold.train], y[fold.train])
        np.testing.assert_array_equal(fitted.predict(X[fold.test]), fold.test_codes)


@pytest.mark.parametrize("epochs", [True, False])
@pytest.mark.parametrize("validation_fraction", [0, 0.2])
@pytest.mark.parametrize(
    "steps",
    [
        (RandomOverSampler(random_state=0), StandardScaler()),
        (StandardScaler(), RandomUnderSampler(random_state=0)),
    ],
)
def test_resampling_pipeline_is_scored_on_the_rows_given(
    data, steps, validation_fraction, epochs
):
    X, y = data
    rows = np.flatnonzero((y != 2) | (np.arange(len(y)) % 4 == 0))
    X, y = X[rows], y[rows]
    clf = SoftmaxRegression(validation_fraction=validation_fraction, random_state=0)
    pipe = imblearn.pipeline.make_pipeline(*steps, clf)
    for fold in run_folds(pipe, X, y, cv=3, epochs=epochs):
        assert len(fold.train) + len(fold.test) == len(y)
        fitted = clone(pipe).fit(X[fold.train], y[fold.train])
        np.testing.assert_array_equal(fitted.predict(X[fold.train]), fold.train_codes)
        np.testing.assert_array_equal(fitted.predict(X[fold.test]), fold.test_codes)
        assert not epochs or len(fold.curves.train_loss) == 5


def test_callbacks_and_warm_start_leave_the_curves_as_they_are(data):
    class StopAfterTwo(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    params = {"hidden_layer_sizes": (8,), "random_state": 0}
    (stopped, *_), (two, *_) = (
        run_folds(KerasMLPClassifier(**params | more), *data, cv=3)
        for more in (
            {"callbacks": [StopAfterTwo()], "epochs": 9},
            {"warm_start": True, "epochs": 2},
        )
    )
    assert_same_predictions(stopped, two)
    np.testing.assert_array_equal(stopped.curves.sample_loss, two.curves.sample_loss)
    assert len(two.curves.train_loss) == 2


@pytest.mark.tensorflow
def test_predictions_are_those_of_the_fitted_classifier(data):
    """Not of the last epoch, from which they differ if weights are restored."""
    X, y = data
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(8,),
        optimizer=keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9),
        epochs=30,
        validation_fraction=0.2,
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
    )
    cv = StratifiedKFold(3)
    folds = run_folds(clf, X, y, cv=cv)
    for fold, (train, _) in zip(folds, cv.split(X, y), strict=True):
        fitted = clone(clf).fit(X[train], y[train])
        assert fitted.n_iter_ == len(fold.curves.train_loss) < 30
        loss = log_loss(y[fold.test], fitted.predict_proba(X[fold.test]))
        assert fold.test_loss.mean() == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    "clf",
    [
        GaussianNB(),
        LogisticRegression(),
        GridSearchCV(SoftmaxRegression(), {"epochs": [1, 2]}, cv=2),
    ],
    ids=["naive Bayes", "linear", "search"],
)
def test_other_classifiers_have_no_curves(data, clf):
    folds = run_folds(clf, *data, cv=3)
    assert [fold.curves for fold in folds] == [None] * 3
    assert all(fold.fit_time > 0 for fold in folds)


def test_rows_held_out_by_search_or_plain_fit_are_in_neither_side(data):
    clf = SoftmaxRegression(validation_fraction=0.25, callbacks=[print])
    search = GridSearchCV(make_pipeline(clf), {"softmaxregression__epochs": [2]}, cv=2)
    for estimator in (clf, search):
        assert {len(f.train) for f in run_folds(estimator, *data, cv=3)} == {60}


def test_followed_epochs_with_balanced_class_weight(data):
    X, y = data
    rows = np.flatnonzero((y != 2) | (np.arange(len(y)) % 4 == 0))
    clf = SoftmaxRegression(class_weight="balanced", random_state=0)
    followed = run_folds(clf, X[rows], y[rows], cv=3)
    plain = run_folds(clf, X[rows], y[rows], cv=3, epochs=False)
    for one, other in zip(followed, plain, strict=True):
        assert one.curves is not None
        np.testing.assert_allclose(one.test_loss, other.test_loss)


def test_loss_is_nan_without_predict_proba(data):
    fold, *_ = run_folds(SVC(), *data, cv=3)
    assert np.isnan(fold.test_loss).all()
    assert np.isnan(fold.probability).all()
    assert np.mean(fold.test_codes == data[1][fold.test]) > 0.5


def test_loss_matches_sklearn_log_loss(data):
    X, y = data
    for fold in run_folds(GaussianNB(), X, y, cv=3):
        fitted = GaussianNB().fit(X[fold.train], y[fold.train])
        probabilities = fitted.predict_proba(X[fold.test])
        expected = log_loss(y[fold.test], probabilities)
        assert fold.test_loss.mean() == pytest.approx(expected)
        np.testing.assert_allclose(fold.probability, probabilities.max(axis=1))


def test_class_missing_from_training_has_largest_loss():
    X, y = np.arange(30.0).reshape(-1, 1), np.repeat(["a", "b", "c"], 10)
    split = [(np.arange(20), np.arange(20, 30))]
    for clf in (GaussianNB(), SoftmaxRegression(random_state=0, learning_rate=0.01)):
        (fold,) = run_folds(clf, X, y, cv=split)
        np.testing.assert_allclose(fold.test_loss, -np.log(np.finfo(float).eps))
        assert set(fold.test_codes) <= {0, 1}


@pytest.mark.parametrize("shape", [(120, 6), (120, 2, 3), (120, 2, 3, 1)])
def test_image_shapes(data, shape):
    X, y = data
    flat = run_folds(SoftmaxRegression(random_state=0), X, y, cv=3)
    shaped = run_folds(SoftmaxRegression(random_state=0), X.reshape(shape), y, cv=3)
    for one, other in zip(flat, shaped, strict=True):
        assert_same_predictions(one, other)


def test_dataframe_and_string_labels(data):
    X, y = data
    frame, names = pd.DataFrame(X).add_prefix("x"), pd.Series(np.array(list("abc"))[y])
    clf = make_pipeline(StandardScaler(), SoftmaxRegression(random_state=0))
    for one, other in zip(
        run_folds(clf, X, y, cv=3), run_folds(clf, frame, names, cv=3), strict=True
    ):
        assert_same_predictions(one, other)


def test_sample_weight_is_sliced_and_reaches_every_epoch(data):
    X, y = data
    weight = np.random.default_rng(0).exponential(size=120)
    clf = SoftmaxRegression(validation_fraction=0.1, random_state=0)
    alone = run_folds(clf, X, y, cv=3, params={"sample_weight": weight})
    inside = run_folds(
        make_pipeline(RowCounter(), clf),
        X,
        y,
        cv=3,
        params={"softmaxregression__sample_weight": weight},
    )
    for one, other in zip(alone, inside, strict=True):
        assert_same_predictions(one, other)
        np.testing.assert_allclose(one.curves.sample_loss[-1], one.test_loss, rtol=1e-5)
    unweighted = run_folds(clf, X, y, cv=3)
    assert not np.allclose(alone[0].test_loss, unweighted[0].test_loss)


def test_metadata_without_step_name_raises_error_of_pipeline(data):
    clf = make_pipeline(RowCounter(), SoftmaxRegression())
    with pytest.raises(ValueError, match="sample_weight"):
        run_folds(clf, *data, cv=3, params={"sample_weight": np.ones(120)})


def test_metadata_routing(data):
    X, y = data
    with sklearn.config_context(enable_metadata_routing=True):
        clf = SoftmaxRegression(random_state=0).set_fit_request(sample_weight=True)
        weight = np.random.default_rng(0).exponential(size=120)
        params = {"sample_weight": weight}
        routed = run_folds(make_pipeline(RowCounter(), clf), X, y, cv=3, params=params)
    for one, other in zip(
        routed, run_folds(clf, X, y, cv=3, params=params), strict=True
    ):
        assert_same_predictions(one, other)


def test_splitter_is_used(data):
    X, y = data
    groups = np.arange(120) % 10
    for fold in run_folds(GaussianNB(), X, y, cv=GroupKFold(5), groups=groups):
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_precomputed_kernel_is_sliced_on_both_axes(data):
    X, y = data
    matrix = X @ X.T
    for one, other in zip(
        run_folds(SVC(kernel="linear"), X, y, cv=3),
        run_folds(SVC(kernel="precomputed"), matrix, y, cv=3),
        strict=True,
    ):
        assert np.mean(one.test_codes == other.test_codes) > 0.95


def test_random_state_seeds_unseeded_classifier(data):
    clf = SoftmaxRegression(epochs=2)
    one, two = (run_folds(clf, *data, cv=2, random_state=4) for _ in range(2))
    assert_same_predictions(one[0], two[0])
    assert clf.random_state is None


def test_integer_random_state_leaves_global_generator_unchanged(data):
    before = joblib.hash(np.random.get_state())
    run_folds(SoftmaxRegression(epochs=1), *data, cv=2, random_state=0)
    assert joblib.hash(np.random.get_state()) == before
    assert draw_seed(7) == draw_seed(7) != draw_seed(8)


def test_random_state_none_draws_from_numpys_global_generator():
    state = np.random.get_state()
    try:
        np.random.seed(0)
        first = draw_seed(None), draw_seed(None)
        np.random.seed(0)
        assert (draw_seed(None), draw_seed(None)) == first
        assert first[0] != first[1]
    finally:
        np.random.set_state(state)


def test_judge_fitted_matches_run_folds(data):
    X, y = data
    clf = SoftmaxRegression(random_state=0, validation_fraction=0.2)
    splits = rows_of_splits(3, X, y)
    folds = run_folds(clf, X, y, cv=3)
    for fold, (train, test) in zip(folds, splits, strict=True):
        fitted = clone(clf).fit(X[train], y[train])
        again = judge_fitted(
            fitted, X, y, train=train, test=test, number=fold.number, fit_time=1.0
        )
        assert_same_predictions(fold, again)


@pytest.mark.parametrize("epochs", [True, False])
@pytest.mark.parametrize("labels", [np.arange(3), np.array(["c", "b", "a"])])
def test_wrong_marks_predictions_that_differ_from_y(data, epochs, labels):
    X, y = data[0], labels[data[1]]
    classes = np.unique(y)
    for fold in run_folds(SoftmaxRegression(epochs=2), X, y, cv=3, epochs=epochs):
        for side in ("train", "test"):
            predicted = classes[getattr(fold, f"{side}_codes")]
            wrong = getattr(fold, f"{side}_wrong")
            assert wrong.dtype == bool
            np.testing.assert_array_equal(wrong, predicted != y[getattr(fold, side)])
        assert fold.train_wrong.mean() == pytest.approx(1 - fold.train_accuracy)
        assert fold.test_wrong.mean() == pytest.approx(1 - fold.validation_accuracy)


@pytest.mark.slow
@pytest.mark.parametrize("scheduled", [False, True])
def test_epochs_scored_on_the_way_equal_separate_trainings(scheduled, data):
    """Bit for bit, in a Pipeline, with dropout and a learning rate schedule."""
    X, y = data
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), dropout=0.3, random_state=0)
    if scheduled:
        rate = keras.optimizers.schedules.ExponentialDecay(0.01, 4, 0.9)
        clf.set_params(optimizer=keras.optimizers.Adam(rate))
    pipe = make_pipeline(StandardScaler(), clf.set_params(epochs=4))
    at = [1, 3, 4]
    longest = run_folds(pipe, X, y, cv=2, at=at)
    for epochs in at:
        pipe.set_params(kerasmlpclassifier__epochs=epochs)
        alone = run_folds(pipe, X, y, cv=2, epochs=False)
        for one, other in zip(longest, alone, strict=True):
            assert list(one.at) == at
            read = one.at[epochs]
            for name in ("codes", "wrong", "loss"):
                for side in ("train", "test"):
                    values = (getattr(f, f"{side}_{name}") for f in (read, other))
                    assert np.array_equal(*values)
            assert np.array_equal(read.probability, other.probability)
            assert len(read.curves.train_loss) == epochs
            assert read.fit_time <= one.fit_time


def test_capacity_of_epochs_trains_each_split_once(data):
    SoftmaxRegression.n_epochs_trained = 0
    clf = SoftmaxRegression(epochs=3, random_state=0)
    options = {"cv": 3, "reference": 0.1, "random_state": 0}
    diagnosis = diagnose_fit(clf, *data, **options, capacity={"epochs": [1, 3, 8]})
    assert SoftmaxRegression.n_epochs_trained == 3 * 8
    plain = diagnose_fit(clf, *data, **options)
    pd.testing.assert_frame_equal(
        diagnosis.folds.drop(columns="fit_time"), plain.folds.drop(columns="fit_time")
    )
    pd.testing.assert_frame_equal(diagnosis.epochs, plain.epochs)
    curve = diagnosis.capacity_curve
    assert curve["value"].unique().tolist() == ["1", "3", "8"]
    own = curve.loc[curve["value"] == "3", "validation_accuracy"].to_numpy()
    np.testing.assert_array_equal(own, plain.folds["validation_accuracy"])


def test_capacity_of_epochs_with_callbacks_trains_each_value(data):
    SoftmaxRegression.n_epochs_trained = 0
    clf = SoftmaxRegression(epochs=3, random_state=0, callbacks=[])
    diagnose_fit(clf, *data, cv=3, reference=0.1, capacity={"epochs": [1, 3]})
    assert SoftmaxRegression.n_epochs_trained == 3 * (1 + 3)


def test_capacity_of_epochs_with_a_schedule_trains_each_value(digits):
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(8,),
        epochs=2,
        learning_rate=0.01,
        learning_rate_schedule="one_cycle",
        random_state=0,
    )
    options = {"cv": 2, "reference": 0.1, "random_state": 0}
    several = diagnose_fit(clf, *digits, **options, capacity={"epochs": [2, 6]})
    alone = diagnose_fit(clf, *digits, **options)
    assert several.errors["validation"] == alone.errors["validation"]


@pytest.mark.parametrize(
    ("params", "values", "message"),
    [
        ({"early_stopping": True, "validation_fraction": 0.2}, [1, 5], "early_stopp"),
        ({}, [5, 0], "positive integers"),
        ({}, [5, 2.5], "positive integers"),
    ],
)
def test_invalid_capacity_of_epochs_is_refused(params, values, message, data):
    SoftmaxRegression.n_epochs_trained = 0
    with pytest.raises(ValueError, match=message):
        diagnose_fit(SoftmaxRegression(**params), *data, capacity={"epochs": values})
    assert SoftmaxRegression.n_epochs_trained == 0


def test_cv_takes_lists_and_masks():
    X, y = load_iris(return_X_y=True)
    tests = [np.arange(150) % 3 == i for i in range(3)]
    rows = [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]
    lists = [(train.tolist(), test.tolist()) for train, test in rows]
    masks = [(~test, test) for test in tests]
    as_rows, as_lists, as_masks = (
        diagnose_fit(GaussianNB(), X, y, cv=cv, reference=0.1)
        for cv in (rows, lists, masks)
    )
    pd.testing.assert_frame_equal(as_rows.out_of_fold, as_lists.out_of_fold)
    pd.testing.assert_frame_equal(as_rows.out_of_fold, as_masks.out_of_fold)


def test_epochs_on_the_way_have_averaged_weights(data):
    sgd = keras.optimizers.SGD(0.1, use_ema=True)
    clf = KerasMLPClassifier((8,), epochs=3, optimizer=sgd, random_state=0)
    longest = run_folds(clf, *data, cv=2, at=[1, 3])
    for epochs in (1, 3):
        alone = run_folds(clf.set_params(epochs=epochs), *data, cv=2, epochs=False)
        for one, other in zip(longest, alone, strict=True):
            assert np.array_equal(one.at[epochs].test_loss, other.test_loss)


def test_progress_is_called_per_epoch_or_per_split(data):
    calls = []
    run_folds(
        SoftmaxRegression(epochs=2), *data, cv=2, progress=lambda *c: calls.append(c)
    )
    assert calls == [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)]
    calls.clear()
    run_folds(GaussianNB(), *data, cv=2, progress=lambda *c: calls.append(c))
    assert calls == [(1, 1, 1), (2, 1, 1)]


def test_cross_validation_runs_its_splits_and_reports_by_stage(data):
    X, y = data
    weight = np.linspace(0.1, 2, len(y))
    calls = []

    class Progress:
        def stage(self, name, done):
            return lambda *call: calls.append((name, done, *call))

    cross_validation = CrossValidation(
        X,
        y,
        rows_of_splits(2, X, y, random_state=1),
        params={"sample_weight": weight},
        seed=1,
        progress=Progress(),
    )
    clf = SoftmaxRegression(epochs=1)
    stages = [
        cross_validation.stage(clf, "capacity", done=4),
        cross_validation.stage(clf, "reference", params=None, epochs=False),
    ]
    weighted, plain = cross_validation.run(stages)
    # The first fit of the reference leads.
    assert calls[1:3] == [("capacity", 4, 1, 1, 1), ("capacity", 4, 2, 1, 1)]
    assert calls[::3] == [("reference", 0, 1, 1, 1), ("reference", 0, 2, 1, 1)]
    options = {"cv": 2, "random_state": 1}
    expected = run_folds(clf, X, y, params={"sample_weight": weight}, **options)
    for one, other, fold, without in zip(
        weighted, expected, plain, run_folds(clf, X, y, **options), strict=True
    ):
        assert_same_predictions(one, other)
        assert_same_predictions(fold, without)
        assert fold.curves is None
        assert not np.allclose(one.test_loss, fold.test_loss)
