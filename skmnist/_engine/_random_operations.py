"""TensorFlow's random operations, drawn from a generator that can be set.

``tf.random.normal`` and its like keep their state where nothing can set, read or save
it, and TensorFlow loses it whenever it prepares a function anew. A training that draws
from a `tf.random.Generator` instead can be repeated and resumed, whatever other threads
do meanwhile.
"""

import contextlib
import threading

from skmnist._engine._backend import BACKEND, tf

if BACKEND == "tensorflow":
    from tensorflow.python.ops import gen_random_ops


def _normal(generator, shape, dtype, **_):
    return generator.normal(shape, dtype=dtype)


def _truncated_normal(generator, shape, dtype, **_):
    return generator.truncated_normal(shape, dtype=dtype)


def _uniform(generator, shape, dtype, **_):
    return generator.uniform(shape, dtype=dtype)


def _uniform_int(generator, shape, minval, maxval, **_):
    return generator.uniform(shape, minval, maxval, tf.as_dtype(maxval.dtype))


def _shuffle(generator, value, **_):
    seed = _next_seed(generator)
    return tf.random.experimental.stateless_shuffle(value, seed)


def _categorical(generator, logits, num_samples, output_dtype=None, **_):
    seed, dtype = _next_seed(generator), output_dtype or tf.int64
    return tf.random.stateless_categorical(logits, num_samples, seed, dtype)


def _gamma(generator, shape, alpha, **_):
    shape, seed = tf.concat([shape, tf.shape(alpha)], 0), _next_seed(generator)
    return tf.random.stateless_gamma(shape, seed, alpha, dtype=alpha.dtype)


def _poisson(generator, shape, rate, dtype=None, **_):
    shape, seed = tf.concat([shape, tf.shape(rate)], 0), _next_seed(generator)
    return tf.random.stateless_poisson(shape, seed, rate, dtype or tf.int64)


def _next_seed(generator):
    return generator.make_seeds()[:, 0]


# By the names of the functions that all of `tf.random`, `tf.nn` and `tf.image` call.
_REPLACEMENTS = {
    "random_standard_normal": _normal,
    "truncated_normal": _truncated_normal,
    "random_uniform": _uniform,
    "random_uniform_int": _uniform_int,
    "random_shuffle": _shuffle,
    "multinomial": _categorical,
    "random_gamma": _gamma,
    "random_poisson_v2": _poisson,
}


@contextlib.contextmanager
def drawn_from(generator):
    """Let the random operations of this thread draw from a generator.

    Functions traced meanwhile draw from it whenever they run.

    Parameters
    ----------
    generator : tf.random.Generator
    """
    thread = threading.get_ident()

    def replaced(original, replacement):
        def draw(*args, **kwargs):
            if threading.get_ident() != thread:
                return original(*args, **kwargs)
            return replacement(generator, *args, **kwargs)

        return draw

    originals = {name: getattr(gen_random_ops, name) for name in _REPLACEMENTS}
    for name, original in originals.items():
        setattr(gen_random_ops, name, replaced(original, _REPLACEMENTS[name]))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(gen_random_ops, name, original)
