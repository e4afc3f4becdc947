"""Learning rates over the steps of a training, as factors of the classifier's own."""

import numpy as np

# One cycle as in L. N. Smith, "A disciplined approach to neural network
# hyper-parameters: Part 1", 2018 (arXiv:1803.09820), with cosine segments as in fastai
# and PyTorch: it rises from a 25th of the rate over the first 30 % of the steps.
_RISE = 0.3
_FIRST = 1 / 25

SCHEDULES = ("constant", "cosine", "one_cycle")


def learning_rate_factors(schedule, first, n_steps, n_total):
    """Return the factor of the learning rate for some steps of a training.

    Parameters
    ----------
    schedule : {"constant", "cosine", "one_cycle"}
    first : int
        Number of steps taken before.
    n_steps : int
        Number of steps to return factors for.
    n_total : int
        Number of steps of the whole training.

    Returns
    -------
    factors : ndarray of shape (n_steps,)
        In (0, 1].
    """
    done = (first + np.arange(n_steps)) / n_total
    if schedule == "constant":
        return np.ones(n_steps)
    if schedule == "cosine":
        return _fall(done)
    rising = _FIRST + (1 - _FIRST) * (1 - _fall(done / _RISE))
    return np.where(done < _RISE, rising, _fall((done - _RISE) / (1 - _RISE)))


def _fall(fraction):
    """Return half a cosine wave that falls from 1 to 0."""
    return (1 + np.cos(np.pi * np.clip(fraction, 0, 1))) / 2
