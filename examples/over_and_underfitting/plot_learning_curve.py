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

# %%
# Beyond the data
# ---------------
# ``learning_curve=True`` trains on parts as well, and fits a power law to the errors,
# which reaches to four times the data. Each number has an interval: it grows with the
# distance.
diagnosis = diagnose_fit(
    pipe, X, y, cv=cv, reference=0.0, learning_curve=True, random_state=0
)
curve = diagnosis.extrapolation
for times in (1, 2, 4):
    n_samples = times * curve.n_train
    print(f"error with {n_samples:.0f} samples: {curve.at(n_samples)}")

# %%
# The other way round: how many samples bring the error to a value? An infinite end of
# the interval means more than four times those there are, which the curve does not
# reach. (None means that for the value itself, or that the error is reached already.)
needed = curve.samples_for(0.02)
if needed is not None:
    interval = f"95 % interval {needed.low:.0f} to {needed.high:.0f}"
    print(f"error of 2 %: {needed.value:.0f} samples ({interval})")

# %%
# Points are measured, the line is the power law. To the right of the dotted line, the
# band becomes wider compared with the error itself.
table = curve.to_frame()
fig, ax = plt.subplots(layout="constrained")
ax.plot("train_size", "error", data=table, label="Power law")
ax.fill_between(
    "train_size", "low", "high", data=table, alpha=0.2, label="95 % interval"
)
ax.plot(
    display.train_sizes, 1 - display.test_scores.mean(axis=1), "ko", label="Measured"
)
ax.axvline(curve.n_train, color="gray", linestyle=":", label="All the data")
ax.set(ylim=0, xlabel="Training samples", ylabel="Error on new samples (%)")
ax.set_title("Extrapolated learning curve")
ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
ax.legend()

# sphinx_gallery_thumbnail_number = 2
