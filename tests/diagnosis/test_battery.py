"""A small version of examples/studies/battery.py, and its committed results."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "docs" / "_data"
CHEAP = [
    "dummy, moons",
    "stump, moons",
    "1 neighbour, moons",
    "SVC well set, moons",
    "dummy, 1 % minority",
    "best stump, 5 % wrong labels",
    "full tree, 5 % wrong labels",
]


@pytest.fixture(scope="module")
def battery():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples" / "studies")
        yield importlib.import_module("battery")


@pytest.mark.parametrize("name", CHEAP)
def test_the_verdict_is_the_measured_truth(battery, name):
    truths = pd.read_csv(DATA / "battery_truth.csv").set_index("case", drop=False)
    tolerance = battery.CASES[name].tolerance
    (right,) = battery.right_verdicts(truths.loc[name].to_dict(), tolerance)
    assert battery.judge(name, 0)["verdict"] == right


def test_the_reference_network_after_five_epochs_underfits():
    X, y = load_digits28(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    clf = make_pipeline(PixelScaler(), KerasMLPClassifier(random_state=0))
    diagnosis = diagnose_fit(clf, X[order], y[order], reference=0.01)
    assert diagnosis.verdict == "underfit"
    assert "FIT04" in [finding.code for finding in diagnosis.findings]


def test_a_truth_is_measured_on_other_rows(battery):
    truth = battery.measure_truth("stump, moons")
    assert truth["train"] == pytest.approx(0.168, abs=0.01)
    assert truth["new"] == pytest.approx(0.177, abs=0.01)
    assert truth["reach"] == truth["richer"]
    assert truth["bias"] == pytest.approx(truth["train"] - truth["reach"])


FITS = {"bias": 0.0, "gap": 0.0, "advantage": 0.5, "gain": 0.0, "larger": 0.0}
FITS["train"] = 0.1


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, "good"),
        ({"bias": 0.04, "larger": 0.04}, "underfit"),
        ({"gap": 0.04, "larger": -0.04}, "overfit"),
        ({"advantage": 0.0}, "underfit"),
        ({"advantage": 0.005}, "underfit good inconclusive"),
        ({"gain": 0.01}, "underfit"),
        ({"gain": 0.01, "gap": 0.04, "larger": -0.04}, "underfit"),
        ({"gain": np.nan}, "good"),
        ({"gain": 0.01, "gap": 0.04, "larger": -0.04, "train": 0.0}, "overfit"),
        ({"gap": 0.024, "larger": -0.024}, "overfit good inconclusive"),
        ({"gap": 0.026, "larger": -0.026}, "overfit"),
        ({"gap": 0.026, "gap_se": 0.004}, "overfit good inconclusive"),
        ({"bias": 0.04, "gap": 0.05, "larger": -0.01}, "overfit both"),
        ({"bias": 0.04, "gap": 0.04}, "underfit overfit both"),
        ({"bias": 0.15, "gap": 0.05, "larger": 0.1}, "underfit"),
    ],
)
def test_the_truth_follows_the_rule(battery, changes, right):
    truth = FITS | {f"{key}_se": 0.0 for key in FITS} | changes
    assert " ".join(battery.right_verdicts(truth, 0.02)) == right


def test_committed_verdicts_are_right_in_nine_of_ten_cases(battery):
    truths = pd.read_csv(DATA / "battery_truth.csv")
    said = pd.read_csv(DATA / "battery_verdicts.csv")
    peers = pd.read_csv(DATA / "battery_peers.csv")
    table, said = battery.compare(truths, said, peers)
    clear = said[said["clear"]]
    assert clear["case"].nunique() >= 18
    assert (said.groupby("case").size() == 3).all()
    assert not said.isna()[["skore", "deepchecks"]].any(axis=None)
    assert clear["verdict_right"].mean() >= 0.9
    opposite = {"underfit": "overfit", "overfit": "underfit"}
    assert not (clear["verdict"].map(opposite) == clear["truth"]).any()
    shown = pd.read_csv(DATA / "battery.csv", dtype=str)
    pd.testing.assert_frame_equal(table.astype(str), shown)
