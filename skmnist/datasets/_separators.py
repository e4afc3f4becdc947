"""What commas and other separators mean in the numbers of a CSV file."""

import re
from collections import Counter, defaultdict
from enum import Enum, auto

_GROUP = r"[1-9]\d{0,2}"
# 1,234 is both 1.234 and 1234; 0,234 and 1234,567 are decimals, 1,234,567 is not.
_DECIMAL_COMMA = re.compile(r"[-+]?(\d+,\d+|,\d+)(e[-+]?\d+)?", re.ASCII)
_GROUPED_BY_COMMAS = re.compile(rf"[-+]?{_GROUP}(,\d{{3}})+(\.\d*)?", re.ASCII)
# As they are written in German, Swiss and French: 1.234,5 and 1'234.5 and 1 234,5.
_GROUPED_OTHERWISE = re.compile(
    rf"[-+]?{_GROUP}((\.\d{{3}})+(,\d*|\.\d{{3}})"
    r"|(['’ \u00a0\u202f]\d{3})+([.,]\d*)?)",
    re.ASCII,
)
_NUMBER = re.compile(
    r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(nan|inf|infinity)", re.ASCII
)
_DIGITS_AS_ONE = str.maketrans("0123456789\0", "1111111111" + "0")
_COMMA = re.compile(r",\d")
_COMMA_IN_QUOTES = re.compile(r'"[^",]*\d,\d')


class Kind(Enum):
    """What the text of a cell can be."""

    TEXT = auto()
    MISSING = auto()
    #: A number without separators.
    WHOLE = auto()
    #: A number with a decimal point.
    POINT = auto()
    #: A number with a decimal comma.
    COMMA = auto()
    #: A number with commas as thousands separators.
    GROUPED = auto()
    #: A number with points, apostrophes or spaces as thousands separators.
    OTHERWISE_GROUPED = auto()
    #: A number with a decimal comma, or with a thousands separator.
    AMBIGUOUS = auto()


def kind_of(text):
    """Return the `Kind` of the text of a cell.

    Examples
    --------
    >>> from skmnist.datasets._separators import kind_of
    >>> [kind_of(text).name for text in ("12", "12,5", "1,234", "1,234.5", "a,b")]
    ['WHOLE', 'COMMA', 'AMBIGUOUS', 'GROUPED', 'TEXT']
    """
    text = text.strip().lower()
    if not text:
        return Kind.MISSING
    if _NUMBER.fullmatch(text):
        return Kind.POINT if "." in text else Kind.WHOLE
    has_decimals = _DECIMAL_COMMA.fullmatch(text)
    if _GROUPED_BY_COMMAS.fullmatch(text):
        return Kind.AMBIGUOUS if has_decimals else Kind.GROUPED
    if has_decimals:
        return Kind.COMMA
    return Kind.OTHERWISE_GROUPED if _GROUPED_OTHERWISE.fullmatch(text) else Kind.TEXT


def kinds_of(values):
    """Return the number of cells of each `Kind` in a column of text.

    Parameters
    ----------
    values : Series

    Returns
    -------
    kinds : Counter
    """
    # The kind depends on the places of the digits, and on whether 0 is the first one.
    # There are few such patterns, so a million cells take half a second.
    cells = "\n".join(["", *map(str, values.to_numpy(object))])
    cells = re.sub("\n +", "\n", cells)
    for before in "\n-+":
        cells = cells.replace(f"{before}0", f"{before}\0")
    patterns = cells.translate(_DIGITS_AS_ONE)[1:]
    kinds = Counter()
    for pattern, n in Counter(patterns.split("\n")).items():
        kinds[kind_of(pattern)] += n
    return kinds


def may_contain_commas(lines, delimiter):
    """Return whether numbers in some lines of a file may contain commas.

    False is certain; after True, the cells have to be read.
    """
    # Only a quoted cell can contain the delimiter.
    pattern = _COMMA_IN_QUOTES if delimiter == "," else _COMMA
    return any(pattern.search(line) for line in lines)


def decimal_of(chunks, delimiter):
    """Return the decimal separator of a file, judged by all of its numbers.

    Parameters
    ----------
    chunks : iterable of DataFrame
        Numbers with decimal points are read, others are text.
    delimiter : str

    Returns
    -------
    decimal : {",", "."}
        "." if commas are thousands separators, or may be: those numbers stay text.
    """
    columns = defaultdict(Counter)
    for frame in chunks:
        for position, values in frame.items():
            if values.dtype.kind in "biuf":
                kind = Kind.POINT if values.dtype.kind == "f" else Kind.WHOLE
                columns[position][kind] += len(values)
            else:
                columns[position] += kinds_of(values)
    # A comma in text, such as an address, says nothing of numbers.
    numbers = [set(kinds) for kinds in columns.values() if not is_text(kinds)]
    found = set().union(*numbers)
    if Kind.GROUPED in found:
        return "."
    if Kind.COMMA in found:
        return ","
    # By convention, decimal commas are why a semicolon is the delimiter. That decides
    # unless 901 stands beside 1,101, as it does if thousands are separated.
    ambiguous = [kinds for kinds in numbers if Kind.AMBIGUOUS in kinds]
    uniform = not any({Kind.WHOLE, Kind.POINT} & kinds for kinds in ambiguous)
    decides = delimiter == ";" and ambiguous and uniform and Kind.POINT not in found
    return "," if decides else "."


def is_text(kinds):
    """Return whether a column is text, by the number of cells of each kind.

    In a column of numbers, some cells may be "?" or "NA".
    """
    return 2 * kinds[Kind.TEXT] > kinds.total()
