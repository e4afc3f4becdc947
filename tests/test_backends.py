"""Smoke test of the JAX and PyTorch backends, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

CODE = """
import copy, pickle
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from skmnist import KerasMLPClassifier, LeNetClassifier, PixelScaler
import keras

X, y = load_digits(return_X_y=True)
X, y = X[:400], y[:400]
clf = KerasMLPClassifier(
    hidden_layer_sizes=(32,), dropout=0.1, learning_rate=0.01, epochs=4,
    validation_fraction=0.1, random_state=0,
)
pipe = make_pipeline(PixelScaler(max_value=16), clf)
assert cross_val_score(pipe, X, y, cv=2, error_score="raise").min() > 0.6
first = pipe.fit(X, y).predict_proba(X)
again = copy.deepcopy(pipe).fit(X, y).predict_proba(X)
assert (first == again).all()
assert sorted(pipe[-1].history_) == ["accuracy", "loss", "val_accuracy", "val_loss"]
scores = pipe[-1].evaluate(X / 16, y)
assert abs(scores["accuracy"] - pipe.score(X, y)) < 1e-9
assert (pickle.loads(pickle.dumps(pipe)).predict_proba(X) == first).all()
twin = pipe[-1].model_.predict((X / 16).astype("float32"), verbose=0)
assert np.allclose(twin, first, atol=1e-5)
lenet = LeNetClassifier(filters=(4, 4), hidden_layer_sizes=(8,), epochs=1)
assert lenet.fit(X / 16, y).predict(X / 16).shape == (400,)
print(keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_classifiers_on_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"the backend {backend} is not installed")
    out = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.stdout.split() == [backend], out.stderr[-2000:]
