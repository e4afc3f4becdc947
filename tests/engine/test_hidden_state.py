"""Networks that keep more than Keras variables, or change outside of them."""

import keras
import numpy as np
import pytest
from keras import layers

from skmnist import KerasImageClassifier


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 4)).astype(np.float32), np.arange(40) % 3


def network(layer, cls=keras.Sequential):
    return cls([keras.Input((4,)), layer, layers.Dense(3, activation="softmax")])


class Projection(layers.Layer):
    """Multiplies with a random matrix that is no variable."""

    def __init__(self, draw):
        super().__init__()
        self.matrix = draw((4, 4)).astype(np.float32)

    def call(self, inputs):
        return inputs @ keras.ops.convert_to_tensor(self.matrix)


class WithStep(keras.Sequential):
    def train_step(self, *args):
        return super().train_step(*args)


class Predicting(keras.callbacks.Callback):
    """Predicts with the trained network."""

    def __init__(self, X):
        super().__init__()
        self.X = X

    def on_train_end(self, logs=None):
        self.predicted = self.model.predict(self.X, verbose=0)


class ByBatch(Predicting):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ByBatch overrides per-batch hooks")
@pytest.mark.parametrize(
    ("cls", "callback"),
    [
        (keras.Sequential, Predicting),
        (keras.Sequential, ByBatch),
        (WithStep, Predicting),
    ],
)
def test_predictions_have_the_constants_that_were_trained_with(cls, callback, rows):
    X, y = rows
    predicting = callback(X)
    clf = KerasImageClassifier(
        lambda meta: network(
            Projection(lambda shape: np.random.normal(size=shape)), cls
        ),
        image_shape=(4,),
        callbacks=[predicting],
        epochs=1,
        random_state=1,
    ).fit(X, y)
    for predicted in (clf.predict_proba(X), clf.model_.predict(X, verbose=0)):
        np.testing.assert_allclose(predicted, predicting.predicted, atol=1e-6)


def test_constants_drawn_without_a_seed_are_refused(rows):
    def build(meta):
        return network(Projection(np.random.default_rng().standard_normal))

    clf = KerasImageClassifier(build, image_shape=(4,), epochs=1)
    with pytest.raises(ValueError, match="more than weights in Projection"):
        clf.fit(*rows)
    assert not hasattr(clf, "history_")


class Scaled(layers.Layer):
    """Multiplies with a variable of TensorFlow, in training or always."""

    def __init__(self, always):
        import tensorflow as tf

        super().__init__()
        self.always = always
        self.scale = tf.Variable(1.0, trainable=False)

    def call(self, inputs, training=False):
        return inputs * self.scale if training or self.always else inputs


class Annealing(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].scale.assign(1.0 + epoch)


@pytest.mark.tensorflow
def test_callback_anneals_a_variable_of_tensorflow(rows, trains_as_keras):
    trains_as_keras(
        lambda meta: network(Scaled(always=False)),
        *rows,
        callbacks=lambda: [Annealing()],
        epochs=3,
    )


@pytest.mark.tensorflow
def test_variable_of_tensorflow_on_which_predictions_depend_is_refused(rows):
    clf = KerasImageClassifier(
        lambda meta: network(Scaled(always=True)),
        image_shape=(4,),
        callbacks=[Annealing()],
        epochs=2,
    )
    with pytest.raises(ValueError, match="more than weights in Scaled"):
        clf.fit(*rows)


class Growing(layers.Layer):
    """Multiplies with a number that grows with each call in training."""

    factor = 1.0

    def call(self, inputs, training=False):
        if not training:
            return inputs
        self.factor += 0.5
        return inputs * self.factor


@pytest.mark.tensorflow
def test_network_compiled_to_run_eagerly_does_so(rows, trains_as_keras):
    def build(meta):
        model = network(Growing())
        model.compile("adam", "categorical_crossentropy", run_eagerly=True)
        return model

    trains_as_keras(build, *rows, epochs=3)


class Multiplied(layers.Layer):
    def __init__(self):
        super().__init__()
        self.factor = 1.0

    def call(self, inputs, training=False):
        return inputs * self.factor if training else inputs


class Setting(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.model.layers[0].factor = 3.0


@pytest.mark.tensorflow
def test_attribute_of_a_layer_set_by_a_callback_is_taken_over(rows, trains_as_keras):
    with pytest.warns(UserWarning, match="has changed factor of layer 'multiplied"):
        trains_as_keras(
            lambda meta: network(Multiplied()), *rows, callbacks=lambda: [Setting()]
        )


@pytest.mark.tensorflow
def test_fit_in_the_scope_of_a_strategy_is_refused(rows):
    import tensorflow as tf

    clf = KerasImageClassifier(lambda meta: network(layers.Dense(2)), image_shape=(4,))
    with (
        tf.distribute.OneDeviceStrategy("/cpu:0").scope(),
        pytest.raises(RuntimeError, match=r"outside of strategy\.scope"),
    ):
        clf.fit(*rows)
