"""Behaviours that users of scikit-learn's MLP, SciKeras and skorch rely on."""

import functools
import io
import pickle
import warnings

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf
from keras import layers
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import DataConversionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.multiclass import OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.preprocessing import scale

from skmnist import KerasImageClassifier, KerasMLPClassifier

X, y = load_iris(return_X_y=True)
X = scale(X)
STOPPING = {"validation_fraction": 0.2, "early_stopping": True}


def mlp(**params):
    settings = {"hidden_layer_sizes": (8,), "epochs": 1, "random_state": 0}
    return KerasMLPClassifier(**settings | params)


def own(model, model_params=None, **params):
    settings = {"epochs": 1, "random_state": 0}
    return KerasImageClassifier(model, model_params, **settings | params)


def build(meta, units=8, *, trainable=True):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(units, activation="relu", trainable=trainable),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


# Samples and labels


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint16", "<U1", "<f2"])
def test_labels_of_any_dtype(dtype):
    labels = y.astype(dtype)
    clf = mlp(epochs=15, learning_rate=0.02).fit(X, labels)
    assert clf.predict(X).dtype == clf.classes_.dtype == labels.dtype
    assert clf.score(X, labels) > 0.9


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_labels_of_pandas(dtype):
    labels = pd.Series(["a", "b", "c"])[y].astype(dtype)
    clf = mlp().fit(X, labels)
    assert clf.classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(clf.predict_proba(X), mlp().fit(X, y).predict_proba(X))


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(object),
        lambda a: a.astype(np.float16),
        lambda a: a.astype(np.int8),
        lambda a: a.astype(bool),
        np.asfortranarray,
        tf.constant,
        lambda a: a.tolist(),
        lambda a: pd.DataFrame(a).astype("Float64"),
    ],
    ids=[
        "object",
        "float16",
        "int8",
        "bool",
        "fortran",
        "tensor",
        "list",
        "nullable",
    ],
)
def test_samples_in_any_container_mean_the_same(convert):
    numbers = (X > 0).astype(float)
    clf = mlp().fit(convert(numbers), y)
    expected = mlp().fit(numbers, y).predict_proba(numbers)
    np.testing.assert_allclose(clf.predict_proba(convert(numbers)), expected)


@pytest.mark.parametrize("clf", [mlp(), own(build)], ids=["mlp", "builder"])
def test_samples_of_one_feature(clf):
    fitted = clone(clf).fit(X[:, :1], y)
    assert fitted.image_shape_ == (1,)
    assert fitted.predict_proba(X[:1, :1]).shape == (1, 3)


def test_sparse_samples_are_refused_by_what_to_do():
    with pytest.raises(TypeError, match="toarray"):
        mlp().fit(scipy.sparse.csr_array(X), y)


def test_column_of_labels_warns():
    with pytest.warns(DataConversionWarning):
        assert mlp().fit(X, y[:, None]).predict(X).shape == (150,)


@pytest.mark.parametrize("labels", [np.c_[y == 0, y < 2], np.eye(3)[y]])
def test_table_of_labels_is_refused(labels):
    with pytest.raises(ValueError, match=r"1d array of labels, got .*\(150, \d\)"):
        mlp().fit(X, labels.astype(int))


def test_feature_names_survive_a_validation_split():
    frame = pd.DataFrame(X, columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        clf = mlp(**STOPPING).fit(frame, pd.Series(y))
        clf.partial_fit(frame, pd.Series(y)).predict(frame)
    with pytest.raises(ValueError, match="feature names"):
        clf.partial_fit(frame[list("badc")], y)


def test_labels_are_compared_with_those_of_the_first_call():
    clf = mlp().partial_fit(X, y)
    assert clf.partial_fit(X, y.astype(float)).n_iter_ == 2
    for labels in (y.astype(str), y + 1):
        for use in (clf.partial_fit, clf.evaluate):
            with pytest.raises(ValueError, match="labels that fit did not see"):
                use(X, labels)
    with pytest.raises(ValueError, match="features"):
        clf.partial_fit(X[:, :2], y)


# Epochs, resumed and repeated


def test_partial_fit_on_one_row():
    clf = mlp().partial_fit([[3, 2]], [0], classes=[0, 1])
    assert clf.partial_fit([[3, 2]], [1]).predict([[3, 2]]).shape == (1,)


def test_partial_fit_of_a_longer_label_than_before():
    clf = mlp(learning_rate=0.1)
    clf.partial_fit([[1], [2]], ["a", "b"], classes=["a", "b", "other"])
    for _ in range(30):
        clf.partial_fit([[4]], ["other"])
    assert clf.predict([[4]]) == ["other"]


@pytest.mark.parametrize("classes", [[2], [0, 2]])
def test_partial_fit_refuses_labels_outside_of_classes(classes):
    with pytest.raises(ValueError):
        mlp().partial_fit(X[:100], y[:100], classes=classes)


def test_partial_fit_adds_an_epoch_and_fit_starts_again():
    clf = mlp(epochs=4)
    for n_epochs in (1, 2, 3):
        assert clf.partial_fit(X, y).n_iter_ == n_epochs
    losses = clf.fit(X, y).history_["loss"]
    assert len(losses) == clf.n_iter_ == 4
    assert clf.partial_fit(X, y).history_["loss"][:4] == losses
    assert (clf.n_iter_, clf.fit(X, y).history_["loss"]) == (5, losses)


@pytest.mark.parametrize(
    "optimizer", ["adam", keras.optimizers.SGD(0.1, momentum=0.9)], ids=["name", "own"]
)
def test_pickling_between_epochs_does_not_change_the_training(optimizer, same_weights):
    whole = mlp(optimizer=optimizer, epochs=3, dropout=0.2).fit(X, y)
    clf = mlp(optimizer=optimizer, dropout=0.2)
    for _ in range(3):
        clf = pickle.loads(pickle.dumps(clf.partial_fit(X, y)))
    assert same_weights(whole, clf)
    assert clf.history_ == whole.history_


def test_joblib_file_trains_on(same_weights):
    clf, file = mlp().fit(X, y), io.BytesIO()
    joblib.dump(clf, file, compress=3)
    file.seek(0)
    assert same_weights(joblib.load(file).partial_fit(X, y), clf.partial_fit(X, y))


@pytest.mark.parametrize("change", [lambda y: y % 2, lambda y: np.minimum(y, 1) + 1])
def test_warm_start_needs_the_same_classes(change):
    clf = mlp(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"same classes.* \[0, 1, 2\]; y has"):
        clf.fit(X, change(y))
    assert clf.partial_fit(X[:100], y[:100]).classes_.tolist() == [0, 1, 2]


def test_early_stopping_with_labels_of_strings():
    names = np.array(["setosa", "v", "virginica"], dtype=object)
    clf = mlp(epochs=3, **STOPPING).fit(X, names[y])
    assert clf.history_ == mlp(epochs=3, **STOPPING).fit(X, y).history_
    assert np.isfinite(clf.history_["val_loss"]).all()


@pytest.mark.parametrize("weight", [[1] * 150, 1.0], ids=["list", "number"])
def test_equal_weights_change_nothing(weight, same_weights):
    clf = mlp(**STOPPING)
    weighted = clone(clf).fit(X, y, sample_weight=weight)
    assert same_weights(weighted, clf.fit(X, y))


@pytest.mark.parametrize("weight", [0.5, 0.8])
def test_probabilities_follow_the_weights(weight):
    """All rows are equal, so the weights alone tell the classes apart."""
    clf = mlp(epochs=60, learning_rate=0.03, batch_size=200)
    weights = [weight] * 100 + [1 - weight] * 100
    clf.fit(np.ones((200, 1)), [1] * 100 + [-1] * 100, sample_weight=weights)
    assert clf.predict_proba([[1]])[0, 1] == pytest.approx(weight, abs=0.02)


@pytest.mark.parametrize("batch_size", [1, 10**9])
def test_extreme_batch_sizes(batch_size):
    clf = mlp(batch_size=batch_size).fit(X[::5], y[::5])
    assert clf._training.optimizer_state[0] == (30 if batch_size == 1 else 1)


def test_dropout_is_off_in_prediction():
    clf = mlp(dropout=0.5).fit(X, y)
    assert np.array_equal(clf.predict_proba(X), clf.predict_proba(X))
    one_by_one = np.concatenate([clf.predict_proba(X[[i]]) for i in range(5)])
    np.testing.assert_allclose(clf.predict_proba(X[:5]), one_by_one, rtol=1e-5)


# Builders


def build_without_meta():
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="softmax", name="only")]
    )


def build_from_keywords(**keywords):
    assert keywords.keys() == {"units", "meta", "compile_kwargs", "params"}
    return build(keywords["meta"], keywords["units"])


def build_from_all(units, meta, compile_kwargs, params):
    assert compile_kwargs["loss"] is keras.losses.categorical_crossentropy
    assert params["model__units"] == units
    return build(meta, units)


class Builder:
    def __call__(self, meta, units=8):
        return build(meta, units)

    def method(self, meta, units=8):
        return build(meta, units)


@pytest.mark.parametrize(
    "model",
    [
        build_from_keywords,
        build_from_all,
        functools.partial(build, trainable=True),
        Builder(),
        Builder().method,
    ],
    ids=["keywords", "all", "partial", "object", "method"],
)
def test_any_callable_builds(model):
    clf = own(model, {"units": 5}).fit(X, y)
    assert clf.model_.count_params() == 4 * 5 + 5 + 5 * 3 + 3
    loaded = pickle.loads(pickle.dumps(clf)).set_params(model__units=2)
    assert clone(loaded).fit(X, y).model_.count_params() == 4 * 2 + 2 + 2 * 3 + 3


def test_builder_needs_no_arguments():
    clf = own(build_without_meta).fit(X, y)
    assert clf.model_.get_layer("only").units == 3


def test_keywords_of_a_partial_are_parameters():
    clf = own(functools.partial(build, units=3))
    assert clf.get_params()["model__units"] == 3
    assert clone(clf).set_params(model__units=4).model_params == {"units": 4}


def test_frozen_layers_are_not_trained():
    clf = own(build, {"trainable": False}).fit(X, y)
    before = clf.model_.get_weights()
    after = clf.partial_fit(X, y).model_.get_weights()
    equal = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert equal == [True, True, False, False]


# Optimizers and losses


def test_classes_stand_for_objects_with_defaults(same_weights):
    by_class = mlp(
        optimizer=keras.optimizers.SGD,
        loss=keras.losses.CategoricalCrossentropy,
        bias_initializer=keras.initializers.Zeros,
        learning_rate=0.5,
    )
    by_name = mlp(optimizer="sgd", bias_initializer="zeros", learning_rate=0.5)
    assert same_weights(clone(by_class).fit(X, y), by_name.fit(X, y))


def test_search_over_optimizers_losses_and_callbacks():
    grid = {
        "optimizer": ["sgd", keras.optimizers.RMSprop(0.03)],
        "loss": [keras.losses.CategoricalCrossentropy()],
        "callbacks": [None, [keras.callbacks.EarlyStopping("loss", patience=3)]],
    }
    search = GridSearchCV(mlp(epochs=5), grid, cv=2, error_score="raise").fit(X, y)
    optimizer = search.best_estimator_.model_.optimizer
    assert isinstance(optimizer, keras.optimizers.RMSprop)
    assert float(optimizer.learning_rate) == pytest.approx(0.03)


# Callbacks


class Score(keras.callbacks.Callback):
    """Add to the logs what the network predicts after the epoch."""

    def on_epoch_end(self, epoch, logs=None):
        predicted = self.model.predict(X, verbose=0).argmax(axis=1)
        logs["score"] = float(np.mean(predicted == y))
        targets = keras.utils.to_categorical(y)
        logs["evaluated"] = self.model.evaluate(X, targets, verbose=0)[1]


def test_training_stops_by_a_score_of_ones_own():
    stop = keras.callbacks.EarlyStopping("score", mode="max", patience=1, min_delta=2)
    clf = mlp(epochs=9, callbacks=[Score(), stop]).fit(X, y)
    assert clf.n_iter_ == 2
    assert clf.history_["score"][-1] == pytest.approx(clf.score(X, y))
    assert clf.history_["score"] == pytest.approx(clf.history_["evaluated"])


def test_restored_weights_are_those_of_the_classifier():
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    clf = mlp(epochs=60, learning_rate=0.1, validation_fraction=0.3, callbacks=stop)
    rows = clf.fit(X, y).validation_indices_
    losses = clf.history_["val_loss"]
    assert clf.best_epoch_ == clf.n_iter_ - 2 < 58
    assert clf.evaluate(X[rows], y[rows])["loss"] == pytest.approx(min(losses))


class Change(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.5


class Zero(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([0 * weight for weight in self.model.get_weights()])


class Fail(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyError("of the callback")


def test_callbacks_change_learning_rate_and_weights():
    changed = mlp(epochs=3, callbacks=Change()).fit(X, y)
    assert changed.history_ == mlp(epochs=3, learning_rate=0.5).fit(X, y).history_
    zero = mlp(epochs=2, callbacks=Zero()).fit(X, y)
    np.testing.assert_allclose(zero.predict_proba(X), 1 / 3)


def test_error_in_a_callback_leaves_the_classifier_as_it_was():
    clf = mlp(callbacks=Fail())
    before = set(vars(clf))
    with pytest.raises(KeyError, match="of the callback"):
        clf.fit(X, y)
    assert set(vars(clf)) == before
    expected = clf.set_params(callbacks=None).fit(X, y).predict_proba(X)
    with pytest.raises(KeyError):
        clf.set_params(callbacks=Fail()).fit(X, y)
    assert np.array_equal(clf.predict_proba(X), expected)


# scikit-learn's tools


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        ("roc_auc", ["no", "yes"]),
        ("neg_log_loss", ["no", "yes"]),
        ("average_precision", [0, 1]),
        ("neg_brier_score", [0, 1]),
    ],
)
def test_scores_of_probabilities_of_two_classes(scoring, names):
    clf = mlp(epochs=20, learning_rate=0.02)
    labels = np.array(names)[y[:100]]
    scores = cross_val_score(clf, X[:100], labels, scoring=scoring, cv=2)
    assert scores.min() > (-0.3 if scoring.startswith("neg") else 0.9)


@pytest.mark.parametrize(
    "tool",
    [
        AdaBoostClassifier(mlp(epochs=20, learning_rate=0.02), n_estimators=2),
        OutputCodeClassifier(mlp(epochs=20, learning_rate=0.02), random_state=0),
        TunedThresholdClassifierCV(mlp(epochs=20, learning_rate=0.02), cv=2),
        FixedThresholdClassifier(mlp(epochs=20, learning_rate=0.02), threshold=0.4),
    ],
    ids=lambda tool: type(tool).__name__,
)
def test_meta_estimators(tool):
    labels = y if isinstance(tool, AdaBoostClassifier) else (y == 0).astype(int)
    assert tool.fit(X, labels).score(X, labels) > 0.8


def test_calibration_and_partial_dependence_of_a_fitted_classifier():
    clf = mlp(epochs=20, learning_rate=0.02).fit(X, y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(clf)).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    average = partial_dependence(clf, X, [2], kind="average")["average"]
    assert np.ptp(average) > 0.1


@pytest.mark.parametrize("tool", [MultiOutputClassifier, ClassifierChain])
def test_several_labels_by_one_classifier_each(tool):
    labels = np.c_[y == 0, y < 2].astype(int)
    clf = tool(mlp(epochs=15, learning_rate=0.02)).fit(X, labels)
    assert (clf.predict(X) == labels).mean() > 0.8
