"""Compiled functions are shared only between networks that are the same function."""

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from skmnist import KerasImageClassifier, KerasMLPClassifier
from skmnist._engine._key import SHAREABLE_LAYERS, network_key
from skmnist._engine._seeds import isolated_build

VECTOR, ROWS, IMAGE, VOLUME = (6,), (5, 6), (6, 6, 3), (4, 4, 4, 2)
# One layer of each type, and the shape of its input; several shapes for a merge.
LAYERS = {
    "Activation": (lambda: layers.Activation("relu"), VECTOR),
    "ActivityRegularization": (lambda: layers.ActivityRegularization(l2=0.1), VECTOR),
    "Add": (layers.Add, VECTOR, VECTOR),
    "AlphaDropout": (lambda: layers.AlphaDropout(0.5), VECTOR),
    "Average": (layers.Average, VECTOR, VECTOR),
    "AveragePooling1D": (lambda: layers.AveragePooling1D(2), ROWS),
    "AveragePooling2D": (lambda: layers.AveragePooling2D(2), IMAGE),
    "AveragePooling3D": (lambda: layers.AveragePooling3D(2), VOLUME),
    "BatchNormalization": (layers.BatchNormalization, VECTOR),
    "Bidirectional": (lambda: layers.Bidirectional(layers.LSTM(2)), ROWS),
    "CenterCrop": (lambda: layers.CenterCrop(4, 4), IMAGE),
    "Concatenate": (layers.Concatenate, VECTOR, VECTOR),
    "Conv1D": (lambda: layers.Conv1D(2, 3), ROWS),
    "Conv1DTranspose": (lambda: layers.Conv1DTranspose(2, 3), ROWS),
    "Conv2D": (lambda: layers.Conv2D(2, 3), IMAGE),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(2, 3), IMAGE),
    "Conv3D": (lambda: layers.Conv3D(2, 3), VOLUME),
    "Conv3DTranspose": (lambda: layers.Conv3DTranspose(2, 3), VOLUME),
    "Cropping1D": (layers.Cropping1D, ROWS),
    "Cropping2D": (lambda: layers.Cropping2D(1), IMAGE),
    "Cropping3D": (layers.Cropping3D, VOLUME),
    "Dense": (lambda: layers.Dense(4), VECTOR),
    "DepthwiseConv1D": (lambda: layers.DepthwiseConv1D(3), ROWS),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3), IMAGE),
    "Dot": (lambda: layers.Dot(1), VECTOR, VECTOR),
    "Dropout": (lambda: layers.Dropout(0.5), VECTOR),
    "ELU": (layers.ELU, VECTOR),
    "EinsumDense": (lambda: layers.EinsumDense("ab,bc->ac", 4), VECTOR),
    "Flatten": (layers.Flatten, IMAGE),
    "GRU": (lambda: layers.GRU(2), ROWS),
    "GRUCell": (lambda: layers.RNN(layers.GRUCell(2)), ROWS),
    "GaussianDropout": (lambda: layers.GaussianDropout(0.5), VECTOR),
    "GaussianNoise": (lambda: layers.GaussianNoise(0.5), VECTOR),
    "GlobalAveragePooling1D": (layers.GlobalAveragePooling1D, ROWS),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D, IMAGE),
    "GlobalAveragePooling3D": (layers.GlobalAveragePooling3D, VOLUME),
    "GlobalMaxPooling1D": (layers.GlobalMaxPooling1D, ROWS),
    "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D, IMAGE),
    "GlobalMaxPooling3D": (layers.GlobalMaxPooling3D, VOLUME),
    "GroupNormalization": (lambda: layers.GroupNormalization(3), VECTOR),
    "Identity": (layers.Identity, VECTOR),
    "InputLayer": (layers.Identity, VECTOR),
    "LSTM": (lambda: layers.LSTM(2), ROWS),
    "LSTMCell": (lambda: layers.RNN(layers.LSTMCell(2)), ROWS),
    "LayerNormalization": (layers.LayerNormalization, VECTOR),
    "LeakyReLU": (layers.LeakyReLU, VECTOR),
    "MaxPooling1D": (layers.MaxPooling1D, ROWS),
    "MaxPooling2D": (layers.MaxPooling2D, IMAGE),
    "MaxPooling3D": (layers.MaxPooling3D, VOLUME),
    "Maximum": (layers.Maximum, VECTOR, VECTOR),
    "Minimum": (layers.Minimum, VECTOR, VECTOR),
    "Multiply": (layers.Multiply, VECTOR, VECTOR),
    "PReLU": (layers.PReLU, VECTOR),
    "Permute": (lambda: layers.Permute((2, 1)), ROWS),
    "RNN": (lambda: layers.RNN(layers.SimpleRNNCell(2)), ROWS),
    "ReLU": (layers.ReLU, VECTOR),
    "RepeatVector": (lambda: layers.RepeatVector(2), VECTOR),
    "Rescaling": (lambda: layers.Rescaling(0.5), VECTOR),
    "Reshape": (lambda: layers.Reshape((3, 2)), VECTOR),
    "SeparableConv1D": (lambda: layers.SeparableConv1D(2, 3), ROWS),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(2, 3), IMAGE),
    "SimpleRNN": (lambda: layers.SimpleRNN(2), ROWS),
    "SimpleRNNCell": (lambda: layers.RNN(layers.SimpleRNNCell(2)), ROWS),
    "Softmax": (layers.Softmax, VECTOR),
    "SpatialDropout1D": (lambda: layers.SpatialDropout1D(0.5), ROWS),
    "SpatialDropout2D": (lambda: layers.SpatialDropout2D(0.5), IMAGE),
    "SpatialDropout3D": (lambda: layers.SpatialDropout3D(0.5), VOLUME),
    "Subtract": (layers.Subtract, VECTOR, VECTOR),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(3)), ROWS),
    "UnitNormalization": (layers.UnitNormalization, VECTOR),
    "UpSampling1D": (layers.UpSampling1D, ROWS),
    "UpSampling2D": (layers.UpSampling2D, IMAGE),
    "UpSampling3D": (layers.UpSampling3D, VOLUME),
    "ZeroPadding1D": (layers.ZeroPadding1D, ROWS),
    "ZeroPadding2D": (layers.ZeroPadding2D, IMAGE),
    "ZeroPadding3D": (layers.ZeroPadding3D, VOLUME),
}


def network(make, *shapes, seed=0):
    """Return a network of a layer between inputs and a softmax of three classes."""
    with isolated_build(seed, "float32"):  # names its layers from the start
        inputs = [keras.Input(shape) for shape in shapes]
        inputs = inputs if len(inputs) > 1 else inputs[0]
        hidden = layers.Flatten()(make()(inputs))
        outputs = layers.Dense(3, activation="softmax")(hidden)
        model = keras.Model(inputs, outputs)
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
    return model, optimizer


def key_of(model, optimizer):
    return network_key(model, optimizer, "categorical_crossentropy", "float32")


def test_every_shareable_layer_is_tested():
    assert set(LAYERS) == SHAREABLE_LAYERS


@pytest.mark.parametrize(
    "name",
    # Dropout draws from PyTorch's generator.
    [
        pytest.param(n, marks=pytest.mark.not_pytorch) if n == "Dropout" else n
        for n in LAYERS
    ],
)
def test_shareable_layer_depends_on_configuration_and_variables_only(name):
    """A network computes the other's outputs if it is given the other's variables."""
    make, *shapes = LAYERS[name]
    models = [network(make, *shapes, seed=seed)[0] for seed in range(2)]
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(4, *shape)).astype("float32") for shape in shapes]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    for training in (False, True):
        # Layers that draw have seeds of their own, which are variables, too.
        trainable, non_trainable = (
            [variable.value for variable in variables]
            for variables in (
                models[1].trainable_variables,
                models[1].non_trainable_variables,
            )
        )
        outputs, *_ = models[0].stateless_call(
            trainable, non_trainable, inputs, training=training
        )
        expected, *_ = models[1].stateless_call(
            trainable, non_trainable, inputs, training=training
        )
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, (outputs, expected))
        )


@pytest.mark.parametrize("name", LAYERS)
def test_equal_networks_have_equal_keys(name):
    keys = [key_of(*network(*LAYERS[name])) for _ in range(2)]
    assert isinstance(keys[0], str)
    assert keys[0] == keys[1]


class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


@pytest.mark.parametrize(
    "make",
    [layers.Normalization, Doubled, lambda: layers.Lambda(lambda x: 2 * x)],
    ids=["Normalization", "own layer", "Lambda"],
)
def test_other_layers_never_have_equal_keys(make):
    keys = [key_of(*network(make, VECTOR)) for _ in range(2)]
    assert keys[0] != keys[1]


def test_subclassed_models_never_have_equal_keys():
    class Subclassed(keras.Sequential):
        pass

    def make():
        model = Subclassed([keras.Input(VECTOR), layers.Dense(3)])
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        return key_of(model, optimizer)

    assert make() != make()


def test_key_depends_on_global_settings_of_keras():
    before = keras.config.epsilon()
    key = key_of(*network(*LAYERS["Dense"]))
    try:
        keras.config.set_epsilon(1e-4)
        assert key_of(*network(*LAYERS["Dense"])) != key
    finally:
        keras.config.set_epsilon(before)
    assert key_of(*network(*LAYERS["Dense"])) == key


def test_layer_adapted_to_other_data_is_compiled_anew():
    """keras.layers.Normalization keeps the mean and variance as constants."""
    X, y = load_digits(return_X_y=True)
    X, y = X[:300].astype(np.float32), y[:300]

    def build_for(X_train):
        def build(meta):
            normalization = layers.Normalization(axis=None)
            normalization.adapt(X_train)
            return keras.Sequential(
                [
                    keras.Input(meta["X_shape_"][1:]),
                    normalization,
                    layers.Flatten(),
                    layers.Dense(meta["n_classes_"], activation="softmax"),
                ]
            )

        return build

    settings = {"image_shape": (-1,), "epochs": 2, "random_state": 0}
    small = KerasImageClassifier(build_for(X), **settings).fit(X, y)
    large = KerasImageClassifier(build_for(255 * X), **settings).fit(255 * X, y)
    np.testing.assert_allclose(
        large.predict_proba(255 * X), small.predict_proba(X), atol=1e-4
    )
    for clf, data in ((small, X), (large, 255 * X)):
        own = clf.model_.predict(data, verbose=0)
        np.testing.assert_allclose(clf.predict_proba(data), own, atol=1e-6)


def test_lenet_is_channels_last_whatever_the_configuration_says():
    from skmnist import build_lenet, build_mlp

    before = keras.config.image_data_format()
    meta = {"X_shape_": (10, 8, 8, 1), "n_classes_": 3}
    X = np.random.default_rng(0).random((2, 8, 8, 1), dtype=np.float32)
    try:
        outputs = []
        for layout in ("channels_last", "channels_first"):
            keras.config.set_image_data_format(layout)
            for build in (build_lenet, build_mlp):
                keras.utils.set_random_seed(0)
                outputs.append(keras.ops.convert_to_numpy(build(meta)(X)))
    finally:
        keras.config.set_image_data_format(before)
    np.testing.assert_array_equal(outputs[0], outputs[2])
    np.testing.assert_array_equal(outputs[1], outputs[3])


def test_settings_of_keras_belong_to_the_key_of_reference_networks(digits):
    def fit():
        clf = KerasMLPClassifier((8,), epochs=1, random_state=0, loss="kl_divergence")
        return clf.fit(*digits)

    before = fit()
    epsilon = keras.config.epsilon()
    keras.config.set_epsilon(0.05)
    try:
        assert fit().history_["loss"] != before.history_["loss"]
    finally:
        keras.config.set_epsilon(epsilon)
    assert fit().history_ == before.history_


def of_a_script(base, method, result):
    """Return an object of a class that a script or a notebook defines."""
    body = {"__module__": "__main__", method: lambda self, *args: result(*args)}
    return type("Own", (base,), body)()


def network_of_script(part, value):
    """Return a classifier that depends on a value within a class of a script."""
    ops, parts = keras.ops, {}
    if part == "loss":
        crossentropy = keras.losses.categorical_crossentropy
        loss = of_a_script(
            keras.losses.Loss, "call", lambda y, p: value * crossentropy(y, p)
        )
        parts["loss"] = loss
    if part == "learning_rate":
        schedule = keras.optimizers.schedules.LearningRateSchedule
        parts["learning_rate"] = of_a_script(schedule, "__call__", lambda step: value)
    layer = {
        "kernel_regularizer": lambda: of_a_script(
            keras.regularizers.Regularizer, "__call__", lambda w: value * ops.sum(w * w)
        ),
        "kernel_constraint": lambda: of_a_script(
            keras.constraints.Constraint, "__call__", lambda w: ops.clip(w, 0, value)
        ),
    }

    def build(meta):
        arguments = {part: layer[part]()} if part in layer else {}
        return keras.Sequential(
            [
                keras.Input((64,)),
                layers.Dense(meta["n_classes_"], activation="softmax", **arguments),
            ]
        )

    return KerasImageClassifier(
        build, image_shape=(64,), epochs=2, random_state=0, **parts
    )


@pytest.mark.parametrize(
    "part", ["loss", "learning_rate", "kernel_regularizer", "kernel_constraint"]
)
def test_classes_of_a_script_are_not_told_by_their_configuration(part, digits):
    """A notebook may define a class of the same name anew."""
    losses = [
        network_of_script(part, value).fit(*digits).history_["loss"]
        for value in (0.01, 1.0, 0.01)
    ]
    assert losses[0] == losses[2]
    assert losses[0][-1] != pytest.approx(losses[1][-1], rel=1e-3)


def gelu(x):
    """Not Keras's function of this name."""
    return keras.ops.minimum(keras.ops.relu(x), 0.1)


def own_activation(model):
    model.layers[0].activation = gelu


def replaced_call(model):
    layer, call = model.layers[0], model.layers[0].call
    layer.call = lambda inputs, training=None: call(inputs) / 2


def own_regularizer(model):
    model.layers[0].kernel.regularizer = keras.regularizers.L1(0.1)


def own_constraint(model):
    model.layers[0].kernel.constraint = keras.constraints.MaxNorm(0.1)


def frozen_bias(model):
    model.layers[0].bias.trainable = False


@pytest.mark.parametrize(
    "change",
    [own_activation, replaced_call, own_regularizer, own_constraint, frozen_bias],
)
def test_what_a_builder_changes_in_its_layers_makes_another_network(change, digits):
    X, y = digits

    def plain(meta):
        return keras.Sequential(
            [
                keras.Input((64,)),
                layers.Dense(8, activation="gelu"),
                layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )

    def changed(meta):
        model = plain(meta)
        change(model)
        return model

    losses = []
    for build in (plain, changed, plain):
        clf = KerasImageClassifier(build, image_shape=(64,), epochs=2, random_state=0)
        clf.set_params(learning_rate=0.01).fit(X, y)
        own = clf.model_.predict(X, verbose=0)
        np.testing.assert_allclose(clf.predict_proba(X), own, atol=1e-5)
        losses.append(clf.history_["loss"][-1])
    assert losses[0] == losses[2]
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)
