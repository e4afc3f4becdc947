"""
Can I trust the predicted probabilities?
========================================

If a network says 90 %, is it right in 90 of 100 cases? A diagnosis compares
probabilities with what came true, on new samples. Those of the plain network below are
about right. Label smoothing and scikit-learn's ``CalibratedClassifierCV``, remedies for
overconfidence, make them too low here: measure before you mend.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

X, y = load_digits28(return_X_y=True)
X, y = X[::3], y[::3]

# %%
# Digits with so much noise that no network reads all of them:
noise = np.random.default_rng(0).normal(0, 120, X.shape)
X = np.clip(X + noise, 0, 255).astype(np.uint8)
fig, axes = plt.subplots(1, 6, figsize=(7, 1.4), layout="constrained")
for ax, row in zip(axes, X, strict=False):
    ax.imshow(row.reshape(28, 28), cmap="gray_r")
    ax.axis("off")

# %%
# Three classifiers: a network; the same with a tenth of each label spread over all
# classes; and the mean of three networks, each with a sigmoid that is fitted to samples
# that the network was not trained on.
params = {"activation": "relu", "learning_rate": 3e-3, "epochs": 40}
clf = KerasMLPClassifier((64,), random_state=0, **params)
smoothed = KerasMLPClassifier((64,), label_smoothing=0.1, random_state=0, **params)
plain = make_pipeline(PixelScaler(), clf)
classifiers = {
    "Plain": plain,
    "Label smoothing": make_pipeline(PixelScaler(), smoothed),
    "Calibrated": CalibratedClassifierCV(plain, cv=3),
}

# %%
# ``calibration`` has ten groups of samples, by the probability of the predicted class:
# its mean, and the accuracy. (If a classifier is overconfident, finding FIT06 says so.)
cv = StratifiedKFold(5, shuffle=True, random_state=0)
calibrations = {}
for name, clf in classifiers.items():
    diagnosis = diagnose_fit(clf, X, y, cv=cv, reference=0.0, random_state=0)
    table = calibrations[name] = diagnosis.calibration
    means = np.average(table[["probability", "accuracy"]], axis=0, weights=table["n"])
    print(f"{name:15} mean probability {means[0]:.2f}, accuracy {means[1]:.2f}")

# %%
# Points below the dashed line are overconfident, points above it underconfident.
fig, ax = plt.subplots(layout="constrained")
ax.plot([0, 1], [0, 1], "k--", label="Perfectly calibrated")
for name, table in calibrations.items():
    ax.plot(table["probability"], table["accuracy"], "o-", label=name)
ax.set(xlabel="Mean probability of the predicted class", ylabel="Accuracy")
ax.set_title("Ten groups of samples by probability")
ax.legend()

# sphinx_gallery_thumbnail_number = 2
