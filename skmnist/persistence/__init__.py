"""Saving estimators to files that hold data only, and loading them."""

from skmnist._engine._placeholder import Placeholder
from skmnist.persistence._context import KerasObject, SavedArchitecture
from skmnist.persistence._file import load, save

# Saved files and pickles name the last three by this module.
__all__ = ["KerasObject", "Placeholder", "SavedArchitecture", "load", "save"]
