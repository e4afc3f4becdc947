"""Convert built-in Keras objects to JSON and back, without running code.

Only objects on the lists here are created, because some built-in layers read files,
call functions or unpickle. Keras's safe mode is a second line of defense.
"""

import json

import numpy as np

from skmnist._engine._backend import keras

# Far more than any image classifier needs. Building one layer takes a millisecond, so
# these limits bound the time that loading takes.
_MAX_OBJECTS = 5_000
_MAX_CHARACTERS = 4_000_000

_LAYER_NAMES = """
    Activation ActivityRegularization AdaptiveAveragePooling1D
    AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
    AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout
    Attention Average AveragePooling1D AveragePooling2D AveragePooling3D
    BatchNormalization Bidirectional CenterCrop Concatenate Conv1D Conv1DTranspose
    Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D Cropping1D
    Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU
    EinsumDense Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization
    LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum
    MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN
    RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D
    SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
_LAYERS = frozenset(_LAYER_NAMES.split())
_MODELS = {
    ("keras", "DTypePolicy"),
    ("keras", "Sequential"),
    ("keras.src.models.functional", "Functional"),
}
# Modules of which every class derived from the given one is allowed: these classes
# compute, and do not access files or code.
_KINDS = {
    "keras.initializers": keras.initializers.Initializer,
    "keras.regularizers": keras.regularizers.Regularizer,
    "keras.constraints": keras.constraints.Constraint,
    "keras.optimizers": keras.optimizers.Optimizer,
    "keras.optimizers.schedules": keras.optimizers.schedules.LearningRateSchedule,
    "keras.losses": keras.losses.Loss,
}
_FUNCTIONS = (keras.activations, keras.losses)


def to_text(value):
    """Return the JSON configuration of a built-in Keras object or function.

    Raises
    ------
    TypeError
        If the value, or an object that it contains, is not built into Keras.
    """
    name = describe(value)
    if not _is_builtin_keras(value):
        raise TypeError(f"{name} is not built into Keras.")
    try:
        config = keras.saving.serialize_keras_object(value)
        config = json.loads(json.dumps(config, default=np.generic.item))
        _make_portable(config)
        check(config)
    except Exception as error:  # user-defined get_config may raise anything
        raise TypeError(
            f"{name} cannot be saved as a Keras configuration: {error}"
        ) from error
    return json.dumps(config)


def from_text(text):
    """Return the object whose configuration `to_text` returned.

    Raises
    ------
    ValueError
        If the text contains a class or function that is not on the lists here.
    """
    if not isinstance(text, str) or len(text) > _MAX_CHARACTERS:
        raise ValueError(
            "a Keras configuration is not a string of at most "
            f"{_MAX_CHARACTERS:,} characters"
        )
    config = json.loads(text)
    check(config)
    return keras.saving.deserialize_keras_object(config, safe_mode=True)


def check(config):
    """Raise ValueError if a configuration contains an object that is not allowed."""
    pending, n_objects = [config], 0
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            pending += part.values()
            # `save` never writes one: builders return uncompiled networks.
            if part.get("compile_config"):
                raise ValueError("the network is compiled")
            if {"class_name", "registered_name", "module"} & part.keys():
                n_objects += 1
                _check_object(part)
    if n_objects > _MAX_OBJECTS:
        raise ValueError(
            f"the network has {n_objects:,} objects, more than the {_MAX_OBJECTS:,} "
            "allowed"
        )


def _make_portable(config):
    """Name an optimizer by its public class, in place.

    On PyTorch, ``keras.optimizers.SGD`` returns an object of a class derived from it.
    """
    if isinstance(config, dict):
        if str(config.get("module")).startswith("keras.src.backend.torch.optimizers"):
            config["module"] = "keras.optimizers"
        config = config.values()
    if not isinstance(config, str | int | float | None):
        for part in config:
            _make_portable(part)


def describe(value):
    """Return the import path of a function, or of the class of an object."""
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _check_object(config):
    """Raise ValueError if the configuration of one object is not allowed."""
    class_name, module = config.get("class_name"), config.get("module")
    inner = config.get("config")
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        raise ValueError("a configuration has no class name")
    # Classes and functions of other packages are registered as "package>name".
    if config.get("registered_name") not in (None, class_name):
        raise ValueError(f"{config['registered_name']!r} is not built into Keras")
    if class_name == "__keras_tensor__":
        return
    if class_name == "__numpy__":
        if not isinstance(inner, dict) or np.dtype(inner["dtype"]).kind not in "biuf":
            raise ValueError("an array in a configuration is not numeric")
        return
    if class_name == "function":
        if (
            module == "builtins"
            and any(
                isinstance(inner, str) and inner in vars(functions)
                for functions in _FUNCTIONS
            )
            # These are in the modules of functions, but are not activations or losses.
            and inner not in ("get", "serialize", "deserialize")
        ):
            return
        raise ValueError(f"the function {inner!r} is not built into Keras")
    if not isinstance(inner, dict):
        raise ValueError(f"{module}.{class_name} has no configuration")
    if module == "keras.layers" and class_name in _LAYERS:
        return
    if (module, class_name) in _MODELS:
        return
    kind = _KINDS.get(module)
    found = getattr(keras, module.partition(".")[2], None) if kind else None
    if module == "keras.optimizers.schedules":
        found = keras.optimizers.schedules
    cls = getattr(found, class_name, None)
    if not isinstance(cls, type) or not issubclass(cls, kind):
        raise ValueError(
            f"{module}.{class_name} is not built into Keras, or may run code or access "
            "files"
        )


def _is_builtin_keras(value):
    """Return whether a function, or the class of an object, is built into Keras."""
    if isinstance(value, type):
        return False
    if hasattr(value, "__name__"):
        # Compared by identity: Keras serializes functions by name, and a user-defined
        # `relu` would be loaded as Keras's.
        return any(
            getattr(functions, value.__name__, None) is value
            for functions in _FUNCTIONS
        )
    return type(value).__module__.split(".")[0] == "keras"
