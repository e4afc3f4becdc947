"""Keras callbacks are called as keras.Model.fit calls them."""

import threading
from collections import OrderedDict

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skmnist import KerasMLPClassifier, load, save
from skmnist._engine import _network


class Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])


class AddToLogs(keras.callbacks.Callback):
    def __init__(self, name="own", values=(0.1, 0.2, 0.3)):
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs=None):
        if epoch < len(self.values):
            logs[self.name] = self.values[epoch]


class StopAfterBatches(keras.callbacks.Callback):
    def __init__(self, n):
        super().__init__()
        self.n, self.seen = n, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.n:
            self.model.stop_training = True


def classifier(*callbacks, **params):
    settings = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 0} | params
    return KerasMLPClassifier(callbacks=list(callbacks), **settings)


def test_fit_calls_the_callback_itself(digits):
    record = Record()
    clf = classifier(record).fit(*digits)
    assert record.losses == clf.history_["loss"]


def test_clones_have_callbacks_of_their_own(digits):
    record = Record()
    cross_val_score(classifier(record), *digits, cv=2, error_score="raise")
    assert record.losses == []
    first = clone(classifier(record)).fit(*digits)
    assert len(first.callbacks[0].losses) == 3
    again = clone(first)
    assert again.callbacks[0].losses == first.callbacks[0].losses
    assert again.callbacks[0].losses is not first.callbacks[0].losses


def test_callback_that_cannot_be_copied_is_shared(digits, tmp_path):
    locked = Record()
    locked.lock = threading.Lock()
    clf = classifier(locked)
    cross_val_score(clf, *digits, cv=2, error_score="raise")
    assert len(locked.losses) == 6
    with open(tmp_path / "losses", "w") as file:
        writing = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: file.write(f"{epoch}\n")
        )
        classifier(writing).fit(*digits)
    assert (tmp_path / "losses").read_text() == "0\n1\n2\n"


def test_history_has_what_callbacks_add_to_the_logs(digits, tmp_path):
    rates = [0.004, 0.002, 0.001]
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch])
    later = Record()
    seen = []
    later.on_epoch_end = lambda epoch, logs: seen.append(dict(logs))
    clf = classifier(scheduler, AddToLogs(), later).fit(*digits)
    np.testing.assert_allclose(clf.history_["learning_rate"], rates)
    assert clf.history_["own"] == [0.1, 0.2, 0.3]
    assert [logs["own"] for logs in seen] == [0.1, 0.2, 0.3]
    save(clf, tmp_path / "model")
    assert load(tmp_path / "model").history_ == clf.history_


def test_end_of_training_has_the_logs_of_the_last_epoch(digits):
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_end=seen.append)
    clf = classifier(callback, validation_fraction=0.2).fit(*digits)
    assert seen == [{name: values[-1] for name, values in clf.history_.items()}]


def test_history_has_one_length_for_every_quantity(digits, tmp_path):
    clf = classifier(AddToLogs(values=(0.1,)), warm_start=True).fit(*digits)
    clf.set_params(callbacks=None, validation_fraction=0.2, epochs=2).fit(*digits)
    clf.partial_fit(*digits)
    assert {len(values) for values in clf.history_.values()} == {clf.n_iter_} == {6}
    np.testing.assert_array_equal(
        np.isnan(clf.history_["val_loss"]), [True, True, True, False, False, True]
    )
    np.testing.assert_array_equal(np.isnan(clf.history_["own"]), [False] + [True] * 5)
    assert clf.best_epoch_ in (4, 5)
    save(clf, tmp_path / "model")
    np.testing.assert_equal(load(tmp_path / "model").history_, clf.history_)


@pytest.mark.parametrize("monitor", ["accuracy", "val_accuracy", "loss", "val_loss"])
@pytest.mark.parametrize(
    "make",
    [
        lambda monitor, path: keras.callbacks.EarlyStopping(monitor, patience=1),
        lambda monitor, path: keras.callbacks.ReduceLROnPlateau(monitor, patience=1),
        lambda monitor, path: keras.callbacks.ModelCheckpoint(
            path / "model.keras", monitor=monitor, save_best_only=True
        ),
    ],
    ids=["EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint"],
)
@pytest.mark.parametrize("in_batches", [False, True], ids=["blocks", "batches"])
@pytest.mark.filterwarnings("ignore:StopAfterBatches overrides per-batch hooks")
def test_monitors_work_in_automatic_mode(make, monitor, in_batches, digits, tmp_path):
    callback = make(monitor, tmp_path)
    others = [StopAfterBatches(10**6)] if in_batches else []
    classifier(callback, *others, validation_fraction=0.2).fit(*digits)
    maximised = monitor.endswith("accuracy")
    assert callback.monitor_op in ((np.greater,) if maximised else (np.less,)) or (
        # ReduceLROnPlateau wraps the comparison.
        callback.monitor_op(2.0, 1.0) == maximised
    )


@pytest.mark.filterwarnings("ignore:(StopAfterBatches|LambdaCallback) overrides")
def test_stop_training_within_an_epoch(digits):
    stop = StopAfterBatches(5)
    clf = classifier(stop, batch_size=32).fit(*digits)  # 13 batches an epoch
    assert stop.seen == 5
    assert clf.n_iter_ == 1


class StopBefore(keras.callbacks.Callback):
    """Stop the training before an epoch, or before the first if that is None."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_train_begin(self, logs=None):
        if self.epoch is None:
            self.model.stop_training = True

    def on_epoch_begin(self, epoch, logs=None):
        if self.epoch == epoch:
            self.model.stop_training = True


@pytest.mark.parametrize("epoch", [None, 0, 1])
def test_stop_training_before_an_epoch_trains_one_more_batch(epoch, digits):
    """As keras.Model.fit does."""
    clf = classifier(StopBefore(epoch), batch_size=100).fit(*digits)
    model = classifier(epochs=1).fit(*digits).model_
    history = model.fit(
        digits[0],
        keras.utils.to_categorical(digits[1]),
        batch_size=100,
        epochs=3,
        verbose=0,
        callbacks=[StopBefore(epoch)],
    )
    assert clf.n_iter_ == len(history.epoch) == (epoch or 0) + 1
    steps = int(model.optimizer.iterations)
    assert clf._training.optimizer_state[0] == steps == 4 * (epoch or 0) + 1


class UseWhileAThreadUses(keras.callbacks.Callback):
    """Use one classifier while another thread waits to build the other's network."""

    def __init__(self, use, own, other):
        super().__init__()
        self.use_own = lambda: use(own)
        self.thread = threading.Thread(target=use, args=[other], daemon=True)

    def on_train_batch_end(self, batch, logs=None):
        if self.thread.ident is None:
            self.thread.start()
            self.thread.join(0.5)
            self.use_own()


@pytest.mark.filterwarnings("ignore:UseWhileAThreadUses overrides")
@pytest.mark.parametrize(
    "use",
    [lambda clf: clf.predict(np.zeros((1, 64))), lambda clf: clf.model_],
    ids=["predict", "model_"],
)
def test_callback_and_thread_use_other_classifiers(use, digits, monkeypatch):
    own, other = (classifier(hidden_layer_sizes=n).fit(*digits) for n in (5, 6))
    monkeypatch.setattr(_network, "_cache", OrderedDict())
    callback = UseWhileAThreadUses(use, own, other)
    fit = threading.Thread(target=classifier(callback).fit, args=digits, daemon=True)
    fit.start()
    for thread in fit, callback.thread:
        thread.join(60)
        assert not thread.is_alive()


class WaitForPrediction(keras.callbacks.Callback):
    """Wait within an epoch until another thread has built and used a network."""

    def __init__(self, predict):
        super().__init__()
        self.thread = threading.Thread(target=predict, daemon=True)

    def on_train_batch_end(self, batch, logs=None):
        if self.thread.ident is None:
            self.thread.start()
            self.thread.join(60)
            self.waited_in_vain = self.thread.is_alive()


@pytest.mark.filterwarnings("ignore:WaitForPrediction overrides")
def test_thread_does_not_wait_for_the_epoch_of_another_fit(digits, monkeypatch):
    other = classifier(hidden_layer_sizes=6).fit(*digits)
    monkeypatch.setattr(_network, "_cache", OrderedDict())
    callback = WaitForPrediction(lambda: other.predict(digits[0][:1]))
    classifier(callback, epochs=1).fit(*digits)
    assert not callback.waited_in_vain


@pytest.mark.filterwarnings("ignore:LambdaCallback overrides")
def test_batch_hooks_of_an_instance_are_called(digits):
    batches = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    classifier(callback, epochs=1, batch_size=100).fit(*digits)
    assert batches == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (
            [keras.callbacks.EarlyStopping],
            r"the class EarlyStopping.*EarlyStopping\(\)",
        ),
        ([print], "not a Keras callback"),
    ],
)
def test_other_objects_are_refused_before_training(callbacks, message, digits):
    with pytest.raises(ValueError, match=message):
        KerasMLPClassifier(callbacks=callbacks).fit(*digits)
