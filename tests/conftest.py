"""Settings that must be made before SciPy or TensorFlow load, and small data."""

import os

# Without it scikit-learn skips its array API check.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One core for each of pytest-xdist's workers: OpenMP's idle threads spin.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture
def digits():
    """scikit-learn's 8×8 digits: pixels in [0, 1], float32 (400, 64), and labels."""
    X, y = load_digits(return_X_y=True)
    return (X[:400] / 16).astype(np.float32), y[:400]


@pytest.fixture
def same_weights():
    """A function that tells whether two classifiers have equal weights, bit for bit."""

    def same(first, second):
        pairs = zip(
            first.model_.get_weights(), second.model_.get_weights(), strict=True
        )
        return all(np.array_equal(a, b) for a, b in pairs)

    return same
