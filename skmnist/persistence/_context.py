"""How classifiers take part in saving: the switch, and what stands for Keras's objects.

Nothing here imports Keras.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_AS_DATA = ContextVar("skmnist_as_data", default=False)


@contextmanager
def classifiers_as_data():
    """Make classifiers' ``__getstate__`` and ``__setstate__`` use data only.

    See `skmnist.persistence._state` for the form.
    """
    token = _AS_DATA.set(True)
    try:
        yield
    finally:
        _AS_DATA.reset(token)


def state_is_data():
    """Return whether this thread is inside `classifiers_as_data`."""
    return _AS_DATA.get()


@dataclass
class KerasObject:
    """Configuration in JSON of a Keras optimizer, loss or other object."""

    __module__ = "skmnist.persistence"

    text: str


@dataclass
class SavedArchitecture:
    """Builder of a network from its saved configuration, whatever the data."""

    __module__ = "skmnist.persistence"

    text: str

    def __call__(self, meta):
        """Build the network."""
        from skmnist.persistence import _keras_config

        return _keras_config.from_text(self.text)
