"""Loss while the learning rate grows, and the range of rates that it suggests."""

import numpy as np

from skmnist.displays._style import STYLES, prepare_axes

# Steps over which losses are averaged: the weight of a loss halves in so many steps.
_HALF_LIFE = 10
# The largest rate suggested is this fraction of the one with the lowest loss, where
# training is about to become unstable; the smallest, a tenth of it. Of five networks
# (MLPs with Adam and SGD, LeNet; 1,400 to 12,000 images), the constant rate with the
# lowest error was 0.06 to 0.6 of the rate with the lowest loss, and the best peak of
# one cycle 0.3 to 1.1.
_BELOW_LOWEST = 1 / 2
_WIDTH = 10
# A fall of the loss by a smaller fraction shows no rate that trains.
_SMALLEST_FALL = 0.1


class LearningRateDisplay:
    """Learning-rate range test: the training loss while the learning rate grows.

    Create it with :meth:`from_estimator`, which trains a clone for a few hundred steps,
    each at a higher learning rate than the one before. The loss first falls faster and
    faster, and rises where the rate is too high.

    Parameters
    ----------
    learning_rates : array-like of shape (n_steps,)
        Increasing.
    losses : array-like of shape (n_steps,)
        Mean loss of the batch of each step, before the step, in training mode.

    Attributes
    ----------
    smoothed_losses : ndarray of shape (n_steps,)
        Exponentially weighted mean of each loss and those before.
    learning_rate_range : tuple of (float, float)
        Rates worth trying. The higher one is half of the rate with the lowest
        smoothed loss, and a candidate for the peak of a "one_cycle" or "cosine"
        schedule; the lower one is a tenth of it.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that contains them.
    line_ : matplotlib Line2D
        The smoothed losses.

    Raises
    ------
    ValueError
        If the arrays are not of one length of at least 2.

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
    >>> display = LearningRateDisplay.from_estimator(clf, X, y).plot()
    >>> low, high = display.learning_rate_range
    >>> low < 0.002 < high
    True
    >>> plt.close(display.figure_)
    """

    __module__ = "skmnist.displays"

    def __init__(self, learning_rates, losses):
        self.learning_rates = np.asarray(learning_rates, float)
        self.losses = np.asarray(losses, float)
        if self.losses.shape != self.learning_rates.shape or len(self.losses) < 2:
            raise ValueError(
                "learning_rates and losses must have one length of at least 2; got "
                f"shapes {self.learning_rates.shape} and {self.losses.shape}."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        min_learning_rate=1e-5,
        max_learning_rate=10.0,
        n_steps=300,
    ):
        """Run the test on a clone of an estimator.

        All steps are calls of one compiled function. The test ends early if the loss
        grows to ten times the lowest one.

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
            Number of steps, of one batch each.

        Returns
        -------
        display : LearningRateDisplay
            Not drawn yet: call `plot`.

        Raises
        ------
        ValueError
            If the rates are not positive and increasing, if the optimizer follows a
            schedule of its own, or if the estimator does not train in steps.
        """
        from skmnist._cross_validation._learning_rates import losses_at_rates

        if not 0 < min_learning_rate < max_learning_rate < np.inf or n_steps < 2:
            raise ValueError(
                "The test needs 0 < min_learning_rate < max_learning_rate and at least "
                f"2 steps; got min_learning_rate={min_learning_rate}, "
                f"max_learning_rate={max_learning_rate}, n_steps={n_steps}."
            )
        rates = np.geomspace(min_learning_rate, max_learning_rate, n_steps)
        losses = losses_at_rates(estimator, X, y, rates)
        finite = np.isfinite(losses)
        n_done = len(losses) if finite.all() else int(finite.argmin())
        return cls(rates[:n_done], losses[:n_done])

    @property
    def smoothed_losses(self):
        """Exponentially weighted mean of each loss and those before."""
        decay = 0.5 ** (1 / _HALF_LIFE)
        sums = np.zeros(2)
        means = []
        for loss in self.losses:
            sums = decay * sums + (loss, 1)
            means.append(sums[0] / sums[1])
        return np.array(means)

    @property
    def learning_rate_range(self):
        """Learning rates worth trying, as (low, high).

        Raises
        ------
        ValueError
            If the loss hardly falls, so that no rate trains.
        """
        smoothed = self.smoothed_losses
        lowest = int(smoothed.argmin())
        # The first losses are noise of few batches; what they fall from is their mean.
        start = smoothed[: max(1, min(_HALF_LIFE, lowest))].max()
        if smoothed[lowest] > (1 - _SMALLEST_FALL) * start:
            raise ValueError(
                f"The loss fell from {start:.3g} to {smoothed[lowest]:.3g} only, at "
                f"learning rates from {self.learning_rates[0]:.2g} to "
                f"{self.learning_rates[-1]:.2g}: it names no range. Test higher rates, "
                "or more steps."
            )
        high = float(self.learning_rates[lowest]) * _BELOW_LOWEST
        return high / _WIDTH, high

    def plot(self, ax=None):
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
        smoothed, style = self.smoothed_losses, STYLES["train"]
        colour = style["color"]
        ax.plot(self.learning_rates, self.losses, color=colour, alpha=0.3, linewidth=1)
        (self.line_,) = ax.plot(
            self.learning_rates, smoothed, color=colour, label="Smoothed loss"
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
        # A loss that has diverged would flatten the rest of the curve.
        bottom, top = smoothed.min(), smoothed[: smoothed.argmin() + 1].max()
        ax.set_ylim(max(0, bottom - 0.2 * (top - bottom)), top + 0.2 * (top - bottom))
        ax.set(
            title="Learning-rate range test",
            xlabel="Learning rate of the step",
            ylabel="Loss of the batch (nats)",
        )
        ax.grid(alpha=0.3)
        ax.legend()
        return self
