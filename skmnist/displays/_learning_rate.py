"""Loss while the learning rate grows, and the range of rates that it suggests."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_scalar

from skmnist.displays._style import new_color, prepare_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from skmnist._typing import ArrayLike, Estimator


# Standard deviation of the Gaussian that losses are smoothed with, in decades of the
# learning rate.
_SMOOTHING = 0.12
# Training is still stable at rates whose loss has risen from the lowest one by less
# than this fraction of its fall.
_RISE = 0.1
# The largest rate suggested is this fraction of the largest stable one; the smallest, a
# tenth of it. Of five networks (MLPs with Adam and SGD, LeNet; 1,400 to 12,000 images),
# the best constant rate was 0.03 to 0.6 of the largest stable one, and the best peak of
# one cycle 0.2 to 1.1.
_BELOW_UNSTABLE = 1 / 3
_WIDTH = 10
# A fall of the loss by a smaller fraction shows no rate that trains.
_SMALLEST_FALL = 0.1
# With fewer steps the network has not learned yet where the rate is right.
_LEAST_STEPS = 100


class LearningRateDisplay:
    """Learning-rate range test: the training loss while the learning rate grows.

    Draw it with :meth:`from_estimator`, which trains a clone for a few hundred steps,
    each at a higher learning rate than the one before. The loss first falls faster and
    faster, and rises where the rate is too high.

    Parameters
    ----------
    learning_rates : array-like of shape (n_steps,)
        Increasing.
    losses : array-like of shape (n_steps,)
        Mean loss of the batch of each step, before the step, in training mode. All
        after one that is infinite or NaN are ignored.
    name : str, default=None
        What is drawn, for the legend.

    Attributes
    ----------
    smoothed_losses : ndarray of shape (n_steps,)
        Losses smoothed with a Gaussian over a quarter of a decade; NaN from the first
        one on that is infinite or NaN.
    learning_rate_range : tuple of (float, float)
        Rates worth trying. The higher one is a third of the largest stable rate, up to
        which the smoothed loss stays near its lowest value, and a candidate for the
        peak of a "one_cycle" or "cosine" schedule; the lower one is a tenth of it.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that contains them.
    line_ : matplotlib Line2D
        The smoothed losses.

    Raises
    ------
    ValueError
        If the arrays are not one-dimensional and of one length of at least 2, or the
        rates are not positive and increasing.

    See Also
    --------
    EpochCurveDisplay : Accuracy or loss after each epoch.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical learning rates for training neural networks", WACV
       2017, `arXiv:1506.01186 <https://arxiv.org/abs/1506.01186>`_.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import (
    ...     KerasMLPClassifier, LearningRateDisplay, PixelScaler, load_digits28
    ... )
    >>> X, y = load_digits28(return_X_y=True)
    >>> clf = make_pipeline(PixelScaler(), KerasMLPClassifier(random_state=0))
    >>> display = LearningRateDisplay.from_estimator(clf, X, y)
    >>> low, high = display.learning_rate_range
    >>> low < 0.002 < high
    True
    >>> plt.close(display.figure_)
    """

    __module__ = "skmnist.displays"

    ax_: Axes
    figure_: Figure
    line_: Line2D

    def __init__(
        self, learning_rates: ArrayLike, losses: ArrayLike, *, name: str | None = None
    ) -> None:
        self.learning_rates: np.ndarray = np.asarray(learning_rates, float)
        self.losses: np.ndarray = np.asarray(losses, float)
        self.name = name
        shape = self.learning_rates.shape
        if self.losses.shape != shape or len(shape) != 1 or shape[0] < 2:
            raise ValueError(
                "learning_rates and losses must be one-dimensional, of one length of "
                f"at least 2; got shapes {shape} and {self.losses.shape}."
            )
        rises = np.diff(self.learning_rates, prepend=0)
        if not (rises > 0).all() or not np.isfinite(self.learning_rates).all():
            raise ValueError("learning_rates must be positive and increasing.")

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        min_learning_rate: float = 1e-5,
        max_learning_rate: float = 10.0,
        n_steps: int = 300,
        ax: Axes | None = None,
        name: str | None = None,
    ) -> LearningRateDisplay:
        """Run the test on a clone of an estimator, and draw it.

        All steps are calls of one compiled function. The test ends early if the loss
        rises far above the first one.

        Parameters
        ----------
        estimator : estimator object
            A classifier of this package, or a Pipeline that ends in one. Batch size,
            optimizer, augmentation and `random_state` are those of the classifier.
        X : array-like of shape (n_samples, ...)
            Training samples.
        y : array-like of shape (n_samples,)
            Labels.
        min_learning_rate : float, default=1e-5
            Learning rate of the first step.
        max_learning_rate : float, default=10.0
            Learning rate of the last step; between them it grows by a constant factor.
        n_steps : int, default=300
            Number of steps, of one batch each; at least 100. With fewer of them,
            higher rates are named, because the network learns less on the way.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.
        name : str, default=None
            What is drawn, for the legend.

        Returns
        -------
        display : LearningRateDisplay
            Drawn; `plot` draws it again.

        Raises
        ------
        ValueError
            If the rates are not positive and increasing, if the optimizer follows a
            schedule of its own, or if the estimator does not train in steps.
        """
        from skmnist._cross_validation._learning_rates import losses_at_rates

        check_scalar(n_steps, "n_steps", Integral, min_val=_LEAST_STEPS)
        check_scalar(
            min_learning_rate,
            "min_learning_rate",
            Real,
            min_val=0,
            include_boundaries="neither",
        )
        check_scalar(
            max_learning_rate,
            "max_learning_rate",
            Real,
            min_val=min_learning_rate,
            include_boundaries="neither",
        )
        rates = np.geomspace(min_learning_rate, max_learning_rate, n_steps)
        losses = losses_at_rates(estimator, X, y, rates)
        return cls(rates[: len(losses)], losses, name=name).plot(ax)

    @property
    def smoothed_losses(self) -> np.ndarray:
        """Losses smoothed with a Gaussian over a quarter of a decade."""
        place, losses = np.log10(self.learning_rates), self.losses[: self._n_finite]
        distance = place[: self._n_finite, None] - place[: self._n_finite]
        weights = np.exp(-((distance / _SMOOTHING) ** 2) / 2)
        smoothed = np.full(len(place), np.nan)
        smoothed[: self._n_finite] = weights @ losses / weights.sum(axis=1)
        return smoothed

    @property
    def learning_rate_range(self) -> tuple[float, float]:
        """Learning rates worth trying, as (low, high).

        Raises
        ------
        ValueError
            If the loss hardly falls, has not risen at the highest rate tested, or is
            not finite from the second step on.
        """
        if self._n_finite < 2:
            raise ValueError(
                "Training diverged at a learning rate of "
                f"{self.learning_rates[0]:.2g}. Set min_learning_rate to a lower one."
            )
        smoothed = self.smoothed_losses[: self._n_finite]
        lowest = int(smoothed.argmin())
        start = smoothed[: lowest + 1].max()
        fall = start - smoothed[lowest]
        if fall <= _SMALLEST_FALL * abs(start):
            raise ValueError(
                f"The loss fell from {start:.3g} to {smoothed[lowest]:.3g} only, at "
                f"learning rates from {self.learning_rates[0]:.2g} to "
                f"{self.learning_rates[-1]:.2g}, so that the test names no range. Test "
                "other rates, or more steps."
            )
        unstable = smoothed[lowest:] > smoothed[lowest] + _RISE * fall
        stable = lowest + int(unstable.argmax()) - 1
        if not unstable.any():
            if self._n_finite == len(self.losses):
                raise ValueError(
                    "The loss has not risen at the highest learning rate tested, "
                    f"{self.learning_rates[-1]:.2g}, so that the test does not show "
                    "which rate is too high. Set max_learning_rate to a higher one."
                )
            stable = self._n_finite - 1
        high = float(self.learning_rates[stable]) * _BELOW_UNSTABLE
        return high / _WIDTH, high

    @property
    def _n_finite(self):
        finite = np.isfinite(self.losses)
        return len(finite) if finite.all() else int(finite.argmin())

    def plot(self, ax: Axes | None = None) -> LearningRateDisplay:
        """Draw the losses over the learning rate, and mark the suggested range.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : LearningRateDisplay
            Itself.
        """
        ax = prepare_axes(ax, self)
        smoothed, colour = self.smoothed_losses, new_color(ax, "train")
        ax.plot(self.learning_rates, self.losses, color=colour, alpha=0.3, linewidth=1)
        label = "Smoothed loss" if self.name is None else f"{self.name}: smoothed loss"
        (self.line_,) = ax.plot(
            self.learning_rates, smoothed, color=colour, label=label
        )
        try:
            low, high = self.learning_rate_range
        except ValueError:
            pass
        else:
            ax.axvspan(
                low,
                high,
                color="#009E73",
                alpha=0.2,
                linewidth=0,
                label=f"Rates worth trying: {low:.1g} to {high:.1g}",
            )
        ax.set_xscale("log")
        if self._n_finite:
            # A loss that has diverged would flatten the rest of the curve.
            lowest = int(np.nanargmin(smoothed))
            bottom, top = smoothed[lowest], smoothed[: lowest + 1].max()
            margin = 0.2 * (top - bottom) or 0.2 * abs(top) or 1
            ax.set_ylim(bottom - margin, top + margin)
        ax.set(
            title="Learning-rate range test",
            xlabel="Learning rate of the step",
            ylabel="Loss of the batch",
        )
        ax.grid(alpha=0.3)
        ax.legend()
        return self
