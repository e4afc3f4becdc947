"""
Fitting a first classifier
==========================

Use a Keras multilayer perceptron as a scikit-learn classifier, on real handwritten
digits.
"""

from sklearn.model_selection import cross_validate, train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import (
    ImageFlattener,
    KerasMLPClassifier,
    PixelScaler,
    diagnose_fit,
    load_digits28,
)

X, y = load_digits28(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

# %%
# Scaling is part of the Pipeline, so every fold is scaled in the same way.
clf = make_pipeline(ImageFlattener(), PixelScaler(), KerasMLPClassifier(random_state=0))
clf.fit(X_train, y_train)
print(f"training accuracy  {clf.score(X_train, y_train):.3f}")
print(f"test accuracy      {clf.score(X_test, y_test):.3f}")

# %%
# Cross-validation uses scikit-learn; the folds are stratified.
scores = cross_validate(clf, X, y, cv=5, return_train_score=True)
print(f"training, 5 folds  {scores['train_score'].mean():.3f}")
print(f"test, 5 folds      {scores['test_score'].mean():.3f}")

# %%
# Does the classifier over- or underfit, and what would improve it?
print(diagnose_fit(clf, X, y, cv=5, random_state=0))
