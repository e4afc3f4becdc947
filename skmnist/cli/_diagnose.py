"""The command that says whether a network over- or underfits, or compares two."""

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
    OpenOption,
    OverwriteOption,
    ReportOption,
    SamplesOption,
    SeedOption,
    as_command,
    as_settings,
    describe_data,
    parallel_fits,
    recorded_options,
)
from skmnist.cli._folders import check_folder, created_folder, stop

ModelsOption = Annotated[
    list[Model] | None,
    typer.Option(
        help="Network: multilayer perceptron or LeNet-style CNN. Give two to compare "
        "them on the same folds.",
        show_default="mlp",
    ),
]
ToleranceOption = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Largest bias or gap regarded as negligible, a fraction."
    ),
]


def diagnose(
    ctx: typer.Context,
    model: ModelsOption = None,
    data: DataOption = "digits",
    cv: FoldsOption = 5,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    tolerance: ToleranceOption = 0.02,
    out: ReportOption = Path("skmnist-report"),
    overwrite: OverwriteOption = False,
    open_report: OpenOption = False,
    seed: SeedOption = 0,
    n_jobs: JobsOption = 1,
):
    """Cross-validate a network and say whether it over- or underfits.

    After Ctrl-C the scores of the finished folds are saved.
    """
    models = [name.value for name in model or [Model.mlp]]
    if len(models) > 2 or len(set(models)) < len(models):
        raise typer.BadParameter(
            f"one network or two different ones, not {', '.join(models)}.",
            param_hint="--model",
        )
    check_folder(out, overwrite)
    from skmnist.cli import _data, _output
    from skmnist.report._provenance import one_line

    images, y = _data.subsample(*_data.load(data), samples, seed)
    _data.check_class_sizes(y, cv, f"{cv} folds")
    pipelines = {
        name: _data.make_model(
            name, images, epochs=epochs, batch_size=batch_size, seed=seed
        )
        for name in models
    }
    resolved = {"model": models}
    if len(models) == 1:  # two networks may have different defaults
        network = pipelines[models[0]][-1]
        resolved |= {"epochs": network.epochs, "batch_size": network.batch_size}
    options = recorded_options(ctx, **resolved)
    configurations = {
        name: {
            "Model": one_line(pipeline),
            **describe_data(images, y, cv),
            **as_settings(options, without=["model"]),
        }
        for name, pipeline in pipelines.items()
    }
    recorded = {"command": as_command(ctx, options)}
    with created_folder(out), parallel_fits(n_jobs):
        diagnoses, folds = _run(pipelines, images, y, cv, tolerance, seed, n_jobs)
        if len(diagnoses) < len(models):
            _stop(out, diagnoses, folds, y, cv, configurations, recorded)
        if len(models) == 1:
            paths = _write_one(diagnoses, out, configurations, recorded)
        else:
            paths = _write_two(diagnoses, out, configurations, recorded)
        _output.print_paths(paths, open_report=open_report)


def _run(pipelines, images, y, cv, tolerance, seed, n_jobs):
    """Diagnose each network, until Ctrl-C.

    Returns
    -------
    diagnoses : dict of str to FitDiagnosis
        Those that were finished.
    folds : dict of str to list of Fold
        The finished folds of every network.
    """
    from sklearn.model_selection import StratifiedKFold

    from skmnist.diagnosis._diagnose import plan_diagnosis, run_diagnosis
    from skmnist.diagnosis._progress import FitProgress

    diagnoses, folds = {}, {name: [] for name in pipelines}
    try:
        for number, (name, pipeline) in enumerate(pipelines.items(), 1):
            plan = plan_diagnosis(
                pipeline,
                images,
                y,
                cv=StratifiedKFold(cv, shuffle=True, random_state=seed),
                reference="auto",
                tolerance=tolerance,
                learning_curve=True,
                n_jobs=n_jobs,
                random_state=seed,
            )
            which = f"{name} ({number} of 2)" if len(pipelines) == 2 else ""
            with FitProgress(name=which) as progress:
                diagnoses[name] = run_diagnosis(plan, progress, folds[name])
    except KeyboardInterrupt:
        pass
    return diagnoses, folds


def _stop(out, diagnoses, folds, y, cv, configurations, recorded):
    """Save what was finished before Ctrl-C, and end the command."""
    import numpy as np
    import pandas as pd

    from skmnist.diagnosis._tables import folds_table
    from skmnist.report import write_report

    for name, diagnosis in diagnoses.items():
        write_report(
            diagnosis, out / name, configuration=configurations[name], **recorded
        )
    codes = np.unique(y, return_inverse=True)[1]
    tables = [
        folds_table(finished, codes).assign(model=name)
        for name, finished in folds.items()
        if finished
    ]
    table = pd.concat(tables) if tables else pd.DataFrame()
    stop(out, table, f"after {len(table)} of {cv * len(folds)} folds")


def _write_one(diagnoses, out, configurations, recorded):
    from skmnist.cli import _output
    from skmnist.report import write_report

    ((name, diagnosis),) = diagnoses.items()
    paths = write_report(diagnosis, out, configuration=configurations[name], **recorded)
    _output.print_diagnosis(diagnosis)
    return paths


def _write_two(diagnoses, out, configurations, recorded):
    from skmnist.cli import _output
    from skmnist.diagnosis import compare_fits
    from skmnist.report._comparison import write_comparison

    comparison = compare_fits(*diagnoses.values(), names=tuple(diagnoses))
    paths = write_comparison(comparison, out, configurations=configurations, **recorded)
    for name, diagnosis in diagnoses.items():
        _output.print_diagnosis(diagnosis, name)
    _output.print_comparison(comparison)
    return paths
