"""The report of a diagnosis: a folder of figures and tables, and a page in one file."""

import base64
import importlib.metadata
import io
import json
import platform
from pathlib import Path

import numpy as np

from skmnist import __version__
from skmnist._atomic import replacing
from skmnist.displays import (
    STYLES,
    EpochCurveDisplay,
    FitDiagnosisDisplay,
    band_handle,
    label_scores,
    readable,
)

__all__ = ["FILES", "render_html", "write_report"]

#: The files of a report folder. Nothing else in the folder is ever touched.
FILES = (
    "report.html",
    "accuracy.png",
    "loss.png",
    "learning_curve.png",
    "confusion_matrix.png",
    "results.csv",
    "diagnosis.json",
)

_PRINT_DPI = 300
_SCREEN_DPI = 130

# Numbers in the cells of a larger confusion matrix could not be read.
_MOST_CLASSES_WITH_COUNTS = 20

_PACKAGES = ("scikit-learn", "tensorflow", "keras", "scikeras", "numpy", "pandas")


def write_report(diagnosis, folder, *, command=None, configuration=None):
    """Write the report of a diagnosis into a folder.

    Each file is put in its place in one step, so that none is ever half written.
    Figures have 300 dots per inch. A figure that this diagnosis has no data for
    (``learning_curve.png`` where no learning curve was asked for, ``loss.png`` of a
    classifier without probabilities) is not written, and one of an earlier report is
    removed. Other files in the folder stay as they are.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        What `diagnose_fit` gave.
    folder : path-like
        Where to. Made if it does not exist.
    command : str, default=None
        The command that gives this report again, for the page.
    configuration : dict, default=None
        Settings by name, for the page.

    Returns
    -------
    paths : list of pathlib.Path
        The files written.

    Raises
    ------
    OSError
        If the folder or a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> from skmnist.report import write_report
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_report(diagnosis, folder)
    >>> [path.name for path in paths][:3]
    ['report.html', 'accuracy.png', 'loss.png']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page = render_html(diagnosis, command=command, configuration=configuration)
    record = {
        **diagnosis.to_dict(),
        "command": command,
        "configuration": configuration,
        "versions": _versions(),
    }
    content = {
        "report.html": page.encode(),
        **{
            f"{name}.png": _png(draw, _PRINT_DPI)
            for name, (draw, _) in _figures(diagnosis).items()
            if f"{name}.png" in FILES
        },
        "results.csv": diagnosis.folds.to_csv(index=False).encode(),
        "diagnosis.json": (
            json.dumps(record, indent=2, allow_nan=False) + "\n"
        ).encode(),
    }
    for name in FILES:
        if name in content:
            with replacing(folder / name) as file:
                file.write(content[name])
        else:
            (folder / name).unlink(missing_ok=True)
    return [folder / name for name in FILES if name in content]


def render_html(diagnosis, *, command=None, configuration=None):
    """Render the report of a diagnosis as one HTML page.

    The page stands alone: its figures are embedded and it asks nothing of the network.
    It follows the reader's choice of light or dark.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        What `diagnose_fit` gave.
    command : str, default=None
        The command that gives this report again.
    configuration : dict, default=None
        Settings by name.

    Returns
    -------
    html : str
        The page.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> from skmnist.report import render_html
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> render_html(diagnosis).startswith("<!DOCTYPE html>")
    True
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skmnist", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda value: f"{100 * value:.2f}"
    environment.filters["evidence"] = _evidence
    sentence = diagnosis.sentence.removeprefix(f"{diagnosis.verdict}: ")
    return environment.get_template("report.html").render(
        diagnosis=diagnosis,
        sentence=sentence[:1].upper() + sentence[1:],
        figures=[
            {
                "name": name,
                "description": description,
                "png": base64.b64encode(_png(draw, _SCREEN_DPI)).decode(),
            }
            for name, (draw, description) in _figures(diagnosis).items()
        ],
        folds=diagnosis.folds.to_dict("records"),
        summary=diagnosis.summary.to_dict("index"),
        columns=[
            ("train_loss", "Training loss", False),
            ("validation_loss", "Validation loss", False),
            ("train_accuracy", "Training accuracy, %", True),
            ("validation_accuracy", "Validation accuracy, %", True),
            ("train_balanced_accuracy", "Training balanced accuracy, %", True),
            ("validation_balanced_accuracy", "Validation balanced accuracy, %", True),
        ],
        command=command,
        configuration=configuration or {},
        versions=_versions(),
    )


def _figures(diagnosis):
    """Return how to draw each figure there is data for, and what it shows."""
    if diagnosis.epochs is None:
        by, draw = "of each fold", _draw_folds
    else:
        by, draw = "after each epoch, mean and range over folds", _draw_epochs
    figures = {
        "error_budget": (
            lambda ax: FitDiagnosisDisplay(diagnosis).plot(ax),
            "Reference, training and validation error with their intervals",
        ),
        "accuracy": (
            lambda ax: draw(ax, diagnosis, "accuracy"),
            f"Training and validation accuracy {by}",
        ),
        "loss": (
            lambda ax: draw(ax, diagnosis, "loss"),
            f"Training and validation loss {by}",
        ),
        "learning_curve": (
            lambda ax: _draw_learning_curve(ax, diagnosis.learning_curve),
            "Training and validation accuracy by the number of training images",
        ),
        "confusion_matrix": (
            lambda ax: _draw_confusion_matrix(ax, diagnosis),
            "Number of images by true and predicted class, each image predicted by a "
            "network that was not trained on it",
        ),
    }
    if diagnosis.learning_curve is None:
        del figures["learning_curve"]
    if diagnosis.folds["validation_loss"].isna().all():  # no probabilities
        del figures["loss"]
    return figures


def _draw_epochs(ax, diagnosis, quantity):
    EpochCurveDisplay(diagnosis.epochs, quantity=quantity).plot(ax)


def _draw_folds(ax, diagnosis, quantity):
    from matplotlib.ticker import MaxNLocator

    folds = diagnosis.folds
    for side, name in (("train", "Training"), ("validation", "Validation")):
        style = {**STYLES[side], "linestyle": "none"}
        ax.plot(folds["fold"], folds[f"{side}_{quantity}"], label=name, **style)
    ax.legend()
    ax.set(title=f"{quantity.capitalize()} of each fold", xlabel="Fold")
    label_scores(ax, quantity)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)


def _draw_learning_curve(ax, curve):
    from sklearn.model_selection import LearningCurveDisplay

    # Folds differ by a sample or so: the smallest size of each belongs to one point.
    step = curve.groupby("fold")["train_size"].rank(method="dense")
    by_step = curve.assign(step=step).pivot(index="step", columns="fold")
    display = LearningCurveDisplay(
        train_sizes=by_step["train_size"].mean(axis=1).to_numpy(),
        train_scores=by_step["train_accuracy"].to_numpy(),
        test_scores=by_step["validation_accuracy"].to_numpy(),
    ).plot(ax, fill_between_kw={"alpha": 0.2, "linewidth": 0})
    sides = {"train": "Training", "validation": "Validation"}
    drawn = zip(sides, display.lines_, display.fill_between_, strict=True)
    for side, line, fill in drawn:
        line.set(label=f"{sides[side]}, mean of folds", **STYLES[side], markersize=4)
        fill.set_color(STYLES[side]["color"])
    ax.legend(handles=[*display.lines_, band_handle("Band: ±1 standard deviation")])
    ax.set(xlabel="Training images", title="Learning curve")
    label_scores(ax, "accuracy")
    ax.grid(alpha=0.3)


def _draw_confusion_matrix(ax, diagnosis):
    from matplotlib.colors import PowerNorm
    from sklearn.metrics import ConfusionMatrixDisplay

    labels = [readable(str(label), 12) for label in diagnosis.classes]
    n_classes = len(labels)
    ConfusionMatrixDisplay(diagnosis.confusion_matrix, display_labels=labels).plot(
        ax=ax,
        cmap="Blues",
        # Of a good model only the diagonal would be seen on a linear scale.
        im_kw={"norm": PowerNorm(0.4, vmin=0)},
        include_values=n_classes <= _MOST_CLASSES_WITH_COUNTS,
        text_kw={"fontsize": 9 if n_classes <= 12 else 6},
        xticks_rotation="vertical" if max(map(len, labels)) > 3 else "horizontal",
        values_format="d",
        colorbar=n_classes > _MOST_CLASSES_WITH_COUNTS,
    )
    ax.set(title="Confusion matrix, out of fold (images)")


def _png(draw, dpi):
    """Draw on a figure of its own, away from pyplot and its backend; return a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _versions():
    versions = {"skmnist": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # a build under another name
            continue
    return versions


def _evidence(value):
    """Write one number of a finding's evidence for people."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_evidence, value))
    return str(value)
