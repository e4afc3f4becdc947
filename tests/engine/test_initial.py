"""Initial weights drawn without a build equal those of a build, bit for bit."""

import keras
import numpy as np
import pytest

from skmnist import KerasMLPClassifier, LeNetClassifier
from skmnist._engine import _network
from skmnist._engine._backend import to_numpy


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(_network, "_initial_states", _network.OrderedDict())


CLASSIFIERS = {
    "mlp": KerasMLPClassifier(),
    "lenet": LeNetClassifier(),
    "dropout": KerasMLPClassifier(dropout=0.3, l2=0.1, optimizer="nadam"),
    "random biases": KerasMLPClassifier(bias_initializer="random_normal"),
    "batch normalisation": KerasMLPClassifier(batch_normalization=True, dropout=0.1),
    "half precision": KerasMLPClassifier(dropout=0.3, dtype="bfloat16"),
    "loss scaling": KerasMLPClassifier(learning_rate=0.01, dtype="mixed_float16"),
}


@pytest.mark.parametrize("clf", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_state_for_any_seed_equals_that_of_a_build(clf, digits):
    X, y = digits
    clf.n_features_in_ = 64
    images = X.reshape(-1, *clf._layout((64,)))
    network = clf._make_network(images, np.unique(y))
    network.initial_state(5)
    assert len(_network._initial_states) == 1
    for seed in (0, 1, 2**32 - 1):
        built = network.build(seed)
        expected = [to_numpy(v) for owner in built for v in owner.variables]
        drawn = [value for part in network.initial_state(seed) for value in part]
        for one, other in zip(drawn, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_name_that_is_registered_anew_means_the_new_object(digits):
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(4,), bias_initializer="of_test", learning_rate=1e-9
    )
    try:
        for value in (1.0, 7.0):
            keras.saving.get_custom_objects()["of_test"] = (
                lambda shape, dtype=None, v=(value): keras.ops.full(shape, v, dtype)
            )
            biases = clf.fit(*digits)._training.weights[1]
            np.testing.assert_allclose(biases, value, atol=1e-3)
    finally:
        del keras.saving.get_custom_objects()["of_test"]


@pytest.mark.not_pytorch
def test_fits_without_seed_build_one_network(digits, monkeypatch):
    built = []
    build = _network.Network.build
    monkeypatch.setattr(
        _network.Network, "build", lambda *args: built.append(1) or build(*args)
    )
    clf = KerasMLPClassifier(hidden_layer_sizes=(7, 6), epochs=1)
    weights = [clf.fit(*digits)._training.weights[0] for _ in range(4)]
    n_built = len(built)
    clf.fit(*digits)
    assert len(built) == n_built
    assert len({weight.tobytes() for weight in weights}) == 4
