"""Learning-rate range test: what is measured, which range it names, the picture."""

import imblearn.pipeline
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from keras.src.optimizers.multi_optimizer import OptimizerMap
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


def test_range_ends_at_a_third_of_the_largest_stable_rate(curve):
    rates, losses = curve
    low, high = LearningRateDisplay(rates, losses).learning_rate_range
    # The loss has risen by a tenth of its fall at 10**(-2 + 0.18**0.5) = 0.027.
    assert high == pytest.approx(0.027 / 3, rel=0.1)
    assert low == pytest.approx(high / 10)
    # What diverges at once is no different.
    stable = rates < 0.02
    losses[~stable] = np.inf
    low, high = LearningRateDisplay(rates, losses).learning_rate_range
    assert high == pytest.approx(0.02 / 3, rel=0.1)


@pytest.mark.not_pytorch
def test_range_hardly_depends_on_the_number_of_steps(digits):
    clf = KerasMLPClassifier(random_state=0)
    highs = [
        LearningRateDisplay.from_estimator(clf, *digits, n_steps=n).learning_rate_range[
            1
        ]
        for n in (200, 300, 800)
    ]
    assert max(highs) < 2.5 * min(highs)


def test_smoothed_losses_are_weighted_means():
    rng = np.random.default_rng(0)
    rates, losses = np.geomspace(1e-3, 1, 40), rng.random(40)
    smoothed = LearningRateDisplay(rates, losses).smoothed_losses
    weights = np.exp(-((np.log10(rates / rates[20]) / 0.12) ** 2) / 2)
    assert smoothed[20] == pytest.approx(np.average(losses, weights=weights))
    losses[30] = np.nan
    smoothed = LearningRateDisplay(rates, losses).smoothed_losses
    assert np.isfinite(smoothed[:30]).all()
    assert np.isnan(smoothed[30:]).all()


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (np.full(50, 2.3), "fell from 2.3 to 2.3 only.*names no range"),
        (np.linspace(2.3, 9, 50), "only.*Test other rates"),
        (np.linspace(2.3, 0.1, 50), "has not risen at the highest .*tested, 1e-07"),
        (np.r_[2.3, [np.nan] * 49], "diverged at a learning rate of 1e-09"),
    ],
    ids=["flat", "rising", "falling", "diverging"],
)
def test_curves_that_name_no_range(losses, message):
    display = LearningRateDisplay(np.geomspace(1e-9, 1e-7, 50), losses)
    with pytest.raises(ValueError, match=message):
        display.learning_rate_range  # noqa: B018
    display.plot()
    plt.close(display.figure_)


def test_from_estimator_draws_at_once_on_the_given_axes(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(8,), random_state=0)
    _, ax = plt.subplots()
    options = {"n_steps": 100, "max_learning_rate": 1e-3}
    display = LearningRateDisplay.from_estimator(
        clf, *digits, **options, ax=ax, name="Mine"
    )
    assert display.ax_ is ax
    assert display.line_.get_label() == "Mine: smoothed loss"
    np.testing.assert_allclose(display.line_.get_ydata(), display.smoothed_losses)
    again = display.plot()
    assert again is display
    assert display.ax_ is not ax


def test_losses_that_are_never_finite_are_drawn_as_nothing():
    display = LearningRateDisplay([0.1, 0.2], [np.nan, 1.0]).plot()
    with pytest.raises(ValueError, match="diverged at a learning rate of 0.1"):
        _ = display.learning_rate_range


def test_negative_losses_are_drawn():
    rates = np.geomspace(1e-4, 1, 50)
    display = LearningRateDisplay(rates, -1 - np.linspace(0, 1, 50)).plot()
    low, high = display.ax_.get_ylim()
    assert low < display.line_.get_ydata().min() < -1 < high
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
        pytest.param(KerasMLPClassifier(optimizer="sgd"), marks=pytest.mark.tensorflow),
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


@pytest.mark.parametrize("sampler_first", [True, False])
def test_pipeline_resamples_as_in_fit(sampler_first, digits):
    X, y = digits
    steps = [RandomOverSampler(random_state=0), StandardScaler(with_std=False)]
    if not sampler_first:
        steps.reverse()
    clf = KerasMLPClassifier(random_state=0)
    pipe = imblearn.pipeline.make_pipeline(*steps, clf)
    display = LearningRateDisplay.from_estimator(pipe, X, y, n_steps=100)
    for step in steps:
        transform = getattr(step, "fit_resample", None)
        X, y = transform(X, y) if transform else (step.fit_transform(X), y)
    alone = LearningRateDisplay.from_estimator(clf, X, y, n_steps=100)
    np.testing.assert_array_equal(display.losses, alone.losses)


@pytest.mark.not_pytorch
def test_all_steps_are_calls_of_one_trace(digits, monkeypatch):
    from skmnist._engine._trainers import BlockTrainer

    traced, batch_loss = [], BlockTrainer.batch_loss
    monkeypatch.setattr(
        BlockTrainer,
        "batch_loss",
        lambda self, *args: traced.append(1) or batch_loss(self, *args),
    )
    clf = KerasMLPClassifier(hidden_layer_sizes=19, random_state=0)
    LearningRateDisplay.from_estimator(clf, *digits, n_steps=100)
    assert 1 <= len(traced) <= 2  # a loop's body may be traced twice


def test_is_repeatable_and_leaves_compiled_trainers_usable(digits, same_weights):
    clf = KerasMLPClassifier(epochs=1, random_state=0)
    before = KerasMLPClassifier(epochs=1, random_state=0).fit(*digits)
    first, second = (
        LearningRateDisplay.from_estimator(clf, *digits, n_steps=100) for _ in range(2)
    )
    np.testing.assert_array_equal(first.losses, second.losses)
    np.testing.assert_array_equal(first.learning_rates, second.learning_rates)
    assert same_weights(before, clf.fit(*digits))


def test_first_loss_is_that_of_an_untrained_network(digits):
    X, y = digits
    clf = LeNetClassifier(filters=(4, 4), dropout=0, hidden_dropout=0, random_state=0)
    display = LearningRateDisplay.from_estimator(clf, X, y, n_steps=100)
    assert display.losses[0] == pytest.approx(np.log(10), abs=0.2)


def build_linear(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(meta["n_classes_"]),
        ]
    )


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


@pytest.mark.tensorflow
def test_network_with_its_own_training_step(digits):
    clf = KerasImageClassifier(build_own_step, random_state=0)
    display = LearningRateDisplay.from_estimator(clf, *digits)
    low, high = display.learning_rate_range
    assert 1e-4 < low < high < 10


@pytest.mark.parametrize(
    ("clf", "params", "message"),
    [
        (LogisticRegression(), {}, "has no learning rate to test"),
        (KerasMLPClassifier(), {"min_learning_rate": 0}, "min_learning_rate == 0"),
        (
            KerasMLPClassifier(),
            {"max_learning_rate": 1e-6},
            "max_learning_rate == 1e-06",
        ),
        (KerasMLPClassifier(), {"n_steps": 99}, "n_steps == 99, must be >= 100"),
        (
            KerasMLPClassifier(
                learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 9)
            ),
            {},
            "follows a schedule",
        ),
        (
            KerasMLPClassifier(
                optimizer=keras.optimizers.MultiOptimizer(
                    OptimizerMap(keras.optimizers.SGD(), {})
                )
            ),
            {},
            "several optimizers",
        ),
        (KerasMLPClassifier(epochs=0), {}, "'epochs' parameter"),
        (
            KerasMLPClassifier(
                label_smoothing=0.1, loss="sparse_categorical_crossentropy"
            ),
            {},
            "label_smoothing cannot change",
        ),
        (KerasImageClassifier(build_linear), {}, "one probability per class"),
    ],
)
def test_invalid_arguments(clf, params, message, digits):
    with pytest.raises(ValueError, match=message):
        LearningRateDisplay.from_estimator(clf, *digits, **params)


def test_classes_without_weight_do_not_end_the_test(digits):
    clf = KerasMLPClassifier(class_weight={0: 0.0}, batch_size=1, random_state=0)
    display = LearningRateDisplay.from_estimator(
        clf, *digits, max_learning_rate=1e-3, n_steps=120
    )
    assert len(display.losses) == 120


def test_unscaled_pixels_are_warned_of_as_in_fit(digits):
    X, y = digits
    with pytest.warns(UserWarning, match="PixelScaler"):
        LearningRateDisplay.from_estimator(
            KerasMLPClassifier(random_state=0), 255 * X, y, n_steps=100
        )


@pytest.mark.parametrize(
    ("rates", "losses", "message"),
    [
        ([0.1, 0.2], [1.0], "one length of at least 2"),
        (1.0, 1.0, "one-dimensional"),
        ([[0.1, 0.2]], [[1.0, 2.0]], "one-dimensional"),
        ([0.2, 0.1], [1.0, 2.0], "positive and increasing"),
        ([0.0, 0.1], [1.0, 2.0], "positive and increasing"),
    ],
)
def test_arrays_that_are_no_curve_are_refused(rates, losses, message):
    with pytest.raises(ValueError, match=message):
        LearningRateDisplay(rates, losses)
