"""Everything that differs between Keras's backends, and the globals they share.

Importing this module imports Keras and its backend, and leaves the process as it was.
"""

import contextlib
import multiprocessing
import os
import random
import threading
import warnings

import numpy as np


@contextlib.contextmanager
def process_left_as_it_was():
    """Put back after a heavy import what the whole process shares.

    Environment variables, warning filters, and Python's and NumPy's global generators,
    which some packages draw from while they load.
    """
    environment = dict(os.environ)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)


@contextlib.contextmanager
def _quiet():
    """Honour ``TF_CPP_MIN_LOG_LEVEL``, which TensorFlow does not while it loads.

    Its C++ log goes to the file descriptor, so that is what has to be turned away.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") not in ("1", "2", "3"):
        yield
        return
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


with process_left_as_it_was(), _quiet():
    import keras
    from keras.src.backend.common import global_state

BACKEND = keras.backend.backend()

if BACKEND == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.eager import context as tf_context
    from tensorflow.python.ops import stateful_random_ops

    _worker_threads = os.environ.get("OMP_NUM_THREADS")
    if multiprocessing.current_process().name.startswith("Loky") and _worker_threads:
        # loky divides the cores among its workers for OpenMP and BLAS, not for
        # TensorFlow, whose pools can be sized only before its first operation.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(int(_worker_threads))
            tf.config.threading.set_inter_op_parallelism_threads(int(_worker_threads))

# The generators are the process's, so one who seeds them shuts the others out.
_GENERATORS_LOCK = threading.RLock()

# Keras's own per-thread globals: automatic layer names, which every build advances,
# and the generator behind unseeded `keras.random` calls.
_KERAS_GLOBALS = ("object_name_uids", "global_random_seed", "global_seed_generator")


@contextlib.contextmanager
def seeded_generators(seed):
    """Seed Python's, NumPy's, Keras's and the backend's generators for a while.

    Layers without a seed of their own draw one from Python's generator when they are
    made, so this seeds every initialiser and dropout.

    Parameters
    ----------
    seed : int
        The seed for all of them; their states are restored at the end.
    """
    with _GENERATORS_LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        backend_state = _backend_rng_state()
        keras_globals = {
            name: global_state.get_global_attribute(name) for name in _KERAS_GLOBALS
        }
        try:
            for name in _KERAS_GLOBALS:
                global_state.set_global_attribute(name, None)
            keras.utils.set_random_seed(seed)
            yield
        finally:
            for name, value in keras_globals.items():
                global_state.set_global_attribute(name, value)
            _restore_backend_rng_state(backend_state)
            np.random.set_state(numpy_state)
            random.setstate(python_state)


@contextlib.contextmanager
def isolated_build(seed, dtype):
    """Run a builder under a seed and a Keras dtype policy, with no trace left."""
    with seeded_generators(seed):
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def shapes_only():
    """Build networks whose variables have a shape and take no memory."""
    name = "uninitialized_variables"
    waiting = global_state.get_global_attribute(name)
    # Keras would give memory to all in this list when it next leaves such a scope.
    global_state.set_global_attribute(name, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(name, waiting)


def _backend_rng_state():
    if BACKEND == "tensorflow":
        context = tf_context.context()
        generator = stateful_random_ops.global_generator
        return (
            context._seed,
            context._rng.getstate() if context._seed is not None else None,
            generator,
            None if generator is None else generator.state.numpy(),
        )
    if BACKEND == "torch":
        import torch

        return torch.get_rng_state()
    return None  # JAX has no global generator


def _restore_backend_rng_state(state):
    if BACKEND == "tensorflow":
        seed, rng_state, generator, generator_state = state
        tf.random.set_seed(seed)
        if rng_state is not None:
            tf_context.context()._rng.setstate(rng_state)
        stateful_random_ops.global_generator = generator
        if generator is not None:
            generator.state.assign(generator_state)
    elif BACKEND == "torch":
        import torch

        torch.set_rng_state(state)


def to_numpy(variable):
    """Return a copy of a Keras variable's value as an ndarray."""
    if BACKEND == "tensorflow":
        # np.array of the variable would warn: its __array__ is older than NumPy 2.
        return variable.value.numpy().copy()
    return np.array(keras.ops.convert_to_numpy(variable.value))


def has_gpu():
    """Tell whether TensorFlow computes on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def compile_pure(function):
    """Compile a function of arrays that has no side effects.

    Parameters
    ----------
    function : callable
        Takes and returns (nests of) arrays, and reads no state.

    Returns
    -------
    compiled : callable
        The same function, safe to call from many threads.
    """
    if BACKEND == "tensorflow":
        return _traced_by_signature(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import torch

    return torch.no_grad()(function)


def _traced_by_signature(function):
    """Trace a function once for all arrays of the same shapes and dtypes.

    A tf.function looks at each of its arguments anew in every call, for a network's
    arrays of weights longer than it then takes to predict an image.
    """
    traced = {}
    lock = threading.Lock()

    def call(*arguments):
        tensors = [tf.convert_to_tensor(a) for a in tf.nest.flatten(arguments)]
        signature = tuple((t.dtype, *t.shape) for t in tensors)
        with lock:
            if signature not in traced:
                nest = tf.nest.map_structure(lambda _: None, arguments)
                traced[signature] = _traced(
                    lambda *flat: function(*tf.nest.pack_sequence_as(nest, flat))
                ).get_concrete_function(*tensors)
        return traced[signature](*tensors)

    return call


def _traced(function, **options):
    """Return a TensorFlow function that does not warn of being one of many.

    TensorFlow takes a function for each architecture for one that is traced in a loop
    by mistake.
    """
    traced = tf.function(function, autograph=False, **options)
    traced._omit_frequent_tracing_warning = True
    return traced


def uniform(shape, seed_generator):
    """Draw float32 numbers from [0, 1), each time others.

    Parameters
    ----------
    shape : tuple of int or tensor
    seed_generator : keras.random.SeedGenerator
        Advanced by one draw.
    """
    if BACKEND == "tensorflow":
        # Named, not left to TensorFlow: under XLA on a CPU it takes a generator that
        # makes a small fit seven times longer.
        seed = tf.cast(seed_generator.next(), tf.int32)
        return tf.random.stateless_uniform(shape, seed, alg="philox")
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)


class ScannedTrainer:
    """Train a network on TensorFlow, one compiled call for a block of batches.

    Parameters
    ----------
    model : keras.Model
        The network, built; it belongs to the trainer from here on.
    optimizer : keras.optimizers.Optimizer
        Built for the model's variables.
    sample_loss : callable
        ``sample_loss(y, y_pred)`` gives one loss a row.
    slots : Slots
        Where the model takes its dropout rates and L2 weights from.
    jit_compile : bool
        Whether XLA compiles the block.
    """

    def __init__(self, model, optimizer, sample_loss, slots, *, jit_compile):
        self.model = model
        self.optimizer = optimizer
        self.sample_loss = sample_loss
        self.slots = slots
        self.hyperparameters = None
        # There is one replica. TensorFlow's sum over replicas registers a gradient for
        # good, which would keep every network ever traced.
        optimizer._all_reduce_sum_gradients = list
        self._run_block = _traced(self._block, jit_compile=jit_compile)

    def train_block(self, n_batches, X, y, sample_weight):
        """Take one optimisation step for each of the first batches of a block.

        Parameters
        ----------
        n_batches : int
            How many of the block's batches hold data.
        X, y, sample_weight : ndarray of shape (block, batch, ...)
            Rows, one-hot targets and weights; a row that only pads weighs nothing.

        Returns
        -------
        loss_sum, hit_sum, weight_sum : float
            The weighted sums over the rows of loss and of right predictions, and the
            sum of the weights.
        """
        arrays = (self.hyperparameters, X, y, sample_weight)
        sums = self._run_block(
            tf.constant(n_batches), *map(tf.convert_to_tensor, arrays)
        )
        return np.array([float(value) for value in sums])

    def _block(self, n_batches, hyperparameters, X, y, sample_weight):
        zero = tf.zeros((), y.dtype)

        def step(i, *sums):
            return i + 1, *map(tf.add, sums, self._step(X[i], y[i], sample_weight[i]))

        # One batch after the other: each needs the weights the last one left.
        with self.slots.bound(hyperparameters):
            return tf.while_loop(
                lambda i, *_: i < n_batches,
                step,
                (tf.constant(0), zero, zero, zero),
                parallel_iterations=1,
            )[1:]

    def _step(self, X, y, sample_weight):
        total = tf.reduce_sum(sample_weight)
        with tf.GradientTape() as tape:
            y_pred = self.model(X, training=True)
            loss = tf.math.divide_no_nan(
                tf.reduce_sum(
                    tf.cast(self.sample_loss(y, y_pred), y.dtype) * sample_weight
                ),
                total,
            )
            for penalty in self.model.losses:
                loss += tf.cast(penalty, loss.dtype)
            scaled = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        gradients = tape.gradient(scaled, [v.value for v in variables])
        self.optimizer.apply(gradients, variables)
        hits = tf.cast(tf.argmax(y, -1) == tf.argmax(y_pred, -1), y.dtype)
        return loss * total, tf.reduce_sum(hits * sample_weight), total
