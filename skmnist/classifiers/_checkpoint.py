"""A training's state on disk after every epoch, so that a killed one can go on."""

import contextlib
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from skmnist._atomic import replacing
from skmnist._engine._backend import BACKEND
from skmnist.classifiers._key import identify
from skmnist.persistence import save

_STATE, _BEST = "training.npz", "best.skmnist"
_PACKAGES = ("skmnist", "keras", BACKEND, "numpy", "scikit-learn")
# Seconds without a write after which a half file is taken for what a kill has left.
_ABANDONED = 600


class Checkpoint:
    """Where one training keeps its state.

    Parameters
    ----------
    directory : str or path-like
        Shared by any number of trainings: each has a subfolder of its own.
    *identity : object
        Data, parameters, seed: all that the result depends on. With the versions of
        the packages they make the subfolder's name.
    monitor : {"loss", "accuracy", "val_loss", "val_accuracy"}, optional
        The quantity that tells the best epoch, which is kept in a file of its own.
    as_classifier : callable
        Makes a fitted classifier of a Training, for that file.

    Attributes
    ----------
    path : Path
        The state.
    best_path : Path
        The best epoch's classifier, for `skmnist.load`.

    Raises
    ------
    OSError
        If the subfolder cannot be made.
    """

    def __init__(self, directory, *identity, monitor=None, as_classifier=None):
        versions = [f"{package} {version(package)}" for package in _PACKAGES]
        folder = Path(directory) / identify([identity, versions])[:32]
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / _STATE
        self.best_path = folder / _BEST
        self.monitor = monitor
        self._as_classifier = as_classifier

    def save(self, training, best, *, finished):
        """Write the state, all or nothing.

        Parameters
        ----------
        training : Training
        best : dict of str to tuple of (weights, optimizer_state)
            What is kept of earlier epochs, by what for.
        finished : bool
            Whether no epoch is left.
        """
        states = {"now": (training.weights, training.optimizer_state), **best}
        arrays = {
            f"{name}-{part}-{i}": value
            for name, state in states.items()
            for part, values in enumerate(state)
            for i, value in enumerate(values)
        }
        description = {
            "history": training.history,
            "finished": finished,
            "states": list(states),
        }
        with replacing(self.path) as file:
            np.savez(file, description=np.array(json.dumps(description)), **arrays)

    def save_best(self, training):
        """Write the classifier as it was after the best epoch."""
        save(self._as_classifier(training), self.best_path)

    def restore(self, training):
        """Bring a training to where the last one was when it ended or was killed.

        Parameters
        ----------
        training : Training
            Changed in place; left as it is where nothing was saved.

        Returns
        -------
        best : dict of str to tuple of (weights, optimizer_state)
        finished : bool

        Raises
        ------
        OSError
            If the file cannot be read, or is damaged.
        """
        self._clear()
        if not self.path.exists():
            return {}, False
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                if arrays.zip.testzip() is not None:
                    raise ValueError("its checksum differs")
                description = json.loads(str(arrays["description"]))
                like = training.weights, training.optimizer_state
                states = {
                    name: tuple(
                        [_as(arrays[f"{name}-{part}-{i}"], v) for i, v in enumerate(vs)]
                        for part, vs in enumerate(like)
                    )
                    for name in description["states"]
                }
        except Exception as error:  # a damaged archive fails in many ways
            raise OSError(
                f"The checkpoint {self.path} is damaged ({error}). Delete it to train "
                "from the start."
            ) from error
        training.weights, training.optimizer_state = states.pop("now")
        training.history = description["history"]
        return states, description["finished"]

    def _clear(self):
        """Remove half files that killed writes have left; another may be at work."""
        for half in self.path.parent.glob(".*"):
            # Another process may have been faster.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - half.stat().st_mtime > _ABANDONED:
                    half.unlink()


def _as(saved, wanted):
    """Return a saved array with the dtype of another, that of its place."""
    if saved.dtype.kind == "V":  # NumPy's files do not know bfloat16 by name
        saved = saved.view(wanted.dtype)
    if (saved.shape, saved.dtype) != (wanted.shape, wanted.dtype):
        raise ValueError("it belongs to another network")
    return saved
