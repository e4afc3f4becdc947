"""Hash of data, parameters and code that is the same in every process."""

import functools
import hashlib
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

import joblib
import numpy as np

# Packages whose code is identified by name; their versions are hashed separately.
_VERSIONED = {"builtins", "jax", "keras", "numpy", "skmnist", "tensorflow", "torch"}


def identify(value, _known=None):
    """Return a string that is equal for equal values, also in another process.

    A function is hashed by its code and by the constants, defaults, closure and global
    variables that it reads; an object by its class and configuration.

    ``joblib.hash`` does not suffice: it raises for a lambda, hashes a function by its
    name only and a Keras object differently each time it is pickled, and distinguishes
    two equal parts from the same part used twice.

    Parameters
    ----------
    value : object

    Returns
    -------
    text : str
        SHA-256 or joblib hash, or the repr of a number or string.
    """
    if value is None or isinstance(value, str | bytes | int | float | np.generic):
        return repr(value)
    if isinstance(value, np.ndarray):
        return joblib.hash(value)
    # Keyed by id, so that shared parts are hashed once. The value is stored as well:
    # an object that was garbage-collected could pass its id on to another.
    known = {} if _known is None else _known
    if id(value) not in known:
        # Ends the recursion if an object contains itself.
        known[id(value)] = value, "within"
        parts = repr([identify(part, known) for part in _parts(value)])
        text = hashlib.sha256(f"{type(value).__name__} {parts}".encode()).hexdigest()
        known[id(value)] = value, text
    return known[id(value)][1]


def _parts(value):
    """Return the parts that a value is hashed by."""
    if isinstance(value, dict):
        if value.get("class_name") == "__lambda__":
            # Its marshalled code differs from process to process. The function that
            # created the lambda is hashed by its own code.
            return []
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
    return [type(value), _configuration(value), *_own_attributes(value)]


def _read_by(function):
    """Yield a function's code and the values that it reads."""
    yield function.__code__
    yield function.__defaults__
    yield function.__kwdefaults__
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # the variable has no value yet
            yield None
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, str | int | float | tuple | type | FunctionType):
            yield value


def _own_attributes(value):
    """Return the attributes of a user's Keras object, which its config may leave out.

    Layers and models are left out: they have counters of the process.
    """
    is_builtin = type(value).__module__.split(".")[0] in _VERSIONED
    if is_builtin or not hasattr(value, "get_config") or hasattr(value, "weights"):
        return []
    plain = (bool, int, float, str, np.ndarray, np.generic, list, tuple, FunctionType)
    return [
        part
        for name, entry in sorted(vars(value).items())
        if name not in ("name", "_name") and isinstance(entry, plain)
        for part in (name, entry)
    ]


def _configuration(value):
    if hasattr(value, "get_config"):
        try:
            config = dict(value.get_config())
        except Exception:  # user-defined get_config may raise anything
            return None
        # Keras numbers names by the objects created earlier in the process.
        config.pop("name", None)
        return config
    return getattr(value, "__dict__", None)
