"""The report of two models that were diagnosed on the same splits."""

from pathlib import Path

from skmnist._estimate import percent
from skmnist.displays._names import label_names, use_fonts
from skmnist.displays._style import SIDES, STYLES
from skmnist.report._figures import Drawing, noun_of
from skmnist.report._folder import PARTIAL_FILE, write_files, write_report
from skmnist.report._page import render
from skmnist.report._provenance import as_json, versions

COMPARISON_FILES = ("report.html", "comparison.json")


def write_comparison(comparison, folder, *, command=None, configurations=None):
    """Write a page that compares two models, and the report of each in a subfolder.

    Parameters
    ----------
    comparison : FitComparison
    folder : path-like
    command : str, default=None
    configurations : dict of str to dict, default=None
        Settings of each model by its name.

    Returns
    -------
    paths : list of pathlib.Path
        The comparison's files, and the page of each model.
    """
    configurations = configurations or {}
    diagnoses = dict(zip(comparison.names, comparison.diagnoses, strict=True))
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
        "command": command,
        "configuration": configurations,
        "versions": versions(),
    }
    page = render_comparison(
        comparison, command=command, configurations=configurations, linked=True
    )
    content = {"report.html": page.encode(), "comparison.json": as_json(record)}
    return [*write_files(folder, (*COMPARISON_FILES, PARTIAL_FILE), content), *pages]


def render_comparison(comparison, *, command=None, configurations=None, linked=False):
    """Render the comparison of two models as one HTML page.

    Parameters
    ----------
    comparison : FitComparison
    command : str, default=None
    configurations : dict of str to dict, default=None
        Settings of each model by its name.
    linked : bool, default=False
        Whether the reports of the two models are beside the page, in folders of their
        names.

    Returns
    -------
    html : str
    """
    difference = comparison.difference
    first, second = comparison.names
    configurations = configurations or {
        name: {"Model": diagnosis.configuration.get("estimator", name)}
        for name, diagnosis in zip(comparison.names, comparison.diagnoses, strict=True)
    }
    drawing = Drawing(
        lambda ax: draw_comparison(ax, comparison),
        "Training and validation error of both models with their intervals",
    )
    return render(
        "comparison.html",
        title=f"Comparison: {first} and {second}",
        comparison=comparison,
        proven=not difference.contains(0),
        better=second if difference.value > 0 else first,
        models=list(zip(comparison.names, comparison.errors, strict=True)),
        diagnoses=list(zip(comparison.names, comparison.diagnoses, strict=True)),
        figures={"errors": drawing},
        rows=_rows(comparison),
        linked=linked,
        command=command,
        configuration={
            f"{name}: {key}" if key == "Model" else key: value
            for name, settings in configurations.items()
            for key, value in settings.items()
        },
        data=comparison.diagnoses[0].data,
        versions=versions(),
    )


def draw_comparison(ax, comparison):
    """Draw training and validation error of both models with their intervals.

    Parameters
    ----------
    ax : matplotlib Axes
    comparison : FitComparison
    """
    from matplotlib.ticker import PercentFormatter

    for row, diagnosis in enumerate(comparison.diagnoses):
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
                label=SIDES[side] if row == 0 else None,
            )
    ax.set_yticks(range(2), label_names(comparison.names, 18, "model"))
    ax.set_ylim(1.6, -0.6)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    noun = noun_of(comparison.diagnoses[0])
    ax.set(xlabel=f"Error (% of {noun}s)", title="Errors with their 95 % intervals")
    ax.legend(loc="best", fontsize="small")
    ax.grid(alpha=0.3, axis="x")
    use_fonts(ax)


def _rows(comparison):
    def each(show):
        return [show(diagnosis) for diagnosis in comparison.diagnoses]

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
            f"{noun_of(comparison.diagnoses[0]).capitalize()}s that only this model "
            "misclassifies",
            [comparison.n_first_wrong, comparison.n_second_wrong],
        ),
        ("Time of a fit, s", each(lambda d: f"{d.folds['fit_time'].mean():.1f}")),
    ]
