"""The error budget: reference, training, validation and test error side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skmnist.displays._names import label_names, use_fonts
from skmnist.displays._style import SIDES, STYLES, prepare_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from skmnist.diagnosis import FitDiagnosis


# The rows of the picture, from the top; the last one if there are test samples.
_ROWS = ("reference", "train", "validation", "test")


class FitDiagnosisDisplay:
    """Error budget: reference, training and validation error with their intervals.

    A shaded span behind the training error shows the tolerated bias above the
    reference error, and a span behind the validation error the tolerated gap above the
    training error. A point beyond its span is a bias or a gap larger than the
    tolerance. With labelled test samples, a last row shows the error on them.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        The result of `diagnose_fit`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure that contains it.
    lines_ : list of matplotlib Line2D
        The points of reference, training and validation, and of the test samples.

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

    __module__ = "skmnist.displays"

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]

    def __init__(self, diagnosis: FitDiagnosis) -> None:
        self.diagnosis = diagnosis

    def plot(self, ax: Axes | None = None) -> FitDiagnosisDisplay:
        """Draw the errors with their intervals.

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
        self.lines_ = [
            _draw_error(ax, row, name, diagnosis.errors[name])
            for row, name in enumerate(_ROWS)
            if name in diagnosis.errors
        ]
        known_above = has_known_error(diagnosis) and (
            diagnosis.errors["reference"].value > diagnosis.errors["train"].value
        )
        _draw_step(ax, "Bias", diagnosis, "reference", 0)
        # A known error is irreducible, so a gap begins there if training went below it.
        tolerated = _draw_step(
            ax, "Gap", diagnosis, "reference" if known_above else "train", 1
        )
        _set_limits(ax, diagnosis)
        (reference,) = label_names([diagnosis.reference], 18, "model")
        labels = [f"Reference\n{reference}", *SIDES.values(), "Test"]
        ax.set_yticks(range(len(self.lines_)), labels[: len(self.lines_)])
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        ax.set(xlabel="Error (%)", title=f"Error budget: {diagnosis.verdict}")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.legend(handles=[tolerated], loc="upper right", fontsize="small")
        use_fonts(ax)
        return self


def has_known_error(diagnosis):
    """Return whether the reference is a given number, which has no interval."""
    reference = diagnosis.errors["reference"]
    return reference.low == reference.high


def _draw_error(ax, row, name, error):
    """Draw an error with its interval and value in a row; return its point."""
    style, high = STYLES[name], float(error.high)
    ax.hlines(row, error.low, high, color=style["color"], linewidth=2)
    (point,) = ax.plot(
        error.value, row, marker=style["marker"], color=style["color"], markersize=8
    )
    ax.annotate(
        f"{100 * error.value:.2f} %",
        (max(error.value, high), row),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=style["color"],
    )
    return point


def _draw_step(ax, word, diagnosis, baseline, row):
    """Draw what is tolerated above a baseline error, and write bias or gap beside it.

    Parameters
    ----------
    ax : matplotlib Axes
    word : {"Bias", "Gap"}
    diagnosis : FitDiagnosis
    baseline : {"reference", "train"}
        The error that the step begins at.
    row : int
        The row above the step.

    Returns
    -------
    span : matplotlib artist
    """
    start = diagnosis.errors[baseline].value
    span = ax.fill_betweenx(
        [row + 0.72, row + 1.28],
        start,
        start + diagnosis.tolerance,
        color="#999999",
        alpha=0.25,
        linewidth=0,
        label=f"Tolerated: {100 * diagnosis.tolerance:g} points more",
    )
    top = _ROWS.index(baseline)
    ax.vlines(start, top, row + 1.28, color="#999999", linewidth=0.8, zorder=0)
    step = getattr(diagnosis, word.lower())
    value, low, high = (100 * n for n in (step.value, step.low, step.high))
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
    return span


def _set_limits(ax, diagnosis):
    """Leave room for the values to the right of the intervals and spans."""
    errors, tolerance = diagnosis.errors, diagnosis.tolerance
    highest = max(
        *(error.high for error in errors.values()),
        *(errors[name].value + tolerance for name in ("reference", "train")),
    )
    lowest = min(0.0, *(error.low for error in errors.values()))
    width = highest - lowest
    ax.set_xlim(lowest - 0.06 * width, lowest + 1.3 * width)
    ax.set_ylim(len(errors) - 0.4, -0.5)
