"""
How do I fit a first classifier?
================================

How is a Keras network trained and evaluated with scikit-learn's tools? As any other
estimator: with ``fit``, ``score`` and ``cross_validate``. The network below recognises
about 97 % of the digits that it has not seen. :func:`~skmnist.diagnose_fit` says that
more epochs would make it better.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import StratifiedKFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

X, y = load_digits28(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# The pixels are integers from 0 to 255. Scaling is a step of the Pipeline, so that new
# images are scaled in the same way. ``random_state`` makes the weights repeatable.
clf = make_pipeline(PixelScaler(), KerasMLPClassifier(random_state=0))
clf.fit(X_train, y_train)
print(f"training accuracy {clf.score(X_train, y_train):.3f}")
print(f"test accuracy     {clf.score(X_test, y_test):.3f}")

# %%
# ``predict`` returns labels, ``predict_proba`` a probability for each class. These are
# the test images whose predicted class has the lowest probability; a red title marks a
# wrong prediction.
predicted = clf.predict(X_test)
confidence = clf.predict_proba(X_test).max(axis=1)
fig, axes = plt.subplots(2, 5, figsize=(7, 3.4), layout="constrained")
for ax, row in zip(axes.flat, confidence.argsort(), strict=False):
    ax.imshow(X_test[row].reshape(28, 28), cmap="gray_r")
    color = "black" if predicted[row] == y_test[row] else "red"
    title = f"{predicted[row]} ({confidence[row]:.0%}), is {y_test[row]}"
    ax.set_title(title, color=color, fontsize=9)
    ax.axis("off")
fig.suptitle("Least certain predictions: class (probability), label")

# %%
# One split is little evidence. Cross-validation trains five networks, each on four
# fifths of the digits, and tests it on the rest.
cv = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_validate(clf, X, y, cv=cv, return_train_score=True)
print(f"training accuracy, 5 folds {scores['train_score'].mean():.3f}")
print(f"test accuracy, 5 folds     {scores['test_score'].mean():.3f}")

# %%
# Does the network over- or underfit? The verdict compares it with a reference, the best
# of a few strong models of scikit-learn. Read the first word, and the advice at the
# end.
print(diagnose_fit(clf, X, y, cv=cv, random_state=0))
