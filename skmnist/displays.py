"""Pictures of a fit: scores per epoch, and the budget of its error."""

import numpy as np
import pandas as pd
from sklearn.utils._optional_dependencies import check_matplotlib_support

__all__ = ["EpochCurveDisplay", "FitDiagnosisDisplay"]

# Of Okabe and Ito's palette, which colour-blind readers can tell apart; markers and
# line styles say the same a second time.
STYLES = {
    "reference": {"color": "#555555", "marker": "D"},
    "train": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "validation": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
}

_QUANTITIES = ("accuracy", "loss")

# What the two sources of a curve are called: they must not be taken for each other.
_WORDS = {
    "inference": {
        "accuracy": "Accuracy after each epoch (inference mode)",
        "loss": "Loss after each epoch (inference mode)",
        "train": "Training",
        "validation": "Validation",
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

    Create it with :meth:`from_estimator`, which scores the network after every epoch in
    inference mode on both sides of each split, or with :meth:`from_history`, which
    draws what Keras printed while it trained. The two differ (a running average with
    dropout is not a score) and their plots carry different names.

    Parameters
    ----------
    curves : DataFrame
        One row per fold and epoch, with the columns "fold", "epoch" (from 1) and any of
        "train_accuracy", "validation_accuracy" (fractions), "train_loss" and
        "validation_loss".
    quantity : {"accuracy", "loss"}, default="accuracy"
        What `plot` draws.
    source : {"inference", "history"}, default="inference"
        Whether the scores were taken after each epoch in inference mode, or are the
        epoch history of Keras. It decides the words on the plot.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure that contains them.
    lines_ : list of matplotlib Line2D
        The mean over folds, training first.
    bands_ : list of matplotlib artists
        The spread over folds, in the same order; empty where there is one fold.

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

    def __init__(self, curves, *, quantity="accuracy", source="inference"):
        self.curves = curves
        self.quantity = quantity
        self.source = source

    @classmethod
    def from_estimator(cls, estimator, X, y, *, cv=5, n_jobs=None, quantity="accuracy"):
        """Cross-validate a classifier and score it after every epoch.

        Parameters
        ----------
        estimator : estimator object
            A classifier of this package, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, ...)
            Images.
        y : array-like of shape (n_samples,)
            Labels.
        cv : int, cross-validation generator or an iterable, default=5
            How to split, as in scikit-learn: an integer gives stratified folds.
        n_jobs : int, default=None
            The number of folds to fit at once.
        quantity : {"accuracy", "loss"}, default="accuracy"
            What `plot` draws.

        Returns
        -------
        display : EpochCurveDisplay
            Not drawn yet: call `plot`.

        Raises
        ------
        ValueError
            If the estimator does not train in epochs.
        """
        from skmnist.diagnosis._folds import run_folds
        from skmnist.diagnosis._followed import can_be_followed

        if not can_be_followed(estimator, {}):
            raise ValueError(
                f"{estimator!r} cannot be followed from epoch to epoch: give a "
                "classifier of skmnist, without callbacks or warm_start, or a Pipeline "
                "that ends in one."
            )
        folds = run_folds(estimator, X, y, cv=cv, n_jobs=n_jobs)
        curves = [_frame(fold.number, fold.curves) for fold in folds]
        return cls(pd.concat(curves, ignore_index=True), quantity=quantity)

    @classmethod
    def from_history(cls, history, *, quantity="accuracy"):
        """Draw the `history_` of a fitted classifier.

        Parameters
        ----------
        history : dict of str to list of float
            "loss" and "accuracy", and "val_loss" and "val_accuracy" where samples were
            held out inside `fit`; one value per epoch.
        quantity : {"accuracy", "loss"}, default="accuracy"
            What `plot` draws.

        Returns
        -------
        display : EpochCurveDisplay
            Not drawn yet: call `plot`.

        Raises
        ------
        ValueError
            If the history holds neither quantity.

        Examples
        --------
        >>> from skmnist import EpochCurveDisplay
        >>> history = {"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]}
        >>> EpochCurveDisplay.from_history(history).curves.round(1)
           fold  epoch  train_accuracy  train_loss
        0     0      1             0.7         0.9
        1     0      2             0.9         0.4
        """
        names = {
            f"{side}_{quantity}": f"{prefix}{quantity}"
            for quantity in _QUANTITIES
            for side, prefix in (("train", ""), ("validation", "val_"))
        }
        columns = {
            column: list(history[name])
            for column, name in names.items()
            if name in history
        }
        if not columns:
            raise ValueError(
                "A history needs 'loss' or 'accuracy', one value per epoch, got the "
                f"keys {sorted(history)}: pass the `history_` of a fitted classifier."
            )
        epochs = range(1, len(next(iter(columns.values()))) + 1)
        curves = pd.DataFrame({"fold": 0, "epoch": epochs, **columns})
        return cls(curves, quantity=quantity, source="history")

    def plot(self, ax=None, *, quantity=None, band="range"):
        """Draw the mean over folds and a band around it.

        Where folds stopped after different numbers of epochs, an epoch's mean is over
        the folds that reached it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.
        quantity : {"accuracy", "loss"}, default=None
            What to draw. None takes the display's own.
        band : {"range", "std"} or None, default="range"
            The band's edges: the lowest and highest fold, or one standard deviation
            (n - 1 in the denominator) to either side of the mean. The legend says
            which. None draws no band.

        Returns
        -------
        display : EpochCurveDisplay
            Itself.

        Raises
        ------
        ValueError
            If the quantity or the band is not one of those named, or the curves do not
            hold the quantity.
        """
        quantity = self.quantity if quantity is None else quantity
        if quantity not in _QUANTITIES:
            raise ValueError(
                f"quantity must be one of {_QUANTITIES}, got {quantity!r}."
            )
        if band not in ("range", "std", None):
            raise ValueError(f"band must be 'range', 'std' or None, got {band!r}.")
        sides = [s for s in ("train", "validation") if f"{s}_{quantity}" in self.curves]
        if not sides:
            raise ValueError(
                f"The curves hold no {quantity}: their columns are "
                f"{list(self.curves.columns)}."
            )
        ax = _axes(ax, self)
        from matplotlib.ticker import MaxNLocator

        words, n_folds = _WORDS[self.source], self.curves["fold"].nunique()
        by_epoch = self.curves.groupby("epoch")
        self.lines_, self.bands_ = [], []
        for side in sides:
            scores = by_epoch[f"{side}_{quantity}"]
            mean, style = scores.mean(), STYLES[side]
            label = words[side] + (f", mean of {n_folds} folds" if n_folds > 1 else "")
            self.lines_ += ax.plot(mean.index, mean, label=label, markersize=4, **style)
            if n_folds > 1 and band is not None:
                # A single fold at an epoch has no standard deviation.
                spread = scores.std().fillna(0)
                low, high = (
                    (scores.min(), scores.max())
                    if band == "range"
                    else (mean - spread, mean + spread)
                )
                fill = ax.fill_between(
                    mean.index, low, high, color=style["color"], alpha=0.2, linewidth=0
                )
                self.bands_.append(fill)
        handles = [*self.lines_]
        if self.bands_:
            edges = {"range": "lowest to highest fold", "std": "±1 standard deviation"}
            handles.append(band_handle(f"Band: {edges[band]}"))
        ax.legend(handles=handles)
        ax.set(title=words[quantity], xlabel="Epoch")
        label_scores(ax, quantity)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
        return self


class FitDiagnosisDisplay:
    """The budget of an error: from the reference over training to validation.

    A shaded span behind the training error reaches from the reference error up to the
    tolerance, and one behind the validation error from the training error up to the
    tolerance. A point beyond its span is a bias or a gap larger than tolerated; the
    bars are the intervals that the verdict weighs.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        What `diagnose_fit` gave.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure that contains it.
    lines_ : list of matplotlib Line2D
        The points of reference, training and validation.

    See Also
    --------
    EpochCurveDisplay : Scores after each epoch.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import FitDiagnosisDisplay, diagnose_fit
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> display = FitDiagnosisDisplay(diagnosis).plot()
    >>> len(display.lines_)
    3
    >>> plt.close(display.figure_)
    """

    def __init__(self, diagnosis):
        self.diagnosis = diagnosis

    def plot(self, ax=None):
        """Draw the three errors with their intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : FitDiagnosisDisplay
            Itself.
        """
        ax = _axes(ax, self)
        from matplotlib.ticker import PercentFormatter

        diagnosis = self.diagnosis
        errors = diagnosis.errors
        rows = ("reference", "train", "validation")
        names = (
            "Reference\n" + readable(str(diagnosis.reference), 18),
            "Training",
            "Validation",
        )
        self.lines_ = []
        for row, name in enumerate(rows):
            value, low, high = _numbers(errors[name])
            style = STYLES[name]
            ax.hlines(row, low, high, color=style["color"], linewidth=2)
            self.lines_ += ax.plot(
                value, row, marker=style["marker"], color=style["color"], markersize=8
            )
            ax.annotate(
                f"{100 * value:.2f} %",
                (max(value, high), row),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=style["color"],
            )
        known = has_known_error(diagnosis)
        steps = (("Bias", diagnosis.bias), ("Gap", diagnosis.gap))
        for row, (word, step) in enumerate(steps):
            start, top = errors[rows[row]].value, row
            if word == "Gap" and known and errors["reference"].value > start:
                # What is known to be irreducible is no gap, whatever training reached.
                start, top = errors["reference"].value, 0
            tolerated = ax.fill_betweenx(
                [row + 0.72, row + 1.28],
                start,
                start + diagnosis.tolerance,
                color="#999999",
                alpha=0.25,
                linewidth=0,
                label=f"Tolerated: {100 * diagnosis.tolerance:g} points more",
            )
            value, low, high = (100 * number for number in _numbers(step))
            ax.vlines(start, top, row + 1.28, color="#999999", linewidth=0.8, zorder=0)
            numbers = f"{value:+.2f} points, {low:+.2f} to {high:+.2f}"
            ax.annotate(
                f"{word} {numbers}".replace("-", "\N{MINUS SIGN}"),
                (start, row + 0.5),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 1},
            )
        highest = max(
            *(errors[name].high for name in rows),
            *(errors[name].value + diagnosis.tolerance for name in rows[:2]),
        )
        lowest = min(0.0, *(errors[name].low for name in rows))
        ax.set_xlim(
            lowest - 0.06 * (highest - lowest), lowest + 1.3 * (highest - lowest)
        )
        ax.set_ylim(2.6, -0.5)
        ax.set_yticks(range(3), names)
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        ax.set(xlabel="Error (%)", title=f"Error budget: {diagnosis.verdict}")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.legend(handles=[tolerated], loc="upper right", fontsize="small")
        return self


def has_known_error(diagnosis):
    """Tell whether the reference is a number given, which has no interval."""
    reference = diagnosis.errors["reference"]
    return reference.low == reference.high


def label_scores(ax, quantity):
    """Name the y axis of accuracies (fractions, shown in percent) or of losses."""
    from matplotlib.ticker import PercentFormatter

    if quantity == "accuracy":
        ax.set_ylabel("Accuracy (%)")
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    else:
        ax.set_ylabel("Cross-entropy loss (nats)")


def _frame(fold, curves):
    """Return the curves of one fold, as the constructor takes them."""
    names = [f"{side}_{q}" for q in _QUANTITIES for side in ("train", "validation")]
    columns = {name: getattr(curves, name) for name in names}
    epochs = range(1, len(curves.train_loss) + 1)
    return pd.DataFrame({"fold": fold, "epoch": epochs, **columns})


def _axes(ax, display):
    """Return the axes to draw on, and note them on the display as scikit-learn does."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots()
    display.ax_, display.figure_ = ax, ax.figure
    return ax


def band_handle(label):
    """Return what a legend shows for a band."""
    from matplotlib.patches import Patch

    return Patch(facecolor="#999999", alpha=0.4, label=label)


def _numbers(estimate):
    return np.array([estimate.value, estimate.low, estimate.high], dtype=float)


def readable(text, width):
    """Cut a name to fit a picture, and keep it from being read as a formula."""
    text = text if len(text) <= width else text[: width - 1] + "…"
    return text.replace("$", r"\$")
