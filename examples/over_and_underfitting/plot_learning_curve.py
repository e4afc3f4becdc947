"""
How much data do I need?
========================

Would more data lower the error, and how many samples would it take?
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from sklearn.model_selection import LearningCurveDisplay, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier((64,), activation="relu", epochs=20, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)
cv = StratifiedKFold(5, shuffle=True, random_state=0)

# %%
# scikit-learn's display
# ----------------------
# The network is trained on growing parts of the training samples of each fold.
display = LearningCurveDisplay.from_estimator(
    pipe,
    X,
    y,
    cv=cv,
    train_sizes=[0.1, 0.2, 0.4, 0.7, 1.0],
    shuffle=True,
    random_state=0,
    score_type="both",
    negate_score=False,
)
display.ax_.set(title="Learning curve", xlabel="Training samples", ylabel="Accuracy")

# %%
# Beyond the data
# ---------------
# ``learning_curve=True`` draws the same curve, and extrapolates it to four times the
# data by a power law. The interval says how much the curve leaves open.
diagnosis = diagnose_fit(
    pipe, X, y, cv=cv, reference=0.0, learning_curve=True, random_state=0
)
extrapolation = diagnosis.extrapolation
print(f"{extrapolation.n_train:.0f} samples: {extrapolation.error}")
for times in (2, 4):
    n_samples = times * extrapolation.n_train
    print(f"{n_samples:.0f} samples: {extrapolation.at(n_samples)}")
print("for an error of 1.5 %:", extrapolation.samples_for(0.015))

# %%
sizes = np.geomspace(extrapolation.n_train / 4, 4 * extrapolation.n_train, 30)
errors = [extrapolation.at(size) for size in sizes]
fig, ax = plt.subplots(layout="constrained")
ax.plot(sizes, [error.value for error in errors], label="Power law")
ax.fill_between(
    sizes,
    [error.low for error in errors],
    [error.high for error in errors],
    alpha=0.2,
    label="95 % interval",
)
ax.plot(
    display.train_sizes, 1 - display.test_scores.mean(axis=1), "ko", label="Measured"
)
ax.axvline(extrapolation.n_train, color="gray", linestyle=":", label="All the data")
ax.set(xscale="log", xlabel="Training samples", ylabel="Error on new samples (%)")
ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
ax.legend()
print(diagnosis)
