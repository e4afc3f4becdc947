"""Checkpoints: the training state saved after every epoch, to resume from."""

import contextlib
import json
import os
import secrets
import shutil
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from skmnist._atomic import replacing
from skmnist._engine._backend import BACKEND
from skmnist.classifiers._key import identify
from skmnist.persistence import save

_STATE, _BEST = "training.npz", "best.skmnist"
# Folder beside those of the trainings, in which each writes how far it is.
_PROGRESS = ".progress"
# Another version of one of these may compute other numbers.
_PACKAGES = ("skmnist", "keras", BACKEND, "numpy", "scikit-learn")
# Age in seconds at which a temporary file is regarded as left by a killed process.
_ABANDONED = 600


def make_checkpoint(classifier, network, training, data, parts):
    """Return the checkpoint of a fit.

    Parameters
    ----------
    classifier : BaseKerasClassifier
        `checkpoint_dir` and `save_best` are taken from it.
    network : Network
    training : Training
        State before the first epoch of the fit.
    data : tuple of ndarray
        Samples, targets and weights, and those of a validation set of the user's own.
    parts : tuple
        Arguments of ``classifier._set_fitted`` after the training.

    Returns
    -------
    checkpoint : Checkpoint
    """
    # A fit is identified by what its result depends on. `training` contains the seed
    # drawn from random_state, and callbacks are not allowed with a checkpoint.
    params = classifier.get_params(deep=False)
    for name in ("callbacks", "checkpoint_dir", "random_state", "verbose"):
        params.pop(name)

    def as_classifier(state):
        # Without the directory, which may not exist where the file is loaded.
        clf = classifier._as_of(state, parts)
        return clf.set_params(checkpoint_dir=None, save_best=None)

    return Checkpoint(
        classifier.checkpoint_dir,
        *(type(classifier), params, network.describe(), *data),
        vars(training),
        monitor=classifier.save_best,
        as_classifier=as_classifier,
        progress={
            "parameters": {name: v for name, v in params.items() if _is_plain(v)},
            "n_epochs": training.n_epochs + int(classifier.epochs),
        },
    )


class Checkpoint:
    """Files that hold the state of one training.

    Parameters
    ----------
    directory : str or path-like
        Directory shared by any number of trainings; each has its own subdirectory.
    *identity : object
        Data, parameters and seed: everything that the result depends on. The name of
        the subdirectory is a hash of `identity` and of the package versions.
    monitor : {"loss", "accuracy", "val_loss", "val_accuracy"}, optional
        Quantity that determines the best epoch, whose classifier is saved separately.
    as_classifier : callable
        Returns a fitted classifier for a Training. Used if `monitor` is not None.
    progress : dict, optional
        What a `RunningTrainings` of the same directory learns of this training.

    Attributes
    ----------
    path : Path
        File of the state after the last epoch.
    best_path : Path
        File of the classifier of the best epoch, for `skmnist.load`.

    Raises
    ------
    OSError
        If the subdirectory cannot be created.
    """

    def __init__(
        self, directory, *identity, monitor=None, as_classifier=None, progress=None
    ):
        versions = [f"{package} {version(package)}" for package in _PACKAGES]
        folder = Path(directory) / identify([identity, versions])[:32]
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / _STATE
        self.best_path = folder / _BEST
        self.monitor = monitor
        self._as_classifier = as_classifier
        self._progress = progress or {}
        self._progress_path = Path(directory) / _PROGRESS / f"{folder.name}.json"

    def save(self, training, best, *, finished):
        """Write the state atomically.

        Parameters
        ----------
        training : Training
        best : dict of str to tuple of (weights, optimizer_state)
            States of earlier epochs that are still needed, by name.
        finished : bool
            Whether the training is complete.

        Raises
        ------
        OSError
            If the file cannot be written.
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
        self._write_progress(training, finished)

    def save_best(self, training):
        """Write the classifier of the best epoch.

        Parameters
        ----------
        training : Training
            State after the best epoch.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        save(self._as_classifier(training), self.best_path)

    def restore(self, training):
        """Set a training to the saved state.

        Parameters
        ----------
        training : Training
            Modified in place. Unchanged if no state was saved.

        Returns
        -------
        best : dict of str to tuple of (weights, optimizer_state)
            The argument of the last call to `save`.
        finished : bool
            Whether the saved training is complete.

        Raises
        ------
        OSError
            If the file cannot be read, is damaged or belongs to another network.
        """
        self._remove_abandoned()
        if not self.path.exists():
            self._write_progress(training, False)
            return {}, False
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                # All checksums are checked before any array is used.
                if arrays.zip.testzip() is not None:
                    raise ValueError("its checksum does not match")
                description = json.loads(str(arrays["description"]))
                like = training.weights, training.optimizer_state
                states = {
                    name: tuple(
                        [_as(arrays[f"{name}-{part}-{i}"], v) for i, v in enumerate(vs)]
                        for part, vs in enumerate(like)
                    )
                    for name in description["states"]
                }
        except Exception as error:  # zipfile, NumPy and json raise many types
            raise OSError(
                f"The checkpoint {self.path} is damaged ({error}). Delete it to train "
                "from the beginning."
            ) from error
        training.weights, training.optimizer_state = states.pop("now")
        training.history = description["history"]
        self._write_progress(training, description["finished"])
        return states, description["finished"]

    def _write_progress(self, training, finished):
        """Write how far the training is, if there is a `RunningTrainings`."""
        progress = {"epoch": training.n_epochs, "finished": finished, **self._progress}
        path = self._progress_path
        temporary = path.with_name(f"{path.stem}.{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps(progress), encoding="utf-8")
            os.replace(temporary, path)

    def _remove_abandoned(self):
        """Remove temporary files of killed processes.

        Recent ones are kept: another process may be writing them.
        """
        for temporary in self.path.parent.glob(".*"):
            # Another process may have removed or renamed the file in the meantime.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - temporary.stat().st_mtime > _ABANDONED:
                    temporary.unlink()


def _is_plain(value):
    """Return whether a parameter can be written as JSON and read by people."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _as(saved, wanted):
    """Return a saved array, checked against the array that it replaces.

    Raises
    ------
    ValueError
        If the shape or dtype differs.
    """
    if saved.dtype.kind == "V":  # npy files store bfloat16 as anonymous bytes
        saved = saved.view(wanted.dtype)
    if (saved.shape, saved.dtype) != (wanted.shape, wanted.dtype):
        raise ValueError("it belongs to another network")
    return saved


class FinishedTrainings:
    """The completed trainings in a folder of checkpoints, by any process.

    ``len()`` counts them.

    Parameters
    ----------
    directory : path-like
        The `checkpoint_dir` of the classifiers.
    """

    def __init__(self, directory):
        self._directory = Path(directory)
        self._known = set()

    def __len__(self):
        for path in self._directory.glob(f"*/{_STATE}"):
            if path not in self._known and _is_finished(path):
                self._known.add(path)
        return len(self._known)


class RunningTrainings:
    """The trainings in a folder of checkpoints that run now, in any process.

    A context manager. Trainings that start inside it write how far they are to a folder
    that is removed at its end.

    Parameters
    ----------
    directory : path-like
        The `checkpoint_dir` of the classifiers.
    """

    def __init__(self, directory):
        self._directory = Path(directory)
        self._started = {}

    def __enter__(self):
        shutil.rmtree(self._directory / _PROGRESS, ignore_errors=True)
        (self._directory / _PROGRESS).mkdir(parents=True)
        return self

    def __exit__(self, *error):
        shutil.rmtree(self._directory / _PROGRESS, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty
            self._directory.rmdir()

    def latest(self, n_jobs):
        """Return the state of the trainings that started last.

        Parameters
        ----------
        n_jobs : int
            How many run at once. An earlier one has failed, if it has not finished.

        Returns
        -------
        states : list of dict
            At most `n_jobs`, in the order of their start. Each has the keys "epoch",
            the number of completed epochs, "n_epochs" and "parameters".
        """
        self._started |= dict.fromkeys((self._directory / _PROGRESS).glob("*.json"))
        states = [
            json.loads(path.read_text(encoding="utf-8")) for path in self._started
        ]
        return [state for state in states if not state["finished"]][-n_jobs:]


def _is_finished(path):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return json.loads(str(arrays["description"]))["finished"]
    except Exception:  # a damaged archive fails in many ways, when it is restored
        return False
