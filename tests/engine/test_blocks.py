"""Tests of compiled blocks, which all fits of a network share."""

import threading

import keras
import numpy as np
import pytest
from sklearn.base import clone

from skmnist import KerasImageClassifier, KerasMLPClassifier
from skmnist._engine._trainers import BlockTrainer

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch trains batch by batch"
)


@pytest.fixture
def traced(monkeypatch):
    """A list with an entry for every time that a step is traced."""
    calls, batch_loss = [], BlockTrainer.batch_loss
    monkeypatch.setattr(
        BlockTrainer,
        "batch_loss",
        lambda self, *args: calls.append(1) or batch_loss(self, *args),
    )
    return calls


def fit_at_once(classifiers, X, y, monkeypatch):
    """Fit classifiers in threads that all have a trainer before one begins."""
    barrier = threading.Barrier(len(classifiers), timeout=60)
    run_epoch, begun = BlockTrainer.run_epoch, threading.local()

    def together(self, *args, **kwargs):
        if not getattr(begun, "value", False):
            begun.value = True
            barrier.wait()
        return run_epoch(self, *args, **kwargs)

    monkeypatch.setattr(BlockTrainer, "run_epoch", together)
    threads = [threading.Thread(target=clf.fit, args=(X, y)) for clf in classifiers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("jit_compile", ["auto", True])
def test_fits_at_once_share_one_trace(
    jit_compile, digits, traced, monkeypatch, same_weights
):
    clf = KerasMLPClassifier(
        hidden_layer_sizes=21 if jit_compile == "auto" else 23,
        dropout=0.1,
        learning_rate_schedule="cosine",
        epochs=3,
        random_state=0,
        jit_compile=jit_compile,
    )
    other = clone(clf).set_params(random_state=1)
    alone = [clone(each).fit(*digits) for each in (clf, other)]
    n_traced = len(traced)
    assert 1 <= n_traced <= 2  # a loop's body may be traced twice
    # Two trainers are needed now, and the second one is new.
    both = [clone(clf), clone(other)]
    fit_at_once(both, *digits, monkeypatch)
    assert len(traced) == n_traced
    assert all(map(same_weights, alone, both))
    assert not same_weights(*both)


def test_data_of_another_size_are_trained_on_by_what_is_compiled(digits, traced):
    X, y = digits
    clf = KerasMLPClassifier(hidden_layer_sizes=22, epochs=1, random_state=0)
    clf.fit(X, y)
    n_traced = len(traced)
    for n_samples in (300, 330, 399):
        clf.fit(X[:n_samples], y[:n_samples])
    assert len(traced) == n_traced


def test_rows_and_weights_of_a_block_that_is_not_full_count_once(digits):
    X, y = digits
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 2, len(y))
    # 400 rows are 13 batches of 32 in a block of 64, the last of them half full.
    params = {"epochs": 1, "learning_rate": 1e-9, "random_state": 0}
    clf = KerasMLPClassifier(**params).fit(X, y, sample_weight=weight)
    scores = clf.evaluate(X, y, sample_weight=weight)
    assert clf.history_["loss"][0] == pytest.approx(scores["loss"], rel=1e-5)
    assert clf.history_["accuracy"][0] == pytest.approx(scores["accuracy"], rel=1e-5)


def build_counting(meta):
    """Build a network with a variable that is none of Keras's."""
    import tensorflow as tf

    class Counting(keras.layers.Layer):
        def build(self, input_shape):
            self.count = tf.Variable(0.0, trainable=False)

        def call(self, inputs, training=False):
            if not training:
                return inputs
            self.count.assign_add(1.0)
            return inputs / (1 + self.count)

    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            Counting(),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.mark.tensorflow
def test_variables_of_tensorflow_are_not_shared_by_fits_at_once(
    digits, monkeypatch, same_weights
):
    clf = KerasImageClassifier(build_counting, epochs=2, random_state=0)
    both = [clone(clf), clone(clf)]
    fit_at_once(both, *digits, monkeypatch)
    # Each has counted its own batches only.
    assert same_weights(*both)
