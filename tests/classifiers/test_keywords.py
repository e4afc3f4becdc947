"""What people type first and cannot have is answered by what to type instead."""

import inspect

import keras
import numpy as np
import pytest

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier

X, y = np.random.default_rng(0).random((50, 8)), np.arange(50) % 2


def build(meta, units=3):
    raise AssertionError("errors come before training")


def build_for_images(meta):
    images = keras.Input((28, 28, 1))
    flat = keras.layers.Flatten()(images)
    return keras.Model(images, keras.layers.Dense(2, activation="softmax")(flat))


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda: KerasMLPClassifier().fit(X, y, validation_data=(X, y)), "X_val and y"),
        (lambda: KerasMLPClassifier().fit(X, y, epochs=3), r"Classifier\(epochs=...\)"),
        (lambda: LeNetClassifier().fit(X, y, validation_split=0.1), "validation_fract"),
        (lambda: LeNetClassifier().fit(X, y, sample_weights=y), "mean sample_weight"),
        (lambda: LeNetClassifier().fit(X, y, unknown=y), "takes X, y, sample_weight"),
        (lambda: LeNetClassifier().partial_fit(X, y, epochs=1), r"partial_fit\(\) got"),
        (lambda: KerasMLPClassifier(validation_data=(X, y)), "to fit, as X_val"),
        (lambda: KerasMLPClassifier(metrics=["accuracy"]), "scoring"),
        (lambda: KerasMLPClassifier(max_iter=9), "set epochs instead"),
        (lambda: KerasMLPClassifier(batchsize=9), "did you mean batch_size"),
        (lambda: KerasMLPClassifier(optimizer__learning_rate=1), "set learning_rate"),
        (lambda: KerasMLPClassifier(optimizer__beta_1=1), "keras.optimizers"),
        (lambda: KerasImageClassifier(build_fn=build), "set model instead"),
        (lambda: KerasImageClassifier(build, units=5), r"model_params={'units': ...}"),
        (lambda: KerasImageClassifier(model=build, units=5), "model__units"),
        (lambda: KerasImageClassifier(build, model__units=5), "model_params="),
        (lambda: KerasImageClassifier(build, foo=5), "it takes model, model_params"),
    ],
)
def test_unknown_keywords_name_what_to_pass(call, answer):
    with pytest.raises(TypeError, match=answer) as error:
        call()
    assert "Base" not in str(error.value)


@pytest.mark.parametrize(
    "clf", [LeNetClassifier(), KerasImageClassifier(build_for_images)]
)
@pytest.mark.parametrize("n_channels", [1, 3])
def test_channels_first_names_the_transpose(clf, n_channels):
    images = np.random.default_rng(0).random((50, n_channels, 28, 28))
    with pytest.raises(ValueError, match=r"X\.transpose\(0, 2, 3, 1\)"):
        clf.fit(images, y)


def test_first_parameters_are_positional_as_in_mlp_classifier():
    clf = KerasMLPClassifier((20, 10), "relu")
    assert clf.hidden_layer_sizes == (20, 10)
    assert clf.activation == "relu"


@pytest.mark.parametrize("cls", [KerasMLPClassifier, LeNetClassifier])
def test_signatures_show_the_parameters(cls):
    assert "epochs" in inspect.signature(cls).parameters
    assert list(inspect.signature(cls().fit).parameters)[:3] == [
        "X",
        "y",
        "sample_weight",
    ]


def test_batches_of_one_sample_cannot_be_normalised():
    clf = KerasMLPClassifier(batch_normalization=True, batch_size=1)
    with pytest.raises(ValueError, match="batch_size=1 leaves nothing to normalise"):
        clf.fit(X, y)


@pytest.mark.parametrize("kind", ["dataset", "generator", "dict"])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
def test_batches_in_place_of_an_array_are_refused(kind, method, digits):
    X, y = digits
    if kind == "dataset":
        batches = pytest.importorskip("tensorflow").data.Dataset.from_tensors((X, y))
        name = type(batches).__name__
    elif kind == "generator":
        batches, name = (pair for pair in [(X, y)]), "generator"
    else:
        batches, name = {"pixels": X}, "dict"
    clf = KerasMLPClassifier(hidden_layer_sizes=(4,), epochs=1).fit(X, y)
    with pytest.raises(TypeError, match=f"got a {name}. Collect its samples and"):
        getattr(clf, method)(batches)
    if method == "fit":
        with pytest.raises(TypeError, match=f"got a {name}. Collect its samples and"):
            clf.fit(batches, y)
