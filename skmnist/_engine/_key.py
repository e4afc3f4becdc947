"""The key of a network: two networks with equal keys share compiled functions.

A compiled function takes weights and inputs as arguments, and everything else is fixed
when it is traced. So it may be shared only between networks that are the same function
of their weights and inputs. That is known for networks of the layers listed here, which
depend on their configuration and variables alone. Any other layer may hold more: a
`Normalization` layer, for example, keeps its statistics as constants.
"""

import json

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import keras
from skmnist._engine._built import uncompiled
from skmnist._optimizers import excluded_positions

_NAMES = """
    Activation ActivityRegularization Add AlphaDropout Average AveragePooling1D
    AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose
    Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout
    ELU EinsumDense Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization Identity
    InputLayer LSTM LSTMCell LayerNormalization LeakyReLU MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum Minimum Multiply PReLU Permute RNN ReLU RepeatVector Rescaling
    Reshape SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D SpatialDropout2D SpatialDropout3D Subtract TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
"""
#: Layers that are functions of their configuration and variables.
SHAREABLE_LAYERS = frozenset(_NAMES.split())
_TYPES = {getattr(keras.layers, name) for name in SHAREABLE_LAYERS}


def network_key(model, optimizer, loss, dtype):
    """Return everything that the compiled functions of a network depend on.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
    loss : str, callable or keras.losses.Loss
    dtype : str
        A dtype policy.

    Returns
    -------
    key : str or object
        A text for networks that may share compiled functions; otherwise an object that
        equals no other key.
    """
    # The configuration of the network, not the builder and its keywords, because a
    # builder may depend on more than its signature shows.
    configs = _configurations(model, optimizer, loss) if is_shareable(model) else None
    if configs is None or any(map(_refers_to_foreign_code, configs)):
        return object()
    variables = configs.pop()
    if isinstance(configs[1]["config"].get("learning_rate"), float):
        # A number is stored in a variable, so the function does not depend on it.
        del configs[1]["config"]["learning_rate"]
    configs[0] = _rates.without(configs[0])
    loss = loss if isinstance(loss, str) else None
    parts = [configs, loss, dtype, settings(), _rates.without(variables)]
    parts += excluded_positions(optimizer, model.trainable_variables)
    return json.dumps(parts, default=np.generic.item)


def _configurations(model, optimizer, loss):
    """Return the configurations of what trains; None if there is none.

    The last one is of the variables, which a builder may set apart from their layers.
    """
    parts = [model, optimizer] + ([] if isinstance(loss, str) else [loss])
    serialized = keras.saving.serialize_keras_object
    try:
        with uncompiled(model):
            configs = [serialized(part) for part in parts]
        variables = [
            [v.trainable, serialized(v.regularizer), serialized(v.constraint)]
            for v in model.variables
        ]
        return [*configs, variables]
    except Exception:  # a user's class may fail in any way here
        return None


def is_shareable(model):
    """Return whether a network consists of layers listed here only."""
    layers = model._flatten_layers(include_self=False)
    return is_plain_model(model) and all(
        (type(layer) in _TYPES and not has_foreign_code(layer)) or is_plain_model(layer)
        for layer in layers
    )


def has_foreign_code(layer):
    """Return whether a layer holds code that is not Keras's.

    Keras writes an activation function by its name, also if Keras has another function
    of that name. A method may have been replaced as well.
    """
    return any(map(is_foreign_code, vars(layer).values()))


def is_foreign_code(value):
    """Return whether a value is a function, or another callable, of the user's."""
    if not callable(value):
        return False
    module = getattr(value, "__module__", None) or type(value).__module__
    package = str(module).partition(".")[0]
    return package not in ("keras", "tensorflow", "jax", "torch", "builtins")


def is_plain_model(layer):
    """Return whether a layer is a sequential or functional model of Keras itself."""
    module, name = type(layer).__module__, type(layer).__name__
    return module.startswith("keras.src.models.") and name in (
        "Functional",
        "Sequential",
    )


def settings():
    """Return the global settings of Keras that are fixed when a function is traced."""
    config = keras.config
    return [config.epsilon(), config.floatx(), config.image_data_format()]


def _refers_to_foreign_code(config):
    """Return whether a serialised object refers to code outside Keras."""
    if isinstance(config, dict):
        # Keras writes None for a class that a script or a notebook defines.
        if "module" in config and str(config["module"]).split(".")[0] != "keras":
            return True
        return config.get("class_name") in ("Lambda", "__lambda__") or any(
            map(_refers_to_foreign_code, config.values())
        )
    if isinstance(config, list | tuple):
        return any(map(_refers_to_foreign_code, config))
    return not isinstance(config, str | int | float | bool | np.generic | None)
