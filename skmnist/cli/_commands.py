"""The commands, their options, and how they end."""

import os
import shlex
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skmnist import __version__
from skmnist._atomic import replacing


class _Group(typer.core.TyperGroup):
    """A group whose commands end in one sentence and an exit code, not a traceback."""

    def invoke(self, ctx):
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except KeyboardInterrupt:
            _complain("Stopped.")
            raise typer.Exit(130) from None
        except Exception as error:
            # Typer's own, which say by themselves how to end, and a closed pipe.
            own = hasattr(error, "exit_code") or isinstance(error, typer.Abort)
            if own or isinstance(error, BrokenPipeError) or ctx.params["debug"]:
                raise
            expected = (ValueError, TypeError, OSError, ImportError, MemoryError)
            kind = "" if isinstance(error, expected) else f"{type(error).__name__}: "
            message = " ".join(str(error).split()) or type(error).__name__
            _complain(f"Error: {kind}{message}")
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train image classifiers and find out whether they over- or underfit.",
)


def main():
    """Run the command line.

    TensorFlow's C++ log is kept quiet unless ``TF_CPP_MIN_LOG_LEVEL`` is set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app()


class Model(StrEnum):
    """The networks to choose from."""

    mlp = "mlp"
    lenet = "lenet"


ModelOption = Annotated[
    Model, typer.Option(help="Network: multilayer perceptron or LeNet-style CNN.")
]
DataOption = Annotated[
    str,
    typer.Option(
        metavar="DATA",
        help="digits (embedded), mnist, a folder of IDX files, or an npz file.",
    ),
]
EpochsOption = Annotated[
    int | None, typer.Option(min=1, help="Epochs.", show_default="the network's own")
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(min=1, help="Batch size.", show_default="the network's own"),
]
SamplesOption = Annotated[
    int | None,
    typer.Option(
        min=2, help="Use so many images, stratified by class.", show_default="all"
    ),
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Seeds whatever is random.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run left.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A file that `skmnist train` saved.")
]


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda wanted: _print_version() if wanted else None,
            help="Show the version and exit.",
        ),
    ] = False,
):
    pass


@app.command()
def diagnose(
    model: ModelOption = Model.mlp,
    data: DataOption = "digits",
    cv: Annotated[int, typer.Option(min=2, help="Stratified folds.")] = 5,
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
    n_jobs: Annotated[int, typer.Option(help="Folds to fit at once.")] = 1,
):
    """Cross-validate a network and say whether it over- or underfits."""
    _check_folder(out, overwrite)
    from sklearn.model_selection import StratifiedKFold

    from skmnist._progress import FitProgress
    from skmnist.cli import _data, _output
    from skmnist.diagnosis._diagnose import run_diagnosis
    from skmnist.report import write_report

    images, y = _data.subsample(*_data.load(data), samples, seed)
    _data.check_class_sizes(y, cv, f"{cv} folds")
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    out.mkdir(parents=True, exist_ok=True)
    with FitProgress() as progress:
        diagnosis = run_diagnosis(
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
        )
    network = pipeline[-1]
    settings = {
        "--model": model.value,
        "--data": data,
        "--cv": cv,
        "--epochs": network.epochs,
        "--batch-size": network.batch_size,
        "--samples": samples,
        "--tolerance": f"{tolerance:g}",
        "--seed": seed,
        "--n-jobs": n_jobs,
    }
    words = [(k, str(v)) for k, v in settings.items() if v is not None]
    shape = "×".join(map(str, images.shape[1:]))
    paths = write_report(
        diagnosis,
        out,
        command=shlex.join(["skmnist", "diagnose", *sum(words, ())]),
        configuration={
            "Model": " ".join(repr(pipeline).split()),
            "Images": f"{len(y):,} of {shape} pixels, {images.dtype}",
            "Cross-validation": f"{cv} stratified folds, shuffled",
            **{name.strip("-"): value for name, value in words},
        },
    )
    _output.print_diagnosis(diagnosis, paths)


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="File for the model.")],
    model: ModelOption = Model.mlp,
    data: DataOption = "digits",
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    samples: SamplesOption = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
):
    """Train a network and save it.

    It trains on the training part: MNIST's training images, or four fifths of other
    data. `skmnist evaluate` scores it on the rest. After Ctrl-C, what has been learned
    so far is saved.
    """
    _check_file(out, overwrite)
    from skmnist.cli import _data, _output
    from skmnist.persistence import save

    part, _ = _data.load_parts(data)
    images, y = _data.subsample(*part, samples, seed)
    pipeline = _data.make_model(
        model.value, images, epochs=epochs, batch_size=batch_size, seed=seed
    )
    stopped = False
    with _output.epoch_progress(pipeline[-1]):
        try:
            pipeline.fit(images, y)
        except KeyboardInterrupt:
            if not hasattr(pipeline[-1], "n_iter_"):
                raise
            stopped = True
    save(pipeline, out)
    if stopped:
        network = pipeline[-1]
        _complain(
            f"Stopped after {network.n_iter_} of {network.epochs} epochs: saved {out}."
        )
        raise typer.Exit(130)
    _output.print_scores({"Train": (images, y)}, pipeline)
    typer.echo(f"Saved {out}")


@app.command()
def evaluate(
    model: ModelArgument,
    data: DataOption = "digits",
    samples: Annotated[
        int | None,
        typer.Option(
            min=2, help="What --samples was in `skmnist train`.", show_default="all"
        ),
    ] = None,
):
    """Score a saved network on the images it was trained on, and on others.

    The test part is never trained on by `skmnist train`.
    """
    pipeline = _load_model(model)
    from skmnist.cli import _data, _output

    part, test = _data.load_parts(data)
    seed = getattr(pipeline[-1], "random_state", 0)
    part = _data.subsample(*part, samples, seed)
    _output.print_scores({"Train": part, "Test": test}, pipeline)


@app.command()
def predict(
    model: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Images: an npy, npz or IDX file."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="CSV file.", show_default="standard output")
    ] = None,
    overwrite: OverwriteOption = False,
):
    """Write the label and its probability for each image, as CSV."""
    if out is not None:
        _check_file(out, overwrite)
    pipeline = _load_model(model)
    import pandas as pd

    from skmnist.cli import _data

    images = _data.read_images(file, pipeline[0].image_shape_)
    probabilities = pipeline.predict_proba(images)
    table = pd.DataFrame(
        {
            "label": pipeline.classes_[probabilities.argmax(axis=1)],
            "probability": probabilities.max(axis=1),
        }
    )
    csv = table.to_csv(index_label="image", float_format="%.6f")
    if out is None:
        typer.echo(csv, nl=False)
    else:
        with replacing(out) as file:
            file.write(csv.encode())


def _print_version():
    typer.echo(f"skmnist {__version__}")
    raise typer.Exit


def _complain(message):
    typer.echo(message, err=True)


def _show_warning(message, category, filename, lineno, file=None, line=None):
    _complain(f"Warning: {' '.join(str(message).split())}")


def _check_folder(folder, overwrite):
    """Raise OSError where a report must not go, before anything is computed."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: give a folder with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} exists and is not empty: give another with --out, or "
            "--overwrite to replace the report in it."
        )


def _check_file(file, overwrite):
    """Raise OSError where a file must not go, before anything is computed."""
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder: give a file with --out.")
    if file.exists() and not overwrite:
        raise FileExistsError(
            f"The file {file} exists: give another with --out, or --overwrite to "
            "replace it."
        )
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent} to put {file} in.")


def _load_model(path):
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}: `skmnist train --out {path}` makes one."
        )
    from skmnist.persistence import load

    return load(path)
