import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from skmnist.displays import _names
from skmnist.displays._names import label_names, numbered_names, use_fonts

CHINESE = ["零", "一", "二"]
ARABIC = ["صفر", "واحد", "اثنان"]


@pytest.fixture
def no_other_fonts(monkeypatch):
    """Leave matplotlib's default font only."""
    monkeypatch.setattr(_names, "_installed_fonts", tuple)


@pytest.fixture
def chinese_font(tmp_path):
    """Install a font with a square for each of the Chinese characters."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(char): "square" for char in CHINESE})
    builder.setupGlyf(dict.fromkeys([".notdef", "square"], pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", "square"], (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "squares.ttf")
    fontManager.addfont(tmp_path / "squares.ttf")
    yield "Squares"
    fontManager.ttflist[:] = [f for f in fontManager.ttflist if f.name != "Squares"]


def draw_ticks(labels):
    """Draw labels at an axis and return the families of their fonts."""
    figure = Figure()
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    ax.set_xticks(range(len(labels)), labels)
    use_fonts(ax)
    figure.canvas.draw()  # a warning for each missing glyph
    assert [text.get_text() for text in ax.get_xticklabels()] == labels
    return ax.get_xticklabels()[0].get_fontfamily()


def test_short_names_are_unchanged():
    assert label_names([3, True, "cat"], 12, "class") == ["3", "True", "cat"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (
            ["handwritten_digit_zero", "handwritten_digit_one"],
            ["handwri…zero", "handwri…one"],
        ),
        (["HandwrittenOne", "HandwrittenOnly"], ["Handwri…One", "Handwri…Only"]),
        (["x" * 20, "x" * 21], ["xxxxxxxxxx…", "xxxxxxxxxx…x"]),
        (
            ["class number 1 with long name", "class number 2 with long name"],
            ["class num…1…", "class num…2…"],
        ),
        (["Hippopotamus amphibius", "Giraffa"], ["Hippopotamu…", "Giraffa"]),
    ],
)
def test_names_that_begin_alike_keep_what_differs(names, labels):
    assert label_names(names, 12, "class") == labels


@given(
    st.lists(
        st.text(st.sampled_from("ab_ Z1"), min_size=1, max_size=30),
        unique=True,
        min_size=2,
    ),
    st.integers(5, 20),
)
def test_labels_of_different_names_are_different(names, width):
    labels = label_names(names, width, "class")
    assert len(set(labels)) == len(names)
    numbered = numbered_names(names, width, "class")
    assert all(len(label) <= width for label in labels if label not in numbered)


def test_dollar_signs_are_no_formula():
    assert label_names(["$x$", "y"], 12, "class") == [r"\$x\$", "y"]


def test_blank_names_and_control_characters_are_numbered():
    labels = label_names(["", "a\tb", "a b", "c"], 12, "class")
    assert labels == ["class 1", "class 2", "class 3", "c"]


@pytest.mark.usefixtures("no_other_fonts")
def test_names_without_a_font_are_numbered_and_drawn_without_warning():
    names = ["zero", *CHINESE]
    labels = label_names(names, 12, "class")
    assert labels == ["zero", "class 2", "class 3", "class 4"]
    assert numbered_names(names, 12, "class") == dict(
        zip(labels[1:], CHINESE, strict=True)
    )
    assert label_names(CHINESE[:1], 12, "model") == ["model"]
    draw_ticks(labels)


def test_names_with_an_installed_font_are_drawn_in_it(chinese_font, monkeypatch):
    entries = [f for f in _names._installed_fonts() if f[0] == chinese_font]
    monkeypatch.setattr(_names, "_installed_fonts", lambda: tuple(entries))
    before = dict(mpl.rcParams)
    assert label_names(CHINESE, 12, "class") == CHINESE
    assert numbered_names(CHINESE, 12, "class") == {}
    assert draw_ticks(CHINESE) == [*mpl.rcParams["font.family"], chinese_font]
    assert dict(mpl.rcParams) == before


def test_arabic_names_are_drawn_if_matplotlib_can_lay_them_out(monkeypatch):
    """DejaVu Sans, which comes with matplotlib, has the letters."""
    monkeypatch.setattr(_names, "_lays_out", lambda: True)
    assert label_names(ARABIC, 12, "class") == ARABIC
    draw_ticks(ARABIC)
    monkeypatch.setattr(_names, "_lays_out", lambda: False)
    assert label_names(ARABIC, 12, "class") == ["class 1", "class 2", "class 3"]
