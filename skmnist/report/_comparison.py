"""The report of two models that were diagnosed on the same folds."""

from pathlib import Path

from skmnist._estimate import percent
from skmnist.displays._style import STYLES, readable
from skmnist.report._figures import SCREEN_DPI, Drawing
from skmnist.report._folder import PARTIAL_FILE, write_files, write_report
from skmnist.report._page import render
from skmnist.report._provenance import as_json, versions

COMPARISON_FILES = ("report.html", "comparison.json")


def write_comparison(
    comparison, diagnoses, folder, *, command=None, configurations=None
):
    """Write a page that compares two models, and the report of each in a subfolder.

    Parameters
    ----------
    comparison : Comparison
    diagnoses : dict of str to FitDiagnosis
        By the names of the comparison, in their order.
    folder : path-like
    command : str, default=None
    configurations : dict of str to dict, default=None
        Settings of each model.

    Returns
    -------
    paths : list of pathlib.Path
        The comparison's files, and the page of each model.
    """
    configurations = configurations or {}
    pages = [
        write_report(
            diagnosis,
            Path(folder) / name,
            command=command,
            configuration=configurations.get(name),
        )[0]
        for name, diagnosis in diagnoses.items()
    ]
    record = {
        **comparison.to_dict(),
        "verdicts": {name: d.verdict for name, d in diagnoses.items()},
        "command": command,
        "configuration": configurations,
        "versions": versions(),
    }
    content = {
        "report.html": _page(comparison, diagnoses, command, configurations).encode(),
        "comparison.json": as_json(record),
    }
    names = (*COMPARISON_FILES, PARTIAL_FILE)
    return [*write_files(folder, names, content), *pages]


def _page(comparison, diagnoses, command, configurations):
    difference = comparison.difference
    first, second = comparison.names
    drawing = Drawing(
        lambda ax: _draw_errors(ax, diagnoses),
        "Training and validation error of both models with their intervals",
    )
    return render(
        "comparison.html",
        title=f"Comparison: {first} and {second}",
        comparison=comparison,
        proven=not difference.contains(0),
        better=second if difference.value > 0 else first,
        models=list(zip(comparison.names, comparison.errors, strict=True)),
        diagnoses=list(diagnoses.items()),
        figures={
            "errors": {
                "description": drawing.description,
                "png": drawing.png(SCREEN_DPI),
            }
        },
        rows=_rows(comparison, list(diagnoses.values())),
        command=command,
        configuration={
            f"{name}: {key}" if key == "Model" else key: value
            for name, settings in configurations.items()
            for key, value in settings.items()
        },
        data=next(iter(diagnoses.values())).data,
        versions=versions(),
    )


def _rows(comparison, diagnoses):
    def each(show):
        return [show(diagnosis) for diagnosis in diagnoses]

    return [
        ("Verdict", each(lambda d: d.verdict)),
        ("Validation error", each(lambda d: percent(d.errors["validation"].value))),
        ("Training error", each(lambda d: percent(d.errors["train"].value))),
        ("Bias", each(lambda d: percent(d.bias.value))),
        ("Gap", each(lambda d: percent(d.gap.value))),
        (
            "Validation loss",
            each(lambda d: f"{d.summary.loc['validation_loss', 'mean']:.4f}"),
        ),
        (
            "Errs where the other does not, images",
            [comparison.n_first_wrong, comparison.n_second_wrong],
        ),
        ("Time of a fit, s", each(lambda d: f"{d.folds['fit_time'].mean():.1f}")),
    ]


def _draw_errors(ax, diagnoses):
    from matplotlib.ticker import PercentFormatter

    for row, diagnosis in enumerate(diagnoses.values()):
        for shift, side in ((-0.12, "train"), (0.12, "validation")):
            error, style = diagnosis.errors[side], STYLES[side]
            ax.hlines(row + shift, error.low, error.high, color=style["color"], lw=2)
            ax.plot(
                error.value,
                row + shift,
                marker=style["marker"],
                color=style["color"],
                markersize=8,
                linestyle="none",
                label=("Training" if side == "train" else "Validation")
                if row == 0
                else None,
            )
    ax.set_yticks(range(len(diagnoses)), [readable(name, 18) for name in diagnoses])
    ax.set_ylim(len(diagnoses) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    ax.set(xlabel="Error (% of images)", title="Errors with their 95 % intervals")
    ax.legend(loc="best", fontsize="small")
    ax.grid(alpha=0.3, axis="x")
