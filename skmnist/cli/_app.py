"""The application, the options that commands share, and how a command ends."""

import shlex
import signal
import warnings
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from skmnist import __version__


class _Group(typer.core.TyperGroup):
    """A group whose commands end with one sentence and an exit code, no traceback."""

    def invoke(self, ctx):
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except KeyboardInterrupt:
            print_error("Stopped.")
            raise typer.Exit(130) from None
        except Exception as error:
            # Typer's own exceptions end the command themselves; a closed pipe needs no
            # message.
            own = hasattr(error, "exit_code") or isinstance(error, typer.Abort)
            if own or isinstance(error, BrokenPipeError) or ctx.params["debug"]:
                raise
            expected = (ValueError, TypeError, OSError, ImportError, MemoryError)
            kind = "" if isinstance(error, expected) else f"{type(error).__name__}: "
            message = " ".join(str(error).split()) or type(error).__name__
            print_error(f"Error: {kind}{message}")
            raise typer.Exit(1) from None


def make_app(commands):
    """Make the application of some commands.

    Parameters
    ----------
    commands : iterable of callable
        In the order in which ``--help`` lists them.

    Returns
    -------
    app : typer.Typer
    """
    app = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Train image classifiers and find out whether they over- or underfit.",
    )
    app.callback()(_options)
    for command in commands:
        app.command()(command)
    return app


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
FoldsOption = Annotated[int, typer.Option(min=2, help="Number of stratified folds.")]
JobsOption = Annotated[int, typer.Option(help="Number of fits at once.")]
SamplesOption = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Use this many images, stratified by class.",
        show_default="all",
    ),
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything random.")
]
ReportOption = Annotated[Path, typer.Option(help="Folder for the report.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the files of an earlier run.")
]
OpenOption = Annotated[
    bool, typer.Option("--open", help="Open the report in the browser.")
]

# Options that say where the result goes, not what it is.
_NOT_RECORDED = ("out", "overwrite", "resume", "open_report")


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


def print_error(message):
    """Print a message to standard error."""
    typer.echo(message, err=True)


def recorded_options(ctx, **resolved):
    """Return a command's options as they are typed.

    Parameters
    ----------
    ctx : typer.Context
        Of the command.
    **resolved : object
        Values by the names of parameters, in place of those that were typed: what a
        default stood for. None leaves an option out.

    Returns
    -------
    options : list of tuple of str
        The words of each option: its flag and its value, or a flag alone. An argument
        is its value alone, and comes last.
    """
    options, arguments = [], []
    for param in ctx.command.params:
        if param.name in _NOT_RECORDED or param.name not in ctx.params:
            continue
        value = resolved.get(param.name, ctx.params[param.name])
        values = value if isinstance(value, list | tuple) else [value]
        for each in values:
            if each is None or each is False:
                continue
            text = f"{each:g}" if isinstance(each, float) else str(each)
            if param.param_type_name == "argument":
                arguments.append((text,))
            else:
                options.append(
                    (param.opts[0],) if each is True else (param.opts[0], text)
                )
    return options + arguments


def as_command(ctx, options):
    """Return a command with recorded options as it is typed."""
    words = [word for option in options for word in option]
    return shlex.join(["skmnist", ctx.info_name, *words])


def as_settings(options, *, without=()):
    """Return recorded options as a dict for a report's page."""
    return {
        option[0].strip("-"): option[-1]
        for option in options
        if len(option) == 2 and option[0].strip("-") not in without
    }


def describe_data(images, y, cv):
    """Return the description of data and folds for a report's page."""
    shape = "×".join(map(str, images.shape[1:]))
    return {
        "Images": f"{len(y):,} of {shape} pixels, {images.dtype}",
        "Cross-validation": f"{cv} stratified folds, shuffled",
    }


@contextmanager
def parallel_fits(n_jobs):
    """Import Keras, and let workers ignore Ctrl-C, which a terminal sends to all.

    joblib ends its workers after the interrupt of this process; without this they would
    print their own tracebacks first.
    """
    from joblib import effective_n_jobs, parallel_config

    load_backend()
    if effective_n_jobs(n_jobs) == 1:
        yield
        return
    ignore = signal.SIGINT, signal.SIG_IGN
    with parallel_config("loky", initializer=signal.signal, initargs=ignore):
        yield


def load_backend():
    """Import Keras and its backend."""
    import skmnist._engine._training  # noqa: F401


def _show_warning(message, category, filename, lineno, file=None, line=None):
    text = " ".join(str(message).split())
    print_error(f"Warning: {text if len(text) <= 400 else text[:399] + '…'}")
