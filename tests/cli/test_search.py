"""The commands that compare: `search`, and `diagnose` of two models."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier
from skmnist.classifiers._checkpoint import FinishedTrainings
from skmnist.cli import app
from skmnist.cli._workers import fits_in_threads

TINY = ["--samples", "150", "--cv", "2", "--epochs", "1"]
GRID = ["--grid", "hidden_layer_sizes=8,4", "--grid", "learning_rate=0.01,0.05"]


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def run_interrupted(monkeypatch, n_fits, *args):
    """Run a command that is interrupted by Ctrl-C after `n_fits` fits."""
    fits, fit = [], KerasMLPClassifier.fit

    def fit_or_stop(self, X, y, **params):
        if len(fits) == n_fits:
            raise KeyboardInterrupt
        fits.append(1)
        return fit(self, X, y, **params)

    with monkeypatch.context() as patched:
        patched.setattr(KerasMLPClassifier, "fit", fit_or_stop)
        return run(*args, "--n-jobs", 1)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "report"
    return out, run("search", *GRID, *TINY, "--out", out)


@pytest.mark.slow
def test_search_writes_page_tables_and_curves(searched):
    out, result = searched
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "heat_map.png",
        "report.html",
        "results.csv",
        "search.json",
        "validation_curve_hidden_layer_sizes.png",
        "validation_curve_learning_rate.png",
    ]
    table = pd.read_csv(out / "results.csv")
    assert len(table) == 4
    record = json.loads((out / "search.json").read_text())
    best = table.loc[table["validation_accuracy"].idxmax()]
    assert record["best_error"] == pytest.approx(1 - best["validation_accuracy"])
    assert record["best"]["learning_rate"] == best["learning_rate"]
    said = " ".join(result.stdout.split())
    assert f"has an error of {100 * record['best_error']:.1f} %" in said


@pytest.mark.slow
def test_simplest_candidate_is_within_one_standard_error(searched):
    record = json.loads((searched[0] / "search.json").read_text())
    assert record["ordered_by_complexity"] == ["hidden_layer_sizes"]
    limit = record["best_error"] + record["standard_error"]
    assert record["simplest_error"] <= limit
    assert (
        record["simplest"]["hidden_layer_sizes"] <= record["best"]["hidden_layer_sizes"]
    )


def test_search_refuses_nonempty_folder(searched):
    out, _ = searched
    before = (out / "search.json").read_bytes()
    result = run("search", *GRID, *TINY, "--out", out)
    assert result.exit_code == 1
    assert "exists and is not empty" in result.stderr
    assert (out / "search.json").read_bytes() == before


@pytest.mark.parametrize(
    ("item", "named"),
    [("epochs", "epochs"), ("no_such=1,2", "no_such"), ("epochs=0,5", "epochs")],
)
def test_invalid_grid_is_refused_before_training(item, named, tmp_path):
    result = run("search", "--grid", item, *TINY[:4], "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr
    assert not (tmp_path / "out").exists()


def test_recorded_command_repeats_the_search(searched, tmp_path):
    command = json.loads((searched[0] / "search.json").read_text())["command"]
    program, *arguments = shlex.split(command)
    assert program == "skmnist"
    assert run(*arguments, "--out", tmp_path / "out").exit_code == 0
    assert_same_results(tmp_path / "out", searched[0])


def assert_same_results(folder, other):
    """Assert that two searches have equal results, except for their times."""
    pd.testing.assert_frame_equal(
        pd.read_csv(folder / "results.csv").drop(columns="fit_time"),
        pd.read_csv(other / "results.csv").drop(columns="fit_time"),
    )


@pytest.mark.slow
def test_halving_search(tmp_path):
    result = run("search", "--halving", *GRID, *TINY, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert table["n_samples"].nunique() > 1


def test_interrupted_search_resumes(searched, tmp_path, monkeypatch, trainer_class):
    """It repeats no completed fit, and the results are the same."""
    out = tmp_path / "out"
    result = run_interrupted(monkeypatch, 3, "search", *GRID, *TINY, "--out", out)
    assert result.exit_code == 130
    assert result.stderr.startswith("Stopped after 3 fits")
    assert str(out / "checkpoints") in result.stderr
    assert "--resume" in result.stderr
    assert len(FinishedTrainings(out / "checkpoints")) == 3
    assert [path.name for path in out.iterdir()] == ["checkpoints"]
    assert len(list((out / "checkpoints").iterdir())) == 3
    refused = run("search", *GRID, *TINY, "--out", out)
    assert refused.exit_code == 1
    assert "use --resume" in refused.stderr

    trained, run_epoch = [], trainer_class.run_epoch

    def count(self, *args, **kwargs):
        trained.append(1)
        return run_epoch(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(trainer_class, "run_epoch", count)
        result = run("search", *GRID, *TINY, "--out", out, "--resume")
    assert result.exit_code == 0, result.stderr
    assert len(trained) == 8 - 3  # 4 candidates, 2 folds, 1 epoch
    assert_same_results(out, searched[0])
    assert sorted(p.name for p in out.iterdir()) == sorted(
        p.name for p in searched[0].iterdir()
    )


@pytest.mark.slow
def test_ctrl_c_ends_fits_in_threads_and_keeps_finished_ones(tmp_path):
    out = tmp_path / "out"
    args = ["search", "--grid", "epochs=1,100000", *TINY[:-2], "--n-jobs", 2]
    process = subprocess.Popen(
        [sys.executable, "-m", "skmnist", *map(str, args), "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(1200):
        if out.exists() and len(FinishedTrainings(out / "checkpoints")) == 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed.startswith("Stopped after 2 fits, kept in"), printed
    assert len(printed.splitlines()) == 1


def test_ctrl_c_does_not_wait_for_threads_that_a_callback_has_started():
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, args=[30])

    def fit():
        thread.start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), fits_in_threads():
        fit()
    assert thread.is_alive()
    ended.set()
    thread.join()


@pytest.mark.tensorflow
@pytest.mark.slow
def test_learning_rates_of_a_range_test_are_searched(tmp_path):
    out = tmp_path / "out"
    args = ["search", "--learning-rate", *TINY, "--set", "hidden_layer_sizes=20"]
    result = run(*args, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "learning_rate.png" in result.stdout
    rates = pd.read_csv(out / "results.csv")["learning_rate"].sort_values().tolist()
    assert len(rates) == 4
    assert rates[-1] == pytest.approx(10 * rates[0], rel=0.1)
    assert "Learning-rate range test" in (out / "report.html").read_text()
    record = json.loads((out / "search.json").read_text())
    assert "--learning-rate" in record["command"]
    assert record["best"]["learning_rate"] in rates
    # Another search without the test removes its figure.
    result = run("search", "--grid", "l2=0,0.1", *TINY, "--out", out, "--overwrite")
    assert result.exit_code == 0, result.stderr
    assert not (out / "learning_rate.png").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--grid", "learning_rate=0.1,0.2"], "searched over twice"),
        (["--set", "learning_rate=0.1"], "both searched over and set"),
    ],
)
def test_learning_rate_is_given_once(args, message, tmp_path):
    result = run("search", "--learning-rate", *args, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert message in result.stderr


def test_search_without_grid_is_refused(tmp_path):
    result = run("search", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "The grid is empty" in result.stderr


def test_search_interrupted_before_any_fit_leaves_no_folder(tmp_path, monkeypatch):
    out = tmp_path / "out"
    result = run_interrupted(monkeypatch, 0, "search", *GRID, *TINY, "--out", out)
    assert result.exit_code == 130
    assert result.stderr == (
        "Stopped before anything was finished: nothing was saved.\n"
    )
    assert not out.exists()


def test_finished_trainings_excludes_partial_and_damaged(
    tmp_path, digits, monkeypatch, trainer_class
):
    finished = FinishedTrainings(tmp_path)
    run_epoch = trainer_class.run_epoch
    epochs = []

    def run_epoch_or_stop(self, *args, **kwargs):
        if len(epochs) == 1:
            raise KeyboardInterrupt
        epochs.append(1)
        return run_epoch(self, *args, **kwargs)

    network = KerasMLPClassifier(
        hidden_layer_sizes=(4,), epochs=2, random_state=0, checkpoint_dir=tmp_path
    )
    with monkeypatch.context() as patched:
        patched.setattr(trainer_class, "run_epoch", run_epoch_or_stop)
        with pytest.raises(KeyboardInterrupt):
            network.fit(*digits)
    (checkpoint,) = tmp_path.glob("*/training.npz")
    assert len(finished) == 0
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    assert len(finished) == 0
    checkpoint.write_bytes(content)
    network.fit(*digits)
    assert len(finished) == 1


@pytest.mark.slow
def test_diagnose_compares_two_models_on_same_folds(tmp_path):
    out = tmp_path / "out"
    two = ["--model", "mlp", "--model", "lenet"]
    result = run("diagnose", *two, *TINY, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert (out / "mlp" / "report.html").exists()
    assert (out / "lenet" / "diagnosis.json").exists()
    said = json.loads((out / "comparison.json").read_text())
    errors = [
        json.loads((out / name / "diagnosis.json").read_text())["errors"]["validation"]
        for name in ("mlp", "lenet")
    ]
    difference = said["difference"]["value"]
    assert difference == pytest.approx(errors[0]["value"] - errors[1]["value"])
    first, second = said["n_first_wrong"], said["n_second_wrong"]
    assert (first - second) / 150 == pytest.approx(difference)
    p = binomtest(first, first + second).pvalue if first + second else 1
    assert said["p_value"] == pytest.approx(p)
    assert "McNemar" in result.stdout


def test_diagnose_refuses_the_same_model_twice(tmp_path):
    twice = ["--model", "mlp", "--model", "mlp"]
    assert run("diagnose", *twice, "--out", tmp_path / "out").exit_code == 2


@pytest.mark.slow
def test_ctrl_c_exits_with_130_and_saves_finished_folds(tmp_path):
    """A real signal to a real process, once its first fold is trained."""
    out = tmp_path / "out"
    options = ["--samples", "1500", "--cv", "5", "--epochs", "400", "--out", out]
    with subprocess.Popen(
        [sys.executable, "-m", "skmnist", "diagnose", *map(str, options)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            # The folder is made right before the first fit.
            while not out.exists() and process.poll() is None:
                time.sleep(0.05)
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()  # if the signal did not end it
    assert process.returncode == 130, said
    assert said.startswith("Stopped")
    assert "Traceback" not in said
    partial = out / "partial_results.csv"
    assert partial.exists() == (": saved" in said)
    assert out.exists() == partial.exists()
    if partial.exists():
        assert np.isfinite(pd.read_csv(partial)["validation_accuracy"]).all()
