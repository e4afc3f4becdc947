"""What callbacks change in a network besides its variables: taken over, or refused."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone

from skmnist import KerasImageClassifier

pytestmark = pytest.mark.tensorflow

N_ROWS = 40


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.random((N_ROWS, 6), dtype=np.float32), np.arange(N_ROWS) % 3


class AtBegin(keras.callbacks.Callback):
    """Call a function with the network at the begin of the training."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def on_train_begin(self, logs=None):
        self.function(self.model)


class AtEpoch(AtBegin):
    """The same at the begin of each epoch."""

    def on_train_begin(self, logs=None):
        pass

    def on_epoch_begin(self, epoch, logs=None):
        self.function(self.model, epoch)


def build_with_dropout(meta):
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="tanh"),
            layers.Dropout(0.1, seed=1),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def freeze(model):
    model.layers[0].trainable = False


def drop_nothing(model):
    model.layers[1].rate = 0.0


def decay(model):
    model.optimizer.weight_decay = 0.5


@pytest.mark.parametrize("change", [freeze, drop_nothing, decay])
@pytest.mark.parametrize("kind", [AtBegin, AtEpoch])
def test_changes_of_a_callback_are_taken_over(kind, change, rows, trains_as_keras):
    def callbacks():
        if kind is AtBegin:
            return [AtBegin(change)]
        return [AtEpoch(lambda model, epoch: change(model))]

    def build(meta):
        model = build_with_dropout(meta)
        if change is not drop_nothing:  # the classifier draws other units than Keras
            model.layers[1].rate = 0.0
        return model

    # Keras makes the state of Adam for those variables only that are trained.
    settings = {"optimizer": keras.optimizers.SGD, "validation": True}
    with pytest.warns(UserWarning, match="callback has changed .* one step per call"):
        trains_as_keras(build, *rows, callbacks=callbacks, **settings)


def test_change_after_the_first_step_warns_that_it_has_no_effect(rows, same_weights):
    def later(model, epoch):
        model.layers[1].rate = 0.9 if epoch else 0.1

    params = {"epochs": 3, "random_state": 0}
    clf = KerasImageClassifier(build_with_dropout, callbacks=AtEpoch(later), **params)
    with pytest.warns(UserWarning, match="rate of layer 'dropout' after the first"):
        clf.fit(*rows)
    assert same_weights(clf, clone(clf).set_params(callbacks=None).fit(*rows))


class Annealed(layers.Layer):
    """Adds a loss in training, of a weight that callbacks set."""

    def __init__(self, beta=0.0, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta

    def call(self, x, training=None):
        if training:
            self.add_loss(self.beta * keras.ops.mean(keras.ops.square(x)))
        return x

    def get_config(self):
        return {**super().get_config(), "beta": self.beta}


def build_annealed(meta):
    hidden = [layers.Dense(8, activation="tanh"), Annealed()]
    head = layers.Dense(3, activation="softmax")
    return keras.Sequential([keras.Input((6,)), *hidden, head])


def test_change_of_a_loss_by_a_callback_is_taken_over(rows, trains_as_keras):
    def callbacks():
        return [AtBegin(lambda model: setattr(model.layers[1], "beta", 5.0))]

    with pytest.warns(UserWarning, match="changed beta of layer 'annealed'"):
        both = trains_as_keras(build_annealed, *rows, callbacks=callbacks)
    without = clone(both.clf).set_params(callbacks=None).fit(*rows)
    assert both.clf.history_["loss"][0] > without.history_["loss"][0] + 0.1


@pytest.mark.parametrize("change", ["height_factor", "seed", "name"])
def test_change_of_augmentation_by_a_callback_is_taken_over(change):
    def build(meta):
        zoom, head = layers.RandomZoom(0.1), layers.Dense(2, activation="softmax")
        return keras.Sequential([keras.Input((8, 8, 1)), zoom, layers.Flatten(), head])

    value = {"height_factor": (-0.3, 0.3), "seed": 3, "name": "other"}[change]
    callback = AtBegin(lambda model: setattr(model.layers[0], change, value))
    X = np.random.default_rng(0).random((N_ROWS, 8, 8, 1), dtype=np.float32)
    clf = KerasImageClassifier(build, epochs=1, callbacks=callback, random_state=0)
    if change == "name":  # is no setting, and warnings are errors in the tests
        clf.fit(X, np.arange(N_ROWS) % 2)
    else:
        with pytest.warns(UserWarning, match=f"changed {change} of layer 'random_zo"):
            clf.fit(X, np.arange(N_ROWS) % 2)


def test_change_is_refused_that_has_no_effect_with_the_first_weights(rows):
    def build(meta):
        inputs = keras.Input((6,))
        hidden = layers.Dense(8, activation="tanh", name="hidden")(inputs)
        head = layers.Dense(3, activation="softmax", kernel_initializer="zeros")
        return keras.Model(inputs, head(hidden))

    def change(model):
        model.get_layer("hidden").activation = keras.activations.relu

    clf = KerasImageClassifier(build, callbacks=AtBegin(change))
    with pytest.raises(ValueError, match="activation of layer 'hidden'"):
        clf.fit(*rows)


def activate(model):
    model.layers[0].activation = keras.activations.relu


def compile_again(model):
    model.compile("sgd", "categorical_crossentropy")


@pytest.mark.parametrize(
    ("change", "message"),
    [(activate, "activation of layer 'dense'"), (compile_again, "compile of model")],
)
def test_change_of_predictions_by_a_callback_is_refused(change, message, rows):
    clf = KerasImageClassifier(build_with_dropout, callbacks=AtBegin(change))
    with pytest.raises(ValueError, match=f"{message}.*make it in the builder"):
        clf.fit(*rows)


def test_callbacks_that_use_the_network_change_nothing(rows):
    class Using(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            inputs, hidden = self.model.inputs, self.model.layers[0].output
            self.inner = keras.Model(inputs, hidden)

        def on_epoch_end(self, epoch, logs=None):
            self.inner.predict(rows[0], verbose=0)
            self.model.evaluate(rows[0], np.eye(3)[rows[1]], verbose=0)
            self.model.optimizer.learning_rate = 0.01

    # Warnings are errors in the tests.
    KerasImageClassifier(build_with_dropout, epochs=2, callbacks=Using()).fit(*rows)
