"""Learning-rate schedules: their values, and what a training does with them."""

import keras
import numpy as np
import pytest
from keras.src.optimizers.multi_optimizer import OptimizerMap
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmnist import KerasImageClassifier, KerasMLPClassifier
from skmnist._engine._schedules import SCHEDULES, learning_rate_factors

schedules = keras.optimizers.schedules


class Rates(keras.callbacks.Callback):
    """Records the learning rate of each step; training goes batch by batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


class Halved(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            rate = self.model.optimizer.learning_rate
            rate.assign(rate / 2)


def close(first, second, atol=2e-5):
    pairs = zip(first.model_.get_weights(), second.model_.get_weights(), strict=True)
    return all(np.allclose(a, b, atol=atol) for a, b in pairs)


def test_one_cycle_rises_from_a_25th_and_falls_to_zero():
    factors = learning_rate_factors("one_cycle", 0, 1000, 1000)
    assert factors[0] == pytest.approx(1 / 25)
    assert factors.argmax() == 300
    assert factors[300] == pytest.approx(1)
    assert 0 < factors[-1] < 1e-4
    assert (np.diff(factors[:301]) > 0).all()
    assert (np.diff(factors[300:]) < 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_factors_of_epochs_are_parts_of_those_of_the_training(schedule):
    whole = learning_rate_factors(schedule, 0, 40, 40)
    parts = [learning_rate_factors(schedule, first, 8, 40) for first in range(0, 40, 8)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert ((whole > 0) & (whole <= 1)).all()


def test_cosine_trains_as_keras_cosine_decay(digits):
    X, y = digits
    n_steps = 3 * 13  # 400 rows in batches of 32, the last of 16
    clf = KerasMLPClassifier(epochs=3, learning_rate=0.005, random_state=0)
    ours = clone(clf).set_params(learning_rate_schedule="cosine").fit(X, y)
    decay = schedules.CosineDecay(0.005, n_steps)
    keras_own = clone(clf).set_params(learning_rate=decay).fit(X, y)
    assert close(ours, keras_own)
    assert not close(ours, clf.fit(X, y))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_schedule_of_keras_trains_as_in_the_optimizer(optimizer, digits, same_weights):
    X, y = digits
    decay = schedules.ExponentialDecay(0.01, 10, 0.8)
    cls = type(keras.optimizers.get(optimizer))
    clf = KerasMLPClassifier(epochs=2, optimizer=optimizer, random_state=0)
    as_rate = clone(clf).set_params(learning_rate=decay).fit(X, y)
    assert same_weights(as_rate, clf.set_params(optimizer=cls(decay)).fit(X, y))
    assert same_weights(as_rate, clone(as_rate).fit(X, y))


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_training_batch_by_batch_follows_the_schedule(
    schedule, digits, warns_of_batches
):
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=2, learning_rate=0.004, learning_rate_schedule=schedule, random_state=0
    )
    rates = Rates()
    with warns_of_batches("Rates"):
        single = clone(clf).set_params(callbacks=rates).fit(X, y)
    assert close(single, clf.fit(X, y))
    assert rates.seen == pytest.approx([0.004] * 26)  # between steps, the peak


def test_callback_sets_the_rate_that_a_schedule_multiplies(digits):
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=2, learning_rate_schedule="cosine", optimizer="sgd", random_state=0
    )
    halved = clone(clf).set_params(callbacks=Halved()).fit(X, y)
    n_steps = 13
    factors = learning_rate_factors("cosine", 0, 2 * n_steps, 2 * n_steps)
    factors[n_steps:] /= 2
    rates = schedules.PiecewiseConstantDecay(
        list(range(2 * n_steps - 1)), (0.01 * factors).tolist()
    )
    clf.set_params(learning_rate_schedule="constant", learning_rate=rates)
    assert close(halved, clf.fit(X, y))


def test_warm_start_runs_through_the_schedule_again(digits, same_weights):
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=2, learning_rate_schedule="cosine", warm_start=True, random_state=0
    )
    clf.fit(X, y).fit(X, y)
    rates = [0.001 * f for f in learning_rate_factors("cosine", 0, 26, 26)] * 2
    steps = schedules.PiecewiseConstantDecay(list(range(51)), rates)
    own = KerasMLPClassifier(epochs=4, learning_rate=steps, random_state=0).fit(X, y)
    assert close(clf, own)


def test_partial_fit_keeps_the_rate_constant(digits, same_weights):
    X, y = digits
    clf = KerasMLPClassifier(random_state=0).partial_fit(X, y)
    cosine = KerasMLPClassifier(learning_rate_schedule="cosine", random_state=0)
    assert same_weights(clf, cosine.partial_fit(X, y))


def test_partial_fit_goes_on_with_a_schedule_of_keras(digits, same_weights):
    X, y = digits
    decay = schedules.ExponentialDecay(0.01, 10, 0.5)
    clf = KerasMLPClassifier(epochs=3, learning_rate=decay, random_state=0)
    called = clone(clf)
    for _ in range(3):
        called.partial_fit(X, y)
    assert same_weights(clf.fit(X, y), called)


@pytest.mark.not_pytorch
def test_grid_over_schedules_compiles_once(digits, monkeypatch):
    from skmnist._engine import _trainers

    made, init = [], _trainers.BlockTrainer.__init__

    def counting(self, *args, **kwargs):
        made.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(_trainers.BlockTrainer, "__init__", counting)
    X, y = digits
    clf = KerasMLPClassifier(hidden_layer_sizes=17, epochs=1, random_state=0)
    grid = {"learning_rate_schedule": SCHEDULES, "random_rotation": [0, 0.05]}
    GridSearchCV(clf, grid, cv=2).fit(X, y)
    assert len(made) == 1


def build_compiled(meta):
    model = keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )
    decay = schedules.ExponentialDecay(0.01, 10, 0.5)
    model.compile(keras.optimizers.Adam(decay), "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"learning_rate": schedules.CosineDecay(0.1, 9)}, "and .*'cosine' another"),
        (
            {"optimizer": keras.optimizers.Adam(schedules.CosineDecay(0.1, 9))},
            "Adam has none of its own",
        ),
        (
            {
                "optimizer": keras.optimizers.MultiOptimizer(
                    OptimizerMap(keras.optimizers.SGD(), {})
                )
            },
            "MultiOptimizer has none of its own",
        ),
        ({"learning_rate": keras.optimizers.Adam()}, "'learning_rate' parameter"),
        ({"learning_rate": schedules.CosineDecay}, "should be a number or an instance"),
        ({"learning_rate": keras.layers.ReLU()}, "should be a number or an instance"),
    ],
)
def test_two_schedules_at_once_are_refused(params, message, digits):
    clf = KerasMLPClassifier(learning_rate_schedule="cosine", **params)
    with pytest.raises(ValueError, match=message):
        clf.fit(*digits)
    assert not hasattr(clf, "classes_")


def test_schedule_on_top_of_a_compiled_builders_is_refused(digits):
    clf = KerasImageClassifier(build_compiled, learning_rate_schedule="one_cycle")
    with pytest.raises(ValueError, match="'one_cycle' multiplies .* none of its own"):
        clf.set_params(image_shape=(-1,)).fit(*digits)
