"""Builders that return layers, or a whole network, made before they were called."""

import copy
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone

from skmnist import KerasImageClassifier
from skmnist._engine import _network, _shared_layers

SETTINGS = {"epochs": 2, "learning_rate": 0.01, "random_state": 0}


class Tripled(layers.Layer):
    """A layer without a configuration."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs


class Scaled(Tripled):
    """A layer without a configuration around another one."""

    def __init__(self, inner):
        super().__init__(2.0)
        self.inner = inner

    def call(self, inputs):
        return super().call(self.inner(inputs))


class Wrapped(keras.Model):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.head = layers.Dense(10, activation="softmax")

    def call(self, inputs):
        return self.head(self.inner(inputs))


def dense():
    return keras.Sequential([keras.Input((64,)), layers.Dense(16, activation="relu")])


def frozen():
    base = dense()
    base.trainable = False
    return base


def normalised():
    norm = layers.Normalization()
    norm.adapt(np.random.default_rng(0).normal(3, 2, (50, 64)))
    return keras.Sequential([keras.Input((64,)), norm, layers.Dense(16)])


def functional():
    inputs = keras.Input((64,))
    hidden = layers.Dense(16)(inputs)
    normed = layers.BatchNormalization()(hidden)
    return keras.Model(inputs, layers.Add()([hidden, normed]))


def noisy():
    return keras.Sequential(
        [layers.GaussianNoise(0.5, seed=1), layers.Dropout(0.3), layers.Dense(16)]
    )


def unbuilt():
    return layers.Dense(16)


def with_head(base):
    return lambda meta: keras.Sequential(
        [keras.Input((64,)), base, layers.Dense(10, activation="softmax")]
    )


def recurrent():
    layer = layers.GRU(4, dropout=0.2, seed=1)
    return keras.Sequential([keras.Input((64,)), layers.Reshape((8, 8)), layer])


PARTS = [dense, frozen, normalised, functional, noisy, unbuilt, recurrent]


@pytest.mark.parametrize("make", PARTS)
def test_fits_do_not_train_layers_made_outside_the_builder(make, digits, same_weights):
    X, y = digits
    base = make()
    build = with_head(base)
    first = KerasImageClassifier(build, **SETTINGS).fit(X, y)
    kept = [np.array(value) for value in base.get_weights()]
    before = first.model_.predict(X, verbose=0)
    second = clone(first).fit(X[::-1], y[::-1])
    third = clone(first).fit(X, y)
    assert same_weights(first, third)
    assert not same_weights(first, second)
    np.testing.assert_array_equal(first.model_.predict(X, verbose=0), before)
    np.testing.assert_allclose(first.predict_proba(X), before, atol=1e-6)
    for value, expected in zip(base.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_training_starts_from_the_weights_of_layers_made_outside(digits):
    X, y = digits
    base = dense()
    weights = [np.full_like(value, 0.01) for value in base.get_weights()]
    base.set_weights(weights)
    clf = KerasImageClassifier(with_head(base), **SETTINGS)
    clf.set_params(learning_rate=1e-9).fit(X, y)
    np.testing.assert_allclose(clf.model_.get_weights()[0], weights[0], atol=1e-6)
    base.set_weights([2 * value for value in weights])
    clf.fit(X, y)
    np.testing.assert_allclose(clf.model_.get_weights()[0], 2 * weights[0], atol=1e-6)


def relu(x):
    """Not Keras's function of this name."""
    return keras.ops.minimum(keras.ops.relu(x), 0.1)


def seeded(**params):
    """Return a dense layer with the same weights each time."""
    initializer = keras.initializers.GlorotUniform(seed=1)
    return layers.Dense(10, kernel_initializer=initializer, **params)


def with_own_function():
    return seeded(activation=relu)


def with_setting():
    layer = Tripled(1.0)
    layer.factor = 3.0
    layer.get_config = lambda: {"factor": 1.0}
    return keras.Sequential([keras.Input((64,)), layer, seeded()])


def with_penalty():
    layer = seeded()
    layer.build((None, 64))
    layer.kernel.regularizer = keras.regularizers.L1(0.1)
    layer.kernel.constraint = keras.constraints.MaxNorm(0.1)
    return layer


@pytest.mark.parametrize("make", [with_own_function, with_setting, with_penalty])
def test_copies_keep_what_a_configuration_leaves_out(make, digits):
    X, y = digits

    def build(layer):
        return keras.Sequential(
            [keras.Input((64,)), layer, seeded(activation="softmax")]
        )

    base = make()
    outside, inside = (
        KerasImageClassifier(builder, image_shape=(64,), **SETTINGS).fit(X, y)
        for builder in (lambda meta: build(base), lambda meta: build(make()))
    )
    np.testing.assert_allclose(
        outside.predict_proba(X), inside.predict_proba(X), atol=1e-5
    )


def test_model_of_an_unpickled_classifier_is_its_own(digits, monkeypatch):
    X, y = digits
    base = dense()
    clf = KerasImageClassifier(with_head(base), **SETTINGS).fit(X, y)
    kept = [np.array(value) for value in base.get_weights()]
    # As in a process that has built no network yet.
    monkeypatch.setattr(_shared_layers, "_known", weakref.WeakValueDictionary())
    monkeypatch.setattr(_network, "_cache", _network.OrderedDict())
    copied = copy.deepcopy(clf)
    del clf
    copied.model_.predict(X[:2], verbose=0)
    for value, expected in zip(base.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_builder_may_return_one_network_every_time(compiled, digits, same_weights):
    X, y = digits
    model = with_head(dense())(None)
    if compiled:
        model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy")
    clf = KerasImageClassifier(lambda meta: model, epochs=2, random_state=0).fit(X, y)
    assert same_weights(clf, clone(clf).fit(X, y))
    optimizer = clf.model_.optimizer
    assert isinstance(
        optimizer, keras.optimizers.SGD if compiled else keras.optimizers.Adam
    )
    assert model.compiled == compiled


def test_one_unit_on_layers_made_outside(digits):
    X, y = digits
    base = dense()

    def build(meta):
        return keras.Sequential([keras.Input((64,)), base, layers.Dense(1, "sigmoid")])

    clf = KerasImageClassifier(build, **SETTINGS).fit(X, y < 5)
    probabilities = clf.predict_proba(X)
    again = clone(clf).fit(X, y < 5).predict_proba(X)
    np.testing.assert_array_equal(probabilities, again)


def test_threads_do_not_share_layers_made_outside(digits):
    X, y = digits
    clf = KerasImageClassifier(with_head(dense()), **SETTINGS)
    expected = clone(clf).fit(X, y).predict_proba(X)
    with ThreadPoolExecutor(2) as pool:
        fits = list(pool.map(lambda _: clone(clf).fit(X, y), range(3)))
    for fit in fits:
        np.testing.assert_array_equal(fit.predict_proba(X), expected)


def test_layers_without_variables_need_no_configuration(digits):
    base = keras.Sequential([Tripled(2.0), dense()])
    KerasImageClassifier(with_head(base), **SETTINGS).fit(*digits)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda base: lambda meta: Wrapped(base), "Wrapped is not sequential"),
        (lambda base: with_head(Scaled(base)), "Scaled"),
    ],
)
def test_layers_made_outside_that_cannot_be_copied_are_refused(make, reason, digits):
    # Without image_shape, square images are tried first.
    clf = KerasImageClassifier(make(dense()), **SETTINGS)
    with pytest.raises(TypeError, match=f"make these layers inside.*{reason}"):
        clf.fit(*digits)


def test_frozen_layers_that_cannot_be_copied_are_shared(digits, same_weights):
    base = frozen()
    clf = KerasImageClassifier(lambda meta: Wrapped(base), **SETTINGS)
    clf.set_params(image_shape=(64,)).fit(*digits)
    assert same_weights(clf, clone(clf).fit(*digits))


def test_scikeras_does_not_get_layers_made_outside(digits):
    X, y = digits
    clf = KerasImageClassifier(with_head(dense()), **SETTINGS).fit(X, y)
    with pytest.raises(ValueError, match="make these layers inside"):
        clf.to_scikeras()
