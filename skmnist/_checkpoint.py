"""A training's state on disk after every epoch, so that a killed one can go on."""

import json
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np

from skmnist._atomic import replacing

_FILE = "training.npz"
_PACKAGES = ("skmnist", "keras", "tensorflow", "numpy", "scikit-learn")


class Checkpoint:
    """Where one training keeps its state.

    Parameters
    ----------
    directory : str or path-like
        Shared by any number of trainings: each has a subfolder of its own.
    *identity : object
        Data, parameters, seed: all that the result depends on. With the versions of
        the packages they make the subfolder's name.
    """

    def __init__(self, directory, *identity):
        versions = [version(package) for package in _PACKAGES]
        self.path = Path(directory) / joblib.hash((identity, versions)) / _FILE

    def save(self, training, best, *, finished):
        """Write the state, all or nothing.

        Parameters
        ----------
        training : Training
        best : tuple of (weights, optimizer_state) or None
            The state of the best epoch, where early stopping keeps one.
        finished : bool
            Whether no epoch is left.
        """
        states = {"weights": training.weights, "optimizer": training.optimizer_state}
        if best is not None:
            states |= {"best_weights": best[0], "best_optimizer": best[1]}
        arrays = {
            f"{name}_{i}": value
            for name, values in states.items()
            for i, value in enumerate(values)
        }
        description = {
            "history": training.history,
            "finished": finished,
            "lengths": {name: len(values) for name, values in states.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as file:
            np.savez(file, description=np.array(json.dumps(description)), **arrays)

    def restore(self, training):
        """Bring a training to where the last one was when it ended or was killed.

        Parameters
        ----------
        training : Training
            Changed in place; left as it is where nothing was saved.

        Returns
        -------
        best : tuple of (weights, optimizer_state) or None
        finished : bool

        Raises
        ------
        OSError
            If the file cannot be read, or is damaged.
        """
        if not self.path.exists():
            return None, False
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                description = json.loads(str(arrays["description"]))
                states = {
                    name: [arrays[f"{name}_{i}"] for i in range(length)]
                    for name, length in description["lengths"].items()
                }
        except Exception as error:  # a damaged archive fails in many ways
            raise OSError(
                f"The checkpoint {self.path} is damaged ({error}). Delete it to train "
                "from the start."
            ) from error
        training.weights = states["weights"]
        training.optimizer_state = states["optimizer"]
        training.history = description["history"]
        best = None
        if "best_weights" in states:
            best = states["best_weights"], states["best_optimizer"]
        return best, description["finished"]
