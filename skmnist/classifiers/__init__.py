"""Scikit-learn classifiers that train Keras networks."""

from skmnist.classifiers._copy import ByAttributes
from skmnist.classifiers._image import KerasImageClassifier
from skmnist.classifiers._lenet import LeNetClassifier
from skmnist.classifiers._mlp import KerasMLPClassifier

# Pickles name ByAttributes by this module.
__all__ = [
    "ByAttributes",
    "KerasImageClassifier",
    "KerasMLPClassifier",
    "LeNetClassifier",
]
