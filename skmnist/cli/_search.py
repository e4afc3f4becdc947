"""The command that tries the values of a grid."""

import math
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
    OverwriteOption,
    SamplesOption,
    SeedOption,
    app,
    as_command,
    as_words,
    check_folder,
    complain,
    describe_data,
    made_folder,
    stop,
)
from skmnist.cli._grid import fit_grid, parse_grid

_CHECKPOINTS = "checkpoints"


@app.command()
def search(
    grid: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=VALUE,...", help="Values to try, such as epochs=5,10,20."
        ),
    ],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE,...]...", help="More of the grid."),
    ] = None,
    halving: Annotated[
        bool,
        typer.Option(
            "--halving", help="Drop the worse points early, judged on fewer images."
        ),
    ] = False,
    model: ModelOption = Model.mlp,
    data: DataOption = "digits",
    cv: FoldsOption = 5,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path(
        "skmnist-search"
    ),
    overwrite: OverwriteOption = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a search that was stopped in --out."),
    ] = False,
    seed: SeedOption = 0,
    n_jobs: JobsOption = 1,
):
    """Train a network with every combination of some values, and say which to take.

    It names the best, and the simplest within one standard error of it. After Ctrl-C,
    or a crash, the same command with --resume repeats no fit that was finished.
    """
    checkpoints = out / _CHECKPOINTS
    _check_folder(out, checkpoints, overwrite, resume)
    items = [*grid, *(more or [])]
    grid = parse_grid(items)
    import shutil
    import tempfile

    from skmnist.cli import _data, _output
    from skmnist.report._provenance import one_line
    from skmnist.search._report import sentences_of, write_search
    from skmnist.search._result import (
        FitLog,
        check_values,
        make_search,
        read_results,
    )

    images, y = _data.subsample(*_data.load(data), samples, seed)
    _data.check_class_sizes(y, cv, f"{cv} folds")
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    step, network = pipeline.steps[-1]
    grid = fit_grid(grid, network.get_params())
    check_values(network, grid)
    settings = as_words(
        {
            "--model": model.value,
            "--data": data,
            "--cv": cv,
            "--epochs": None if "epochs" in grid else network.epochs,
            "--batch-size": None if "batch_size" in grid else network.batch_size,
            "--samples": samples,
            "--seed": seed,
            "--n-jobs": n_jobs,
        }
    )
    described = one_line(pipeline)
    with made_folder(out), tempfile.TemporaryDirectory() as folder:
        log = FitLog([f"{step}__{name}" for name in grid], Path(folder, "fits"))
        network.set_params(checkpoint_dir=checkpoints)
        searcher = make_search(
            pipeline,
            grid,
            cv=cv,
            halving=halving,
            seed=seed,
            n_jobs=n_jobs,
            scoring=log,
        )
        # Halving fits more often than once a point, on fewer images.
        n_fits = math.prod(map(len, grid.values())) * cv
        try:
            with _output.fit_progress(log, n_fits):
                searcher.fit(images, y)
        except KeyboardInterrupt:
            if checkpoints.exists():
                complain("Go on with the same command and --resume.")
            stop(out, log.frame(), f"after {len(log)} fits")
        result = read_results(searcher, grid, images[0].size, len(set(y.tolist())))
        flags = ["--halving"] if halving else []
        typed = [word for item in items for word in ("--grid", item)]
        paths = write_search(
            result,
            out,
            images=images,
            y=y,
            command=as_command("search", *typed, *flags, *sum(settings, ())),
            configuration={
                "Model": described,
                "Grid": "; ".join(items),
                "Search": type(searcher).__name__,
                **describe_data(images, y, cv),
                **{option.strip("-"): value for option, value in settings},
            },
        )
        # What they kept is in the report now.
        shutil.rmtree(checkpoints, ignore_errors=True)
    _output.print_search(result, sentences_of(result))
    _output.print_paths(paths)


def _check_folder(out, checkpoints, overwrite, resume):
    if not checkpoints.is_dir():
        return check_folder(out, overwrite)
    if not (overwrite or resume):
        raise FileExistsError(
            f"The folder {out} holds a search that was stopped: --resume goes on with "
            "it, and --out names another folder."
        )
