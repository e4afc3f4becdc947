"""Trainers: the optimisation steps of one epoch.

A `BlockTrainer` takes the steps of many batches inside one compiled call (`_blocks`).
Building a network and compiling take longer than a small fit, so a `TrainerPool` keeps
block trainers, and what all of them have compiled, for other fits of the same network.
A `BatchTrainer` (`_batches`) takes one step per call through Keras, and serves whatever
a block trainer cannot.

Stopping, validation, callbacks and checkpoints are not a trainer's subject: see
`_training` and `_observers`.
"""

import contextlib
import inspect
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from skmnist._engine import _rates
from skmnist._engine._backend import get_keras_mask, keras, to_numpy
from skmnist._engine._blocks import compiled_blocks
from skmnist._engine._built import learning_rate_variable
from skmnist._interrupt import check_interrupt
from skmnist._optimizers import with_inner_optimizers

# Rows gathered for one compiled call: enough to hide the call's overhead, small in
# memory.
_BLOCK_BYTES = 2**23


class Variables:
    """The values of a network's and its optimizer's variables, as arrays.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
        Built for the model's variables.

    Attributes
    ----------
    tests : bool
        Whether held-out samples are to be evaluated by the trainer, because the network
        reports other scores than the loss and the accuracy.
    """

    tests = False

    def __init__(self, model, optimizer):
        self.model = model
        self.optimizer = optimizer

    def weights(self):
        """Return copies of the weights."""
        return _values(self.model)

    def values(self):
        """Return copies of the weights and of the optimizer's state."""
        return self.weights(), _values(self.optimizer)

    def final_values(self):
        """Return the values that a training would end with here.

        They differ from the values if the optimizer averages weights.
        """
        values = self.values()
        if not any(
            getattr(o, "use_ema", False) for o in with_inner_optimizers(self.optimizer)
        ):
            return values
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        final = self.values()
        self.assign(*values)
        return final

    def assign(self, weights, optimizer_state):
        """Set the weights and the optimizer's state.

        Raises
        ------
        ValueError
            If a shape differs, because the state belongs to another network.
        """
        self.assign_weights(weights)
        for variable, value in zip(
            self.optimizer.variables, optimizer_state, strict=True
        ):
            variable.assign(value)

    def assign_weights(self, weights):
        """Set the weights alone."""
        for variable, value in zip(self.model.variables, weights, strict=True):
            variable.assign(value)


class BlockTrainer(Variables):
    """Train with one compiled call for a block of batches.

    Parameters
    ----------
    network : Network
        The trainer builds a model of its own from it.
    sample_loss : callable
        ``sample_loss(y, y_pred)`` returns one loss per row.
    blocks : object
        What `compiled_blocks` returns; all trainers of this network share it.
    pads : bool
        Whether a batch may be filled up with rows that weigh nothing.
    max_block : int
        The largest number of batches in a block.

    Attributes
    ----------
    rates : ndarray
        Dropout rates and L2 weights of the fit at hand, in the order of the slots.
    slots : Slots
        Of the model.
    learning_rate : keras.Variable or None
        None if the optimizer has no learning rate of its own.
    training_keyword : dict
        The keyword of the model's call that says that it is trained.
    """

    def __init__(self, network, sample_loss, blocks, *, pads, max_block):
        super().__init__(*network.build())
        self._dtype = network.input_dtype()
        self.sample_loss = sample_loss
        self._pads = pads
        self._max_block = max_block
        self.slots = _rates.Slots(self.model)
        self.learning_rate = learning_rate_variable(self.optimizer)
        self.rates = None
        self.training_keyword = training_keyword(self.model, True)
        self._blocks = blocks

    def run_epoch(self, data, order, batch_size, generators, *, factors, deform=None):
        """Train on every row once.

        Parameters
        ----------
        data : tuple of (X, y, sample_weight)
        order : ndarray of int
            Rows, in the order to train on them.
        batch_size : int
        generators : callable
            Returns the context manager in which each compiled call is made.
        factors : ndarray of shape (n_batches,)
            What the learning rate is multiplied with in each step.
        deform : callable, optional
            ``deform(X)`` augments samples in place.

        Returns
        -------
        logs : dict of str to float
            "loss" and "accuracy", weighted means over the rows.
        """
        sums, n_done = np.zeros(3), 0
        blocks = list(self._rows_of_blocks(data[0], order, batch_size))
        gathered = self._gathered(data, blocks, deform)
        for n_batches, *block in prefetch(gathered) if len(blocks) > 1 else gathered:
            check_interrupt()
            steps = slice(n_done, n_done + n_batches)
            with generators():
                sums += self.train_block(n_batches, factors[steps], *block)
            n_done += n_batches
        loss, hits, total = sums
        return {"loss": float(loss / total), "accuracy": float(hits / total)}

    def train_block(self, n_batches, factors, X, y, sample_weight):
        """Take one optimisation step for each of the first batches of a block.

        Parameters
        ----------
        n_batches : int
            The number of batches that hold data.
        factors : ndarray of shape (n_batches,)
            What the learning rate is multiplied with in each step.
        X, y, sample_weight : ndarray of shape (block, batch, ...)
            Rows, one-hot targets and weights; the weight of a padding row is 0.

        Returns
        -------
        sums : ndarray of shape (3,)
            The weighted sums over the rows of loss and of right predictions, and the
            sum of the weights.
        """
        padded = np.ones(len(X), np.float32)
        padded[:n_batches] = factors
        arrays = (self.rates, padded, X, y, sample_weight)
        sums = self._blocks.run(self, n_batches, *arrays)
        return np.array([float(value) for value in sums])

    def batch_loss(self, y, y_pred, sample_weight, penalties):
        """Return the loss that a step lowers, and what it adds to the sums of a block.

        All are scalar tensors.
        """
        ops = keras.ops
        sample_weight = unmasked_weight(sample_weight, y_pred)
        total = ops.sum(sample_weight)
        losses = ops.cast(self.sample_loss(y, y_pred), y.dtype) * sample_weight
        loss = ops.divide_no_nan(ops.sum(losses), total)
        for penalty in penalties:
            loss += ops.cast(penalty, loss.dtype)
        hits = ops.cast(ops.argmax(y, -1) == ops.argmax(y_pred, -1), y.dtype)
        return loss, (loss * total, ops.sum(hits * sample_weight), total)

    def _gathered(self, data, blocks, deform):
        """Yield the number of batches that hold data, and the arrays of a block."""
        for rows, n_batches, n_rows in blocks:
            X, y, weight = (
                _gather(array, rows[:n_batches], len(rows), self._dtype)
                for array in data
            )
            weight.reshape(-1)[n_rows:] = 0
            if deform is not None:
                deform(X.reshape(-1, *X.shape[2:])[:n_rows])
            yield n_batches, X, y, weight

    def _rows_of_blocks(self, X, order, batch_size):
        """Yield row numbers of shape (block, batch), and the batches and rows in use.

        A compiled function serves one shape only, and takes longer to compile than a
        small fit. So the number of batches in a block is rounded up to a power of
        eight: data of another size then reuses what is compiled. The last batch is
        filled up with rows that weigh nothing. If that would change the result, as
        under batch normalisation, it is a block of its own in its own size.
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
        most = max(1, min(self._max_block, _BLOCK_BYTES // (row_bytes * batch)))
        for part in parts:
            if not len(part):
                continue
            size = min(batch, len(part)) if not self._pads else batch
            block = min(most, _power_of_eight(-(-len(part) // size)))
            for start in range(0, len(part), block * size):
                rows = part[start : start + block * size]
                yield (
                    np.resize(rows, (block, size)),
                    -(-len(rows) // size),
                    len(rows),
                )


class TrainerPool:
    """Idle block trainers of one network.

    Parameters
    ----------
    make : callable
        ``make(blocks)`` returns a new trainer.
    """

    def __init__(self, make):
        self._make = make
        self._idle = {False: [], True: []}
        self._blocks = {jit: compiled_blocks(jit) for jit in (False, True)}

    @contextlib.contextmanager
    def borrow(self, jit_compile):
        """Yield a trainer that no other fit uses; return it to the pool on exit."""
        idle = self._idle[jit_compile]
        try:
            trainer = idle.pop()
        except IndexError:
            trainer = self._make(self._blocks[jit_compile])
        try:
            yield trainer
        finally:
            idle.append(trainer)


def prefetch(items):
    """Yield the items of an iterator, computing the next one in another thread."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def training_keyword(model, training):
    """Return the keyword `training` for a model whose `call` takes it, else none."""
    parameters = inspect.signature(model.call).parameters
    keywords = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return {"training": training} if keywords or "training" in parameters else {}


def unmasked_weight(sample_weight, y_pred):
    """Return the weights of samples, 0 for those that a layer such as Masking masks."""
    mask = get_keras_mask(y_pred)
    if mask is None:
        return sample_weight
    return sample_weight * keras.ops.cast(mask, sample_weight.dtype)


def power_of_two(n):
    """Return the smallest power of two that is at least n."""
    return 1 << (n - 1).bit_length()


def _power_of_eight(n):
    """Return the smallest power of eight that is at least n."""
    return 1 << 3 * -(-(n - 1).bit_length() // 3)


def _gather(array, rows, n_batches, dtype):
    """Return rows in a dtype, followed by zeros up to a number of batches."""
    if len(rows) == n_batches:
        return array[rows].astype(dtype, copy=False)
    gathered = np.zeros((n_batches, *rows.shape[1:], *array.shape[1:]), dtype)
    gathered[: len(rows)] = array[rows]
    return gathered


def _values(owner):
    return [to_numpy(variable) for variable in owner.variables]
