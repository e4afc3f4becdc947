"""Which column of a table holds the labels, and which are left out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skmnist import load_images

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).round(3)
ADS = pd.DataFrame(
    {
        "User ID": 15_624_510 + 7 * np.arange(N),
        "Gender": np.where(RNG.random(N) < 0.5, "Male", "Female"),
        "Age": RNG.integers(18, 60, N),
        "Salary": 1000 * RNG.integers(15, 150, N),
        "Purchased": np.arange(N) % 2,
    }
)


def load(frame, path, **options):
    frame.to_csv(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_images(path, **options)


@pytest.mark.parametrize(
    ("columns", "candidates"),
    [
        (["User ID", "Gender", "Age", "Salary", "Purchased"], "'Gender', 'Purchased'"),
        (["Gender", "Age", "Salary", "Purchased"], "'Gender', 'Purchased'"),
        (["Purchased", "Gender", "Age"], "'Purchased', 'Gender'"),
    ],
)
def test_text_that_may_be_a_feature_is_not_guessed(tmp_path, columns, candidates):
    path = tmp_path / "own.csv"
    with pytest.raises(ValueError, match=f"may contain the labels: {candidates}. Pass"):
        load(ADS[columns], path)
    assert load(ADS[columns], path, label="Gender").label == "Gender"


@pytest.mark.parametrize(
    "columns",
    [
        ["Age", "Purchased", "Gender"],
        ["Gender", "Purchased", "Age"],
        ["Age", "Gender", "Salary"],
    ],
)
def test_text_in_the_place_of_labels_holds_them(tmp_path, columns):
    bunch = load(ADS[columns], tmp_path / "own.csv")
    assert bunch.label == "Gender"
    assert "The labels are in column 'Gender'" in bunch.DESCR


def test_first_text_of_a_file_without_names_holds_the_labels(tmp_path):
    """As in UCI's letter recognition and balance scale."""
    frame = pd.DataFrame(RNG.integers(1, 6, (N, 4)))
    frame.insert(0, "name", list("LBR") * 20)
    frame.to_csv(tmp_path / "own.csv", index=False, header=False)
    assert load_images(tmp_path / "own.csv").target_names.tolist() == ["B", "L", "R"]


def test_dummies_beside_text_are_not_taken_for_labels(tmp_path):
    frame = pd.get_dummies(
        ADS[["Age", "Gender", "Salary"]].assign(town=list("ab") * 30)
    )
    frame.insert(1, "kind", ADS["Gender"])
    assert load(frame, tmp_path / "own.csv").label == "kind"


@pytest.mark.parametrize("y", [NUMBERS, RNG.integers(0, 9, N)])
def test_y_after_x_is_a_coordinate_unless_it_is_last(tmp_path, y):
    path = tmp_path / "own.csv"
    frame = pd.DataFrame({"x": NUMBERS, "y": y, "color": np.arange(N) % 3})
    with pytest.raises(ValueError, match="may contain the labels: 'y', 'color'"):
        load(frame, path)
    assert load(frame, path, label="color").feature_names == ["x", "y"]
    last = pd.DataFrame({"x": NUMBERS, "y": np.arange(N) % 3})
    assert load(last, path).label == "y"
    named = frame.rename(columns={"color": "target"})
    assert load(named, path).label == "target"


@pytest.mark.parametrize(
    "values",
    [
        [f"{i:08x}-aa" for i in range(N)],
        ["NA", *np.arange(1, N)],
        [f"1,{i:03}" for i in range(N)],
    ],
    ids=["identifiers", "missing values", "separators"],
)
def test_only_text_is_not_taken_if_it_holds_no_labels(tmp_path, values):
    frame = pd.DataFrame({"what": values, "a": NUMBERS, "Outcome": np.arange(N) % 2})
    with pytest.raises(ValueError, match="no column that is known to contain labels"):
        load(frame, tmp_path / "own.csv")


def test_identifier_beside_pixels_is_not_taken_for_the_labels(tmp_path):
    frame = pd.DataFrame(RNG.integers(0, 255, (N, 9))).add_prefix("pixel")
    frame.insert(0, "writer_id", np.arange(N) // 6)
    with pytest.raises(ValueError, match="no column that is known to contain labels"):
        load(frame, tmp_path / "own.csv")
    frame = frame.rename(columns={"writer_id": "writer"})
    assert load(frame, tmp_path / "own.csv").label == "writer"


@pytest.mark.parametrize("name", ["User ID", "PassengerId", "customer_id", "ID_code"])
def test_column_that_identifies_the_rows_is_left_out_with_a_warning(tmp_path, name):
    identifiers = ADS["User ID"] if name != "ID_code" else [f"i{i}" for i in range(N)]
    frame = pd.DataFrame({name: identifiers, "a": NUMBERS, "label": np.arange(N) % 2})
    frame.to_csv(tmp_path / "own.csv", index=False)
    with pytest.warns(UserWarning, match=f"identifies the rows: column '{name}'"):
        assert load_images(tmp_path / "own.csv").feature_names == ["a"]


def test_file_of_identifiers_has_no_features(tmp_path):
    frame = pd.DataFrame({"id": range(6), "index": range(6)})
    with pytest.raises(ValueError, match=r"own\.csv has no columns of features"):
        load(frame, tmp_path / "own.csv")


def test_names_that_end_like_identifiers_are_features(tmp_path):
    frame = pd.DataFrame(
        {
            "humid": np.arange(N),
            "grid id": NUMBERS,
            "group_id": np.arange(N) // 2,
            "label": np.arange(N) % 2,
        }
    )
    frame.to_csv(tmp_path / "own.csv", index=False)
    assert load_images(tmp_path / "own.csv").feature_names == list(frame)[:3]


def test_label_of_parquet_and_csv_files_is_named(tmp_path):
    iris = load_iris(as_frame=True).frame
    iris.to_parquet(tmp_path / "iris.parquet")
    assert load_images(tmp_path / "iris.parquet").label == "target"
    iris.to_csv(tmp_path / "iris.csv", index=False, header=False)
    assert load_images(tmp_path / "iris.csv", label=-1).label == "4"
