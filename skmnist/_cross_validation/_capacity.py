"""Cross-validate every value of a parameter of capacity."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from sklearn.base import clone

from skmnist._cross_validation._epochs import can_follow_epochs, last_step


@dataclass(frozen=True)
class Capacity:
    """A parameter and its values, from the simplest to the most complex.

    Attributes
    ----------
    name : str
        Of the estimator's parameters.
    values : list
    own : object
        The value of the estimator that is judged.
    counts_epochs : bool
        Whether a training to the largest value passes through all others.
    """

    name: str
    values: list
    own: Any
    counts_epochs: bool

    @property
    def position(self):
        """The position of the estimator's own value."""
        return self.values.index(self.own)

    @property
    def others(self):
        """The values that need trainings of their own."""
        if self.counts_epochs:
            return []
        return [value for value in self.values if value != self.own]

    def stages(self, cross_validation, estimator, **own):
        """Return what is trained: the estimator itself, then with every other value.

        Parameters
        ----------
        cross_validation : CrossValidation
        estimator : classifier
        **own : dict
            Attributes of the stage of the estimator itself.

        Returns
        -------
        stages : list of Stage
        """
        if self.counts_epochs:
            longest = {self.name: max(self.values)}
            estimator = clone(estimator).set_params(**longest)
            own["at"] = self.values
        return [
            cross_validation.stage(estimator, "folds", **own),
            *(
                cross_validation.stage(
                    clone(estimator).set_params(**{self.name: value}),
                    "capacity",
                    done=number * len(cross_validation.splits),
                    epochs=False,
                )
                for number, value in enumerate(self.others)
            ),
        ]

    def by_value(self, trained):
        """Return the folds of each value, from those of the stages.

        Those of the estimator itself are at `position`.
        """
        if self.counts_epochs:
            (folds,) = trained
            return [[fold.at[value] for fold in folds] for value in self.values]
        own, *others = trained
        others.insert(self.position, own)
        return others


def plan_capacity(estimator, capacity):
    """Decide how the values of a parameter of capacity are trained.

    A training of few epochs is the beginning of a longer one, and need not be run. This
    does not hold with callbacks, which may depend on the number of epochs, nor with a
    learning-rate schedule over all epochs.

    Parameters
    ----------
    estimator : classifier
    capacity : dict of one str to list
        The parameter and its values.

    Returns
    -------
    capacity : Capacity

    Raises
    ------
    ValueError
        If early stopping determines the number of epochs, or a value is not a number of
        epochs.
    """
    ((name, values),) = capacity.items()
    own = estimator.get_params()[name]
    prefix, final = last_step(estimator)
    settings = final.get_params(deep=False)
    is_planned = settings.get("callbacks") is not None
    is_planned |= settings.get("learning_rate_schedule", "constant") != "constant"
    if name != f"{prefix}epochs" or is_planned or not can_follow_epochs(estimator):
        return Capacity(name, values, own, counts_epochs=False)
    if final.get_params().get("early_stopping"):
        raise ValueError(
            f"capacity compares values of {name}, but early_stopping=True ends a "
            "training by itself: set it to False, or leave capacity out."
        )
    for value in values:
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                f"capacity should list positive integers for {name}, got {value!r}."
            )
    return Capacity(name, values, own, counts_epochs=True)
