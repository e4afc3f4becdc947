import numpy as np
import pytest

from skmnist import build_lenet, build_mlp
from skmnist.architectures import resolve_image_shape

MNIST = {"X_shape_": (60000, 28, 28, 1), "n_classes_": 10}


def layer_types(model):
    return [type(layer).__name__ for layer in model.layers]


def test_default_mlp_layers_and_number_of_parameters():
    model = build_mlp({"X_shape_": (60000, 784), "n_classes_": 10})
    assert model.count_params() == 178_110
    assert not model.compiled
    assert [layer.activation.__name__ for layer in model.layers] == [
        "tanh",
        "tanh",
        "softmax",
    ]
    assert all(np.all(layer.bias.numpy() == 1) for layer in model.layers)


def test_default_lenet_layers_and_number_of_parameters():
    model = build_lenet(MNIST)
    assert model.count_params() == 484_714
    assert not model.compiled
    assert layer_types(model) == [
        "Conv2D",
        "Conv2D",
        "MaxPooling2D",
        "Dropout",
        "Conv2D",
        "Conv2D",
        "MaxPooling2D",
        "Dropout",
        "Flatten",
        "Dense",
        "Dropout",
        "Dense",
    ]
    rates = [layer.rate for layer in model.layers if hasattr(layer, "rate")]
    assert rates == [0.25, 0.25, 0.5]


def test_lenet_pooling_accepts_even_and_odd_sizes():
    assert build_lenet(MNIST).layers[8].input.shape == (None, 7, 7, 64)
    odd = build_lenet({"X_shape_": (10, 9, 5, 1), "n_classes_": 3})
    assert odd.output_shape == (None, 3)


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
def test_lenet_accepts_flat_rows_and_images(shape):
    model = build_lenet({"X_shape_": (5, *shape), "n_classes_": 10})
    assert model.count_params() == 484_714
    assert model.input_shape == (None, *shape)


def test_mlp_flattens_images():
    assert build_mlp(MNIST).count_params() == 178_110


def test_rescaling_is_the_first_layer():
    for builder in (build_mlp, build_lenet):
        model = builder(MNIST, rescaling=1 / 255)
        assert type(model.layers[0]).__name__ == "Rescaling"


def test_l2_applies_to_all_kernels_and_dropout_to_hidden_layers():
    model = build_mlp(MNIST, l2=1e-3, dropout=0.2)
    assert len(model.losses) == 3
    assert layer_types(model).count("Dropout") == 2


@pytest.mark.parametrize(("builder", "n"), [(build_mlp, 2), (build_lenet, 5)])
def test_batch_normalization_precedes_each_hidden_activation(builder, n):
    model = builder(MNIST, batch_normalization=True, activation="elu")
    kinds = layer_types(model)
    assert kinds.count("BatchNormalization") == n
    for place in (i for i, kind in enumerate(kinds) if kind == "BatchNormalization"):
        before, after = model.layers[place - 1], model.layers[place + 1]
        assert not before.use_bias
        assert before.activation.__name__ == "linear"
        assert after.activation.__name__ == "elu"
    assert model.layers[-1].use_bias


def test_filters_and_kernel_sizes_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"filters=\(32, 64\).*kernel_sizes=\(5,\)"):
        build_lenet(MNIST, kernel_sizes=(5,))


@pytest.mark.slow
def test_builders_work_with_scikeras():
    from skmnist._engine._scikeras import KerasClassifier

    rng = np.random.default_rng(0)
    X = rng.random((40, 64), dtype=np.float32)
    y = np.arange(40) % 3
    for builder in (build_mlp, build_lenet):
        clf = KerasClassifier(
            model=builder,
            loss="categorical_crossentropy",
            optimizer="adam",
            epochs=1,
            verbose=0,
        )
        assert clf.fit(X, y).predict(X).shape == (40,)


@pytest.mark.parametrize(
    ("sample_shape", "image_shape", "expected"),
    [
        ((784,), None, (28, 28, 1)),
        ((28, 28), None, (28, 28, 1)),
        ((8, 8, 3), None, (8, 8, 3)),
        ((12,), (3, 4), (3, 4, 1)),
        ((12,), (-1, 4), (3, 4, 1)),
        ((12,), (2, 2, -1), (2, 2, 3)),
        ((7,), (1, -1), (1, 7, 1)),
        ((7,), (-1,), (7,)),
        ((8, 8), (8, 8, 1), (8, 8, 1)),
    ],
)
def test_resolve_image_shape(sample_shape, image_shape, expected):
    assert resolve_image_shape(sample_shape, image_shape) == expected


@pytest.mark.parametrize(
    ("sample_shape", "image_shape", "message"),
    [
        ((10,), None, "10 features is no square"),
        ((12,), (5, -1), "does not fit"),
        ((12,), (3, 3), "does not fit"),
        ((4, 6), (6, 4), "does not match"),
        ((12,), (-1, -1), "at most one"),
        ((12,), (0, -1), "positive integers"),
        ((12,), (2.5, 2), "positive integers"),
    ],
)
def test_resolve_image_shape_refuses_invalid_shape(sample_shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        resolve_image_shape(sample_shape, image_shape)
