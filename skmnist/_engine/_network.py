"""What a network is built from, and what fits of the same network share."""

import contextlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import (
    isolated_build,
    keras,
    to_numpy,
)
from skmnist._engine._compiled import CompiledNetwork
from skmnist._engine._dtypes import data_dtype
from skmnist._engine._scikeras import resolve, wrap
from skmnist.architectures import build_lenet, build_mlp

# Compiled networks kept for reuse: a search tries one on every fold before the next.
_CACHE_SIZE = 8
# Initial weights and optimizer states kept: 2 MB each for the reference MLP.
_N_INITIAL_STATES = 8


@dataclass
class Network:
    """A recipe: builder, data shape, optimizer and loss. It holds no weights."""

    builder: Any
    builder_params: dict
    meta: dict
    optimizer: Any
    learning_rate: float | None
    loss: Any
    dtype: str
    _key: Any = field(default=None, repr=False, compare=False)
    _hyperparameters: Any = field(default=None, repr=False, compare=False)

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
            If the builder does not return an uncompiled network with one probability
            for each class.
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
                    "whose optimizer and loss would shut out this classifier's. "
                    "Return it uncompiled, and set optimizer, learning_rate and loss "
                    "on the classifier."
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

        Building a network takes longer than a small fit. So what ours begin with is
        kept: the folds and the candidates of a search have one seed.

        Returns
        -------
        weights, optimizer_state : list of ndarray
            The caller's own.
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
            known = state, rates, self._key, self._hyperparameters
            if recipe is None:
                return state
            with _cache_lock:
                _initial_states[recipe, seed] = known
                if len(_initial_states) > _N_INITIAL_STATES:
                    _initial_states.popitem(last=False)
        (weights, optimizer_state), rates, self._key, self._hyperparameters = known
        optimizer_state = [
            np.array(self.learning_rate, value.dtype)
            if is_rate and self.learning_rate is not None
            else value.copy()
            for value, is_rate in zip(optimizer_state, rates, strict=True)
        ]
        return [value.copy() for value in weights], optimizer_state

    def _recipe(self):
        """Return all that `initial_state` depends on but the seed and learning rate.

        None where code of others takes part: it may read what nobody can see.
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
        """Return the compiled form, from the cache where one like it was made before.

        Parameters
        ----------
        built : tuple of (keras.Model, keras.optimizers.Optimizer), optional
            What `build` has just returned: saves building another to look at.
        """
        if self._key is None:
            model, optimizer = built or self.build()
            self._hyperparameters = _rates.read(model, self.input_dtype())
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
        """Return ``{"loss": ..., "accuracy": ...}`` in inference mode, of some rows."""
        return self.compiled().evaluate(
            weights, self._hyperparameters, (X, y, sample_weight), rows
        )

    @contextlib.contextmanager
    def trainer(self, n_rows, jit_compile):
        """Lend a compiled trainer to one fit on so many rows."""
        with self.compiled().trainer(n_rows, jit_compile) as trainer:
            trainer.hyperparameters = self._hyperparameters
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
        """Return what is known of the network, the same in every process."""
        self.compiled()
        if not isinstance(self._key, str):  # with code that only the builder shows
            return self._hyperparameters
        configs, *rest = json.loads(self._key)
        configs[1]["config"].pop("name", None)  # numbered after others made before
        return configs, rest, self._hyperparameters

    def check_state(self, weights):
        """Check that a network of this recipe can go on from these weights.

        Raises
        ------
        ValueError
            If their shapes differ from the network's.
        """
        wanted = self.compiled().shapes
        if [value.shape for value in weights] != wanted:
            raise ValueError(
                "The network has another shape than the one to go on from. Set "
                "warm_start=False to train a new one, or make a new classifier."
            )

    def input_scale(self):
        """Return the factor that a first layer rescales with; None if it normalises."""
        first = self.compiled().layers[0]
        if isinstance(first, keras.layers.Rescaling):
            return float(np.max(first.scale))
        norms = (keras.layers.Normalization, keras.layers.BatchNormalization)
        return None if isinstance(first, norms) else 1.0

    def sample_loss(self):
        """Return a function of (y, y_pred) that gives one loss for each row."""
        loss = keras.losses.get(self.loss)
        return loss.call if isinstance(loss, keras.losses.Loss) else loss

    def input_dtype(self):
        """Return the dtype of what goes into the network and of the targets."""
        return data_dtype(self.dtype)

    def _make_key(self, model, optimizer):
        """Return what shapes the compiled functions, as a hashable value.

        The network's own configuration, not the builder and its keywords: a builder
        may read what its signature does not show. Where code outside Keras takes part
        its configuration cannot tell two versions apart, and the key is unique.
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
            # A number is held in a variable: another one is no other function.
            del configs[1]["config"]["learning_rate"]
        configs[0] = _rates.without(configs[0])
        return json.dumps(
            [configs, loss if isinstance(loss, str) else None, self.dtype],
            default=np.generic.item,
        )


def network_meta(X_shape, X_dtype, n_features, classes):
    """Return what SciKeras's convention tells a builder of the data."""
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
    """Tell whether a serialised Keras object refers to code that is not Keras's."""
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
