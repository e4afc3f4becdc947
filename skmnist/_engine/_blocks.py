"""Blocks of optimisation steps, each one compiled call, on TensorFlow and on JAX.

What one trainer has compiled serves all trainers of the network, also at the same time:
variables are inputs of the compiled function.
"""

import functools
import threading

import numpy as np

from skmnist._engine._backend import (
    BACKEND,
    keras,
    tf,
    traced,
)
from skmnist._engine._built import learning_rate_position
from skmnist._optimizers import with_inner_optimizers


def compiled_blocks(jit_compile):
    """Return the blocks of a network, for all its trainers.

    Parameters
    ----------
    jit_compile : bool
        Whether XLA compiles the blocks on TensorFlow. On JAX it always does.
    """
    return _JaxBlocks() if BACKEND == "jax" else _TensorFlowBlocks(jit_compile)


class _TensorFlowBlocks:
    """Blocks that change the variables of a trainer."""

    def __init__(self, jit_compile):
        self._jit_compile = jit_compile
        self._traces = {}
        self._lock = threading.Lock()

    def run(self, trainer, n_batches, *arrays):
        """Take the steps of `BlockTrainer.train_block`, and return its sums."""
        tensors = [tf.constant(n_batches), *map(tf.convert_to_tensor, arrays)]
        # Tracing is Python code: two threads that trace at once only hold up each
        # other.
        signature = _signature(tensors)
        with self._lock:
            trace = self._traces.get(signature)
            if trace is None:
                trace = _Trace(trainer, tensors, self._jit_compile)
                self._traces[signature] = trace
        return trace.run(trainer, tensors)


class _Trace:
    """A traced block, which runs on the variables of any trainer of the network."""

    def __init__(self, trainer, tensors, jit_compile):
        # There is one replica. TensorFlow's sum over replicas registers a gradient
        # function for good, which would keep every network ever traced in memory.
        for optimizer in with_inner_optimizers(trainer.optimizer):
            optimizer._all_reduce_sum_gradients = list
        block = functools.partial(_tensorflow_block, trainer)
        compiled = traced(block, jit_compile=jit_compile)
        self._function = compiled.get_concrete_function(*tensors)
        # The inputs that the function has captured: variables, by their place among
        # those of the trainer, constants, and generators (`_seeds`). Layers with any
        # other state are in no network whose key two fits can share.
        places = {id(handle): i for i, handle in enumerate(_handles(trainer))}
        self._captured = [
            (places.get(id(tensor)), tensor)
            for tensor in self._function.captured_inputs
        ]

    def run(self, trainer, tensors):
        """Call the function with the variables of a trainer."""
        handles = _handles(trainer)
        captured = [
            tensor if place is None else handles[place]
            for place, tensor in self._captured
        ]
        return self._function._call_flat(tensors, captured)


def _handles(trainer):
    """Return TensorFlow's handles of all variables, in an order that trainers share."""
    return [
        variable.value.handle
        for owner in (trainer.model, trainer.optimizer)
        for variable in owner.variables
    ]


def _tensorflow_block(trainer, n_batches, rates, factors, X, y, sample_weight):
    """Return the sums of a block, after changing the variables."""
    zero = tf.zeros((), y.dtype)
    variable = trainer.learning_rate
    if variable is not None:
        learning_rate = tf.identity(variable.value)

    def step(i, *sums):
        if variable is not None:
            # Callbacks set the rate that a schedule multiplies.
            factor = tf.cast(factors[i], learning_rate.dtype)
            variable.assign(learning_rate * factor)
        added = _tensorflow_step(trainer, X[i], y[i], sample_weight[i])
        return i + 1, *map(tf.add, sums, added)

    # One batch after the other: each starts from the weights that the one before left.
    with trainer.slots.bound(rates):
        sums = tf.while_loop(
            lambda i, *_: i < n_batches,
            step,
            (tf.constant(0), zero, zero, zero),
            parallel_iterations=1,
        )[1:]
    if variable is not None:
        variable.assign(learning_rate)
    return sums


def _tensorflow_step(trainer, X, y, sample_weight):
    model, optimizer = trainer.model, trainer.optimizer
    with tf.GradientTape() as tape:
        y_pred = model(X, **trainer.training_keyword)
        loss, added = trainer.batch_loss(y, y_pred, sample_weight, model.losses)
        scaled = optimizer.scale_loss(loss)
    variables = model.trainable_variables
    gradients = tape.gradient(scaled, [v.value for v in variables])
    optimizer.apply(gradients, variables)
    return added


class _JaxBlocks:
    """Blocks that take the values of a trainer's variables, and return new ones."""

    def __init__(self):
        self._functions = {}
        self._lock = threading.Lock()

    def run(self, trainer, n_batches, *arrays):
        """Take the steps of `BlockTrainer.train_block`, and return its sums."""
        import jax

        arrays = (np.int32(n_batches), *arrays)
        groups = _variable_groups(trainer)
        values = [[variable.value for variable in group] for group in groups]
        signature = _signature(arrays)
        with self._lock:
            if signature not in self._functions:
                function = jax.jit(functools.partial(_jax_block, trainer))
                self._functions[signature] = function.lower(values, *arrays).compile()
        values, sums = self._functions[signature](values, *arrays)
        for group, of_group in zip(groups, values, strict=True):
            for variable, value in zip(group, of_group, strict=True):
                variable.assign(value)
        return sums


def _variable_groups(trainer):
    model = trainer.model
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        trainer.optimizer.variables,
    )


def _jax_block(trainer, values, n_batches, rates, factors, X, y, sample_weight):
    """Return the values after a block, and its sums."""
    import jax

    position = learning_rate_position(trainer.optimizer)

    def with_rate(values, factor):
        if position is None:
            return values
        trainable, others, state = values
        state = list(state)
        # Callbacks set the rate that a schedule multiplies.
        rate = state[position] = start[2][position]
        state[position] = rate * factor.astype(rate.dtype)
        return trainable, others, state

    def step(i, carried):
        values, sums = carried
        values = with_rate(values, factors[i])
        values, added = _jax_step(trainer, values, X[i], y[i], sample_weight[i])
        return values, tuple(map(jax.numpy.add, sums, added))

    start = tuple(map(list, values))
    zero = jax.numpy.zeros((), y.dtype)
    begin = start, (zero,) * 3
    with trainer.slots.bound(rates):
        if len(X) == 1:
            values, sums = step(0, begin)
        else:
            values, sums = jax.lax.fori_loop(0, n_batches, step, begin)
    return with_rate(values, jax.numpy.ones(())), sums


def _jax_step(trainer, values, X, y, sample_weight):
    import jax

    model, optimizer = trainer.model, trainer.optimizer
    trainable, others, state = values

    def scaled_loss(trainable):
        y_pred, new_others, penalties = model.stateless_call(
            trainable, others, X, return_losses=True, **trainer.training_keyword
        )
        loss, added = trainer.batch_loss(y, y_pred, sample_weight, penalties)
        known = zip(optimizer.variables, state, strict=True)
        with keras.StatelessScope(state_mapping=list(known)):
            scaled = optimizer.scale_loss(loss)
        return scaled, (new_others, added)

    gradient = jax.value_and_grad(scaled_loss, has_aux=True)
    (_, (others, added)), gradients = gradient(trainable)
    trainable, state = optimizer.stateless_apply(state, gradients, trainable)
    return (trainable, others, state), added


def _signature(arrays):
    return tuple((array.dtype, *array.shape) for array in arrays)
