"""
How much data do I need?
========================

Would more data lower the error, and by how much? The learning curve of the network
below still falls with all 1,797 digits. Extrapolated, it says what two and four times
as many would bring, and how uncertain that is.
"""

import matplotlib.pyplot as plt
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
# The network is trained on growing parts of the training samples of each fold. If the
# validation score still rises at the right end, more data help; the training score says
# whether there is anything to gain beyond that.
display = LearningCurveDisplay.from_estimator(
    pipe,
    X,
    y,
    cv=cv,
    train_sizes=[0.1, 0.2, 0.4, 0.7, 1.0],
    shuffle=True,
    random_state=0,
    score_type="both",
)
display.ax_.set(title="Learning curve", xlabel="Training samples", ylabel="Accuracy")
display.figure_.set_layout_engine("constrained")
errors = 1 - display.test_scores.mean(axis=1)
for n_samples, error in zip(display.train_sizes, errors, strict=True):
    print(f"error with {n_samples} samples: {error:.1%}")

# %%
# Beyond the data
# ---------------
# ``learning_curve=True`` trains on parts as well, and fits a power law to the errors,
# which reaches to four times the data. Each number has an interval: it grows with the
# distance. (If the errors do not determine the law, ``extrapolation`` is None.)
diagnosis = diagnose_fit(
    pipe, X, y, cv=cv, reference=0.0, learning_curve=True, random_state=0
)
curve = diagnosis.extrapolation
if curve is not None:
    for times in (1, 2, 4):
        n_samples = times * curve.n_train
        print(f"error with {n_samples:.0f} samples: {curve.at(n_samples)}")

# %%
# Points are measured, the line is the power law. To the right of the dotted line, the
# band becomes wider compared with the error itself. ``samples_for`` reads it the other
# way round: how many samples an error takes.
fig, ax = plt.subplots(layout="constrained")
ax.plot(display.train_sizes, errors, "ko", label="Measured")
ax.axvline(display.train_sizes[-1], color="gray", linestyle=":", label="All the data")
if curve is not None:
    table = curve.to_frame()
    x = table["train_size"]
    ax.plot(x, table["error"], label="Power law")
    ax.fill_between(x, table["low"], table["high"], alpha=0.2, label="95 % interval")
ax.set(ylim=0, xlabel="Training samples", ylabel="Error on new samples (%)")
ax.set_title("Extrapolated learning curve")
ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
ax.legend()

# sphinx_gallery_thumbnail_number = 2
