"""Values of hyperparameters: how they are written, and which are simpler."""

from itertools import pairwise
from numbers import Integral, Real

import numpy as np

from skmnist.architectures import as_sizes

# A larger value of these regularises more.
_LARGER_IS_SIMPLER = ("dropout", "hidden_dropout", "l2")
_LARGER_IS_MORE_COMPLEX = ("epochs",)
_LAYER_SIZES = ("hidden_layer_sizes", "filters")


def short_name(name):
    """Return a parameter's name without the names of the steps around it."""
    return name.rpartition("__")[2]


def short_names(names):
    """Return a dict of names without those of steps, if that leaves them different."""
    short = {name: short_name(name) for name in names}
    unique = len(set(short.values())) == len(short)
    return short if unique else {name: name for name in names}


def written(point):
    """Write parameters as they are typed on the command line: ``epochs=5 l2=0.1``."""
    return " ".join(f"{name}={written_value(value)}" for name, value in point.items())


def written_value(value):
    """Write a value as it is typed on the command line."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    if hasattr(value, "get_config"):  # its repr has an address of memory
        config = value.get_config()
        options = (f"{k}={v!r}" for k, v in config.items() if k != "name")
        return f"{type(value).__name__}({', '.join(options)})"
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def is_number(value):
    """Return whether a value is a number, and not a boolean."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def complexity(name, value, n_features, n_classes):
    """Return a number that grows with a model's complexity, or None without an order.

    Parameters
    ----------
    name : str
        A parameter of this package's classifiers, with or without the names of steps.
    value : object
    n_features : int or None
    n_classes : int
        The number of inputs and outputs of a network, for the number of its weights.
        Layer sizes have no order if the number of inputs is unknown.

    Returns
    -------
    complexity : float or None
    """
    name = short_name(name)
    if name in _LAYER_SIZES and isinstance(value, Integral | tuple | list | np.ndarray):
        ends = (n_features, n_classes) if name == "hidden_layer_sizes" else (1, 1)
        if ends[0] is None:
            return None
        widths = [ends[0], *as_sizes(value), ends[1]]
        return sum(a * b for a, b in pairwise(widths))
    if not is_number(value):
        return None
    if name in _LARGER_IS_MORE_COMPLEX:
        return value
    return -value if name in _LARGER_IS_SIMPLER else None
