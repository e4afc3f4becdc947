"""FIT14: a learning rate that is too high or too low, from the curves of the epochs."""

import math
from numbers import Real

import numpy as np
from sklearn.base import clone

from skmnist._cross_validation._epochs import last_step
from skmnist.diagnosis._finding import Finding

# These were chosen with docs/studies/learning_rate.py, where networks with usual rates
# stay well away from them. Losses are compared with the one of predicting the class
# frequencies, here called that of chance.
#
# Too high: of the changes of the loss in the second half of the epochs, rises are this
# share (a half if it leads nowhere), and a change is on average this part of the loss
# of chance; and the training error is proven higher than that of the reference.
_RISES, _AMPLITUDE = 0.4, 0.01
# Too high, too: a loss that stays this far above that of chance, with this share of
# rises. At a low rate it is there as well, but falls in every epoch.
_ABOVE_CHANCE, _RISES_ABOVE_CHANCE = 1.02, 0.1
# Too low: the loss falls at its end at least this fraction as fast as in the second
# quarter of the epochs, so slowly that it would take this many times the epochs to
# reach zero, and is still this fraction of the loss of chance.
_STRAIGHT, _TIMES, _STILL_HIGH = 0.3, 2.0, 0.5
_LEAST_EPOCHS = 4


def rate_fault(evidence):
    """Say whether the learning rate is too high or too low.

    All are training losses in inference mode after each epoch, so neither dropout nor
    the order of the batches makes them rise.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    fault : {"chance", "unsteady", "slow"} or None
    """
    # Losses are NaN without probabilities. A loss that diverges ends the training.
    if not evidence.has_curves:
        return None
    losses = [fold.curves.train_loss for fold in evidence.folds]
    if min(map(len, losses)) < _LEAST_EPOCHS:
        return None
    chance = _chance_loss(evidence)
    rises, amplitude = np.mean([_unrest(loss) for loss in losses], axis=0)
    late = np.mean([np.mean(loss[len(loss) // 2 :]) for loss in losses])
    if late > _ABOVE_CHANCE * chance and rises >= _RISES_ABOVE_CHANCE:
        return "chance"
    unsteady = rises >= _RISES and amplitude >= _AMPLITUDE * chance
    # At the end of a good training, a loss rises and falls around its lowest value.
    if unsteady and evidence.bias.low > 0:
        return "unsteady"
    return "slow" if _is_slow(evidence, losses, chance) else None


def _chance_loss(evidence):
    """Return the loss of predicting the class frequencies."""
    counts = np.bincount(evidence.codes, minlength=evidence.n_classes)
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))


def _unrest(loss):
    """Return the share of rises in the second half, and the mean change there."""
    changes = np.diff(loss[len(loss) // 2 - 1 :])
    total = np.abs(changes).sum()
    rises = changes[changes > 0].sum()
    return (rises / total if total > 0 else 0.0), total / len(changes)


def _is_slow(evidence, losses, chance):
    """Return whether the loss falls steadily, but far too slowly.

    The validation loss has to fall as well, which it does not where there is little to
    learn and a network begins to memorise; and the reference has to show that a lower
    error is possible.
    """
    if evidence.final_loss_decrease is None or not evidence.bias.low > 0:
        return False
    if not evidence.final_loss_decrease[1].low > 0:
        return False
    n_epochs = min(map(len, losses))
    mean = np.mean([loss[:n_epochs] for loss in losses], axis=0)
    quarter = max(1, n_epochs // 4)
    end = (mean[-1 - quarter] - mean[-1]) / quarter
    before = (mean[quarter - 1] - mean[2 * quarter - 1]) / quarter
    return bool(
        end > 0
        and end >= _STRAIGHT * before
        and mean[-1] >= _STILL_HIGH * chance
        and mean[-1] / end >= _TIMES * n_epochs
    )


def suggested_rate(estimator, X, y, fault, seed):
    """Run a learning-rate range test, and return a rate to try.

    Parameters
    ----------
    estimator : classifier
        As it was diagnosed.
    X : array-like of shape (n_samples, ...)
        Training samples.
    y : ndarray of shape (n_samples,)
    fault : str
        Of `rate_fault`.
    seed : int
        Of a network without a seed of its own.

    Returns
    -------
    rate : float or None
        In the middle of the range that the test names. None if it names none, or one on
        the wrong side of the rate that was used.
    """
    from skmnist.displays import LearningRateDisplay

    estimator = clone(estimator)
    prefix, final = last_step(estimator)
    settings = final.get_params(deep=False)
    # The test sets a rate for each step, in place of a schedule.
    changes = {"learning_rate_schedule": "constant"}
    if settings.get("random_state", seed) is None:
        changes["random_state"] = seed
    known = {name: value for name, value in changes.items() if name in settings}
    estimator.set_params(**{f"{prefix}{name}": v for name, v in known.items()})
    try:
        display = LearningRateDisplay.from_estimator(estimator, X, y)
        low, high = display.learning_rate_range
    except ValueError:
        return None
    rate = float(f"{math.sqrt(low * high):.1g}")
    used = settings.get("learning_rate")
    if isinstance(used, Real) and (rate > used) != (fault == "slow"):
        return None
    return rate


def unsuitable_rate(evidence):
    """FIT14: the learning rate is too high or too low."""
    fault = evidence.rate_fault
    if fault is None:
        return None
    losses = [fold.curves.train_loss for fold in evidence.folds]
    start, end = (float(np.mean([loss[k] for loss in losses])) for k in (0, -1))
    n_epochs = max(map(len, losses))
    numbers = {"loss_after_first_epoch": start, "loss_at_end": end}
    numbers |= {"n_epochs": n_epochs, "too_high": fault != "slow"}
    if evidence.suggested_rate is not None:
        numbers["suggested_rate"] = evidence.suggested_rate
    return Finding(
        "FIT14",
        "Learning rate too low" if fault == "slow" else "Learning rate too high",
        _said(fault, start, end, n_epochs, _chance_loss(evidence)),
        numbers,
        _advice(fault, evidence.suggested_rate),
    )


def _said(fault, start, end, n_epochs, chance):
    if fault == "chance":
        return (
            f"After {n_epochs} epochs the training loss is {end:.3g}, higher than that "
            f"of predicting the class frequencies, {chance:.3g}, and it does not fall "
            "steadily."
        )
    fell = f"The training loss went from {start:.3g} after the first epoch to {end:.3g}"
    if fault == "unsteady":
        return (
            f"{fell} after {n_epochs} epochs, but in their second half it rose nearly "
            "as much as it fell."
        )
    return f"{fell} after {n_epochs} epochs, at a nearly constant, slow pace."


def _advice(fault, rate):
    name = "" if rate is None else f", to learning_rate={rate:g}, say"
    if rate is None:
        name = " (LearningRateDisplay names a range)"
    if fault == "slow":
        return f"Raise the learning rate{name}, or train several times as long."
    return f"Lower the learning rate{name}, before anything else is changed."
