"""Losses get their targets in the layout that they take, or are refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from skmnist import KerasImageClassifier
from skmnist._engine._training import start


def build(meta, units=None, activation="softmax"):
    units = units or meta["n_classes_"]
    inputs = keras.Input((meta["n_features_in_"],))
    return keras.Model(inputs, layers.Dense(units, activation=activation)(inputs))


def build_sigmoid(meta):
    return build(meta, units=1, activation="sigmoid")


def sparse(y, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y, y_pred)


def unequal(y, y_pred):
    """A loss of one column that costs more for one class."""
    losses = 5 * y * ops.log(y_pred) + (1 - y) * ops.log(1 - y_pred)
    return -ops.sum(losses, axis=-1)


class Unequal(keras.losses.Loss):
    def call(self, y, y_pred):
        return unequal(y, y_pred)


def data(n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype(np.float32)
    return X, np.arange(60) % n_classes


def keras_history(clf, builder, loss, X, targets):
    """Return what keras.Model.fit records for one batch of all rows."""
    model = builder(clf._network.meta)
    weights = start(clf._network, clf._training.seed).weights
    model.set_weights(weights)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model.fit(X, targets, epochs=3, batch_size=60, verbose=0).history


@pytest.mark.parametrize(
    ("builder", "loss", "n_classes"),
    [
        (build, "sparse_categorical_crossentropy", 3),
        (build, keras.losses.SparseCategoricalCrossentropy(), 3),
        (build, sparse, 3),
        (build_sigmoid, "binary_crossentropy", 2),
        (build_sigmoid, "binary_focal_crossentropy", 2),
        (build_sigmoid, "hinge", 2),
        (build_sigmoid, "mse", 2),
        (build_sigmoid, unequal, 2),
        (build_sigmoid, Unequal(), 2),
    ],
)
def test_labels_are_encoded_as_the_loss_takes_them(builder, loss, n_classes):
    X, y = data(n_classes)
    params = {"learning_rate": 0.01, "epochs": 3, "batch_size": 60, "random_state": 0}
    clf = KerasImageClassifier(builder, loss=loss, image_shape=(-1,), **params)
    clf.fit(X, np.array(["a", "b", "c"])[y])
    column = np.float32(y)[:, None] if builder is build_sigmoid else np.float32(y)
    expected = keras_history(clf, builder, loss, X, column)
    for name in expected:
        np.testing.assert_allclose(clf.history_[name], expected[name], rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (keras.losses.MeanSquaredError(reduction="sum"), "reduction='sum'"),
        (keras.losses.MeanSquaredError(reduction=None), "reduction=None"),
        (keras.losses.Dice(), r"loss=Dice\(\.\.\.\) must return one value per sample"),
        (lambda y, y_pred: ops.mean(ops.square(y - y_pred)), "leave out the mean"),
        (lambda y, y_pred: ops.mean(y_pred, -1) + ops.sum(y), "all samples of a batch"),
    ],
)
def test_losses_over_a_whole_batch_are_refused_before_training(loss, message):
    clf = KerasImageClassifier(build, loss=loss, image_shape=(-1,))
    with pytest.raises(ValueError, match=message):
        clf.fit(*data(3))
    assert not hasattr(clf, "classes_")


class Scaled(keras.losses.MeanSquaredError):
    def __call__(self, *args, **kwargs):
        return 7 * super().__call__(*args, **kwargs)


def above_mean(y, y_pred):
    losses = keras.losses.mean_squared_error(y, y_pred)
    return ops.where(losses > ops.mean(losses), losses, 0.0)


@pytest.mark.parametrize(
    ("loss", "message"),
    [(Scaled(), "Override call instead"), (above_mean, "all samples of a batch")],
)
def test_losses_that_would_lose_what_they_do_are_refused(loss, message):
    clf = KerasImageClassifier(build, loss=loss, image_shape=(-1,))
    with pytest.raises(ValueError, match=message):
        clf.fit(*data(3))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("builder", "loss"),
    [
        (build_sigmoid, "binary_crossentropy"),
        (build_sigmoid, unequal),
        (build, "kl_divergence"),
        (build, "binary_crossentropy"),
        (build, "mse"),
    ],
)
def test_losses_are_computed_in_single_precision(builder, loss, dtype):
    X, y = data(2)
    params = {"learning_rate": 0.1, "epochs": 3, "batch_size": 60, "random_state": 0}
    clf = KerasImageClassifier(builder, loss=loss, dtype=dtype, **params)
    clf.set_params(image_shape=(-1,)).fit(X, y)
    targets = np.eye(2)[y] if builder is build else np.float32(y)[:, None]
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = builder(clf._network.meta)
        model.set_weights(start(clf._network, clf._training.seed).weights)
        model.compile(keras.optimizers.Adam(0.1), loss, metrics=["accuracy"])
        expected = model.fit(X, targets, epochs=3, batch_size=60, verbose=0).history
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_allclose(clf.history_["loss"], expected["loss"], rtol=0.01)
