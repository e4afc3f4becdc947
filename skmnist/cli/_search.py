"""The command that trains a network with every combination of some values."""

import contextlib
import itertools
from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._app import (
    as_command,
    as_settings,
    describe_data,
    examples,
    load_backend,
    print_error,
    print_label_notes,
    recorded_options,
    typed_options,
)
from skmnist.cli._folders import check_folder, created_folder
from skmnist.cli._grid import fit_grid, parse_grid
from skmnist.cli._options import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    FoldsOption,
    FormatOption,
    GroupsOption,
    ImageShapeOption,
    JobsOption,
    JsonOption,
    LabelOption,
    Model,
    ModelOption,
    OpenOption,
    OverwriteOption,
    QuietOption,
    ReportOption,
    SamplesOption,
    SchedulerOption,
    SeedOption,
    SetOption,
    TransposeOption,
    complete_setting,
    flag,
    parse_folds,
)

_CHECKPOINTS = "checkpoints"
# Learning rates that --learning-rate tries.
_N_RATES = 4


GridOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="Values to try, such as epochs=5,10,20. May be repeated.",
        autocompletion=complete_setting,
        rich_help_panel="Network",
    ),
]
MoreArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE,...]...", help="More of the grid."),
]
LearningRateOption = Annotated[
    bool,
    flag(
        "--learning-rate",
        "Try learning rates, too, from the range that a range test names.",
        "Network",
    ),
]
HalvingOption = Annotated[
    bool,
    flag(
        "--halving",
        "Drop the worse combinations early, judged on fewer images.",
        "Options",
    ),
]
ResumeOption = Annotated[
    bool, flag("--resume", "Resume the interrupted search in --out.")
]


@examples(
    "skmnist search --grid epochs=5,10,20 --grid hidden_layer_sizes=50,200x100",
    "skmnist search --learning-rate --set learning_rate_schedule=one_cycle",
    "skmnist search --halving --model lenet --grid dropout=0,0.25,0.5",
    "skmnist search --data train.csv --set epochs=20 --grid l2=0,1e-4,1e-3 --n-jobs 2",
)
def search(
    ctx: typer.Context,
    grid: GridOption = None,
    more: MoreArgument = None,
    learning_rate: LearningRateOption = False,
    halving: HalvingOption = False,
    model: ModelOption = Model.mlp,
    settings: SetOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    data: DataOption = "digits",
    label: LabelOption = None,
    groups: GroupsOption = None,
    image_shape: ImageShapeOption = None,
    transpose: TransposeOption = False,
    mnist_format: FormatOption = False,
    samples: SamplesOption = None,
    cv: FoldsOption = "5",
    seed: SeedOption = 0,
    n_jobs: JobsOption = -1,
    scheduler: SchedulerOption = None,
    out: ReportOption = Path("skmnist-search"),
    overwrite: OverwriteOption = False,
    resume: ResumeOption = False,
    open_report: OpenOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
):
    """Train a network with every combination of some values, and say which to take.

    It names the best combination, and the simplest one within one standard error of it.
    After Ctrl-C or a crash, the same command with --resume repeats no finished fit.
    """
    folds = parse_folds(cv)
    checkpoints = out / _CHECKPOINTS
    _check_folder(out, checkpoints, overwrite, resume)
    items = [*(grid or []), *(more or [])]
    values = parse_grid(items) if items or not learning_rate else {}
    from skmnist.cli import _data
    from skmnist.cli._settings import choose
    from skmnist.report._provenance import one_line
    from skmnist.search import diagnose_search
    from skmnist.search._report import write_search

    choice = choose(ctx, [model.value])
    _check_disjoint(values, choice.settings, learning_rate)
    chosen = _data.subsample(_data.load(choice.data), samples, seed)
    _data.check_class_sizes(chosen, folds.n_folds, f"{folds.n_folds} folds")
    pipeline = _data.make_model(model.value, chosen, choice.settings, seed)
    network = pipeline[-1]
    values = fit_grid(values, network.get_params())
    _check_values(network, values)
    splits = _data.make_cv(folds, chosen, seed)
    options = _recorded(ctx, choice, network, values)
    range_test = None
    if not quiet:
        print_label_notes(chosen)
    load_backend()
    with created_folder(out):
        if learning_rate:
            range_test, values["learning_rate"] = _test_range(pipeline, chosen)
            items.append(f"learning_rate={','.join(map(str, values['learning_rate']))}")
        searcher = _make_search(pipeline, values, splits, halving, seed, n_jobs)
        configuration = {
            "Model": one_line(pipeline),
            "Grid": "; ".join(items),
            **describe_data(chosen, folds),
            **as_settings(options, without=["grid", "more"]),
            "Search": type(searcher).__name__,
        }
        _run(searcher, chosen, checkpoints.absolute(), quiet, scheduler)
        diagnosis = diagnose_search(searcher, chosen.images, chosen.y)
        advice = _advise(ctx, choice, diagnosis, network, values, out)
        paths = write_search(
            diagnosis,
            out,
            command=as_command(ctx, options),
            configuration=configuration,
            advice=advice,
            range_test=range_test,
        )
        _remove(checkpoints)
    _report(diagnosis, paths, advice, quiet=quiet, json=json, show=open_report)


def _test_range(pipeline, data):
    """Run a range test, and return it with the learning rates that it names."""
    import numpy as np
    from matplotlib.figure import Figure

    from skmnist.displays import LearningRateDisplay

    # On axes of its own, so that no window opens.
    ax = Figure().subplots()
    display = LearningRateDisplay.from_estimator(pipeline, data.images, data.y, ax=ax)
    rates = np.geomspace(*display.learning_rate_range, _N_RATES)
    return display, [float(f"{rate:.2g}") for rate in rates]


def _recorded(ctx, choice, network, grid):
    """Return the options as they are typed, with what defaults stand for."""
    from skmnist.cli._settings import as_typed

    resolved = {
        name: None if name in grid else getattr(network, name)
        for name in ("epochs", "batch_size")
    }
    return recorded_options(ctx, settings=as_typed(choice.settings), **resolved)


def _advise(ctx, choice, diagnosis, network, grid, out):
    """Return the next commands to type."""
    from skmnist.cli._advice import Typed, after_search

    typed = Typed(choice.models, choice.settings, typed_options(ctx))
    return after_search(diagnosis, typed, network, grid, out)


def _report(diagnosis, paths, advice, *, quiet, json, show):
    """Print the result, unless it is to be quiet, and perhaps open the report."""
    from skmnist.cli import _output

    if json:
        _output.print_json(diagnosis, paths, advice)
    elif not quiet:
        _output.print_search(diagnosis)
        _output.print_advice(advice)
        _output.print_paths(paths)
    if show:
        _output.open_report(paths[0])


def _check_disjoint(grid, settings, learning_rate):
    """Raise ValueError if a hyperparameter is searched twice, or also set."""
    if learning_rate and "learning_rate" in grid:
        raise ValueError(
            "learning_rate is searched over twice, by --grid and by --learning-rate: "
            "leave one of them out."
        )
    for name in [*grid, *(["learning_rate"] if learning_rate else [])]:
        if name in settings:
            raise ValueError(
                f"{name} is both searched over and set: remove it from the search or "
                "from the other options."
            )


def _check_folder(out, checkpoints, overwrite, resume):
    if not checkpoints.is_dir():
        return check_folder(out, overwrite)
    if not (overwrite or resume):
        raise FileExistsError(
            f"The folder {out} contains an interrupted search: use --resume to resume "
            "it, or pass another folder with --out."
        )


def _check_values(network, grid):
    """Raise ValueError if a value of the grid is not valid for the network."""
    from sklearn.base import clone

    for name, values in grid.items():
        for value in values:
            clone(network).set_params(**{name: value})._validate_params()


def _make_search(pipeline, grid, splits, halving, seed, n_jobs):
    """Make scikit-learn's search; the grid has the names of the last step."""
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV

    step = pipeline.steps[-1][0]
    grid = {f"{step}__{name}": values for name, values in grid.items()}
    settings = {
        "scoring": "accuracy",
        "cv": splits,
        "refit": False,
        "n_jobs": n_jobs,
        "return_train_score": True,
    }
    if not halving:
        return GridSearchCV(clone(pipeline), grid, **settings)
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    return HalvingGridSearchCV(
        clone(pipeline), grid, **settings, min_resources="exhaust", random_state=seed
    )


def _run(searcher, data, checkpoints, quiet, scheduler):
    """Fit a search that keeps its finished fits, and resume it if there are any."""
    from skmnist.classifiers._checkpoint import FinishedTrainings
    from skmnist.cli._progress import search_progress

    step = searcher.estimator.steps[-1][0]
    searcher.estimator.set_params(**{f"{step}__checkpoint_dir": checkpoints})
    n_classes = len(set(data.y.tolist()))
    progress = search_progress(searcher, checkpoints, len(data.y), n_classes)
    try:
        shown = contextlib.nullcontext() if quiet else progress
        with _workers(searcher, data, scheduler), shown:
            searcher.fit(data.images, data.y)
    except KeyboardInterrupt:
        if checkpoints.exists():
            n_fits = len(FinishedTrainings(checkpoints))
            print_error(
                f"Stopped after {n_fits} fit{'s' * (n_fits != 1)}, kept in "
                f"{checkpoints}: resume with the same command and --resume."
            )
        else:
            print_error("Stopped before anything was finished: nothing was saved.")
        raise typer.Exit(130) from None


def _workers(searcher, data, scheduler):
    """Return the context in which the fits of a search run."""
    from skmnist.cli._workers import fits_in_threads, fits_on_cluster

    if scheduler is None:
        return fits_in_threads()
    # A list, so that each fit of a split gets the arrays that the workers have.
    searcher.cv = list(searcher.cv.split(data.images, data.y))
    rows = itertools.chain.from_iterable(searcher.cv)
    return fits_on_cluster(scheduler, data.images, data.y, *rows)


def _remove(checkpoints):
    import shutil

    shutil.rmtree(checkpoints, ignore_errors=True)
