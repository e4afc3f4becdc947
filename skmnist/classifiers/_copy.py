"""Copies of user objects among the parameters: losses, callbacks, optimizers, layers.

Keras copies and pickles an object by rebuilding it from its configuration. That fails
for a class that is not registered, and loses every attribute that `get_config` leaves
out. So objects of user-defined subclasses of Keras's are copied attribute by attribute.
Optimizers hold objects of the backend that cannot be copied: those are rebuilt from
their configurations, and get the attributes that users have added.
Nothing here imports Keras.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skmnist._optimizers import added_attributes, exclude, exclusions
from skmnist.persistence._context import state_is_data

if TYPE_CHECKING:
    from typing import Any, Self


# Of a callback: the network of its last fit, which belongs to that fit.
_NOT_COPIED = ("_model",)
# Of a classifier: a Keras model, which is built again from the weights on demand; and
# what scikit-learn's callbacks keep during a fit, with which a copy has nothing to do.
_NOT_STATE = ("_model", "_callback_fit_ctx", "_skl_callbacks_to_teardown")

# What is converted entry by entry. Instances of subclasses may hold more than entries.
_CONTAINERS = (list, tuple, dict)


class CopyMixin:
    """How classifiers are cloned, copied and pickled."""

    def __sklearn_clone__(self) -> Self:
        # As sklearn.clone, except for how parameters are copied.
        new = type(self)(**copy_parameters(self.get_params(deep=False)))
        if hasattr(self, "_metadata_request"):
            new._metadata_request = copy.deepcopy(self._metadata_request)
        if hasattr(self, "_skl_callbacks"):
            new._skl_callbacks = self._skl_callbacks  # shared, as by sklearn.clone
        return new

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state = {name: v for name, v in state.items() if name not in _NOT_STATE}
        if state_is_data():
            from skmnist.persistence._state import to_data

            return to_data(self, state)
        # Plain dicts, so that pickles do not depend on the paths of private classes.
        for name in {"_network", "_training"} & state.keys():
            state[name] = state[name].as_dict()
        return to_picklable(state)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state_is_data():
            from skmnist.persistence._restore import from_data

            super().__setstate__(from_data(self, state))
            return
        state = from_picklable(state)
        if "_network" in state:
            from skmnist._engine._network import Network
            from skmnist._engine._training import Training

            state = dict(state)
            for name, cls in (("_network", Network), ("_training", Training)):
                # Pickles of earlier versions contain the objects themselves.
                if isinstance(state[name], dict):
                    state[name] = cls(**state[name])
        # Those of earlier versions lack parameters that were added since.
        super().__setstate__(_defaults(type(self)) | state)


def _defaults(cls):
    """Return the default values of a classifier's parameters, also of its bases."""
    defaults = {}
    for base in reversed(cls.__mro__):
        if "__init__" in vars(base):
            for parameter in inspect.signature(base.__init__).parameters.values():
                if parameter.default is not parameter.empty:
                    defaults[parameter.name] = parameter.default
    return defaults


def copy_parameters(params):
    """Return deep copies of parameters; what cannot be copied is shared.

    Parameters
    ----------
    params : dict of str to object

    Returns
    -------
    copied : dict of str to object
        A loss that a callback refers to is the loss that the copied callback refers to.
        A value that holds an open file or a lock, for example, is the value itself.
    """
    # Functions are not copied, so neither are the variables that they use: a callback
    # may change them.
    memo = {id(v): v for value in params.values() for v in _variables_used_by(value)}
    return {name: _copy_or_share(value, memo) for name, value in params.items()}


def _convert_entries(container, memo, convert):
    """Return a list, tuple or dict of converted entries.

    Parameters
    ----------
    container : list, tuple or dict
    memo : dict
        What objects have been converted to, by their ids. The ids must stay those of
        these objects for as long as the memo is used.
    convert : callable
        Called with an entry and the memo.
    """
    if id(container) in memo:
        return memo[id(container)]
    if type(container) is tuple:
        entries = tuple([convert(entry, memo) for entry in container])
        # A tuple that a list inside it refers to has been converted by now.
        return memo.setdefault(id(container), entries)
    # Known before it is filled, since it may be inside itself.
    memo[id(container)] = converted = type(container)()
    if type(container) is list:
        converted.extend([convert(entry, memo) for entry in container])
    else:
        converted.update((name, convert(v, memo)) for name, v in container.items())
    return converted


def _variables_used_by(value):
    """Return the variables of Keras or TensorFlow that a function refers to."""
    if not inspect.isfunction(value):
        return []
    names = value.__code__.co_names
    used = [value.__globals__[name] for name in names if name in value.__globals__]
    for cell in value.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty cell
            used.append(cell.cell_contents)
    return [entry for entry in used if _is_variable(entry)]


def _is_variable(value):
    package = type(value).__module__.partition(".")[0]
    return package in ("keras", "tensorflow") and hasattr(value, "assign")


def _copy_or_share(value, memo):
    if type(value) in _CONTAINERS:
        return _convert_entries(value, memo, _copy_or_share)
    attempt = dict(memo)  # a copy that fails leaves unfinished ones
    try:
        copied = _deep_copy(value, attempt)
    except TypeError:  # raised by copy and pickle for files, locks and the like
        return value
    memo.update(attempt)
    return copied


def _deep_copy(value, memo):
    # Not left to copy.deepcopy, which does not know how to copy what they may hold.
    if type(value) in _CONTAINERS:
        return _convert_entries(value, memo, _deep_copy)
    if not _is_user_defined(value):
        return exclude(copy.deepcopy(value, memo), exclusions(value))
    if id(value) in memo:
        return memo[id(value)]
    if (parts := _parts_of_optimizer(value)) is not None:
        config, attributes = parts
        memo[id(value)] = copied = type(value).from_config(config)
        for name, entry in attributes.items():
            setattr(copied, name, _deep_copy(entry, memo))
        return exclude(copied, exclusions(value))
    memo[id(value)] = copied = object.__new__(type(value))
    for name, entry in _attributes(value).items():
        vars(copied)[name] = _deep_copy(entry, memo)
    return copied


def _parts_of_optimizer(value):
    """Return from what a user-defined optimizer can be rebuilt.

    Returns
    -------
    parts : tuple of two dicts, or None
        Its configuration, which is not shared with it, and the attributes that users
        have added. None for other objects, and if it cannot be rebuilt.
    """
    if not hasattr(value, "exclude_from_weight_decay"):
        return None
    try:  # runs the user's code, which may raise anything
        config = _deep_copy(value.get_config(), {})
        # from_config puts objects into what it is given.
        type(value).from_config(dict(config))
        return config, added_attributes(value)
    except Exception:
        return None


@dataclass(eq=False)
class ByAttributes:
    """A user-defined Keras object in a pickle: its class and its attributes.

    Parameters
    ----------
    cls : type
        Class of the object.
    attributes : dict
        Its attributes in a form that can be pickled.
    """

    __module__ = "skmnist.classifiers"

    cls: type
    attributes: dict[str, Any]

    def restore(self, memo: dict[int, Any]) -> Any:
        """Return the object.

        Parameters
        ----------
        memo : dict
            Objects restored before, by the id of what was pickled in their place.

        Returns
        -------
        value : object
            An instance of `cls` with these attributes.
        """
        if id(self) not in memo:
            memo[id(self)] = value = object.__new__(self.cls)
            vars(value).update(from_picklable(self.attributes, memo))
        return memo[id(self)]


@dataclass(eq=False)
class ByConfiguration:
    """A user-defined optimizer in a pickle: its class and how to rebuild it.

    Parameters
    ----------
    cls : type
        Class of the optimizer.
    config : dict
        Its configuration.
    attributes : dict
        Attributes that users have added, in a form that can be pickled.
    excluded : list of dict
        As returned by `exclusions`.
    """

    __module__ = "skmnist.classifiers"

    cls: type
    config: dict[str, Any]
    attributes: dict[str, Any]
    excluded: list[dict[str, Any]]

    def restore(self, memo: dict[int, Any]) -> Any:
        """Return the optimizer.

        Parameters
        ----------
        memo : dict
            As for `ByAttributes`.

        Returns
        -------
        optimizer : keras.optimizers.Optimizer
            With everything that it had.
        """
        if id(self) not in memo:
            config = dict(from_picklable(self.config, memo))
            memo[id(self)] = optimizer = self.cls.from_config(config)
            for name, entry in self.attributes.items():
                setattr(optimizer, name, from_picklable(entry, memo))
            exclude(optimizer, self.excluded)
        return memo[id(self)]


@dataclass
class Excluding:
    """An optimizer of Keras's in a pickle, with what it excludes from weight decay.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        The optimizer, which Keras pickles by its configuration.
    excluded : list of dict
        As returned by `exclusions`.
    """

    __module__ = "skmnist.classifiers"

    optimizer: Any
    excluded: list[dict[str, Any]]

    def restore(self, memo: dict[int, Any]) -> Any:
        """Return the optimizer.

        Parameters
        ----------
        memo : dict
            As for `ByAttributes`.

        Returns
        -------
        optimizer : keras.optimizers.Optimizer
            With everything that it had.
        """
        return exclude(self.optimizer, self.excluded)


def to_picklable(value, memo=None):
    """Return a parameter in a form whose pickles lose nothing.

    `ByAttributes` takes the place of user-defined Keras objects, `ByConfiguration` that
    of user-defined optimizers, and `Excluding` that of Keras's optimizers whose
    configuration does not hold everything.

    Parameters
    ----------
    value : object
    memo : dict, optional
        What has taken the place of an object or a container before, by its id, so that
        two references to one object stay so.
    """
    memo = {} if memo is None else memo
    if type(value) in _CONTAINERS:
        return _convert_entries(value, memo, to_picklable)
    if _is_user_defined(value):
        return _stand_in(value, memo)
    excluded = exclusions(value)
    return Excluding(value, excluded) if excluded else value


def _stand_in(value, memo):
    """Return what takes the place of a user-defined Keras object in a pickle."""
    if id(value) in memo:
        return memo[id(value)]
    if (parts := _parts_of_optimizer(value)) is not None:
        config, attributes = parts
        # A memo of its own: the configuration does not outlast this function.
        config = to_picklable(config)
        stand_in = ByConfiguration(type(value), config, {}, exclusions(value))
    else:
        attributes = _attributes(value)
        stand_in = ByAttributes(type(value), {})
    memo[id(value)] = stand_in
    # One by one: the dict of them lasts too short a time for its id to be kept.
    for name, entry in attributes.items():
        stand_in.attributes[name] = to_picklable(entry, memo)
    return stand_in


def from_picklable(value, memo=None):
    """Return the parameter that `to_picklable` converted.

    Parameters
    ----------
    value : object
    memo : dict, optional
        Objects and containers restored before, by the id of what took their place.
    """
    memo = {} if memo is None else memo
    if type(value) in _CONTAINERS:
        return _convert_entries(value, memo, from_picklable)
    if isinstance(value, ByAttributes | ByConfiguration | Excluding):
        return value.restore(memo)
    return value


def _attributes(value):
    return {
        name: None if name in _NOT_COPIED else entry
        for name, entry in vars(value).items()
    }


def _is_user_defined(value):
    """Return whether an object is of a user's subclass of one of Keras's classes."""
    packages = [cls.__module__.partition(".")[0] for cls in type(value).__mro__]
    return packages[0] != "keras" and "keras" in packages and hasattr(value, "__dict__")
