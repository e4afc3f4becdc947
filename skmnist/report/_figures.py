"""The figures of a report as PNG files, drawn without pyplot."""

import functools
import io

import numpy as np

from skmnist.displays import EpochCurveDisplay, FitDiagnosisDisplay
from skmnist.displays._names import label_names, use_fonts
from skmnist.displays._style import (
    SIDES,
    STYLES,
    add_legend,
    draw_mean,
    label_scores,
)
from skmnist.report._matrices import confusion_matrix_height, draw_confusion_matrix

# Dots per inch, of the files and of the pictures in a page.
_DPI = 300


class Drawing:
    """A figure that is drawn when it is first needed.

    Parameters
    ----------
    draw : callable
        Draws on matplotlib Axes.
    description : str
        Caption, and alternative text for readers who cannot see the figure.
    height : float, default=4
        In inches; the width is 6 inches.
    """

    def __init__(self, draw, description, height=4):
        self.description = description
        self.height = height
        self.draw = draw

    @functools.cached_property
    def png(self):
        """The content of a PNG file of 300 dots per inch."""
        return self.render(_DPI)

    def render(self, dpi):
        """Draw the figure and return the content of a PNG file."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, self.height), layout="constrained")
        FigureCanvasAgg(figure)
        self.draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()


def noun_of(diagnosis):
    """Return "image" if the samples are images, else "sample"."""
    pictures = diagnosis.mistake_images is not None
    return "image" if pictures or len(diagnosis.data["X"]["shape"]) > 2 else "sample"


def drawings_of(diagnosis):
    """Return the drawings that a diagnosis has data for, by name.

    Parameters
    ----------
    diagnosis : FitDiagnosis

    Returns
    -------
    drawings : dict of str to Drawing
    """
    if diagnosis.epochs is None:
        by, draw = "of each fold", _draw_folds
    else:
        by, draw = "after each epoch, mean and range over folds", _draw_epochs
    noun = noun_of(diagnosis)
    drawings = {
        "error_budget": Drawing(
            lambda ax: FitDiagnosisDisplay(diagnosis).plot(ax),
            f"{_errors_in_words(diagnosis)} error with their intervals",
        ),
        "accuracy": Drawing(
            lambda ax: draw(ax, diagnosis, "accuracy"),
            f"Training and validation accuracy {by}",
        ),
        "loss": Drawing(
            lambda ax: draw(ax, diagnosis, "loss"),
            f"Training and validation loss {by}",
        ),
        "learning_curve": Drawing(
            lambda ax: _draw_learning_curve(ax, diagnosis),
            f"Training and validation accuracy by the number of training {noun}s",
        ),
        "capacity_curve": Drawing(
            lambda ax: draw_values(
                ax, diagnosis.capacity_curve, "Capacity, from simple to complex"
            ),
            "Training and validation accuracy by the value of the parameter of "
            "capacity, the simplest first",
        ),
        "confusion_matrix": Drawing(
            lambda ax: draw_confusion_matrix(
                ax, diagnosis.confusion_matrix, diagnosis.classes, noun
            ),
            f"Number of {noun}s by true and predicted class, each {noun} predicted by "
            "a model that was not trained on it",
            height=confusion_matrix_height(diagnosis.classes),
        ),
        "calibration": Drawing(
            lambda ax: _draw_calibration(ax, diagnosis.calibration),
            "Accuracy of the predictions by their probability, a point for each tenth "
            "of the predictions",
        ),
    }
    if diagnosis.folds["validation_loss"].isna().all():  # no probabilities
        del drawings["loss"]
    for name in ("learning_curve", "capacity_curve", "calibration"):
        if getattr(diagnosis, name) is None:
            del drawings[name]
    return drawings


def _errors_in_words(diagnosis):
    if "test" in diagnosis.errors:
        return "Reference, training, validation and test"
    return "Reference, training and validation"


def draw_values(ax, curve, xlabel, title="Capacity curve", quantity="accuracy"):
    """Draw scores by the value of a parameter.

    Parameters
    ----------
    ax : matplotlib Axes
    curve : DataFrame
        Columns value (in the order to draw), fold, and train and validation scores.
    xlabel, title : str
    quantity : str, default="accuracy"
        The scores are in the columns ``train_{quantity}`` and
        ``validation_{quantity}``; the former may be missing.
    """
    values = curve["value"].unique()
    place = curve["value"].map({value: i for i, value in enumerate(values)})
    lines = []
    for side, name in SIDES.items():
        if f"{side}_{quantity}" not in curve:
            continue
        # The mean of candidates that were tried twice.
        scores = curve.assign(place=place).pivot_table(
            index="place", columns="fold", values=f"{side}_{quantity}"
        )
        label = f"{name}, mean of folds"
        lines.append(draw_mean(ax, side, scores.index, scores, label=label)[0])
    add_legend(ax, lines)
    labels = label_names(values, 16, "value")
    crowded = sum(map(len, labels)) > 50
    ax.set_xticks(
        range(len(values)),
        labels,
        rotation=30 if crowded else 0,
        ha="right" if crowded else "center",
    )
    ax.set(
        xlabel=label_names([xlabel], 60, "parameter")[0],
        title=label_names([title], 60, "Validation curve")[0],
    )
    label_scores(ax, quantity)
    use_fonts(ax)


def _draw_epochs(ax, diagnosis, quantity):
    EpochCurveDisplay(diagnosis.epochs, quantity=quantity).plot(ax)


def _draw_folds(ax, diagnosis, quantity):
    from matplotlib.ticker import MaxNLocator

    folds = diagnosis.folds
    for side, name in SIDES.items():
        style = {**STYLES[side], "linestyle": "none"}
        ax.plot(folds["fold"], folds[f"{side}_{quantity}"], label=name, **style)
    ax.legend()
    ax.set(title=f"{quantity.capitalize()} of each fold", xlabel="Fold")
    label_scores(ax, quantity)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)


def _draw_learning_curve(ax, diagnosis):
    curve = diagnosis.learning_curve
    # Folds differ by a sample or so, so points are matched by the rank of their size.
    step = curve.groupby("fold")["train_size"].rank(method="dense")
    by_step = curve.assign(step=step).pivot(index="step", columns="fold")
    sizes = by_step["train_size"].mean(axis=1)
    lines = [
        draw_mean(
            ax,
            side,
            sizes,
            by_step[f"{side}_accuracy"],
            label=f"{name}, mean of folds",
        )[0]
        for side, name in SIDES.items()
    ]
    if diagnosis.extrapolation is not None:
        lines.append(_draw_extrapolation(ax, diagnosis.extrapolation))
    add_legend(ax, lines)
    ax.set(xlabel=f"Training {noun_of(diagnosis)}s", title="Learning curve")
    label_scores(ax, "accuracy")


def _draw_extrapolation(ax, extrapolation):
    """Draw the extrapolated validation accuracy with its 95 % band; return the line."""
    curve, colour = extrapolation.to_frame(), STYLES["validation"]["color"]
    curve = curve[curve["train_size"] >= 0.999 * extrapolation.n_train]
    size = curve["train_size"]
    ax.fill_between(
        size,
        1 - curve["high"],
        1 - curve["low"],
        facecolor="none",
        edgecolor=colour,
        alpha=0.5,
        hatch="////",
        linewidth=0,
    )
    label = "Extrapolated; hatched: its 95 % interval"
    (line,) = ax.plot(size, 1 - curve["error"], ":", color=colour, label=label)
    for times in (2, 4):
        n_train = times * extrapolation.n_train
        ax.axvline(n_train, color="#999999", linewidth=0.8, zorder=0)
        ax.annotate(
            f"{times} times",
            (n_train, 0.5),  # above the legend, and mostly below the band
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="right",
            va="center",
            backgroundcolor="white",
            fontsize="small",
            color="#555555",
        )
    return line


def _draw_calibration(ax, calibration):
    from matplotlib.ticker import PercentFormatter

    probability, accuracy = calibration["probability"], calibration["accuracy"]
    least = min(probability.min(), accuracy.min())
    start = max(0.0, np.floor(20 * (least - 0.01)) / 20)
    ax.plot(
        [start, 1],
        [start, 1],
        color="#555555",
        linestyle=":",
        label="Perfectly calibrated",
    )
    style = {**STYLES["validation"], "linestyle": "-"}
    ax.plot(probability, accuracy, label="Out of fold", **style, clip_on=False)
    ax.fill_between(
        [start, 1], [start, 1], start, color="#999999", alpha=0.12, linewidth=0
    )
    ax.text(
        0.97,
        0.06,
        "Below the line: overconfident",
        transform=ax.transAxes,
        ha="right",
        color="#555555",
        fontsize="small",
    )
    ax.set(
        xlim=(start, 1.005),
        ylim=(start, 1.005),
        title="Calibration",
        xlabel="Predicted probability (%)",
        ylabel="Accuracy (%)",
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=""))
    ax.legend(loc="upper left")
    ax.grid(alpha=0.3)
