"""A classifier's state as data alone, and checked on the way back.

Nothing is kept twice: what follows from something else is worked out again, so that no
file can contradict itself. What a network is made of is kept as Keras's configuration.
"""

import inspect
import math
from numbers import Integral, Real

import numpy as np

from skmnist._engine._backend import isolated_build, keras, shapes_only
from skmnist._engine._dtypes import DTYPES, fit_encoder
from skmnist._engine._network import Network, network_meta
from skmnist._engine._placeholder import Placeholder
from skmnist._engine._training import Training
from skmnist.architectures import build_lenet, build_mlp
from skmnist.persistence import _keras_config as keras_config
from skmnist.persistence._context import KerasObject, SavedArchitecture

_BUILDERS = {"build_mlp": build_mlp, "build_lenet": build_lenet}
# Of one layer's output for one sample: 256 MB in float32.
_MAX_OUTPUT = 2**26
# Parameters without which a network predicts all the same.
_MAY_BE_LEFT_OUT = ("model", "callbacks", "loss")
# What `fit` sets, and how it is found again is told in `_restore_fit`.
_FITTED = frozenset(
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
        "_model",
    ]
)


def to_data(classifier, state):
    """Return a classifier's state as numbers, text, arrays and containers of them.

    Parameters
    ----------
    classifier : BaseKerasClassifier
    state : dict
        As of its ``__getstate__``.

    Raises
    ------
    TypeError
        If it cannot be told in data.
    """
    names = classifier._get_param_names()
    data = {"params": {name: _param(name, state[name]) for name in names}}
    data["others"] = {
        name: value
        for name, value in state.items()
        if name not in _FITTED and name not in names
    }
    if "_training" in state:
        data["fitted"] = _fit(state)
    return data


def from_data(classifier, data):
    """Return the state that `to_data` was given.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the data does not fit together.
    """
    known = inspect.signature(type(classifier).__init__).parameters
    names = classifier._get_param_names()
    if unknown := set(data["params"]) - set(names):
        raise ValueError(f"it has the unknown parameters {sorted(unknown)}")
    state = {
        name: _from_param(data["params"].get(name, known[name].default))
        for name in names
    }
    for name, value in data["others"].items():
        if name in _FITTED or hasattr(type(classifier), name):
            raise ValueError(f"it has the attribute {name}")
        state[name] = value
    if "fitted" in data:
        state |= _restore_fit(data["fitted"])
    return state


def _param(name, value):
    """Return a parameter as data."""
    if name == "checkpoint_dir":
        return None  # where to write is not for a file to say
    if name == "callbacks":
        if value is None or isinstance(value, Placeholder):
            return value
        callbacks = value if isinstance(value, list | tuple) else [value]
        names = ", ".join(map(keras_config.describe, callbacks))
        return Placeholder(names) if names else value
    if name == "model_params" and isinstance(value, dict):
        # As the builder: without them a network predicts all the same.
        return {key: _param("model", entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_param(name, entry) for entry in value)
    if isinstance(value, dict):
        return {key: _param(name, entry) for key, entry in value.items()}
    plain = (bool, int, float, str, np.generic, np.ndarray, np.random.RandomState)
    if value is None or isinstance(value, (*plain, Placeholder)):
        return value
    if value in _BUILDERS.values():
        return value
    try:
        return KerasObject(keras_config.to_text(value))
    except TypeError as error:
        if name in _MAY_BE_LEFT_OUT:
            return Placeholder(keras_config.describe(value))
        raise TypeError(f"its {name} is code of one's own: {error}") from error


def _from_param(value):
    if isinstance(value, KerasObject):
        return keras_config.from_text(value.text)
    if isinstance(value, Placeholder):
        if not isinstance(value.name, str) or len(value.name) > 1000:
            raise ValueError("what was left out has no name")
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(_from_param, value))
    if isinstance(value, dict):
        return {key: _from_param(entry) for key, entry in value.items()}
    return value


def _fit(state):
    """Return what a fit left behind as data."""
    network, training = state["_network"], state["_training"]
    builder = network.builder
    if builder in _BUILDERS.values():
        architecture = None
    elif isinstance(builder, SavedArchitecture):
        architecture = builder.text
    else:
        architecture = _architecture(network, training.weights)
    return {
        "classes": state["classes_"],
        "sample_shape": state["_sample_shape"],
        "image_shape": state["image_shape_"],
        "n_samples": network.meta["X_shape_"][0],
        "X_dtype": network.meta["X_dtype_"].name,
        "feature_names": state.get("feature_names_in_"),
        "rms": state["_rms"],
        "validation_indices": state["validation_indices_"],
        "builder": None if architecture else builder.__name__,
        "builder_params": (
            {} if architecture else _param("builder_params", network.builder_params)
        ),
        "architecture": architecture,
        "optimizer": _param("optimizer", network.optimizer),
        "learning_rate": network.learning_rate,
        "loss": _param("loss", network.loss),
        "dtype": network.dtype,
        "weights": list(map(_storable, training.weights)),
        "optimizer_state": list(map(_storable, training.optimizer_state)),
        "seed": training.seed,
        "history": training.history,
    }


def _architecture(network, weights):
    """Return the configuration of a network that a user's builder makes.

    It is tried: Keras knows functions by their names alone, and a network may do more
    than its configuration says.
    """
    model, _ = network.build()
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
            f"the network of {keras_config.describe(network.builder)} computes other "
            "than Keras's configuration of it says"
        )
    return text


def _restore_fit(data):
    """Return what `fit` sets, checked against the network that it belongs to."""
    classes = data["classes"]
    dtype = _one_of(data["dtype"], DTYPES)
    encoder = fit_encoder(classes, dtype)
    if encoder.classes_.dtype != classes.dtype or len(classes) < 2:
        raise ValueError("its classes are no labels")
    if not np.array_equal(encoder.classes_, classes):
        raise ValueError("its classes are not sorted")
    sample_shape, image_shape = data["sample_shape"], data["image_shape"]
    for shape in (sample_shape, image_shape):
        if not isinstance(shape, tuple) or not 1 <= len(shape) <= 3:
            raise ValueError(f"{shape!r} is not the shape of a sample")
        for side in shape:
            _check_number(side, Integral, 1)
    if math.prod(sample_shape) != math.prod(image_shape):
        raise ValueError(f"{sample_shape} cannot be laid out as {image_shape}")
    _check_number(data["n_samples"], Integral, 1)
    _check_number(data["rms"], Real, 0)
    if data["learning_rate"] is not None:
        _check_number(data["learning_rate"], Real, 0)
    optimizer, loss = _from_param(data["optimizer"]), _from_param(data["loss"])
    if not isinstance(optimizer, str | keras.optimizers.Optimizer):
        raise ValueError(f"its optimizer is {optimizer!r}")
    if not callable(loss) and not callable(keras.losses.get(loss)):
        raise ValueError(f"its loss is {loss!r}")
    network = Network(
        *_builder(data),
        network_meta(
            (data["n_samples"], *image_shape),
            np.dtype(_one_of(data["X_dtype"], ("uint8", "float32", "float64"))),
            sample_shape[0],
            classes,
        ),
        optimizer,
        data["learning_rate"],
        loss,
        dtype,
    )
    training = _training(network, data)
    held_out = data["validation_indices"]
    if not _is_array(held_out, 1, "iu"):
        raise ValueError("its validation_indices are no row numbers")
    names = {}
    if data["feature_names"] is not None:
        names["feature_names_in_"] = data["feature_names"]
        if (
            not _is_array(data["feature_names"], 1, "O")
            or [type(name) for name in data["feature_names"]] != [str] * sample_shape[0]
        ):
            raise ValueError("its feature names are not one text for each feature")
    return names | {
        "n_features_in_": sample_shape[0],
        "image_shape_": image_shape,
        "classes_": encoder.classes_,
        "history_": training.history,
        "n_iter_": training.n_epochs,
        "best_epoch_": training.best_epoch,
        "validation_indices_": held_out,
        "_sample_shape": sample_shape,
        "_network": network,
        "_training": training,
        "_encoder": encoder,
        "_rms": data["rms"],
    }


def _builder(data):
    """Return the builder of a network, and the keywords to call it with."""
    params = _from_param(data["builder_params"])
    if data["architecture"] is not None:
        if params:
            raise ValueError("its network takes no keywords")
        return SavedArchitecture(data["architecture"]), {}
    builder = _BUILDERS[_one_of(data["builder"], tuple(_BUILDERS))]
    if unknown := set(params) - set(inspect.signature(builder).parameters):
        raise ValueError(f"its network has the unknown keywords {sorted(unknown)}")
    for value in params.values():
        # Every layer has a weight, and takes a millisecond to build.
        if isinstance(value, list | tuple) and len(value) > len(data["weights"]):
            raise ValueError("it has fewer weights than layers")
    return builder, params


def _training(network, data):
    """Return the state of the training, of the very shapes its network has."""
    _check_number(data["seed"], Integral, 0, 2**32)
    history, lengths = data["history"], set()
    for name, values in history.items():
        if not isinstance(name, str) or not isinstance(values, list):
            raise ValueError("its history is none")
        lengths.add(len(values))
        for value in values:
            if not isinstance(value, float):
                raise ValueError(f"its history holds {value!r}")
    if len(lengths) > 1 or (history and "loss" not in history):
        raise ValueError("its history has epochs with no loss")
    # First without memory for a single weight: the file may name any size.
    with shapes_only(), isolated_build(0, network.dtype):
        model = network.builder(network.meta, **network.builder_params)
        if not isinstance(model, keras.Model):
            raise ValueError("its network is none")
        if not model.built:
            model.build((None, *network.meta["X_shape_"][1:]))
        weights = _fitting("weights", data["weights"], model)
        for layer in model._flatten_layers(include_self=False):
            for output in keras.tree.flatten(layer.output):
                if math.prod(n or 1 for n in output.shape) > _MAX_OUTPUT:
                    raise ValueError(f"its layer {layer.name} has giant outputs")
    if not all(np.isfinite(value).all() for value in weights):
        raise ValueError("its weights are not all finite")
    _, optimizer = network.build()
    optimizer_state = _fitting("optimizer state", data["optimizer_state"], optimizer)
    history = {name: list(values) for name, values in history.items()}
    return Training(weights, optimizer_state, int(data["seed"]), history)


def _fitting(name, values, owner):
    """Return arrays of the shapes and dtypes of their owner's variables."""
    wanted = [(tuple(v.shape), np.dtype(v.dtype)) for v in owner.variables]
    if len(values) != len(wanted):
        raise ValueError(
            f"its {name} are {len(values)} arrays, but its network has {len(wanted)}"
        )
    fitting = []
    for value, (shape, dtype) in zip(values, wanted, strict=True):
        if not isinstance(value, np.ndarray):
            raise ValueError(f"its {name} are no arrays")
        if value.dtype == _storable(np.empty(0, dtype)).dtype:
            value = value.view(dtype)
        if (value.shape, value.dtype) != (shape, dtype):
            raise ValueError(
                f"an array of its {name} has shape {value.shape} and dtype "
                f"{value.dtype}, where its network has {shape} and {dtype}"
            )
        fitting.append(value)
    return fitting


def _storable(array):
    """Return an array that npy files can hold: bfloat16 is unknown to NumPy."""
    array = np.asarray(array)  # TensorFlow gives scalars for variables without a shape
    # Not `isbuiltin`, which is 0 for the float32 of an unpickled array.
    known = np.dtype(array.dtype.str) == array.dtype
    return array if known else array.view(f"u{array.dtype.itemsize}")


def _is_array(value, ndim, kinds):
    return (
        isinstance(value, np.ndarray)
        and value.ndim == ndim
        and value.dtype.kind in kinds
    )


def _check_number(value, kind, least, limit=math.inf):
    if (
        isinstance(value, bool)
        or not isinstance(value, kind)
        or not least <= value < limit
    ):
        raise ValueError(f"it has {value!r} in place of a number from {least} on")


def _one_of(value, known):
    if value not in known:
        raise ValueError(f"it has {value!r}, which is none of {', '.join(known)}")
    return value
