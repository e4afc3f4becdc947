"""Standard output: what a terminal can show, and what a pipe or a file needs."""

import codecs
import sys
import unicodedata
import webbrowser

from rich import box
from rich.console import Console
from rich.text import Text

# Without a terminal, no line is wrapped.
_UNLIMITED = 100_000

_ASCII = {
    "–": "-",
    "−": "-",
    "…": "...",
    "×": "x",
    "·": "*",
    "±": "+/-",
    "√": "sqrt ",
    "χ": "chi",
    "Σ": "sum ",
    "━": "-",
}


def set_encoding_errors():
    """Write characters that standard output and error cannot encode in ASCII."""
    codecs.register_error("skmnist.ascii", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        # Other handlers than Python's defaults are the user's choice.
        if getattr(stream, "errors", None) in ("strict", "backslashreplace"):
            stream.reconfigure(errors="skmnist.ascii")


def _in_ascii(error):
    if not isinstance(error, UnicodeEncodeError):
        raise error
    parts = []
    for character in error.object[error.start : error.end]:
        if "\udc80" <= character <= "\udcff":  # a byte of a file's name
            parts.append(bytes([ord(character) - 0xDC00]))
            continue
        similar = unicodedata.normalize("NFKD", _ASCII.get(character, character))
        parts.append(similar.encode("ascii", "ignore") or b"?")
    return b"".join(parts), error.end


def output_console():
    """Return the console of standard output.

    A pipe or a file gets neither escape sequences nor wrapped lines.
    """
    console = Console()
    if not console.is_terminal:
        console.width = _UNLIMITED
    return console


def print_table(console, table):
    """Print a table; on a narrow terminal with narrow columns, or as a list.

    Parameters
    ----------
    console : rich.console.Console
    table : rich.table.Table
        Of text.
    """
    if _width(console, table) > console.width:
        table.box = None if console.options.ascii_only else box.SIMPLE_HEAD
        table.padding = (0, 1, 0, 0)
        headers = [column.header for column in table.columns]
        for column in table.columns:
            column.header = column.header.replace("_", "_\n").replace(" ", "\n")
        if _width(console, table) > console.width:
            _print_list(console, table, headers)
            return
    console.print(table)


def _width(console, table):
    """Return the width that a table needs."""
    options = console.options.update(width=_UNLIMITED)
    return console.measure(table, options=options).maximum


def _print_list(console, table, headers):
    if table.title:
        console.print(Text(f"{table.title}:"))
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        pairs = zip(headers, cells, strict=True)
        console.print(Text("- " + ", ".join(f"{name} {cell}" for name, cell in pairs)))


def open_in_browser(path):
    """Open a file in the browser.

    Returns
    -------
    opened : bool
        Whether there is a browser.
    """
    try:
        return webbrowser.open(path.resolve().as_uri())
    except webbrowser.Error:
        return False
