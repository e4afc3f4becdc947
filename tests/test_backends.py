"""Tests of the backends JAX and PyTorch, each in a process of its own.

``make test-backends`` runs the whole suite on each of them.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

BACKENDS = ["tensorflow", "jax", "torch"]

CLASSIFIERS = """
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
backend = keras.backend.backend()
try:
    dtype = clf.set_params(dtype="float64").fit(X, y).predict_proba(X).dtype
except ValueError as error:
    assert backend == "jax" and "JAX_ENABLE_X64=1" in str(error)
else:
    assert backend != "jax" and dtype == "float64"
print(backend)
"""

# Training without shuffling, dropout or Keras's initialisers, so that all backends draw
# the same numbers.
KERAS_FIT = """
import sys
import keras
import numpy as np
from sklearn.datasets import load_digits
from skmnist import KerasImageClassifier

class Fixed(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        drawn = np.random.default_rng(0).normal(0, 0.1, shape)
        return keras.ops.convert_to_tensor(drawn, dtype)

def build(meta):
    layers = keras.layers
    return keras.Sequential([
        keras.Input(meta["X_shape_"][1:]),
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu", kernel_initializer=Fixed()),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(
            16, "tanh", kernel_initializer=Fixed(), kernel_regularizer="l2"
        ),
        layers.Dense(
            meta["n_classes_"], activation="softmax", kernel_initializer=Fixed()
        ),
    ])

X, y = load_digits(return_X_y=True)
X, y = (X[:300] / 16).astype("float32"), y[:300]
settings = {"learning_rate": 0.01, "learning_rate_schedule": "cosine", "epochs": 3}
clf = KerasImageClassifier(build, random_state=0, batch_size=64, **settings).fit(X, y)
np.savez(
    sys.argv[1], probabilities=clf.predict_proba(X), losses=clf.history_["loss"]
)
"""

SAVE = """
import sys
from pathlib import Path
import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from skmnist import KerasMLPClassifier, LeNetClassifier, PixelScaler, save

folder = Path(sys.argv[1])
X, y = load_digits(return_X_y=True)
X, y = X[:300].reshape(-1, 8, 8).astype("uint8"), y[:300]
settings = {"epochs": 2, "random_state": 0}
for name, clf in {
    "mlp": KerasMLPClassifier(dropout=0.2, l2=1e-4, **settings),
    "lenet": LeNetClassifier(filters=(4, 8), hidden_layer_sizes=(16,), **settings),
}.items():
    pipe = make_pipeline(PixelScaler(max_value=16), clf).fit(X, y)
    save(pipe, folder / f"{name}.skmnist")
    np.save(folder / f"{name}.npy", pipe.predict_proba(X))
"""

LOAD = """
import sys
from pathlib import Path
import numpy as np
from sklearn.datasets import load_digits
from skmnist import load

X, y = load_digits(return_X_y=True)
X, y = X[:300].reshape(-1, 8, 8).astype("uint8"), y[:300]
for folder in map(Path, sys.argv[1:]):
    for name in ("mlp", "lenet"):
        pipe = load(folder / f"{name}.skmnist")
        saved = np.load(folder / f"{name}.npy")
        print(abs(pipe.predict_proba(X) - saved).max())
        # Training goes on from the file.
        pipe[-1].set_params(warm_start=True)
        losses = pipe.fit(X, y)[-1].history_["loss"]
        assert len(losses) == 4 and losses[2] < losses[0]
"""


def run(backend, code, *arguments):
    """Run code on a backend, and return the words that it prints."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"the backend {backend} is not installed")
    env = {**os.environ, "KERAS_BACKEND": backend}
    env.pop("JAX_ENABLE_X64", None)  # which conftest.py sets
    out = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stderr[-2000:]
    return out.stdout.split()


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_classifiers_on_backend(backend):
    assert run(backend, CLASSIFIERS) == [backend]


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_backend_trains_as_tensorflow_does(backend, tmp_path):
    results = []
    for name in ("tensorflow", backend):
        run(name, KERAS_FIT, tmp_path / f"{name}.npz")
        results.append(np.load(tmp_path / f"{name}.npz"))
    for quantity in ("losses", "probabilities"):
        first, second = (result[quantity] for result in results)
        np.testing.assert_allclose(first, second, atol=1e-3)
    assert results[0]["losses"][-1] < results[0]["losses"][0]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folders of files that each installed backend has saved, by its name."""
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    if len(installed) == 1:
        pytest.skip("no other backend is installed")
    folders = {name: tmp_path_factory.mktemp(name) for name in installed}
    for backend, folder in folders.items():
        run(backend, SAVE, folder)
    return folders


@pytest.mark.parametrize("backend", BACKENDS)
def test_files_predict_the_same_on_every_backend(backend, saved):
    differences = [float(word) for word in run(backend, LOAD, *saved.values())]
    assert len(differences) == 2 * len(saved)
    assert max(differences) < 1e-5
