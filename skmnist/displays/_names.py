"""Names in pictures: short, distinct, and in fonts that have their characters."""

import functools
import unicodedata
from collections import Counter

# Characters kept of the beginning of a name whose middle is left out.
_HEAD = 3
# Its glyphs are boxes that show the script of a character, not the character.
_LAST_RESORT = "Last Resort"


def label_names(names, width, noun):
    """Return labels of names for a picture, all different if the names are.

    Names longer than the width lose their end. Those that begin alike lose what they
    have in common: "handwritten_digit_zero" becomes "handwri…zero". A name that no
    installed font can draw, or that remains ambiguous, is replaced by its number.

    Parameters
    ----------
    names : sequence of object
        Different names, drawn as their text.
    width : int
        The largest number of characters of a label; about two thirds of it for
        Chinese, Japanese and Korean, whose characters are twice as wide.
    noun : str
        What the names are of. The second name is replaced by "{noun} 2", a single name
        by the noun.

    Returns
    -------
    labels : list of str
        With the mark of a formula, "$", escaped.
    """
    return [label.replace("$", r"\$") for label in _labels(names, width, noun)]


def numbered_names(names, width, noun):
    """Return the names that `label_names` replaces, by the labels it gives them.

    Parameters
    ----------
    names : sequence of object
    width : int
    noun : str

    Returns
    -------
    names : dict of str to str
    """
    labels = _labels(names, width, noun)
    return {
        label: str(name)
        for number, (name, label) in enumerate(zip(names, labels, strict=True), 1)
        if label == f"{noun} {number}" != str(name)
    }


def use_fonts(ax):
    """Let the texts of axes fall back to installed fonts that have their characters.

    Call it after drawing. It changes the texts, not the rcParams.

    Parameters
    ----------
    ax : matplotlib Axes
    """
    from matplotlib.text import Text

    texts = [text for text in ax.findobj(Text) if not text.get_text().isascii()]
    families, _ = _find_fonts("".join(text.get_text() for text in texts))
    if families:
        for text in texts:
            text.set_fontfamily([*text.get_fontfamily(), *families])


def _labels(names, width, noun):
    names = [_without_controls(str(name)) for name in names]
    _, missing = _find_fonts("".join(names))
    if any(unicodedata.east_asian_width(char) in "WF" for char in "".join(names)):
        width = 2 * width // 3
    drawn = [name for name in names if name.strip() and not missing & set(name)]
    short = dict(zip(drawn, _shorten(drawn, width), strict=True))
    used = Counter(short.get(name) for name in names)
    return [
        short[name]
        if used[short.get(name)] == 1 and name in short
        else (noun if len(names) == 1 else f"{noun} {number}")
        for number, name in enumerate(names, 1)
    ]


def _without_controls(text):
    """Return text with a space for each control character, which fonts do not have."""
    return "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
    )


def _shorten(names, width):
    """Return names of at most `width` characters, with "…" for what is left out."""
    short = {name: name for name in names if len(name) <= width}
    alike = {}
    for name in names:
        if len(name) > width:
            alike.setdefault(name[: width - 1], []).append(name)
    for head, group in alike.items():
        if len(group) == 1 or width < 2 * _HEAD + 1:
            short |= dict.fromkeys(group, f"{head}…")
        else:
            short |= _shorten_alike(group, width)
    return [short[name] for name in names]


def _shorten_alike(names, width):
    """Return short names, by name, of long ones that begin alike."""
    common = _common_length(names)
    # "one" and "only" begin alike, too, so go back to the beginning of a word.
    starts = range(common, _HEAD, -1)
    start = next((i for i in starts if _is_word_start(names[0], i)), common)
    ends, room = [name[start:] for name in names], width - 1 - _HEAD
    if max(map(len, ends)) > room:
        tail = _common_length([end[::-1] for end in ends])
        if tail > 1:
            ends = [f"{end[: len(end) - tail]}…" for end in ends]
        ends = _shorten(ends, room)
    head = names[0][: width - 1 - max(map(len, ends))]
    return {name: f"{head}…{end}" for name, end in zip(names, ends, strict=True)}


def _common_length(texts):
    """Return the number of characters that all texts begin with."""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return next((i for i, (a, b) in pairs if a != b), len(first))


def _is_word_start(text, place):
    before, after = text[place - 1], text[place : place + 1]
    return not before.isalnum() or (before.islower() and after.isupper())


def _find_fonts(text):
    """Return the fonts that a text needs, and the characters that none can draw.

    Parameters
    ----------
    text : str

    Returns
    -------
    families : tuple of str
        Beside those of the rcParams.
    missing : frozenset of str
    """
    if text.isascii():
        return (), frozenset()
    from matplotlib import rcParams

    characters = frozenset(text) - {"\n"}
    default = tuple(rcParams["font.family"])
    return _choose_fonts(characters, default, _installed_fonts(), _lays_out())


def _installed_fonts():
    """Return family, file and number in the file of each upright font, by name."""
    from matplotlib.font_manager import fontManager

    fonts = {}
    for entry in fontManager.ttflist:
        # The regular weight: the one that is found by the name of the family.
        distance = abs(entry.weight - 400) if isinstance(entry.weight, int) else 0
        found = (distance, entry.fname, getattr(entry, "index", 0))
        if entry.style == "normal" and not entry.name.startswith(_LAST_RESORT):
            fonts[entry.name] = min(found, fonts.get(entry.name, found))
    return tuple((name, *fonts[name][1:]) for name in sorted(fonts))


def _lays_out():
    """Return whether matplotlib can write from right to left (3.11 and later)."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")


@functools.lru_cache(maxsize=64)
def _choose_fonts(characters, default, installed, lays_out):
    """Return few families that have the characters, and those without any."""
    from matplotlib.font_manager import FontProperties, fontManager

    missing, backwards = characters, frozenset()
    for family in default:
        path = fontManager.findfont(FontProperties(family=[family]))
        missing -= _drawn_by(path, getattr(path, "face_index", 0), missing)
    if not lays_out:
        backwards = frozenset(
            c for c in characters if unicodedata.bidirectional(c) in ("R", "AL")
        )
        missing -= backwards
    has = {}
    if missing:
        has = {f: _drawn_by(path, index, missing) for f, path, index in installed}
    families = []
    # The family that has most of them, then the one that has most of the rest.
    while has := {f: drawn & missing for f, drawn in has.items() if drawn & missing}:
        best = max(has, key=lambda family: len(has[family]))
        families.append(best)
        missing -= has[best]
    return tuple(families), missing | backwards


def _drawn_by(path, index, characters):
    """Return the characters that a font has a glyph for."""
    from matplotlib.ft2font import FT2Font

    try:
        # Before matplotlib 3.11 only the first font of a file can be opened.
        font = FT2Font(path, face_index=index) if index else FT2Font(path)
    except (OSError, RuntimeError):  # removed since matplotlib listed it, or unreadable
        return frozenset()
    return frozenset(c for c in characters if font.get_char_index(ord(c)))
