"""What callbacks change in a network besides its variables.

A callback may freeze a layer or set another dropout rate. Keras reads such settings
when it traces the training step, at the first batch, and ignores later changes.
"""

import inspect

import numpy as np

from skmnist._engine._backend import keras, to_numpy
from skmnist._optimizers import with_inner_optimizers

# Settings that have no effect on predictions. Others may have none either, which takes
# building the network again to find out.
_OF_TRAINING = {
    "trainable",
    "rate",
    "stddev",
    "momentum",
    "dropout",
    "recurrent_dropout",
}
_PLAIN = bool, int, float, str, tuple, list, np.generic, type(None)
# Random samples on which networks are compared.
_N_SAMPLES = 8


class Settings:
    """The settings of a network and its optimizer at one time.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
    attributes : bool, default=False
        Whether attributes of layers that are not Keras's count as settings, too. They
        change in other ways as well: a layer may count its calls.
    """

    def __init__(self, model, optimizer, attributes=False):
        self._values, self._labels = {}, {}
        for position, layer in enumerate(model._flatten_layers()):
            place, label = ("layer", position), f"layer {layer.name!r}"
            names = _settings_of(layer)
            self._add(place, label, layer, names)
            if attributes:
                own = _attributes_of(layer) - set(names)
                self._add(("attribute", position), label, layer, own)
        for position, part in enumerate(with_inner_optimizers(optimizer)):
            place = "optimizer", position
            self._add(place, type(part).__name__, part, part.get_config())
        # A callback that compiles the model again replaces both.
        self._labels["model"] = "model"
        compiled = id(model.optimizer), id(model._compile_loss)
        self._values["model", "compile"] = compiled

    def _add(self, place, label, owner, names):
        self._labels[place] = label
        for name in names:
            value = getattr(owner, name, None)
            if isinstance(value, _PLAIN) or inspect.isroutine(value):
                self._values[place, name] = value

    def changed_since(self, earlier):
        """Return what differs from earlier settings.

        Returns
        -------
        of_training, others, compiled : list of str
            Settings that have no effect on predictions, those that may have one, such
            as "activation of layer 'dense'", and what is compiled.
        """
        of_training, others, compiled = [], [], []
        for key in {**self._values, **earlier._values}:
            in_both = key in self._values and key in earlier._values
            if key[0][0] == "attribute" and not in_both:
                continue  # not looked at, or a callback stores something of its own
            before, now = (part._values.get(key, self) for part in (earlier, self))
            if before is now or (type(before) is type(now) and before == now):
                continue
            place, name = key
            label = self._labels.get(place) or earlier._labels[place]
            if place == "model":
                found = compiled
            elif place[0] == "optimizer" or name in _OF_TRAINING:
                found = of_training
            else:
                found = others
            found.append(f"{name} of {label}")
        return of_training, others, compiled


def predict_alike(model, other, samples):
    """Return whether two networks are the same function in inference mode.

    They are compared with the weights of the first and with random ones, as layers
    whose output is multiplied by zeros at first have no effect yet. Equal means
    bit-equal: a difference by rounding alone is not worth a wrong answer.

    Parameters
    ----------
    model : keras.Model
        Keeps its weights.
    other : keras.Model
        Its weights are overwritten.
    samples : ndarray of shape (1, ...)
        Of the shape and dtype of the inputs.

    Returns
    -------
    alike : bool
        False, too, if the networks have other variables or cannot be computed.
    """
    weights = [to_numpy(variable) for variable in model.variables]
    if [w.shape for w in weights] != [tuple(v.shape) for v in other.variables]:
        return False
    rng = np.random.default_rng(0)
    shape = _N_SAMPLES, *samples.shape[1:]
    noise = rng.normal(size=shape).astype(samples.dtype)
    # Layers that look up their inputs take small integers only.
    inputs = [noise, (noise > 0).astype(samples.dtype)]
    try:
        outputs = [_outputs(other, values, inputs) for values in _drawn(weights)]
        changed = [_outputs(model, values, inputs) for values in _drawn(weights)]
    finally:
        _assign(model, weights)
    pairs = [
        pair
        for row in zip(outputs, changed, strict=True)
        for pair in zip(*row, strict=True)
        if pair[0] is not None
    ]
    return bool(pairs) and all(
        new is not None and np.array_equal(old, new) for old, new in pairs
    )


def _drawn(weights):
    """Yield the weights, and the same plus noise."""
    yield weights
    rng = np.random.default_rng(0)
    # Variances stay positive, and states of generators, which are integers, valid.
    yield [
        w
        if w.dtype.kind in "biu"
        else (w + rng.uniform(0, 0.1, w.shape)).astype(w.dtype)
        for w in weights
    ]


def _assign(model, weights):
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)


def _outputs(model, weights, inputs):
    """Return the outputs for each of some inputs, None where they cannot be computed.

    The weights include the states of generators, so that layers that draw in inference
    mode draw the same in two networks.
    """
    outputs = []
    for each in inputs:
        _assign(model, weights)
        try:
            predicted = model(each, training=False)
            outputs.append(keras.ops.convert_to_numpy(predicted))
        except Exception:  # a user's class may fail in any way here
            outputs.append(None)
    return outputs


def _settings_of(layer):
    """Return the names of a layer's settings."""
    if isinstance(layer, keras.Model):  # its configuration is that of its layers
        return ["trainable"]
    try:
        names = set(layer.get_config())
    except Exception:  # a user's class may fail in any way here
        names = set()
    return sorted(names - {"name", "dtype"} | {"trainable"})


def _attributes_of(layer):
    """Return the names of the attributes of a layer that is not Keras's."""
    if type(layer).__module__.startswith("keras."):
        return set()
    names = {name for name in vars(layer) if not name.startswith("_")}
    return names - {"stop_training"}  # by which callbacks end a training
