"""The error budget: reference, training and validation error side by side."""

import numpy as np

from skmnist.displays._style import STYLES, prepare_axes, readable


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
        ax = prepare_axes(ax, self)
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


def _numbers(estimate):
    return np.array([estimate.value, estimate.low, estimate.high], dtype=float)
