"""Settings of a network: from --set, from other options, and from a finished search."""

import json
import shlex
from typing import NamedTuple

from skmnist.cli._app import is_typed
from skmnist.cli._grid import fit_grid, parse_item
from skmnist.cli._options import DATA_PARAMETERS
from skmnist.search._values import written_value

_MOST_BYTES = 100_000_000
# Parameters of a network with an option of their own.
_OPTIONS = ("epochs", "batch_size")


class Choice(NamedTuple):
    """What a command trains, after all options are read.

    Attributes
    ----------
    models : list of str
    settings : dict
        Hyperparameters that are not left at their defaults.
    data : dict
        Options that say which data to read, by the names of parameters.
    """

    models: list
    settings: dict
    data: dict


def choose(ctx, models):
    """Return what a command trains.

    What is typed takes precedence over what a search given by --from found.

    Parameters
    ----------
    ctx : typer.Context
    models : list of str
        The value of --model, or its default.

    Returns
    -------
    choice : Choice

    Raises
    ------
    OSError
        If the file of a search cannot be read.
    ValueError
        If a setting or the file of a search cannot be used.
    """
    params = ctx.params
    data = {name: params[name] for name in DATA_PARAMETERS if name in params}
    settings = {}
    path = params.get("from_search")
    if path is not None:
        searched, best = read_search(ctx, path)
        settings = _typed_settings(searched) | best
        if searched and not is_typed(ctx, "model"):
            models = [str(searched["model"])]
        if not is_typed(ctx, "data"):  # options of other data would not fit
            known = {name: searched[name] for name in data if name in searched}
            data |= {n: value for n, value in known.items() if not is_typed(ctx, n)}
    return Choice(models, settings | _typed_settings(params), data)


def settings_of(network_class, settings, models):
    """Return the settings of one network, checked.

    Parameters
    ----------
    network_class : type
    settings : dict
    models : list of type
        All networks of the command. A setting must be a parameter of one of them.

    Raises
    ------
    ValueError
        If no network has the parameter, or it is not to be set by a user.
    """
    known = network_class().get_params()
    of_any = set().union(*(model().get_params() for model in models))
    # A name that no network has is left for `fit_grid` to report.
    chosen = {
        name: [value]
        for name, value in settings.items()
        if name in known or name not in of_any
    }
    return {name: value for name, (value,) in fit_grid(chosen, known).items()}


def as_typed(settings):
    """Return settings as the values of --set, without those with their own option."""
    return [
        f"{name}={written_value(value)}"
        for name, value in settings.items()
        if name not in _OPTIONS
    ]


def read_search(ctx, path):
    """Read the command and the best point of a finished search.

    Parameters
    ----------
    ctx : typer.Context
        Of any command of the application.
    path : pathlib.Path
        Its search.json, or the folder that contains it.

    Returns
    -------
    params : dict
        Parameters of the command `search`; empty if the search was made in Python.
    best : dict
        Hyperparameters of the best point.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it was not written by `skmnist search`.
    """
    if path.is_dir():
        if not (path / "search.json").exists():
            raise FileNotFoundError(
                f"The folder {path} contains no search.json: --from takes the folder "
                "of a finished `skmnist search`."
            )
        path = path / "search.json"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        record = json.loads(path.read_text(encoding="utf-8"))
        best = {str(name): _as_value(value) for name, value in record["best"].items()}
        words = shlex.split(record.get("command") or "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not the result of `skmnist search`: {error}."
        ) from error
    if words[:2] != ["skmnist", "search"]:
        return {}, best
    command = ctx.find_root().command.get_command(ctx, "search")
    # Values that cannot be read are None, and defaults take their place.
    parsed = command.make_context("search", words[2:], resilient_parsing=True)
    return {n: v for n, v in parsed.params.items() if v is not None}, best


def _as_value(value):
    """Return a value of JSON as a hyperparameter."""
    if isinstance(value, list) and all(type(entry) is int for entry in value):
        return tuple(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"it contains the value {value!r}")


def _typed_settings(params):
    """Return the settings among the parameters of a command."""
    settings = {}
    for item in params.get("settings") or []:
        name, values = parse_item(item)
        if len(values) > 1:
            raise ValueError(
                f"--set {item} has {len(values)} values: give one, or search over them "
                f"with `skmnist search --grid {item}`."
            )
        if name in settings:
            raise ValueError(f"--set gives {name} twice.")
        settings[name] = values[0]
    for name in _OPTIONS:
        if params.get(name) is not None:
            if name in settings:
                option = f"--{name.replace('_', '-')}"
                raise ValueError(f"{name} is given twice, by --set and by {option}.")
            settings[name] = params[name]
    return settings
