"""The training loop: epochs, shuffling, validation, callbacks, early stopping."""

import contextlib
import copy
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from skmnist._engine._backend import BACKEND, keras, seeded_generators, to_numpy
from skmnist._engine._compiled import power_of_two

# Rows gathered for one compiled call: enough to hide its overhead, small in memory.
_BLOCK_BYTES = 2**23
_MAX_BLOCK = 64


@dataclass
class Training:
    """The state a fit starts from, goes through and leaves behind.

    Attributes
    ----------
    weights : list of ndarray
        The value of each of the network's variables, dropout's seeds among them.
    optimizer_state : list of ndarray
        The value of each of the optimizer's variables.
    seed : int
        What the initial weights and every epoch's shuffling derive from.
    history : dict of str to list of float
        One entry an epoch for each quantity.
    best_epoch : int
        The epoch with the lowest validation loss (training loss where no rows are held
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

    @property
    def n_epochs(self):
        """The number of full epochs trained."""
        return len(self.history.get("loss", ()))

    @property
    def best_epoch(self):
        losses = self.history.get("val_loss") or self.history.get("loss")
        return int(np.argmin(losses)) + 1 if losses else 0

    def best_epoch_by(self, quantity, first):
        """Return the best epoch among those after the first so many, as a number."""
        values = self.history[quantity][first - self.n_epochs :]
        best = np.argmax if quantity.endswith("accuracy") else np.argmin
        return first + int(best(values)) + 1


def start(network, seed):
    """Return the state before the first epoch."""
    return Training(*network.initial_state(seed), seed)


def train(
    network,
    state,
    data,
    rows,
    held_out,
    *,
    epochs,
    batch_size,
    patience=None,
    restore_best_weights=False,
    callbacks=(),
    jit_compile="auto",
    checkpoint=None,
    verbose=0,
):
    """Train a network for some epochs more.

    Parameters
    ----------
    network : Network
    state : Training
        Where to begin; changed in place, also when Ctrl-C or a full disk ends the
        training.
    data : tuple of (X, y, sample_weight)
        Samples, one-hot targets and weights.
    rows : ndarray of int
        The samples to train on.
    held_out : ndarray of int
        The samples to evaluate on after every epoch; may be empty.
    epochs : int
        How many epochs to train at most.
    batch_size : int
    patience : int, optional
        Stop after so many epochs without a lower validation loss.
    restore_best_weights : bool, default=False
        Whether a training with `patience` ends with the weights of its best epoch.
    callbacks : sequence of keras.callbacks.Callback
        Copied: the caller's are left as they are.
    jit_compile : bool or "auto", default="auto"
        Whether XLA compiles the training.
    checkpoint : Checkpoint, optional
        Where the state is kept after every epoch, and found again.
    verbose : {0, 1, 2}
        As in Keras: silent, a progress bar, a line for each epoch.

    Raises
    ------
    ValueError
        If the loss is no longer finite.
    OSError
        If the checkpoint cannot be read or written.
    KeyboardInterrupt
        After Ctrl-C.
    """
    compiled = network.compiled()
    callbacks = copy.deepcopy(list(callbacks))
    followers = [c for c in callbacks if _wants_batches(c)]
    in_batches = not compiled.scans or bool(followers)
    if compiled.scans and followers:
        # Placed here, not at the caller, Python's filters show it once in a process.
        warnings.warn(
            f"{type(followers[0]).__name__} follows every batch, so the training goes "
            "batch by batch, several times slower. Events of epochs cost nothing.",
            UserWarning,
            stacklevel=1,
        )
    first = state.n_epochs
    last = first + epochs
    best, finished = {}, False
    if checkpoint is not None:
        best, finished = checkpoint.restore(state)
        if verbose and state.n_epochs > first:
            rest = ", and none is left" if finished else ""
            print(f"{checkpoint.path}: {state.n_epochs} epochs are done{rest}.")
        if checkpoint.monitor is not None:
            # The state is what counts. The file of the best epoch is made from it, and
            # made at once, so that one that cannot be written is told of now.
            done = state
            if "saved" in best:
                epoch = state.best_epoch_by(checkpoint.monitor, first)
                done = state.as_of(epoch, *best["saved"])
            checkpoint.save_best(done)
    events = keras.callbacks.CallbackList(
        callbacks,
        add_progbar=verbose > 0,
        verbose=verbose,
        epochs=last,
        steps=-(-len(rows) // batch_size),
    )
    with contextlib.ExitStack() as stack:
        if callbacks or in_batches:
            # The fit's own: callbacks never get the shared model inside a trainer.
            own = Variables(*network.build(state.seed))
        if in_batches:
            if BACKEND == "tensorflow" and jit_compile == "auto":
                jit_compile = False  # compiled anew in each fit, it would not pay
            trainer = BatchTrainer(own, network, events, jit_compile)
        else:
            scanned = stack.enter_context(network.trainer(len(rows), jit_compile))
            trainer = BlockTrainer(scanned, network, compiled)
            if callbacks:
                own.model.compile(own.optimizer, network.loss, metrics=["accuracy"])
        trainer.assign(state.weights, state.optimizer_state)
        if callbacks:
            own.model.stop_training = False
            events.set_model(own.model)

        def tell(event, *args):
            if callbacks and not in_batches:
                own.assign(*trainer.values())
            event(*args)
            if callbacks and not in_batches:
                trainer.assign(*own.values())

        try:
            tell(events.on_train_begin)
            for epoch in range(last if finished else state.n_epochs, last):
                tell(events.on_epoch_begin, epoch)
                # From the seed and the epoch alone, so that a training can go on.
                order = np.random.default_rng([state.seed, epoch]).permutation(rows)
                with contextlib.ExitStack() as seeded:
                    if in_batches or not compiled.all_keras:
                        # Other code may draw from the global generators, as dropout
                        # does under PyTorch.
                        seeded.enter_context(
                            seeded_generators((state.seed + epoch) % 2**32)
                        )
                    logs = trainer.run_epoch(data, order, batch_size)
                if len(held_out):
                    events.on_test_begin()
                    scores = network.evaluate(trainer.weights(), *data, rows=held_out)
                    events.on_test_end(scores)
                    logs |= {f"val_{name}": score for name, score in scores.items()}
                if not np.isfinite(logs["loss"]):
                    rate = float(trainer.optimizer.learning_rate)
                    raise ValueError(
                        f"The training diverged: the loss was {logs['loss']} in epoch "
                        f"{epoch + 1}. Lower learning_rate (now {rate:g}), or bring "
                        "the input near unit scale, with PixelScaler for pixels."
                    )
                # In one step, so that an interrupt leaves no epoch in part.
                state.history = state.history | {
                    name: [*state.history.get(name, ()), value]
                    for name, value in logs.items()
                }
                tell(events.on_epoch_end, epoch, dict(logs))
                if patience is not None and state.best_epoch == epoch + 1:
                    best["stopping"] = trainer.values()
                finished = (
                    epoch + 1 == last
                    or bool(callbacks and own.model.stop_training)
                    or (
                        patience is not None
                        and epoch + 1 - state.best_epoch >= patience
                    )
                )
                if checkpoint is not None:
                    state.weights, state.optimizer_state = trainer.values()
                    monitor = checkpoint.monitor
                    if monitor and state.best_epoch_by(monitor, first) == epoch + 1:
                        best["saved"] = state.weights, state.optimizer_state
                        checkpoint.save_best(state)
                    checkpoint.save(state, best, finished=finished)
                if finished:
                    break
            tell(events.on_train_end)
        finally:
            kept = best.get("stopping") if restore_best_weights else None
            state.weights, state.optimizer_state = kept or trainer.values()


class Variables:
    """The values of a network and its optimizer, out as arrays and in again."""

    def __init__(self, model, optimizer):
        self.model = model
        self.optimizer = optimizer

    def weights(self):
        """Return copies of the weights."""
        return _values(self.model)

    def values(self):
        """Return copies of the weights and of the optimizer's state."""
        return self.weights(), _values(self.optimizer)

    def assign(self, weights, optimizer_state):
        """Set the weights and the optimizer's state.

        Raises
        ------
        ValueError
            If a shape differs: the state belongs to another network.
        """
        for owner, values in (self.model, weights), (self.optimizer, optimizer_state):
            for variable, value in zip(owner.variables, values, strict=True):
                variable.assign(value)


class BlockTrainer(Variables):
    """Trains in blocks of batches, each one compiled call."""

    def __init__(self, scanned, network, compiled):
        super().__init__(scanned.model, scanned.optimizer)
        self._scanned = scanned
        self._dtype = network.input_dtype()
        self._pads = compiled.pads

    def run_epoch(self, data, order, batch_size):
        """Train on every row once, in the given order; return loss and accuracy."""
        sums = np.zeros(3)
        blocks = list(self._blocks(data[0], order, batch_size))
        gathered = self._gathered(data, blocks)
        for n_batches, *block in ahead(gathered) if len(blocks) > 1 else gathered:
            sums += self._scanned.train_block(n_batches, *block)
        loss, hits, total = sums
        return {"loss": float(loss / total), "accuracy": float(hits / total)}

    def _gathered(self, data, blocks):
        """Yield the batches that count, and a block of rows, targets and weights."""
        for rows, n_batches, n_rows in blocks:
            X, y, weight = (
                array[rows].astype(self._dtype, copy=False) for array in data
            )
            weight.reshape(-1)[n_rows:] = 0
            yield n_batches, X, y, weight

    def _blocks(self, X, order, batch_size):
        """Yield row numbers of shape (block, batch), the batches and rows that count.

        Shapes are rounded up to powers of two, and filled with rows that weigh nothing,
        so that data of another size meets functions already compiled. Where padding
        would change the result the last batch comes alone, in its own size.
        """
        n_samples = len(order)
        if not self._pads:
            batch = min(batch_size, n_samples)
            n_whole = n_samples - n_samples % batch
            parts = [order[:n_whole], order[n_whole:]]
        else:
            batch = min(batch_size, power_of_two(n_samples))
            parts = [order]
        row_bytes = X[:1].size * self._dtype.itemsize
        most = max(1, min(_MAX_BLOCK, _BLOCK_BYTES // (row_bytes * batch)))
        for part in parts:
            if not len(part):
                continue
            size = min(batch, len(part)) if not self._pads else batch
            block = min(most, power_of_two(-(-len(part) // size)))
            for start in range(0, len(part), block * size):
                rows = part[start : start + block * size]
                yield (
                    np.resize(rows, (block, size)),
                    -(-len(rows) // size),
                    len(rows),
                )


class BatchTrainer(Variables):
    """Trains batch by batch through Keras, for callbacks that follow every batch.

    It also serves networks with a training step of their own, and the backends other
    than TensorFlow.
    """

    def __init__(self, own, network, events, jit_compile):
        super().__init__(own.model, own.optimizer)
        self._dtype = network.input_dtype()
        self._events = events
        self.model.compile(
            optimizer=self.optimizer,
            loss=_MeanLoss(network.sample_loss(), self._dtype.name),
            weighted_metrics=[
                keras.metrics.CategoricalAccuracy("accuracy", dtype=self._dtype.name)
            ],
            jit_compile=jit_compile,
        )

    def run_epoch(self, data, order, batch_size):
        """Train on every row once, in the given order; return loss and accuracy."""
        sums = {"loss": 0.0, "accuracy": 0.0}
        total = 0.0
        for batch, first in enumerate(range(0, len(order), batch_size)):
            rows = order[first : first + batch_size]
            X, y, weight = (
                array[rows].astype(self._dtype, copy=False) for array in data
            )
            self._events.on_train_batch_begin(batch)
            self.model.reset_metrics()
            scores = self.model.train_on_batch(X, y, weight, return_dict=True)
            total += float(weight.sum())
            for name in sums:
                sums[name] += float(scores[name]) * float(weight.sum())
            logs = {name: value / (total or 1.0) for name, value in sums.items()}
            self._events.on_train_batch_end(batch, logs)
        return logs


class _MeanLoss(keras.losses.Loss):
    """A loss as Keras wants it, its mean weighted by the sample weights alone."""

    def __init__(self, sample_loss, dtype):
        super().__init__(name="loss", reduction="mean_with_sample_weight", dtype=dtype)
        self._sample_loss = sample_loss

    def call(self, y_true, y_pred):
        return self._sample_loss(y_true, y_pred)


def ahead(items):
    """Yield what an iterator gives, working out the next item in another thread."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _values(owner):
    return [to_numpy(variable) for variable in owner.variables]


def _wants_batches(callback):
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return callback.save_freq != "epoch"
    return any(
        getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
        for name in (
            "on_batch_begin",
            "on_batch_end",
            "on_train_batch_begin",
            "on_train_batch_end",
        )
    )
