"""Convert the state of a classifier to plain data; `_restore` converts it back.

Attributes that can be derived from others are not saved but derived again when loading,
so that a file cannot contradict itself. Networks built by user-defined builders are
saved as their Keras configuration.
"""

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._built import uncompiled
from skmnist._engine._placeholder import Placeholder
from skmnist._engine._seeds import isolated_build
from skmnist._optimizers import exclusions
from skmnist.architectures import build_lenet, build_mlp
from skmnist.persistence import _keras_config as keras_config
from skmnist.persistence._context import KerasObject, SavedArchitecture

BUILDERS = {"build_mlp": build_mlp, "build_lenet": build_lenet}
# Parameters that prediction does not need. If they are code, a placeholder is saved.
_NOT_NEEDED_TO_PREDICT = ("model", "callbacks", "learning_rate", "loss")
#: Attributes that `fit` sets; `from_data` restores them.
FITTED = frozenset(
    [
        "n_features_in_",
        "feature_names_in_",
        "image_shape_",
        "classes_",
        "history_",
        "n_iter_",
        "best_epoch_",
        "validation_indices_",
        "_sample_shape",
        "_network",
        "_training",
        "_encoder",
        "_rms",
        "_background",
        "_model",
    ]
)


# Attributes that name files of this machine, or belong to this process.
_LOCAL = ("best_model_path_", "_skl_callbacks", "_parent_callback_ctx")


def to_data(classifier, state):
    """Return the state of a classifier as numbers, strings, arrays and containers.

    Parameters
    ----------
    classifier : BaseKerasClassifier
    state : dict
        Attributes of the classifier, as in its ``__getstate__``.

    Returns
    -------
    data : dict
        Parameters, fitted attributes if there are any, and other attributes.

    Raises
    ------
    TypeError
        If prediction needs a value that cannot be represented as data.
    """
    names = classifier._get_param_names()
    data = {"params": {name: _param_to_data(name, state[name]) for name in names}}
    data["others"] = {
        name: value
        for name, value in state.items()
        if name not in FITTED and name not in names and name not in _LOCAL
    }
    if "_training" in state:
        data["fitted"] = _fit_to_data(state)
    return data


def _param_to_data(name, value):
    """Return a parameter as data.

    Raises
    ------
    TypeError
        If prediction needs the parameter and it is user-defined code.
    """
    if name == "checkpoint_dir":
        return None  # a file that is loaded must not decide where `fit` writes
    if name == "callbacks":
        if value is None or isinstance(value, Placeholder):
            return value
        callbacks = value if isinstance(value, list | tuple) else [value]
        names = ", ".join(map(keras_config.describe, callbacks))
        return Placeholder(names) if names else value
    if name == "model_params" and isinstance(value, dict):
        # Like the builder, its keyword arguments are not needed to predict.
        return {key: _param_to_data("model", entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_param_to_data(name, entry) for entry in value)
    if isinstance(value, dict):
        return {key: _param_to_data(name, entry) for key, entry in value.items()}
    plain = (bool, int, float, str, np.generic, np.ndarray, np.random.RandomState)
    if value is None or isinstance(value, (*plain, Placeholder)):
        return value
    if value in BUILDERS.values():
        return value
    if exclusions(value):
        raise TypeError(
            f"the Keras configuration of {name} leaves out what it excludes from "
            "weight decay"
        )
    try:
        return KerasObject(keras_config.to_text(value))
    except TypeError as error:
        if name in _NOT_NEEDED_TO_PREDICT:
            return Placeholder(keras_config.describe(value))
        raise TypeError(f"{name} is user-defined code: {error}") from error


def _fit_to_data(state):
    """Return the fitted attributes as data."""
    network, training = state["_network"], state["_training"]
    builder = network.builder
    if builder in BUILDERS.values():
        architecture = None
    elif isinstance(builder, SavedArchitecture):
        architecture = builder.text
    else:
        architecture = _architecture(network, training.weights)
    optimizer, learning_rate, loss = network.trained_with
    return {
        "classes": state["classes_"],
        "sample_shape": state["_sample_shape"],
        "image_shape": state["image_shape_"],
        "n_samples": network.meta["X_shape_"][0],
        "X_dtype": network.meta["X_dtype_"].name,
        "feature_names": state.get("feature_names_in_"),
        "rms": state["_rms"],
        "background": state.get("_background"),
        "validation_indices": state["validation_indices_"],
        "builder": None if architecture else builder.__name__,
        "builder_params": (
            {}
            if architecture
            else _param_to_data("builder_params", network.builder_params)
        ),
        "architecture": architecture,
        "optimizer": _param_to_data("optimizer", optimizer),
        "learning_rate": _param_to_data("learning_rate", learning_rate),
        "loss": _param_to_data("loss", loss),
        "dtype": network.dtype,
        "weights": list(map(storable, training.weights)),
        "optimizer_state": list(map(storable, training.optimizer_state)),
        "seed": training.seed,
        "history": training.history,
    }


def _architecture(network, weights):
    """Return the Keras configuration of a network built by a user-defined builder.

    Raises
    ------
    TypeError
        If a network built from the configuration predicts other outputs. The
        configuration refers to functions by name only, and a subclassed network may
        compute more than its configuration contains.
    """
    network.compiled()  # its builds show which layers belong to the user
    model, _ = network.build()
    with uncompiled(model):
        text = keras_config.to_text(model)
    with isolated_build(0, network.dtype):
        copy = SavedArchitecture(text)(network.meta)
    shape = (4, *network.meta["X_shape_"][1:])
    X = np.random.default_rng(0).random(shape).astype(network.input_dtype())
    outputs = []
    for built in (model, copy):
        for variable, value in zip(built.variables, weights, strict=True):
            variable.assign(value)
        output = built(X, training=False)
        outputs.append(np.asarray(keras.ops.convert_to_numpy(output)))
    if not np.array_equal(*outputs):
        raise TypeError(
            f"the network built by {keras_config.describe(network.builder)} and its "
            "Keras configuration predict different outputs"
        )
    return text


def storable(array):
    """Return a view that npy files can store: bfloat16 as unsigned integers."""
    array = np.asarray(array)  # TensorFlow returns scalars for 0-d variables
    # Not `dtype.isbuiltin`, which is 0 for the float32 of an unpickled array.
    known = np.dtype(array.dtype.str) == array.dtype
    return array if known else array.view(f"u{array.dtype.itemsize}")
