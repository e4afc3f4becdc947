"""Scikit-learn classifiers that train Keras networks."""

from skmnist.classifiers._image import KerasImageClassifier
from skmnist.classifiers._lenet import LeNetClassifier
from skmnist.classifiers._mlp import KerasMLPClassifier

__all__ = ["KerasImageClassifier", "KerasMLPClassifier", "LeNetClassifier"]
