"""Layers that are frozen or released between two fits with a warm start."""

import pickle

import keras
import numpy as np
import pytest
from keras import layers

from skmnist import KerasImageClassifier


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 4)).astype(np.float32), np.arange(40) % 3


@pytest.fixture
def pretrained():
    return keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="tanh")])


class Builder:
    def __init__(self, pretrained):
        self.pretrained = pretrained

    def __call__(self, meta):
        softmax = layers.Dense(3, activation="softmax")
        return keras.Sequential([keras.Input((4,)), self.pretrained, softmax])


def classifier(build, **params):
    settings = {"epochs": 1, "image_shape": (4,), "random_state": 0}
    return KerasImageClassifier(build, warm_start=True, **settings, **params)


def continued_in_keras(clf, build, X, y, **compiled):
    """Return a network that `keras.Model.fit` trains on from a fitted classifier."""
    model = build(None)
    model.set_weights(clf.model_.get_weights())
    model.compile(loss="categorical_crossentropy", run_eagerly=True, **compiled)
    seed, epoch = clf._training.seed, clf.n_iter_
    order = np.random.default_rng([seed, epoch]).permutation(len(X))
    targets = np.eye(3, dtype=np.float32)[y]
    model.fit(X[order], targets[order], epochs=1, shuffle=False, verbose=0)
    return model


@pytest.mark.slow
@pytest.mark.tensorflow
def test_released_layers_are_trained_by_a_new_optimizer(rows, pretrained):
    X, y = rows
    pretrained.trainable = False
    clf = classifier(Builder(pretrained)).fit(X, y)
    np.testing.assert_array_equal(
        clf.model_.get_weights()[0], pretrained.get_weights()[0]
    )
    pretrained.trainable = True
    build = Builder(keras.models.clone_model(pretrained))
    expected = continued_in_keras(
        clf, build, X, y, optimizer=keras.optimizers.Adam(0.1)
    )
    clf.set_params(learning_rate=0.1).fit(X, y)
    for actual, desired in zip(
        clf.model_.get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-5)
    assert len(clf.history_["loss"]) == 2


def build_with(meta, frozen):
    model = Builder(keras.Sequential([keras.Input((4,)), layers.Dense(5)]))(meta)
    model.layers[0].trainable = not frozen
    return model


@pytest.mark.parametrize("frozen", [False, True])
def test_keyword_of_the_builder_freezes_layers(frozen, rows):
    clf = classifier(build_with, model_params={"frozen": not frozen}).fit(*rows)
    before = clf.model_.get_weights()[0]
    clf.set_params(model_params={"frozen": frozen}).fit(*rows)
    assert np.array_equal(before, clf.model_.get_weights()[0]) == frozen


class Freezing:
    frozen = True

    def __call__(self, meta):
        return build_with(meta, self.frozen)


def test_layers_are_released_after_pickling(rows):
    clf = pickle.loads(pickle.dumps(classifier(Freezing()).fit(*rows)))
    clf.model.frozen = False
    before = clf._training.weights[0]
    clf.fit(*rows)
    assert not np.array_equal(before, clf.model_.get_weights()[0])
