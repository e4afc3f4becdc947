"""Every public layer of Keras trains as `keras.Model.fit` trains it."""

import inspect
from collections import OrderedDict

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone

from skmnist import KerasImageClassifier
from skmnist._engine import _network

VECTOR, ROWS, IMAGE, VOLUME = (6,), (5, 6), (6, 6, 3), (4, 4, 4, 2)
#: Layers that are not walked, and why.
NOT_WALKED = {
    "FlaxLayer": "wraps a module of JAX's Flax",
    "HashedCrossing": "takes two columns of integers or text",
    "InputLayer": "made by keras.Input, with which every network here begins",
    "InputSpec": "describes inputs, is no layer",
    "JaxLayer": "wraps a function of JAX",
    "Layer": "the base class of all layers",
    "MaxNumBoundingBoxes": "takes bounding boxes",
    "StringLookup": "takes text",
    "TFSMLayer": "loads a SavedModel, for inference only",
    "TextVectorization": "takes text",
    "TorchModuleWrapper": "wraps a module of PyTorch",
    "Wrapper": "the base class of wrappers",
}

# For each kind of input, layers that follow a dense layer. A name of several classes
# stands for a layer that contains the others.
HIDDEN = {
    "vector": (
        VECTOR,
        {
            "Activation": lambda: layers.Activation("tanh"),
            "Add": lambda: twice(layers.Add()),
            "Average": lambda: twice(layers.Average()),
            "Concatenate": lambda: twice(layers.Concatenate()),
            "Dense": lambda: layers.Dense(4, kernel_regularizer="l2"),
            "Dot": lambda: twice(layers.Dot(1)),
            "ELU": layers.ELU,
            "EinsumDense": lambda: layers.EinsumDense("ab,bc->ac", 4),
            "Flatten": layers.Flatten,
            "GroupNormalization": lambda: layers.GroupNormalization(3),
            "Identity": layers.Identity,
            "LayerNormalization": layers.LayerNormalization,
            "LeakyReLU": layers.LeakyReLU,
            "Maximum": lambda: twice(layers.Maximum()),
            "Minimum": lambda: twice(layers.Minimum()),
            "Multiply": lambda: twice(layers.Multiply()),
            "Normalization": lambda: layers.Normalization(mean=0.2, variance=2.0),
            "PReLU": layers.PReLU,
            "RMSNormalization": layers.RMSNormalization,
            "ReLU": layers.ReLU,
            "RepeatVector": lambda: layers.RepeatVector(2),
            "Rescaling": lambda: layers.Rescaling(0.5, 0.1),
            "Reshape": lambda: layers.Reshape((3, 2)),
            "Softmax": layers.Softmax,
            "SpectralNormalization": lambda: layers.SpectralNormalization(
                layers.Dense(4)
            ),
            "Subtract": lambda: twice(layers.Subtract()),
            "UnitNormalization": layers.UnitNormalization,
        },
    ),
    "vector across rows": (
        VECTOR,
        {
            "ActivityRegularization": lambda: layers.ActivityRegularization(l2=0.1),
            "BatchNormalization": layers.BatchNormalization,
            "Lambda": lambda: layers.Lambda(lambda x: x - keras.ops.mean(x, 0)),
        },
    ),
    "random vector": (
        VECTOR,
        {
            "AlphaDropout": lambda: layers.AlphaDropout(0.3),
            "GaussianDropout": lambda: layers.GaussianDropout(0.3),
            "GaussianNoise": lambda: layers.GaussianNoise(0.3),
        },
    ),
    "dropout": (VECTOR, {"Dropout": lambda: layers.Dropout(0.3)}),
    "sequence": (
        ROWS,
        {
            "AdditiveAttention": lambda: twice(layers.AdditiveAttention()),
            "Attention": lambda: twice(layers.Attention(use_scale=True)),
            "Bidirectional GRU": lambda: layers.Bidirectional(layers.GRU(2)),
            "GroupQueryAttention": lambda: attending(
                layers.GroupQueryAttention(2, 2, 1)
            ),
            "LSTM": lambda: layers.LSTM(2),
            "MultiHeadAttention": lambda: attending(layers.MultiHeadAttention(2, 2)),
            "Permute": lambda: layers.Permute((2, 1)),
            "RNN StackedRNNCells GRUCell LSTMCell SimpleRNNCell": lambda: layers.RNN(
                layers.StackedRNNCells(
                    [layers.GRUCell(2), layers.LSTMCell(2), layers.SimpleRNNCell(2)]
                )
            ),
            "SimpleRNN": lambda: layers.SimpleRNN(2),
            "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(3)),
        },
    ),
    "convolution 1D": (
        ROWS,
        {
            "AdaptiveAveragePooling1D": lambda: layers.AdaptiveAveragePooling1D(2),
            "AdaptiveMaxPooling1D": lambda: layers.AdaptiveMaxPooling1D(2),
            "AveragePooling1D": lambda: layers.AveragePooling1D(2),
            "Conv1D": lambda: layers.Conv1D(2, 3),
            "Conv1DTranspose": lambda: layers.Conv1DTranspose(2, 3),
            "Cropping1D": layers.Cropping1D,
            "DepthwiseConv1D": lambda: layers.DepthwiseConv1D(3),
            "GlobalAveragePooling1D": layers.GlobalAveragePooling1D,
            "GlobalMaxPooling1D": layers.GlobalMaxPooling1D,
            "MaxPooling1D": layers.MaxPooling1D,
            "SeparableConv1D": lambda: layers.SeparableConv1D(2, 3),
            "UpSampling1D": layers.UpSampling1D,
            "ZeroPadding1D": layers.ZeroPadding1D,
        },
    ),
    "convolution 2D": (
        IMAGE,
        {
            "AdaptiveAveragePooling2D": lambda: layers.AdaptiveAveragePooling2D(2),
            "AdaptiveMaxPooling2D": lambda: layers.AdaptiveMaxPooling2D(2),
            "AveragePooling2D": lambda: layers.AveragePooling2D(2),
            "Conv2D": lambda: layers.Conv2D(2, 3),
            "Conv2DTranspose": lambda: layers.Conv2DTranspose(2, 3),
            "Cropping2D": lambda: layers.Cropping2D(1),
            "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3),
            "GlobalAveragePooling2D": layers.GlobalAveragePooling2D,
            "GlobalMaxPooling2D": layers.GlobalMaxPooling2D,
            "MaxPooling2D": layers.MaxPooling2D,
            "SeparableConv2D": lambda: layers.SeparableConv2D(2, 3),
            "UpSampling2D": layers.UpSampling2D,
            "ZeroPadding2D": layers.ZeroPadding2D,
        },
    ),
    "convolution 3D": (
        VOLUME,
        {
            "AdaptiveAveragePooling3D": lambda: layers.AdaptiveAveragePooling3D(2),
            "AdaptiveMaxPooling3D": lambda: layers.AdaptiveMaxPooling3D(2),
            "AveragePooling3D": lambda: layers.AveragePooling3D(2),
            "Conv3D": lambda: layers.Conv3D(2, 3),
            "Conv3DTranspose": lambda: layers.Conv3DTranspose(2, 3),
            "Cropping3D": layers.Cropping3D,
            "GlobalAveragePooling3D": layers.GlobalAveragePooling3D,
            "GlobalMaxPooling3D": layers.GlobalMaxPooling3D,
            "MaxPooling3D": layers.MaxPooling3D,
            "UpSampling3D": layers.UpSampling3D,
            "ZeroPadding3D": layers.ZeroPadding3D,
        },
    ),
    "convolution over time": (
        VOLUME,
        {
            "ConvLSTM1D": lambda: flattened(layers.ConvLSTM1D(2, 3)),
            "ConvLSTM2D": lambda: layers.ConvLSTM2D(2, 3),
            "ConvLSTM3D": lambda: lifted(layers.ConvLSTM3D(2, 2)),
        },
    ),
    "random channels 1D": (
        ROWS,
        {"SpatialDropout1D": lambda: layers.SpatialDropout1D(0.5)},
    ),
    "random channels 2D": (
        IMAGE,
        {"SpatialDropout2D": lambda: layers.SpatialDropout2D(0.5)},
    ),
    "random channels 3D": (
        VOLUME,
        {"SpatialDropout3D": lambda: layers.SpatialDropout3D(0.5)},
    ),
}
_UNIT = {"value_range": (0, 1)}
# Layers that take the samples themselves: codes, signals and images in [0, 1].
FIRST = {
    "codes": (
        VECTOR,
        {
            "CategoryEncoding": lambda: layers.CategoryEncoding(9),
            "Discretization": lambda: layers.Discretization([1.5, 3.5]),
            "Embedding": lambda: layers.Embedding(9, 2),
            "Hashing": lambda: integers(layers.Hashing(4)),
            "IntegerLookup": lambda: integers(
                layers.IntegerLookup(vocabulary=[1, 2, 3])
            ),
            "Masking": lambda: masked(layers.LSTM(2)),
            "ReversibleEmbedding": lambda: layers.ReversibleEmbedding(9, 2),
        },
    ),
    "signal": (
        (64,),
        {
            "MelSpectrogram": lambda: layers.MelSpectrogram(16, 8, num_mel_bins=4),
            "STFTSpectrogram": lambda: lifted(
                layers.STFTSpectrogram(frame_length=16), -1
            ),
        },
    ),
    "image": (
        IMAGE,
        {
            "AutoContrast": lambda: layers.AutoContrast(**_UNIT),
            "CenterCrop": lambda: layers.CenterCrop(4, 4),
            "ContrastLimitedAdaptiveHistogramEqualization": lambda: (
                layers.ContrastLimitedAdaptiveHistogramEqualization(
                    tile_grid_size=(2, 2), **_UNIT
                )
            ),
            # Alone it returns its own symbolic input, which no network can hold.
            "Equalization": lambda: layers.Pipeline([layers.Equalization(**_UNIT)]),
            "Resizing": lambda: layers.Resizing(4, 4),
            "Solarization": lambda: layers.Solarization(0.1, 0.5, **_UNIT),
        },
    ),
    "random image": (
        IMAGE,
        {
            "CutMix": layers.CutMix,
            "MixUp": layers.MixUp,
            "Pipeline": lambda: layers.Pipeline([layers.RandomFlip()]),
            "RandAugment": lambda: layers.RandAugment(**_UNIT),
            "RandomBrightness": lambda: layers.RandomBrightness(0.3, **_UNIT),
            "RandomColorDegeneration": lambda: layers.RandomColorDegeneration(
                0.3, **_UNIT
            ),
            "RandomColorJitter": lambda: layers.RandomColorJitter(
                brightness_factor=0.3, contrast_factor=0.3, **_UNIT
            ),
            "RandomContrast": lambda: layers.RandomContrast(0.3, **_UNIT),
            # It crops in training only, so its output must not be flattened.
            "RandomCrop": lambda: pooled(layers.RandomCrop(4, 4)),
            "RandomErasing": lambda: layers.RandomErasing(**_UNIT),
            "RandomFlip": layers.RandomFlip,
            "RandomGaussianBlur": lambda: layers.RandomGaussianBlur(**_UNIT),
            "RandomGrayscale": layers.RandomGrayscale,
            "RandomHue": lambda: layers.RandomHue(0.3, **_UNIT),
            "RandomInvert": lambda: layers.RandomInvert(0.5, **_UNIT),
            "RandomPerspective": layers.RandomPerspective,
            "RandomPosterization": lambda: layers.RandomPosterization(2, **_UNIT),
            "RandomRotation": lambda: layers.RandomRotation(0.1),
            "RandomSaturation": lambda: layers.RandomSaturation(0.3, **_UNIT),
            "RandomSharpness": lambda: layers.RandomSharpness(0.3, **_UNIT),
            "RandomShear": lambda: layers.RandomShear(0.2, 0.2),
            "RandomTranslation": lambda: layers.RandomTranslation(0.2, 0.2),
            "RandomZoom": lambda: layers.RandomZoom(0.2),
        },
    ),
    # Its graph has a part for each image of a batch, and each colour.
    "elastic image": (
        IMAGE,
        {
            "RandomElasticTransform": lambda: layers.RandomElasticTransform(
                interpolation="nearest", **_UNIT
            )
        },
    ),
    # It draws its operations from Python's generator, once for each trace.
    "AugMix": (IMAGE, {"AugMix": lambda: layers.AugMix(**_UNIT)}),
}
KINDS = HIDDEN | FIRST
#: Kinds of layers that XLA cannot compile.
WITHOUT_XLA = ("codes", "image", "random image", "elastic image", "AugMix")
#: Kinds that a test of their own covers, that take minutes to compile, or that are
#: trained without XLA on a CPU whatever the number of rows.
ON_FEW_ROWS = (
    "dropout",
    "elastic image",
    *(kind for kind in KINDS if "convolution" in kind),
)


def twice(layer):
    """Return a function that passes a tensor and its sine to a layer."""
    return lambda x: layer([x, keras.ops.sin(x)])


def lifted(layer, axis=1):
    """Return a function that gives a tensor another dimension."""
    return lambda x: layer(keras.ops.expand_dims(x, axis))


def flattened(layer):
    """Return a function that makes lines of the images of a volume."""
    return lambda x: layer(layers.Reshape((4, 16, 2))(x))


def attending(layer):
    """Return a function that passes a tensor to a layer, as query and as value."""
    return lambda x: layer(x, x)


def pooled(layer):
    """Return a function that averages a layer's output over its pixels."""
    return lambda x: layers.GlobalAveragePooling2D()(layer(x))


def integers(layer):
    """Return a function that passes a tensor of integers to a layer."""
    return lambda x: layer(keras.ops.cast(x, "int64"))


def masked(layer):
    """Return a function that masks codes of 0 as time steps for a layer."""
    return lambda x: layer(layers.Masking()(keras.ops.expand_dims(x, -1)))


def builder(kind):
    """Return a builder of a network of the layers of a kind, side by side."""
    shape, factories = KINDS[kind]
    names = [name for name in factories if hasattr(layers, name.split()[0])]

    def build(meta):
        inputs = keras.Input(meta["X_shape_"][1:])
        x = inputs
        if kind in HIDDEN:
            x = layers.Dense(int(np.prod(shape)), activation="tanh")(x)
        x = layers.Reshape(shape)(x)
        outputs = [
            layers.Rescaling(1.0)(layers.Flatten()(factories[name]()(x)))
            for name in names
        ]
        joined = layers.Concatenate()(outputs) if len(outputs) > 1 else outputs[0]
        outputs = layers.Dense(meta["n_classes_"], activation="softmax")(joined)
        return keras.Model(inputs, outputs)

    return build


def samples(kind, n_rows):
    """Return samples for a kind of layer, and their labels."""
    shape, _ = KINDS[kind]
    rng = np.random.default_rng(0)
    n_features = 6 if kind in HIDDEN else int(np.prod(shape))
    X = rng.random((n_rows, n_features), dtype=np.float32)
    if kind == "codes":
        X = np.floor(5 * X)
    return X, rng.integers(3, size=n_rows)


def test_every_layer_is_walked_or_left_out_for_a_reason():
    walked = [name for _, names in KINDS.values() for name in " ".join(names).split()]
    assert len(set(walked)) == len(walked)
    assert not set(walked) & set(NOT_WALKED)
    known = {getattr(layers, name, None) for name in [*walked, *NOT_WALKED]}
    public = inspect.getmembers(layers, inspect.isclass)
    assert [name for name, cls in public if cls not in known] == []


def on_their_backends(kinds):
    """Return kinds of layers, those marked that train as in Keras on TensorFlow only.

    On JAX, dropout drops other units, and Keras trains no Hashing and IntegerLookup.
    """
    return [
        pytest.param(kind, marks=pytest.mark.tensorflow)
        if kind in ("dropout", "codes")
        else kind
        for kind in kinds
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", on_their_backends(KINDS))
def test_layers_train_as_in_keras_on_few_rows(kind, trains_as_keras):
    """All layers of a kind in one network, whose only batch can be padded."""
    epochs = 1 if kind == "AugMix" else 2
    # Not a power of two.
    n_rows = 6 if kind == "elastic image" else 40
    trains_as_keras(builder(kind), *samples(kind, n_rows), epochs=epochs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", on_their_backends(kind for kind in KINDS if kind not in ON_FEW_ROWS)
)
def test_layers_train_as_in_keras_on_a_thousand_rows(
    kind, trains_as_keras, monkeypatch
):
    # Without the trainers of other tests.
    monkeypatch.setattr(_network, "_cache", OrderedDict())
    clf = trains_as_keras(
        builder(kind),
        *samples(kind, 1024),
        # XLA draws other random numbers.
        keras_jit=keras.backend.backend() != "torch"
        and kind in ("random vector", *(k for k in KINDS if "channels" in k)),
        epochs=1,
    ).clf
    if keras.backend.backend() != "tensorflow":
        return
    trainers = clf._network.compiled()._trainers._idle
    assert bool(trainers[True]) == (kind not in WITHOUT_XLA)
    assert bool(trainers[False]) == (kind in WITHOUT_XLA)


@pytest.mark.slow
@pytest.mark.not_pytorch
def test_dropout_drops_as_in_keras_without_xla_only(trains_as_keras):
    X, y = samples("dropout", 1024)
    build = builder("dropout")
    plain = trains_as_keras(build, X, y, jit_compile=False, epochs=1).clf
    clf = clone(plain).set_params(jit_compile="auto", epochs=3).fit(X, y)
    assert clf.history_["loss"][0] == pytest.approx(plain.history_["loss"][0], rel=0.1)
    assert clf.history_["loss"][0] != plain.history_["loss"][0]
    own = clf.model_.predict(X, verbose=0)
    np.testing.assert_allclose(clf.predict_proba(X), own, rtol=1e-4, atol=1e-5)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("rate", "noise_shape"), [(0.4, (None, 1)), (0.4, (6,)), (1.0, None)]
)
def test_any_dropout_trains_as_in_keras(rate, noise_shape, trains_as_keras):
    X, y = samples("vector", 40)

    def build(meta):
        return keras.Sequential(
            [
                keras.Input(meta["X_shape_"][1:]),
                layers.Dropout(rate, noise_shape),
                layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )

    trains_as_keras(build, X, y)


def build_masking(meta):
    """Build a network whose mask of whole samples passes through to the loss."""
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Masking(),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


# On JAX, Keras leaves masked samples out of the loss, but not of the accuracy.
@pytest.mark.tensorflow
@pytest.mark.slow
def test_masked_samples_are_left_out_as_in_keras(trains_as_keras):
    X, y = samples("vector", 40)
    X[::4] = 0
    trains_as_keras(build_masking, X, y, validation=True)


def test_masked_samples_count_for_nothing():
    X, y = samples("vector", 40)
    masked = np.arange(len(X)) % 4 == 0
    X[masked] = 0
    clf = KerasImageClassifier(
        build_masking, image_shape=(-1,), batch_size=64, epochs=3, random_state=0
    )
    histories = [
        clone(clf).fit(X[rows], y[rows]).history_ for rows in (slice(None), ~masked)
    ]
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5)
