"""Continuing a training with the current parameters of a classifier."""

import numpy as np

from skmnist._engine._backend import to_numpy
from skmnist._engine._built import learning_rate_position
from skmnist._engine._shared_layers import trained_positions
from skmnist.architectures import build_lenet, build_mlp


def resume(network, training, earlier, *, partial):
    """Check that a network can continue a training of an earlier recipe.

    A changed learning rate is set in the optimizer's state. If other variables are
    trained than before, the optimizer starts anew, as after `compile` in Keras.

    Parameters
    ----------
    network : Network
    training : Training
        Changed in place.
    earlier : Network
    partial : bool
        Whether `partial_fit` is the caller: a builder that is the same as before is
        then taken to return the same network, which saves building one in each call.

    Raises
    ------
    ValueError
        If the shapes of the weights or the optimizers differ.
    """
    is_like = _are_alike(network, earlier)
    if is_like and (partial or _trains_as_before(network, earlier)):
        network.take_from(earlier)
    compiled = network.compiled()
    if [value.shape for value in training.weights] != compiled.shapes:
        raise ValueError(
            "The network has other weight shapes than the fitted one, so training "
            "cannot resume. Set warm_start=False to train a new network."
        )
    state = list(training.optimizer_state)
    fits = compiled.optimizer_shapes == [np.shape(value) for value in state]
    # An earlier network that was pickled is compiled with what is trained now.
    if compiled.trainable != earlier.compiled().trainable or (is_like and not fits):
        _, optimizer = network.build()
        training.optimizer_state = [to_numpy(v) for v in optimizer.variables]
        return
    if not is_like:
        _check_kinds_of_rates(network, earlier)
    if not is_like and (
        compiled.optimizer_type is not earlier.compiled().optimizer_type or not fits
    ):
        own, before = network.trained_with.optimizer, earlier.trained_with.optimizer
        raise ValueError(
            f"optimizer={own!r} differs from the optimizer of the earlier fit, "
            f"{before!r}, whose state it cannot continue. Set the earlier optimizer, "
            "or warm_start=False to train a new network."
        )
    rate = _changed_rate(network, earlier, is_like)
    if rate is None:
        return
    position = compiled.learning_rate_position
    if position is None:
        raise ValueError(
            f"learning_rate={rate} cannot replace the learning rate schedule that the "
            "earlier fit's optimizer follows. Set learning_rate=None to continue it, "
            "or warm_start=False to train a new network."
        )
    state[position] = np.array(rate, state[position].dtype)
    training.optimizer_state = state


def _check_kinds_of_rates(network, earlier):
    """Raise ValueError if a schedule replaces a number, or a number a schedule."""
    follows, followed = (
        each.compiled().learning_rate_position is None for each in (network, earlier)
    )
    if follows != followed:
        kinds = {True: "a schedule", False: "a number"}
        raise ValueError(
            f"The learning rate is {kinds[follows]}, but was {kinds[followed]} in the "
            "earlier fit, for which the optimizer keeps another state. Set optimizer "
            "and learning_rate as they were, or warm_start=False to train a new "
            "network."
        )


def _trains_as_before(network, earlier):
    """Return whether the builder still returns a network that trains these variables.

    It may depend on more than its arguments, such as on a pretrained network made
    outside of it, which the user has frozen and now releases.
    """
    if network.builder in (build_mlp, build_lenet):
        return True
    model, _ = network.build()
    return trained_positions(model) == earlier.compiled().trainable


def _are_alike(network, earlier):
    """Return whether two recipes make the same network, as far as is known."""
    try:
        same_params = bool(network.builder_params == earlier.builder_params)
    except ValueError:  # arrays among them
        same_params = False
    return (
        same_params
        and network.builder is earlier.builder
        and network.optimizer is earlier.optimizer
        and _have_like_rates(network.learning_rate, earlier.learning_rate)
        and network.loss is earlier.loss
        and network.dtype == earlier.dtype
        and network.meta["X_shape_"][1:] == earlier.meta["X_shape_"][1:]
    )


def _have_like_rates(own, before):
    """Return whether two learning rates are both numbers, or the same schedule."""
    return own is before or not (callable(own) or callable(before))


def _changed_rate(network, earlier, is_like):
    """Return the learning rate if it is another than in an earlier recipe."""
    if is_like:
        unchanged = network.learning_rate in (None, earlier.learning_rate)
        return None if unchanged else network.learning_rate
    own, before = (_initial_rate(each.build()[1]) for each in (network, earlier))
    return None if own == before else own


def _initial_rate(optimizer):
    """Return the learning rate of a new optimizer, None with a schedule."""
    position = learning_rate_position(optimizer)
    return None if position is None else float(optimizer.variables[position])
