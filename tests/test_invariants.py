"""Reproducible results, unchanged global state, thread safety, and input dtypes."""

import json
import os
import random
import subprocess
import sys
import threading
import time
import warnings

import joblib
import keras
import matplotlib
import numpy as np
import pytest
import tensorflow as tf
from keras.src.random import seed_generator
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
)

ESTIMATORS = [
    KerasMLPClassifier(dropout=0.2, epochs=2, random_state=3),
    LeNetClassifier(filters=(4, 8), hidden_layer_sizes=(16,), epochs=2, random_state=3),
]
by_class = pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__
)


def build_with_random_scale(meta):
    """Builder that draws from every global random generator."""
    scale = random.random() + np.random.rand() + float(tf.random.uniform([]))
    scale += float(tf.random.uniform([], seed=1))
    scale += float(tf.random.get_global_generator().uniform([]))
    scale += float(keras.random.uniform(()))
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Rescaling(scale / 4),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.mark.slow
@by_class
def test_same_seed_gives_same_result_after_other_fits(estimator, digits, same_weights):
    X, y = digits
    first = clone(estimator).fit(X, y)
    # Fits of other architectures, learning rates, seeds and data sizes in between.
    other = clone(estimator).set_params(random_state=9, learning_rate=0.05)
    other.fit(X[:333], y[:333])
    clone(estimator).set_params(hidden_layer_sizes=(5,)).fit(X, y)
    random.seed(1), np.random.seed(1), tf.random.set_seed(1)
    again = clone(estimator).fit(X, y)
    assert same_weights(first, again)
    assert first.history_ == again.history_
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert not same_weights(first, other)


@pytest.mark.slow
@by_class
def test_cached_functions_give_same_result_as_new_ones(estimator, digits, same_weights):
    from skmnist._engine import _network

    X, y = digits
    settings = {"validation_fraction": 0.2, "n_iter_no_change": 2, "epochs": 6}
    clf = clone(estimator).set_params(random_state=0, **settings)
    clf.set_params(early_stopping=True, learning_rate=0.05).fit(X, y)
    for changes in ({"learning_rate": 0.001}, {"learning_rate": 0.02, "dropout": 0.4}):
        reused = clone(clf).set_params(**changes).fit(X, y)
        _network._cache.clear()
        _network._initial_states.clear()
        fresh = clone(reused).fit(X, y)
        assert same_weights(reused, fresh)
        assert reused.history_ == fresh.history_
        np.testing.assert_array_equal(reused.predict_proba(X), fresh.predict_proba(X))


@pytest.mark.slow
@by_class
def test_model_outlives_its_classifier(estimator, digits):
    clf = clone(estimator).fit(*digits)
    model = clf.model_
    before = [value.copy() for value in model.get_weights()]
    del clf
    for seed in range(3):
        clone(estimator).set_params(random_state=seed, epochs=1).fit(*digits)
    for one, other in zip(before, model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.slow
def test_repeated_fits_do_not_leak_memory():
    """Runs in a subprocess, because other tests allocate memory in this one."""
    code = """
import ctypes, gc, resource
import numpy as np
from skmnist import KerasMLPClassifier

libc = ctypes.CDLL(None)
rng = np.random.default_rng(0)
X, y = rng.random((64, 784), dtype=np.float32), np.arange(64) % 10

def resident():
    gc.collect()
    libc.malloc_trim(0)  # malloc keeps freed memory, which is not a leak
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

def fit():
    KerasMLPClassifier(
        learning_rate=rng.uniform(1e-4, 1e-2), dropout=rng.uniform(0.1, 0.5),
        l2=rng.uniform(1e-6, 1e-3), epochs=1,
    ).fit(X, y)

for _ in range(60):  # until what is kept for reuse, by malloc too, is complete
    fit()
before = resident()
for _ in range(100):
    fit()
print((resident() - before) / 100)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) <= 0.1


@pytest.fixture(scope="module")
def another_process():
    """What the first fits of another process changed, and a hash of their result."""
    code = """
import json, os, random, warnings
import joblib, numpy as np, pandas, scipy.stats
from sklearn.datasets import load_digits
from skmnist import KerasMLPClassifier

def state():
    numpy_state = np.random.get_state()[1].tolist()
    return dict(os.environ), random.getstate(), numpy_state, list(warnings.filters)

X, y = load_digits(return_X_y=True)
X, y = (X[:400] / 16).astype(np.float32), y[:400]
clf = KerasMLPClassifier(dropout=0.2, epochs=2, random_state=3)
before = state()
probabilities = clf.fit(X, y).predict_proba(X)
changed = [name for name, (a, b) in enumerate(zip(before, state())) if a != b]
print(json.dumps([changed, joblib.hash(probabilities)]))
"""
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout)


@pytest.mark.slow
def test_first_fit_of_process_does_not_change_global_state(another_process):
    assert another_process[0] == []


@pytest.mark.slow
def test_result_is_equal_in_another_process(digits, another_process):
    X, y = digits
    clf = clone(ESTIMATORS[0]).fit(X, y)
    assert another_process[1] == joblib.hash(clf.predict_proba(X))


def test_random_state_none_differs_between_fits(digits, same_weights):
    X, y = digits
    clf = clone(ESTIMATORS[0]).fit(X, y)
    first = clone(clf).set_params(random_state=None).fit(X, y)
    second = clone(first).fit(X, y)
    assert not same_weights(first, second)
    assert not same_weights(first, clf)


def test_random_state_instance_is_advanced_by_fit(digits, same_weights):
    X, y = digits
    clf = KerasMLPClassifier(epochs=1, random_state=np.random.RandomState(0))
    first, again = clone(clf).fit(X, y), clone(clf).fit(X, y)
    assert same_weights(first, again)
    assert not same_weights(first, again.fit(X, y))


@pytest.mark.slow
def test_parallel_workers_agree_within_rounding(digits):
    X, y = digits
    settings = {"cv": 2, "return_estimator": True}
    results = [
        cross_validate(ESTIMATORS[0], X, y, n_jobs=n_jobs, **settings)
        for n_jobs in (1, 2)
    ]
    for one, two in zip(*(r["estimator"] for r in results), strict=True):
        np.testing.assert_allclose(
            one.predict_proba(X), two.predict_proba(X), rtol=1e-3, atol=1e-4
        )


def fingerprint():
    """Return the global state that a fit might change."""
    return {
        "environment": dict(os.environ),
        "random": joblib.hash(random.getstate()),
        "numpy": joblib.hash(np.random.get_state()),
        "keras": keras.ops.convert_to_numpy(
            keras.random.uniform((2,), seed=keras.random.SeedGenerator(1))
        ),
        "tensorflow": tf.random.get_global_generator().state.numpy().tolist(),
        "floatx": keras.config.floatx(),
        "policy": keras.config.dtype_policy().name,
        "determinism": tf.config.experimental.is_op_determinism_enabled()
        if hasattr(tf.config.experimental, "is_op_determinism_enabled")
        else None,
        "filters": list(warnings.filters),
        "matplotlib": matplotlib.rcParams["backend"],
        "reduce": keras.Model.__reduce__,
        "deepcopy": vars(keras.Model).get("__deepcopy__"),
        "loss": keras.losses.Loss.__reduce__,
        "metric": keras.metrics.Metric.__reduce__,
        "optimizer": keras.optimizers.Optimizer.__reduce__,
        "numpy_errors": np.geterr(),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        *ESTIMATORS,
        KerasMLPClassifier(dtype="float64", epochs=1),
        KerasMLPClassifier(dtype="mixed_bfloat16", epochs=1, random_state=0),
        pytest.param(
            KerasImageClassifier(build_with_random_scale, epochs=1, random_state=0),
            marks=pytest.mark.tensorflow,
        ),
    ],
    ids=["mlp", "lenet", "float64-unseeded", "bfloat16", "user-builder"],
)
def test_fit_does_not_change_global_state(estimator, digits):
    X, y = digits
    copies = X.copy(), y.copy()
    tf.random.set_seed(5)
    # TensorFlow makes none if SciKeras has made it deterministic in another test.
    tf.random.set_global_generator(tf.random.Generator.from_seed(5))
    tf.random.uniform([])
    name = keras.layers.Dense(1).name
    before = fingerprint()
    clf = clone(estimator).fit(X, y)
    clf.predict(X)
    clf.evaluate(X, y)
    _ = clf.model_
    after = fingerprint()
    changed = {k for k in before if not np.array_equal(before[k], after[k])}
    # Without a random_state the seed is drawn from NumPy's global generator.
    assert changed == ({"numpy"} if clf.random_state is None else set())
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(y, copies[1])
    # Automatic names of Keras and random numbers of TensorFlow continue their sequence.
    stem, _, count = name.rpartition("_")
    if stem:
        assert keras.layers.Dense(1).name == f"{stem}_{int(count) + 1}"
    drawn = tf.random.uniform([])
    tf.random.set_seed(5)
    tf.random.uniform([])
    assert drawn == tf.random.uniform([])


@pytest.mark.tensorflow
def test_builder_that_draws_random_numbers_is_seeded(digits, same_weights):
    X, y = digits
    clf = KerasImageClassifier(build_with_random_scale, epochs=2, random_state=0)
    assert same_weights(clone(clf).fit(X, y), clone(clf).fit(X, y))


@pytest.fixture
def drawing_thread():
    """A thread that draws from Python's generator, as the event loop of Dask does."""
    ended = threading.Event()

    def draw():
        while not ended.wait(1e-4):
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    yield thread
    ended.set()
    thread.join()


def test_seeded_fit_does_not_depend_on_draws_of_other_threads(
    digits, same_weights, drawing_thread
):
    def build_slowly(meta):
        layers = []
        for units in (6, 5, meta["n_classes_"]):
            time.sleep(0.02)
            layers.append(keras.layers.Dense(units, activation="softmax"))
        return keras.Sequential([keras.Input((64,)), *layers])

    clf = KerasImageClassifier(build_slowly, image_shape=(64,), random_state=0)
    first, second = clone(clf).fit(*digits), clone(clf).fit(*digits)
    assert same_weights(first, second)
    assert seed_generator.python_random is random


def test_builder_that_seeds_itself_gets_the_weights_of_keras(digits):
    def build(meta):
        keras.utils.set_random_seed(42)
        return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, "softmax")])

    clf = KerasImageClassifier(build, image_shape=(64,), learning_rate=1e-30, epochs=1)
    own = build(None).get_weights()
    for seed in (0, 1):
        fitted = clone(clf).set_params(random_state=seed).fit(*digits)
        np.testing.assert_allclose(fitted.model_.get_weights()[0], own[0], atol=1e-6)


@pytest.mark.slow
def test_import_does_not_load_tensorflow():
    code = (
        "import sys; from skmnist import *; import skmnist.cli; LeNetClassifier();"
        "print([m for m in ('tensorflow', 'keras', 'scikeras') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


@by_class
def test_result_does_not_depend_on_dtype_of_X(estimator):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (60, 16)).astype(np.uint8)
    y = rng.integers(0, 3, 60)
    versions = [X.astype(t) for t in (np.uint8, np.float32, np.float64, np.int64, bool)]
    fits = [clone(estimator).fit(version, y) for version in versions]
    expected = fits[0].predict_proba(X)
    for clf in fits:
        for version in versions:
            np.testing.assert_array_equal(clf.predict_proba(version), expected)


def test_rescaling_does_not_depend_on_dtype_of_X(digits):
    X, y = digits
    raw = (X * 255).astype(np.uint8)
    clf = KerasMLPClassifier(rescaling=1 / 255, epochs=1, random_state=0)
    expected = clone(clf).fit(raw, y).predict_proba(raw)
    for dtype in (np.float32, np.float64):
        other_dtype = clone(clf).fit(raw.astype(dtype), y)
        np.testing.assert_array_equal(other_dtype.predict_proba(raw), expected)


@by_class
def test_read_only_memory_maps(estimator, digits, tmp_path):
    X, y = digits
    joblib.dump(X, tmp_path / "X.joblib")
    mapped = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    assert not mapped.flags.writeable
    clf = clone(estimator).fit(mapped, y)
    np.testing.assert_array_equal(clf.predict(mapped), clone(clf).fit(X, y).predict(X))


def test_threads_predict_while_another_classifier_fits(digits):
    X, y = digits
    clf = clone(ESTIMATORS[0]).fit(X, y)
    expected = clf.predict_proba(X)
    wrong = []

    def work():
        for n in (400, 1, 37):
            found = clf.predict_proba(X[:n])
            if not np.allclose(found, expected[:n], rtol=1e-4, atol=1e-6):
                wrong.append(n)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    other = clone(clf).set_params(random_state=8, epochs=5).fit(X, y)
    for thread in threads:
        thread.join()
    assert wrong == []
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    alone = clone(other).fit(X, y)
    np.testing.assert_array_equal(alone.predict_proba(X), other.predict_proba(X))


def test_threads_fit_same_architecture_independently(digits, same_weights):
    X, y = digits
    alone = [clone(ESTIMATORS[0]).set_params(random_state=s).fit(X, y) for s in (0, 1)]
    together = [clone(clf) for clf in alone]
    threads = [threading.Thread(target=clf.fit, args=(X, y)) for clf in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        assert same_weights(one, other)


FORKED = ["clf.predict(X)", "clf.fit(X, y)", "clf.model_", "clf.to_scikeras()"]


@pytest.fixture(scope="module")
def errors_of_forked_processes():
    """The message of each work in a process forked from one that has fitted."""
    code = f"""
import json, multiprocessing, warnings
import numpy as np
from skmnist import KerasMLPClassifier
warnings.simplefilter("ignore")
X, y = np.eye(8), [0, 1] * 4
clf = KerasMLPClassifier(epochs=1).fit(X, y)
clf.predict(X)

def work(code):
    exec(code, globals())

messages = {{}}
for code in {FORKED}:
    # A pool for each, as the first work would start a backend for the others.
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            pool.map(work, [code])
        except RuntimeError as error:
            messages[code] = str(error)
print(json.dumps(messages))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("work", FORKED)
def test_forked_process_gets_an_error_and_does_not_hang(
    work, errors_of_forked_processes
):
    message = errors_of_forked_processes[work]
    assert all(word in message for word in ("fork", "spawn", "forkserver", "loky"))
