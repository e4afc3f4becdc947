"""What differs between Keras's backends: arrays, compilation, random numbers.

Importing this module imports Keras and its backend, and leaves the process as it was.
"""

import contextlib
import itertools
import os
import sys
import threading

import numpy as np

from skmnist._engine._log import log_level, without_tensorflow_log
from skmnist._engine._process import (
    check_not_forked,
    preserved_process_state,
    worker_threads,
)

# TensorFlow reads its log level once, when it is imported.
_logs_information = log_level() is None and "tensorflow" in sys.modules
with preserved_process_state(), without_tensorflow_log():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    # An attribute of the tensor, except under JAX.
    from keras.src.backend.common.masking import get_keras_mask  # noqa: F401

BACKEND = keras.backend.backend()
#: The module `tensorflow`, or None under another backend.
tf = None

if BACKEND == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.eager import context as tf_context

    if (_threads := worker_threads()) is not None:
        # TensorFlow's thread pools can only be sized before its first operation.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(_threads)
            tf.config.threading.set_inter_op_parallelism_threads(_threads)


_is_started = False
# What the names of operations begin with that draw with a state of their own, or that
# call Python.
_STATEFUL = (
    "Random",
    "TruncatedNormal",
    "ParameterizedTruncatedNormal",
    "Multinomial",
    "PyFunc",
    "EagerPyFunc",
)


def start_backend():
    """Start TensorFlow without its log, unless this process has used it before.

    Raises
    ------
    RuntimeError
        In a process forked from one that has used the backend, or in the scope of a
        strategy of TensorFlow.
    """
    global _is_started
    check_not_forked()
    if tf is not None and tf.distribute.has_strategy():
        raise RuntimeError(
            "The classifiers train and predict on one device, without a strategy of "
            "tf.distribute: call them outside of strategy.scope()."
        )
    if _is_started or tf is None:
        return
    with without_tensorflow_log():
        tf.config.list_logical_devices()
        if _logs_information:
            # What is logged once in a process is logged here, not by the first fit.
            tf.function(tf.identity, jit_compile=True)(tf.zeros(()))
    _is_started = True


def check_precision(dtype):
    """Raise ValueError if the backend would compute in fewer bits than a dtype has."""
    if BACKEND != "jax" or dtype != "float64":
        return
    import jax

    if not jax.config.jax_enable_x64:
        raise ValueError(
            "dtype='float64' needs the 64 bits of JAX, which computes in 32 otherwise: "
            "set the environment variable JAX_ENABLE_X64=1 before Python starts."
        )


def to_numpy(variable):
    """Return a copy of a Keras variable's value as an ndarray."""
    if tf is not None:
        # np.array(variable) would warn: Keras's __array__ is older than NumPy 2.
        return variable.value.numpy().copy()
    return np.array(keras.ops.convert_to_numpy(variable.value))


def has_gpu():
    """Return whether TensorFlow or JAX computes on a GPU."""
    if tf is not None:
        return bool(tf.config.list_logical_devices("GPU"))
    import jax

    return jax.default_backend() != "cpu"


def compile_pure(function, supports_jit):
    """Compile a function of arrays that has no side effects.

    Parameters
    ----------
    function : callable
        Takes and returns (nests of) arrays, and reads no state.
    supports_jit : bool
        Whether JAX can compile it.

    Returns
    -------
    compiled : callable
        The same function, safe to call from several threads.
    """
    if tf is not None:
        return _traced_by_signature(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function) if supports_jit else function
    import torch

    def call(*arguments):
        convert = keras.ops.convert_to_tensor
        return function(*keras.tree.map_structure(convert, arguments))

    return torch.no_grad()(call)


def _traced_by_signature(function):
    """Trace a function once for all arrays of the same shapes and dtypes.

    A tf.function inspects each argument in every call. For the arrays of a network's
    weights this takes longer than predicting one image, so the concrete function is
    called here.
    """
    traced_by = {}
    lock = threading.Lock()

    def call(*arguments):
        tensors = [tf.convert_to_tensor(a) for a in tf.nest.flatten(arguments)]
        signature = tuple((t.dtype, *t.shape) for t in tensors)
        with lock:
            if signature not in traced_by:
                nest = tf.nest.map_structure(lambda _: None, arguments)
                traced_by[signature] = traced(
                    lambda *flat: function(*tf.nest.pack_sequence_as(nest, flat))
                ).get_concrete_function(*tensors)
        return traced_by[signature](*tensors)

    return call


def traced(function, **options):
    """Return a tf.function without TensorFlow's warning about frequent tracing.

    TensorFlow takes the functions of several architectures for one function that is
    traced again and again by mistake.
    """
    compiled = tf.function(function, autograph=False, **options)
    compiled._omit_frequent_tracing_warning = True
    return compiled


def forget_prepared_functions():
    """Free what TensorFlow has prepared to run functions, also those that are gone.

    It prepares the others again when they are called next, in 0.2 s.
    """
    if BACKEND == "tensorflow":
        tf_context.context().clear_kernel_cache()


def draws_statefully(function):
    """Return whether a concrete function of TensorFlow draws with a hidden state.

    So does ``tf.random.normal``, and Python code that runs in the function may.
    """
    graph = function.graph.as_graph_def()
    nodes = [graph.node, *(f.node_def for f in graph.library.function)]
    return any(
        node.op.startswith(_STATEFUL) for node in itertools.chain.from_iterable(nodes)
    )


def checks_operations():
    """Return whether TensorFlow checks each operation, which XLA cannot compile.

    So it does after ``tf.debugging.enable_check_numerics()``.
    """
    return bool(tf_context.context().op_callbacks)


def changes_outside(model):
    """Return whether Python code may change what a network computes, in each step.

    So it may if the network runs eagerly, and where a callback assigns to a
    ``tf.Variable`` of a layer. A compiled block has copies of both.
    """
    if tf is None:
        return False
    return (
        model.run_eagerly
        or tf.config.functions_run_eagerly()
        or any(
            isinstance(value, tf.Variable)
            for layer in model._flatten_layers()
            for value in vars(layer).values()
        )
    )


def uniform(shape, seed_generator):
    """Draw float32 numbers from [0, 1).

    Parameters
    ----------
    shape : tuple of int or tensor
    seed_generator : keras.random.SeedGenerator
        Advanced by one draw.
    """
    if tf is not None:
        # The algorithm is named because the default one, under XLA on a CPU, makes a
        # small fit seven times slower.
        seed = tf.cast(seed_generator.next(), tf.int32)
        return tf.random.stateless_uniform(shape, seed, alg="philox")
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)
