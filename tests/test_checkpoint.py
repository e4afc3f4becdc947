import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skmnist import KerasMLPClassifier, LeNetClassifier

ESTIMATORS = [
    KerasMLPClassifier(dropout=0.2, epochs=5, random_state=0),
    KerasMLPClassifier(
        learning_rate=0.03,
        epochs=60,
        validation_fraction=0.25,
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
    ),
    LeNetClassifier(filters=(4, 8), hidden_layer_sizes=(8,), epochs=4, random_state=0),
]


class Killed(BaseException):
    pass


def kill_in_epoch(monkeypatch, number):
    """Let the epoch of this number, counted from 1 in this process, end in a kill."""
    from skmnist._training import BlockTrainer

    run_epoch, count = BlockTrainer.run_epoch, iter(range(1, 1000))

    def run(self, *args):
        logs = run_epoch(self, *args)
        if next(count) == number:
            raise Killed
        return logs

    monkeypatch.setattr(BlockTrainer, "run_epoch", run)


@pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=["mlp", "early-stopping", "lenet"]
)
def test_a_killed_fit_goes_on_and_ends_bit_equal(
    estimator, digits, tmp_path, monkeypatch, same_weights
):
    whole = clone(estimator).fit(*digits)
    clf = clone(estimator).set_params(checkpoint_dir=tmp_path)
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 3)
        with pytest.raises(Killed):
            clone(clf).fit(*digits)
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 3)  # two were kept, so more are left than it survives
        if whole.n_iter_ > 4:
            with pytest.raises(Killed):
                clone(clf).fit(*digits)
    resumed = clone(clf).fit(*digits)
    assert same_weights(whole, resumed)
    assert resumed.history_ == whole.history_
    assert resumed.best_epoch_ == whole.best_epoch_


def test_a_finished_fit_is_loaded_and_says_so(
    digits, tmp_path, monkeypatch, capsys, same_weights
):
    clf = clone(ESTIMATORS[0]).set_params(checkpoint_dir=str(tmp_path))
    first = clone(clf).fit(*digits)
    kill_in_epoch(monkeypatch, 1)
    again = clone(clf).set_params(verbose=2).fit(*digits)
    assert "5 epochs are done" in capsys.readouterr().out
    assert same_weights(first, again)


def test_other_data_and_parameters_have_a_key_of_their_own(digits, tmp_path):
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


def test_a_process_killed_outright_goes_on(digits, tmp_path, same_weights):
    code = (
        "import sys, numpy as np; from sklearn.datasets import load_digits;"
        "from skmnist import KerasMLPClassifier; X, y = load_digits(return_X_y=True);"
        "KerasMLPClassifier(epochs=400, random_state=0, checkpoint_dir=sys.argv[1])"
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
    whole = KerasMLPClassifier(epochs=400, random_state=0).fit(*digits)
    resumed = clone(whole).set_params(checkpoint_dir=tmp_path).fit(*digits)
    assert len(list(tmp_path.iterdir())) == 1
    assert same_weights(whole, resumed)


def test_what_cannot_be_kept_is_refused(digits, tmp_path):
    clf = KerasMLPClassifier(checkpoint_dir=tmp_path)
    with pytest.raises(ValueError, match="integer random_state"):
        clf.fit(*digits)
    clf.set_params(random_state=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    with pytest.raises(ValueError, match="callbacks"):
        clf.fit(*digits)
    clf.set_params(callbacks=None, epochs=1).fit(*digits)
    next(tmp_path.glob("*/training.npz")).write_bytes(b"damaged")
    with pytest.raises(OSError, match=r"training.npz is damaged.*Delete"):
        clf.fit(*digits)
