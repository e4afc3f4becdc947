"""The recipe of a network, its key, and the cache of compiled networks.

Two fits share what is compiled if their networks have the same key: the networks are
then the same function of their weights and inputs.
"""

import contextlib
import itertools
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import (
    check_precision,
    forget_prepared_functions,
    keras,
    start_backend,
    to_numpy,
)
from skmnist._engine._built import (
    check_exclusions,
    check_model,
    compiled_parts,
    named,
    with_loss_scaling,
    with_one_output_per_class,
)
from skmnist._engine._compiled import CompiledNetwork
from skmnist._engine._dtypes import data_dtype
from skmnist._engine._initial import initial_state
from skmnist._engine._key import network_key, settings
from skmnist._engine._losses import takes_smooth_labels
from skmnist._engine._metrics import BuilderMetrics, compile_model, take_metrics
from skmnist._engine._scikeras import LossOfCodes, resolve, routed, wrap
from skmnist._engine._seeds import GENERATORS_LOCK, isolated_build
from skmnist._engine._shared_layers import shared_variables, with_private_variables
from skmnist._optimizers import copy_of, exclusions
from skmnist.architectures import build_lenet, build_mlp

# The classifiers' defaults, which a builder that compiles its model overrides.
_DEFAULTS = {
    "optimizer": "adam",
    "learning_rate": None,
    "loss": "categorical_crossentropy",
}
# Compiled networks kept for reuse. A search fits one candidate on every fold before the
# next, so a few are enough.
_CACHE_SIZE = 8
# Initial states kept: 2 MB each for the reference MLP.
_N_INITIAL_STATES = 8
# Keys of reference networks kept: a few kilobytes each.
_N_KEYS = 64


class TrainedWith(NamedTuple):
    """The optimizer, learning rate and loss that a network trains with."""

    optimizer: Any
    learning_rate: Any
    loss: Any


@dataclass
class Network:
    """A recipe: builder, data shape, optimizer and loss, without weights."""

    builder: Any
    builder_params: dict
    meta: dict
    optimizer: Any
    learning_rate: Any
    loss: Any
    dtype: str
    _key: Any = field(default=None, repr=False, compare=False)
    _rate_values: Any = field(default=None, repr=False, compare=False)
    _compiled_with: Any = field(default=None, repr=False, compare=False)
    _metrics: Any = field(default=BuilderMetrics(), repr=False, compare=False)

    def as_dict(self):
        """Return the arguments that make an equal recipe."""
        # The key may hold classes and functions, and is worked out again on demand.
        return {name: v for name, v in vars(self).items() if not name.startswith("_")}

    def build(self, seed=0):
        """Build the network and a fresh optimizer for it, seeded.

        Returns
        -------
        model : keras.Model
            With variables of its own. If the builder has compiled it, its optimizer
            and loss become those of this recipe.
        optimizer : keras.optimizers.Optimizer
            Built for the model's variables.

        Raises
        ------
        ValueError, TypeError
            If the builder does not return a network with one output per class, or
            compiles it with another optimizer or loss than is given.
        """
        start_backend()
        check_precision(self.dtype)
        with isolated_build(seed, self.dtype):
            model, optimizer = resolve(
                self.builder,
                self.builder_params,
                self.meta,
                self.optimizer,
                self.learning_rate,
                self.loss,
            )
            check_model(model, self.builder)
            returned = model
            if model.compiled:
                optimizer, loss = compiled_parts(
                    model, optimizer, self.loss, self._given(), self.builder
                )
                self._compiled_with = TrainedWith(copy_of(optimizer), None, loss)
            model = with_one_output_per_class(
                model, self.sample(), self.meta["n_classes_"], self.builder
            )
            model = with_private_variables(model, self.builder)
            check_exclusions(optimizer, model, self.builder)
            self._metrics = take_metrics(returned, model, self.builder)
            optimizer = with_loss_scaling(optimizer, model)
            optimizer.build(model.trainable_variables)
        return model, optimizer

    @property
    def trained_with(self):
        """What the network trains with, the builder's own if it compiles the model.

        Known once the network has been built or compiled.
        """
        own = TrainedWith(self.optimizer, self.learning_rate, self.loss)
        return self._compiled_with or own

    @property
    def metrics(self):
        """The names of the builder's metrics, known once the network has been built."""
        return self._metrics

    def _given(self):
        """Return the optimizer, learning rate and loss that are not the defaults."""
        values = {
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "loss": self.loss,
        }
        return {name: v for name, v in values.items() if v != _DEFAULTS[name]}

    def take_from(self, other):
        """Take what another recipe of the same network has worked out."""
        self._key, self._rate_values = other._key, other._rate_values
        self._compiled_with, self._metrics = other._compiled_with, other._metrics

    def initial_state(self, seed):
        """Return the weights and the optimizer's state before the first step.

        Those of the reference networks are drawn without building a network again.

        Returns
        -------
        weights, optimizer_state : list of ndarray
            Copies that the caller may change.
        """
        start_backend()
        recipe = self._recipe()
        with _cache_lock:
            known = recipe and _initial_states.get(recipe)
            if known:
                _initial_states.move_to_end(recipe)
        if known:
            state, self._key, self._rate_values = known
            return state.weights(seed), state.optimizer_state_at(self.learning_rate)
        built = self.build(seed)
        self.compiled(built)
        state = recipe and initial_state(*built, seed)
        if state:
            with _cache_lock:
                _initial_states[recipe] = state, self._key, self._rate_values
                if len(_initial_states) > _N_INITIAL_STATES:
                    _initial_states.popitem(last=False)
        return tuple([to_numpy(v) for v in owner.variables] for owner in built)

    def _recipe(self):
        """Return what `initial_state` depends on besides the seed and learning rate.

        None if user code takes part, which may depend on anything.
        """
        if self.builder not in (build_mlp, build_lenet):
            return None
        if not isinstance(self.optimizer, str) or not isinstance(self.loss, str):
            return None
        if callable(self.learning_rate):
            return None
        named_values = [self.optimizer, self.loss, *self.builder_params.values()]
        if any(map(_names_user_code, named_values)):
            return None
        data = self.meta["X_shape_"][1:], self.meta["n_classes_"]
        training = self.optimizer, self.learning_rate is None, self.loss, self.dtype
        parts = [self.builder.__name__, self.builder_params, data, training]
        try:
            return json.dumps([*parts, settings()])
        except TypeError:  # an activation or an initialiser that is an object
            return None

    def compiled(self, built=None):
        """Return the compiled network, from the cache if the key is known.

        Parameters
        ----------
        built : tuple of (keras.Model, keras.optimizers.Optimizer), optional
            The result of `build`, to save building another model for the key.
        """
        start_backend()  # before the lock, which a fork may have copied as held
        if self._key is None:
            self._set_key(built)
        compiled = _cached(self._key)
        if compiled is None:
            # No lock is held meanwhile. Of two threads, the later one's is dropped.
            compiled = _put_into_cache(
                self._key, CompiledNetwork(self, isinstance(self._key, str))
            )
        return compiled

    def _set_key(self, built):
        """Set the key and the rates, from the cache for a known recipe."""
        recipe = self._recipe()
        with _cache_lock:
            known = recipe and _keys.get(recipe)
        if not known:
            model, optimizer = built or self.build()
            known = (
                network_key(model, optimizer, self.trained_with.loss, self.dtype),
                _rates.read(model, self.input_dtype()),
            )
            if recipe is not None:
                with _cache_lock:
                    _keys[recipe] = known
                    if len(_keys) > _N_KEYS:
                        _keys.popitem(last=False)
        self._key, self._rate_values = known

    def predict(self, weights, X):
        """Return probabilities in inference mode, an ndarray (n_samples, n_classes)."""
        outputs = self.outputs(weights, X)
        if self.dtype not in ("float32", "float64"):
            # Rows of a softmax in half precision miss 1 by up to 0.005, too much for
            # scikit-learn's metrics.
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs

    def outputs(self, weights, X):
        """Return the outputs in inference mode as they are, an ndarray."""
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
        self.compiled()  # its builds show which layers belong to the user
        model, optimizer = self.build()
        with isolated_build(0, self.dtype):
            model(self.sample())  # Keras exports only models that have been called.
        assign(model.variables, weights)
        self.compile(model, optimizer)
        return model

    def compile(self, model, optimizer):
        """Compile a model of this network for use outside of a trainer."""
        compile_model(
            model,
            optimizer,
            self.trained_with.loss,
            by_builder=self._compiled_with is not None,
            builder=self.builder,
        )

    def to_scikeras(self, training, *, patience=None, restore_best=False, **params):
        """Return an initialised SciKeras classifier that continues a training.

        Parameters
        ----------
        training : Training
        patience : int, optional
            As `train` takes it: it becomes a Keras callback.
        restore_best : bool
        **params : dict
            Parameters of the SciKeras classifier.
        """
        start_backend()
        classes = self.meta["classes_"]
        self.compiled()  # makes `trained_with` known
        own_optimizer, learning_rate, own_loss = self.trained_with
        optimizer, loss = own_optimizer, own_loss
        if len(classes) == 2 or loss != "categorical_crossentropy":
            loss = LossOfCodes(loss, len(classes))
        if isinstance(optimizer, keras.optimizers.Optimizer):
            optimizer, routes = routed(optimizer)
            params |= routes
        if patience is not None:
            stopping = keras.callbacks.EarlyStopping(
                patience=patience, restore_best_weights=restore_best
            )
            params["callbacks"] = [*params["callbacks"], stopping]
        X = np.zeros((len(classes), *self.meta["X_shape_"][1:]), self.meta["X_dtype_"])
        with isolated_build(0, self.dtype):
            wrapper = wrap(
                self.builder,
                self.builder_params,
                optimizer,
                learning_rate,
                loss,
                metrics=["accuracy"],
                **params,
            ).initialize(X, classes)
            if wrapper.model_.compiled:
                # The builder's loss trains on the targets that SciKeras makes for it.
                wrapper.set_params(loss=own_loss).initialize(X, classes)
            model = wrapper.model_
            if shared_variables(model):
                raise ValueError(
                    f"The builder {named(self.builder)} returned layers that were made "
                    "outside of it. A SciKeras classifier would train them in place: "
                    "make these layers inside the builder."
                )
            if not model.compiled and exclusions(own_optimizer):
                raise ValueError(
                    "SciKeras makes an optimizer anew from its parameters, which do "
                    "not hold what it excludes from weight decay. Compile the model "
                    "with the optimizer in the builder."
                )
            model(X.astype(self.input_dtype()))  # makes a subclassed model's variables
            compile_params = wrapper._get_compile_kwargs()
            optimizer = with_loss_scaling(
                model.optimizer if model.compiled else compile_params["optimizer"],
                model,
            )
            optimizer.build(model.trainable_variables)
        compile_params["optimizer"] = optimizer
        assign(model.variables, training.weights)
        assign(optimizer.variables, training.optimizer_state)
        if not model.compiled:
            model.compile(**compile_params)
        # SciKeras refuses X of a dtype that does not fit into that of the first X.
        wrapper.X_dtype_ = np.dtype(np.float64)
        wrapper.history_ = training.copy().history
        return wrapper

    def describe(self):
        """Return what identifies the network, the same in every process."""
        self.compiled()
        if not isinstance(self._key, str):  # identified by the builder alone
            return self._rate_values
        configs, *rest = json.loads(self._key)
        # Numbered by how many were made before.
        configs[1]["config"].pop("name", None)
        return configs, rest, self._rate_values

    def input_scale(self):
        """Return the scale of a leading Rescaling layer, 1.0 without one.

        None if the network normalises its input.
        """
        first = self.compiled().first_layer
        if isinstance(first, keras.layers.Rescaling):
            return float(np.max(first.scale))
        norms = (keras.layers.Normalization, keras.layers.BatchNormalization)
        return None if isinstance(first, norms) else 1.0

    def takes_smooth_labels(self):
        """Return whether the loss depends on targets between 0 and 1."""
        return takes_smooth_labels(self.compiled().sample_loss, self.example_targets())

    def example_targets(self):
        """Return targets of two samples, an ndarray."""
        return np.eye(2, self.meta["n_classes_"], dtype=self.input_dtype())

    def input_dtype(self):
        """Return the dtype of the network's inputs and targets."""
        return data_dtype(self.dtype)

    def sample(self):
        """Return one sample of zeros."""
        return np.zeros((1, *self.meta["X_shape_"][1:]), self.input_dtype())


def _names_user_code(value):
    """Return whether a text names what the user has registered with Keras."""
    registered = keras.saving.get_registered_object
    return isinstance(value, str) and registered(value) is not None


def assign(variables, values):
    """Assign to Keras variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


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


def _cached(key):
    with _cache_lock:
        if key in _cache:
            _cache.move_to_end(key)
        return _cache.get(key)


def _put_into_cache(key, compiled):
    """Add a compiled network, and return the one that the cache has for the key."""
    with _cache_lock:
        compiled = _cache.setdefault(key, compiled)
        left = len(_cache) > _CACHE_SIZE
        if left:
            _cache.popitem(last=False)
            left = next(_n_left) % _CACHE_SIZE == 0
    if left:
        # Not at each time: the networks that stay are prepared again. Not while
        # another thread draws: its operations would start anew.
        with GENERATORS_LOCK:
            forget_prepared_functions()
    return compiled


_cache = OrderedDict()
_n_left = itertools.count(1)
_initial_states = OrderedDict()
_keys = OrderedDict()
_cache_lock = threading.RLock()
