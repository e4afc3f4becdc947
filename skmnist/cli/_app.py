"""The application, the options that commands share, and how a command ends."""

import os
import shlex
import warnings
from contextlib import contextmanager
from enum import StrEnum
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
            complain("Stopped.")
            raise typer.Exit(130) from None
        except Exception as error:
            # Typer's own, which say by themselves how to end, and a closed pipe.
            own = hasattr(error, "exit_code") or isinstance(error, typer.Abort)
            if own or isinstance(error, BrokenPipeError) or ctx.params["debug"]:
                raise
            expected = (ValueError, TypeError, OSError, ImportError, MemoryError)
            kind = "" if isinstance(error, expected) else f"{type(error).__name__}: "
            message = " ".join(str(error).split()) or type(error).__name__
            complain(f"Error: {kind}{message}")
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
FoldsOption = Annotated[int, typer.Option(min=2, help="Stratified folds.")]
JobsOption = Annotated[int, typer.Option(help="Fits at once.")]
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


def _print_version():
    typer.echo(f"skmnist {__version__}")
    raise typer.Exit


def complain(message):
    """Say something on the standard error."""
    typer.echo(message, err=True)


def as_words(settings):
    """Return options as they are typed: pairs of name and value, None left out."""
    return [(name, str(value)) for name, value in settings.items() if value is not None]


def as_command(*words):
    """Return a command as it is typed."""
    return shlex.join(["skmnist", *words])


def describe_data(images, y, cv):
    """Return what a report says of the data and its folds."""
    shape = "×".join(map(str, images.shape[1:]))
    return {
        "Images": f"{len(y):,} of {shape} pixels, {images.dtype}",
        "Cross-validation": f"{cv} stratified folds, shuffled",
    }


@contextmanager
def made_folder(folder):
    """Make a folder now, so that one that cannot be is no surprise after the work.

    One that is new and still empty in the end is removed.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def stop(folder, table, words):
    """End a command that Ctrl-C stopped, after saving what there is.

    Parameters
    ----------
    folder : pathlib.Path
    table : DataFrame
        A row for each fit that was finished.
    words : str
        How far it came.
    """
    if len(table):
        file = folder / "partial_results.csv"
        with replacing(file) as opened:
            opened.write(table.to_csv(index=False).encode())
        complain(f"Stopped {words}: saved {file}.")
    else:
        complain("Stopped before anything was finished: nothing was saved.")
    raise typer.Exit(130)


def _show_warning(message, category, filename, lineno, file=None, line=None):
    words = " ".join(str(message).split())
    complain(f"Warning: {words if len(words) <= 400 else words[:399] + '…'}")


def check_folder(folder, overwrite):
    """Raise OSError where a report must not go, before anything is computed."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file: give a folder with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} exists and is not empty: give another with --out, or "
            "--overwrite to replace the report in it."
        )


def check_file(file, overwrite):
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
