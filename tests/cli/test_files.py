"""Files that people have, from the shell: tables, folders of pictures, photographs."""

import csv
import io
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from skmnist import load, load_digits28
from skmnist.cli import app

DIGITS = load_digits28()
N = 300
IMAGES, Y = DIGITS.images[:N], DIGITS.target[:N]
NAMES = np.array(
    ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
)


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def succeeds(*args):
    result = run(*args)
    assert result.exit_code == 0, result.stderr
    return result


def fails(*args):
    result = run(*args)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def photograph(digit, seed=0):
    """Draw a digit dark on light, off centre, enlarged and with noise."""
    rng = np.random.default_rng(seed)
    side = int(rng.integers(90, 200))
    ink = np.asarray(Image.fromarray(digit).resize((side, side)), float) / 255
    page = np.zeros((side + 60, side + 90))
    page[40 : 40 + side, 15 : 15 + side] = ink
    photo = 215 - 150 * page + rng.normal(0, 4, page.shape)
    return np.clip(photo, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "train.csv"
    frame = pd.DataFrame(DIGITS.data[:N]).add_prefix("pixel")
    frame.insert(0, "label", Y)
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "photos"
    for number, (image, label) in enumerate(zip(IMAGES, NAMES[Y], strict=True)):
        path = folder / label / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(image, number)).save(path)
    return folder


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "digits.skmnist"
    succeeds("train", "--epochs", 15, "--out", out)
    return out


def test_kaggle_csv_gives_a_verdict(table, tmp_path):
    out = tmp_path / "report"
    options = ["--epochs", 1, "--cv", 2, "--reference", 0.05, "--no-learning-curve"]
    result = succeeds("diagnose", "--data", table, *options, "--out", out)
    assert "Underfit: " in result.stdout
    record = json.loads((out / "diagnosis.json").read_text())
    assert record["data"]["X"]["shape"] == [N, 28, 28]


def test_rows_of_a_table_are_standardised(tmp_path):
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(species=iris.target_names[iris.target])
    frame.to_csv(tmp_path / "iris.csv", index=False)
    iris.data[48:53].to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "iris.skmnist"
    data = ["--data", tmp_path / "iris.csv"]
    succeeds("train", *data, "--epochs", 30, "--out", out)
    scores = json.loads(succeeds("evaluate", out, *data, "--json").stdout)["scores"]
    assert scores["Test"]["accuracy"] > 0.85
    predicted = rows_of(succeeds("predict", out, tmp_path / "new.csv"))
    assert [row["label"] for row in predicted][:2] == ["setosa"] * 2
    said = fails("train", *data, "--model", "lenet", "--out", tmp_path / "x")
    assert "LeNet needs images" in said
    said = fails("predict", out, save(tmp_path / "photo.png", IMAGES[0]))
    assert "photo.png is a picture, but the model takes rows of 4 values" in said


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_folder_of_pictures_to_the_prediction_of_a_photograph(pictures, tmp_path):
    out = tmp_path / "own.skmnist"
    data = ["--data", pictures, "--mnist-format"]
    succeeds("train", *data, "--epochs", 25, "--out", out)
    pipeline = load(out)
    assert pipeline.classes_.tolist() == sorted(NAMES.tolist())
    result = succeeds("evaluate", out, *data, "--json")
    assert json.loads(result.stdout)["scores"]["Test"]["accuracy"] > 0.7
    photo = save(tmp_path / "photo.png", photograph(DIGITS.images[N + 1], 99))
    result = succeeds("predict", out, photo)
    (row,) = rows_of(result)
    assert row["image"] == str(photo)
    assert row["label"] == NAMES[DIGITS.target[N + 1]]
    assert "brought into MNIST's format, 28×28 pixels" in result.stderr


def test_pictures_without_the_format_are_scaled_as_in_training(pictures, tmp_path):
    out = tmp_path / "own.skmnist"
    data = ["--data", pictures, "--image-shape", "24x20"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = succeeds("train", *data, "--epochs", 1, "--out", out)
    assert "scaled to 20×24 pixels" in result.stderr
    first = sorted(pictures.glob("*/*.png"))[0]
    result = succeeds("predict", out, first, "--show", tmp_path / "seen.png")
    assert f"{first}: scaled, 24×20 pixels" in result.stderr
    seen = np.asarray(Image.open(tmp_path / "seen.png"))
    assert seen.shape == (24 * 11, 20 * 11)
    assert seen[0, 0] > 190  # not inverted


@pytest.mark.parametrize("shown", [True, False])
def test_photographs_are_read_in_the_format_of_mnist(model, tmp_path, shown):
    test = slice(N, N + 40)
    for number, digit in enumerate(DIGITS.images[test]):
        save(tmp_path / f"{number:02}.jpg", photograph(digit, number))
    show = ["--show", tmp_path / "seen.png"] if shown else []
    predicted = rows_of(succeeds("predict", model, tmp_path / "*.jpg", *show))
    labels = np.array([int(row["label"]) for row in predicted])
    assert [row["image"][-6:-4] for row in predicted] == [f"{i:02}" for i in range(40)]
    assert np.mean(labels == DIGITS.target[test]) > 0.85
    if shown:  # four rows of ten, enlarged ten times
        assert Image.open(tmp_path / "seen.png").size == (2800, 1120)
    else:
        folder = rows_of(succeeds("predict", model, tmp_path))
        assert folder == predicted


def test_scaled_photographs_get_a_warning(model, tmp_path):
    photo = save(tmp_path / "photo.png", photograph(DIGITS.images[N]))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = succeeds("predict", model, photo, "--no-mnist-format")
    assert "Warning: The images in X have a light background" in result.stderr
    assert "MNISTFormatter" in result.stderr


def test_pictures_that_cannot_be_used_are_named_and_left_out(model, tmp_path):
    good = save(tmp_path / "a.png", photograph(DIGITS.images[N]))
    blank = save(tmp_path / "blank.png", np.full((300, 200), 200, np.uint8))
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:500])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "notes.txt").write_text("mine")
    result = succeeds("predict", model, tmp_path, "--quiet")
    assert [row["image"] for row in rows_of(result)] == [str(good)]
    said = result.stderr.splitlines()
    assert f"Left out: {tmp_path / 'notes.txt'} is not a picture." == said.pop(0)
    assert len(said) == 3
    assert f"Left out: {blank} contains no ink" in said[0]
    assert "cut.png cannot be read as a picture: image file is truncated" in said[1]
    assert "text.png is not a picture: expected PNG" in said[2]
    good.unlink()
    assert "None of 3 pictures can be used. Left out: " in fails(
        "predict", model, tmp_path
    )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("missing.png", "No such file"),
        ("*.png", "No file matches '*.png'"),
        ("empty", "The folder empty contains no pictures"),
        ("photo.heic", "photo.heic is of no known kind: expected a picture (PNG"),
        ("blank.png", "blank.png contains no ink: all of its 30×20 pixels"),
        ("huge.png", "huge.png has 20,000×6,000 pixels, more than 100,000,000"),
        ("wrong.csv", "wrong.csv holds an array of shape (3, 2)"),
        ("words.csv", "words.csv, row 2 has 'ink' in column 'b'"),
    ],
)
def test_unusable_inputs_are_one_sentence(
    model, tmp_path, monkeypatch, argument, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    (tmp_path / "words.csv").write_text("a,b\n1,2\n3,ink\n")
    if argument.startswith("blank"):
        save(tmp_path / "blank.png", np.zeros((20, 30), np.uint8))
    if argument.startswith("huge"):
        Image.new("1", (20_000, 6_000)).save(tmp_path / "huge.png")
    assert message in fails("predict", model, argument)


def off_centre(images):
    """Return digits at half of their size, in a corner of 40×40 pixels."""
    return np.stack([np.pad(image, ((1, 11), (11, 1))) for image in images])


def test_arrays_are_formatted_as_in_training(tmp_path):
    shifted = off_centre(DIGITS.images[: N + 60]).reshape(N + 60, -1)
    frame = (
        pd.DataFrame(shifted).add_prefix("pixel").assign(label=DIGITS.target[: N + 60])
    )
    frame[:N].to_csv(tmp_path / "train.csv", index=False)
    frame[N:].to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "model"
    options = ["--data", tmp_path / "train.csv", "--mnist-format", "--epochs", 20]
    succeeds("train", *options, "--out", out)
    predicted = rows_of(succeeds("predict", out, tmp_path / "new.csv"))
    labels = np.array([int(row["label"]) for row in predicted])
    assert np.mean(labels == frame["label"][N:]) > 0.8
    said = fails("predict", out, tmp_path / "new.csv", "--no-mnist-format")
    assert "shape (60, 1600)" in said


def test_pictures_are_read_as_in_training(tmp_path):
    """The class is the place of the ink, which the format of MNIST would remove."""
    rng = np.random.default_rng(0)
    for name, left in (("left", 2), ("right", 16)):
        (tmp_path / name).mkdir()
        for number in range(30):
            image = np.zeros((28, 28), np.uint8)
            image[5 : rng.integers(15, 25), left : left + 8] = 255
            save(tmp_path / name / f"{number}.png", image)
    out = tmp_path / "model"
    succeeds("train", "--data", tmp_path, "--epochs", 10, "--out", out)
    for name in ("left", "right"):
        predicted = rows_of(succeeds("predict", out, tmp_path / name))
        assert {row["label"] for row in predicted} == {name}
    transposed = succeeds("predict", out, tmp_path / "left", "--transpose")
    assert rows_of(transposed) != rows_of(succeeds("predict", out, tmp_path / "left"))


def test_pixels_from_0_to_16_are_divided_by_16(tmp_path):
    from sklearn.datasets import load_digits

    digits = load_digits()
    values = np.c_[digits.data, digits.target]
    np.savetxt(tmp_path / "optdigits.csv", values, fmt="%d", delimiter=",")
    options = ["--data", tmp_path / "optdigits.csv", "--epochs", 10, "--json"]
    result = succeeds("train", *options, "--out", tmp_path / "model")
    assert json.loads(result.stdout)["scores"]["Train"]["accuracy"] > 0.9
    predicted = succeeds("predict", tmp_path / "model", tmp_path / "optdigits.csv")
    labels = [int(row["label"]) for row in rows_of(predicted)]  # it contains labels
    assert np.mean(labels == digits.target) > 0.9


@pytest.mark.parametrize("kind", ["tall", "coloured"])
def test_images_of_any_shape_are_deformed(kind, tmp_path):
    images = IMAGES[:60, :, 4:24]
    if kind == "coloured":
        images = np.repeat(IMAGES[:60, ..., None], 3, axis=3)
    np.savez(tmp_path / "data.npz", X=images, y=Y[:60])
    args = ["--data", tmp_path / "data.npz", "--set", "random_rotation=0.03"]
    succeeds("train", *args, "--epochs", 1, "--out", tmp_path / "m.skmnist")
    network = load(tmp_path / "m.skmnist")[-1]
    assert network.image_shape == images.shape[1:]
    assert network.image_shape_ == (images[0].size,)


def test_columns_of_a_table_are_not_deformed(tmp_path):
    load_iris(as_frame=True).frame.to_csv(tmp_path / "iris.csv", index=False)
    args = ["--data", tmp_path / "iris.csv", "--label", "target", "--epochs", 1]
    stderr = fails("train", *args, "--set", "random_zoom=0.1", "--out", tmp_path / "m")
    assert "random_... deforms images, but" in stderr


def test_columns_of_a_table_are_found_by_name(tmp_path):
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(kind=iris.target_names[iris.target])
    frame.to_csv(tmp_path / "iris.csv", index=False)
    out = tmp_path / "model"
    options = ["--data", tmp_path / "iris.csv", "--epochs", 40, "--out", out]
    succeeds("train", *options)
    frame[frame.columns[::-1]].to_csv(tmp_path / "reversed.csv", index=False)
    frame.drop(columns=frame.columns[1]).to_csv(tmp_path / "less.csv", index=False)
    predicted = rows_of(
        succeeds("predict", out, tmp_path / "reversed.csv", "--label", "kind")
    )
    assert np.mean([row["label"] for row in predicted] == frame["kind"]) > 0.85
    said = fails("predict", out, tmp_path / "less.csv", "--label", "kind")
    assert "lacks the columns sepal width (cm), which the model was trained on" in said


def test_show_and_out_are_replaced_only_with_overwrite(model, tmp_path):
    photo = save(tmp_path / "photo.png", photograph(DIGITS.images[N]))
    for option in ("--show", "--out"):
        said = fails("predict", model, photo, option, photo)
        assert "exists" in said
    assert Image.open(photo).size[0] > 100


def test_class_names_stand_in_tables_pictures_and_predictions(pictures, tmp_path):
    out = tmp_path / "report"
    options = ["--data", pictures, "--mnist-format", "--samples", 200, "--epochs", 1]
    options += ["--cv", 2, "--reference", 0.05, "--no-learning-curve"]
    succeeds("diagnose", *options, "--out", out)
    record = json.loads((out / "diagnosis.json").read_text())
    assert record["classes"] == sorted(NAMES.tolist())
    assert set(record["mistakes"]["y_true"]) <= set(NAMES.tolist())
    assert set(record["mistakes"]["y_pred"]) <= set(NAMES.tolist())
    assert "--mnist-format" in record["command"]
    assert "fünf" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: (f / "data.csv").write_text("a,b\n1,2\n3,4\n"), "no column that is"),
        (lambda f: (f / "data.csv").write_bytes(b"\x89PNG\r\n"), "not a CSV file"),
        (lambda f: (f / "data.csv").mkdir(), "data.csv contains nothing; expected"),
        (
            lambda f: (f / "data.csv").write_text("label,b,c\n1,2,3\n1,4,4\n"),
            "data.csv have one class, 1, but a classifier needs two",
        ),
        (
            lambda f: (f / "data.csv").write_text("label,b,c\n1,2,3\n1,4,4\n0,3,2\n"),
            "data.csv has 1 image, too few for",
        ),
        (lambda f: (f / "data.csv").write_text("label,b\n1,2\n,3\n"), "of row 2"),
    ],
)
@pytest.mark.parametrize("command", ["train", "diagnose"])
def test_bad_data_is_one_sentence_and_nothing_is_written(
    tmp_path, monkeypatch, make, message, command
):
    monkeypatch.setattr("skmnist.KerasMLPClassifier.fit", None)
    make(tmp_path)
    out = tmp_path / "out"
    said = fails(command, "--data", tmp_path / "data.csv", "--out", out)
    assert message in said
    assert str(tmp_path / "data.csv") in said
    assert not out.exists()


def test_divided_files_are_evaluated_on_their_own_test_part(tmp_path):
    path = tmp_path / "own.npz"
    test = {"x_test": IMAGES[200:230], "y_test": Y[200:230]}
    np.savez(path, x_train=IMAGES[:200], y_train=Y[:200], **test)
    out = tmp_path / "model"
    result = succeeds("train", "--data", path, "--epochs", 1, "--out", out, "--json")
    assert json.loads(result.stdout)["scores"]["Train"]["images"] == 200
    result = succeeds("evaluate", out, "--data", path, "--json")
    assert json.loads(result.stdout)["scores"]["Test"]["images"] == 30


def test_groups_are_not_divided_between_training_and_test_part(tmp_path):
    from skmnist.cli import _data

    frame = pd.DataFrame(DIGITS.data[:N]).add_prefix("pixel")
    frame["label"], frame["writer"] = Y, np.arange(N) // 12
    frame.to_csv(tmp_path / "own.csv", index=False)
    options = {"data": str(tmp_path / "own.csv"), "groups": "writer"}
    train, test = _data.load_parts(options)
    assert not set(train.groups) & set(test.groups)
    assert 0.1 < len(test.y) / N < 0.3
    data = ["--data", options["data"], "--groups", "writer"]
    succeeds("train", *data, "--epochs", 1, "--out", tmp_path / "model")
    result = succeeds("evaluate", tmp_path / "model", *data, "--json")
    scores = json.loads(result.stdout)["scores"]
    assert scores["Test"]["images"] == len(test.y)


def test_options_for_files_are_refused_for_embedded_digits(tmp_path):
    said = fails("train", "--label", "y", "--out", tmp_path / "model")
    assert "--label is for files, and --data digits is not a file" in said


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    """A table whose labels are found, as its only text."""
    path = tmp_path_factory.mktemp("fruit") / "fruit.csv"
    iris = load_iris(as_frame=True)
    iris.data.assign(kind=iris.target_names[iris.target]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ["train"],
        ["search", "--grid", "l2=0", "--cv", 2],
        ["diagnose", "--cv", 2, "--reference", 0.05, "--no-learning-curve"],
    ],
    ids=lambda command: command[0],
)
def test_column_that_was_found_to_hold_the_labels_is_named(fruit, tmp_path, command):
    note = f"The labels are in column 'kind' of {fruit} (--label names another one)."
    options = ["--data", fruit, "--epochs", 1, "--json"]
    result = succeeds(*command, *options, "--out", tmp_path / "a")
    assert note in result.stderr.splitlines()
    json.loads(result.stdout)
    for more in (["--quiet"], ["--label", "kind"]):
        result = succeeds(*command, *options, *more, "--out", tmp_path / more[0])
        assert "labels are in" not in result.stderr
    if command[0] != "train":
        page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
        assert "column &#39;kind&#39;" in page


def test_predict_and_evaluate_name_the_column_of_labels(fruit, table, model, tmp_path):
    out = tmp_path / "model"
    succeeds("train", "--data", fruit, "--epochs", 1, "--out", out)
    result = succeeds("evaluate", out, "--data", fruit)
    assert "The labels are in column 'kind'" in result.stderr
    result = succeeds("predict", out, fruit)
    assert f"{fruit}: left out 'kind', which the model was not" in result.stderr
    assert not succeeds("predict", out, fruit, "--label", "kind").stderr
    assert not succeeds("predict", out, fruit, "--quiet").stderr
    result = succeeds("predict", model, table)
    assert f"{table}: left out column 'label', which holds" in result.stderr


def test_columns_of_a_model_are_read_whatever_they_contain(tmp_path):
    """Of one kind in the training file, and of another in a file to predict."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "y"])
    frame["ward_id"], frame["sick"] = np.arange(60) // 6, np.arange(60) % 2
    frame.to_csv(tmp_path / "train.csv", index=False)
    new = frame[:3].assign(ward_id=[7, 8, 9], name=["Ann", "Bo", "Cy"])
    new.drop(columns="sick").to_csv(tmp_path / "new.csv", index=False)
    data = ["--data", tmp_path / "train.csv", "--label", "sick"]
    succeeds("train", *data, "--epochs", 1, "--out", tmp_path / "model")
    result = succeeds("predict", tmp_path / "model", tmp_path / "new.csv")
    assert len(rows_of(result)) == 3
    assert "left out 'name', which the model was not trained on" in result.stderr


@pytest.mark.parametrize("command", ["train", "diagnose"])
def test_ambiguous_labels_are_refused_with_the_candidates(tmp_path, command):
    path = tmp_path / "ads.csv"
    path.write_text("Gender,Age,Purchased\n" + "Male,30,0\nFemale,41,1\n" * 20)
    said = fails(command, "--data", path, "--out", tmp_path / "out")
    assert "may contain the labels: 'Gender', 'Purchased'" in said
    assert "--label" in said


def test_too_small_class_names_the_column_of_labels(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("class,a\n" + "".join(f"{i},{i}\n" for i in range(20)))
    said = fails("train", "--data", path, "--out", tmp_path / "out")
    assert f"Class 0 in column 'class' of {path} has 1 image" in said
