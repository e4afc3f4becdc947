"""The command that says whether a network, or each of two, over- or underfits."""

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
    OverwriteOption,
    SamplesOption,
    SeedOption,
    app,
    as_command,
    as_words,
    check_folder,
    describe_data,
    made_folder,
    stop,
)


@app.command()
def diagnose(
    model: Annotated[
        list[Model] | None,
        typer.Option(
            help="Network: multilayer perceptron or LeNet-style CNN. Give two to "
            "compare them on the same folds.",
            show_default="mlp",
        ),
    ] = None,
    data: DataOption = "digits",
    cv: FoldsOption = 5,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Bias or gap in the error to tolerate, a fraction."
        ),
    ] = 0.02,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path(
        "skmnist-report"
    ),
    overwrite: OverwriteOption = False,
    seed: SeedOption = 0,
    n_jobs: JobsOption = 1,
):
    """Cross-validate a network and say whether it over- or underfits.

    After Ctrl-C the scores of the folds that were finished are saved.
    """
    models = [name.value for name in model or [Model.mlp]]
    if len(models) > 2 or len(set(models)) < len(models):
        raise typer.BadParameter(
            f"one network or two different ones, not {', '.join(models)}.",
            param_hint="--model",
        )
    check_folder(out, overwrite)
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    from skmnist.cli import _data, _output
    from skmnist.diagnosis._diagnose import run_diagnosis
    from skmnist.diagnosis._progress import FitProgress
    from skmnist.diagnosis._tables import folds_table
    from skmnist.report import write_report
    from skmnist.report._provenance import one_line

    images, y = _data.subsample(*_data.load(data), samples, seed)
    _data.check_class_sizes(y, cv, f"{cv} folds")
    pipelines = {
        name: _data.make_model(
            name, images, epochs=epochs, batch_size=batch_size, seed=seed
        )
        for name in models
    }
    # Of two networks only what was said holds for both.
    network = pipelines[models[0]][-1]
    settings = as_words(
        {
            "--data": data,
            "--cv": cv,
            "--epochs": network.epochs if len(models) == 1 else epochs,
            "--batch-size": network.batch_size if len(models) == 1 else batch_size,
            "--samples": samples,
            "--tolerance": f"{tolerance:g}",
            "--seed": seed,
            "--n-jobs": n_jobs,
        }
    )
    named = [("--model", name) for name in models]
    command = as_command("diagnose", *sum([*named, *settings], ()))
    configurations = {
        name: {
            "Model": one_line(pipeline),
            **describe_data(images, y, cv),
            **{option.strip("-"): value for option, value in settings},
        }
        for name, pipeline in pipelines.items()
    }
    diagnoses, finished = {}, {name: [] for name in models}
    with made_folder(out):
        try:
            for name, pipeline in pipelines.items():
                with FitProgress() as progress:
                    diagnoses[name] = run_diagnosis(
                        pipeline,
                        images,
                        y,
                        cv=StratifiedKFold(cv, shuffle=True, random_state=seed),
                        reference="auto",
                        tolerance=tolerance,
                        learning_curve=True,
                        n_jobs=n_jobs,
                        random_state=seed,
                        progress=progress,
                        finished=finished[name],
                    )
        except KeyboardInterrupt:
            for name, diagnosis in diagnoses.items():
                settings = configurations[name]
                write_report(
                    diagnosis, out / name, command=command, configuration=settings
                )
            codes = np.unique(y, return_inverse=True)[1]
            done = [
                folds_table(folds, codes).assign(model=name)
                for name, folds in finished.items()
                if folds
            ]
            count = sum(map(len, done))
            stop(
                out,
                pd.concat(done) if done else pd.DataFrame(),
                f"after {count} of {cv * len(models)} folds",
            )
        if len(models) == 1:
            (diagnosis,) = diagnoses.values()
            paths = write_report(
                diagnosis,
                out,
                command=command,
                configuration=configurations[models[0]],
            )
            _output.print_diagnosis(diagnosis)
        else:
            from skmnist.diagnosis._comparison import compare
            from skmnist.report._comparison import write_comparison

            comparison = compare(models, *diagnoses.values())
            paths = write_comparison(
                comparison,
                diagnoses,
                out,
                command=command,
                configurations=configurations,
            )
            for name, diagnosis in diagnoses.items():
                _output.print_diagnosis(diagnosis, name)
            _output.print_comparison(comparison)
        _output.print_paths(paths)
