"""What an optimizer excludes from weight decay is excluded in every fit and copy."""

import copy
import pickle

import joblib
import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone

from skmnist import KerasImageClassifier, save


def build(meta):
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, bias_initializer="ones"),
            layers.Dense(3, activation="softmax"),
        ]
    )


def excluding_biases():
    # The step is so small that decay is all that changes the weights.
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=500.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def build_compiled(meta):
    model = build(meta)
    model.compile(excluding_biases(), "categorical_crossentropy")
    return model


def build_excluding_variables(meta):
    model = build(meta)
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=500.0)
    optimizer.exclude_from_weight_decay(var_list=[model.layers[0].bias])
    model.compile(optimizer, "categorical_crossentropy")
    return model


@pytest.fixture
def samples():
    """40 samples in three classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 6)).astype(np.float32), np.arange(40) % 3


def mean_bias(clf):
    return np.abs(clf.model_.layers[0].bias.numpy()).mean()


def classifier(builder=build, **params):
    return KerasImageClassifier(
        builder, image_shape=(6,), epochs=5, random_state=0, **params
    )


def test_excluded_variables_train_as_in_keras(samples, trains_as_keras):
    trains_as_keras(build, *samples, optimizer=excluding_biases)


@pytest.mark.parametrize("compiled", [build_compiled, build_excluding_variables])
def test_compiled_builder_excludes_from_decay(compiled, samples):
    assert mean_bias(classifier(compiled).fit(*samples)) == pytest.approx(1, abs=0.01)


COPIES = {
    "clone": clone,
    "deepcopy": copy.deepcopy,
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_copies_exclude_the_same(how, wrapped, samples):
    optimizer = excluding_biases()
    if wrapped:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    clf = COPIES[how](COPIES[how](classifier(optimizer=optimizer))).fit(*samples)
    assert mean_bias(clf) == pytest.approx(1, abs=0.01)
    # A network without exclusions is another one, also for compiled functions.
    decayed = classifier(optimizer=keras.optimizers.AdamW(1e-4, weight_decay=500.0))
    assert mean_bias(decayed.fit(*samples)) < 0.9


def test_file_of_joblib_excludes_the_same(samples, tmp_path):
    clf = classifier(optimizer=excluding_biases(), warm_start=True).fit(*samples)
    joblib.dump(clf, tmp_path / "clf")
    loaded = joblib.load(tmp_path / "clf").fit(*samples)
    np.testing.assert_array_equal(
        loaded.predict_proba(samples[0]), clf.fit(*samples).predict_proba(samples[0])
    )


def test_variables_of_another_network_cannot_be_excluded(samples):
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=500.0)
    optimizer.exclude_from_weight_decay(var_list=[build(None).layers[0].bias])
    with pytest.raises(ValueError, match="var_names"):
        classifier(optimizer=optimizer).fit(*samples)


def test_what_cannot_hold_exclusions_refuses_them(samples, tmp_path):
    clf = classifier(optimizer=excluding_biases()).fit(*samples)
    with pytest.raises(TypeError, match=r"weight decay.*joblib\.dump"):
        save(clf, tmp_path / "clf.skmnist")
    with pytest.raises(ValueError, match="Compile the model"):
        clf.to_scikeras()
    wrapper = classifier(build_compiled).fit(*samples).to_scikeras()
    assert wrapper.model_.optimizer.exclude_from_weight_decay
