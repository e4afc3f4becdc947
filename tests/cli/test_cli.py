import csv
import io
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from skmnist import __version__
from skmnist.cli import app
from skmnist.report import FILES

TINY = ["--samples", "200", "--epochs", "1"]


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def assert_fails(result, sentence, code=1):
    """Assert that a command printed one line that says what is wrong."""
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "report"
    return out, run("diagnose", *TINY, "--cv", 2, "--out", out)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "model.skmnist"
    return out, run("train", *TINY, "--out", out)


@pytest.fixture
def no_training(monkeypatch):
    """Make any training fail the test."""

    def fail(*args, **kwargs):
        raise AssertionError("something was trained")

    monkeypatch.setattr("skmnist.diagnosis._diagnose.run_diagnosis", fail)
    monkeypatch.setattr("skmnist.KerasMLPClassifier.fit", fail)


@pytest.fixture
def own_images(monkeypatch):
    """Return a function that sets the images and labels that ``--data`` loads."""

    def choose(images, y):
        from skmnist.cli._data import Data

        data = Data(images, np.asarray(y), None, "own")
        monkeypatch.setattr("skmnist.cli._data.load", lambda options: data)

    return choose


@pytest.mark.slow
def test_diagnose_writes_all_report_files(report):
    out, result = report
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert all(path.stat().st_size > 0 for path in out.iterdir())


def test_diagnose_prints_folds_verdict_and_paths(report):
    out, result = report
    words = " ".join(result.stdout.split())
    for expected in ("Train loss", "accuracy", "Mean", "Low (95 %)", "Fold", "error"):
        assert expected in words
    assert f"Report: {out / 'report.html'}" in result.stdout
    assert result.stderr == ""


@pytest.mark.slow
def test_report_shows_command_with_all_settings(report):
    page = (report[0] / "report.html").read_text()
    command = "skmnist diagnose --model mlp --epochs 1 --batch-size 32 --data digits "
    assert command + "--samples 200 --cv 2" in page


@pytest.mark.slow
def test_diagnose_is_reproducible_with_same_seed(report, tmp_path):
    run("diagnose", *TINY, "--cv", 2, "--out", tmp_path)
    first, second = (
        list(csv.DictReader(io.StringIO((folder / "results.csv").read_text())))
        for folder in (report[0], tmp_path)
    )
    for one, other in zip(first, second, strict=True):
        assert {**one, "fit_time": 0} == {**other, "fit_time": 0}


@pytest.mark.usefixtures("no_training")
def test_nonempty_folder_is_refused_and_unchanged(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    result = run("diagnose", *TINY, "--out", tmp_path)
    assert_fails(result, "exists and is not empty")
    assert "--overwrite" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "mine"


@pytest.mark.slow
def test_overwrite_replaces_only_report_files(tmp_path):
    (tmp_path / "report.html").write_text("earlier")
    (tmp_path / "notes.txt").write_text("mine")
    result = run("diagnose", *TINY, "--cv", 2, "--out", tmp_path, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data", "nowhere"], "no file or folder 'nowhere'"),
        (["--samples", "100000"], "--samples 100000 is not possible with 1797 images"),
        (["--samples", "5"], "10 classes, each in proportion: pass 10 to 1787"),
        (["--samples", "100", "--cv", "30"], "too few for 30 folds"),
    ],
)
def test_invalid_data_is_refused_before_training(tmp_path, options, sentence):
    out = tmp_path / "report"
    assert_fails(run("diagnose", *options, "--out", out), sentence)
    assert not out.exists()


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("images", "y", "sentence"),
    [
        (np.full((20, 4, 4), 70000), [0, 1] * 10, "70000"),
        (np.zeros((20, 4, 4), np.uint8), [3] * 20, "one class, 3"),
    ],
)
def test_invalid_user_images_are_refused(tmp_path, own_images, images, y, sentence):
    own_images(images, y)
    result = run("diagnose", "--data", "own", "--cv", 2, "--out", tmp_path)
    assert_fails(result, sentence)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "options",
    [
        ["--cv", "1"],
        ["--epochs", "0"],
        ["--model", "resnet"],
        ["--tolerance", "2"],
        ["--seed", "-1"],
        ["--no-such-option"],
    ],
)
def test_usage_errors_exit_with_2(tmp_path, options):
    result = run("diagnose", *options, "--out", tmp_path / "report")
    assert result.exit_code == 2
    assert options[0] in result.stderr
    assert "Traceback" not in result.stderr


def test_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert_fails(run("diagnose", "--out", tmp_path / "file"), "is a file")


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (6, 8, 3), (64,), (60,)])
@pytest.mark.parametrize("labels", [["no", "yes"], [4, 7]])
def test_train_evaluate_and_predict_user_images(tmp_path, shape, labels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, *shape), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", X=images, y=labels * 30)
    np.save(tmp_path / "new.npy", images[:4])
    model = tmp_path / "model"
    data = ["--data", tmp_path / "own.npz"]
    for result in (
        run("train", *data, "--epochs", 1, "--out", model),
        run("evaluate", model, *data),
        predicted := run("predict", model, tmp_path / "new.npy"),
    ):
        assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(predicted.stdout)))
    assert len(rows) == 4
    assert {row["label"] for row in rows} <= set(map(str, labels))


def test_train_saves_pipeline_and_prints_scores(trained):
    from skmnist import load

    path, result = trained
    assert result.exit_code == 0, result.stderr
    assert "Train" in result.stdout
    assert f"Saved {path}" in result.stdout
    pipeline = load(path)
    assert pipeline[-1].n_iter_ == 1
    assert pipeline[-1].callbacks is None


@pytest.mark.parametrize(
    "model", ["mlp", pytest.param("lenet", marks=pytest.mark.slow)]
)
def test_train_and_test_part_are_disjoint(monkeypatch, tmp_path, model):
    from skmnist.cli import _data

    seen = {}
    whole = _data.load({"data": "digits"})

    def keep(parts, pipeline):
        seen.update(parts)
        return {}

    monkeypatch.setattr("skmnist.cli._output.score", keep)
    path = tmp_path / "model"
    options = ["--samples", 60, "--epochs", 1, "--seed", 5, "--model", model]
    assert run("train", *options, "--out", path).exit_code == 0
    trained_on = {image.tobytes() for image in seen["Train"].images}
    assert len(seen["Train"].y) == 60
    assert run("evaluate", path, "--samples", 60).exit_code == 0
    assert {image.tobytes() for image in seen["Train"].images} == trained_on
    assert not {image.tobytes() for image in seen["Test"].images} & trained_on
    assert len(seen["Test"].y) == math.ceil(len(whole.y) / 5)


def test_evaluate_prints_train_and_test_scores(trained):
    result = run("evaluate", trained[0], "--samples", 200)
    assert result.exit_code == 0, result.stderr
    for expected in ("Train", "Test", "200", "360", "Loss", "Accuracy"):
        assert expected in result.stdout


def test_evaluate_refuses_unknown_classes(trained, own_images):
    own_images(np.zeros((40, 28, 28), np.uint8), ["a", "b"] * 20)
    assert_fails(run("evaluate", trained[0]), "labels ['a', 'b']")


def test_train_replaces_file_only_with_overwrite(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_text("mine")
    assert_fails(run("train", *TINY, "--out", path), "exists")
    assert path.read_text() == "mine"
    result = run("train", *TINY, "--out", path, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert path.read_bytes() != b"mine"


def test_interrupted_training_is_saved_and_exits_with_130(tmp_path, monkeypatch):
    import keras

    from skmnist import KerasMLPClassifier, load

    fit = KerasMLPClassifier.fit

    def interrupt(epoch, logs):
        raise KeyboardInterrupt

    def stop(self, *args, **kwargs):
        callback = keras.callbacks.LambdaCallback(on_epoch_end=interrupt)
        try:
            return fit(self.set_params(callbacks=callback), *args, **kwargs)
        finally:
            self.set_params(callbacks=None)

    monkeypatch.setattr(KerasMLPClassifier, "fit", stop)
    options = ["--samples", 200, "--epochs", 50]
    result = run("train", *options, "--out", tmp_path / "model")
    assert result.exit_code == 130, result.stderr
    assert "Stopped after 1 of 50 epochs" in result.stderr
    assert load(tmp_path / "model")[-1].n_iter_ == 1


def test_interrupted_diagnosis_exits_with_130_and_keeps_earlier_report(
    report, tmp_path, monkeypatch
):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    (tmp_path / "report.html").write_text("earlier")
    monkeypatch.setattr("skmnist.diagnosis._diagnose.run_diagnosis", stop)
    result = run("diagnose", *TINY, "--out", tmp_path, "--overwrite")
    assert result.exit_code == 130
    assert result.stderr == (
        "Stopped before anything was finished: nothing was saved.\n"
    )
    assert (tmp_path / "report.html").read_text() == "earlier"


def images_in(tmp_path, kind):
    from skmnist.cli import _data
    from skmnist.datasets import write_idx

    images = _data.load({"data": "digits"}).images[:3]
    path = tmp_path / f"images.{kind}"
    if kind == "npy":
        np.save(path, images)
    elif kind == "npz":
        np.savez(path, x=images, y=[0, 1, 2])
    elif kind == "flat.npy":
        np.save(path, images.reshape(3, -1))
    elif kind == "channel.npy":
        np.save(path, images[..., np.newaxis])
    else:
        write_idx(path, images)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "flat.npy", "channel.npy", "idx"])
def test_predict_writes_a_row_per_image(trained, tmp_path, kind):
    from skmnist import load
    from skmnist.cli import _data

    result = run("predict", trained[0], images_in(tmp_path, kind))
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["image"] for row in rows] == ["0", "1", "2"]
    probabilities = load(trained[0]).predict_proba(
        _data.load({"data": "digits"}).images[:3]
    )
    labels = [str(label) for label in probabilities.argmax(axis=1)]
    assert [row["label"] for row in rows] == labels
    shown = [float(row["probability"]) for row in rows]
    np.testing.assert_allclose(shown, probabilities.max(axis=1), atol=1e-5)


def test_predict_single_image_to_file(trained, tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((28, 28), np.uint8))
    out = tmp_path / "predictions.csv"
    result = run("predict", trained[0], tmp_path / "one.npy", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(out.read_text().splitlines()) == 2
    again = run("predict", trained[0], tmp_path / "one.npy", "--out", out)
    assert_fails(again, "exists")


def test_predict_refuses_invalid_images(trained, tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((3, 8, 8), np.uint8))
    result = run("predict", trained[0], tmp_path / "small.npy")
    assert_fails(
        result, "shape (3, 8, 8), but the model takes samples of shape (28, 28)"
    )
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    again = run("predict", trained[0], tmp_path / "two.npz")
    assert_fails(again, "name them 'x'")
    assert "it contains a, b" in again.stderr
    (tmp_path / "text.npy").write_text("no array")
    assert run("predict", trained[0], tmp_path / "text.npy").exit_code == 1
    assert run("predict", trained[0], tmp_path / "missing.npy").exit_code == 1


def test_missing_or_damaged_model_is_refused(tmp_path):
    missing = run("evaluate", tmp_path / "missing")
    assert_fails(missing, "missing does not exist: `skmnist train --out")
    (tmp_path / "damaged").write_bytes(b"PK\x03\x04 no model")
    assert_fails(run("evaluate", tmp_path / "damaged"), "Cannot load")


def test_debug_shows_traceback():
    result = run("--debug", "evaluate", "missing")
    assert isinstance(result.exception, FileNotFoundError)
    assert result.exit_code == 1


def test_unexpected_error_is_one_line_with_its_type(tmp_path, monkeypatch):
    def fail(name):
        raise KeyError("lost")

    monkeypatch.setattr("skmnist.cli._data.load", fail)
    assert_fails(run("diagnose", "--out", tmp_path), "KeyError: 'lost'")


@pytest.mark.slow
def test_warning_is_one_line_on_stderr(tmp_path):
    code = (
        "import warnings; from skmnist import cli; from skmnist.cli import _data\n"
        "def load(name):\n"
        "    warnings.warn('look\\nhere'); raise ValueError('no')\n"
        "_data.load = load\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "diagnose", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "Warning: look here\nError: no\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_do_not_import_tensorflow(option):
    code = (
        "import sys, atexit\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'pandas'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))))\n"
        "from skmnist.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, option], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "[]"
    assert (__version__ if option == "--version" else "diagnose") in done.stdout


@pytest.mark.slow
def test_workers_print_no_tensorflow_messages(tmp_path):
    command = ["diagnose", "--samples", "150", "--cv", "2", "--epochs", "1"]
    command += ["--n-jobs", "2", "--reference", "0.1", "--no-learning-curve"]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-m", "skmnist", *command, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env=environment,
    )
    for word in ("onednn", "absl", "cuda", "tensorflow"):
        assert word not in done.stderr.lower()
    assert (done.returncode, done.stderr) == (0, "")
