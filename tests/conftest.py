"""Small data, and what tests compare with.

Keras and scikit-learn are imported where they are used: the process that hands out the
tests to pytest-xdist's workers reads this file, too, and needs neither.
"""

from collections import Counter

import numpy as np
import pytest


def pytest_collection_modifyitems(items):
    """Put the longest files first; skip what does not hold on the backend at hand.

    A worker that begins a long file last would let the others wait.
    """
    n_slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -n_slow[item.path])
    backend = backend_name()
    for item in items:
        if item.get_closest_marker("tensorflow") and backend != "tensorflow":
            item.add_marker(pytest.mark.skip(reason="holds on TensorFlow only"))
        if item.get_closest_marker("not_pytorch") and backend == "torch":
            item.add_marker(pytest.mark.skip(reason="does not hold on PyTorch"))


def backend_name():
    """Return the name of Keras's backend."""
    import keras

    return keras.backend.backend()


@pytest.fixture(scope="module", autouse=True)
def forgotten_functions():
    """Free the memory of what JAX has compiled in a module: gigabytes in a worker."""
    yield
    if backend_name() == "jax":
        import jax

        jax.clear_caches()


@pytest.fixture
def trainer_class():
    """The class whose `run_epoch` trains a network of this package on the backend."""
    from skmnist._engine._batches import BatchTrainer
    from skmnist._engine._trainers import BlockTrainer

    return BatchTrainer if backend_name() == "torch" else BlockTrainer


@pytest.fixture
def digits():
    """scikit-learn's 8×8 digits: pixels in [0, 1], float32 (400, 64), and labels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X[:400] / 16).astype(np.float32), y[:400]


@pytest.fixture(scope="session")
def small():
    """200 samples of 8 features in 3 classes that lie well apart."""
    from sklearn.datasets import make_classification

    return make_classification(
        200, 8, n_informative=5, n_classes=3, class_sep=2, random_state=0
    )


@pytest.fixture
def same_weights():
    """A function that tells whether two classifiers have equal weights, bit for bit."""

    def same(first, second):
        pairs = zip(
            first.model_.get_weights(), second.model_.get_weights(), strict=True
        )
        return all(np.array_equal(a, b) for a, b in pairs)

    return same
