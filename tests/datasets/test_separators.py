"""Decimal commas, thousands separators and delimiters in CSV files."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skmnist import load_images
from skmnist.datasets._separators import Kind, kind_of, kinds_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Kind.MISSING),
        ("cat", Kind.TEXT),
        ("3,a", Kind.TEXT),
        ("1,5,7", Kind.TEXT),
        ("1_000", Kind.TEXT),
        ("901", Kind.WHOLE),
        ("-1e5", Kind.WHOLE),
        ("nan", Kind.WHOLE),
        (" 12.5", Kind.POINT),
        ("1.234", Kind.POINT),
        ("12,5", Kind.COMMA),
        ("-,5", Kind.COMMA),
        ("0,456", Kind.COMMA),
        (" 0,456", Kind.COMMA),
        ("1234,567", Kind.COMMA),
        ("1,234E-3", Kind.COMMA),
        ("1,101", Kind.AMBIGUOUS),
        ("-12,101", Kind.AMBIGUOUS),
        ("1,000,000", Kind.GROUPED),
        ("1,234.56", Kind.GROUPED),
        ("1.234,56", Kind.OTHERWISE_GROUPED),
        ("1.234.567", Kind.OTHERWISE_GROUPED),
        ("1'234.5", Kind.OTHERWISE_GROUPED),
        ("1 234,5", Kind.OTHERWISE_GROUPED),
        ("1\u00a0234", Kind.OTHERWISE_GROUPED),
    ],
)
def test_kind_of_a_cell(text, kind):
    assert kind_of(text) is kind
    assert kinds_of(pd.Series([text, "x"]))[kind] == 1 + (kind is Kind.TEXT)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("label;a\n0;12,5\n1;3\n", [[12.5], [3]]),
        ("label;a\n0;3\n1;4\n0;12,5\n", [[3], [4], [12.5]]),
        ('label;a;b\n0;"12,5";1\n1;3,5;"2"\n', [[12.5, 1], [3.5, 2]]),
        ("label;a;b\n0;1,101;12,5\n1;901;3,5\n", [[1.101, 12.5], [901, 3.5]]),
        ("label;a\n0;1,101\n1;2,345\n", [[1.101], [2.345]]),
        ("label;a\n0;1,5E-3\n1;-,5\n", [[0.0015], [-0.5]]),
        ("label\ta\n0\t0,5\n1\t1,101\n", [[0.5], [1.101]]),
        ('label,a\n0,"0,456"\n1,"1,120"\n', [[0.456], [1.12]]),
        ('label;a\n"x 1,5, y";12.5\n"z";3.5\n', [[12.5], [3.5]]),
    ],
)
def test_decimal_commas_are_read_where_the_file_shows_them(tmp_path, text, values):
    path = tmp_path / "own.csv"
    path.write_text(text)
    np.testing.assert_array_equal(load_images(path).data, values)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_rows_of_decimal_commas_without_names_are_split(tmp_path, separator, quote):
    rows = [["5,1", "3,5", "1"], ["4,9", "3,0", "2"]] * 2
    lines = [separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines))
    bunch = load_images(path)
    np.testing.assert_array_equal(bunch.data, [[5.1, 3.5], [4.9, 3.0]] * 2)
    assert bunch.target.tolist() == [1, 2] * 2


def test_whole_labels_with_decimal_commas_are_integers(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("label;a\n1,0;2,5\n2,0;3,5\n")
    assert load_images(path).target.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('label,a\n0,"1,101"\n1,901\n', "row 1 has '1,101' .* may be 1.101 or 1101"),
        ('label,a\n0,901\n1,902\n0,"1,101"\n', "row 3 has '1,101' in column 'a'"),
        ("label;a\n0;901\n1;1,101\n", "row 2 has '1,101' .* may be 1.101 or 1101"),
        ("label;a;b\n0;1,101;2.5\n1;2,345;3.5\n", "'1,101' .* may be 1.101 or 1101"),
        ("label\ta\n0\t1,355\n1\t1,677\n", "'1,355' in column 'a'; it may be"),
        ('label,a\n0,"1,000,000"\n1,"1,234"\n', "'1,000,000' .* no thousands"),
        ('label,a\n0,"1,234.56"\n1,12\n', "'1,234.56' .* no thousands"),
        ("label;a\n0;12,5\n1;1.234,56\n", "row 2 has '1.234,56' .* no thousands"),
        ("label;a\n0;12,5\n1;1 234,5\n", "row 2 has '1 234,5' .* no thousands"),
        ("label;a\n0;12\n1;1'234\n", 'row 2 has "1\'234" .* no thousands'),
        (
            "label;a;b\n0;1,5;7\n1;2,5;3.5\n",
            "'3.5' in column 'b'; expected a decimal c",
        ),
        ("label;a\n0;1,5\n1;?\n", r"row 2 has '\?' in column 'a'; expected a number"),
    ],
)
def test_other_separators_are_refused_with_the_cell(tmp_path, text, message):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_images(path)
    assert str(path) in str(caught.value)


def test_separators_are_judged_by_all_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._csv._CHUNK_VALUES", 40)
    path = tmp_path / "own.csv"
    rows = [f"{i % 2};{i}" for i in range(60)]
    path.write_text("\n".join(["label;a", *rows, "0;60,5"]))
    np.testing.assert_array_equal(load_images(path).data[:, 0], [*range(60), 60.5])
    path.write_text("\n".join(["label;a", *rows, "0;1,060"]))
    with pytest.raises(ValueError, match="row 61 has '1,060' in column 'a'"):
        load_images(path)


def test_column_of_numbers_with_separators_is_not_taken_for_the_labels(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text('a,b,c\n1,"1,101",2.5\n2,901,3.5\n1,"1,102",2.5\n')
    with pytest.raises(ValueError, match="no column that is known to contain labels"):
        load_images(path)


def as_english(value):
    return f"{value:,}"


def as_american_money(value):
    return f"{value:,.2f}"


def as_german(value):
    return f"{value:.2f}".replace(".", ",")


def as_german_money(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def as_french(value):
    return f"{value:,.1f}".replace(",", " ").replace(".", ",")


def as_swiss(value):
    return f"{value:,}".replace(",", "'")


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=st.lists(
        st.lists(st.integers(-2_000_000, 2_000_000), min_size=2, max_size=2),
        min_size=2,
        max_size=6,
    ),
    write=st.sampled_from(
        [
            as_english,
            as_american_money,
            as_german,
            as_german_money,
            as_french,
            as_swiss,
        ]
    ),
    delimiter=st.sampled_from(",\t|"),
    data=st.data(),
)
def test_numbers_of_any_locale_are_read_as_meant_or_refused(
    tmp_path, values, write, delimiter, data
):
    """A semicolon is left out: by convention, it means that commas are decimal."""

    def cell(value):
        text = write(value)
        quoted = delimiter in text or data.draw(st.booleans())
        return f'"{text}"' if quoted else text

    rows = [["label", "a", "b"]]
    rows += [[str(i % 2), *map(cell, row)] for i, row in enumerate(values)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(map(delimiter.join, rows)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            outcome = load_images(path).data.tolist()
        except ValueError as error:
            outcome = str(error)
    assert outcome == values or f"{path}, row " in outcome
