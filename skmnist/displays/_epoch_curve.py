"""Accuracy or loss after each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skmnist.displays._style import (
    SIDES,
    add_legend,
    draw_mean,
    label_scores,
    prepare_axes,
)

if TYPE_CHECKING:
    from typing import Any, Literal

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from skmnist._typing import CV, ArrayLike, Estimator, Quantity, RandomState


_QUANTITIES = ("accuracy", "loss")

# Names of the two sources of a curve, which must not be confused.
_WORDS = {
    "inference": {
        "accuracy": "Accuracy after each epoch (inference mode)",
        "loss": "Loss after each epoch (inference mode)",
        **SIDES,
    },
    "history": {
        "accuracy": "Epoch history as Keras reports it: accuracy",
        "loss": "Epoch history as Keras reports it: loss",
        "train": "Training, running average while the weights change",
        "validation": "Held out inside fit, at the end of the epoch",
    },
}


class EpochCurveDisplay:
    """Accuracy or loss after each epoch, training against validation, over folds.

    Draw it with :meth:`from_estimator`, which scores the network after every epoch in
    inference mode on both sides of each split, or with :meth:`from_history`, which
    draws the history that Keras reports during training. The two differ, because the
    history is a running average with dropout, and their plots have different labels.

    Parameters
    ----------
    curves : DataFrame
        One row per fold and epoch, with the columns "fold", "epoch" (from 1) and any of
        "train_accuracy", "validation_accuracy" (fractions), "train_loss" and
        "validation_loss".
    quantity : {"accuracy", "loss"}, default="accuracy"
        The quantity that `plot` draws.
    source : {"inference", "history"}, default="inference"
        Whether the scores were computed after each epoch in inference mode, or are the
        epoch history of Keras. Determines the labels of the plot.
    name : str, default=None
        What is drawn, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure that contains them.
    lines_ : list of matplotlib Line2D
        The mean over folds, training first.
    bands_ : list of matplotlib artists
        The spread over folds, in the same order; empty with one fold.

    See Also
    --------
    FitDiagnosisDisplay : Reference, training and validation error side by side.
    sklearn.model_selection.LearningCurveDisplay : Scores by the number of samples.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> from skmnist import EpochCurveDisplay
    >>> curves = pd.DataFrame(
    ...     {
    ...         "fold": [0, 0, 1, 1],
    ...         "epoch": [1, 2, 1, 2],
    ...         "train_accuracy": [0.90, 0.97, 0.91, 0.98],
    ...         "validation_accuracy": [0.88, 0.93, 0.90, 0.94],
    ...     }
    ... )
    >>> display = EpochCurveDisplay(curves).plot()
    >>> display.lines_[0].get_ydata()
    array([0.905, 0.975])
    >>> plt.close(display.figure_)
    """

    __module__ = "skmnist.displays"

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]
    bands_: list[Artist]

    def __init__(
        self,
        curves: pd.DataFrame,
        *,
        quantity: Quantity = "accuracy",
        source: Literal["inference", "history"] = "inference",
        name: str | None = None,
    ) -> None:
        self.curves = curves
        self.quantity = quantity
        self.source = source
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        cv: CV = 5,
        n_jobs: int | None = None,
        quantity: Quantity = "accuracy",
        random_state: RandomState = None,
        ax: Axes | None = None,
        name: str | None = None,
    ) -> EpochCurveDisplay:
        """Cross-validate a classifier, score it after every epoch, and draw the scores.

        Parameters
        ----------
        estimator : estimator object
            A classifier of this package, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, ...)
            Images.
        y : array-like of shape (n_samples,)
            Labels.
        cv : int, cross-validation generator or an iterable, default=5
            An integer means stratified folds that are shuffled by `random_state`
            (scikit-learn does not shuffle them).
        n_jobs : int, default=None
            The number of folds to fit at once, as in `diagnose_fit`.
        quantity : {"accuracy", "loss"}, default="accuracy"
            The quantity to draw.
        random_state : int, RandomState instance or None, default=None
            Shuffles the folds of an integer `cv` (None does it as 0), and seeds a
            network without a `random_state` of its own.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.
        name : str, default=None
            What is drawn, for the legend.

        Returns
        -------
        display : EpochCurveDisplay
            Drawn; `plot` draws it again.

        Raises
        ------
        ValueError
            If the estimator does not train in epochs, or the quantity is unknown.
        """
        from skmnist._cross_validation._epochs import can_follow_epochs
        from skmnist._cross_validation._stages import run_folds

        _check_quantity(quantity)
        if not can_follow_epochs(estimator):
            raise ValueError(
                f"{estimator!r} cannot be scored after every epoch: pass a classifier "
                "of skmnist, or a Pipeline that ends in one."
            )
        folds = run_folds(
            estimator, X, y, cv=cv, n_jobs=n_jobs, random_state=random_state
        )
        curves = [_frame(fold.number, fold.curves) for fold in folds]
        scores = pd.concat(curves, ignore_index=True)
        return cls(scores, quantity=quantity, name=name).plot(ax)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        quantity: Quantity | None = None,
        ax: Axes | None = None,
        name: str | None = None,
    ) -> EpochCurveDisplay:
        """Draw what Keras has reported in a training.

        Parameters
        ----------
        history : fitted classifier, Pipeline, History, dict or DataFrame
            A classifier of this package, alone or at the end of a Pipeline or in a
            search; what `keras.Model.fit` returns; or a dict or DataFrame, such as the
            file that `keras.callbacks.CSVLogger` writes, with one value per epoch for
            "loss" and "accuracy", and for "val_loss" and "val_accuracy" if samples were
            held out.
        quantity : {"accuracy", "loss"}, default=None
            The quantity to draw. None draws the accuracy, if there is one.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.
        name : str, default=None
            What is drawn, for the legend.

        Returns
        -------
        display : EpochCurveDisplay
            Drawn; `plot` draws it again.

        Raises
        ------
        ValueError
            If there is no history, or it has not the quantity.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from skmnist import EpochCurveDisplay
        >>> history = {"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]}
        >>> display = EpochCurveDisplay.from_history(history)
        >>> display.curves.round(1)
           fold  epoch  train_accuracy  train_loss
        0     0      1             0.7         0.9
        1     0      2             0.9         0.4
        >>> plt.close(display.figure_)
        """
        history = _history_of(history)
        names = {
            f"{side}_{quantity}": f"{prefix}{quantity}"
            for quantity in _QUANTITIES
            for side, prefix in (("train", ""), ("validation", "val_"))
        }
        columns = {
            column: _values(history[name], name)
            for column, name in names.items()
            if name in history
        }
        if not columns:
            raise ValueError(
                "history must have 'loss' or 'accuracy', one value per epoch; got the "
                f"keys {sorted(map(str, history))}."
            )
        lengths = {names[column]: len(values) for column, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"history should have a value of each score per epoch, got {lengths}: "
                "with validation_freq those of some epochs are missing."
            )
        epochs = range(1, len(next(iter(columns.values()))) + 1)
        curves = pd.DataFrame({"fold": 0, "epoch": epochs, **columns})
        if quantity is None:
            quantity = "accuracy" if "train_accuracy" in curves else "loss"
        return cls(curves, quantity=quantity, source="history", name=name).plot(ax)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        quantity: Quantity | None = None,
        band: Literal["range", "std"] | None = "range",
        name: str | None = None,
    ) -> EpochCurveDisplay:
        """Draw the mean over folds and a band around it.

        On axes with other curves, these take another colour, and the legend shows all.
        If folds stopped after different numbers of epochs, the mean of an epoch is over
        the folds that reached it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.
        quantity : {"accuracy", "loss"}, default=None
            The quantity to draw. None uses the display's own.
        band : {"range", "std"} or None, default="range"
            The band's edges: the lowest and highest fold, or one standard deviation
            (n - 1 in the denominator) to either side of the mean. The legend says
            which. None draws no band.
        name : str, default=None
            What is drawn, for the legend. None uses the display's own.

        Returns
        -------
        display : EpochCurveDisplay
            Itself.

        Raises
        ------
        ValueError
            If the quantity or the band is unknown, or the curves do not have the
            quantity.
        """
        quantity = self.quantity if quantity is None else quantity
        _check_quantity(quantity)
        if band not in ("range", "std", None):
            raise ValueError(f"band must be 'range', 'std' or None, got {band!r}.")
        sides = [s for s in ("train", "validation") if f"{s}_{quantity}" in self.curves]
        if not sides:
            raise ValueError(
                f"The curves have no {quantity}: their columns are "
                f"{list(self.curves.columns)}."
            )
        ax = prepare_axes(ax, self)
        from matplotlib.ticker import MaxNLocator

        n_folds = self.curves["fold"].nunique()
        band = band if n_folds > 1 else None
        earlier = [line for line in ax.get_lines() if line.get_label()[:1] != "_"]
        self.lines_, self.bands_ = [], []
        for side in sides:
            scores = self.curves.pivot(
                index="epoch", columns="fold", values=f"{side}_{quantity}"
            )
            label = self._label(side, n_folds, self.name if name is None else name)
            line, fill = draw_mean(
                ax, side, scores.index, scores, label=label, band=band
            )
            self.lines_.append(line)
            self.bands_ += [] if fill is None else [fill]
        add_legend(ax, [*earlier, *self.lines_], band)
        ax.set(title=_WORDS[self.source][quantity], xlabel="Epoch")
        label_scores(ax, quantity)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return self

    def _label(self, side, n_folds, name):
        """Return the label of a line."""
        words = _WORDS[self.source][side]
        named = words if name is None else f"{name}: {words[0].lower()}{words[1:]}"
        return f"{named}, mean of {n_folds} folds" if n_folds > 1 else named


def _check_quantity(quantity):
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity must be one of {_QUANTITIES}, got {quantity!r}.")


def _history_of(source):
    """Return the dict of a training's history.

    Raises
    ------
    NotFittedError
        If an estimator is not fitted.
    ValueError
        If there is no history.
    """
    from skmnist._cross_validation._scores import final_step

    if isinstance(source, Mapping | pd.DataFrame):
        return source
    if isinstance(source, BaseEstimator):
        check_is_fitted(source)
    history = getattr(final_step(source), "history_", getattr(source, "history", None))
    if not isinstance(history, Mapping):
        raise ValueError(
            f"{source!r} has no history: pass a fitted classifier of skmnist, a "
            "Pipeline that ends in one, what keras.Model.fit returns, or a dict."
        )
    return history


def _values(values, name):
    """Return the values of a score as an array of one number per epoch."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim != 1 or not len(array):
        raise ValueError(
            f"history should have one number per epoch for {name!r}, got {values!r}."
        )
    return array


def _frame(fold, curves):
    """Return the curves of one fold in the form that the constructor takes."""
    names = [f"{side}_{q}" for q in _QUANTITIES for side in ("train", "validation")]
    columns = {name: getattr(curves, name) for name in names}
    epochs = range(1, len(curves.train_loss) + 1)
    return pd.DataFrame({"fold": fold, "epoch": epochs, **columns})
