"""What callbacks change in a network besides its variables.

A callback may freeze a layer or set another dropout rate. Keras reads such settings
when it traces the training step, at the first batch, and ignores later changes.
"""

import inspect

import numpy as np

from skmnist._engine._backend import keras
from skmnist._optimizers import with_inner_optimizers

# Settings that have no effect on predictions.
_OF_TRAINING = {
    "trainable",
    "rate",
    "stddev",
    "momentum",
    "dropout",
    "recurrent_dropout",
}
_PLAIN = bool, int, float, str, tuple, list, np.generic, type(None)


class Settings:
    """The settings of a network and its optimizer at one time.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
    """

    def __init__(self, model, optimizer):
        self._values = {}
        for position, layer in enumerate(model._flatten_layers()):
            self._add((position, f"layer {layer.name!r}"), layer, _settings_of(layer))
        for position, part in enumerate(with_inner_optimizers(optimizer)):
            names = part.get_config()
            self._add((position, type(part).__name__), part, names)
        # A callback that compiles the model again replaces both.
        compiled = id(model.optimizer), id(model._compile_loss)
        self._values[(0, "model"), "compile", False] = compiled

    def _add(self, place, owner, names):
        of_optimizer = not isinstance(owner, keras.layers.Layer)
        for name in names:
            value = getattr(owner, name, None)
            if isinstance(value, _PLAIN) or inspect.isroutine(value):
                affects_training_alone = of_optimizer or name in _OF_TRAINING
                self._values[place, name, affects_training_alone] = value

    def changed_since(self, earlier):
        """Return what differs from earlier settings.

        Returns
        -------
        of_training, others : list of str
            Settings without and with an effect on predictions, such as "rate of layer
            'dropout'".
        """
        found = {True: [], False: []}
        for key in {**self._values, **earlier._values}:
            before, now = (part._values.get(key, self) for part in (earlier, self))
            if before is not now and (type(before) is not type(now) or before != now):
                (_, place), name, of_training = key
                found[of_training].append(f"{name} of {place}")
        return found[True], found[False]


def _settings_of(layer):
    """Return the names of a layer's settings."""
    if isinstance(layer, keras.Model):  # its configuration is that of its layers
        return ["trainable"]
    try:
        names = set(layer.get_config())
    except Exception:  # a user's class may fail in any way here
        names = set()
    return sorted(names - {"name", "dtype"} | {"trainable"})
