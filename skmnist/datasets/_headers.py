"""Tell the names of columns in the first row of a CSV file from values."""

import numpy as np

from skmnist.datasets._columns import LABEL_NAMES
from skmnist.datasets._separators import Kind, kind_of

# Names 0, 1, 2, ... are told from values if there are this many of them.
_NUMBERED_COLUMNS = 8
# How missing values are written, beside signs such as "?".
_MISSING = ("na", "n/a", "null", "none", "missing", "<na>", "#n/a")


def are_names(first, second):
    """Return whether the first of two rows contains the names of the columns."""
    numbers = [cell for cell in first if _is_value(cell)]
    if len(numbers) <= len(first) // 2:
        # The index of a Series or DataFrame has no name; other blanks are missing.
        blank_index = not first[0].strip() and all(map(_is_name, first[1:]))
        names = [_is_name(cell) for cell in first]
        names[0] = names[0] or blank_index
        # Text in both rows may be labels; the other cells decide.
        pairs = zip(names, second, strict=False)
        told = any(is_name and _is_value(value) for is_name, value in pairs)
        return told or (not numbers and not second)
    # A DataFrame of an array has the names 0, 1, 2, ...
    starts = (list(map(str, range(i, i + len(numbers)))) for i in (0, 1))
    return len(numbers) >= _NUMBERED_COLUMNS and numbers in starts


def are_numbers_and_names(first, read, asked_for):
    """Return whether a row of numbers and some text, as 2019,2020,region, is names.

    Parameters
    ----------
    first : list of str
        The cells of the row.
    read : callable
        Returns a DataFrame of text with some of the columns, which are passed as a list
        of int, of many rows below the first.
    asked_for : sequence
        Names that the caller uses for columns.
    """
    texts = [i for i, cell in enumerate(first) if kind_of(cell) is Kind.TEXT]
    numbers = [i for i, cell in enumerate(first) if _is_value(cell)]
    blanks = {*range(len(first))} - {*texts, *numbers}
    if not texts or blanks - {0} or not all(_is_name(first[i]) for i in texts):
        return False
    names = {first[i].strip() for i in texts}
    is_known = bool(names & {*asked_for}) or any(
        name.lower() in LABEL_NAMES for name in names
    )
    if not is_known and not _count_up([first[i] for i in numbers]):
        return False
    below = read(texts)
    # A label occurs again in its column, unless most are different.
    if not len(below) or not all(_is_alone(first[i], below[i]) for i in texts):
        return False
    return is_known or _are_unlike([first[i] for i in numbers], read(numbers))


def _is_value(text):
    is_boolean = text.strip().lower() in ("true", "false")
    return is_boolean or kind_of(text) not in (Kind.TEXT, Kind.MISSING)


def _is_name(text):
    """Return whether a cell is text that is no sign of a missing value."""
    text = text.strip()
    is_missing = text.lower() in _MISSING or not any(map(str.isalnum, text))
    return not is_missing and not _is_value(text)


def _is_alone(name, below):
    """Return whether a cell is not in its column, of numbers or of text that recurs."""
    cells = below.str.strip()
    if (cells == name.strip()).any():
        return False
    return all(map(_is_value, cells)) or cells.nunique() <= len(cells) // 2


def _count_up(names):
    """Return whether numbers increase, or decrease, from each to the next."""
    try:
        steps = np.diff(np.array(names, float))
    except ValueError:  # decimal commas or booleans
        return False
    return len(steps) > 0 and bool((steps > 0).all() or (steps < 0).all())


def _are_unlike(names, below):
    """Return whether numbers that count up are no values of their columns."""
    import pandas as pd

    numbers = np.array(names, float)
    steps = np.diff(numbers)
    # Values of few columns increase by chance, but not in equal steps.
    is_even = np.allclose(steps, steps[0]) and (len(steps) > 1 or abs(steps[0]) == 1)
    if is_even or len(numbers) >= _NUMBERED_COLUMNS:
        return True
    values = below.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    return not ((values.min(0) <= numbers) & (numbers <= values.max(0))).any()
