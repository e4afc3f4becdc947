"""The report of two models that were diagnosed on the same splits."""

from pathlib import Path

from skmnist._estimate import percent
from skmnist.displays._names import label_names, use_fonts
from skmnist.displays._style import SIDES, STYLES
from skmnist.report._figures import Drawing, noun_of
from skmnist.report._folder import PARTIAL_FILE, write_files, write_report
from skmnist.report._page import describe, render, shorten_model
from skmnist.report._provenance import as_json, origin

COMPARISON_FILES = ("report.html", "comparison.json")


def write_comparison(
    comparison, folder, *, command=None, configurations=None, advice=()
):
    """Write a page that compares two models, and the report of each in a subfolder.

    Parameters
    ----------
    comparison : FitComparison
    folder : path-like
    command : str, default=None
    configurations : dict of str to dict, default=None
        Settings of each model by its name.
    advice : sequence of (str, str), default=()
        What to type next: the purpose of each command, and the command.

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
    made = origin(command, configurations, advice)
    page = _render(comparison, made, linked=True)
    record = {**comparison.to_dict(), **made}
    content = {"report.html": page.encode(), "comparison.json": as_json(record)}
    return [*write_files(folder, (*COMPARISON_FILES, PARTIAL_FILE), content), *pages]


def render_comparison(comparison, *, command=None, configurations=None):
    """Render the comparison of two models as one HTML page.

    Parameters
    ----------
    comparison : FitComparison
    command : str, default=None
    configurations : dict of str to dict, default=None
        Settings of each model by its name.

    Returns
    -------
    html : str
    """
    return _render(comparison, origin(command, configurations))


def _render(comparison, made, linked=False):
    """Render the page; `linked` to the reports in the folders beside it."""
    diagnoses = dict(zip(comparison.names, comparison.diagnoses, strict=True))
    configurations = made["configuration"] or {
        name: {"Model": diagnosis.configuration.get("estimator", name)}
        for name, diagnosis in diagnoses.items()
    }
    noun, data = noun_of(comparison.diagnoses[0]), comparison.diagnoses[0].data
    settings = {k: v for each in configurations.values() for k, v in each.items()}
    models = {
        name: shorten_model(each["Model"])
        for name, each in configurations.items()
        if "Model" in each
    }
    shared = describe({"data": settings.get("data")}, data, noun)
    return render(
        "comparison.html",
        title=f"Comparison: {' and '.join(comparison.names)}",
        head={**models, **shared},
        comparison=comparison,
        headline=headline_of(comparison),
        models=list(zip(comparison.names, comparison.errors, strict=True)),
        diagnoses=diagnoses,
        figures={"errors": drawing_of(comparison)},
        rows=_rows(comparison),
        linked=linked,
        images=f"{noun}s",
        image=noun,
        data=data,
        **made
        | {
            "configuration": {
                f"{name}: {key}" if key == "Model" else key: value
                for name, each in configurations.items()
                for key, value in each.items()
            }
        },
    )


def headline_of(comparison):
    """Return the result of a comparison in a few words."""
    if comparison.better is None:
        return "No difference proven"
    return f"{comparison.better} is better"


def drawing_of(comparison):
    """Return the drawing of both models' errors."""
    return Drawing(
        lambda ax: draw_comparison(ax, comparison),
        "Training and validation error of both models with their intervals",
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
                clip_on=False,  # of an error of 0, at the edge
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
