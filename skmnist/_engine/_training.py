"""The training loop.

`train` decides in which order epochs run, shuffles the rows, evaluates the validation
samples, and records the history. How the steps of an epoch are computed is the
trainer's subject (`_trainers`); whatever else happens between epochs is an observer's
(`_observers`).
"""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skmnist._engine._backend import BACKEND
from skmnist._engine._batches import BatchTrainer
from skmnist._engine._hidden_state import HiddenStateCheck
from skmnist._engine._observers import (
    Checkpointing,
    EarlyStopping,
    KerasCallbacks,
    warn_of_batches,
)
from skmnist._engine._schedules import learning_rate_factors
from skmnist._engine._seeds import OwnGenerators
from skmnist._engine._trainers import Variables
from skmnist._interrupt import current_group


@dataclass
class Training:
    """The state that a fit starts from, changes and ends with.

    Attributes
    ----------
    weights : list of ndarray
        The value of each of the network's variables, seeds of dropout among them.
    optimizer_state : list of ndarray
        The value of each of the optimizer's variables.
    seed : int
        Seeds the initial weights and the shuffling of every epoch.
    history : dict of str to list of float
        One entry per epoch for each quantity.
    best_epoch : int
        The epoch with the lowest validation loss (training loss if no rows are held
        out), counted from 1; 0 before the first.
    """

    weights: list
    optimizer_state: list
    seed: int
    history: dict = field(default_factory=dict)

    def copy(self):
        """Return a copy that can be trained on without changing this one."""
        history = {name: list(values) for name, values in self.history.items()}
        return replace(self, history=history)

    def as_dict(self):
        """Return the arguments that make an equal state."""
        return dict(vars(self))

    def as_of(self, epoch, weights, optimizer_state):
        """Return the state after an earlier epoch, counted from 1."""
        later = self.n_epochs - epoch
        history = {name: v[: len(v) - later] for name, v in self.history.items()}
        return Training(weights, optimizer_state, self.seed, history)

    def record(self, logs):
        """Append the logs of an epoch to the history.

        All lists keep one length: a quantity that an epoch lacks is NaN there. The
        history is replaced in one step, so that an interrupt leaves no epoch half
        recorded.
        """
        missing = [math.nan] * self.n_epochs
        names = dict.fromkeys([*self.history, *logs])
        self.history = {
            name: [*self.history.get(name, missing), float(logs.get(name, math.nan))]
            for name in names
            if name not in logs or _is_number(logs[name])
        }

    def amend(self, logs):
        """Replace entries of the last epoch, and add quantities to it."""
        missing = [math.nan] * self.n_epochs
        self.history = self.history | {
            name: [*self.history.get(name, missing)[:-1], float(value)]
            for name, value in logs.items()
            if _is_number(value)
        }

    @property
    def n_epochs(self):
        """The number of completed epochs."""
        return len(self.history.get("loss", ()))

    @property
    def best_epoch(self):
        losses = self.history.get("val_loss") or self.history.get("loss")
        return int(np.nanargmin(losses)) + 1 if losses else 0

    def best_epoch_by(self, quantity, first):
        """Return the best epoch by a quantity, among those after epoch `first`."""
        values = self.history[quantity][first - self.n_epochs :]
        best = np.nanargmax if quantity.endswith("accuracy") else np.nanargmin
        return first + int(best(values)) + 1


@dataclass
class Loop:
    """A training in progress, as observers see it.

    Attributes
    ----------
    state : Training
        Between two epochs its history is complete; its weights are those of the last
        restored state, and the trainer has the current ones.
    first, last : int
        The number of epochs before and at the end of this training.
    evaluate : callable or None
        ``evaluate(weights, events)`` returns the scores of the validation samples:
        "loss" and "accuracy", or what the network itself reports. Calls the hooks for
        batches of `events`, a keras.callbacks.CallbackList, if that is not None.
    trainer : BlockTrainer or BatchTrainer
    kept : dict of str to tuple of (weights, optimizer_state)
        States of earlier epochs by what they are kept for; a checkpoint stores them.
    result : tuple of (weights, optimizer_state) or None
        What the training ends with instead of the trainer's values.
    finished : bool
        Whether no further epoch is to be trained.
    """

    state: Training
    first: int
    last: int
    evaluate: Callable | None = None
    trainer: Any = None
    kept: dict = field(default_factory=dict)
    result: tuple | None = None
    finished: bool = False

    def current_state(self):
        """Return a copy of the state, with the weights that training would end with."""
        weights, optimizer_state = self.trainer.final_values()
        state = self.state.copy()
        state.weights, state.optimizer_state = weights, optimizer_state
        return state


def start(network, seed):
    """Return the state before the first epoch."""
    return Training(*network.initial_state(seed), seed)


def train(
    network,
    state,
    data,
    rows,
    validation=None,
    *,
    epochs,
    batch_size,
    schedule="constant",
    augmentation=None,
    patience=None,
    restore_best_weights=False,
    callbacks=(),
    jit_compile="auto",
    checkpoint=None,
    observers=(),
    verbose=0,
    weighted=(False, False),
):
    """Train a network for some more epochs.

    Parameters
    ----------
    network : Network
    state : Training
        Where to begin. Changed in place, also if Ctrl-C or a full disk ends the
        training.
    data : tuple of (X, y, sample_weight)
        Samples, one-hot targets and weights.
    rows : ndarray of int
        The samples to train on.
    validation : tuple of (data, rows), optional
        What to evaluate after every epoch: data as above, and its rows or None for all.
    epochs : int
        The largest number of epochs to train.
    batch_size : int
    schedule : {"constant", "cosine", "one_cycle"}
        The learning rate over all the epochs.
    augmentation : tuple of (Augmentation, image_shape), optional
        What deforms the samples of each epoch, and their shape as images.
    patience : int, optional
        Stop after this many epochs without a lower validation loss.
    restore_best_weights : bool, default=False
        Whether a training with `patience` ends with the weights of its best epoch.
    callbacks : sequence of keras.callbacks.Callback
    jit_compile : bool or "auto", default="auto"
        Whether XLA compiles the training.
    checkpoint : Checkpoint, optional
        Where the state is kept after every epoch, and restored from.
    observers : sequence of Observer
        Called after those that follow from the other parameters.
    verbose : {0, 1, 2}
        As in Keras: silent, a progress bar, a line per epoch.
    weighted : tuple of (bool, bool)
        Whether the user has given weights of the training and validation samples: a
        training step of the network's own gets none otherwise.

    Raises
    ------
    ValueError
        If the loss is no longer finite.
    OSError
        If the checkpoint cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C.
    """
    _check_schedule(schedule, network)
    keras_callbacks = KerasCallbacks(callbacks, verbose)
    own = [keras_callbacks]
    if patience is not None:
        own.append(EarlyStopping(patience, restore_best_weights))
    if not network.compiled().all_keras:
        own.append(HiddenStateCheck(network, data[0][rows[:8]]))
    if checkpoint is not None:
        own.append(Checkpointing(checkpoint, verbose))
    observers = [*own, *observers]
    loop = Loop(
        state,
        first=state.n_epochs,
        last=state.n_epochs + epochs,
    )
    n_steps = -(-len(rows) // batch_size)
    changes = _changes_by_epoch(loop, schedule, augmentation, n_steps)
    with contextlib.ExitStack() as stack:
        stack.enter_context(current_group().member())
        keras_callbacks.open(loop.last, n_steps)
        stack.callback(keras_callbacks.close)
        loop.trainer = open_trainer(
            stack, network, state, len(rows), keras_callbacks, jit_compile, weighted[0]
        )
        if validation is not None:
            loop.evaluate = _evaluation(
                loop, network, *validation, batch_size, weighted[1]
            )
        for observer in reversed(observers):
            observer.on_begin(loop)
        loop.trainer.assign(state.weights, state.optimizer_state)
        try:
            _run_epochs(loop, network, data, rows, batch_size, observers, changes)
        finally:
            state.weights, state.optimizer_state = loop.result or loop.trainer.values()


def _evaluation(loop, network, data, rows, batch_size, weighted):
    """Return the function that evaluates the validation samples."""

    def evaluate(weights, events):
        if loop.trainer.tests:
            loop.trainer.assign_weights(weights)
            return loop.trainer.evaluate(data, rows, batch_size, weighted, events)
        scores = network.evaluate(weights, *data, rows=rows)
        if events is not None:
            _call_test_hooks(network, weights, data, rows, batch_size, events)
        aliases = network.metrics.as_accuracy
        return scores | dict.fromkeys(aliases, scores["accuracy"])

    return evaluate


def _call_test_hooks(network, weights, data, rows, batch_size, events):
    """Call the hooks for batches of a validation, with the scores up to each batch."""
    rows = np.arange(len(data[0])) if rows is None else rows
    weight, total, logs = data[2], 0.0, {}
    for batch, first in enumerate(range(0, len(rows), batch_size)):
        events.on_test_batch_begin(batch)
        chunk = rows[first : first + batch_size]
        added = float(weight[chunk].sum())
        if added:
            total += added
            scores = network.evaluate(weights, *data, rows=chunk)
            for name, score in scores.items():
                mean = logs.get(name, 0.0)
                logs[name] = mean + (score - mean) * added / total
        events.on_test_batch_end(batch, dict(logs))


def open_trainer(stack, network, state, n_rows, callbacks, jit_compile, weighted):
    """Return the trainer of a fit, and give the callbacks their network."""
    compiled = network.compiled()
    reason = callbacks.batches_reason
    if network.metrics.others:
        names = ", ".join(network.metrics.others)
        reason = (
            f"The network reports other metrics than the accuracy ({names})",
            "Metrics that are computed after the fit, or by scoring=, add no cost.",
        )
    in_batches = (
        not compiled.scans
        or reason is not None
        or (BACKEND == "jax" and jit_compile is False)
    )
    if compiled.scans and reason is not None:
        warn_of_batches(*reason)
    own = None
    if callbacks.callbacks or in_batches:
        # Seeded as all networks of the builder, whose layers may draw constants.
        own = Variables(*network.build())

    def by_batches():
        jit = jit_compile
        if jit == "auto" and BACKEND != "torch":
            # On TensorFlow, compiled anew in each fit, it would not pay.
            jit = BACKEND == "jax" and compiled.supports_jit
        return BatchTrainer(own, network, callbacks.events, jit, weighted)

    if in_batches:
        trainer = by_batches()
    else:
        trainer = stack.enter_context(network.trainer(n_rows, jit_compile))
    if callbacks.callbacks:
        callbacks.attach(own, network, None if in_batches else by_batches)
    return trainer


def generators_of(network, seed):
    """Return what a context is made with for each step, in which the step draws.

    Parameters
    ----------
    network : Network
    seed : int

    Returns
    -------
    generators : callable
        Without arguments.
    """
    # Code that is not Keras's may draw from the global generators, and so do some of
    # Keras's layers: AugMix when it is traced, and dropout under PyTorch.
    if BACKEND == "torch" or not network.compiled().all_keras:
        return OwnGenerators(seed % 2**32).in_use
    return contextlib.nullcontext


def _check_schedule(schedule, network):
    """Raise ValueError if an optimizer has no learning rate that can be scheduled."""
    if schedule == "constant" or network.compiled().learning_rate_position is not None:
        return
    raise ValueError(
        f"learning_rate_schedule={schedule!r} multiplies the learning rate of the "
        f"optimizer, but {type(network.trained_with.optimizer).__name__} has none of "
        "its own: it follows a schedule of Keras, or consists of several optimizers. "
        "Set learning_rate_schedule='constant'."
    )


def _changes_by_epoch(loop, schedule, augmentation, n_steps):
    """Return a function of the epoch that returns keywords of `run_epoch`.

    Like the order of the rows, they follow from the seed and the epoch alone.
    """
    n_total = (loop.last - loop.first) * n_steps

    def changes(epoch):
        done = (epoch - loop.first) * n_steps
        factors = learning_rate_factors(schedule, done, n_steps, n_total)
        deform = None
        if augmentation is not None:
            deformations, image_shape = augmentation
            deform = deformations.in_epoch(image_shape, loop.state.seed, epoch)
        return {"factors": factors, "deform": deform}

    return changes


def _run_epochs(loop, network, data, rows, batch_size, observers, changes):
    """Train epoch after epoch until the last, or until an observer stops."""
    state = loop.state
    for epoch in range(loop.last if loop.finished else state.n_epochs, loop.last):
        for observer in observers:
            observer.on_epoch_begin(loop, epoch)
        trainer = loop.trainer  # another one if a callback has changed the network
        # From the seed and the epoch alone, so that a resumed training shuffles alike.
        order = np.random.default_rng([state.seed, epoch]).permutation(rows)
        if observers[0].stopped:
            order = order[:batch_size]  # keras.Model.fit still trains on one batch
        generators = generators_of(network, state.seed + epoch)
        logs = trainer.run_epoch(data, order, batch_size, generators, **changes(epoch))
        if "accuracy" in logs:
            # Under the names that the builder has given to it.
            logs |= dict.fromkeys(network.metrics.as_accuracy, logs["accuracy"])
        if loop.evaluate is not None:
            scores = observers[0].evaluate(loop)
            logs |= {f"val_{name}": score for name, score in scores.items()}
        _check_finite(logs, epoch, trainer.optimizer)
        state.record(logs)
        loop.finished = epoch + 1 == loop.last
        for observer in observers:
            observer.after_epoch(loop, epoch, logs)
        if loop.finished:
            break
    if not loop.result:
        # Averages weights, if the optimizer does so, as keras.Model.fit does.
        trained = loop.trainer.model.trainable_variables
        loop.trainer.optimizer.finalize_variable_values(trained)
    for observer in observers:
        observer.on_end(loop)


def _check_finite(logs, epoch, optimizer):
    for name in ("loss", "val_loss"):
        if np.isfinite(logs.get(name, 0)):
            continue
        # A MultiOptimizer has no learning rate of its own.
        rate = getattr(optimizer, "learning_rate", None)
        now = "" if rate is None else f" (now {float(rate):g})"
        raise ValueError(
            f"The training diverged: the {name} was {logs[name]} in epoch {epoch + 1}. "
            f"Lower learning_rate{now}, or bring the input near unit scale, with "
            "PixelScaler for pixels."
        )


def _is_number(value):
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
