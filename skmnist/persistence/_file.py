"""Save an estimator or a Pipeline to one file, and load it without running its code."""

import contextlib
import os
import stat
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from skmnist._atomic import replacing
from skmnist.persistence._archive import pack, unpack
from skmnist.persistence._context import classifiers_as_data

__all__ = ["load", "save"]


def save(estimator, path):
    """Save an estimator or a Pipeline, fitted or not, to one file.

    The file holds data only, weights and configuration. It is written beside its name
    first and then renamed: a failure leaves no half file. What is written was read
    again before.

    Of a classifier these are not kept: a builder, callbacks and a loss of your own,
    which are code, and `checkpoint_dir`. What was loaded predicts without them, and
    asks for them before it trains: ``set_params(model=...)``.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Of this package's classes, and scikit-learn's transformers, linear models and
        ensembles of these; not trees, support vector machines, neighbours or searches.
        Of a search save `best_estimator_`.
    path : str or path-like
        The file, replaced if it exists.

    Raises
    ------
    TypeError
        If the estimator holds code that prediction needs, as a network with layers of
        your own, or a type that `load` does not trust.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Load the file.

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
    name = type(estimator).__name__
    content = {"class": name, "versions": _versions(), "estimator": estimator}
    try:
        with classifiers_as_data():
            data = pack(content)
            _unpack(data)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        raise TypeError(
            f"Cannot save this {name} as data: {str(error).rstrip('.')}. joblib.dump "
            "keeps code too, for files that you trust."
        ) from error
    with replacing(path) as file:
        file.write(data)


def load(path):
    """Load what `save` wrote. No code in the file is run.

    The file is checked as a whole before anything is built from it, and networks are
    checked against their weights.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator or Pipeline
        Ready to predict if it was fitted, and to go on training unless something was
        left out of the file.

    Raises
    ------
    ValueError
        If the file is not one that `save` wrote, is damaged, was written by a newer
        version, or names types that are not trusted.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write the file.
    """
    data = _read(path)
    try:
        with classifiers_as_data():
            return _unpack(data)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # a damaged archive fails in many ways
        reason = str(error).rstrip(".")
        if not isinstance(error, ValueError):
            reason = f"it is damaged or was changed ({type(error).__name__}: {reason})"
        raise ValueError(f"Cannot load {os.fspath(path)}: {reason}.") from error


def _unpack(data):
    content = unpack(data)
    if not isinstance(content, dict) or set(content) != {
        "class",
        "versions",
        "estimator",
    }:
        raise ValueError("it was not written by skmnist.save")
    estimator = content["estimator"]
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(f"it holds a {type(estimator).__name__}, no estimator")
    if content["class"] != type(estimator).__name__:
        raise ValueError(f"it says that it holds a {content['class']!r}")
    if isinstance(estimator, Pipeline):
        _try_steps(estimator)
    return estimator


def _try_steps(pipe):
    """Hand a blank sample through a fitted Pipeline, up to its last step.

    Scikit-learn's attributes are not checked one by one: those of a changed file fail
    here, and not in some later prediction.
    """
    *transformers, last = [step for _, step in pipe.steps]
    shape = getattr(last, "_sample_shape", None)
    first = transformers[0] if transformers else None
    if shape is None or not hasattr(first, "n_features_in_"):
        return
    X = np.zeros((1, *getattr(first, "_sample_shape", (first.n_features_in_,))))
    with warnings.catch_warnings(), contextlib.suppress(ValueError):
        warnings.simplefilter("ignore")
        X = pipe[:-1].transform(X)
        if isinstance(X, np.ndarray) and X.shape[1:] != shape:
            raise TypeError(f"its steps give samples of shape {X.shape[1:]}")


def _read(path):
    """Read a regular file: others may never end, or never begin."""
    # A FIFO without a writer would wait for one.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"{os.fspath(path)} is a directory, no file.")
        if not stat.S_ISREG(mode):
            raise OSError(f"{os.fspath(path)} is no regular file.")
        return file.read()


def _versions():
    from importlib.metadata import version

    from skmnist import __version__

    packages = ("scikit-learn", "keras", "numpy")
    return {"skmnist": __version__} | {name: version(name) for name in packages}
