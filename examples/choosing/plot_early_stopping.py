"""
How do I stop early inside a cross-validation without leakage?
==============================================================

Early stopping needs samples to decide on the epoch. If these are the test samples of
the fold, the score is too high: by about 0.7 % below. ``early_stopping=True`` takes
them from the training samples of each fold, so that ``cross_validate`` needs nothing
else. They are then missing from the training, which costs more here than stopping early
gains.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline

from skmnist import EpochCurveDisplay, KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
cv = StratifiedKFold(5, shuffle=True, random_state=0)

# %%
# Without leakage
# ---------------
# Each fit holds out a stratified 15 % of the samples that it is given, stops after five
# epochs without a lower loss on these, and keeps the weights of the best epoch.
clf = KerasMLPClassifier(
    (64,),
    activation="relu",
    learning_rate=3e-3,
    epochs=100,
    validation_fraction=0.15,
    early_stopping=True,
    n_iter_no_change=5,
    random_state=0,
)
pipe = make_pipeline(PixelScaler(), clf)
result = cross_validate(pipe, X, y, cv=cv, return_estimator=True, return_indices=True)
fitted = [estimator[-1] for estimator in result["estimator"]]
for each, score in zip(fitted, result["test_score"], strict=True):
    print(f"{each.n_iter_} epochs, best {each.best_epoch_}: test accuracy {score:.3f}")
print(f"mean {result['test_score'].mean():.3f}")

# %%
# ``validation_indices_`` are the rows that a fit held out, counted among those it was
# given. None of them is a test sample of the fold:
rows = result["indices"]
for train, test, each in zip(rows["train"], rows["test"], fitted, strict=True):
    held_out = train[each.validation_indices_]
    print(
        f"{len(held_out)} held out, {np.isin(held_out, test).sum()} of them tested on"
    )

# %%
# Loss on the held-out samples, with a dot at the epoch that was kept:
fig, ax = plt.subplots(layout="constrained")
for number, each in enumerate(fitted):
    losses = each.history_["val_loss"]
    ax.plot(range(1, each.n_iter_ + 1), losses, label=f"Fold {number + 1}")
    ax.plot(each.best_epoch_, min(losses), "o", color=f"C{number}")
ax.set(xlabel="Epoch", ylabel="Loss on held-out samples", ylim=(0, 0.4))
ax.set_title("Each fold stops on samples of its own")
ax.legend()

# %%
# With leakage
# ------------
# The same network without early stopping, scored on the test samples after every epoch.
# If the best epoch of each fold is chosen by these scores, their mean is no estimate of
# the accuracy on new samples any more: it is the highest of thirty numbers. Compare it
# with the last epoch, which nobody has chosen.
clf = KerasMLPClassifier(
    (64,), activation="relu", learning_rate=3e-3, epochs=30, random_state=0
)
display = EpochCurveDisplay.from_estimator(
    make_pipeline(PixelScaler(), clf), X, y, cv=cv, random_state=0
)
folds = display.curves.groupby("fold")["validation_accuracy"]
print(f"best epoch of each fold {folds.max().mean():.3f}")
print(f"last epoch              {folds.last().mean():.3f}")
