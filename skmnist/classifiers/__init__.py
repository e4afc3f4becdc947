"""Scikit-learn classifiers that train Keras networks."""

from skmnist.classifiers._copy import ByAttributes, Excluding
from skmnist.classifiers._image import KerasImageClassifier
from skmnist.classifiers._lenet import LeNetClassifier
from skmnist.classifiers._mlp import KerasMLPClassifier

# Pickles name ByAttributes and Excluding by this module.
__all__ = [
    "ByAttributes",
    "Excluding",
    "KerasImageClassifier",
    "KerasMLPClassifier",
    "LeNetClassifier",
]
