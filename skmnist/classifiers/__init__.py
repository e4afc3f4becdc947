"""Scikit-learn classifiers that train Keras networks."""

from skmnist.classifiers._copy import ByAttributes, ByConfiguration, Excluding
from skmnist.classifiers._image import KerasImageClassifier
from skmnist.classifiers._lenet import LeNetClassifier
from skmnist.classifiers._mlp import KerasMLPClassifier

# Pickles name ByAttributes, ByConfiguration and Excluding by this module.
__all__ = [
    "ByAttributes",
    "ByConfiguration",
    "Excluding",
    "KerasImageClassifier",
    "KerasMLPClassifier",
    "LeNetClassifier",
]
