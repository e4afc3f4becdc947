"""A network's compiled functions: predict, evaluate, and trainers to lend to fits."""

import contextlib

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import (
    BACKEND,
    ScannedTrainer,
    compile_pure,
    has_gpu,
    keras,
)
from skmnist._engine._placeholder import Placeholder

# From so many training rows on, XLA's compilation pays for itself.
_JIT_ROWS = 1000


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
        self._slots = _rates.Slots(self._model)
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
        self._served = None, None
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
        tensors = self._kept_tensors(weights)
        parts = [
            np.asarray(self._predict(*tensors, block))[:n_rows]
            for n_rows, (block,) in self._blocks(X)
        ]
        return np.concatenate(parts).astype(dtype, copy=False)

    def evaluate(self, weights, hyperparameters, data, rows=None):
        """Return ``{"loss": ..., "accuracy": ...}`` in inference mode, of some rows."""
        dtype = self._network.input_dtype()
        tensors = self._as_tensors(weights)
        sums = np.zeros(3)
        for n_rows, (*block, weight) in self._blocks(*data, rows=rows):
            weight[n_rows:] = 0
            *block_sums, penalty = self._evaluate(
                *tensors, hyperparameters, *block, weight
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
                _rates.Slots(model),
                jit_compile=jit_compile,
            )
        try:
            yield trainer
        finally:
            idle.append(trainer)

    def _kept_tensors(self, weights):
        """Return the tensors of these weights, kept for the next call with them.

        The weights of one classifier: its lists of arrays are never written to.
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
            yield n_rows, [array[index].astype(dtype, copy=False) for array in arrays]

    def _predict_block(self, trainable, non_trainable, X):
        return self._model.stateless_call(trainable, non_trainable, X, training=False)[
            0
        ]

    def _evaluate_block(
        self, trainable, non_trainable, hyperparameters, X, y, sample_weight
    ):
        ops = keras.ops
        with self._slots.bound(hyperparameters):
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
    if isinstance(sample_loss, Placeholder):
        return sample_loss  # it serves for prediction, and says what is missing
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
