"""Data-only state of classifiers: the context that enables it, and its types.

Importing this module does not import Keras.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from skmnist._typing import Model


_AS_DATA = ContextVar("skmnist_as_data", default=False)


@contextmanager
def classifiers_as_data():
    """Make ``__getstate__`` and ``__setstate__`` of classifiers use data-only states.

    Outside this context they use the ordinary states that pickle, joblib and copy need.
    `skmnist.persistence._state` defines the data-only ones.
    """
    # A context variable, so that other threads can pickle classifiers meanwhile.
    token = _AS_DATA.set(True)
    try:
        yield
    finally:
        _AS_DATA.reset(token)


def state_is_data():
    """Return whether the caller runs within `classifiers_as_data`."""
    return _AS_DATA.get()


@dataclass
class KerasObject:
    """JSON configuration of a Keras optimizer, loss or other object.

    Parameters
    ----------
    text : str
        As returned by `_keras_config.to_text`.
    """

    __module__ = "skmnist.persistence"

    text: str


@dataclass
class SavedArchitecture:
    """Builder that creates a network from its JSON configuration.

    Parameters
    ----------
    text : str
        As returned by `_keras_config.to_text`.
    """

    __module__ = "skmnist.persistence"

    text: str

    def __call__(self, meta: Mapping[str, Any]) -> Model:
        """Return the uncompiled network; `meta` is ignored."""
        from skmnist.persistence import _keras_config

        return _keras_config.from_text(self.text)
