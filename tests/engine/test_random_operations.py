"""Layers that draw from global generators: new numbers each step, the same each fit."""

import functools
import pickle
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import ks_2samp
from sklearn.base import clone

from skmnist import KerasImageClassifier, LearningRateDisplay
from skmnist._engine._random_operations import _REPLACEMENTS, drawn_from
from skmnist._engine._seeds import OwnGenerators

pytestmark = pytest.mark.tensorflow


@tf.function
def draw_in_function():
    return tf.random.normal(())


DRAWS = {
    "keras": lambda: keras.random.normal(()),
    "tensorflow": lambda: tf.random.normal(()),
    "seeded": lambda: tf.random.normal((), seed=3),
    "function": draw_in_function,  # traced once for all networks
    "generator": lambda: tf.random.get_global_generator().normal(()),
}


class Recording(keras.layers.Layer):
    """Draws in each step of a training, and keeps all that it has drawn."""

    def __init__(self, draw, n_steps, **kwargs):
        super().__init__(**kwargs)
        self.draw, self.n_steps = draw, n_steps

    def build(self, input_shape):
        self.step = self.add_weight(shape=(), initializer="zeros", trainable=False)
        self.drawn = self.add_weight(
            shape=(self.n_steps,), initializer="zeros", trainable=False
        )

    def call(self, x, training=False):
        if not training:
            return x
        number = DRAWS[self.draw]()
        place = tf.one_hot(tf.cast(self.step, tf.int32), self.n_steps)
        self.drawn.assign(self.drawn + number * place)
        self.step.assign_add(1.0)
        return x + number


def build_recording(meta, draw, n_steps):
    softmax = keras.layers.Dense(meta["n_classes_"], activation="softmax")
    layers = [Recording(draw, n_steps), softmax]
    return keras.Sequential([keras.Input(meta["X_shape_"][1:]), *layers])


def no_op(batch, logs):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "n_samples", "by_batch"),
    [
        ("keras", 300, False),
        ("keras", 300, True),
        ("keras", 1200, False),  # with XLA
        ("tensorflow", 300, True),
        ("tensorflow", 3000, False),  # several blocks in an epoch
        ("seeded", 300, False),
        ("function", 300, False),
        ("generator", 300, False),
    ],
)
@pytest.mark.filterwarnings("ignore:LambdaCallback overrides")
def test_draws_are_new_in_each_step_and_repeated_in_each_fit(draw, n_samples, by_batch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_samples, 4)), rng.integers(3, size=n_samples)
    n_steps = 3 * -(-n_samples // 32)
    callbacks = [keras.callbacks.LambdaCallback(on_train_batch_begin=no_op)]
    params = {
        "model_params": {"draw": draw, "n_steps": n_steps},
        "epochs": 3,
        "callbacks": callbacks if by_batch else [],
        "random_state": 0,
    }
    clf = KerasImageClassifier(build_recording, **params).fit(X, y)
    drawn = clf.model_.layers[0].drawn.numpy()
    assert len(np.unique(drawn)) == n_steps
    assert np.all(drawn != 0)

    half = pickle.loads(pickle.dumps(clone(clf).set_params(epochs=2).fit(X, y)))
    half.set_params(warm_start=True, epochs=1).fit(X, y)  # traced anew
    np.testing.assert_array_equal(half.model_.layers[0].drawn.numpy(), drawn)


def test_draws_follow_from_the_random_state():
    X, y = np.ones((60, 4)), np.arange(60) % 3
    params = {"model_params": {"draw": "tensorflow", "n_steps": 2}, "epochs": 1}
    drawn = []
    for seed in 0, 1, 0:
        clf = KerasImageClassifier(build_recording, **params, random_state=seed)
        drawn.append(clf.fit(X, y).model_.layers[0].drawn.numpy())
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert not np.isin(drawn[1], drawn[0]).any()


def test_learning_rate_range_test_repeats():
    X, y = np.random.default_rng(0).normal(size=(200, 4)), np.arange(200) % 3
    params = {"draw": "tensorflow", "n_steps": 400}
    clf = KerasImageClassifier(build_recording, model_params=params, random_state=0)

    def losses():
        return LearningRateDisplay.from_estimator(clf, X, y).losses

    np.testing.assert_array_equal(losses(), losses())


def test_trainings_that_take_turns_draw_as_one_by_one():
    def draws(own, n):
        drawn = []
        for _ in range(n):
            with own.in_use():
                drawn.append([float(DRAWS["keras"]()), float(DRAWS["generator"]())])
        return drawn

    alone = [draws(OwnGenerators(seed), 4) for seed in (0, 1)]
    first, second = OwnGenerators(0), OwnGenerators(1)
    turns = draws(first, 1), draws(second, 2), draws(first, 3), draws(second, 2)
    assert [turns[0] + turns[2], turns[1] + turns[3]] == alone


CALLS = {
    "random_standard_normal": lambda: tf.random.normal((4000,), 2.0, 3.0),
    "truncated_normal": lambda: tf.random.truncated_normal((4000,), 2.0, 3.0),
    "random_uniform": lambda: tf.random.uniform((4000,), 2.0, 3.0),
    "random_uniform_int": lambda: tf.random.uniform((4000,), 2, 7, tf.int64),
    "random_shuffle": lambda: tf.random.shuffle(tf.range(4000.0)),
    "multinomial": lambda: tf.random.categorical([[0.1, 0.2, 2.0]], 4000),
    "random_gamma": lambda: tf.random.gamma((2000,), [2.0, 5.0], [1.0, 3.0]),
    "random_poisson_v2": lambda: tf.random.poisson((2000,), [2.0, 5.0]),
}


@pytest.mark.parametrize("name", _REPLACEMENTS)
@pytest.mark.parametrize("traced", [False, True])
def test_operation_has_the_distribution_of_tensorflows(name, traced):
    call = CALLS[name]
    function = tf.function(call) if traced else call
    generator = tf.random.Generator.from_seed(0, alg="philox")
    with drawn_from(generator):
        first = function().numpy()
    with drawn_from(generator):
        second = function().numpy()
        generator.reset_from_seed(0)
        repeated = function().numpy()
    theirs = call().numpy()
    assert (first.shape, first.dtype) == (theirs.shape, theirs.dtype)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, repeated)
    for ours, column in zip(columns(first), columns(theirs), strict=True):
        assert ks_2samp(ours, column).statistic < 0.06  # p is 1e-6 for 4,000 of each


def columns(values):
    """Return the samples of each distribution."""
    return values.T if values.shape[0] == 2000 else [values.ravel()]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: tf.nn.dropout(tf.ones(64), 0.5),
        lambda: tf.image.random_crop(tf.range(1000.0), (5,)),
    ],
    ids=["dropout", "crop"],
)
def test_other_functions_that_draw_are_repeated(draw):
    generator = tf.random.Generator.from_seed(0, alg="philox")
    results = []
    for _ in range(2):
        generator.reset_from_seed(0)
        with drawn_from(generator):
            results.append([draw().numpy() for _ in range(4)])
    np.testing.assert_array_equal(*results)
    assert not all(np.array_equal(results[0][0], other) for other in results[0][1:])


def test_other_threads_draw_from_the_process():
    generator = tf.random.Generator.from_seed(0, alg="philox")
    with drawn_from(generator):
        before = generator.state.numpy()
        thread = threading.Thread(target=functools.partial(tf.random.normal, (3,)))
        thread.start()
        thread.join()
        np.testing.assert_array_equal(generator.state.numpy(), before)
        tf.random.normal((3,))
        assert not np.array_equal(generator.state.numpy(), before)
