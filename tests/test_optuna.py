"""Optuna: the example's study is shared, killed and resumed; pruning ends a fit."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from skmnist import KerasMLPClassifier, PixelScaler

optuna = pytest.importorskip("optuna")
integration = pytest.importorskip("optuna_integration")

from optuna.storages import JournalStorage  # noqa: E402
from optuna.storages.journal import (  # noqa: E402
    JournalFileBackend,
    JournalFileOpenLock,
)
from optuna.trial import TrialState  # noqa: E402

EXAMPLE = Path(__file__).parent.parent / "examples" / "optuna_study.py"
FINISHED = TrialState.COMPLETE, TrialState.PRUNED
GOOD = {"n_units": 64, "learning_rate": 1e-3, "dropout": 0.0, "l2": 1e-7}
HOPELESS = {"n_units": 64, "learning_rate": 1e-5, "dropout": 0.5, "l2": 1e-2}
N_GOOD = 8


def storage(journal):
    backend = JournalFileBackend(
        str(journal), lock_obj=JournalFileOpenLock(str(journal))
    )
    return JournalStorage(backend)


def load(journal):
    return optuna.load_study(study_name="digits", storage=storage(journal))


def start(journal, n_trials):
    command = [sys.executable, EXAMPLE, "--journal", journal, "--epochs", 5]
    return subprocess.Popen(
        [*map(str, command), "--trials", str(n_trials)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for(condition, processes, timeout=240):
    """Wait until a condition holds, while all processes run."""
    end = time.monotonic() + timeout
    while not condition():
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_two_processes_share_a_study_that_is_killed_and_resumed(tmp_path):
    journal = tmp_path / "study.journal"
    study = optuna.create_study(
        storage=storage(journal), study_name="digits", direction="maximize"
    )
    # The first trials are good ones, so that the median is one of them, whatever
    # the sampler draws, and the hopeless trial is pruned.
    for _ in range(N_GOOD):
        study.enqueue_trial(GOOD)
    processes = [start(journal, 1000) for _ in range(2)]

    def both_have_finished_a_trial():
        trials = load(journal).get_trials(states=FINISHED)
        by = {trial.user_attrs["process"] for trial in trials}
        return by == {process.pid for process in processes} and len(trials) >= N_GOOD

    try:
        wait_for(both_have_finished_a_trial, processes)
        # In the middle of a trial, as its lock would be waited for.
        wait_for(lambda: not Path(f"{journal}.lock").exists(), processes)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert processes[0].returncode == -signal.SIGKILL

    study = load(journal)
    before = study.get_trials(states=FINISHED)
    study.enqueue_trial(HOPELESS)
    resumed = start(journal, len(before) + 2)
    output, _ = resumed.communicate(timeout=240)
    assert resumed.returncode == 0
    assert f"{len(before)} of {len(before) + 2} trials are done." in output
    assert "test accuracy" in output

    trials = load(journal).trials
    finished = [trial for trial in trials if trial.state in FINISHED]
    assert len(finished) == len(before) + 2
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert finished[: len(before)] == before
    (hopeless,) = (t for t in trials if t.params == HOPELESS)
    assert hopeless.state == TrialState.PRUNED
    assert len(hopeless.intermediate_values) == 3  # two epochs to warm up
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert all(len(trial.intermediate_values) == 5 for trial in complete)


class PruneAfter(optuna.pruners.BasePruner):
    def __init__(self, epoch):
        self.epoch = epoch

    def prune(self, study, trial):
        return trial.last_step >= self.epoch


def pruned_fit(model, X, y):
    """Fit a Pipeline until its second epoch is pruned."""
    trial = optuna.create_study(pruner=PruneAfter(1)).ask()
    callback = integration.KerasPruningCallback(trial, "val_accuracy")
    model[-1].set_params(callbacks=[callback])
    with pytest.raises(optuna.TrialPruned, match="epoch 1"):
        model.fit(X, y)
    return callback


@pytest.fixture
def model():
    clf = KerasMLPClassifier((10,), validation_fraction=0.25, epochs=4, random_state=0)
    return make_pipeline(PixelScaler(max_value=16), clf)


def test_pruned_fit_leaves_a_new_classifier_unfitted(model, digits, same_weights):
    X, y = digits
    expected = clone(model).fit(16 * X, y)
    callback = pruned_fit(model, 16 * X, y)
    with pytest.raises(ValueError, match="not fitted"):
        check_is_fitted(model[-1])
    assert callback.model is None
    model[-1].set_params(callbacks=None)
    model.fit(16 * X, y)
    assert same_weights(model[-1], expected[-1])


def test_pruned_fit_leaves_a_fitted_classifier_as_it_was(model, digits):
    X, y = digits
    model.fit(16 * X, y)
    expected = model.predict_proba(16 * X)
    pruned_fit(model, 16 * X, y)
    np.testing.assert_array_equal(model.predict_proba(16 * X), expected)
    assert model[-1].n_iter_ == 4


def test_pruning_with_validation_set_of_ones_own(digits):
    X, y = digits
    trial = optuna.create_study(pruner=PruneAfter(1)).ask()
    clf = KerasMLPClassifier((10,), epochs=4, random_state=0)
    clf.set_params(callbacks=[integration.KerasPruningCallback(trial, "val_loss")])
    with pytest.raises(optuna.TrialPruned):
        clf.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
