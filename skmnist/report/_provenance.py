"""How a result was made: fingerprints of data, versions, configuration, JSON."""

import hashlib
import importlib.metadata
import json
import math
import platform

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator

from skmnist import __version__

_PACKAGES = ("scikit-learn", "tensorflow", "keras", "scikeras", "numpy", "pandas")


def fingerprint(data):
    """Return what tells data from other data.

    Parameters
    ----------
    data : array-like, DataFrame or sparse matrix

    Returns
    -------
    print : dict
        "shape", "dtype" and "sha256": of an array's bytes in C order; of the text of
        objects; of a DataFrame's hashes of rows; of a sparse matrix's three arrays.

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
        parts = [pd.util.hash_pandas_object(data, index=False).to_numpy()]
        dtypes = [data.dtype] if isinstance(data, pd.Series) else data.dtypes.unique()
        dtype = ", ".join(sorted(map(str, dtypes)))
    else:
        data = np.asarray(data)
        parts, dtype = [data], str(data.dtype)
        if data.dtype.kind == "O":
            parts = [np.frombuffer("\0".join(map(str, data.ravel())).encode(), "u1")]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8))
    return {
        "shape": list(data.shape),
        "dtype": dtype,
        "sha256": digest.hexdigest(),
    }


def versions():
    """Return the versions of what a result depends on, by package."""
    found = {"skmnist": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a build under another name
            continue
    return found


def one_line(value):
    """Write an object on one line: an estimator whole, however many its parameters."""
    if type(value).__repr__ is BaseEstimator.__repr__:
        # It leaves the middle of a long one out.
        return " ".join(value.__repr__(N_CHAR_MAX=math.inf).split())
    return " ".join(repr(value).split())


def as_plain(value):
    """Return arrays and scalars as what JSON holds: NaN as None, dates as text."""
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
