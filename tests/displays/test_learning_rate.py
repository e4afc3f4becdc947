"""Learning-rate range test: what is measured, which range it names, the picture."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LearningRateDisplay,
    LeNetClassifier,
)


@pytest.fixture
def curve():
    """Losses that are 2.3 at first, lowest at a rate of 0.01, and high from 0.1 on."""
    rates = np.geomspace(1e-5, 10, 301)
    place = np.log10(rates)
    losses = np.where(
        place < -2, 2.3 - 1.8 / (1 + np.exp(-6 * (place + 3))), 0.5 + (place + 2) ** 2
    )
    return rates, losses


def test_range_ends_at_half_of_the_rate_with_lowest_loss(curve):
    display = LearningRateDisplay(*curve)
    low, high = display.learning_rate_range
    # Smoothing lags by a few steps of 4.7 %.
    assert 0.005 < high < 0.01
    assert low == pytest.approx(high / 10)


def test_smoothed_losses_are_weighted_means():
    rng = np.random.default_rng(0)
    losses = rng.random(40)
    display = LearningRateDisplay(np.arange(1, 41), losses)
    weights = 0.5 ** (np.arange(39, -1, -1) / 10)
    assert display.smoothed_losses[-1] == pytest.approx(
        np.average(losses, weights=weights)
    )
    assert display.smoothed_losses[0] == losses[0]


def test_loss_that_never_falls_names_no_range():
    display = LearningRateDisplay(np.geomspace(1e-9, 1e-7, 50), np.full(50, 2.3))
    with pytest.raises(ValueError, match="fell from 2.3 to 2.3 only.*names no range"):
        display.learning_rate_range  # noqa: B018
    display.plot()
    plt.close(display.figure_)


def test_plot_shows_the_range_and_hides_divergence(curve):
    rates, losses = curve
    losses[-30:] = 1000
    display = LearningRateDisplay(rates, losses)
    figure, ax = plt.subplots()
    assert display.plot(ax=ax) is display
    assert (display.ax_, display.figure_) == (ax, figure)
    np.testing.assert_allclose(display.line_.get_ydata(), display.smoothed_losses)
    assert ax.get_xscale() == "log"
    assert ax.get_ylim()[1] < 5
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "Rates worth trying" in labels[1]
    plt.close(figure)


@pytest.mark.parametrize(
    "clf",
    [
        KerasMLPClassifier(),
        KerasMLPClassifier(optimizer="sgd"),
        KerasMLPClassifier(random_rotation=0.03, label_smoothing=0.1),
    ],
    ids=["adam", "sgd", "augmented"],
)
def test_rates_of_the_range_train_better_than_those_beyond(clf, digits):
    X, y = digits
    pipe = make_pipeline(StandardScaler(with_std=False), clf.set_params(random_state=0))
    display = LearningRateDisplay.from_estimator(pipe, X, y)
    assert not hasattr(clf, "classes_")
    assert len(display.losses) < 300  # ended when the loss had diverged
    low, high = display.learning_rate_range

    def loss(rate):
        pipe[-1].set_params(learning_rate=rate)
        return pipe.fit(X, y)[-1].evaluate(pipe[:-1].transform(X), y)["loss"]

    within = loss(np.sqrt(low * high))
    assert within < loss(low / 30)
    assert within < loss(10 * high)


def test_all_steps_are_calls_of_one_trace(digits, monkeypatch):
    from skmnist._engine import _trainers

    traced = []
    step = _trainers.BlockTrainer._step
    monkeypatch.setattr(
        _trainers.BlockTrainer,
        "_step",
        lambda self, *args: traced.append(1) or step(self, *args),
    )
    clf = KerasMLPClassifier(hidden_layer_sizes=19, random_state=0)
    LearningRateDisplay.from_estimator(clf, *digits, n_steps=60)
    assert 1 <= len(traced) <= 2  # a loop's body may be traced twice


def test_is_repeatable_and_leaves_compiled_trainers_usable(digits, same_weights):
    clf = KerasMLPClassifier(epochs=1, random_state=0)
    before = KerasMLPClassifier(epochs=1, random_state=0).fit(*digits)
    first, second = (
        LearningRateDisplay.from_estimator(clf, *digits, n_steps=50) for _ in range(2)
    )
    np.testing.assert_array_equal(first.losses, second.losses)
    np.testing.assert_array_equal(first.learning_rates, second.learning_rates)
    assert same_weights(before, clf.fit(*digits))


def test_first_loss_is_that_of_an_untrained_network(digits):
    X, y = digits
    clf = LeNetClassifier(filters=(4, 4), dropout=0, hidden_dropout=0, random_state=0)
    display = LearningRateDisplay.from_estimator(clf, X, y, n_steps=3)
    assert display.losses[0] == pytest.approx(np.log(10), abs=0.2)


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


def build_own_step(meta):
    return OwnStep(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def test_network_with_its_own_training_step(digits):
    clf = KerasImageClassifier(build_own_step, random_state=0)
    display = LearningRateDisplay.from_estimator(clf, *digits, n_steps=80)
    low, high = display.learning_rate_range
    assert 1e-4 < low < high < 10


@pytest.mark.parametrize(
    ("clf", "params", "message"),
    [
        (LogisticRegression(), {}, "has no learning rate to test"),
        (KerasMLPClassifier(), {"min_learning_rate": 0}, "0 < min_learning_rate"),
        (KerasMLPClassifier(), {"max_learning_rate": 1e-6}, "max_learning_rate=1e-06"),
        (KerasMLPClassifier(), {"n_steps": 1}, "at least 2 steps"),
        (
            KerasMLPClassifier(
                learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 9)
            ),
            {},
            "follows a schedule",
        ),
        (KerasMLPClassifier(epochs=0), {}, "'epochs' parameter"),
    ],
)
def test_invalid_arguments(clf, params, message, digits):
    with pytest.raises(ValueError, match=message):
        LearningRateDisplay.from_estimator(clf, *digits, **params)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length of at least 2"):
        LearningRateDisplay([0.1, 0.2], [1.0])
