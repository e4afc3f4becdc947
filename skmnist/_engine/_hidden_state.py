"""State that a network keeps outside of its Keras variables.

A classifier owns the values of the variables alone, and predicts with another network
of the same builder. A layer that draws its constants without a seed, or that counts its
calls in a ``tf.Variable``, is another function there.
"""

import functools

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._built import named
from skmnist._engine._observers import Observer
from skmnist._engine._seeds import seeded_generators
from skmnist._engine._trainers import training_keyword


class HiddenStateCheck(Observer):
    """Raise ValueError if the trained network predicts otherwise than its classifier.

    Checked after the first epoch of a network, and after the last of a training, as a
    callback may change what the network keeps.

    Parameters
    ----------
    network : Network
    X : ndarray of shape (n_samples, ...)
        A few samples, which are predicted one operation after the other.
    """

    def __init__(self, network, X):
        self._network = network
        self._X = X.astype(network.input_dtype(), copy=False)

    def after_epoch(self, loop, epoch, logs):
        """Compare the predictions of two networks with the same weights."""
        # Not after the only epoch of a later training, such as a `partial_fit`.
        is_last = loop.finished and epoch > loop.first
        if epoch > 0 and not is_last:
            return
        trained, compiled = loop.trainer.model, self._network.compiled()
        weights = loop.trainer.weights()
        of_trained = functools.partial(_outputs, trained, self._X)
        of_built = functools.partial(compiled.outputs_untraced, weights, self._X)
        try:
            first, built = _seeded(of_trained), _seeded(of_built)
            if _are_equal(first, built) or not _are_equal(first, _seeded(of_trained)):
                return
        except Exception:  # code of the user's layers may fail in any way here
            return
        types = {type(layer) for layer in compiled.layers}
        own = [t.__name__ for t in types if not t.__module__.startswith("keras.")]
        raise ValueError(
            f"The network of the builder {named(self._network.builder)} predicts "
            "otherwise than a second one with the same weights, so it keeps more than "
            f"weights{' in ' if own else ''}{', '.join(sorted(own))}. The classifier "
            "keeps weights only. Make what changes in training by "
            "self.add_weight(..., trainable=False), not as a tf.Variable or attribute, "
            "and seed the generators of constants."
        )


def _outputs(model, X):
    """Return the outputs in inference mode, a tensor. Changes no variable."""
    trainable, others = (
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )
    keyword = training_keyword(model, False)
    return model.stateless_call(trainable, others, X, **keyword)[0]


def _seeded(function):
    """Return the outputs as an ndarray. Layers may draw from global generators."""
    with seeded_generators(0):
        return keras.ops.convert_to_numpy(keras.ops.cast(function(), "float32"))


def _are_equal(first, second):
    # On a GPU, two calls may round differently.
    return np.allclose(first, second, rtol=1e-3, atol=1e-5, equal_nan=True)
