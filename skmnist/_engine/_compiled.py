"""Compiled functions of a network: prediction, evaluation, and its trainers."""

import functools

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import (
    BACKEND,
    changes_outside,
    checks_operations,
    compile_pure,
    draws_statefully,
    has_gpu,
    keras,
    tf,
    traced,
)
from skmnist._engine._built import (
    first_layer,
    has_one_unit,
    learning_rate_position,
    overrides_training,
)
from skmnist._engine._losses import sample_loss
from skmnist._engine._trainers import (
    BlockTrainer,
    TrainerPool,
    power_of_two,
    training_keyword,
    unmasked_weight,
)
from skmnist._interrupt import check_interrupt

# The number of batches in a compiled call.
_MAX_BLOCK = 64
# The number of training rows from which XLA's compilation pays for itself.
_JIT_ROWS = 1000


class CompiledNetwork:
    """Functions of a network, compiled when first used.

    Weights are arguments. The model inside is only traced.

    Attributes
    ----------
    all_keras : bool
        Whether all code that takes part is Keras's own, of layers that draw from no
        global generator.
    scans : bool
        Whether one compiled call can train on a block of batches.
    pads : bool
        Whether padding rows leave the results of the other rows unchanged.
    supports_jit : bool
        Whether XLA can compile all layers.
    convolutional : bool
        Whether the network has a convolution.
    shapes : list of tuple of int
        Shapes of the network's variables.
    trainable : list of int
        Which of the variables are trained.
    learning_rate_position : int or None
        Of the learning rate among the optimizer's variables; None with a schedule.
    layers : list of keras.Layer
        Without input layers.
    first_layer : keras.Layer or None
        The one that the samples enter.
    sample_loss : callable
        ``sample_loss(y, y_pred)`` returns one loss per row of one-hot targets.
    optimizer_type : type
    optimizer_shapes : list of tuple of int
        Shapes of the optimizer's variables.
    """

    def __init__(self, network, all_keras):
        self.all_keras = all_keras
        self._network = network
        self._model, optimizer = network.build()
        self.optimizer_type = type(optimizer)
        self.optimizer_shapes = [tuple(v.shape) for v in optimizer.variables]
        self.learning_rate_position = learning_rate_position(optimizer)
        self._slots = _rates.Slots(self._model)
        self.sample_loss = sample_loss(
            network.trained_with.loss,
            network.example_targets(),
            one_unit=has_one_unit(self._model),
        )
        variables = [id(variable) for variable in self._model.variables]
        self._trainable = [
            variables.index(id(v)) for v in self._model.trainable_variables
        ]
        self.trainable = sorted(self._trainable)
        self._non_trainable = [
            variables.index(id(v)) for v in self._model.non_trainable_variables
        ]
        self._served = None, None
        self.pads = _rows_are_independent(self._model)
        self.shapes = [tuple(variable.shape) for variable in self._model.variables]
        self.layers = [
            layer
            for layer in self._model._flatten_layers(include_self=False)
            if not isinstance(layer, keras.layers.InputLayer)
        ]
        self.first_layer = first_layer(self._model)
        self.supports_jit = all(map(_supports_jit, self.layers))
        self._predict = compile_pure(self._predict_block, self.supports_jit)
        self._evaluate = compile_pure(self._evaluate_block, self.supports_jit)
        compiles = BACKEND == "tensorflow" or (BACKEND == "jax" and self.supports_jit)
        self.scans = (
            compiles
            and not overrides_training(self._model)
            and (all_keras or not changes_outside(self._model))
        )
        self.convolutional = any(
            "Conv" in base.__name__
            for layer in self.layers
            for base in type(layer).__mro__
        )
        # XLA's convolutions on a CPU are ten times slower inside a loop.
        unrolled = BACKEND == "jax" and self.convolutional and not has_gpu()
        self._trainers = TrainerPool(
            functools.partial(
                BlockTrainer,
                network,
                self.sample_loss,
                pads=self.pads,
                max_block=1 if unrolled else _MAX_BLOCK,
            )
        )

    def predict(self, weights, X):
        """Return the network's outputs in inference mode, an ndarray."""
        dtype = self._network.input_dtype()
        tensors = self._kept_tensors(weights)
        outputs, n_done = None, 0
        for n_rows, (block,) in self._blocks(X):
            part = keras.ops.convert_to_numpy(self._predict(*tensors, block))[:n_rows]
            if outputs is None:
                outputs = np.empty((len(X), *part.shape[1:]), dtype)
            outputs[n_done : n_done + n_rows] = part
            n_done += n_rows
        return outputs

    def outputs_untraced(self, weights, X):
        """Return the outputs of a few rows in inference mode, a tensor."""
        return self._predict_block(*self._as_tensors(weights), X)

    def evaluate(self, weights, rates, data, rows=None):
        """Return ``{"loss": ..., "accuracy": ...}`` of some rows in inference mode."""
        dtype = self._network.input_dtype()
        tensors = self._as_tensors(weights)
        sums, penalties, sizes = np.zeros(3), [], []
        for n_rows, (*block, weight) in self._blocks(*data, rows=rows):
            weight[n_rows:] = 0
            *block_sums, penalty = self._evaluate(*tensors, rates, *block, weight)
            sums += [float(value) for value in block_sums]
            penalties.append(float(penalty))
            sizes.append(n_rows)
        loss, hits, total = (float(value) for value in sums)
        # A penalty on activities differs from block to block.
        penalty = np.average(penalties, weights=sizes)
        return {
            "loss": loss / total + float(dtype.type(penalty)),
            "accuracy": hits / total,
        }

    def trainer(self, n_rows, jit_compile):
        """Borrow a trainer for a fit on `n_rows` rows: a context manager."""
        if BACKEND == "jax":
            jit_compile = True
        elif jit_compile == "auto":
            # Decided by the network, the device and the data alone, never by what ran
            # before, because XLA changes the last bits of a result.
            slow = (self.convolutional and not has_gpu()) or checks_operations()
            pays = not slow and n_rows >= _JIT_ROWS
            jit_compile = pays and self.supports_jit and not self._draws_statefully
        return self._trainers.borrow(bool(jit_compile))

    @functools.cached_property
    def _draws_statefully(self):
        """Whether the network calls functions such as ``tf.random.normal``.

        XLA cannot compile some of these, such as ``tf.random.gamma``.
        """
        if self.all_keras:
            return False
        shape = (2, *self._network.meta["X_shape_"][1:])
        forward = traced(
            lambda X: self._model(X, **training_keyword(self._model, True))
        )
        spec = tf.TensorSpec(shape, self._network.input_dtype())
        return draws_statefully(forward.get_concrete_function(spec))

    def _kept_tensors(self, weights):
        """Return the weights as tensors, and keep those of the last classifier.

        Comparing by identity is safe because a classifier's lists of weights are never
        changed in place.
        """
        served, tensors = self._served
        if served is not weights:
            tensors = self._as_tensors(weights)
            self._served = weights, tensors
        return tensors

    def _as_tensors(self, weights):
        return [
            [keras.ops.convert_to_tensor(weights[i]) for i in places]
            for places in (self._trainable, self._non_trainable)
        ]

    def _blocks(self, *arrays, rows=None):
        """Yield blocks of rows in a few sizes, so that few shapes are traced."""
        dtype = self._network.input_dtype()
        n_samples = len(arrays[0]) if rows is None else len(rows)
        size = 256 if self.convolutional else 2048
        for start in range(0, n_samples, size):
            check_interrupt()
            n_rows = min(size, n_samples - start)
            padded = power_of_two(n_rows) if self.pads else n_rows
            index = np.minimum(np.arange(start, start + padded), n_samples - 1)
            if rows is not None:
                index = rows[index]
            yield n_rows, [array[index].astype(dtype, copy=False) for array in arrays]

    def _predict_block(self, trainable, non_trainable, X):
        keywords = training_keyword(self._model, False)
        return self._model.stateless_call(trainable, non_trainable, X, **keywords)[0]

    def _evaluate_block(self, trainable, non_trainable, rates, X, y, sample_weight):
        ops = keras.ops
        with self._slots.bound(rates):
            keywords = training_keyword(self._model, False)
            y_pred, _, penalties = self._model.stateless_call(
                trainable, non_trainable, X, return_losses=True, **keywords
            )
        sample_weight = unmasked_weight(sample_weight, y_pred)
        loss = ops.cast(self.sample_loss(y, y_pred), y.dtype)
        hits = ops.cast(ops.argmax(y, -1) == ops.argmax(y_pred, -1), y.dtype)
        return (
            ops.sum(loss * sample_weight),
            ops.sum(hits * sample_weight),
            ops.sum(sample_weight),
            sum((ops.cast(p, y.dtype) for p in penalties), ops.zeros((), y.dtype)),
        )


def _rows_are_independent(model):
    """Return whether a padding row leaves the results of the other rows unchanged."""
    mixing = (
        keras.layers.BatchNormalization,
        keras.layers.CutMix,
        keras.layers.Equalization,
        keras.layers.Lambda,
        keras.layers.MixUp,
    )
    return all(
        type(layer).__module__.startswith("keras.")
        and not isinstance(layer, mixing)
        and getattr(layer, "activity_regularizer", None) is None
        for layer in model._flatten_layers()
    )


def _supports_jit(layer):
    """Return whether XLA can compile a layer.

    TensorFlow has no kernel of XLA for the image transformations of Keras's
    augmentation layers, some of which state that it does. JAX has.
    """
    if BACKEND == "jax":
        # Which states that it can, and older versions of Keras lack.
        unable = type(layer).__name__ == "RandomElasticTransform"
        return layer.supports_jit and not unable
    module = type(layer).__module__
    augments = module.startswith("keras.src.layers.preprocessing.image_preprocessing")
    return layer.supports_jit and not augments
