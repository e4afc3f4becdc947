"""The recipe of a network, its key, and the cache of compiled networks.

Two fits share what is compiled if their networks have the same key: the networks are
then the same function of their weights and inputs.
"""

import contextlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import keras, to_numpy
from skmnist._engine._compiled import CompiledNetwork
from skmnist._engine._dtypes import data_dtype
from skmnist._engine._scikeras import resolve, wrap
from skmnist._engine._seeds import isolated_build
from skmnist.architectures import build_lenet, build_mlp

# Compiled networks kept for reuse. A search fits one candidate on every fold before the
# next, so a few are enough.
_CACHE_SIZE = 8
# Initial weights and optimizer states kept: 2 MB each for the reference MLP.
_N_INITIAL_STATES = 8


@dataclass
class Network:
    """A recipe: builder, data shape, optimizer and loss, without weights."""

    builder: Any
    builder_params: dict
    meta: dict
    optimizer: Any
    learning_rate: float | None
    loss: Any
    dtype: str
    _key: Any = field(default=None, repr=False, compare=False)
    _rate_values: Any = field(default=None, repr=False, compare=False)

    def as_dict(self):
        """Return the arguments that make an equal recipe."""
        # The key may hold classes and functions, and is worked out again on demand.
        return {name: v for name, v in vars(self).items() if not name.startswith("_")}

    def build(self, seed=0):
        """Build the network and a fresh optimizer for it, seeded.

        Returns
        -------
        model : keras.Model
            Uncompiled.
        optimizer : keras.optimizers.Optimizer
            Built for the model's variables.

        Raises
        ------
        ValueError, TypeError
            If the builder does not return an uncompiled network with one output per
            class.
        """
        with isolated_build(seed, self.dtype):
            model, optimizer = resolve(
                self.builder,
                self.builder_params,
                self.meta,
                self.optimizer,
                self.learning_rate,
                self.loss,
            )
            if not isinstance(model, keras.Model):
                raise TypeError(
                    f"The builder {_name(self.builder)} must return a keras.Model, "
                    f"got {type(model).__name__}."
                )
            if model.compiled:
                raise ValueError(
                    f"The builder {_name(self.builder)} returned a compiled model, "
                    "whose optimizer and loss conflict with the classifier's. Return "
                    "it uncompiled, and set optimizer, learning_rate and loss on the "
                    "classifier."
                )
            if not model.built:
                model.build((None, *self.meta["X_shape_"][1:]))
            n_classes = self.meta["n_classes_"]
            shape = getattr(model, "output_shape", None)
            if shape is not None and tuple(shape) != (None, n_classes):
                raise ValueError(
                    f"The builder {_name(self.builder)} returned a network whose "
                    f"output shape is {shape}; expected {(None, n_classes)}: one "
                    "probability for each class."
                )
            optimizer.build(model.trainable_variables)
        return model, optimizer

    def initial_state(self, seed):
        """Return the weights and the optimizer's state before the first step.

        Building a network takes longer than a small fit, and the folds and candidates
        of a search have one seed. So the initial states of the reference networks are
        cached.

        Returns
        -------
        weights, optimizer_state : list of ndarray
            Copies that the caller may change.
        """
        recipe = self._recipe()
        with _cache_lock:
            known = recipe and _initial_states.get((recipe, seed))
            if known:
                _initial_states.move_to_end((recipe, seed))
        if not known:
            built = self.build(seed)
            self.compiled(built)
            state = [[to_numpy(v) for v in owner.variables] for owner in built]
            rates = [v.name == "learning_rate" for v in built[1].variables]
            known = state, rates, self._key, self._rate_values
            if recipe is None:
                return state
            with _cache_lock:
                _initial_states[recipe, seed] = known
                if len(_initial_states) > _N_INITIAL_STATES:
                    _initial_states.popitem(last=False)
        (weights, optimizer_state), rates, self._key, self._rate_values = known
        optimizer_state = [
            np.array(self.learning_rate, value.dtype)
            if is_rate and self.learning_rate is not None
            else value.copy()
            for value, is_rate in zip(optimizer_state, rates, strict=True)
        ]
        return [value.copy() for value in weights], optimizer_state

    def _recipe(self):
        """Return what `initial_state` depends on besides the seed and learning rate.

        None if user code takes part, which may depend on anything.
        """
        if self.builder not in (build_mlp, build_lenet):
            return None
        if not isinstance(self.optimizer, str) or not isinstance(self.loss, str):
            return None
        data = self.meta["X_shape_"][1:], self.meta["n_classes_"]
        training = self.optimizer, self.learning_rate is None, self.loss, self.dtype
        try:
            return json.dumps(
                [self.builder.__name__, self.builder_params, data, training]
            )
        except TypeError:  # an activation or an initialiser that is an object
            return None

    def compiled(self, built=None):
        """Return the compiled network, from the cache if the key is known.

        Parameters
        ----------
        built : tuple of (keras.Model, keras.optimizers.Optimizer), optional
            The result of `build`, to save building another model for the key.
        """
        if self._key is None:
            model, optimizer = built or self.build()
            self._rate_values = _rates.read(model, self.input_dtype())
            self._key = self._make_key(model, optimizer)
        with _cache_lock:
            compiled = _cache.get(self._key)
            if compiled is None:
                compiled = CompiledNetwork(self, isinstance(self._key, str))
                _cache[self._key] = compiled
                if len(_cache) > _CACHE_SIZE:
                    _cache.popitem(last=False)
            _cache.move_to_end(self._key)
        return compiled

    def predict(self, weights, X):
        """Return the outputs in inference mode, an ndarray (n_samples, n_classes)."""
        return self.compiled().predict(weights, X)

    def evaluate(self, weights, X, y, sample_weight, rows=None):
        """Return ``{"loss": ..., "accuracy": ...}`` of some rows in inference mode."""
        return self.compiled().evaluate(
            weights, self._rate_values, (X, y, sample_weight), rows
        )

    @contextlib.contextmanager
    def trainer(self, n_rows, jit_compile):
        """Yield a trainer for a fit on `n_rows` rows; return it to the pool on exit."""
        with self.compiled().trainer(n_rows, jit_compile) as trainer:
            trainer.rates = self._rate_values
            yield trainer

    def model(self, weights):
        """Return a private network with these weights, compiled."""
        model, optimizer = self.build()
        for variable, value in zip(model.variables, weights, strict=True):
            variable.assign(value)
        model.compile(optimizer, self.loss, metrics=["accuracy"])
        return model

    def to_scikeras(self, weights, classes, **params):
        """Return an initialised SciKeras classifier with these weights."""
        X = np.zeros((len(classes), *self.meta["X_shape_"][1:]), self.input_dtype())
        with isolated_build(0, self.dtype):
            wrapper = wrap(
                self.builder,
                self.builder_params,
                self.optimizer,
                self.learning_rate,
                self.loss,
                metrics=["accuracy"],
                **params,
            ).initialize(X, classes)
        for variable, value in zip(wrapper.model_.variables, weights, strict=False):
            variable.assign(value)
        return wrapper

    def describe(self):
        """Return what identifies the network, the same in every process."""
        self.compiled()
        if not isinstance(self._key, str):  # user code, identified by the builder
            return self._rate_values
        configs, *rest = json.loads(self._key)
        # Numbered by how many were made before.
        configs[1]["config"].pop("name", None)
        return configs, rest, self._rate_values

    def check_state(self, weights):
        """Check that a network of this recipe can resume from these weights.

        Raises
        ------
        ValueError
            If their shapes differ from the network's.
        """
        wanted = self.compiled().shapes
        if [value.shape for value in weights] != wanted:
            raise ValueError(
                "The network has other weight shapes than the fitted one, so training "
                "cannot resume. Set warm_start=False to train a new network."
            )

    def input_scale(self):
        """Return the scale of a leading Rescaling layer, 1.0 without one.

        None if the network normalises its input.
        """
        first = self.compiled().layers[0]
        if isinstance(first, keras.layers.Rescaling):
            return float(np.max(first.scale))
        norms = (keras.layers.Normalization, keras.layers.BatchNormalization)
        return None if isinstance(first, norms) else 1.0

    def sample_loss(self):
        """Return a function of (y, y_pred) that returns one loss per row."""
        loss = keras.losses.get(self.loss)
        return loss.call if isinstance(loss, keras.losses.Loss) else loss

    def input_dtype(self):
        """Return the dtype of the network's inputs and targets."""
        return data_dtype(self.dtype)

    def _make_key(self, model, optimizer):
        """Return everything that the compiled functions depend on, hashable.

        It is the network's configuration, not the builder and its keywords, because a
        builder may read more than its signature shows. If code outside Keras takes
        part, the configuration does not identify the code, and the key is unique.
        """
        loss = self.loss
        configs = []
        for part in [model, optimizer] + ([] if isinstance(loss, str) else [loss]):
            try:
                configs.append(keras.saving.serialize_keras_object(part))
            except Exception:  # a user's class may fail in any way here
                return object()
        if any(map(_has_foreign_code, configs)):
            return object()
        if isinstance(configs[1]["config"]["learning_rate"], float):
            # A number is stored in a variable, so the function does not depend on it.
            del configs[1]["config"]["learning_rate"]
        configs[0] = _rates.without(configs[0])
        return json.dumps(
            [configs, loss if isinstance(loss, str) else None, self.dtype],
            default=np.generic.item,
        )


def network_meta(X_shape, X_dtype, n_features, classes):
    """Return a builder's `meta`: the description of the data in SciKeras's terms."""
    return {
        "X_shape_": X_shape,
        "X_dtype_": X_dtype,
        "n_features_in_": n_features,
        "n_classes_": len(classes),
        "classes_": classes,
        "target_type_": "binary" if len(classes) == 2 else "multiclass",
        "n_outputs_": 1,
        "n_outputs_expected_": 1,
    }


def _has_foreign_code(config):
    """Return whether a serialised object refers to code outside Keras."""
    if isinstance(config, dict):
        module = config.get("module")
        if module is not None and str(module).split(".")[0] != "keras":
            return True
        return config.get("class_name") in ("Lambda", "__lambda__") or any(
            map(_has_foreign_code, config.values())
        )
    if isinstance(config, list | tuple):
        return any(map(_has_foreign_code, config))
    return not isinstance(config, str | int | float | bool | np.generic | None)


def _name(builder):
    return getattr(builder, "__name__", None) or type(builder).__name__


_cache = OrderedDict()
_initial_states = OrderedDict()
_cache_lock = threading.RLock()
