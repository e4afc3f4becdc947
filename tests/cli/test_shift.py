"""Tests of --test-data: labelled images that no network is trained on."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from skmnist import load_digits28
from skmnist.cli import app

DIGITS = load_digits28()
TINY = ["--epochs", "1", "--cv", 2, "--no-learning-curve", "--reference", "0.02"]


def diagnose(*args):
    return CliRunner().invoke(app, ["diagnose", *map(str, [*TINY, *args])])


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Two npz files of digits: to train on, and darker ones to test with."""
    folder = tmp_path_factory.mktemp("parts")
    np.savez(folder / "train.npz", X=DIGITS.images[:300], y=DIGITS.target[:300])
    np.savez(
        folder / "dark.npz", X=DIGITS.images[300:500] // 3, y=DIGITS.target[300:500]
    )
    np.savez(folder / "small.npz", X=DIGITS.images[:50, :20], y=DIGITS.target[:50])
    wide = DIGITS.images[:50].astype(np.uint16) * 16
    np.savez(folder / "wide.npz", X=wide, y=DIGITS.target[:50])
    return folder


@pytest.mark.slow
def test_test_data_are_scored_and_compared(parts, tmp_path):
    out = tmp_path / "report"
    result = diagnose(
        "--data", parts / "train.npz", "--test-data", parts / "dark.npz", "--out", out
    )
    assert result.exit_code == 0, result.stderr
    assert "FIT15 Shift" in result.stdout
    assert f"--test-data {parts / 'dark.npz'}" in (out / "report.html").read_text()
    record = json.loads((out / "diagnosis.json").read_text())
    assert record["data"]["X_test"]["shape"] == [200, 28, 28]
    assert record["test_separation"]["auc"] > 0.9
    # The next command tests on the same images.
    assert "--test-data" in record["next"][0]["command"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("small.npz", "have the shape (20, 28), those of"),
        ("wide.npz", "rescale them alike"),
        ("missing.npz", "There is no file or folder"),
    ],
)
def test_unlike_test_data_are_refused_before_training(parts, tmp_path, name, sentence):
    out = tmp_path / "report"
    result = diagnose(
        "--data", parts / "train.npz", "--test-data", parts / name, "--out", out
    )
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not out.exists()
