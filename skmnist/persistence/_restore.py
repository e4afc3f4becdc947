"""Restore the state of a classifier from plain data, and check it.

A file may have been changed on purpose, so nothing is taken on trust: shapes and dtypes
are compared with those of the network before any weight is set.
"""

import inspect
import math
from numbers import Integral, Real

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._dtypes import DTYPES, fit_encoder
from skmnist._engine._network import Network, network_meta
from skmnist._engine._placeholder import Placeholder
from skmnist._engine._seeds import isolated_build, shapes_only
from skmnist._engine._training import Training
from skmnist.persistence import _keras_config as keras_config
from skmnist.persistence._context import KerasObject, SavedArchitecture
from skmnist.persistence._state import BUILDERS, FITTED, storable

# Largest number of values that one layer may output for one sample: 256 MB in float32.
_MAX_OUTPUT = 2**26


def from_data(classifier, data):
    """Return the state that `to_data` converted.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the data is invalid or inconsistent.
    """
    known = inspect.signature(type(classifier).__init__).parameters
    names = classifier._get_param_names()
    if unknown := set(data["params"]) - set(names):
        raise ValueError(f"the classifier has no parameters {sorted(unknown)}")
    # A parameter that a file of an earlier version lacks gets its default.
    state = {
        name: _restore_param(data["params"].get(name, known[name].default))
        for name in names
    }
    for name, value in data["others"].items():
        # Such an attribute would replace a method, or bypass the checks below.
        if name in FITTED or hasattr(type(classifier), name):
            raise ValueError(f"the attribute {name} is not allowed")
        state[name] = value
    if "fitted" in data:
        state |= _restore_fit(data["fitted"])
    return state


def _restore_param(value):
    """Return the parameter that `_param_to_data` converted."""
    if isinstance(value, KerasObject):
        return keras_config.from_text(value.text)
    if isinstance(value, Placeholder):
        if not isinstance(value.name, str) or len(value.name) > 1000:
            raise ValueError("the name of a placeholder is not a short string")
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(_restore_param, value))
    if isinstance(value, dict):
        return {key: _restore_param(entry) for key, entry in value.items()}
    return value


def _restore_fit(data):
    """Return the fitted attributes, each checked against the network.

    Raises
    ------
    ValueError, TypeError, KeyError
        If a value is missing, of another type, or inconsistent with the others.
    """
    dtype = _one_of(data["dtype"], DTYPES)
    encoder = _restore_encoder(data["classes"], dtype)
    sample_shape, image_shape = _restore_shapes(data)
    _check_number(data["n_samples"], Integral, 1)
    _check_number(data["rms"], Real, 0)
    network = _restore_network(data, sample_shape, image_shape, dtype)
    training = _restore_training(network, data)
    held_out = data["validation_indices"]
    if not _is_array(held_out, 1, "iu"):
        raise ValueError("validation_indices is not a 1d array of integers")
    return _restore_feature_names(data, sample_shape[0]) | {
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
        "_background": _restore_background(data.get("background")),
    }


def _restore_background(background):
    """Return the background of the images in fit; None for tables and old files."""
    if background is None:
        return None
    low, high, border = background
    for number in (low, high, border):
        _check_number(number, Real, -math.inf)
    if not low <= border <= high:
        raise ValueError(f"{background} is not the background of images")
    return low, high, border


def _restore_encoder(classes, dtype):
    """Return the label encoder of the saved classes."""
    encoder = fit_encoder(classes, dtype)
    if encoder.classes_.dtype != classes.dtype or len(classes) < 2:
        raise ValueError("classes are not an array of at least 2 labels")
    # Unsorted classes would assign the columns of predict_proba to other labels.
    if not np.array_equal(encoder.classes_, classes):
        raise ValueError("classes are not sorted and unique")
    return encoder


def _restore_shapes(data):
    """Return the shape of a sample, and its shape as passed to the network."""
    sample_shape, image_shape = data["sample_shape"], data["image_shape"]
    for shape in (sample_shape, image_shape):
        if not isinstance(shape, tuple) or not 1 <= len(shape) <= 3:
            raise ValueError(f"{shape!r} is not the shape of a sample")
        for side in shape:
            _check_number(side, Integral, 1)
    if math.prod(sample_shape) != math.prod(image_shape):
        raise ValueError(
            f"samples of shape {sample_shape} cannot be reshaped to {image_shape}"
        )
    return sample_shape, image_shape


def _restore_network(data, sample_shape, image_shape, dtype):
    """Return the recipe of the network, without building it."""
    optimizer, loss = _restore_param(data["optimizer"]), _restore_param(data["loss"])
    learning_rate = _restore_param(data["learning_rate"])
    schedule = keras.optimizers.schedules.LearningRateSchedule
    if not isinstance(learning_rate, schedule | Placeholder | None):
        _check_number(learning_rate, Real, 0)
    if not isinstance(optimizer, str | keras.optimizers.Optimizer):
        raise ValueError(f"{optimizer!r} is not an optimizer")
    if not callable(loss) and not callable(keras.losses.get(loss)):
        raise ValueError(f"{loss!r} is not a loss")
    return Network(
        *_restore_builder(data),
        network_meta(
            (data["n_samples"], *image_shape),
            np.dtype(_one_of(data["X_dtype"], ("uint8", "float32", "float64"))),
            sample_shape[0],
            data["classes"],
        ),
        optimizer,
        learning_rate,
        loss,
        dtype,
    )


def _restore_feature_names(data, n_features):
    """Return a dict with `feature_names_in_`, empty if X had no feature names."""
    names = data["feature_names"]
    if names is None:
        return {}
    if not _is_array(names, 1, "O") or list(map(type, names)) != [str] * n_features:
        raise ValueError("feature_names does not hold one string for each feature")
    return {"feature_names_in_": names}


def _restore_builder(data):
    """Return the builder of the network and its keyword arguments."""
    params = _restore_param(data["builder_params"])
    if data["architecture"] is not None:
        if params:
            raise ValueError("a saved architecture takes no keyword arguments")
        return SavedArchitecture(data["architecture"]), {}
    builder = BUILDERS[_one_of(data["builder"], tuple(BUILDERS))]
    if unknown := set(params) - set(inspect.signature(builder).parameters):
        raise ValueError(f"the builder has no keyword arguments {sorted(unknown)}")
    for value in params.values():
        # Bounds the time that building takes, a millisecond per layer: each layer has
        # at least one array of weights, and these are limited by the size of the file.
        if isinstance(value, list | tuple) and len(value) > len(data["weights"]):
            raise ValueError("the network has more layers than arrays of weights")
    return builder, params


def _restore_training(network, data):
    """Return the state of the training, with arrays of the shapes that the network has.

    Raises
    ------
    ValueError
        If the history is invalid, or the arrays do not belong to the network.
    """
    _check_number(data["seed"], Integral, 0, 2**32)
    history = _restore_history(data["history"])
    # Built without allocating weights first: the file may declare a network of any
    # size, and only one whose shapes match the arrays in the file is built in memory.
    with shapes_only(), isolated_build(0, network.dtype):
        model = network.builder(network.meta, **network.builder_params)
        if not isinstance(model, keras.Model):
            raise ValueError("the architecture is not a network")
        if not model.built:
            model.build((None, *network.meta["X_shape_"][1:]))
        weights = _restore_arrays("weights", data["weights"], model)
        # Layers without weights can still need any amount of memory for their output.
        for layer in model._flatten_layers(include_self=False):
            for output in keras.tree.flatten(layer.output):
                if math.prod(n or 1 for n in output.shape) > _MAX_OUTPUT:
                    raise ValueError(
                        f"the layer {layer.name} has outputs of shape {output.shape}, "
                        f"more than the {_MAX_OUTPUT:,} values allowed"
                    )
    if not all(np.isfinite(value).all() for value in weights):
        raise ValueError("the weights contain NaN or infinity")
    _, optimizer = network.build()
    optimizer_state = _restore_arrays(
        "optimizer state", data["optimizer_state"], optimizer
    )
    return Training(weights, optimizer_state, int(data["seed"]), history)


def _restore_history(history):
    """Return a copy of the history after checking its types and lengths."""
    for name, values in history.items():
        if not isinstance(name, str) or not isinstance(values, list):
            raise ValueError("the history is not a dict of lists")
        for value in values:
            if not isinstance(value, float):
                raise ValueError(f"the history contains {value!r}, not a float")
    # The number of epochs is derived from the losses.
    if len(set(map(len, history.values()))) > 1 or (history and "loss" not in history):
        raise ValueError("the history does not have one loss per epoch")
    return {name: list(values) for name, values in history.items()}


def _restore_arrays(name, values, owner):
    """Return the arrays, checked against the variables of a network or optimizer.

    Parameters
    ----------
    name : str
        Name of the arrays in error messages.
    values : list of ndarray
    owner : keras.Model or keras.optimizers.Optimizer

    Returns
    -------
    arrays : list of ndarray
        Arrays of the shapes and dtypes of ``owner.variables``.

    Raises
    ------
    ValueError
        If the number of arrays, a shape or a dtype differs.
    """
    wanted = [(tuple(v.shape), np.dtype(v.dtype)) for v in owner.variables]
    if len(values) != len(wanted):
        raise ValueError(
            f"the network needs {len(wanted)} arrays of {name}, but the file has "
            f"{len(values)}"
        )
    arrays = []
    for value, (shape, dtype) in zip(values, wanted, strict=True):
        if not isinstance(value, np.ndarray):
            raise ValueError(f"expected an array of {name}, got {type(value).__name__}")
        if value.dtype == storable(np.empty(0, dtype)).dtype:
            value = value.view(dtype)
        if value.dtype.kind in "iu" and dtype.kind in "iu":
            value = _as_integers(value, dtype)
        if (value.shape, value.dtype) != (shape, dtype):
            raise ValueError(
                f"an array of {name} has shape {value.shape} and dtype "
                f"{value.dtype}, but the network needs {shape} and {dtype}"
            )
        arrays.append(value)
    return arrays


def _as_integers(value, dtype):
    """Return integers in a dtype if that changes none of them.

    The seeds of layers and the count of steps have other dtypes on other backends.
    """
    converted = value.astype(dtype)
    return converted if np.array_equal(converted, value) else value


def _is_array(value, ndim, kinds):
    return (
        isinstance(value, np.ndarray)
        and value.ndim == ndim
        and value.dtype.kind in kinds
    )


def _check_number(value, kind, least, limit=math.inf):
    """Raise ValueError unless a value is a number in [least, limit)."""
    if (
        isinstance(value, bool)
        or not isinstance(value, kind)
        or not least <= value < limit
    ):
        raise ValueError(f"{value!r} is not a number in [{least}, {limit})")


def _one_of(value, known):
    """Return a value after checking that it is a known one."""
    if value not in known:
        raise ValueError(f"{value!r} is not one of {', '.join(known)}")
    return value
