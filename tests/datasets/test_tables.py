"""CSV and parquet files, as they are found in public."""

import io
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from skmnist import MNISTFormatter, load_digits28, load_images
from skmnist.datasets._csv import CsvFile

DIGITS = load_digits28()
X, Y = DIGITS.data[:60], DIGITS.target[:60]
PIXELS = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(784)])
KAGGLE = pd.concat([pd.Series(Y, name="label"), PIXELS], axis=1)
OPENML = PIXELS.rename(columns=lambda name: f"pixel{int(name[5:]) + 1}").assign(
    **{"class": Y.astype(str)}
)


def write(frame, path, **options):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, **options)
    return path


@pytest.mark.parametrize(
    ("frame", "name", "options"),
    [
        (KAGGLE, "train.csv", {}),
        (KAGGLE, "train.csv.gz", {}),
        (KAGGLE, "train.csv.zip", {}),
        (KAGGLE, "train.tsv", {"sep": "\t"}),
        (KAGGLE, "semicolons.CSV", {"sep": ";"}),
        (KAGGLE, "bom.csv", {"encoding": "utf-8-sig"}),
        (KAGGLE, "windows.csv", {"lineterminator": "\r\n"}),
        (KAGGLE, "mnist_train.csv", {"header": False}),
        (KAGGLE.astype(float), "floats.csv", {}),
        (KAGGLE.rename(columns={"label": "what"}), "other_name.csv", {}),
        (KAGGLE.set_axis(range(785), axis=1), "numbers.csv", {}),
        (OPENML, "mnist_784.csv", {}),
        (OPENML, "label_last.csv", {"header": False}),
        (KAGGLE, "train.parquet", {}),
        (OPENML, "mnist_784.parquet", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_public_forms_of_mnist_are_read(tmp_path, frame, name, options):
    bunch = load_images(write(frame, tmp_path / name, **options))
    np.testing.assert_array_equal(bunch.images, DIGITS.images[:60], strict=True)
    np.testing.assert_array_equal(bunch.target, Y, strict=True)
    assert np.shares_memory(bunch.data, bunch.images)


@pytest.mark.parametrize("header", [True, False])
def test_rows_of_a_table_stay_flat_and_keep_their_names(tmp_path, header):
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(variety=iris.target_names[iris.target])
    bunch = load_images(write(frame, tmp_path / "iris.csv", header=header))
    np.testing.assert_array_equal(bunch.images, iris.data)
    assert bunch.target_names.tolist() == ["setosa", "versicolor", "virginica"]
    if header:
        assert bunch.feature_names == iris.data.columns.tolist()


def test_label_last_without_header_is_found_behind_integer_pixels(tmp_path):
    digits = load_digits()
    frame = pd.DataFrame(digits.data.astype(int)).assign(y=digits.target)
    bunch = load_images(write(frame, tmp_path / "optdigits.tes.csv", header=False))
    np.testing.assert_array_equal(bunch.target, digits.target)
    np.testing.assert_array_equal(bunch.data, digits.data)


def test_column_that_numbers_the_rows_is_left_out_with_a_warning(tmp_path):
    KAGGLE.to_csv(tmp_path / "train.csv")
    with pytest.warns(UserWarning, match="left out, as it numbers the rows") as record:
        bunch = load_images(tmp_path / "train.csv")
    assert record[0].filename == __file__
    np.testing.assert_array_equal(bunch.data, X)
    assert "numbers the rows" in bunch.DESCR


def test_label_and_groups_can_be_named_or_numbered(tmp_path):
    frame = KAGGLE.rename(columns={"label": "digit seen"})
    frame["writer"] = [f"w{i % 7}" for i in range(60)]
    path = write(frame, tmp_path / "own.csv")
    for label, groups in (("digit seen", "writer"), (0, -1), ("0", "-1")):
        bunch = load_images(path, label=label, groups=groups)
        np.testing.assert_array_equal(bunch.target, Y)
        np.testing.assert_array_equal(bunch.data, X)
        assert bunch.groups.tolist() == frame["writer"].tolist()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["5.0", "3.0"], [5, 3]),
        (["007", "010"], ["007", "010"]),
        (["a", "3"], ["a", "3"]),
        (["NA", "null"], ["NA", "null"]),
        (["-1", "1"], [-1, 1]),
        (["True", "False"], ["True", "False"]),
        (["日本", "العربية"], ["日本", "العربية"]),
    ],
)
def test_labels_are_integers_only_if_all_are_written_as_such(
    tmp_path, labels, expected
):
    frame = pd.DataFrame({"label": labels * 3, "a": range(6), "b": 1})
    bunch = load_images(write(frame, tmp_path / "own.csv"))
    assert bunch.target.tolist() == expected * 3


def test_mixed_labels_of_a_long_file_are_text_in_every_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._csv._CHUNK_VALUES", 30)
    frame = pd.DataFrame({"label": [*range(39), "a"], "x": range(40), "z": 2.5})
    bunch = load_images(write(frame, tmp_path / "own.csv"))
    assert bunch.target.tolist() == [*map(str, range(39)), "a"]
    np.testing.assert_array_equal(bunch.data[:, 0], range(40))


def change(path, change_line):
    lines = path.read_text().splitlines()
    change_line(lines)
    path.write_text("\n".join(lines))


def set_cell(row, column, value):
    def change_line(lines):
        cells = lines[row].split(",")
        cells[column] = value
        lines[row] = ",".join(cells)

    return change_line


def shorten(lines):
    lines[5] = ",".join(lines[5].split(",")[:700])


def lengthen(row):
    def change_line(lines):
        lines[row] += ",7"

    return change_line


@pytest.mark.parametrize(
    ("change_line", "message"),
    [
        (
            set_cell(8, 5, "ink"),
            "row 8 has 'ink' in column 'pixel4'; expected a number",
        ),
        (set_cell(8, 5, ""), "row 8 has no value in column 'pixel4'"),
        (set_cell(8, 5, "nan"), "row 8 has no value in column 'pixel4'"),
        (set_cell(8, 5, "inf"), "row 8 has 'inf' in column 'pixel4'"),
        (set_cell(9, 0, ""), "no value in column 'label' of row 9"),
        (set_cell(9, 0, "0.37"), "contains the label 0.37"),
        (shorten, "row 5 is too short: the columns from 'pixel699' on have no value"),
        (lengthen(5), "Expected 785 fields in line 6, saw 786"),
        (lengthen(1), "rows of more than 785 values"),
        (lambda lines: lines.__delitem__(slice(1, None)), "contains no rows"),
        (lambda lines: lines.clear(), "is empty"),
    ],
)
def test_bad_rows_are_named(tmp_path, change_line, message):
    path = write(KAGGLE, tmp_path / "train.csv")
    change(path, change_line)
    with pytest.raises(ValueError, match=message) as caught:
        load_images(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_row_numbers_count_all_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._csv._CHUNK_VALUES", 785 * 4)
    path = write(KAGGLE, tmp_path / "train.csv")
    change(path, set_cell(50, 5, "ink"))
    with pytest.raises(ValueError, match="row 50 has 'ink'"):
        load_images(path)


@pytest.mark.parametrize("header", [True, False])
def test_missing_labels_ask_for_the_column(tmp_path, header):
    path = write(PIXELS, tmp_path / "test.csv", header=header)
    with pytest.raises(ValueError, match="no column that is known to contain labels"):
        load_images(path)
    with pytest.raises(ValueError, match="has no column 'nosuch'"):
        load_images(path, label="nosuch")


@pytest.mark.parametrize(
    "name", ["own.csv", "own.csv.gz", "own.csv.zip", "own.parquet"]
)
@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0", b"", b"label\n1\n", b"PK\3\4junk", b"a\0b,c\n"],
)
def test_file_of_another_kind_is_one_sentence(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.") as caught:
        load_images(path)
    assert len(str(caught.value).splitlines()) == 1


def test_label_of_other_files_is_refused(tmp_path):
    np.savez(tmp_path / "own.npz", X=DIGITS.images[:60], y=Y)
    with pytest.raises(ValueError, match="label='y' names a column of a CSV"):
        load_images(tmp_path / "own.npz", label="y")


def test_groups_of_an_npz_file_are_an_array_in_it(tmp_path):
    np.savez(tmp_path / "own.npz", X=DIGITS.images[:60], y=Y, writers=Y % 3)
    bunch = load_images(tmp_path / "own.npz", groups="writers")
    np.testing.assert_array_equal(bunch.groups, Y % 3)
    with pytest.raises(ValueError, match="but no 'writer'"):
        load_images(tmp_path / "own.npz", groups="writer")


def test_encoded_pictures_in_a_parquet_file_are_decoded(tmp_path):
    cells = []
    for image in DIGITS.images[:60]:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        cells.append({"bytes": buffer.getvalue(), "path": None})
    frame = pd.DataFrame({"image": cells, "label": Y})
    bunch = load_images(write(frame, tmp_path / "mnist.parquet"))
    np.testing.assert_array_equal(bunch.images, DIGITS.images[:60], strict=True)
    cells[7]["bytes"] = cells[7]["bytes"][:40]
    write(pd.DataFrame({"image": cells, "label": Y}), tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match="no readable picture in row 8"):
        load_images(tmp_path / "bad.parquet")


def test_image_shape_lays_out_flat_rows(tmp_path):
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (20, 4, 5, 3), dtype=np.uint8)
    frame = pd.DataFrame(colours.reshape(20, -1)).assign(label=[0, 1] * 10)
    path = write(frame, tmp_path / "own.csv")
    bunch = load_images(path, image_shape=(4, 5, 3))
    np.testing.assert_array_equal(bunch.images, colours)
    with pytest.raises(ValueError, match="rows of 60 values, which are not images"):
        load_images(path, image_shape=(28, 28))
    with pytest.raises(ValueError, match="image_shape must be"):
        load_images(path, image_shape=(-1, 5))


@pytest.mark.slow
def test_memory_is_bounded_by_chunks(tmp_path):
    rows = np.tile(X, (35, 1))  # 2,100 rows, 1.6 MB of pixels, 13 MB as int64
    frame = pd.DataFrame(rows).assign(label=np.tile(Y, 35))
    path = write(frame, tmp_path / "own.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skmnist.datasets._csv._CHUNK_VALUES", 785 * 60)
        tracemalloc.start()
        bunch = load_images(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    np.testing.assert_array_equal(bunch.data, rows, strict=True)
    assert peak < 0.75 * rows.size * 8


VALUES = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False)
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=2, max_size=8),
    labels=st.data(),
)
def test_csv_round_trip_is_exact(tmp_path, rows, labels):
    text = st.text(st.characters(codec="utf-8", categories=["L"]), min_size=1)
    text = text.filter(lambda label: label not in ("nan", "NaN"))  # missing values
    label = st.lists(text, min_size=len(rows), max_size=len(rows))
    y = labels.draw(label)
    frame = pd.DataFrame(rows, columns=["a", "b", "c"], dtype=object).assign(label=y)
    path = write(frame, tmp_path / "own.csv")
    bunch = load_images(path)
    expected = np.array([list(map(float, row)) for row in rows])
    np.testing.assert_array_equal(bunch.data, expected)
    assert bunch.target.tolist() == y


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.text() | st.binary())
def test_any_content_is_a_table_or_one_clear_error(tmp_path, content):
    path = tmp_path / "own.csv"
    path.write_bytes(
        content.encode("utf-8", "replace") if isinstance(content, str) else content
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            outcome = len(load_images(path).target)
        except ValueError as error:
            outcome = str(error)
    assert isinstance(outcome, int) or str(path) in outcome


def test_folder_that_bears_the_name_of_its_file_is_opened(tmp_path):
    folder = tmp_path / "train.csv"
    folder.mkdir()
    write(KAGGLE, folder / "train.csv")
    np.testing.assert_array_equal(load_images(folder).target, Y)


def test_sorted_labels_without_header_are_not_guessed_from_the_first_rows(tmp_path):
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(0, 2, 3000))
    values = np.c_[y, rng.integers(0, 256, (3000, 64))]
    np.savetxt(tmp_path / "sorted.csv", values, fmt="%d", delimiter=",")
    with pytest.raises(ValueError, match="no column that is known to contain labels"):
        load_images(tmp_path / "sorted.csv")
    bunch = load_images(tmp_path / "sorted.csv", label=0)
    np.testing.assert_array_equal(bunch.target, y)


@pytest.mark.parametrize(
    "text",
    [
        "A,1,2,3\n3,4,5,6\nB,7,8,9\n3,1,1,1\nA,2,2,2\n",
        "1,?,3,5\n2,4,5,6\n1,7,8,9\n2,1,1,1\n1,2,2,2\n",
        "1,,3,5\n2,4,5,6\n1,7,8,9\n2,1,1,1\n1,2,2,2\n",
    ],
)
def test_first_row_with_some_text_is_not_taken_for_names(tmp_path, text):
    path = tmp_path / "own.csv"
    path.write_text(text)
    if "?" in text or ",," in text:
        with pytest.raises(ValueError, match="row 1 has"):
            load_images(path, label=0)
    else:
        assert load_images(path, label=0).target.tolist() == ["A", "3", "B", "3", "A"]


def test_every_column_that_numbers_the_rows_is_left_out(tmp_path):
    frame = KAGGLE.assign(id=np.arange(60) + 1000)
    frame.to_csv(tmp_path / "own.csv")
    with pytest.warns(UserWarning, match="column '', column 'id'"):
        assert load_images(tmp_path / "own.csv").images.shape == (60, 28, 28)
    iris = load_iris(as_frame=True).data.assign(kind=load_iris().target)
    iris.insert(0, "Id", range(1, 151))
    path = write(iris, tmp_path / "nameless.csv", header=False)
    with pytest.warns(UserWarning, match="column '0'"):
        np.testing.assert_array_equal(load_images(path).data, load_iris().data)
    frame = pd.DataFrame({"id": [0, 1] * 3, "a": range(6), "g": list("xyzxyz")})
    bunch = load_images(write(frame, tmp_path / "g.csv"), label=0, groups=2)
    assert bunch.target.tolist() == [0, 1] * 3


def test_parquet_files_of_pandas_with_any_index_and_dtype_are_read(tmp_path):
    shuffled = KAGGLE.sample(frac=1, random_state=0)
    for frame in (shuffled, shuffled.convert_dtypes()):
        path = write(frame, tmp_path / "own.parquet")
        with pytest.warns(UserWarning, match="column '__index_level_0__'"):
            bunch = load_images(path)
        np.testing.assert_array_equal(bunch.target, shuffled["label"])
        np.testing.assert_array_equal(bunch.data, shuffled.drop(columns="label"))
    dates = KAGGLE.assign(pixel7=pd.Timestamp("2020-01-01"))
    with pytest.raises(ValueError, match="row 1 has '2020-01-01.*' in column 'pixel7'"):
        load_images(write(dates, tmp_path / "dates.parquet"))


def test_pictures_in_a_parquet_file_take_image_shape_and_formatter(tmp_path):
    def cell(pixels):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return {"bytes": buffer.getvalue()}

    small, large = DIGITS.images[0], np.kron(DIGITS.images[1], np.ones((4, 4), "u1"))
    frame = pd.DataFrame({"image": [cell(small), cell(large)], "label": [0, 1]})
    path = write(frame, tmp_path / "own.parquet")
    with pytest.raises(ValueError, match="several sizes, another one in row 2"):
        load_images(path)
    with pytest.warns(UserWarning, match="scaled to 14×14"):
        assert load_images(path, image_shape=(14, 14)).images.shape == (2, 14, 14)
    images = load_images(path, formatter=MNISTFormatter()).images
    assert np.corrcoef(images[1].ravel(), DIGITS.images[1].ravel())[0, 1] > 0.95


def test_empty_unnamed_column_is_left_out(tmp_path):
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(diagnosis=iris.target_names[iris.target])
    text = frame.to_csv(index=False).replace("\n", ",\n")
    (tmp_path / "own.csv").write_text(text)
    with pytest.warns(UserWarning, match="left out, as it is empty: column ''"):
        bunch = load_images(tmp_path / "own.csv")
    np.testing.assert_array_equal(bunch.data, iris.data)


@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_read(tmp_path, header):
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(species=iris.target_names[iris.target])
    options = {"sep": ";", "decimal": ",", "header": header}
    bunch = load_images(write(frame, tmp_path / "own.csv", **options))
    np.testing.assert_allclose(bunch.data, iris.data)
    assert bunch.target_names.tolist() == ["setosa", "versicolor", "virginica"]


def test_nan_in_an_npz_file_is_refused(tmp_path):
    images = DIGITS.images[:60].astype(float)
    images[7, 3, 3] = np.nan
    np.savez(tmp_path / "own.npz", X=images, y=Y)
    with pytest.raises(ValueError, match=r"own\.npz\['X'\] contains NaN or infinity"):
        load_images(tmp_path / "own.npz")


def test_filters_of_warnings_are_the_callers_between_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("skmnist.datasets._csv._CHUNK_VALUES", 785 * 4)
    file = CsvFile(write(KAGGLE, tmp_path / "train.csv"))
    before, n_chunks = list(warnings.filters), 0
    for _ in file.chunks():
        assert warnings.filters == before
        n_chunks += 1
    assert n_chunks == 15


@pytest.mark.parametrize("words", [("False", "True"), ("FALSE", "TRUE")])
@pytest.mark.parametrize("other", [np.arange(6), np.arange(6) + 0.5, np.arange(6) - 9])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_booleans_beside_numbers_are_0_and_1(tmp_path, words, other, suffix):
    is_big = np.arange(6) % 2 == 1
    frame = pd.DataFrame({"a": other, "is_big": is_big, "label": [0, 1, 2] * 2})
    expected = np.c_[other, is_big]
    if suffix == ".csv":
        frame["is_big"] = np.array(words)[is_big.astype(int)]
    bunch = load_images(write(frame, tmp_path / f"own{suffix}"))
    np.testing.assert_array_equal(bunch.data, expected)


def test_names_above_booleans_are_names(tmp_path):
    frame = pd.DataFrame({"a": [True, False] * 3, "label": [True, False] * 3})
    bunch = load_images(write(frame, tmp_path / "own.csv"))
    assert bunch.feature_names == ["a"]
    assert bunch.target.tolist() == ["True", "False"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,a,b\n0,True,1.5\n1,maybe,2\n", "row 2 has 'maybe' in column 'a'"),
        ("label,a,b\n0,True,1.5\n1,,2\n", "row 2 has no value in column 'a'"),
        ("label,a,b\n0,1,1.5\n1,True,2\n", "row 2 has 'True' in column 'a'"),
        ("label,a,b\n0,yes,1.5\n1,no,2\n", "row 1 has 'yes' .* pandas.get_dummies"),
    ],
)
def test_other_words_than_booleans_are_named(tmp_path, text, message):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_images(path)


@pytest.mark.parametrize(
    "header", ["label,a,b", "made by hand\nlabel, a, b", "don't \"\n\nlabel,a,b"]
)
@pytest.mark.parametrize("comments", ["# ", "#", "## "])
def test_header_of_savetxt_contains_the_names(tmp_path, header, comments):
    path = tmp_path / "own.csv"
    values = np.c_[[0, 1, 2] * 2, np.arange(6), np.arange(6) / 4]
    np.savetxt(path, values, delimiter=",", header=header, comments=comments)
    bunch = load_images(path)
    assert bunch.feature_names == ["a", "b"]
    assert bunch.target.tolist() == [0, 1, 2] * 2
    np.testing.assert_array_equal(bunch.data, values[:, 1:])


def test_comments_before_the_rows_are_left_out(tmp_path):
    path = tmp_path / "own.csv"
    text = "1,2.5,8\n2,3.5,9\n" * 3
    path.write_text(f"# measured in May\n{text}")
    assert load_images(path, label=0).data.shape == (6, 2)
    path.write_text(f"# a table of, say, fruit\nlabel,a,b\n{text}")
    assert load_images(path).feature_names == ["a", "b"]


def test_hash_that_is_a_label_or_a_name_is_no_comment(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("#,0,12\na,1,12\n#,1,2\na,2,3\n")
    assert load_images(path).target.tolist() == ["#", "a"] * 2
    path.write_text("#\tlabel\tHP\n1\t0\t40\n2\t1\t50\n")
    with pytest.warns(UserWarning, match="numbers the rows: column '#'"):
        assert load_images(path).feature_names == ["HP"]


def test_errors_about_labels_name_the_column(tmp_path):
    frame = pd.DataFrame({"x1": [1.5, 2, 3], "y": [0.5, -1.261, 2]})
    with pytest.raises(ValueError, match="Column 'y' of .* contains the label 0.5"):
        load_images(write(frame, tmp_path / "own.csv"))


def spectra(names, name, labels, rows=30):
    values = np.random.default_rng(0).normal(size=(rows, len(names))).round(4)
    return pd.DataFrame(values, columns=names).assign(**{name: np.resize(labels, rows)})


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("labels", [["a", "b", "b"], [0, 1, 1]], ids=["text", "int"])
@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["0", "1", "2", "3"], "label"),
        (["0", "1", "2", "3"], "kind"),
        (["0", "1"], "kind"),
        (["2019", "2020"], "region"),
        (["0.5", "1.0", "1.5"], "class"),
        ([str(400 + 2.5 * i) for i in range(30)], "class"),
        ([str(i**2) for i in range(8)], "kind"),
        (["1000", "991", "980"], "kind"),
    ],
)
def test_names_that_are_mostly_numbers_are_names(tmp_path, names, name, labels, index):
    frame = spectra(names, name, labels)
    path = tmp_path / "own.csv"
    frame.to_csv(path, index=index)
    for label in (None, name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the index is left out
            bunch = load_images(path, label=label)
        assert bunch.label == name
        assert bunch.target.tolist() == frame[name].tolist()
        np.testing.assert_array_equal(bunch.data, frame[names])


def test_name_that_was_asked_for_is_found_beside_numbers_in_any_order(tmp_path):
    frame = spectra(["7", "3", "12"], "kind", ["a", "b"])
    path = write(frame, tmp_path / "own.csv")
    assert load_images(path, label="kind").target.tolist() == frame["kind"].tolist()
    frame = frame.assign(label=[0, 1] * 15)
    path = write(frame, path)
    bunch = load_images(path, groups="kind")
    assert bunch.groups.tolist() == frame["kind"].tolist()


@pytest.mark.parametrize(
    "first",
    [
        "1,2,3,a",  # a label that occurs again
        "1,5,2,c",  # one that does not, beside values in no order
        "1,2,3.5,c",
        "1,2,3,?",
        "1,2,3,NA",
        "1,NA,NA,a",
        ",,3,a",
        "1,,,",
        "1,2,3,4",
    ],
)
def test_first_row_of_values_is_kept(tmp_path, first):
    path = tmp_path / "own.csv"
    frame = spectra(["p", "q", "r"], "label", ["a", "b"])
    frame[["p", "q", "r"]] *= 10
    path.write_text(f"{first}\n{frame.to_csv(index=False, header=False)}")
    file = CsvFile(path)
    assert not file.has_names
    assert sum(map(len, file.chunks())) == 31


def test_short_row_below_names_that_are_numbers_is_named(tmp_path):
    path = write(spectra(["2019", "2020"], "region", ["a", "b"]), tmp_path / "own.csv")
    change(path, lambda lines: lines.insert(3, "1.5,2"))
    with pytest.raises(ValueError, match="no value in column 'region' of row 3"):
        load_images(path)
