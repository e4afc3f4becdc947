"""Keras's objects as text and back: its own classes alone, and none that runs code.

Keras's safe mode is the second line. The first is the list here: some built-in layers
read files, call functions or unpickle.
"""

import json

import numpy as np

from skmnist._engine._backend import keras

# Far above any network for images; building one layer takes a millisecond.
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
# Of these modules every class of the kind will do: they compute and nothing else.
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
    """Return the configuration of one of Keras's objects or functions as JSON.

    Raises
    ------
    TypeError
        If it is, or holds, something that is not Keras's own.
    """
    name = describe(value)
    if not _is_kerass(value):
        raise TypeError(f"{name} is not one of Keras's own.")
    try:
        config = keras.saving.serialize_keras_object(value)
        text = json.dumps(config, default=np.generic.item)
        check(json.loads(text))
    except Exception as error:  # a user's class may fail in any way here
        raise TypeError(
            f"{name} cannot be kept as Keras's own configuration: {error}"
        ) from error
    return text


def from_text(text):
    """Return the object that `to_text` was given.

    Raises
    ------
    ValueError
        If the text names anything but Keras's own computing classes.
    """
    if not isinstance(text, str) or len(text) > _MAX_CHARACTERS:
        raise ValueError("a Keras configuration is no text, or a giant one")
    config = json.loads(text)
    check(config)
    return keras.saving.deserialize_keras_object(config, safe_mode=True)


def check(config):
    """Raise ValueError if a configuration names what is not on the lists here."""
    pending, n_objects = [config], 0
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, dict):
            pending += part.values()
            if part.get("compile_config"):
                raise ValueError("a network is compiled")
            if {"class_name", "registered_name", "module"} & part.keys():
                n_objects += 1
                _check_object(part)
    if n_objects > _MAX_OBJECTS:
        raise ValueError(f"a network has {n_objects} objects")


def describe(value):
    """Return where a value's class or a function comes from, as text."""
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _check_object(config):
    class_name, module = config.get("class_name"), config.get("module")
    inner = config.get("config")
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        raise ValueError("a class has no name")
    # Registered names are of classes and functions outside Keras.
    if config.get("registered_name") not in (None, class_name):
        raise ValueError(f"{config['registered_name']!r} is not Keras's own")
    if class_name == "__keras_tensor__":
        return
    if class_name == "__numpy__":
        if not isinstance(inner, dict) or np.dtype(inner["dtype"]).kind not in "biuf":
            raise ValueError("an array in a configuration holds no numbers")
        return
    if class_name == "function":
        if (
            module == "builtins"
            and any(
                isinstance(inner, str) and inner in vars(functions)
                for functions in _FUNCTIONS
            )
            and inner not in ("get", "serialize", "deserialize")
        ):
            return
        raise ValueError(f"the function {inner!r} is not Keras's own")
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
            f"{module}.{class_name} is not one of Keras's own that are known to "
            "compute and do nothing else"
        )


def _is_kerass(value):
    """Tell if a value's class, or a function, is Keras's own, whatever its name."""
    if isinstance(value, type):
        return False
    if hasattr(value, "__name__"):
        # By identity: Keras knows functions by their names, and `relu` may be anyone's.
        return any(
            getattr(functions, value.__name__, None) is value
            for functions in _FUNCTIONS
        )
    return type(value).__module__.split(".")[0] == "keras"
