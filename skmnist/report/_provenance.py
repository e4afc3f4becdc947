"""How a result was made: fingerprints of data, versions, configuration, JSON."""

import hashlib
import importlib.metadata
import json
import math
import platform
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import indexable

from skmnist import __version__
from skmnist._content import content_of, hash_rows

_PACKAGES = ("scikit-learn", "tensorflow", "keras", "scikeras", "numpy", "pandas")


def fingerprint(data):
    """Return what identifies data: shape, dtype and SHA-256.

    Parameters
    ----------
    data : array-like, DataFrame or sparse matrix

    Returns
    -------
    fingerprint : dict
        "shape", "dtype" and "sha256", the latter of an array's bytes in C order; of the
        text of objects; of the row hashes of a DataFrame; of the three arrays of a
        sparse matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist.report._provenance import fingerprint
    >>> fingerprint(np.zeros((2, 3), dtype=np.uint8))["sha256"][:8]
    'b0f66adc'
    """
    if sparse.issparse(data):
        data = data.tocsr()
        parts, dtype = [data.data, data.indices, data.indptr], str(data.dtype)
    elif isinstance(data, pd.DataFrame | pd.Series):
        parts = [hash_rows(data)]
        dtypes = [data.dtype] if isinstance(data, pd.Series) else data.dtypes.unique()
        dtype = ", ".join(sorted(map(str, dtypes)))
    else:
        data = np.asarray(data)
        parts, dtype = [data], str(data.dtype)
        if data.dtype.kind == "O":
            parts = [np.frombuffer("\0".join(map(_text, data.ravel())).encode(), "u1")]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
    return {
        "shape": list(data.shape),
        "dtype": dtype,
        "sha256": digest.hexdigest(),
    }


def _text(value):
    return content_of(value) if isinstance(value, np.ndarray) else str(value)


def fingerprints(X, y, groups=None, params=None, first_row=0, test=None):
    """Return the fingerprints of the data of a diagnosis, by name.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,), default=None
    params : dict, default=None
        Metadata of `fit`; values with one entry per sample are included.
    first_row : int, default=0
        The first row of a hold-out, which has fingerprints of its own; 0 without one.
    test : tuple, default=None
        Test samples, their labels or None, and anything else.

    Returns
    -------
    data : dict of str to dict
    """
    trained = slice(first_row or None)
    parts = {"X": X[trained], "y": y[trained]}
    if first_row:
        parts |= {"X_val": X[first_row:], "y_val": y[first_row:]}
    if test is not None:
        names = ("X_test", "y_test")
        parts |= {k: v for k, v in zip(names, test, strict=False) if v is not None}
    if groups is not None:
        parts["groups"] = groups
    for name, value in (params or {}).items():
        if getattr(value, "shape", ())[:1] == (len(y),):
            parts[name] = indexable(value)[0][trained]
    return {name: fingerprint(part) for name, part in parts.items()}


def versions():
    """Return the versions that a result depends on, by package."""
    found = {"skmnist": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a build under another name
            continue
    return found


def origin(command=None, configuration=None, advice=()):
    """Return how and when a report was made, and what to do next.

    Parameters
    ----------
    command : str, default=None
    configuration : dict, default=None
    advice : sequence of (str, str), default=()
        What to type next: the purpose of each command, and the command.

    Returns
    -------
    origin : dict
        "date" (of now: UTC, ISO 8601), "command", "configuration", "versions" and
        "next", a list of dicts with "purpose" and "command".
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "configuration": configuration or {},
        "versions": versions(),
        "next": [{"purpose": step[0], "command": step[1]} for step in advice],
    }


def one_line(value):
    """Write an object on one line; an estimator with all of its parameters."""
    if type(value).__repr__ is BaseEstimator.__repr__:
        # Without N_CHAR_MAX the middle of a long one is left out.
        return " ".join(value.__repr__(N_CHAR_MAX=math.inf).split())
    return " ".join(repr(value).split())


def as_plain(value):
    """Return arrays and scalars in JSON's types: NaN as None, dates as text."""
    if isinstance(value, dict):
        return {str(key): as_plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return as_plain(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def as_json(record):
    """Return plain Python objects as the content of a JSON file."""
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()
