"""Save an estimator or a Pipeline to a file, and load it without running its code."""

from __future__ import annotations

import contextlib
import copy
import os
import stat
import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skmnist._atomic import replacing
from skmnist.persistence._archive import pack, unpack
from skmnist.persistence._context import classifiers_as_data

if TYPE_CHECKING:
    from skmnist._typing import Estimator, PathLike


__all__ = ["load", "save"]


def save(estimator: Estimator, path: PathLike) -> None:
    """Save an estimator or a Pipeline, fitted or not, to a file.

    The file contains data only: weights and configuration. The data is loaded once
    for verification before it is written, and the file is replaced atomically, so a
    failure leaves no incomplete file.

    User-defined builders, callbacks and losses are code and are not saved, nor are
    `checkpoint_dir` and what ``set_callbacks`` has set. A loaded classifier predicts
    without them. To train it, set them again, e.g. with ``set_params(model=...)``.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Estimator of this package, transformer or linear model of scikit-learn, or
        ensemble of these. Trees, support vector machines, nearest neighbors and
        searches are not supported; save the `best_estimator_` of a search.
    path : str or path-like
        File to write. An existing file is replaced.

    Raises
    ------
    TypeError
        If the estimator needs user-defined code to predict, e.g. a custom layer, or
        contains a type that `load` does not trust.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Load an estimator from a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmnist import KerasMLPClassifier, load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(KerasMLPClassifier(epochs=3), Path(folder) / "model.skmnist")
    ...     load(Path(folder) / "model.skmnist")
    KerasMLPClassifier(epochs=3)
    """
    if hasattr(estimator, "_skl_callbacks"):
        estimator = copy.copy(estimator).set_callbacks()
    name = type(estimator).__name__
    content = {"class": name, "versions": _versions(), "estimator": estimator}
    try:
        with classifiers_as_data():
            data = pack(content)
            # A file that `load` would reject is reported now, not when it is needed.
            _unpack(data)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        raise TypeError(
            f"Cannot save this {name} as data: {str(error).rstrip('.')}. For files "
            "that you trust, use joblib.dump, which also saves code."
        ) from error
    with replacing(path) as file:
        file.write(data)


def load(path: PathLike) -> Estimator:
    """Load an estimator that `save` wrote, without running code from the file.

    The whole file is checked before any object is created, and the shapes of the
    weights are checked against the network.

    Parameters
    ----------
    path : str or path-like
        File to read.

    Returns
    -------
    estimator : estimator or Pipeline
        Estimator in the state in which it was saved. Parameters that are user-defined
        code are placeholders; they must be set again before training.

    Raises
    ------
    ValueError
        If the file was not written by `save`, is damaged, was written by a newer
        version, or contains types that are not trusted.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Save an estimator to a file.
    """
    data = _read(path)
    try:
        with classifiers_as_data():
            return _unpack(data)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # damaged archives raise many types
        reason = str(error).rstrip(".")
        if not isinstance(error, ValueError):
            reason = (
                "the file is damaged or was modified "
                f"({type(error).__name__}: {reason})"
            )
        raise ValueError(f"Cannot load {os.fspath(path)}: {reason}.") from error


def _unpack(data):
    """Return the estimator in the content of a file.

    Raises
    ------
    Exception
        If `data` is damaged or contains more than data.
    """
    content = unpack(data)
    if not isinstance(content, dict) or set(content) != {
        "class",
        "versions",
        "estimator",
    }:
        raise ValueError("the file was not written by skmnist.save")
    estimator = content["estimator"]
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(
            f"the file contains a {type(estimator).__name__}, which is not an estimator"
        )
    if content["class"] != type(estimator).__name__:
        raise ValueError(
            f"the file declares a {content['class']!r} but contains a "
            f"{type(estimator).__name__}"
        )
    if isinstance(estimator, Pipeline):
        _try_steps(estimator)
    return estimator


def _try_steps(pipe):
    """Transform an all-zero sample with a fitted Pipeline, up to its last step.

    The fitted attributes of scikit-learn's transformers are not checked one by one.
    If they are inconsistent, loading fails here instead of a later prediction.
    """
    *transformers, last = [step for _, step in pipe.steps]
    shape = getattr(last, "_sample_shape", None)
    first = transformers[0] if transformers else None
    if shape is None or not hasattr(first, "n_features_in_"):
        return
    # A ValueError is no sign of a modified file: a transformer may reject zeros, as a
    # Box-Cox transformation does.
    X = np.zeros((1, *getattr(first, "_sample_shape", (first.n_features_in_,))))
    with warnings.catch_warnings(), contextlib.suppress(ValueError):
        warnings.simplefilter("ignore")
        X = pipe[:-1].transform(X)
        if isinstance(X, np.ndarray) and X.shape[1:] != shape:
            raise TypeError(
                f"the transformers return samples of shape {X.shape[1:]}, but the "
                f"last step expects {shape}"
            )


def _read(path):
    """Return the content of a regular file.

    Raises
    ------
    OSError
        If the path is not a regular file: reading a device may never end.
    """
    # Without O_NONBLOCK, opening a FIFO would wait for a process that writes to it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"{os.fspath(path)} is a directory, not a file.")
        if not stat.S_ISREG(mode):
            raise OSError(f"{os.fspath(path)} is not a regular file.")
        return file.read()


def _versions():
    from importlib.metadata import version

    from skmnist import __version__

    packages = ("scikit-learn", "keras", "numpy")
    return {"skmnist": __version__} | {name: version(name) for name in packages}
