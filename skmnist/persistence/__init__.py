"""Save estimators to files that contain data only, and load them."""

from skmnist._engine._placeholder import Placeholder
from skmnist.persistence._context import KerasObject, SavedArchitecture
from skmnist.persistence._file import load, save

# Saved files and pickles refer to KerasObject, Placeholder and SavedArchitecture by
# their path in this module, so they must stay importable from it.
__all__ = ["KerasObject", "Placeholder", "SavedArchitecture", "load", "save"]
