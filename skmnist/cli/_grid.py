"""Hyperparameters as they are typed in a shell: ``epochs=5,10 l2=0,0.001``."""

import math
import re
from difflib import get_close_matches

_MOST_VALUES = 100
_MOST_POINTS = 10_000
_MOST_CHARACTERS = 2_000
_MOST_DIGITS = 18

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_SIZES = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*)+", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*", re.ASCII)
_WORDS = {"true": True, "false": False, "none": None}
_NO_NUMBERS = ("nan", "inf", "infinity")

#: Parameters that control how a fit runs, not what it learns.
NOT_SEARCHED = ("callbacks", "checkpoint_dir", "random_state", "verbose", "warm_start")


def parse_grid(items):
    """Read a grid of hyperparameters.

    Parameters
    ----------
    items : list of str
        Each ``name=value,value,...``. A value is an integer, a float, ``true``,
        ``false``, ``none``, sizes joined by x (``200x100``), or a word.

    Returns
    -------
    grid : dict of str to list
        The values of each name, in the order given. Sizes are tuples of int.

    Raises
    ------
    ValueError
        If an item cannot be read, a name or a value is repeated, or there are too many.

    Examples
    --------
    >>> from skmnist.cli._grid import parse_grid
    >>> parse_grid(["hidden_layer_sizes=200x100,50", "l2=0,1e-4", "activation=relu"])
    {'hidden_layer_sizes': [(200, 100), 50], 'l2': [0, 0.0001], 'activation': ['relu']}
    """
    if not items:
        raise ValueError("The grid is empty: pass --grid epochs=5,10,20, for example.")
    grid = {}
    n_points = 1
    for item in items:
        name, values = parse_item(item)
        if name in grid:
            raise ValueError(
                f"The grid names {_short(name)} twice: list its values together, as in "
                "name=1,2,3."
            )
        grid[name] = values
        n_points *= len(values)
        if n_points > _MOST_POINTS:
            raise ValueError(
                f"The grid has more than {_MOST_POINTS:,} points: remove some values."
            )
    return grid


def fit_grid(grid, params):
    """Check the names of a grid against a classifier, and make sizes tuples.

    Parameters
    ----------
    grid : dict of str to list
    params : dict
        The parameters of the classifier, from `get_params`.

    Returns
    -------
    grid : dict of str to list

    Raises
    ------
    ValueError
        If the classifier has no such parameter, or it cannot be searched over.

    Examples
    --------
    >>> from skmnist.cli._grid import fit_grid
    >>> fit_grid({"hidden_layer_sizes": [50, (200, 100)]}, {"hidden_layer_sizes": (9,)})
    {'hidden_layer_sizes': [(50,), (200, 100)]}
    """
    known = sorted(set(params) - set(NOT_SEARCHED))
    fitted = {}
    for name, values in grid.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}."
            raise ValueError(
                f"The network has no hyperparameter {_short(name)}: {hint}"
            )
        sized = isinstance(params[name], tuple)
        fitted[name] = [(v,) if sized and type(v) is int else v for v in values]
    return fitted


def parse_item(item):
    """Read one name with its values, as `parse_grid` reads each item."""
    shown = _shown(item)
    if len(item) > _MOST_CHARACTERS:
        raise ValueError(
            f"{shown} is longer than {_MOST_CHARACTERS:,} characters: remove some "
            "values."
        )
    name, equals, text = item.partition("=")
    name = name.strip()
    if not equals or not _NAME.fullmatch(name):
        raise ValueError(
            f"{shown} cannot be read as name=value: write dropout=0.3, or "
            "epochs=5,10,20 for several values."
        )
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_VALUES:
        raise ValueError(f"{shown} has more than {_MOST_VALUES} values: remove some.")
    values = []
    for part in parts:
        value = _parse_value(name, part)
        if any(_same(value, other) for other in values):
            raise ValueError(f"{_short(name)} has the value {_shown(part)} twice.")
        values.append(value)
    return name, values


def _parse_value(name, text):
    if not text:
        raise ValueError(
            f"There is an empty value of {_short(name)}: write name=value,value "
            "without a comma at the ends or two in a row."
        )
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _SIZES.fullmatch(text):
        return tuple(_integer(name, size) for size in text.split("x"))
    if _INTEGER.fullmatch(text):
        return _integer(name, text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isfinite(value):
            return value
    elif _WORD.fullmatch(text) and text.lower() not in _NO_NUMBERS:
        return text
    raise ValueError(
        f"The value {_shown(text)} of {_short(name)} cannot be read: a value is "
        "a finite number, true, false, none, sizes such as 200x100, or a word."
    )


def _integer(name, text):
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"The value {_shown(text)} of {_short(name)} is too large.")
    return int(text)


def _same(one, other):
    """Return whether values are the same: 1 and 1.0 are, 1 and True are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _shown(text):
    return repr(_short(text))


def _short(text):
    return text if len(text) <= 40 else text[:39] + "…"
