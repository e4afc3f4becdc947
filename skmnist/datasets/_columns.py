"""Choose which columns of a table are features, labels and groups."""

import re
from typing import NamedTuple

import numpy as np

from skmnist.datasets._npy import listing
from skmnist.datasets._separators import is_text, kinds_of

# Names of a column of labels, in lower case, in the order of preference.
LABEL_NAMES = ("label", "class", "target", "y", "digit", "labels", "species")
# Names of a column that numbers the rows, as pandas and Kaggle write it.
_ROW_NAMES = ("", "#", "unnamed: 0", "id", "imageid", "index", "__index_level_0__")
# Names such as User ID, customer_id, PassengerId and ID_code.
_ID_NAME = re.compile(r"(.*[ _-])?id([ _-].*)?|(?-i:.*[a-z]I[dD])", re.IGNORECASE)
_PIXEL_NAME = re.compile(r"(pixel|px|x|f|feature)?[_ -]?\d+([x_-]\d+)*", re.IGNORECASE)
# A first column of 0, 1, 2, ... or 1, 2, 3, ... without a name numbers the rows.
_NUMBERED_ROWS = 20
# A pixel in the corner of an image is seldom ink; a class is seldom this frequent.
_MOST_OF_ONE_LABEL = 0.95
# Text that is different in this part of many rows identifies them.
_MOST_DISTINCT = 0.9
# Integers of a column that may be labels, beside a column of text that may be, too.
_FEW_VALUES = 10


class Columns(NamedTuple):
    """The numbers of the columns by what they contain."""

    features: list
    label: int | None = None
    groups: int | None = None


def choose_columns(file, sample, label, groups, needs_label, notes):
    """Return which columns are features, label and groups."""
    positions = []
    for position, name in enumerate(file.names):
        reason = _reason_to_leave_out(file, sample, position)
        if reason is None or position in (label, groups):
            positions.append(position)
        else:
            notes.add(f"left out, {reason}", f"column {name!r}")
    if groups is not None:
        positions.remove(groups)
    if not positions:
        raise ValueError(f"{file.path} has no columns of features.")
    if label is None:
        label = _find_label(file, sample, positions, needs_label)
        if label is None and needs_label:
            some = dict.fromkeys((*positions[:3], positions[-1]))
            shown = listing([file.names[i] for i in some])
            raise ValueError(
                f"{file.path} has no column that is known to contain labels among "
                f"{len(positions)} ({shown}): pass its name, or its number, as label."
            )
    if label in positions:
        positions.remove(label)
    if not positions:
        raise ValueError(f"{file.path} has no columns beside the labels.")
    return Columns(positions, label, groups)


def is_named(names):
    """Return whether columns have names, and not only numbers."""
    return not all(map(str.isdigit, names))


def position_of(file, name):
    """Return the number of a column that was named, or numbered."""
    names = file.names
    if name in names:
        return names.index(name)
    if re.fullmatch(r"-?\d+", str(name)) and -len(names) <= int(name) < len(names):
        return int(name) % len(names)
    raise ValueError(f"{file.path} has no column {name!r}: it has {listing(names)}.")


def positions_of(file, names):
    """Return the numbers of the columns that a model was trained on."""
    missing = [name for name in names if name not in file.names]
    if missing:
        raise ValueError(
            f"{file.path} lacks the columns {listing(missing)}, which the model was "
            "trained on."
        )
    return [file.names.index(name) for name in names]


def _reason_to_leave_out(file, sample, position):
    """Return why a column is no feature, or None."""
    values, name = sample[position], file.names[position].strip()
    n_rows = len(values)
    if values.dtype.kind not in "biuf" and (values.astype(str).str.strip() == "").all():
        return None if name else "as it is empty"
    if file.has_names and name.lower() in _ROW_NAMES and _is_distinct(values):
        return "as it numbers the rows"
    if file.has_names and _is_id_name(name) and _is_distinct(values):
        return None if _is_fractional(values) else "as it identifies the rows"
    if position == 0 and not file.has_names and n_rows >= _NUMBERED_ROWS:
        numbers = np.arange(n_rows)
        if is_numeric(values) and (values - values.iloc[0] == numbers).all():
            return "as it numbers the rows"
    return None


def _find_label(file, sample, positions, needs_label):
    """Return the number of the column of labels, or None if nothing tells it.

    Raises
    ------
    ValueError
        If another column is as likely.
    """
    names = [name.strip().lower() for name in file.names]
    if file.has_names:
        for name in LABEL_NAMES:
            if names.count(name) == 1 and names.index(name) in positions:
                found = names.index(name)
                _check_no_rivals(file, found, _beside_coordinate(names, found))
                return found
    if not needs_label:
        return None
    text = [i for i in positions if _is_text(sample[i])]
    if len(text) == 1 and not _is_identifier(sample[text[0]]):
        _check_no_rivals(file, text[0], _beside_text(file, sample, text[0], positions))
        return text[0]
    others = [i for i in positions if not _PIXEL_NAME.fullmatch(names[i])]
    if len(others) == 1 and len(positions) > 2:
        # Identifiers that repeat are of writers, for example.
        is_id = file.has_names and _is_id_name(file.names[others[0]])
        return None if is_id and len(sample) > 1 else others[0]
    if file.has_names and others:
        return None
    # A label repeats and varies; the corner of an image is constant or varies widely.
    # All rows are read, because they may be sorted by label.
    ends = [positions[0], positions[-1]]
    parts = list(file.chunks(columns=ends))
    ends = [i for i in ends if _may_be_label(np.concatenate([p[i] for p in parts]))]
    return ends[0] if len(ends) == 1 else None


def _beside_coordinate(names, found):
    """Return columns that may contain the labels if "y" is the coordinate after "x"."""
    if names[found] == "y" and found and names[found - 1] == "x":
        return [len(names) - 1] if found + 1 < len(names) else []
    return []


def _beside_text(file, sample, text, positions):
    """Return columns that may contain the labels if the only text is a feature.

    Labels come first or last by convention, and text as often is a feature, such as a
    gender. A column of a few integers may be the labels if it is in the better place.
    """
    first, last = positions[0], positions[-1]
    if text == last or (text == first and not file.has_names):
        return []
    candidates = [last] if text == first else positions
    return [
        i
        for i in candidates
        if sample[i].dtype.kind in "iu"
        and 2 <= sample[i].nunique() <= min(_FEW_VALUES, len(sample) // 2)
        and not _PIXEL_NAME.fullmatch(file.names[i].strip())
    ]


def _check_no_rivals(file, found, rivals):
    """Raise ValueError if other columns may contain the labels, too."""
    if rivals:
        names = [repr(file.names[i]) for i in sorted([found, *rivals])]
        raise ValueError(
            f"{file.path} has several columns that may contain the labels: "
            f"{listing(names)}. Pass the name, or the number, of one as label (--label "
            "on the command line)."
        )


def _may_be_label(values):
    if values.dtype.kind not in "iuf" or (values != np.rint(values)).any():
        return False
    counts = np.unique(values, return_counts=True)[1]
    repeats = 2 <= len(counts) <= max(2, len(values) // 2)
    return repeats and counts.max() <= _MOST_OF_ONE_LABEL * len(values)


def _is_id_name(name):
    return _ID_NAME.fullmatch(name.strip()) is not None


def is_numeric(values):
    """Return whether a column has a dtype of numbers or booleans."""
    return values.dtype.kind in "biuf"


def _is_distinct(values):
    """Return whether a column is different in all rows, of which there are several."""
    return values.astype(str).nunique() == len(values) > 1


def _is_fractional(values):
    return values.dtype.kind == "f" and bool((values != np.rint(values)).any())


def _is_text(values):
    """Return whether most cells of a column are text; others are numbers."""
    if is_numeric(values) or is_bytes(values):
        return False
    return is_text(kinds_of(values))


def _is_identifier(values):
    """Return whether a column of text is different in almost every row."""
    n_rows, n_distinct = len(values), values.astype(str).nunique()
    return n_rows >= _NUMBERED_ROWS and n_distinct > _MOST_DISTINCT * n_rows


def is_bytes(values):
    """Return whether a column contains encoded pictures, as bytes or in a dict."""
    return isinstance(values.iloc[0], bytes | dict)
