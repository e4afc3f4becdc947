"""A trainer that takes one step per call, through Keras.

It serves whatever a `BlockTrainer` (`_trainers`) cannot: callbacks that act on batches
or change the network, networks with a training step or metrics of their own, and the
backend PyTorch.
"""

import contextlib

import numpy as np

from skmnist._engine._backend import keras, to_numpy
from skmnist._engine._built import (
    learning_rate_variable,
    overrides,
    overrides_training,
)
from skmnist._engine._losses import as_in_keras
from skmnist._engine._metrics import other_metrics
from skmnist._engine._trainers import Variables
from skmnist._interrupt import check_interrupt


class BatchTrainer(Variables):
    """Train through Keras, one call per batch.

    A network that overrides Keras's training reports what its steps return, as in
    `keras.Model.fit`. Any other reports means of loss and accuracy that are weighted by
    the sample weights, as a `BlockTrainer` does, and its further metrics.

    Parameters
    ----------
    own : Variables
        A network and optimizer of the fit's own. The network is compiled here.
    network : Network
    events : keras.callbacks.CallbackList
        Called before and after every batch.
    jit_compile : bool
    weighted : bool
        Whether the user has given weights. A training step of the network's own gets
        none otherwise.
    """

    def __init__(self, own, network, events, jit_compile, weighted):
        super().__init__(own.model, own.optimizer)
        self._dtype = network.input_dtype()
        self._events = events
        self._weighted = weighted
        self._aliases = network.metrics.as_accuracy
        self._overrides = overrides_training(self.model)
        self.tests = bool(network.metrics.others) or overrides(
            self.model, "test_step", "compute_loss", "compute_metrics"
        )
        self._compile(network, jit_compile)
        if self._overrides:
            for name in "train_step", "test_step":
                step = _without_missing_weight(getattr(self.model, name))
                object.__setattr__(self.model, name, step)

    def _compile(self, network, jit_compile):
        """Compile the network with a loss that is a mean by sample weights."""
        model, dtype = self.model, self._dtype.name
        network.compile(model, self.optimizer)
        in_files = model._compile_config
        loss, self._encode = as_in_keras(network.compiled().sample_loss)
        codes = self._encode(network.example_targets()).ndim == 1
        of_codes = keras.metrics.SparseCategoricalAccuracy
        of_rows = keras.metrics.CategoricalAccuracy
        accuracy = (of_codes if codes else of_rows)("accuracy", dtype=dtype)
        metrics = {"weighted_metrics": [accuracy]}
        if not self._overrides:
            others = other_metrics(model)
            metrics = {
                "metrics": others["metrics"],
                "weighted_metrics": [accuracy, *others["weighted_metrics"]],
            }
        elif network.metrics.as_accuracy or network.metrics.others:
            metrics = {}  # those that `network.compile` has set remain
        run_eagerly = model.run_eagerly
        # Not a `compile` of the network's own, which may take other arguments.
        keras.Model.compile(
            model,
            optimizer=self.optimizer,
            loss=_MeanLoss(loss, dtype),
            jit_compile=False if run_eagerly else jit_compile,
            run_eagerly=run_eagerly,
            **metrics,
        )
        # Keras could not load a file of a callback that names `_MeanLoss`.
        model._compile_config = in_files
        # Reset for each batch, to be weighted by the sum of its sample weights.
        self._of_batch = [] if self._overrides else [model._loss_tracker, accuracy]

    def run_epoch(self, data, order, batch_size, generators, *, factors, deform=None):
        """Train on every row once, as `BlockTrainer.run_epoch`."""
        self.model.reset_metrics()
        means = _WeightedMeans()
        for batch, first in enumerate(range(0, len(order), batch_size)):
            check_interrupt()
            X, y, weight = self._rows(data, order[first : first + batch_size])
            if deform is not None:
                deform(X)
            self._events.on_train_batch_begin(batch)
            with generators(), self._learning_rate_times(factors[batch]):
                step = self.model.train_on_batch
                logs = self._call(step, X, y, weight, self._weighted, means)
            self._events.on_train_batch_end(batch, logs)
            if self.model.stop_training:
                break
        return logs

    def evaluate(self, data, rows, batch_size, weighted, events=None):
        """Return what the network reports of some rows in inference mode.

        Parameters
        ----------
        data : tuple of (X, y, sample_weight)
        rows : ndarray of int or None
            None for all.
        batch_size : int
        weighted : bool
            Whether the user has given weights of these samples.
        events : keras.callbacks.CallbackList, optional
            Called before and after every batch.
        """
        self.model.reset_metrics()
        means = _WeightedMeans()
        rows = np.arange(len(data[0])) if rows is None else rows
        for batch, first in enumerate(range(0, len(rows), batch_size)):
            check_interrupt()
            X, y, weight = self._rows(data, rows[first : first + batch_size])
            if events is not None:
                events.on_test_batch_begin(batch)
            step = self.model.test_on_batch
            logs = self._call(step, X, y, weight, weighted, means)
            if events is not None:
                events.on_test_batch_end(batch, logs)
        return logs

    def _rows(self, data, rows):
        return [array[rows].astype(self._dtype, copy=False) for array in data]

    def _call(self, step, X, y, weight, weighted, means):
        """Call a step of Keras, and return the logs of the epoch up to this batch."""
        for metric in self._of_batch:
            metric.reset_state()
        passed = weight if weighted or not self._overrides else None
        with _metrics_kept(self.model):
            scores = step(X, self._encode(y), passed, return_dict=True)
        if self._overrides:
            if "loss" not in scores:
                raise ValueError(
                    f"A step of {type(self.model).__name__} returned "
                    f"{sorted(scores)} without 'loss', which the classifier needs. "
                    "Return the loss under this name from train_step and test_step."
                )
            return scores
        logs = means.add(scores, float(weight.sum()))
        logs |= dict.fromkeys(self._aliases, logs["accuracy"])
        return logs | {name: v for name, v in scores.items() if name not in logs}

    @contextlib.contextmanager
    def _learning_rate_times(self, factor):
        """Multiply the optimizer's learning rate for one step."""
        if factor == 1:
            yield
            return
        variable = learning_rate_variable(self.optimizer)
        learning_rate = to_numpy(variable)
        variable.assign(learning_rate * np.asarray(factor, learning_rate.dtype))
        try:
            yield
        finally:
            variable.assign(learning_rate)


class _WeightedMeans:
    """Means of loss and accuracy over batches, weighted by their sample weights."""

    def __init__(self):
        self._sums = {"loss": 0.0, "accuracy": 0.0}
        self._total = 0.0

    def add(self, scores, weight):
        """Add a batch, and return the means up to it."""
        self._total += weight
        for name in self._sums:
            self._sums[name] += float(scores[name]) * weight
        return {name: v / (self._total or 1.0) for name, v in self._sums.items()}


class _MeanLoss(keras.losses.Loss):
    """A loss in Keras's form, its mean weighted by the sample weights alone."""

    def __init__(self, sample_loss, dtype):
        super().__init__(name="loss", reduction="mean_with_sample_weight", dtype=dtype)
        self._sample_loss = sample_loss

    def call(self, y_true, y_pred):
        return self._sample_loss(y_true, y_pred)


@contextlib.contextmanager
def _metrics_kept(model):
    """Keep the state of the metrics, which `train_on_batch` resets at each call."""
    # Set on the object, whatever its class does when an attribute is set.
    object.__setattr__(model, "reset_metrics", lambda: None)
    try:
        yield
    finally:
        object.__delattr__(model, "reset_metrics")


def _without_missing_weight(step):
    """Return a step that gets ``(x, y)`` if no weights are given, as in `fit`.

    `train_on_batch` passes ``(x, y, None)``, which ``x, y = data`` cannot unpack.
    """

    def without_missing_weight(*args):
        *state, data = args  # JAX passes the state of the network first
        if isinstance(data, tuple | list) and len(data) == 3 and data[2] is None:
            data = tuple(data[:2])
        return step(*state, data)

    return without_missing_weight
