"""Global random generators: seeded for a while, then restored."""

import contextlib
import functools
import random
import threading

import numpy as np

from skmnist._engine._backend import (
    BACKEND,
    forget_prepared_functions,
    keras,
    tf,
)
from skmnist._engine._process import preserved_process_state
from skmnist._engine._random_operations import drawn_from

with preserved_process_state():
    from keras.src.backend.common import global_state
    from keras.src.random import seed_generator

if BACKEND == "tensorflow":
    from tensorflow.python.eager import context as tf_context
    from tensorflow.python.framework import random_seed
    from tensorflow.python.ops import stateful_random_ops

# The generators belong to the whole process, so only one thread may seed them at a
# time. A thread that holds another lock must not wait for this one.
GENERATORS_LOCK = threading.RLock()

# Keras's own per-thread globals: counters of automatic layer names, which every build
# advances, and the generator behind `keras.random` calls without a seed.
_KERAS_GLOBALS = ("object_name_uids", "global_random_seed", "global_seed_generator")


@contextlib.contextmanager
def seeded_generators(seed):
    """Seed Python's, NumPy's, Keras's and the backend's generators; restore them after.

    A layer without a seed of its own draws one when it is made, so this seeds every
    initialiser and dropout of a network.

    Parameters
    ----------
    seed : int
    """
    with GENERATORS_LOCK:
        before = _states()
        seeds_before = seed_generator.python_random, random.seed
        try:
            for name in _KERAS_GLOBALS:
                global_state.set_global_attribute(name, None)
            _seed_all(seed)
            own = _ThreadRandom(seed)
            seed_generator.python_random, random.seed = own, own.seed
            with _operations_anew():
                yield
        finally:
            seed_generator.python_random, random.seed = seeds_before
            _set_states(before)


@contextlib.contextmanager
def _operations_anew():
    """Let operations of TensorFlow that keep a hidden state start anew, if any draws.

    Those such as ``tf.random.normal`` go on where they were, until TensorFlow forgets
    all operations that it has prepared. It then prepares each traced function again,
    which takes 0.2 s: too long for each build of the many networks that do not draw so.
    """
    if BACKEND != "tensorflow":
        yield
        return
    get_seed = random_seed.get_seed
    drawn = []

    def note(op_seed):
        if not drawn:
            drawn.append(True)
            forget_prepared_functions()
        return get_seed(op_seed)

    random_seed.get_seed = note
    try:
        yield
    finally:
        random_seed.get_seed = get_seed
        if drawn:
            forget_prepared_functions()


def _seed_all(seed):
    """Seed as `keras.utils.set_random_seed` does, TensorFlow as its backend only."""
    random.seed(seed)
    np.random.seed(seed)
    global_state.set_global_attribute("global_random_seed", seed)
    if BACKEND == "tensorflow":
        rng_state = random.Random(seed).getstate()
        generator = tf.random.Generator.from_seed(seed)
        _set_backend_state((seed, rng_state, generator))
    elif BACKEND == "torch":
        import torch

        torch.manual_seed(seed)


class _ThreadRandom:
    """What Keras draws seeds of layers from instead of the module `random`.

    The numbers are those of Python's generator with the same seed. That one belongs to
    all threads of the process, and some draw from it at any time: the event loop of a
    Dask worker, for example.
    """

    def __init__(self, seed):
        self._thread = threading.get_ident()
        self._generator = random.Random(seed)
        self._seed_all = random.seed

    def seed(self, *args, **kwargs):
        """Seed Python's generator, and this one if the builder does so."""
        self._seed_all(*args, **kwargs)
        if threading.get_ident() == self._thread:
            self._generator.seed(*args, **kwargs)

    def randint(self, a, b):
        """Return an integer from [a, b]."""
        is_own = threading.get_ident() == self._thread
        return (self._generator if is_own else random).randint(a, b)


class OwnGenerators:
    """States of the global generators that belong to one training.

    They take the place of the process's states for one step at a time, so that other
    threads never wait for longer.

    Parameters
    ----------
    seed : int
        Less than 2**32.

    Attributes
    ----------
    traced_states : list of ndarray or None
        Of the generators of traced functions, while another training uses them; None
        before the first step.
    """

    def __init__(self, seed):
        with seeded_generators(seed):
            self._states = _states()
        self.seed = seed
        self.traced_states = None

    @contextlib.contextmanager
    def in_use(self):
        """Draw from these generators instead of the process's."""
        with GENERATORS_LOCK:
            before = _states()
            _set_states(self._states)
            try:
                with _traced_generators().in_use(self):
                    yield
            finally:
                self._states = _states()
                _set_states(before)


class _TracedGenerators:
    """The generators that traced functions draw from in a training.

    A traced function draws for good from the objects that were in use when it was
    traced, and a user's ``tf.function`` is traced once for many networks. So there is
    one of each in a process, and only their states are exchanged: when another training
    takes its turn, as this takes 1 ms.
    """

    def __init__(self):
        self._keras_generator = keras.random.SeedGenerator(0)
        self._variables = [self._keras_generator.state]
        if BACKEND == "tensorflow":
            # The algorithm is the same on every device, and the one that XLA runs fast.
            self._generator = tf.random.Generator.from_seed(0, alg="philox")
            self._variables.append(self._generator.state)
        self._user = None

    @contextlib.contextmanager
    def in_use(self, training):
        """Let them take the place of Keras's and TensorFlow's global generators.

        The caller restores these.

        Parameters
        ----------
        training : OwnGenerators
        """
        if self._user is not training:
            self._pass_to(training)
        name = "global_seed_generator"
        global_state.set_global_attribute(name, self._keras_generator)
        if BACKEND != "tensorflow":
            yield
            return
        stateful_random_ops.global_generator = self._generator
        with drawn_from(self._generator):
            yield

    def _pass_to(self, training):
        """Keep the states of the last training, and set those of another."""
        if self._user is not None:
            self._user.traced_states = [
                keras.ops.convert_to_numpy(variable) for variable in self._variables
            ]
        self._user = training
        if training.traced_states is None:
            self._keras_generator.state.assign([training.seed, 0])
            if BACKEND == "tensorflow":
                self._generator.reset_from_seed(training.seed)
            return
        for variable, state in zip(
            self._variables, training.traced_states, strict=True
        ):
            variable.assign(state)


@functools.cache
def _traced_generators():
    """Return the only `_TracedGenerators` of the process. Called with the lock held."""
    return _TracedGenerators()


@contextlib.contextmanager
def isolated_build(seed, dtype):
    """Run a builder with seeded generators and a dtype policy; restore both after."""
    with seeded_generators(seed):
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def shapes_only():
    """Build networks whose variables have a shape but no memory."""
    name = "uninitialized_variables"
    waiting = global_state.get_global_attribute(name)
    # Keras would allocate every variable in this list when it next leaves such a scope.
    global_state.set_global_attribute(name, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(name, waiting)


def _states():
    """Return the states of all generators."""
    keras_globals = {
        name: global_state.get_global_attribute(name) for name in _KERAS_GLOBALS
    }
    return random.getstate(), np.random.get_state(), keras_globals, _backend_state()


def _set_states(states):
    python_state, numpy_state, keras_globals, backend_state = states
    for name, value in keras_globals.items():
        global_state.set_global_attribute(name, value)
    _set_backend_state(backend_state)
    np.random.set_state(numpy_state)
    random.setstate(python_state)


def _backend_state():
    if BACKEND == "tensorflow":
        context = tf_context.context()
        return (
            context._seed,
            context._rng.getstate() if context._seed is not None else None,
            stateful_random_ops.global_generator,
        )
    if BACKEND == "torch":
        import torch

        return torch.get_rng_state()
    return None  # JAX has no global generator


def _set_backend_state(state):
    if BACKEND == "tensorflow":
        seed, rng_state, generator = state
        context = tf_context.context()
        context._seed = seed
        if rng_state is not None:
            context._rng = random.Random()
            context._rng.setstate(rng_state)
        stateful_random_ops.global_generator = generator
    elif BACKEND == "torch":
        import torch

        torch.set_rng_state(state)
