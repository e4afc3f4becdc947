"""Learning-rate range test: the loss while the learning rate grows.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017
(arXiv:1506.01186). The rate is an input of the compiled step, so all steps are calls of
one compiled function.
"""

import contextlib

import numpy as np

from skmnist._engine._observers import KerasCallbacks
from skmnist._engine._training import generators_of, open_trainer

# The test ends when the mean loss of so many steps lies as far above the first one as
# the lowest one lies below it.
_WINDOW = 20


def losses_at_rates(
    network,
    state,
    data,
    rows,
    rates,
    *,
    batch_size,
    augmentation,
    jit_compile,
    weighted,
):
    """Train one step at each learning rate, and return the losses of the batches.

    Parameters
    ----------
    network : Network
    state : Training
        Where to begin. Not changed.
    data : tuple of (X, y, sample_weight)
    rows : ndarray of int
        The samples to train on, repeatedly if they are fewer than the steps need.
    rates : ndarray of shape (n_steps,)
    batch_size : int
    augmentation : tuple of (Augmentation, image_shape) or None
    jit_compile : bool or "auto"
    weighted : bool
        Whether the user has given weights.

    Returns
    -------
    losses : ndarray of shape (n_done,)
        In training mode, before each step; fewer than the rates if training diverged,
        in which case the last one may be infinite or NaN.

    Raises
    ------
    ValueError
        If the optimizer has no learning rate that can be set.
    """
    position = network.compiled().learning_rate_position
    if position is None:
        raise ValueError(
            "The range test sets the learning rate, but the optimizer of this "
            "classifier follows a schedule of Keras, or consists of several "
            "optimizers. Set learning_rate and optimizer to plain ones for the test, "
            "e.g. to None and 'adam'."
        )
    factors = rates / float(state.optimizer_state[position])
    losses = []
    with contextlib.ExitStack() as stack:
        callbacks = KerasCallbacks((), 0)
        callbacks.open(1, len(rates))
        callbacks.events.on_train_begin()
        stack.callback(callbacks.events.on_train_end)
        trainer = open_trainer(
            stack, network, state, len(rows), callbacks, jit_compile, weighted
        )
        trainer.assign(state.weights, state.optimizer_state)
        steps = _batches(rows, min(batch_size, len(rows)), state.seed)
        generators = generators_of(network, state.seed)
        deform = None
        if augmentation is not None:
            deformations, image_shape = augmentation
            deform = deformations.in_epoch(image_shape, state.seed, 0)
        for factor, batch in zip(factors, steps, strict=False):
            logs = trainer.run_epoch(
                data,
                batch,
                batch_size,
                generators,
                factors=np.array([factor]),
                deform=deform,
            )
            losses.append(logs["loss"])
            if _has_diverged(losses):
                break
    return np.array(losses)


def _batches(rows, size, seed):
    """Yield the rows of batches without end, shuffled anew after all of them."""
    epoch = 0
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(rows)
        for start in range(0, len(order) - size + 1, size):
            yield order[start : start + size]
        epoch += 1


def _has_diverged(losses):
    if not np.isfinite(losses[-1]):
        return True
    if len(losses) < 2 * _WINDOW:
        return False
    means = np.convolve(losses, np.ones(_WINDOW) / _WINDOW, "valid")
    fall = max(means[0] - means.min(), abs(means[0]) / 2)
    return bool(means[-1] > means[0] + fall)
