"""
How do I train with rare classes?
=================================

A network can be right on 97 % of all samples, and miss most of a rare class. What
helps? ``class_weight="balanced"`` weights the samples of each class so that all classes
count alike. Below, that raises the recall of two rare classes, from 0.3 to 0.9 and from
0.6 to 0.8. Of what is then taken for a rare class, more is wrong.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)

# %%
# Most of the eights and nines are left out:
rng = np.random.default_rng(0)
keep = (y < 8) | (rng.random(len(y)) < 0.1)
X, y = X[keep], y[keep]
print(dict(enumerate(np.bincount(y).tolist())))

# %%
# The accuracy hardly depends on rare classes. The balanced accuracy is the mean recall
# over the classes.
cv = StratifiedKFold(5, shuffle=True, random_state=0)
predictions = {}
for class_weight in (None, "balanced"):
    clf = KerasMLPClassifier(
        (64,), activation="relu", epochs=10, class_weight=class_weight, random_state=0
    )
    pipe = make_pipeline(PixelScaler(), clf)
    predicted = cross_val_predict(pipe, X, y, cv=cv)
    predictions[f"class_weight={class_weight!r}"] = predicted
    print(f"class_weight={class_weight!r}")
    print(f"  accuracy          {np.mean(predicted == y):.3f}")
    print(f"  balanced accuracy {balanced_accuracy_score(y, predicted):.3f}")

# %%
# Recall is the fraction of a class that is recognised, precision the fraction of what
# is taken for the class that belongs to it. With weights, the first rises for 8 and 9,
# and the second is low, because the weights make the network take other digits for
# these.
fig, axes = plt.subplots(2, 1, figsize=(7, 5), layout="constrained", sharex=True)
for ax, score in zip(axes, (recall_score, precision_score), strict=True):
    for shift, (name, predicted) in zip((-0.2, 0.2), predictions.items(), strict=True):
        values = score(y, predicted, average=None, zero_division=0)
        ax.bar(np.arange(10) + shift, values, width=0.4, label=name)
        print(f"{score.__name__} of 8 and 9, {name}: {values[8]:.2f}, {values[9]:.2f}")
    ax.set(ylabel=score.__name__.removesuffix("_score").title(), xticks=range(10))
axes[1].set_xlabel("Class; 8 and 9 are rare")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
