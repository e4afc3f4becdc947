"""The report of a search: a page, a card, a table, a record, and pictures."""

import math

from skmnist._estimate import percent
from skmnist.report._card import render_card
from skmnist.report._figures import Drawing, draw_values
from skmnist.report._folder import PARTIAL_FILE, write_files
from skmnist.report._matrices import draw_heat_map
from skmnist.report._page import describe, render
from skmnist.report._provenance import as_json, origin
from skmnist.search._values import written, written_value

_MOST_ROWS = 50
_MOST_CARD_ROWS = 5
_RANGE_TEST = "learning_rate"


def write_search(
    diagnosis,
    folder,
    *,
    command=None,
    configuration=None,
    advice=(),
    range_test=None,
):
    """Write the report of a search into a folder.

    Parameters
    ----------
    diagnosis : SearchDiagnosis
    folder : path-like
    command : str, default=None
        The command that makes this report.
    configuration : dict, default=None
        Settings by name.
    advice : sequence of (str, str), default=()
        What to type next: the purpose of each command, and the command.
    range_test : LearningRateDisplay, default=None
        The test that named the learning rates of the search.

    Returns
    -------
    paths : list of pathlib.Path
    """
    drawings = drawings_of(diagnosis)
    if range_test is not None:
        drawings[_RANGE_TEST] = Drawing(
            range_test.plot, "Loss of a batch while the learning rate grows"
        )
    made = origin(command, configuration or diagnosis.configuration, advice)
    page = _render(diagnosis, drawings, made)
    content = {
        "report.html": page.encode(),
        "results.csv": _as_typed(diagnosis.results).to_csv(index=False).encode(),
        "search.json": as_json({**diagnosis.to_dict(), **made}),
        **{f"{name}.png": drawing.png for name, drawing in drawings.items()},
    }
    # An earlier search may have had figures that this one has not.
    optional = ("heat_map.png", f"{_RANGE_TEST}.png", PARTIAL_FILE)
    names = dict.fromkeys((*content, *optional))
    return write_files(folder, names, content)


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
    made = origin(command, configuration or diagnosis.configuration)
    return _render(diagnosis, drawings_of(diagnosis), made)


def render_search_card(diagnosis):
    """Render the card of a search for a notebook.

    Parameters
    ----------
    diagnosis : SearchDiagnosis

    Returns
    -------
    html : str
    """
    drawings = drawings_of(diagnosis)
    header, rows = _table(diagnosis, _MOST_CARD_ROWS)
    return render_card(
        _headline(diagnosis),
        kind="good",
        sentences=diagnosis.sentences,
        note=(
            f"{diagnosis.n_fits:,} fits. The table has the first {len(rows)} of "
            f"{len(diagnosis.results):,} parameter combinations."
        ),
        figure=drawings.get("heat_map", next(iter(drawings.values()), None)),
        header=header,
        rows=rows,
    )


def plot_search(diagnosis):
    """Draw the validation curve of every parameter and the heat map, side by side.

    Parameters
    ----------
    diagnosis : SearchDiagnosis

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    drawings = drawings_of(diagnosis)
    if not drawings:
        raise ValueError(
            "The search has no validation curve: no parameter has several values with "
            "the other parameters as in the best candidate."
        )
    figure, axes = plt.subplots(
        1,
        len(drawings),
        figsize=(6 * len(drawings), 4),
        layout="constrained",
        squeeze=False,
    )
    for ax, drawing in zip(axes[0], drawings.values(), strict=True):
        drawing.draw(ax)
    return figure


def drawings_of(diagnosis):
    """Return the drawings of a search, by name.

    Parameters
    ----------
    diagnosis : SearchDiagnosis

    Returns
    -------
    drawings : dict of str to Drawing
    """
    rounds = _rounds(diagnosis)
    sides = "Training and validation" if _has_train(diagnosis) else "Validation"
    drawings = {
        f"validation_curve_{name}": Drawing(
            lambda ax, name=name: _draw_curve(ax, diagnosis, name),
            f"{sides} {diagnosis.quantity} by {name}{rounds}",
        )
        for name in diagnosis.curves
    }
    table = diagnosis.heat_map
    if table is not None:
        drawings["heat_map"] = Drawing(
            lambda ax: _draw_heat_map(ax, diagnosis),
            f"Validation {diagnosis.quantity} by {table.index.name} and "
            f"{table.columns.name}{rounds}, mean of folds; the best combination is "
            "outlined",
        )
    return drawings


def _rounds(diagnosis):
    return " (first round of halving)" if diagnosis.resource is not None else ""


def _has_train(diagnosis):
    return diagnosis.scores.train is not None


def _draw_curve(ax, diagnosis, name):
    draw_values(
        ax,
        diagnosis.curves[name],
        name,
        f"Validation curve of {name}{_rounds(diagnosis)}",
        diagnosis.quantity,
    )
    if not diagnosis.scores.is_accuracy:
        ax.set_ylabel(diagnosis.scoring)


def _draw_heat_map(ax, diagnosis):
    table, best = diagnosis.heat_map, diagnosis.labelled(diagnosis.best)
    is_accuracy = diagnosis.scores.is_accuracy
    quantity = "accuracy (%)" if is_accuracy else diagnosis.scoring
    draw_heat_map(
        ax,
        table,
        best=tuple(
            written_value(best[axis.name]) for axis in (table.index, table.columns)
        ),
        title=f"Validation {quantity}{_rounds(diagnosis)}",
        quantity=f"Validation {quantity}",
        in_percent=is_accuracy,
    )


def _render(diagnosis, drawings, made):
    table = diagnosis.results
    n_points, sizes = len(table), []
    if diagnosis.resource is not None:
        n_points = int((table["round"] == 1).sum())
        if diagnosis.resource[0] == "n_samples":
            sizes = sorted(set(table["n_samples"].tolist()))
    noun = _noun(diagnosis)
    header, rows = _table(diagnosis, _MOST_ROWS)
    return render(
        "search.html",
        title="Search report",
        head=describe(made["configuration"], diagnosis.data, noun),
        result=diagnosis,
        headline=_headline(diagnosis),
        sentences=diagnosis.sentences,
        n_samples=diagnosis.data["X"]["shape"][0] if "X" in diagnosis.data else None,
        images=f"{noun}s",
        n_points=n_points,
        n_rows=len(table),
        sizes=sizes,
        has_train=_has_train(diagnosis),
        is_halving=diagnosis.resource is not None,
        accuracy=diagnosis.scores.is_accuracy,
        figures=drawings,
        curves=[name for name in drawings if name not in ("heat_map", _RANGE_TEST)],
        header=header,
        rows=rows,
        data=diagnosis.data,
        **made,
    )


def _noun(diagnosis):
    shape = diagnosis.data["X"]["shape"] if "X" in diagnosis.data else ()
    return "image" if len(shape) > 2 else "sample"


def _headline(diagnosis):
    """Return the combination to take, as typed on the command line."""
    if diagnosis.has_simpler:
        return f"Recommended: {written(diagnosis.labelled(diagnosis.simplest))}"
    return f"Best: {written(diagnosis.labelled(diagnosis.best))}"


def _table(diagnosis, n_rows):
    """Return the header and the cells of the best rows of the results."""
    names = diagnosis.labelled(diagnosis.best)
    frame = diagnosis.to_frame().drop(columns="train_standard_error", errors="ignore")
    header = [n if n in names else n.replace("_", " ").capitalize() for n in frame]
    is_accuracy = diagnosis.scores.is_accuracy
    rows = [
        [_cell(name, value, is_accuracy) for name, value in row.items()]
        for row in _as_typed(frame.head(n_rows)).to_dict("records")
    ]
    return header, rows


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
