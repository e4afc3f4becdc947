"""The command that says whether a network over- or underfits, or compares two."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from skmnist.cli._app import (
    as_command,
    as_settings,
    describe_data,
    examples,
    load_backend,
    print_label_notes,
    recorded_options,
    typed_options,
)
from skmnist.cli._folders import check_folder, created_folder, stop
from skmnist.cli._options import (
    BatchSizeOption,
    DataOption,
    EpochsOption,
    Folds,
    FoldsOption,
    FormatOption,
    FromOption,
    GroupsOption,
    ImageShapeOption,
    JobsOption,
    JsonOption,
    LabelOption,
    Model,
    OpenOption,
    OverwriteOption,
    QuietOption,
    ReportOption,
    SamplesOption,
    SchedulerOption,
    SeedOption,
    SetOption,
    TransposeOption,
    complete_data,
    flag,
    parse_folds,
    parse_reference,
    parse_words,
)

ModelsOption = Annotated[
    list[Model] | None,
    typer.Option(
        help="Multilayer perceptron, or LeNet-style CNN. Give two to compare them on "
        "the same folds.",
        show_default="mlp",
        rich_help_panel="Network",
    ),
]
ToleranceOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="FRACTION",
        help="Largest bias or gap regarded as negligible.",
    ),
]
ReferenceOption = Annotated[
    str,
    typer.Option(
        metavar="auto|ERROR",
        help="The achievable error, from 0 to below 1; auto trains other models to "
        "estimate it.",
    ),
]
TestDataOption = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Labelled images from where the network is to be used, read as those of "
        "--data; of mnist, and of files with a test part, the test part. They are "
        "predicted, never trained on.",
        autocompletion=complete_data,
        rich_help_panel="Data",
    ),
]
NoCurveOption = Annotated[
    bool,
    flag(
        "--no-learning-curve",
        "Do not train on parts of the images, to see whether more would help.",
        "Options",
    ),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE[,...]",
        help="Do not list these findings, such as FIT08. The verdict does not depend "
        "on it. May be repeated.",
    ),
]
FailOnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="VERDICT[,...]",
        help="Exit with status 3 if the verdict is one of these: underfit, overfit, "
        "both, good, inconclusive. May be repeated.",
    ),
]
# The exit status of `--fail-on`: 1 and 2 are errors.
_UNWANTED_VERDICT = 3


@examples(
    "skmnist diagnose",
    "skmnist diagnose --data train.csv --samples 5000 --set dropout=0.3",
    "skmnist diagnose --data photos/ --mnist-format --cv 5x3 --open",
    "skmnist diagnose --data mnist --samples 5000 --test-data photos/ --mnist-format",
    "skmnist diagnose --model mlp --model lenet --data mnist --samples 10000",
    "skmnist diagnose --fail-on overfit,underfit --quiet",
)
def diagnose(
    ctx: typer.Context,
    model: ModelsOption = None,
    settings: SetOption = None,
    from_search: FromOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    data: DataOption = "digits",
    label: LabelOption = None,
    groups: GroupsOption = None,
    image_shape: ImageShapeOption = None,
    transpose: TransposeOption = False,
    mnist_format: FormatOption = False,
    samples: SamplesOption = None,
    test_data: TestDataOption = None,
    cv: FoldsOption = "5",
    tolerance: ToleranceOption = 0.02,
    reference: ReferenceOption = "auto",
    no_learning_curve: NoCurveOption = False,
    ignore: IgnoreOption = None,
    fail_on: FailOnOption = None,
    seed: SeedOption = 0,
    n_jobs: JobsOption = -1,
    scheduler: SchedulerOption = None,
    out: ReportOption = Path("skmnist-report"),
    overwrite: OverwriteOption = False,
    open_report: OpenOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
):
    """Cross-validate a network and say whether it over- or underfits.

    It writes a report, and says what to type next. After Ctrl-C the scores of the
    finished folds are saved.

    Exit status: 0; 1 after an error; 2 if an option is invalid; 3 with --fail-on, if
    the verdict is among those it names; 130 after Ctrl-C.
    """
    folds, reference = parse_folds(cv), parse_reference(reference)
    check_folder(out, overwrite)
    from skmnist.diagnosis._findings import CHECKS
    from skmnist.report._explanations import VERDICTS

    ignored = parse_words(ignore, CHECKS, "--ignore")
    unwanted = parse_words(fail_on, VERDICTS, "--fail-on")
    from skmnist.cli import _data
    from skmnist.cli._settings import choose

    choice = choose(ctx, _models(model))
    chosen = _data.subsample(_data.load(choice.data), samples, seed)
    _data.check_class_sizes(chosen, folds.n_folds, f"{folds.n_folds} folds")
    pipelines = {
        name: _data.make_model(
            name, chosen, choice.settings, seed, models=choice.models
        )
        for name in choice.models
    }
    test = None
    if test_data is not None:
        test = _data.load_test(choice.data, test_data, chosen, pipelines.values())
    task = _Task(
        pipelines=pipelines,
        data=chosen,
        test=test,
        folds=folds,
        cv=_data.make_cv(folds, chosen, seed),
        reference=reference,
        tolerance=tolerance,
        learning_curve=not no_learning_curve,
        ignore=ignored,
        seed=seed,
        n_jobs=n_jobs,
        scheduler=scheduler,
        quiet=quiet,
    )
    if not quiet:
        print_label_notes(chosen, test)
    load_backend()
    with created_folder(out):
        diagnoses, finished = _run(task)
        records = _records(ctx, task, choice)
        if len(diagnoses) < len(pipelines):
            _stop(out, task, diagnoses, finished, records)
        result = _result(diagnoses)
        advice = _advise(ctx, task, choice, result, out)
        paths = _write(out, result, diagnoses, records, advice)
    _report(result, diagnoses, paths, advice, quiet=quiet, json=json, show=open_report)
    if any(diagnosis.verdict in unwanted for diagnosis in diagnoses.values()):
        raise typer.Exit(_UNWANTED_VERDICT)


@dataclass(frozen=True)
class _Task:
    """What is diagnosed, and how."""

    pipelines: dict
    data: Any
    test: Any
    folds: Folds
    cv: Any
    reference: Any
    tolerance: float
    learning_curve: bool
    ignore: tuple
    seed: int
    n_jobs: int
    scheduler: str | None
    quiet: bool


def _models(models):
    """Return the names of the networks, of which there may be two."""
    names = [name.value for name in models or [Model.mlp]]
    if len(names) > 2 or len(set(names)) < len(names):
        raise typer.BadParameter(
            f"one network or two different ones, not {', '.join(names)}.",
            param_hint="--model",
        )
    return names


def _records(ctx, task, choice):
    """Return the command and the configurations, for reports."""
    from skmnist.cli._settings import as_typed
    from skmnist.report._provenance import one_line

    resolved = {
        **choice.data,
        "model": choice.models,
        "settings": as_typed(choice.settings),
    }
    # Two networks may have different defaults.
    networks = [pipeline[-1] for pipeline in task.pipelines.values()]
    for name in ("epochs", "batch_size"):
        value = getattr(networks[0], name)
        resolved[name] = value if len(networks) == 1 else choice.settings.get(name)
    options = recorded_options(ctx, **resolved)
    configurations = {
        name: {
            "Model": one_line(pipeline),
            **describe_data(task.data, task.folds),
            **as_settings(options, without=["model"]),
        }
        for name, pipeline in task.pipelines.items()
    }
    return as_command(ctx, options), configurations


def _run(task):
    """Diagnose each network, until Ctrl-C.

    Returns
    -------
    diagnoses : dict of str to FitDiagnosis
        Those that were finished.
    finished : dict of str to list of Fold
        The finished folds of every network.
    """
    from skmnist._cross_validation._reference import TrainedReference
    from skmnist.diagnosis._diagnose import plan_diagnosis, run_diagnosis
    from skmnist.diagnosis._progress import FitProgress

    diagnoses, finished = {}, {name: [] for name in task.pipelines}
    try:
        for number, (name, pipeline) in enumerate(task.pipelines.items(), 1):
            plan = plan_diagnosis(
                pipeline,
                task.data.images,
                task.data.y,
                cv=task.cv,
                X_test=task.test and task.test.images,
                y_test=task.test and task.test.y,
                reference=task.reference,
                tolerance=task.tolerance,
                learning_curve=task.learning_curve,
                ignore=task.ignore,
                groups=task.data.groups,
                n_jobs=task.n_jobs,
                random_state=task.seed,
            )
            for other in diagnoses.values():
                # Both networks are measured against the same models.
                known = other.evidence.reference_name, other.evidence.reference
                plan = replace(plan, reference=TrainedReference(*known))
            which = f"{name} ({number} of 2)" if len(task.pipelines) == 2 else ""
            shown = contextlib.nullcontext() if task.quiet else FitProgress(name=which)
            with _workers(task, plan), shown as progress:
                diagnoses[name] = run_diagnosis(plan, progress, finished[name])
    except KeyboardInterrupt:
        pass
    return diagnoses, finished


def _workers(task, plan):
    """Return the context in which the fits of a plan run."""
    from skmnist.cli._workers import fits_on_cluster

    if task.scheduler is None:
        return contextlib.nullcontext()
    data = plan.cross_validation
    test = [] if plan.test is None else [plan.test[0]]
    return fits_on_cluster(task.scheduler, data.X, data.y, *test)


def _stop(out, task, diagnoses, finished, records):
    """Save what was finished before Ctrl-C, and end the command."""
    import numpy as np
    import pandas as pd

    from skmnist.diagnosis._tables import folds_table
    from skmnist.report import write_report

    command, configurations = records
    for name, diagnosis in diagnoses.items():
        write_report(
            diagnosis, out / name, command=command, configuration=configurations[name]
        )
    codes = np.unique(task.data.y, return_inverse=True)[1]
    tables = [
        folds_table(folds, codes).assign(model=name)
        for name, folds in finished.items()
        if folds
    ]
    table = pd.concat(tables) if tables else pd.DataFrame()
    n_folds = task.folds.n_splits * len(finished)
    stop(out, table, f"after {len(table)} of {n_folds} folds")


def _result(diagnoses):
    """Return the diagnosis of one network, or the comparison of two."""
    if len(diagnoses) == 1:
        return next(iter(diagnoses.values()))
    from skmnist.diagnosis import compare_fits

    return compare_fits(*diagnoses.values(), names=tuple(diagnoses))


def _write(out, result, diagnoses, records, advice):
    """Write the report, and return its paths."""
    command, configurations = records
    if len(diagnoses) == 1:
        from skmnist.report import write_report

        (configuration,) = configurations.values()
        return write_report(
            result, out, command=command, configuration=configuration, advice=advice
        )
    from skmnist.report._comparison import write_comparison

    return write_comparison(
        result, out, command=command, configurations=configurations, advice=advice
    )


def _advise(ctx, task, choice, result, out):
    """Return the next commands to type."""
    from skmnist.cli._advice import Typed, after_comparison, after_diagnosis

    options = typed_options(ctx)
    options |= {name: choice.data[name] for name in choice.data if choice.data[name]}
    if options["data"] == "digits":
        del options["data"]
    typed = Typed(choice.models, choice.settings, options)
    if len(task.pipelines) == 2:
        return [after_comparison(result, typed, task.folds, out)]
    ((_, pipeline),) = task.pipelines.items()
    of_images = len(result.data["X"]["shape"]) > 2
    advice = after_diagnosis(
        result, typed, pipeline[-1], task.folds, out, of_images=of_images
    )
    return [advice]


def _report(result, diagnoses, paths, advice, *, quiet, json, show):
    """Print the result, unless it is to be quiet, and perhaps open the report."""
    from skmnist.cli import _output

    if json:
        _output.print_json(result, paths, advice)
    elif not quiet:
        for name, diagnosis in diagnoses.items():
            _output.print_diagnosis(diagnosis, name if len(diagnoses) == 2 else None)
        if len(diagnoses) == 2:
            _output.print_comparison(result)
        _output.print_advice(advice)
        _output.print_paths(paths)
    if show:
        _output.open_report(paths[0])
