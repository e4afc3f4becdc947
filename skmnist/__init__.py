"""Keras image classifiers as scikit-learn estimators, and a verdict on their fit.

Importing this package imports neither TensorFlow nor Keras: they load at the first fit.
"""

import importlib

from skmnist import _renamed

__version__ = "0.1.0"

# Imported on first access. Editors and type checkers read __init__.pyi instead.
_MODULES = frozenset(
    [
        "architectures",
        "classifiers",
        "cli",
        "datasets",
        "diagnosis",
        "displays",
        "persistence",
        "preprocessing",
        "report",
        "search",
    ]
)
_HOME = {
    "load_digits28": "datasets",
    "fetch_mnist": "datasets",
    "load_images": "datasets",
    "read_idx": "datasets",
    "write_idx": "datasets",
    "ImageFlattener": "preprocessing",
    "ImageReshaper": "preprocessing",
    "PixelScaler": "preprocessing",
    "MNISTFormatter": "preprocessing",
    "OneHotLabelEncoder": "preprocessing",
    "build_mlp": "architectures",
    "build_lenet": "architectures",
    "KerasImageClassifier": "classifiers",
    "KerasMLPClassifier": "classifiers",
    "LeNetClassifier": "classifiers",
    "diagnose_fit": "diagnosis",
    "FitDiagnosis": "diagnosis",
    "compare_fits": "diagnosis",
    "FitComparison": "diagnosis",
    "diagnose_search": "search",
    "SearchDiagnosis": "search",
    "EpochCurveDisplay": "displays",
    "FitDiagnosisDisplay": "displays",
    "LearningRateDisplay": "displays",
    "save": "persistence",
    "load": "persistence",
}

__all__ = ["__version__", *_HOME]


_renamed.register()


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"skmnist.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"skmnist.{_HOME[name]}"), name)
    raise AttributeError(f"module 'skmnist' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__, *_MODULES})
