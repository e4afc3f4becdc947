"""Every public loss of Keras trains as in `keras.Model.fit`, or is refused."""

import inspect

import keras
import numpy as np
import pytest
from keras import layers, losses

from skmnist import KerasImageClassifier

#: Classes that are not walked, and why.
NOT_WALKED = {"Loss": "the base class of all losses"}
# Losses of one-hot targets, integer codes, and one column of 0 and 1.
ONE_HOT = {
    "BinaryCrossentropy": losses.BinaryCrossentropy,
    "BinaryFocalCrossentropy": losses.BinaryFocalCrossentropy,
    "CategoricalCrossentropy": lambda: losses.CategoricalCrossentropy(
        label_smoothing=0.1
    ),
    "CategoricalFocalCrossentropy": losses.CategoricalFocalCrossentropy,
    "CategoricalHinge": losses.CategoricalHinge,
    "CosineSimilarity": losses.CosineSimilarity,
    "Dice": lambda: losses.Dice(axis=-1),
    "Hinge": losses.Hinge,
    "Huber": lambda: losses.Huber(delta=0.5),
    "KLDivergence": losses.KLDivergence,
    "LogCosh": losses.LogCosh,
    "MeanAbsoluteError": losses.MeanAbsoluteError,
    "MeanAbsolutePercentageError": losses.MeanAbsolutePercentageError,
    "MeanSquaredError": losses.MeanSquaredError,
    "MeanSquaredLogarithmicError": losses.MeanSquaredLogarithmicError,
    "Poisson": losses.Poisson,
    "SquaredHinge": losses.SquaredHinge,
    "Tversky": lambda: losses.Tversky(axis=-1),
    "weighted mean": lambda: losses.MeanSquaredError(
        reduction="mean_with_sample_weight"
    ),
}
CODES = {
    "CategoricalGeneralizedCrossEntropy": lambda: (
        losses.CategoricalGeneralizedCrossEntropy()  # takes codes in spite of its name
    ),
    "SparseCategoricalCrossentropy": losses.SparseCategoricalCrossentropy,
    "sparse_categorical_crossentropy": lambda: "sparse_categorical_crossentropy",
}
COLUMN = {
    "BinaryCrossentropy": losses.BinaryCrossentropy,
    "BinaryFocalCrossentropy": losses.BinaryFocalCrossentropy,
    "binary_crossentropy": lambda: "binary_crossentropy",
}
REFUSED = {
    "CTC": losses.CTC,  # compares sequences
    "Circle": losses.Circle,  # compares embeddings with each other
    "Dice over the batch": losses.Dice,
    "Tversky over the batch": losses.Tversky,
    "sum": lambda: losses.MeanSquaredError(reduction="sum"),
    "none": lambda: losses.MeanSquaredError(reduction=None),
}


def build(meta, n_outputs=3):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(4, activation="tanh"),
            layers.Dense(
                n_outputs, activation="softmax" if n_outputs > 1 else "sigmoid"
            ),
        ]
    )


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.random((40, 6), dtype=np.float32), rng.integers(3, size=40)


def test_every_loss_is_walked_or_left_out_for_a_reason():
    walked = {name.split()[0] for name in {**ONE_HOT, **CODES, **COLUMN, **REFUSED}}
    public = {name for name, _ in inspect.getmembers(losses, inspect.isclass)}
    assert public <= walked | set(NOT_WALKED)
    assert not walked & set(NOT_WALKED)


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_HOT)
def test_losses_of_one_hot_targets_train_as_in_keras(name, rows, trains_as_keras):
    trains_as_keras(build, *rows, loss=ONE_HOT[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", CODES)
def test_sparse_losses_train_as_in_keras(name, rows, trains_as_keras):
    trains_as_keras(build, *rows, loss=CODES[name], encode=lambda y: y)


@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMN)
def test_binary_losses_of_one_unit_train_as_in_keras(name, rows, trains_as_keras):
    X, y = rows
    trains_as_keras(
        lambda meta: build(meta, 1),
        X,
        y % 2,
        loss=COLUMN[name],
        encode=lambda y: y[:, None].astype(np.float32),
    )


@pytest.mark.parametrize("name", REFUSED)
def test_losses_without_one_value_for_each_sample_are_refused(name, rows):
    X, y = rows
    started = []
    callback = keras.callbacks.LambdaCallback(on_train_begin=started.append)
    clf = KerasImageClassifier(
        build, image_shape=(-1,), loss=REFUSED[name](), callbacks=callback
    )
    with pytest.raises(ValueError, match="loss"):
        clf.fit(X, y)
    assert not started
