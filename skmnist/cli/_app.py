"""The application: its help, how a command ends, and how it is recorded."""

import shlex
import warnings
from typing import Annotated

import typer

from skmnist import __version__
from skmnist.cli._options import flag


class _PlainFlags:
    """Mixin for commands whose help names no type beside a flag."""

    def get_params(self, ctx):
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = " "
        return params


class _Group(_PlainFlags, typer.core.TyperGroup):
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


class _Command(_PlainFlags, typer.core.TyperCommand):
    """A command whose help ends with its examples."""

    def format_help(self, ctx, formatter):
        super().format_help(ctx, formatter)
        lines = "\n".join(f"   {example}" for example in self.callback.examples)
        # Not as an epilog, whose lines are joined or spread by versions of Typer.
        typer.echo(f" Examples:\n{lines}\n")


def examples(*lines):
    """Give a command examples, which its help shows.

    Parameters
    ----------
    *lines : str
        What is typed.

    Returns
    -------
    decorator : callable
    """

    def decorate(command):
        command.examples = lines
        return command

    return decorate


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
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Train image classifiers and find out whether they over- or underfit.",
    )
    app.callback()(_options)
    for command in commands:
        app.command(cls=_Command)(command)
    return app


# Options that say where the result goes and how the command ends, not what it is.
_NOT_RECORDED = frozenset(
    [
        "out",
        "overwrite",
        "resume",
        "open_report",
        "quiet",
        "json",
        "from_search",
        "fail_on",
    ]
)


def _options(
    debug: Annotated[
        bool, flag("--debug", "Show the traceback of an error.", "Options")
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
    settings = {}
    for name, *values in options:
        name = name.strip("-")
        if values and name not in without:
            settings.setdefault(name, []).extend(values)
    return {name: ", ".join(values) for name, values in settings.items()}


def typed_options(ctx):
    """Return the options that were typed and describe the task, by parameter.

    Those that choose the network and its settings are left out.
    """
    chosen = ("model", "settings", "epochs", "batch_size", "grid", "more")
    return {
        name: value
        for name, value in ctx.params.items()
        if name not in (*_NOT_RECORDED, *chosen) and is_typed(ctx, name)
    }


def is_typed(ctx, name):
    """Return whether a parameter was typed, and is not its default."""
    return ctx.get_parameter_source(name).name == "COMMANDLINE"


def describe_data(data, folds):
    """Return the description of data and folds for a report's page."""
    shape = "×".join(map(str, data.images.shape[1:]))
    n_samples, dtype = len(data.y), data.images.dtype
    if data.images.ndim == 2:
        described = {"Samples": f"{n_samples:,} of {shape} features, {dtype}"}
    else:
        described = {"Images": f"{n_samples:,} of {shape} pixels, {dtype}"}
    if data.is_label_found:  # otherwise it is among the options
        described["Labels"] = f"column {data.label!r}"
    whole = "" if data.groups is None else ", of whole groups"
    return {**described, "Cross-validation": f"{folds}{whole}"}


def print_label_notes(*parts):
    """Print which columns of tables were found to hold the labels.

    Parameters
    ----------
    *parts : Data or None
    """
    for part in parts:
        if part is not None and part.label_note is not None:
            print_error(part.label_note)


def load_backend():
    """Import Keras and its backend."""
    import skmnist._engine._training  # noqa: F401


def _show_warning(message, category, filename, lineno, file=None, line=None):
    text = " ".join(str(message).split())
    print_error(f"Warning: {text if len(text) <= 400 else text[:399] + '…'}")
