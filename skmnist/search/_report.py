"""The report of a search: a page, a table, a record, and validation curves."""

import math

from skmnist._estimate import percent
from skmnist.report._figures import Drawing, draw_values
from skmnist.report._folder import PARTIAL_FILE, write_files
from skmnist.report._page import render
from skmnist.report._provenance import as_json, versions
from skmnist.search._values import written, written_value

_MOST_ROWS = 50


def write_search(diagnosis, folder, *, command=None, configuration=None):
    """Write the report of a search into a folder.

    Parameters
    ----------
    diagnosis : SearchDiagnosis
    folder : path-like
    command : str, default=None
        The command that makes this report.
    configuration : dict, default=None
        Settings by name.

    Returns
    -------
    paths : list of pathlib.Path
    """
    drawings = _drawings(diagnosis)
    page = _render(diagnosis, drawings, command, configuration)
    record = {
        **diagnosis.to_dict(),
        "command": command,
        "configuration": configuration or {},
        "versions": versions(),
    }
    content = {
        "report.html": page.encode(),
        "results.csv": _as_typed(diagnosis.results).to_csv(index=False).encode(),
        "search.json": as_json(record),
        **{f"{name}.png": drawing.png for name, drawing in drawings.items()},
    }
    return write_files(folder, (*content, PARTIAL_FILE), content)


def render_search(diagnosis, *, command=None, configuration=None):
    """Render the report of a search as one HTML page.

    Parameters
    ----------
    diagnosis : SearchDiagnosis
    command : str, default=None
    configuration : dict, default=None

    Returns
    -------
    html : str
    """
    return _render(diagnosis, _drawings(diagnosis), command, configuration)


def plot_curves(diagnosis):
    """Draw the validation curve of every parameter, side by side.

    Parameters
    ----------
    diagnosis : SearchDiagnosis

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    curves = diagnosis.curves
    if not curves:
        raise ValueError(
            "The search has no validation curve: no parameter has several values with "
            "the other parameters as in the best candidate."
        )
    figure, axes = plt.subplots(
        1,
        len(curves),
        figsize=(6 * len(curves), 4),
        layout="constrained",
        squeeze=False,
    )
    for ax, name in zip(axes[0], curves, strict=True):
        _draw_curve(ax, diagnosis, name)
    return figure


def _drawings(diagnosis):
    rounds = " (first round of halving)" if diagnosis.resource is not None else ""
    sides = "Training and validation" if _has_train(diagnosis) else "Validation"
    return {
        f"validation_curve_{name}": Drawing(
            lambda ax, name=name: _draw_curve(ax, diagnosis, name),
            f"{sides} {diagnosis.quantity} by {name}{rounds}",
        )
        for name in diagnosis.curves
    }


def _has_train(diagnosis):
    return diagnosis.scores.train is not None


def _draw_curve(ax, diagnosis, name):
    rounds = " (first round of halving)" if diagnosis.resource is not None else ""
    draw_values(
        ax,
        diagnosis.curves[name],
        name,
        f"Validation curve of {name}{rounds}",
        diagnosis.quantity,
    )
    if not diagnosis.scores.is_accuracy:
        ax.set_ylabel(diagnosis.scoring)


def _render(diagnosis, drawings, command, configuration):
    table = _as_typed(diagnosis.to_frame())
    n_points, sizes = len(table), []
    if diagnosis.resource is not None:
        n_points = int((table["round"] == 1).sum())
        if diagnosis.resource[0] == "n_samples":
            sizes = sorted(set(table["n_samples"].tolist()))
    shown = table.drop(columns="train_standard_error", errors="ignore")
    shape = diagnosis.data["X"]["shape"] if "X" in diagnosis.data else None
    noun = "image" if shape and len(shape) > 2 else "sample"
    recommended = diagnosis.simplest if diagnosis.has_simpler else diagnosis.best
    names = diagnosis.labelled(diagnosis.best)
    return render(
        "search.html",
        title="Search report",
        result=diagnosis,
        simpler=diagnosis.has_simpler,
        recommended=written(diagnosis.labelled(recommended)),
        sentences=diagnosis.sentences,
        n_samples=shape[0] if shape else None,
        images=f"{noun}s",
        n_points=n_points,
        n_rows=len(table),
        sizes=sizes,
        has_train=_has_train(diagnosis),
        accuracy=diagnosis.scores.is_accuracy,
        figures=drawings,
        header=[
            name.replace("_", " ").capitalize() if name not in names else name
            for name in shown
        ],
        rows=[
            [
                _cell(name, value, diagnosis.scores.is_accuracy)
                for name, value in row.items()
            ]
            for row in shown.head(_MOST_ROWS).to_dict("records")
        ],
        data=diagnosis.data,
        command=command,
        configuration=configuration or {},
        versions=versions(),
    )


def _cell(name, value, is_accuracy):
    if isinstance(value, float) and math.isnan(value):
        return "–"
    if name.endswith(("_accuracy", "_score", "_standard_error")):
        return percent(value) if is_accuracy else f"{value:.4f}"
    return f"{value:.2f} s" if name == "fit_time" else str(value)


def _as_typed(table):
    """Return the table with the values of parameters as they are typed."""
    columns = table.select_dtypes("object").columns
    return table.assign(
        **{column: list(map(written_value, table[column])) for column in columns}
    )
