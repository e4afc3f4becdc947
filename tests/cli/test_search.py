"""The commands that compare: `search`, and `diagnose` of two models."""

import json
import os
import signal
import subprocess
import sys
import time
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import binomtest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier
from skmnist.cli import _output, app
from skmnist.search._result import FitLog, make_search

TINY = ["--samples", "150", "--cv", "2", "--epochs", "1"]
GRID = ["--grid", "hidden_layer_sizes=8,4", "--grid", "learning_rate=0.01,0.05"]


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "report"
    return out, run("search", *GRID, *TINY, "--out", out)


def test_search_leaves_a_page_tables_and_curves(searched):
    out, result = searched
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == [
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
    assert "errs on" in result.stdout


def test_simplest_point_lies_within_one_standard_error_of_the_best(searched):
    record = json.loads((searched[0] / "search.json").read_text())
    assert record["ordered_by_complexity"] == ["hidden_layer_sizes"]
    limit = record["best_error"] + record["standard_error"]
    assert record["simplest_error"] <= limit
    assert (
        record["simplest"]["hidden_layer_sizes"] <= record["best"]["hidden_layer_sizes"]
    )


def test_search_never_replaces_what_is_there(searched):
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
def test_a_grid_that_cannot_be_searched_is_one_sentence(item, named, tmp_path):
    result = run("search", "--grid", item, *TINY[:4], "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr
    assert not (tmp_path / "out").exists()


def test_halving_searches_too(tmp_path):
    result = run("search", "--halving", *GRID, *TINY, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert table["n_images"].nunique() > 1


def test_a_stopped_search_goes_on_with_resume(searched, tmp_path, monkeypatch):
    """It repeats no fit that was finished, and finds the same."""
    out = tmp_path / "out"
    fits, fit = [], KerasMLPClassifier.fit

    def stop_after_three(self, X, y, **params):
        if len(fits) == 3:
            raise KeyboardInterrupt
        fits.append(1)
        return fit(self, X, y, **params)

    with monkeypatch.context() as patch:
        patch.setattr(KerasMLPClassifier, "fit", stop_after_three)
        result = run("search", *GRID, *TINY, "--out", out)
    assert result.exit_code == 130
    assert len(pd.read_csv(out / "partial_results.csv")) == 3
    assert len(list((out / "checkpoints").iterdir())) == 3
    assert run("search", *GRID, *TINY, "--out", out).exit_code == 1  # not told to
    from skmnist._engine._training import BlockTrainer

    trained, run_epoch = [], BlockTrainer.run_epoch

    def count(self, *args):
        trained.append(1)
        return run_epoch(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(BlockTrainer, "run_epoch", count)
        result = run("search", *GRID, *TINY, "--out", out, "--resume")
    assert result.exit_code == 0, result.stderr
    assert len(trained) == 8 - 3  # 4 points, 2 folds, 1 epoch
    pd.testing.assert_frame_equal(
        pd.read_csv(out / "results.csv").drop(columns="fit_time"),
        pd.read_csv(searched[0] / "results.csv").drop(columns="fit_time"),
    )
    assert sorted(p.name for p in out.iterdir()) == sorted(
        p.name for p in searched[0].iterdir()
    )


def test_a_search_in_workers_notes_their_fits(tmp_path, capsys):
    """Shown with a bar, as in a terminal, and read back after Ctrl-C."""
    X, y = make_classification(n_samples=60, random_state=0)
    log = FitLog(["logisticregression__C"], tmp_path / "fits")
    search = make_search(
        make_pipeline(LogisticRegression()),
        {"C": [0.5, 2.0]},
        cv=3,
        halving=False,
        seed=0,
        n_jobs=2,
        scoring=log,
    )
    with (
        patch.object(_output, "Console", lambda **_: Console(force_terminal=True)),
        _output.fit_progress(log, 6),
    ):
        search.fit(X, y)
    table = log.frame().sort_values(["C", "validation_accuracy"])
    assert table["C"].tolist() == [0.5] * 3 + [2.0] * 3
    splits = [search.cv_results_[f"split{i}_test_score"] for i in range(3)]
    assert (
        table["validation_accuracy"].tolist()
        == np.sort(splits, axis=0).T.ravel().tolist()
    )
    assert "Searching" in capsys.readouterr().out


def test_two_models_are_compared_on_the_same_folds(tmp_path):
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


def test_a_model_is_not_compared_with_itself(tmp_path):
    twice = ["--model", "mlp", "--model", "mlp"]
    assert run("diagnose", *twice, "--out", tmp_path / "out").exit_code == 2


def test_ctrl_c_ends_a_diagnosis_with_130_and_keeps_what_is_done(tmp_path):
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
            process.kill()  # where the signal did not end it
    assert process.returncode == 130, said
    assert said.startswith("Stopped")
    assert "Traceback" not in said
    partial = out / "partial_results.csv"
    assert partial.exists() == (": saved" in said)
    assert out.exists() == partial.exists()
    if partial.exists():
        assert np.isfinite(pd.read_csv(partial)["validation_accuracy"]).all()
