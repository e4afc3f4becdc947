"""What a network is built from, and its compiled form, shared by every fit alike."""

import contextlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np

from skmnist import _hyperparameters
from skmnist._backend import (
    BACKEND,
    ScannedTrainer,
    compile_pure,
    has_gpu,
    isolated_build,
    keras,
)
from skmnist._scikeras import resolve, wrap

# Compiled networks kept for reuse; a grid over architectures seldom holds more.
_CACHE_SIZE = 32
# From so many training rows on, XLA's compilation pays for itself.
_JIT_ROWS = 1000


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

    def __getstate__(self):
        # A key may hold classes and functions, and is worked out again at need.
        return vars(self) | {"_key": None}

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

    def compiled(self, built=None):
        """Return the compiled form, from the cache where one like it was made before.

        Parameters
        ----------
        built : tuple of (keras.Model, keras.optimizers.Optimizer), optional
            What `build` has just returned: saves building another to look at.
        """
        if self._key is None:
            model, optimizer = built or self.build()
            self._hyperparameters = _hyperparameters.read(model, self.input_dtype())
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
        """Return what is known of the network in text, the same in every process."""
        self.compiled()
        if isinstance(self._key, str):
            return self._key
        code = getattr(self.builder, "__code__", None)
        return f"{_name(self.builder)} {code and joblib.hash(code.co_code)}"

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
        return np.dtype("float64" if self.dtype == "float64" else "float32")

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
        configs[0] = _hyperparameters.without(configs[0])
        return json.dumps(
            [configs, loss if isinstance(loss, str) else None, self.dtype]
        )


class CompiledNetwork:
    """A network's functions, compiled when first used.

    Weights go in as arguments; the model inside serves only to trace them.

    Attributes
    ----------
    all_keras : bool
        Whether no code but Keras's own takes part.
    scans : bool
        Whether a block of batches can be trained on in one compiled call.
    pads : bool
        Whether rows may be added to a batch without changing the others' results.
    convolutional : bool
        Whether there is a convolution.
    shapes : list of tuple of int
        Of the network's variables.
    layers : list of keras.Layer
        Without input layers.
    """

    def __init__(self, network, all_keras):
        self.all_keras = all_keras
        self._network = network
        self._model, _ = network.build()
        self._slots = _hyperparameters.Slots(self._model)
        self._sample_loss = _probed(network.sample_loss(), network)
        variables = [id(variable) for variable in self._model.variables]
        self._trainable = [
            variables.index(id(v)) for v in self._model.trainable_variables
        ]
        self._non_trainable = [
            variables.index(id(v)) for v in self._model.non_trainable_variables
        ]
        self._predict = compile_pure(self._predict_block)
        self._evaluate = compile_pure(self._evaluate_block)
        self._idle_trainers = {False: [], True: []}
        self.pads = _rows_are_independent(self._model)
        self.scans = BACKEND == "tensorflow" and not _overrides_training(self._model)
        self.shapes = [tuple(variable.shape) for variable in self._model.variables]
        self.layers = [
            layer
            for layer in self._model._flatten_layers(include_self=False)
            if not isinstance(layer, keras.layers.InputLayer)
        ]
        self.convolutional = any(
            "Conv" in base.__name__
            for layer in self.layers
            for base in type(layer).__mro__
        )

    def predict(self, weights, X):
        """Return the network's outputs in inference mode, an ndarray."""
        dtype = self._network.input_dtype()
        parts = [
            np.asarray(self._predict(*self._split(weights), block))[:n_rows]
            for n_rows, (block,) in self._blocks(X)
        ]
        return np.concatenate(parts).astype(dtype, copy=False)

    def evaluate(self, weights, hyperparameters, data, rows=None):
        """Return ``{"loss": ..., "accuracy": ...}`` in inference mode, of some rows."""
        dtype = self._network.input_dtype()
        sums = np.zeros(3)
        for n_rows, (*block, weight) in self._blocks(*data, rows=rows):
            weight[n_rows:] = 0
            *block_sums, penalty = self._evaluate(
                *self._split(weights), hyperparameters, *block, weight
            )
            sums += [float(value) for value in block_sums]
        loss, hits, total = (float(value) for value in sums)
        return {
            "loss": loss / total + float(dtype.type(penalty)),
            "accuracy": hits / total,
        }

    @contextlib.contextmanager
    def trainer(self, n_rows, jit_compile):
        """Lend a compiled trainer to one fit on so many rows."""
        if jit_compile == "auto":
            # A matter of the network, the device and the data alone, never of what ran
            # before: the bits of a result depend on it.
            slow = self.convolutional and not has_gpu()
            jit_compile = not slow and n_rows >= _JIT_ROWS
        jit_compile = bool(jit_compile)
        idle = self._idle_trainers[jit_compile]
        try:
            trainer = idle.pop()
        except IndexError:
            model, optimizer = self._network.build()
            trainer = ScannedTrainer(
                model,
                optimizer,
                self._sample_loss,
                _hyperparameters.Slots(model),
                jit_compile=jit_compile,
            )
        try:
            yield trainer
        finally:
            idle.append(trainer)

    def _split(self, weights):
        return (
            [weights[i] for i in self._trainable],
            [weights[i] for i in self._non_trainable],
        )

    def _blocks(self, *arrays, rows=None):
        """Yield blocks of rows in a few sizes only, so that few shapes are traced."""
        dtype = self._network.input_dtype()
        n_samples = len(arrays[0]) if rows is None else len(rows)
        size = 256 if self.convolutional else 2048
        for start in range(0, n_samples, size):
            n_rows = min(size, n_samples - start)
            padded = power_of_two(n_rows) if self.pads else n_rows
            index = np.minimum(np.arange(start, start + padded), n_samples - 1)
            if rows is not None:
                index = rows[index]
            yield n_rows, [array[index].astype(dtype) for array in arrays]

    def _predict_block(self, trainable, non_trainable, X):
        return self._model.stateless_call(trainable, non_trainable, X, training=False)[
            0
        ]

    def _evaluate_block(
        self, trainable, non_trainable, hyperparameters, X, y, sample_weight
    ):
        ops = keras.ops
        self._slots.bind(hyperparameters)
        y_pred, _, penalties = self._model.stateless_call(
            trainable, non_trainable, X, training=False, return_losses=True
        )
        loss = ops.cast(self._sample_loss(y, y_pred), y.dtype)
        hits = ops.cast(ops.argmax(y, -1) == ops.argmax(y_pred, -1), y.dtype)
        return (
            ops.sum(loss * sample_weight),
            ops.sum(hits * sample_weight),
            ops.sum(sample_weight),
            sum((ops.cast(p, y.dtype) for p in penalties), ops.zeros((), y.dtype)),
        )


def power_of_two(n):
    """Return the smallest power of two that is at least n."""
    return 1 << (n - 1).bit_length()


def _rows_are_independent(model):
    """Tell whether a row that only pads a batch leaves the others' results alone."""
    mixing = (keras.layers.BatchNormalization, keras.layers.Lambda)
    return all(
        type(layer).__module__.startswith("keras.")
        and not isinstance(layer, mixing)
        and getattr(layer, "activity_regularizer", None) is None
        for layer in model._flatten_layers()
    )


def _probed(sample_loss, network):
    """Return the loss function after a try on two samples."""
    one_hot = np.eye(2, network.meta["n_classes_"], dtype=network.input_dtype())
    try:
        shape = tuple(
            sample_loss(*map(keras.ops.convert_to_tensor, [one_hot] * 2)).shape
        )
    except Exception as error:  # a loss may fail in any way here
        shape = error
    if shape != (2,):
        raise ValueError(
            f"loss={network.loss!r} does not serve: from one-hot targets and "
            f"probabilities of shape (2, {one_hot.shape[1]}) it should give 2 numbers, "
            f"one for each sample, and gave {shape!r}. For labels as they are "
            "'categorical_crossentropy' is the one: they are encoded inside."
        )
    return sample_loss


def _overrides_training(model):
    """Tell whether a network brings a training step of its own."""
    return any(
        getattr(type(model), name) is not getattr(keras.Model, name)
        for name in ("train_step", "compute_loss", "compute_metrics")
    )


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
    return not isinstance(config, str | int | float | bool | None)


def _name(builder):
    return getattr(builder, "__name__", None) or type(builder).__name__


_cache = OrderedDict()
_cache_lock = threading.RLock()
