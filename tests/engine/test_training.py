"""Tests of the training loop: callbacks, batches, interrupts, optimizers, losses."""

import importlib
import pickle
import signal
import subprocess
import sys
from collections import OrderedDict

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone

from skmnist import KerasImageClassifier, KerasMLPClassifier
from skmnist._engine import _network


class Recorder(keras.callbacks.Callback):
    seen = []

    def on_train_begin(self, logs=None):
        type(self).seen = [("begin", self.params["epochs"], self.params["steps"])]

    def on_epoch_end(self, epoch, logs=None):
        type(self).seen.append((epoch, dict(logs)))

    def on_train_end(self, logs=None):
        type(self).seen.append("end")


class BatchCounter(keras.callbacks.Callback):
    seen = []

    def on_train_batch_end(self, batch, logs=None):
        type(self).seen.append((batch, logs["loss"]))


class StopAt(keras.callbacks.Callback):
    def __init__(self, epoch, error=None):
        super().__init__()
        self.epoch, self.error = epoch, error

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            if self.error:
                raise self.error
            self.model.stop_training = True


class ModelKeeper(keras.callbacks.Callback):
    models = []

    def on_epoch_end(self, epoch, logs=None):
        self.models.append(self.model)


def test_callbacks_receive_keras_logs_every_epoch(digits):
    clf = KerasMLPClassifier(
        epochs=3, validation_fraction=0.25, callbacks=[Recorder()], random_state=0
    ).fit(*digits)
    begin, *epochs, end = Recorder.seen
    assert begin == ("begin", 3, 10)
    assert end == "end"
    assert [epoch for epoch, _ in epochs] == [0, 1, 2]
    for name, values in clf.history_.items():
        assert [logs[name] for _, logs in epochs] == values


def test_callbacks_are_copied_and_classifier_pickles(digits):
    callback = StopAt(2)
    clf = KerasMLPClassifier(epochs=9, callbacks=callback, random_state=0).fit(*digits)
    assert clf.n_iter_ == 2
    assert callback._model is None
    assert pickle.loads(pickle.dumps(clf)).n_iter_ == 2
    assert clone(clf).callbacks is not callback


def test_callbacks_do_not_change_result(digits, same_weights):
    clf = KerasMLPClassifier(epochs=3, dropout=0.2, random_state=0)
    with_callback = clone(clf).set_params(callbacks=[Recorder()])
    assert same_weights(clf.fit(*digits), with_callback.fit(*digits))


def test_learning_rate_scheduler_callback(digits, same_weights):
    def frozen_after_one(epoch, rate):
        return rate if epoch < 1 else 0.0

    scheduler = keras.callbacks.LearningRateScheduler(frozen_after_one)
    one = KerasMLPClassifier(epochs=1, random_state=0).fit(*digits)
    three = KerasMLPClassifier(epochs=3, callbacks=[scheduler], random_state=0)
    assert same_weights(one, three.fit(*digits))
    assert three.n_iter_ == 3


def test_keras_early_stopping_and_model_checkpoint(digits, tmp_path):
    path = tmp_path / "best.keras"
    callbacks = [
        keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=10),
        keras.callbacks.ModelCheckpoint(path, save_best_only=True, monitor="loss"),
    ]
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=9, validation_fraction=0.2, callbacks=callbacks, random_state=0
    ).fit(X, y)
    assert clf.n_iter_ == 3
    saved = keras.saving.load_model(path)
    np.testing.assert_allclose(
        saved.predict(X, verbose=0), clf.predict_proba(X), rtol=1e-5
    )


@pytest.mark.filterwarnings("ignore:ModelCheckpoint overrides per-batch hooks")
def test_model_saved_between_batches_can_be_loaded(digits, tmp_path):
    path = tmp_path / "last.keras"
    saver = keras.callbacks.ModelCheckpoint(path, save_freq=1)
    clf = KerasMLPClassifier(epochs=1, callbacks=[saver], random_state=0).fit(*digits)
    saved = keras.saving.load_model(path)
    np.testing.assert_allclose(
        saved.predict(digits[0], verbose=0), clf.predict_proba(digits[0]), rtol=1e-5
    )
    assert saved.loss == "categorical_crossentropy"


def test_model_kept_by_callback_is_not_trained_again(digits):
    ModelKeeper.models.clear()
    clf = KerasMLPClassifier(epochs=1, callbacks=[ModelKeeper()], random_state=0)
    clf.fit(*digits)
    kept = [w.copy() for w in ModelKeeper.models[0].get_weights()]
    clone(clf).set_params(random_state=1).fit(*digits)
    KerasMLPClassifier(epochs=2, random_state=2).fit(*digits)
    for now, then in zip(ModelKeeper.models[0].get_weights(), kept, strict=True):
        np.testing.assert_array_equal(now, then)


def test_per_batch_callback_warns_and_receives_every_batch(digits, warns_of_batches):
    BatchCounter.seen.clear()
    settings = {"epochs": 2, "batch_size": 64, "random_state": 0}
    clf = KerasMLPClassifier(callbacks=[BatchCounter()], **settings)
    with warns_of_batches("BatchCounter"):
        clf.fit(*digits)
    assert [batch for batch, _ in BatchCounter.seen] == [*range(7)] * 2
    fast = KerasMLPClassifier(**settings).fit(*digits)
    assert clf.history_["loss"] == pytest.approx(fast.history_["loss"], rel=1e-4)
    assert clf.history_["accuracy"] == pytest.approx(fast.history_["accuracy"])
    np.testing.assert_allclose(
        clf.predict_proba(digits[0]), fast.predict_proba(digits[0]), atol=1e-4
    )


@pytest.mark.tensorflow
@pytest.mark.slow
def test_jit_compile(digits, same_weights):
    settings = {"epochs": 2, "random_state": 0}
    fits = {
        choice: KerasMLPClassifier(jit_compile=choice, **settings).fit(*digits)
        for choice in ("auto", False, True)
    }
    # With so few rows "auto" does not compile with XLA.
    assert same_weights(fits["auto"], fits[False])
    np.testing.assert_allclose(
        fits[True].predict_proba(digits[0]),
        fits[False].predict_proba(digits[0]),
        atol=1e-4,
    )
    with pytest.raises(ValueError, match="jit_compile"):
        KerasMLPClassifier(jit_compile="always").fit(*digits)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_many_rows_are_trained_on_while_tensorflow_checks_numerics():
    tf.debugging.enable_check_numerics()
    try:
        clf = KerasMLPClassifier(hidden_layer_sizes=19, epochs=1, random_state=0)
        clf.fit(np.random.default_rng(0).random((1000, 4)), np.arange(1000) % 2)
    finally:
        tf.debugging.disable_check_numerics()
    assert np.isfinite(clf.history_["loss"][0])


def test_numpy_scalar_parameters_share_compiled_functions(digits, same_weights):
    """Searches over distributions draw NumPy scalars."""

    def fit(integer, real):
        clf = KerasMLPClassifier(
            hidden_layer_sizes=(integer(16),),
            dropout=real(0.25),
            l2=real(0.5),
            learning_rate=real(0.5),
            epochs=integer(1),
            random_state=0,
        )
        return clf.fit(*digits)

    plain = fit(int, float)
    n_compiled = len(_network._cache)
    for integer, real in ((np.int64, np.float64), (np.int32, np.float32)):
        assert same_weights(plain, fit(integer, real))
    assert len(_network._cache) == n_compiled


def build_with(meta, rates=(0.0, 0.0), activity=0.0):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dropout(rates[0]),
            layers.Dense(16, activity_regularizer=keras.regularizers.L2(activity)),
            layers.Dropout(rates[1]),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"rates": (0.0, 0.5)}, {"rates": (0.5, 0.0)}),
        ({"rates": (0.0, 0.5)}, {"rates": (0.5, 0.5)}),
        ({"activity": 0.0}, {"activity": 0.5}),
    ],
    ids=["place", "number", "activity"],
)
def test_different_networks_do_not_share_compiled_functions(
    one, other, digits, same_weights
):
    def fit(params):
        clf = KerasImageClassifier(
            build_with, params, image_shape=(-1,), epochs=2, random_state=0
        )
        return clf.fit(*digits)

    fit(one)
    after = fit(other)
    _network._cache.clear()
    assert same_weights(after, fit(other))


@pytest.mark.slow
@pytest.mark.parametrize("n_samples", [1, 31, 33, 64, 65, 400])
def test_partial_batches_match_keras_fit(n_samples, digits):
    """The training equals Keras's fit on the same order of samples, without dropout."""
    X, y = (array[: n_samples + 1] for array in digits)
    y = np.r_[(y[:-1] + 1) % 2, 1 - (y[:-1].max() + 1) % 2] if n_samples == 1 else y % 2
    clf = KerasMLPClassifier(epochs=2, dtype="float64", random_state=0).fit(X, y)

    from skmnist._engine._training import start

    state = start(clf._network, clf._training.seed)
    model = clf._network.model(state.weights)
    losses = []
    for epoch in range(2):
        order = np.random.default_rng([state.seed, epoch]).permutation(len(X))
        history = model.fit(
            X[order].astype(float),
            keras.utils.to_categorical(y[order], 2),
            batch_size=32,
            shuffle=False,
            verbose=0,
        )
        losses += history.history["loss"]
    # Keras computes the loss in float32.
    np.testing.assert_allclose(clf.history_["loss"], losses, rtol=1e-4)
    for actual, expected in zip(
        clf.model_.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_keyboard_interrupt_keeps_completed_epochs_and_is_reraised(digits):
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=9, callbacks=[StopAt(3, KeyboardInterrupt())], random_state=0
    )
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert clf.n_iter_ == 3 == len(clf.history_["loss"])
    three = KerasMLPClassifier(epochs=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), three.predict_proba(X))
    again = clf.set_params(callbacks=None, epochs=1).fit(X, y)
    assert again.n_iter_ == 1


@pytest.mark.parametrize(
    ("place", "n_epochs"),
    [
        ("_engine._network.Network.describe", 0),
        ("_engine._network.Network.build", 0),
        ("_engine._trainers.Variables.assign", 0),
        ("_engine._trainers.BlockTrainer.train_block", 0),
        ("_engine._trainers.Trainer.run_epoch", 1),
        ("_engine._network.Network.evaluate", 1),
        ("classifiers._checkpoint.Checkpoint.save", 2),
    ],
)
def test_keyboard_interrupt_at_any_stage_leaves_usable_classifier(
    place, n_epochs, digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    if ".BlockTrainer." in place and trainer_class.__name__ != "BlockTrainer":
        pytest.skip("this backend takes one step per call")
    of_backend = f"{trainer_class.__module__}.{trainer_class.__name__}"
    trainer = of_backend.removeprefix("skmnist.")
    place = place.replace("_engine._trainers.Trainer", trainer)
    X, y = digits
    clf = KerasMLPClassifier(
        epochs=4, validation_fraction=0.2, random_state=0, checkpoint_dir=tmp_path
    )
    uninterrupted = clone(clf).set_params(checkpoint_dir=None).fit(X, y)
    module, owner, name = place.rsplit(".", 2)
    owner = getattr(importlib.import_module(f"skmnist.{module}"), owner)
    function, calls = getattr(owner, name), []

    def interrupting(*args, **kwargs):
        calls.append(name)
        if len(calls) == max(n_epochs, 1) + (name in ("run_epoch", "evaluate")):
            signal.raise_signal(signal.SIGINT)
        return function(*args, **kwargs)

    with monkeypatch.context() as patch:
        if name == "build":  # a cached network is not built again
            patch.setattr(_network, "_initial_states", OrderedDict())
            patch.setattr(_network, "_cache", OrderedDict())
        patch.setattr(owner, name, interrupting)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    if name != "build":  # without a network there is no fitted classifier
        assert clf.n_iter_ == len(clf.history_.get("loss", ())) == n_epochs
        assert set(map(len, clf.history_.values())) <= {n_epochs}
        assert clf.predict(X).shape == y.shape
        assert pickle.loads(pickle.dumps(clf)).n_iter_ == n_epochs
    assert same_weights(clf.fit(X, y), uninterrupted)


@pytest.mark.slow
def test_keyboard_interrupt_ends_grid_search():
    """The search runs in another process, which receives SIGINT."""
    code = """
import signal, sys, time
from sklearn.model_selection import GridSearchCV
from skmnist import KerasMLPClassifier, load_digits28
import skmnist._engine._training, keras

class PrintEpoch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, flush=True)

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier(rescaling=1 / 255, epochs=1000, callbacks=[PrintEpoch()])
try:
    GridSearchCV(clf, {"dropout": [0.1, 0.2]}, cv=2).fit(X[:200], y[:200])
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "epoch 0\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=100)
    assert out.splitlines()[-1] == "interrupted"
    assert out.count("epoch 0\n") == 0  # no second fit was started
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 4), (2, 4)])
def test_verbose_matches_keras(verbose, lines, digits, capsys):
    KerasMLPClassifier(epochs=2, verbose=verbose, random_state=0).fit(*digits)
    out = capsys.readouterr().out
    if keras.backend.backend() != "torch":  # the bar there moves with every batch
        assert len([line for line in out.splitlines() if line.strip()]) == lines
    assert ("Epoch 2/2" in out) == ("loss" in out) == bool(verbose)


@pytest.mark.slow
def test_optimizer_instance_is_not_modified(digits, same_weights):
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    clf = KerasMLPClassifier(optimizer=optimizer, epochs=2, random_state=0)
    first = clone(clf).fit(*digits)
    clf.fit(*digits)
    assert int(optimizer.iterations) == 0
    assert not optimizer.built
    assert same_weights(first, clf)
    named = KerasMLPClassifier(optimizer="sgd", learning_rate=0.05, epochs=2)
    assert not same_weights(clf, named.set_params(random_state=0).fit(*digits))
    # learning_rate applies to an instance, too.
    faster = clone(clf).set_params(learning_rate=0.2).fit(*digits)
    assert not same_weights(clf, faster)
    assert float(faster.model_.optimizer.learning_rate) == pytest.approx(0.2)


@pytest.mark.slow
def test_loss_by_name_object_or_function(digits):
    X, y = digits
    for loss in (
        "categorical_focal_crossentropy",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        lambda y_true, y_pred: keras.losses.mean_squared_error(y_true, y_pred),
    ):
        clf = KerasMLPClassifier(loss=loss, epochs=6, random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.6
    plain = keras.losses.CategoricalCrossentropy()
    by_name = KerasMLPClassifier(epochs=1, random_state=0).fit(X, y)
    by_object = KerasMLPClassifier(loss=plain, epochs=1, random_state=0).fit(X, y)
    np.testing.assert_array_equal(by_name.predict_proba(X), by_object.predict_proba(X))


@pytest.mark.slow
def test_mixed_precision(digits):
    X, y = digits
    for dtype in ("mixed_bfloat16", "mixed_float16"):
        clf = KerasMLPClassifier(dtype=dtype, epochs=8, random_state=0).fit(X, y)
        assert clf.score(X, y) > 0.6
        assert clf.predict_proba(X).dtype == np.float32


def test_penalty_on_activities_is_that_of_all_samples():
    def build(meta):
        relu = keras.layers.Dense(4, "relu", activity_regularizer="l2")
        softmax = keras.layers.Dense(meta["n_classes_"], "softmax")
        return keras.Sequential([keras.Input((4,)), relu, softmax])

    X = np.random.default_rng(0).normal(size=(2049, 4)).astype(np.float32)
    X[-1] *= 100
    y = np.arange(2049) % 2
    clf = KerasImageClassifier(build, image_shape=(-1,), epochs=1, random_state=0)
    clf.fit(X[:100], y[:100])
    loss = clf.evaluate(X, y)["loss"]
    expected = clf.model_.evaluate(X, np.eye(2)[y], batch_size=2048, verbose=0)[0]
    assert loss == pytest.approx(expected, rel=1e-3)


def test_logs_that_are_no_numbers_are_left_out_of_the_history(digits):
    def add(epoch, logs):
        logs |= {"phase": "warm", "nothing": None, "size": np.float32(2)}

    callback = keras.callbacks.LambdaCallback(on_epoch_end=add)
    clf = KerasMLPClassifier((8,), epochs=2, callbacks=callback).fit(*digits)
    assert set(clf.history_) == {"loss", "accuracy", "size"}


def test_validation_loss_that_is_not_finite_leaves_the_classifier(digits):
    clf = KerasMLPClassifier((8,), epochs=2, random_state=0).fit(*digits)
    expected = clf.predict_proba(digits[0])
    diverging = {"learning_rate": 1e38, "optimizer": "sgd", "activation": "relu"}
    clf.set_params(epochs=1, batch_size=600, validation_fraction=0.2, **diverging)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(*digits)
    assert (clf.n_iter_, len(clf.validation_indices_)) == (2, 0)
    np.testing.assert_array_equal(clf.predict_proba(digits[0]), expected)


def test_warning_of_scale_points_at_the_caller(digits):
    X, y = digits
    with pytest.warns(UserWarning, match="far from unit scale") as caught:
        KerasMLPClassifier((8,), epochs=1).fit(X * 255, y)
    # Keras on PyTorch warns of NumPy's changes.
    (warning,) = (each for each in caught if each.category is UserWarning)
    assert warning.filename == __file__
