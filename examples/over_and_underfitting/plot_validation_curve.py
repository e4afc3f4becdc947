"""
Which values of a parameter are worth trying?
=============================================

How does the error depend on one parameter? A validation curve shows where a network is
too small to learn the digits, and which learning rates train it. For the learning rate,
a range test of a few hundred steps says nearly the same without a fit per value.
"""

import numpy as np
from sklearn.model_selection import StratifiedKFold, ValidationCurveDisplay
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, LearningRateDisplay, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
clf = KerasMLPClassifier((64,), activation="relu", epochs=10, random_state=0)
pipe = make_pipeline(PixelScaler(), clf)
cv = StratifiedKFold(3, shuffle=True, random_state=0)


def show(display):
    """Print the mean scores over the splits, for each value of the parameter."""
    print(f"{display.param_name.split('__')[1]:>18}  training  validation")
    scores = display.train_scores.mean(axis=1), display.test_scores.mean(axis=1)
    for value, train, test in zip(display.param_range, *scores, strict=True):
        print(f"{value:18.3g}  {train:8.3f}  {test:10.3f}")


# %%
# Size of the hidden layer
# ------------------------
# The displays of scikit-learn take any classifier. The band is one standard deviation
# of the splits.
sizes = ValidationCurveDisplay.from_estimator(
    pipe,
    X,
    y,
    param_name="kerasmlpclassifier__hidden_layer_sizes",
    param_range=[2, 8, 32, 128],
    cv=cv,
)
sizes.ax_.set(xscale="log", xlabel="Units of the hidden layer", ylabel="Accuracy")
sizes.figure_.set_layout_engine("constrained")
show(sizes)

# %%
# With few units, both scores are low: the network *underfits*. With more units both
# rise, and a distance remains between them. A larger network hardly gains anything
# beyond 32.
#
# Learning rate
# -------------
rates = ValidationCurveDisplay.from_estimator(
    pipe,
    X,
    y,
    param_name="kerasmlpclassifier__learning_rate",
    param_range=np.logspace(-4.5, -0.5, 9),
    cv=cv,
)
rates.ax_.set(xlabel="Learning rate", ylabel="Accuracy")
rates.figure_.set_layout_engine("constrained")
show(rates)

# %%
# Too low a rate learns too little in ten epochs, too high a rate does not converge.
#
# The range test trains one copy for 300 steps, each at a higher rate than the one
# before. The shaded range is worth trying.
display = LearningRateDisplay.from_estimator(pipe, X, y)
low, high = display.learning_rate_range
print(f"rates worth trying: {low:.2g} to {high:.2g}")

# sphinx_gallery_thumbnail_number = 2
