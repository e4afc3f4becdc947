"""
How many epochs do I need?
==========================

When does training longer stop to help? Look at the validation loss after every epoch: the
network below is undertrained after 5 epochs. After 20, more epochs lower its loss, but
hardly its error.
"""

import matplotlib.pyplot as plt
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

# %%
# After every epoch, the network is scored on the training and on the validation samples of
# each split, both in the same mode. (The history that Keras prints is something else: its
# training loss is a mean over the epoch, while the weights change.)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
display = EpochCurveDisplay.from_estimator(
    pipe, X, y, cv=3, quantity="loss", random_state=0, ax=left
)
display.plot(right)
right.set_ylim(0.9, 1.005)

# %%
# The mean over the splits as numbers, for a few epochs:
means = display.curves.groupby("epoch").mean().drop(columns="fold")
print(means.loc[[1, 2, 5, 10, 20, 40]].round(3))

# %%
# To choose among numbers of epochs, pass them as ``capacity``. The network is trained once
# per split, up to the largest number, and scored at the others on the way.
epochs = {"kerasmlpclassifier__epochs": [2, 5, 10, 20, 40]}
diagnosis = diagnose_fit(
    pipe, X, y, cv=3, reference=0.0, tolerance=0.01, capacity=epochs, random_state=0
)
curve = diagnosis.capacity_curve.groupby("value", sort=False).mean()
print(1 - curve.filter(like="accuracy"))

# %%
# The findings say what follows from it.
print(diagnosis)
