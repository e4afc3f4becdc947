"""The command that trains a network with every combination of some values."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._app import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    FoldsOption,
    JobsOption,
    Model,
    ModelOption,
    OpenOption,
    OverwriteOption,
    ReportOption,
    SamplesOption,
    SeedOption,
    as_command,
    as_settings,
    describe_data,
    parallel_fits,
    print_error,
    recorded_options,
)
from skmnist.cli._folders import check_folder, created_folder
from skmnist.cli._grid import fit_grid, parse_grid

_CHECKPOINTS = "checkpoints"


GridOption = Annotated[
    list[str],
    typer.Option(
        metavar="NAME=VALUE,...", help="Values to try, such as epochs=5,10,20."
    ),
]
MoreArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE,...]...", help="More of the grid."),
]
HalvingOption = Annotated[
    bool,
    typer.Option(
        "--halving", help="Drop the worse combinations early, judged on fewer images."
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Resume the interrupted search in --out.")
]


def search(
    ctx: typer.Context,
    grid: GridOption,
    more: MoreArgument = None,
    halving: HalvingOption = False,
    model: ModelOption = Model.mlp,
    data: DataOption = "digits",
    cv: FoldsOption = 5,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    out: ReportOption = Path("skmnist-search"),
    overwrite: OverwriteOption = False,
    open_report: OpenOption = False,
    resume: ResumeOption = False,
    seed: SeedOption = 0,
    n_jobs: JobsOption = 1,
):
    """Train a network with every combination of some values, and say which to take.

    It names the best combination, and the simplest one within one standard error of it.
    After Ctrl-C or a crash, the same command with --resume repeats no finished fit.
    """
    checkpoints = out / _CHECKPOINTS
    _check_folder(out, checkpoints, overwrite, resume)
    items = [*grid, *(more or [])]
    values = parse_grid(items)
    from skmnist.cli import _data, _output
    from skmnist.report._provenance import one_line
    from skmnist.search import diagnose_search
    from skmnist.search._report import write_search

    images, y = _data.subsample(*_data.load(data), samples, seed)
    _data.check_class_sizes(y, cv, f"{cv} folds")
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    network = pipeline[-1]
    values = fit_grid(values, network.get_params())
    _check_values(network, values)
    options = recorded_options(
        ctx,
        epochs=None if "epochs" in values else network.epochs,
        batch_size=None if "batch_size" in values else network.batch_size,
    )
    configuration = {
        "Model": one_line(pipeline),
        "Grid": "; ".join(items),
        **describe_data(images, y, cv),
        **as_settings(options, without=["grid", "more"]),
    }
    with created_folder(out), parallel_fits(n_jobs):
        searcher = _make_search(pipeline, values, cv, halving, seed, n_jobs)
        configuration["Search"] = type(searcher).__name__
        _run(searcher, images, y, checkpoints)
        diagnosis = diagnose_search(searcher, images, y)
        paths = write_search(
            diagnosis,
            out,
            command=as_command(ctx, options),
            configuration=configuration,
        )
        _remove(checkpoints)
    _output.print_search(diagnosis)
    _output.print_paths(paths, open_report=open_report)


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


def _make_search(pipeline, grid, cv, halving, seed, n_jobs):
    """Make scikit-learn's search; the grid has the names of the last step."""
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    step = pipeline.steps[-1][0]
    grid = {f"{step}__{name}": values for name, values in grid.items()}
    settings = {
        "scoring": "accuracy",
        "cv": StratifiedKFold(cv, shuffle=True, random_state=seed),
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


def _run(searcher, images, y, checkpoints):
    """Fit a search that keeps its finished fits, and resume it if there are any."""
    from skmnist.classifiers._checkpoint import FinishedTrainings
    from skmnist.cli._progress import search_progress

    step = searcher.estimator.steps[-1][0]
    searcher.estimator.set_params(**{f"{step}__checkpoint_dir": checkpoints})
    try:
        with search_progress(searcher, checkpoints, len(y), len(set(y.tolist()))):
            searcher.fit(images, y)
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


def _remove(checkpoints):
    import shutil

    shutil.rmtree(checkpoints, ignore_errors=True)
