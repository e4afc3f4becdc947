"""
Tune a Pipeline with Optuna
===========================

    python -m pip install ".[optuna]"
    python examples/optuna_study.py --trials 30

Every trial is written to a journal file. Start the script in a second process, or on a
second machine that sees the file, and both work on the same study. Start it again after
it was stopped or killed, and it continues.
"""

import argparse
import os

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState
from optuna_integration import KerasPruningCallback
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import ImageFlattener, KerasMLPClassifier, PixelScaler, load_digits28

options = argparse.ArgumentParser()
options.add_argument("--trials", type=int, default=30, help="of all processes together")
options.add_argument("--epochs", type=int, default=15)
options.add_argument("--journal", default="optuna_study.journal")
args = options.parse_args()

digits = load_digits28()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, test_size=0.3, stratify=digits.target, random_state=0
)


def make_classifier(params):
    """Return a Pipeline with the parameters of a trial."""
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(params["n_units"], params["n_units"] // 2),
        learning_rate=params["learning_rate"],
        dropout=params["dropout"],
        l2=params["l2"],
        epochs=args.epochs,
        random_state=0,
    )
    return make_pipeline(ImageFlattener(), PixelScaler(), clf)


def objective(trial):
    """Return the accuracy on held-out samples; stop early if it is a low one."""
    trial.set_user_attr("process", os.getpid())
    params = {
        # Each size is compiled once per process; rates need no new compilation.
        "n_units": trial.suggest_categorical("n_units", [64, 128]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "l2": trial.suggest_float("l2", 1e-7, 1e-2, log=True),
    }
    model = make_classifier(params)
    # With the same random_state, all trials hold out the same samples.
    model[-1].set_params(
        validation_fraction=0.25,
        callbacks=[KerasPruningCallback(trial, "val_accuracy")],
    )
    model.fit(X_train, y_train)
    return model[-1].history_["val_accuracy"][-1]


def n_finished(study):
    """Return the number of trials that were trained to the end or pruned."""
    states = TrialState.COMPLETE, TrialState.PRUNED
    return len(study.get_trials(deepcopy=False, states=states))


def stop_when_done(study, trial):
    """Stop this process if all processes together have finished enough trials."""
    if n_finished(study) >= args.trials:
        study.stop()


# The default lock is a symbolic link, which a killed process would leave for ever if
# the path is relative. This one is removed after 30 seconds.
lock = JournalFileOpenLock(args.journal)
study = optuna.create_study(
    storage=JournalStorage(JournalFileBackend(args.journal, lock_obj=lock)),
    study_name="digits",
    direction="maximize",
    # Without a seed, so that two processes do not try the same values.
    sampler=optuna.samplers.TPESampler(),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    load_if_exists=True,
)
print(f"{n_finished(study)} of {args.trials} trials are done.")
if n_finished(study) < args.trials:
    study.optimize(objective, callbacks=[stop_when_done])

n_pruned = len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,)))
print(f"{n_finished(study)} trials, {n_pruned} of them pruned")
print(f"best validation accuracy {study.best_value:.4f} with {study.best_params}")
best = make_classifier(study.best_params).fit(X_train, y_train)
print(
    f"test accuracy of a fit on all training samples {best.score(X_test, y_test):.4f}"
)
