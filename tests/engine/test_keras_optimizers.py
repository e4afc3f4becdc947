"""Every public optimizer and schedule of Keras trains as in `keras.Model.fit`."""

import inspect

import keras
import numpy as np
import pytest
from keras import layers, optimizers
from keras.optimizers import schedules

from skmnist import KerasImageClassifier

#: Classes that are not walked, and why.
NOT_WALKED = {
    "LearningRateSchedule": "the base class of all schedules",
    "Optimizer": "the base class of all optimizers",
    "OptimizerMap": "an argument of MultiOptimizer, walked with it",
}
OPTIMIZERS = {
    "Adadelta": lambda: optimizers.Adadelta(0.5),
    "Adafactor": lambda: optimizers.Adafactor(0.02),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adam": lambda: optimizers.Adam(0.02, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.02, weight_decay=0.1),
    "Adamax": lambda: optimizers.Adamax(0.02),
    "Ftrl": lambda: optimizers.Ftrl(0.1),
    "Lamb": lambda: optimizers.Lamb(0.02),
    "Lion": lambda: optimizers.Lion(0.01),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(
        optimizers.SGD(0.1), initial_scale=8.0, dynamic_growth_steps=2
    ),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(
            optimizers.SGD(0.1), {".*hidden/kernel": optimizers.Adam(0.02)}
        )
    ),
    "Muon": lambda: optimizers.Muon(0.02),
    "Nadam": lambda: optimizers.Nadam(0.02),
    "RMSprop": lambda: optimizers.RMSprop(0.02, momentum=0.5, centered=True),
    "SGD": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "ScheduleFreeAdamW": lambda: optimizers.ScheduleFreeAdamW(0.02, warmup_steps=2),
}
SCHEDULES = {
    "CosineDecay": lambda: schedules.CosineDecay(0.1, 3, warmup_target=0.3),
    "CosineDecayRestarts": lambda: schedules.CosineDecayRestarts(0.1, 2),
    "ExponentialDecay": lambda: schedules.ExponentialDecay(0.1, 2, 0.5),
    "InverseTimeDecay": lambda: schedules.InverseTimeDecay(0.1, 1, 0.5),
    "PiecewiseConstantDecay": lambda: schedules.PiecewiseConstantDecay(
        [1, 2], [0.3, 0.1, 0.05]
    ),
    "PolynomialDecay": lambda: schedules.PolynomialDecay(0.1, 3),
}
# Settings that every optimizer has.
OPTIONS = {
    "use_ema": {"use_ema": True, "ema_momentum": 0.5},
    "ema_overwrite_frequency": {
        "use_ema": True,
        "ema_momentum": 0.5,
        "ema_overwrite_frequency": 2,
    },
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 2},
    "loss_scale_factor": {"loss_scale_factor": 4.0},
    "clipnorm": {"clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.02},
    "global_clipnorm": {"global_clipnorm": 0.05},
    "weight_decay": {"weight_decay": 0.1},
    "ema and accumulation": {
        "use_ema": True,
        "ema_momentum": 0.5,
        "gradient_accumulation_steps": 2,
    },
    "ema and schedule": {
        "use_ema": True,
        "ema_momentum": 0.5,
        "learning_rate": schedules.ExponentialDecay(0.1, 2, 0.5),
    },
}
has_multi_optimizer = pytest.mark.skipif(
    not hasattr(optimizers, "MultiOptimizer"), reason="this Keras has no MultiOptimizer"
)


def build(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(4, activation="tanh", name="hidden"),
            layers.Dense(meta["n_classes_"], activation="softmax", name="outputs"),
        ]
    )


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.random((40, 6), dtype=np.float32), rng.integers(3, size=40)


def public(module):
    """Return the names of the classes of a module of Keras."""
    return {name for name, _ in inspect.getmembers(module, inspect.isclass)}


def test_every_optimizer_is_walked_or_left_out_for_a_reason():
    public_names = public(optimizers) | public(schedules)
    assert public_names <= set(OPTIMIZERS) | set(SCHEDULES) | set(NOT_WALKED)
    assert not set(NOT_WALKED) & (set(OPTIMIZERS) | set(SCHEDULES))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in OPTIMIZERS if name in dir(optimizers)]
)
def test_optimizers_train_as_in_keras(name, rows, trains_as_keras):
    trains_as_keras(build, *rows, optimizer=OPTIMIZERS[name], epochs=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_optimizers_train_as_in_keras(name, rows, trains_as_keras):
    options = {"learning_rate": 0.1} | OPTIONS[name]
    trains_as_keras(build, *rows, optimizer=lambda: optimizers.SGD(**options), epochs=5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_train_as_in_keras(name, rows, trains_as_keras):
    trains_as_keras(
        build, *rows, optimizer=lambda: optimizers.SGD(SCHEDULES[name]()), epochs=4
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "atol"),
    # In half precision one of the 40 samples may fall on the other side.
    [("float64", 1e-5), ("mixed_float16", 0.03)],
)
def test_dtype_policies_train_as_in_keras(dtype, atol, rows, trains_as_keras):
    """Under mixed_float16 Keras scales the loss, and skips steps that overflow."""
    model = trains_as_keras(
        build,
        *rows,
        optimizer=lambda: optimizers.SGD(0.1),
        dtype=dtype,
        atol=atol,
        epochs=6,
    ).model
    if dtype == "mixed_float16":
        assert isinstance(model.optimizer, optimizers.LossScaleOptimizer)


@pytest.mark.slow
def test_loss_scale_optimizer_takes_learning_rate_of_the_classifier(rows):
    scaled = optimizers.LossScaleOptimizer(optimizers.SGD(0.1))
    settings = {"image_shape": (-1,), "epochs": 2, "random_state": 0}
    clf = KerasImageClassifier(build, optimizer=scaled, learning_rate=0.5, **settings)
    plain = KerasImageClassifier(build, optimizer="sgd", learning_rate=0.5, **settings)
    expected = plain.fit(*rows).predict_proba(rows[0])
    np.testing.assert_allclose(clf.fit(*rows).predict_proba(rows[0]), expected, 1e-4)
    for warm in (clf, plain):
        warm.set_params(warm_start=True, learning_rate=0.05).fit(*rows)
    np.testing.assert_allclose(
        clf.predict_proba(rows[0]), plain.predict_proba(rows[0]), rtol=1e-4
    )


@has_multi_optimizer
def test_learning_rate_with_a_multi_optimizer_is_refused(rows):
    clf = KerasImageClassifier(
        build, optimizer=OPTIMIZERS["MultiOptimizer"](), learning_rate=0.1
    )
    with pytest.raises(ValueError, match="each optimizer in its map"):
        clf.fit(*rows)


@has_multi_optimizer
@pytest.mark.tensorflow
def test_diverging_multi_optimizer_is_an_error(rows):
    optimizer = optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(1e38)))
    clf = KerasImageClassifier(build, optimizer=optimizer, random_state=0)
    with pytest.raises(ValueError, match="Lower learning_rate, or"):
        clf.fit(*rows)
