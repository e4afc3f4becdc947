"""What data, parameters and code are known by, the same in every process."""

import functools
import hashlib
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

import joblib
import numpy as np

# Known by their versions, not by their code.
_VERSIONED = {"builtins", "jax", "keras", "numpy", "skmnist", "tensorflow", "torch"}


def identify(value, _known=None):
    """Return a short text that is equal for equal values, in another process too.

    ``joblib.hash`` alone would not do: it refuses a lambda, takes a function for its
    name, a Keras object for the time at which it is pickled, and equal parts for
    others than the same part twice. Here a function is its code, with the constants,
    defaults, enclosed values and global names that it reads; an object is its class
    and its configuration.

    Parameters
    ----------
    value : object

    Returns
    -------
    text : str
    """
    if value is None or isinstance(value, str | bytes | int | float | np.generic):
        return repr(value)
    if isinstance(value, np.ndarray):
        return joblib.hash(value)
    # By identity, each kept so that no other object gets its id.
    known = {} if _known is None else _known
    if id(value) not in known:
        # An object may be a part of itself: there it is known by this.
        known[id(value)] = value, "within"
        parts = repr([identify(part, known) for part in _parts(value)])
        text = hashlib.sha256(f"{type(value).__name__} {parts}".encode()).hexdigest()
        known[id(value)] = value, text
    return known[id(value)][1]


def _parts(value):
    """Return what a value consists of."""
    if isinstance(value, dict):
        if value.get("class_name") == "__lambda__":
            return []  # marshalled, never twice the same; its maker's code is known
        return [part for name in value for part in (name, value[name])]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, CodeType):
        return [value.co_code, value.co_names, value.co_consts]
    if isinstance(value, ModuleType):
        return [value.__name__]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        name = f"{value.__module__}.{value.__qualname__}"
        if str(value.__module__).split(".")[0] in _VERSIONED:
            return [name]
        if isinstance(value, type):
            members = [m for m in vars(value).values() if hasattr(m, "__code__")]
            return [name, *value.__bases__, *members]
        return [name, *(_read_by(value) if isinstance(value, FunctionType) else ())]
    return [type(value), _configuration(value)]


def _read_by(function):
    """Yield what a function's result depends on."""
    yield function.__code__
    yield function.__defaults__
    yield function.__kwdefaults__
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield None
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, str | int | float | tuple | type | FunctionType):
            yield value


def _configuration(value):
    if hasattr(value, "get_config"):
        try:
            config = dict(value.get_config())
        except Exception:  # a user's class may fail in any way here
            return None
        config.pop("name", None)  # numbered after others made before
        return config
    return getattr(value, "__dict__", None)
