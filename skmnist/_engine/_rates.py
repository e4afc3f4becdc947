"""Dropout rates and L2 weights as inputs of compiled functions, not constants in them.

A search over them then compiles once.
"""

import contextlib
import threading

import numpy as np

from skmnist._engine._backend import keras, uniform


class Slots:
    """The places in a network where dropout rates and L2 weights stand.

    Parameters
    ----------
    model : keras.Model
        Changed: from here on it computes with the values of `bound`, and cannot be
        trained outside of it.
    """

    def __init__(self, model):
        self._bound = threading.local()
        layers, variables = _find(model)
        for position, layer in enumerate(layers):
            layer.call = _dropout(layer, self, position)
        for position, variable in enumerate(variables, start=len(layers)):
            variable.regularizer = _L2(self, position)

    @contextlib.contextmanager
    def bound(self, values):
        """Set the values, a tensor of shape (n,), for what this thread traces inside.

        They are removed on exit: a thread's locals would keep the traced graph, and
        with it the network, in memory for as long as the thread lives.
        """
        self._bound.values = values
        try:
            yield
        finally:
            del self._bound.values

    def get(self, position, dtype):
        """Return one value as a scalar tensor."""
        return keras.ops.cast(self._bound.values[position], dtype)


def read(model, dtype):
    """Return the values in the order of the slots, an ndarray of shape (n,)."""
    layers, variables = _find(model)
    return np.array(
        [layer.rate for layer in layers] + [v.regularizer.l2 for v in variables], dtype
    )


def without(config):
    """Return a serialised network without the values that have slots."""
    if isinstance(config, dict):
        # A penalty on a layer's output belongs to no variable and has no slot.
        fields = {
            name: value if name == "activity_regularizer" else without(value)
            for name, value in config.items()
        }
        if config.get("class_name") == "L2":
            del fields["config"]["l2"]
        elif config.get("class_name") == "Dropout":
            rate = fields["config"]["rate"]
            fields["config"]["rate"] = None if _has_slot(rate) else rate
        return fields
    if isinstance(config, list | tuple):
        return [without(part) for part in config]
    return config


def _find(model):
    """Return the dropout layers, and the variables with an L2 penalty."""
    layers = [
        layer
        for layer in model._flatten_layers()
        if type(layer) is keras.layers.Dropout and _has_slot(layer.rate)
    ]
    return layers, [
        variable
        for variable in model.trainable_variables
        if type(variable.regularizer) is keras.regularizers.L2
    ]


def _has_slot(rate):
    """Return whether a dropout rate may change; 0 draws nothing, 1 divides by zero."""
    return 0 < rate < 1


def _dropout(layer, slots, position):
    """Return the call of a dropout layer whose rate comes from a slot."""

    def call(inputs, training=False):
        if not training:
            return inputs
        ops = keras.ops
        rate = slots.get(position, inputs.dtype)
        shape = ops.shape(inputs)
        if layer.noise_shape is not None:
            sides = zip(layer.noise_shape, shape, strict=False)
            shape = tuple(whole if side is None else side for side, whole in sides)
        drawn = uniform(shape, layer.seed_generator)
        dropped = drawn < ops.cast(rate, drawn.dtype)
        return ops.where(dropped, ops.zeros_like(inputs), inputs / (1 - rate))

    return call


class _L2(keras.regularizers.Regularizer):
    """An L2 penalty whose weight comes from a slot."""

    def __init__(self, slots, position):
        self._slots = slots
        self._position = position

    def __call__(self, x):
        weight = self._slots.get(self._position, x.dtype)
        return weight * keras.ops.sum(keras.ops.square(x))
