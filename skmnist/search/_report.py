"""The report of a search: a page, a table, a record, and validation curves."""

import math

from skmnist._estimate import percent
from skmnist.cli._grid import written, written_value
from skmnist.report._figures import PRINT_DPI, SCREEN_DPI, Drawing, draw_values
from skmnist.report._folder import PARTIAL_FILE, write_files
from skmnist.report._page import render
from skmnist.report._provenance import as_json, as_plain, fingerprint, versions

_MOST_ROWS = 50


def sentences_of(result):
    """Say what a search found, in sentences.

    Parameters
    ----------
    result : SearchResult

    Returns
    -------
    sentences : list of str
    """
    said = [
        f"The best point, {written(result.best)}, errs on {percent(result.best_error)} "
        f"of new images (standard error {percent(result.standard_error)})."
    ]
    if result.simplest is not None and result.simplest != result.best:
        said.append(
            "Within one standard error of it the simplest is "
            f"{written(result.simplest)}, which errs on "
            f"{percent(result.simplest_error)}: prefer it."
        )
    elif result.simplest is not None:
        said.append("No simpler point lies within one standard error of it.")
    if result.edges:
        said.append(
            f"The best value of {' and of '.join(result.edges)} lies at the edge of "
            "the grid: search beyond it."
        )
    return said


def write_search(result, folder, *, images, y, command, configuration):
    """Write the report of a search into a folder.

    Parameters
    ----------
    result : SearchResult
    folder : path-like
    images, y : ndarray
        The data, for their fingerprint.
    command : str
    configuration : dict

    Returns
    -------
    paths : list of pathlib.Path
    """
    rounds = " (first round of halving)" if "round" in result.results else ""
    drawings = {
        f"validation_curve_{name}": Drawing(
            lambda ax, name=name, curve=curve: draw_values(
                ax, curve, name, f"Validation curve of {name}{rounds}"
            ),
            f"Training and validation accuracy by {name}{rounds}",
        )
        for name, curve in result.curves.items()
    }
    data = {"X": fingerprint(images), "y": fingerprint(y)}
    page = _page(result, drawings, data, command, configuration)
    record = {
        "best": result.best,
        "best_error": result.best_error,
        "standard_error": result.standard_error,
        "simplest": result.simplest,
        "simplest_error": result.simplest_error,
        "ordered_by_complexity": result.ordered,
        "edges": result.edges,
        "sentences": sentences_of(result),
        "results": as_plain(result.results.to_dict("records")),
        "data": data,
        "command": command,
        "configuration": configuration,
        "versions": versions(),
    }
    content = {
        "report.html": page.encode(),
        "results.csv": _typed(result.results).to_csv(index=False).encode(),
        "search.json": as_json(record),
        **{f"{name}.png": d.png(PRINT_DPI) for name, d in drawings.items()},
    }
    return write_files(folder, (*content, PARTIAL_FILE), content)


def _page(result, drawings, data, command, configuration):
    simpler = result.simplest is not None and result.simplest != result.best
    table = _typed(result.results).sort_values("rank", kind="stable")
    n_points, sizes = len(table), []
    if "round" in table:
        table = table.sort_values("round", ascending=False, kind="stable")
        n_points = int((table["round"] == 1).sum())
        sizes = sorted(set(table["n_images"].tolist()))
    shown = table.drop(columns=["train_standard_error"])
    return render(
        "search.html",
        title="Search report",
        result=result,
        simpler=simpler,
        recommended=written(result.simplest if simpler else result.best),
        sentences=sentences_of(result),
        n_images=data["X"]["shape"][0],
        n_points=n_points,
        n_rows=len(table),
        sizes=sizes,
        figures={
            name: {"description": drawing.description, "png": drawing.png(SCREEN_DPI)}
            for name, drawing in drawings.items()
        },
        header=[
            name.replace("_", " ").capitalize() if name not in result.best else name
            for name in shown
        ],
        rows=[
            [_cell(name, value) for name, value in row.items()]
            for row in shown.head(_MOST_ROWS).to_dict("records")
        ],
        data=data,
        command=command,
        configuration=configuration,
        versions=versions(),
    )


def _cell(name, value):
    if isinstance(value, float) and math.isnan(value):
        return "–"
    if name.endswith(("_accuracy", "_standard_error")):
        return percent(value)
    return f"{value:.2f}" if name == "fit_time" else str(value)


def _typed(table):
    """Return the table with the values of the grid as they are typed."""
    columns = table.select_dtypes("object").columns
    return table.assign(
        **{column: list(map(written_value, table[column])) for column in columns}
    )
