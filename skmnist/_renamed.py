"""Import paths of earlier versions, which old pickles and saved files contain.

A pickle refers to classes by import path. A pickle written before a class was moved is
loaded through a proxy module that is registered under the old path.
"""

import importlib
import sys
from types import ModuleType

#: Earlier import paths mapped to the current ones.
CURRENT_PATHS = {
    "skmnist._as_data.KerasObject": "skmnist.persistence.KerasObject",
    "skmnist._as_data.SavedArchitecture": "skmnist.persistence.SavedArchitecture",
    "skmnist._image_classifier.KerasImageClassifier": (
        "skmnist.classifiers.KerasImageClassifier"
    ),
    "skmnist._network.Network": "skmnist._engine._network.Network",
    "skmnist._training.Training": "skmnist._engine._training.Training",
    "skmnist._left_out.LeftOut": "skmnist.persistence.Placeholder",
    "skmnist.diagnosis._fit_diagnosis.FitDiagnosis": "skmnist.diagnosis.FitDiagnosis",
    "skmnist.preprocessing._images.ImageFlattener": (
        "skmnist.preprocessing.ImageFlattener"
    ),
    "skmnist.preprocessing._images.ImageReshaper": (
        "skmnist.preprocessing.ImageReshaper"
    ),
    "skmnist.preprocessing._labels.OneHotLabelEncoder": (
        "skmnist.preprocessing.OneHotLabelEncoder"
    ),
    "skmnist.preprocessing._pixels.PixelScaler": "skmnist.preprocessing.PixelScaler",
}

# Modules that no longer exist. The others define their old names themselves.
_REMOVED = (
    "skmnist._as_data",
    "skmnist._image_classifier",
    "skmnist._left_out",
    "skmnist._network",
    "skmnist._training",
    "skmnist.diagnosis._fit_diagnosis",
)


class _MovedModule(ModuleType):
    """Proxy for a module that was moved; imports the new one on attribute access."""

    def __getattr__(self, name):
        path = CURRENT_PATHS.get(f"{self.__name__}.{name}")
        if path is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def register():
    """Make the earlier import paths importable, without importing the new modules."""
    for name in _REMOVED:
        sys.modules.setdefault(name, _MovedModule(name))
