"""
Can I trust the predicted probabilities?
========================================

If a network says 90 %, is it right in 90 of 100 cases? Trained for long on few and
noisy images it is not: it is overconfident. scikit-learn's ``CalibratedClassifierCV``
mends that.
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
# Three classifiers: a network, the same with a tenth of each label spread over all
# classes, and a calibrated one, whose probabilities are fitted to samples that the
# network was not trained on.
params = {"activation": "relu", "learning_rate": 3e-3, "epochs": 40, "random_state": 0}
plain = make_pipeline(PixelScaler(), KerasMLPClassifier((64,), **params))
smoothed = make_pipeline(
    PixelScaler(), KerasMLPClassifier((64,), label_smoothing=0.1, **params)
)
classifiers = {
    "Plain": plain,
    "Label smoothing": smoothed,
    "Calibrated": CalibratedClassifierCV(plain, cv=3),
}

# %%
# Finding FIT06 compares the mean probability of the predicted class with the accuracy,
# on new samples. ``calibration`` has both for groups of samples of similar probability.
cv = StratifiedKFold(5, shuffle=True, random_state=0)
calibrations = {}
for name, clf in classifiers.items():
    diagnosis = diagnose_fit(clf, X, y, cv=cv, reference=0.0, random_state=0)
    calibrations[name] = diagnosis.calibration
    means = diagnosis.out_of_fold, diagnosis.summary["mean"]
    print(f"{name}: accuracy {means[1]['validation_accuracy']:.3f}")
    for finding in diagnosis.findings:
        if finding.code == "FIT06":
            print(f"  {finding.sentence}\n  {finding.advice}")

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
