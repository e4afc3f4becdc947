"""
Is my network overfitting, and what do I do about it?
=====================================================

A network is right on 98.6 % of its training samples and on 94.4 % of others: is that
overfitting, and what helps? :func:`~skmnist.diagnose_fit` gives a verdict and advice.
Three rounds of following the advice lead to *good*, and to a third of the errors:
augmentation, longer training, and more data.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

X, y = load_digits28(return_X_y=True)
X_few, _, y_few, _ = train_test_split(X, y, train_size=500, stratify=y, random_state=0)


def diagnose(X, y, **params):
    """Cross-validate a network, print the verdict, and return the diagnosis."""
    clf = KerasMLPClassifier((64,), activation="relu", random_state=0, **params)
    pipe = make_pipeline(PixelScaler(), clf)
    # People read these digits without error, so any training error is a bias.
    diagnosis = diagnose_fit(pipe, X, y, cv=5, reference=0.0, random_state=0)
    print(diagnosis)
    return diagnosis


# %%
# Is it overfitting?
# ------------------
# The verdict is the first word. The *gap* is the error on new samples minus the error
# on the training samples. Both numbers have an interval: *overfit* means that the gap
# is proven to be larger than the tolerance of 2 %. The last line is advice.
first = diagnose(X_few, y_few, epochs=20)

# %%
# Augmentation
# ------------
# More data is the best remedy, if there is more. If not, augmentation deforms the
# training images anew in each epoch. The values are those of the advice.
augmentation = {"random_rotation": 0.03, "random_translation": 0.07, "random_zoom": 0.1}
second = diagnose(X_few, y_few, epochs=20, **augmentation)

# %%
# The gap is smaller, but the error on new samples is not: deformed images are harder to
# learn, and training ended too early.
#
# Longer training
# ---------------
# The advice is now to train longer, with a higher learning rate. One cycle lets the
# rate fall at the end, so that training comes to rest.
longer = {"epochs": 40, "learning_rate": 5e-3, "learning_rate_schedule": "one_cycle"}
third = diagnose(X_few, y_few, **longer, **augmentation)

# %%
# The error on new samples is half of what it was. Bias and gap are now smaller than the
# tolerance, but 500 samples do not prove that: *inconclusive*.
#
# More data
# ---------
# All digits, for training and for the diagnosis:
fourth = diagnose(X, y, **longer, **augmentation)

# %%
# Errors on training and on new samples in each round, with their intervals. The shaded
# spans are the tolerance: a point beyond its span is a bias or a gap larger than that.
fig, axes = plt.subplots(4, 1, figsize=(7, 8), layout="constrained")
rounds = {
    "1. As it was": first,
    "2. Augmentation": second,
    "3. Longer training": third,
    "4. More data": fourth,
}
for ax, (title, diagnosis) in zip(axes, rounds.items(), strict=True):
    diagnosis.plot(ax)
    ax.set(title=f"{title}: {diagnosis.verdict}", xlabel="", xlim=(-0.002, 0.1))
axes[-1].set_xlabel("Error (%)")
