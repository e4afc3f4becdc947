"""
How do I tune with Optuna?
==========================

How does Optuna choose the next values, and end trainings without prospects? A Pipeline
needs no wrapper: an objective fits it and returns a score. Of the 25 trials below, half
are ended after four epochs, and the best one has a learning rate of 0.004. This study
runs in one process; the script in :doc:`/user_guide/optuna` shares one among processes
and machines, and resumes it.
"""

import matplotlib.pyplot as plt
import optuna
from optuna.trial import TrialState
from optuna_integration import KerasPruningCallback
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)


# %%
# The objective
# -------------
# ``validation_fraction`` holds out samples inside ``fit``, the same in every trial.
# ``KerasPruningCallback`` reports their loss to Optuna after every epoch, which ends
# the trial if it is a high one. The network is compiled once for all trials.
def make_classifier(params, callbacks=None, validation_fraction=0.0):
    clf = KerasMLPClassifier(
        (64,),
        activation="relu",
        epochs=15,
        callbacks=callbacks,
        validation_fraction=validation_fraction,
        random_state=0,
        **params,
    )
    return make_pipeline(PixelScaler(), clf)


def objective(trial):
    params = {
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
    }
    pruning = KerasPruningCallback(trial, "val_loss")
    pipe = make_classifier(params, [pruning], 0.25).fit(X_train, y_train)
    return pipe[-1].history_["val_loss"][-1]


# %%
# The study
# ---------
# The sampler has a seed, so that the study can be repeated.
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3),
)
study.optimize(objective, n_trials=25)
trials = {
    state: study.get_trials(states=[state])
    for state in (TrialState.COMPLETE, TrialState.PRUNED)
}
print({state.name: len(found) for state, found in trials.items()})
print({name: round(value, 4) for name, value in study.best_params.items()})

# %%
# A pruned trial is drawn up to the epoch at which it was ended. The loss of low rates
# falls too slowly, that of the highest ones stays high.
fig, ax = plt.subplots(layout="constrained")
norm = plt.matplotlib.colors.LogNorm(1e-5, 1e-1)
for trial in study.trials:
    color = plt.cm.viridis(norm(trial.params["learning_rate"]))
    epochs, losses = zip(*trial.intermediate_values.items(), strict=True)
    ax.plot([epoch + 1 for epoch in epochs], losses, ".-", color=color)
ax.set(yscale="log", xlabel="Epoch", ylabel="Validation loss", title="25 trials")
mappable = plt.cm.ScalarMappable(norm, "viridis")
fig.colorbar(mappable, ax=ax, label="Learning rate")

# %%
# The best parameters, fitted to all training samples:
best = make_classifier(study.best_params).fit(X_train, y_train)
print(f"test accuracy {best.score(X_test, y_test):.3f}")
