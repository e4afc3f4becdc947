"""Earlier import paths that stand in pickles and saved files.

Pickles name classes by import path. Those written before a class was moved are loaded
through a stand-in module under the old path.
"""

import importlib
import sys
from types import ModuleType

#: The current import path of each object by an earlier one.
CURRENT_PATHS = {
    "skmnist._as_data.KerasObject": "skmnist.persistence.KerasObject",
    "skmnist._as_data.SavedArchitecture": "skmnist.persistence.SavedArchitecture",
    "skmnist._image_classifier.KerasImageClassifier": (
        "skmnist.classifiers.KerasImageClassifier"
    ),
    "skmnist._network.Network": "skmnist._engine._network.Network",
    "skmnist._training.Training": "skmnist._engine._training.Training",
    "skmnist._left_out.LeftOut": "skmnist.persistence.Placeholder",
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

# Modules that exist no more. Those that do resolve their own names.
_GONE = (
    "skmnist._as_data",
    "skmnist._image_classifier",
    "skmnist._left_out",
    "skmnist._network",
    "skmnist._training",
)


class _Moved(ModuleType):
    """Stand-in for a module that was moved: imports the new one when it is read."""

    def __getattr__(self, name):
        path = CURRENT_PATHS.get(f"{self.__name__}.{name}")
        if path is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def register():
    """Make the earlier import paths importable, without importing anything."""
    for name in _GONE:
        sys.modules.setdefault(name, _Moved(name))
