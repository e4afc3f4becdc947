"""Every public callback of Keras acts as in `keras.Model.fit`."""

import inspect

import keras
import numpy as np
import pytest
from keras import callbacks, layers

from skmnist import KerasImageClassifier

#: Classes that are not walked, and why.
NOT_WALKED = {
    "Callback": "the base class of all callbacks",
    "CallbackList": "the list through which callbacks are called, no callback",
    "OrbaxCheckpoint": "writes files of Orbax, a package for JAX",
    "RemoteMonitor": "sends the logs to a server",
}
# A callback of each class, and whether it is called before and after every batch.
CALLBACKS = {
    "BackupAndRestore": lambda folder: callbacks.BackupAndRestore(folder / "backup"),
    "CSVLogger": lambda folder: callbacks.CSVLogger(folder / "log.csv"),
    "EarlyStopping": lambda folder: callbacks.EarlyStopping(
        "val_loss", patience=1, min_delta=1, restore_best_weights=True
    ),
    "History": lambda folder: callbacks.History(),
    "LambdaCallback": lambda folder: callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(doubled=2 * logs["loss"])
    ),
    "LearningRateScheduler": lambda folder: callbacks.LearningRateScheduler(
        lambda epoch, rate: rate / 2
    ),
    "ModelCheckpoint": lambda folder: callbacks.ModelCheckpoint(
        folder / "best.keras", monitor="val_accuracy", save_best_only=True
    ),
    "ReduceLROnPlateau": lambda folder: callbacks.ReduceLROnPlateau(
        "val_loss", factor=0.5, patience=1, min_delta=1
    ),
    "SwapEMAWeights": lambda folder: callbacks.SwapEMAWeights(),
}
BY_BATCH = {
    "ProgbarLogger": lambda folder: callbacks.ProgbarLogger(),
    "TensorBoard": lambda folder: callbacks.TensorBoard(folder, histogram_freq=1),
    "TerminateOnNaN": lambda folder: callbacks.TerminateOnNaN(),
}


def build(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(4, activation="tanh"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def averaging():
    return keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.random((40, 6), dtype=np.float32), np.arange(40) % 3


@pytest.fixture
def acts_as_keras(rows, trains_as_keras, tmp_path):
    """A function that compares a training with a callback, and returns its files."""

    def check(make, **settings):
        made = []

        def new():
            folder = tmp_path / str(len(made))
            folder.mkdir()
            made.append((make(folder), folder))
            return [made[-1][0]]

        trains_as_keras(
            build,
            *rows,
            callbacks=new,
            validation=True,
            **({"optimizer": averaging, "epochs": 4} | settings),
        )
        return made

    return check


def test_every_callback_is_walked_or_left_out_for_a_reason():
    walked = {**CALLBACKS, **BY_BATCH}
    public = {name for name, _ in inspect.getmembers(callbacks, inspect.isclass)}
    assert public <= set(walked) | set(NOT_WALKED)
    assert not set(walked) & set(NOT_WALKED)


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_act_as_in_keras(name, acts_as_keras):
    (own, own_files), (other, other_files) = acts_as_keras(CALLBACKS[name])
    names = [sorted(p.name for p in f.iterdir()) for f in (own_files, other_files)]
    assert names[0] == names[1]
    if name == "History":
        assert own.epoch == other.epoch
        assert set(own.history) == set(other.history)
    if name == "EarlyStopping":
        assert own.stopped_epoch == other.stopped_epoch == 1
    if name == "CSVLogger":
        logs = [
            np.genfromtxt(f / "log.csv", delimiter=",", names=True)
            for f in (own_files, other_files)
        ]
        assert logs[0].dtype.names == logs[1].dtype.names
        for column in logs[0].dtype.names:
            np.testing.assert_allclose(logs[0][column], logs[1][column], 1e-4)
    if name == "ModelCheckpoint":
        saved = [
            keras.saving.load_model(f / "best.keras") for f in (own_files, other_files)
        ]
        for a, b in zip(*(model.get_weights() for model in saved), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        assert own.best == pytest.approx(other.best)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*per-batch hooks:UserWarning")
@pytest.mark.parametrize("name", BY_BATCH)
def test_callbacks_of_batches_act_as_in_keras(name, acts_as_keras):
    acts_as_keras(BY_BATCH[name])


@pytest.mark.slow
def test_swap_ema_weights_on_epoch_shows_average_to_other_callbacks(acts_as_keras):
    acts_as_keras(lambda folder: callbacks.SwapEMAWeights(swap_on_epoch=True))


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*per-batch hooks:UserWarning")
def test_terminate_on_nan_ends_as_any_diverging_training(rows):
    clf = KerasImageClassifier(
        build,
        optimizer="sgd",
        learning_rate=1e38,
        random_state=0,
        callbacks=callbacks.TerminateOnNaN(),
    )
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(*rows)


@pytest.mark.slow
def test_backup_of_an_interrupted_fit_is_refused(rows, tmp_path):
    class Interrupt(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("interrupted")

    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    clf = KerasImageClassifier(
        build, image_shape=(-1,), callbacks=[backup, Interrupt()], random_state=0
    )
    with pytest.raises(RuntimeError, match="interrupted"):
        clf.fit(*rows)
    with pytest.raises(ValueError, match="checkpoint_dir"):
        clf.set_params(callbacks=[backup]).fit(*rows)
