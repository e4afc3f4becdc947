"""Checkpoints: interrupted fits resume and end as if they had not been interrupted."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier, load
from skmnist.classifiers._key import identify


def build_custom(meta, rate=0.3):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.GaussianNoise(0.1),
            keras.layers.Dropout(rate),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


ESTIMATORS = [
    KerasMLPClassifier(dropout=0.2, epochs=5, random_state=0),
    KerasMLPClassifier(
        learning_rate=0.03,
        epochs=60,
        class_weight="balanced",
        validation_fraction=0.25,
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
    ),
    LeNetClassifier(filters=(4, 8), hidden_layer_sizes=(8,), epochs=4, random_state=0),
    KerasImageClassifier(build_custom, epochs=4, random_state=0),
]


class Killed(BaseException):
    pass


def kill_in_epoch(trainer, monkeypatch, number):
    """Raise Killed at the end of an epoch, counted from 1 over all following fits."""
    run_epoch, count = trainer.run_epoch, iter(range(1, 1000))

    def run(self, *args, **kwargs):
        logs = run_epoch(self, *args, **kwargs)
        if next(count) == number:
            raise Killed
        return logs

    monkeypatch.setattr(trainer, "run_epoch", run)


def epochs_run(trainer, monkeypatch):
    """Return a list to which every following epoch appends an entry."""
    run_epoch, done = trainer.run_epoch, []

    def run(self, *args, **kwargs):
        done.append(self)
        return run_epoch(self, *args, **kwargs)

    monkeypatch.setattr(trainer, "run_epoch", run)
    return done


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=["mlp", "early-stopping", "lenet", "user-builder"]
)
def test_interrupted_fit_resumes_bit_identical(
    estimator, digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    digits = *digits, np.linspace(0.5, 2, 400)  # sample weights
    whole = clone(estimator).fit(*digits)
    clf = clone(estimator).set_params(checkpoint_dir=tmp_path)
    with monkeypatch.context() as patch:
        kill_in_epoch(trainer_class, patch, 3)
        with pytest.raises(Killed):
            clone(clf).fit(*digits)
    with monkeypatch.context() as patch:
        # Two epochs are saved, so this is the fifth.
        kill_in_epoch(trainer_class, patch, 3)
        if whole.n_iter_ > 4:
            with pytest.raises(Killed):
                clone(clf).fit(*digits)
    resumed = clone(clf).fit(*digits)
    assert same_weights(whole, resumed)
    assert resumed.history_ == whole.history_
    assert resumed.best_epoch_ == whole.best_epoch_


def test_completed_fit_is_loaded_with_message(
    digits, tmp_path, monkeypatch, capsys, same_weights, trainer_class
):
    clf = clone(ESTIMATORS[0]).set_params(checkpoint_dir=str(tmp_path))
    first = clone(clf).fit(*digits)
    kill_in_epoch(trainer_class, monkeypatch, 1)
    again = clone(clf).set_params(verbose=2).fit(*digits)
    assert "5 epochs are done" in capsys.readouterr().out
    assert same_weights(first, again)


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate


class OwnLoss(keras.losses.Loss):
    def __init__(self, power):
        super().__init__()
        self.power = power

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** self.power, axis=-1)


@pytest.mark.parametrize("cls", [OwnSchedule, OwnLoss])
def test_key_depends_on_attributes_that_a_config_leaves_out(cls):
    assert identify(cls(1.0)) == identify(cls(1.0))
    assert identify(cls(1.0)) != identify(cls(2.0))


@pytest.mark.slow
def test_key_depends_on_data_and_parameters(digits, tmp_path):
    X, y = digits
    clf = clone(ESTIMATORS[0]).set_params(checkpoint_dir=tmp_path, epochs=1)
    clf.fit(X, y)
    clf.fit(X[:300], y[:300])
    clf.fit(X, y, sample_weight=np.linspace(1, 2, 400))
    clone(clf).set_params(dropout=0.1).fit(X, y)
    clone(clf).set_params(random_state=1).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 5
    clone(clf).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 5
    cross_val_score(clf, X, y, cv=2)
    assert len(list(tmp_path.iterdir())) == 7
    # Builders that differ only in a closure are different code.
    for rate in (0.1, 0.5):
        own = KerasImageClassifier(lambda meta, r=rate: build_custom(meta, r), epochs=1)
        own.set_params(random_state=0, checkpoint_dir=tmp_path).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 9


@pytest.mark.slow
def test_key_is_equal_across_processes():
    code = """
import functools
from skmnist.classifiers._key import identify

class Layer:
    def call(self, x):
        return x in {"one", "two", "three"} or HELP(x)

class Loss:
    def __init__(self):
        self.me = self
    def get_config(self):
        return {"slope": 1, "kind": {"class_name": "__lambda__", "config": id(self)}}

def HELP(x):
    return (lambda z: z + 1)(x)

def build(meta, rate=0.25):
    return Layer(), HELP(rate), meta

pair = (1, 2)
print(identify([build, functools.partial(build, rate=0.5), Loss(), pair, pair]))
"""
    found = set()
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(out.stdout)
    assert len(found) == 1


def test_key_depends_on_code_of_functions():
    def enclosing(value):
        return lambda x: x * value

    other = [
        enclosing(1),
        enclosing(2),
        lambda x: x + 1,
        lambda x: x + 2,
        lambda x, y=1: x + 1,
        keras.optimizers.SGD(0.1),
        keras.optimizers.SGD(0.2),
        type("Own", (), {"call": lambda self: 1}),
        type("Own", (), {"call": lambda self: 2}),
    ]
    assert len(set(map(identify, other))) == len(other)
    one, same = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)
    assert identify(one) == identify(same)
    assert identify(enclosing(1)) == identify(enclosing(1))
    assert identify(((1, 2), (1, 2))) == identify(((1, 2),) * 2)


@pytest.mark.slow
def test_resume_with_user_code_and_other_dtypes(
    digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    for params in (
        {"optimizer": keras.optimizers.SGD(0.05, momentum=0.9)},
        {"loss": lambda y, y_pred: keras.losses.mean_squared_error(y, y_pred)},
        {"dtype": "bfloat16"},
    ):
        clf = KerasMLPClassifier(epochs=3, random_state=0, **params)
        whole = clone(clf).fit(*digits)
        clf.set_params(checkpoint_dir=tmp_path)
        with monkeypatch.context() as patch:
            kill_in_epoch(trainer_class, patch, 3)
            with pytest.raises(Killed):
                clone(clf).fit(*digits)
        with monkeypatch.context() as patch:
            done = epochs_run(trainer_class, patch)
            resumed = clone(clf).fit(*digits)
        assert len(done) == 1
        assert same_weights(whole, resumed)


def test_warm_start_resumes_after_interruption(
    digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    clf = KerasMLPClassifier(epochs=3, dropout=0.2, warm_start=True, random_state=0)
    whole = clone(clf).fit(*digits).fit(*digits)
    clf.set_params(checkpoint_dir=tmp_path)
    with monkeypatch.context() as patch:
        kill_in_epoch(trainer_class, patch, 5)
        with pytest.raises(Killed):
            clone(clf).fit(*digits).fit(*digits)
    done = epochs_run(trainer_class, monkeypatch)
    resumed = clone(clf).fit(*digits).fit(*digits)
    assert len(done) == 2  # of six
    assert same_weights(whole, resumed)
    assert resumed.history_ == whole.history_


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["loss", "val_accuracy"])
def test_save_best_saves_best_epoch(
    quantity, digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    X, y = digits
    clf = KerasMLPClassifier(
        learning_rate=0.2,  # up and down
        epochs=8,
        validation_fraction=0.2,
        checkpoint_dir=tmp_path,
        save_best=quantity,
        random_state=0,
    )
    with monkeypatch.context() as patch:
        kill_in_epoch(trainer_class, patch, 6)
        with pytest.raises(Killed):
            clone(clf).fit(X, y)
    clf.fit(X, y)
    values = clf.history_[quantity]
    best = values.index((max if "accuracy" in quantity else min)(values)) + 1
    loaded = load(clf.best_model_path_)
    assert loaded.n_iter_ == best
    assert loaded.history_ == {k: v[:best] for k, v in clf.history_.items()}
    until_then = clone(clf).set_params(epochs=best, checkpoint_dir=None, save_best=None)
    assert same_weights(until_then.fit(X, y), loaded)
    np.testing.assert_array_equal(loaded.predict(X), until_then.predict(X))
    # A deleted file is written again from the saved state.
    os.unlink(clf.best_model_path_)
    assert same_weights(load(clone(clf).fit(X, y).best_model_path_), loaded)
    assert not hasattr(until_then, "best_model_path_")


def test_interrupted_search_skips_completed_fits(
    digits, tmp_path, monkeypatch, trainer_class
):
    search = GridSearchCV(
        KerasMLPClassifier(epochs=2, random_state=0), {"dropout": [0.1, 0.4]}, cv=2
    )
    whole = clone(search).fit(*digits)
    search.set_params(estimator__checkpoint_dir=tmp_path)
    with monkeypatch.context() as patch:
        kill_in_epoch(trainer_class, patch, 6)  # the second epoch of the third fit
        with pytest.raises(Killed):
            clone(search).fit(*digits)
    done = epochs_run(trainer_class, monkeypatch)
    again = clone(search).fit(*digits)
    assert len(done) == 10 - 5  # four fits and the refit have two epochs each
    np.testing.assert_array_equal(
        whole.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(
        whole.predict_proba(digits[0]), again.predict_proba(digits[0])
    )


@pytest.mark.slow
def test_resume_after_sigkill(digits, tmp_path, same_weights):
    code = (
        "import sys, numpy as np; from sklearn.datasets import load_digits;"
        "from skmnist import KerasMLPClassifier; X, y = load_digits(return_X_y=True);"
        "KerasMLPClassifier(epochs=150, random_state=0, checkpoint_dir=sys.argv[1])"
        ".fit((X[:400] / 16).astype(np.float32), y[:400])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    while not list(tmp_path.glob("*/training.npz")):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = KerasMLPClassifier(epochs=150, random_state=0).fit(*digits)
    resumed = clone(whole).set_params(checkpoint_dir=tmp_path).fit(*digits)
    assert len(list(tmp_path.iterdir())) == 1
    assert same_weights(whole, resumed)


def test_invalid_checkpoint_parameters_raise(digits, tmp_path):
    clf = KerasMLPClassifier(checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="integer random_state"):
        clf.fit(*digits)
    clf.set_params(random_state=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    with pytest.raises(ValueError, match="callbacks"):
        clf.fit(*digits)
    clf.set_params(callbacks=None, epochs=1).fit(*digits)
    clf = KerasMLPClassifier(save_best="val_loss", random_state=0)
    with pytest.raises(ValueError, match=r"'val_loss'.*set checkpoint_dir"):
        clf.fit(*digits)
    with pytest.raises(ValueError, match=r"'val_loss'.*validation_fraction=0.0"):
        clf.set_params(checkpoint_dir=tmp_path).fit(*digits)
    (tmp_path / "file").touch()
    clf = KerasMLPClassifier(checkpoint_dir=tmp_path / "file", random_state=0)
    with pytest.raises(OSError, match="file"):
        clf.fit(*digits)
    assert not hasattr(clf, "classes_")


def test_damaged_checkpoint_raises(digits, tmp_path):
    clf = KerasMLPClassifier(epochs=1, checkpoint_dir=tmp_path, random_state=0)
    weights = clone(clf).fit(*digits)._training.weights
    path = next(tmp_path.glob("*/training.npz"))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", b"damaged", whole[:-1], whole[: len(whole) // 2]]
    # Flipped bits in arrays, in their headers and in the records of the archive.
    for place in np.r_[rng.integers(0, len(whole), 10), rng.integers(0, 3000, 20)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(flipped))
    n_reported = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = clone(clf).fit(*digits)._training.weights
        except OSError as error:
            n_reported += "training.npz is damaged" in str(error)
        else:  # a byte without effect, such as the date of a member
            for one, other in zip(found, weights, strict=True):
                np.testing.assert_array_equal(one, other)
    assert n_reported > 15
    with pytest.raises(OSError, match=r"training.npz is damaged.*Delete it"):
        path.write_bytes(b"damaged") and clf.fit(*digits)


def test_full_disk_raises_and_keeps_completed_epochs(
    digits, tmp_path, monkeypatch, same_weights, trainer_class
):
    clf = KerasMLPClassifier(epochs=4, random_state=0)
    whole, three = clone(clf).fit(*digits), clone(clf).set_params(epochs=3).fit(*digits)
    clf.set_params(checkpoint_dir=tmp_path)
    fsync, files = os.fsync, []

    def full(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            files.append(descriptor)
        if len(files) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            clf.fit(*digits)
    assert clf.n_iter_ == 3
    assert same_weights(clf, three)
    assert [path.name for path in tmp_path.glob("*/*")] == ["training.npz"]
    done = epochs_run(trainer_class, monkeypatch)
    assert same_weights(clf.fit(*digits), whole)
    assert len(done) == 2


def test_checkpoint_fsyncs_file_and_directory(digits, tmp_path, monkeypatch):
    fsync, replace, seen = os.fsync, os.replace, []

    def flush(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append("folder" if is_folder else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(
        os, "replace", lambda *args: (seen.append("renamed"), replace(*args))
    )
    clf = KerasMLPClassifier(epochs=2, checkpoint_dir=tmp_path, random_state=0)
    clf.fit(*digits)
    assert seen == ["file", "renamed", "folder"] * 2


def test_abandoned_temporary_files_are_removed(digits, tmp_path):
    clf = KerasMLPClassifier(epochs=1, checkpoint_dir=tmp_path, random_state=0)
    clf.fit(*digits)
    folder = next(tmp_path.iterdir())
    old, new = folder / ".training.npz.1234", folder / ".training.npz.5678"
    for half in (old, new):
        half.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    clf.fit(*digits)
    # The recent file may belong to another process that is writing it.
    assert {path.name for path in folder.iterdir()} == {"training.npz", new.name}


@pytest.mark.slow
def test_concurrent_fits_with_same_key(digits, tmp_path, same_weights):
    clf = KerasMLPClassifier(epochs=6, dropout=0.2, random_state=0)
    whole = clone(clf).fit(*digits)
    clf.set_params(checkpoint_dir=tmp_path, save_best="loss")
    both = [clone(clf), clone(clf)]
    threads = [threading.Thread(target=one.fit, args=digits) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in (*both, clone(clf).fit(*digits)):
        assert same_weights(one, whole)
        assert load(one.best_model_path_).n_iter_ == 6
