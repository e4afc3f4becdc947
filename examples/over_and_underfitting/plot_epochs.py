"""
How many epochs do I need?
==========================

When does training longer stop to help? When the validation loss no longer falls. The
network below is undertrained after 5 epochs, with an error of 4.5 % on new samples, and
has one of 2.7 % after 20. From 20 to 40 epochs the loss falls a little, and the error
not at all.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import (
    EpochCurveDisplay,
    KerasMLPClassifier,
    PixelScaler,
    diagnose_fit,
    load_digits28,
)

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier((64,), activation="relu", epochs=40, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)
cv = StratifiedKFold(3, shuffle=True, random_state=0)

# %%
# After every epoch, the network is scored on the training and on the validation samples
# of each split, both in the same mode. (The history that Keras prints is something
# else: its training loss is a mean over the epoch, while the weights change.)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
display = EpochCurveDisplay.from_estimator(
    pipe, X, y, cv=cv, quantity="loss", random_state=0, ax=left
)
display.plot(right, quantity="accuracy")
right.set_ylim(0.9, 1.005)

# %%
# The means over the splits as numbers. The training loss goes on falling in any case,
# and says nothing about the number of epochs.
means = display.curves.groupby("epoch").mean().drop(columns="fold")
print(means[means.index.isin([1, 2, 5, 10, 20, 40])].round(3).to_string())

# %%
# Is the end of a curve still falling, or is that noise? A diagnosis tests it: finding
# FIT04 says that a training ended too early, FIT05 that it went on for too long.
pipe.set_params(kerasmlpclassifier__epochs=5)
diagnosis = diagnose_fit(pipe, X, y, cv=cv, reference=0.0, random_state=0)
for finding in diagnosis.findings:
    if finding.code in ("FIT04", "FIT05"):
        print(f"{finding.code} {finding.title}: {finding.sentence} {finding.advice}")

# %%
# Without a number to choose, ``early_stopping=True`` ends each fit by itself: see
# :ref:`sphx_glr_auto_examples_choosing_plot_early_stopping.py`.
