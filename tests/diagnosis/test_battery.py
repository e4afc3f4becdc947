"""Tests of docs/studies/battery.py, and of verdicts in cases of known truth."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, diagnose_fit, load_digits28

ROOT = Path(__file__).parent.parent.parent
# Verdicts that `right_verdicts` derives from the truths of docs/_data.
EXPECTED_VERDICTS = {
    "dummy, moons": "underfit",
    "stump, moons": "underfit",
    "1 neighbour, moons": "overfit",
    "SVC well set, moons": "good",
    "dummy, 1 % minority": "underfit",
    "best stump, 5 % wrong labels": "good",
    "full tree, 5 % wrong labels": "overfit",
    "1 neighbour, noise": "overfit",
    "stump, parity": "underfit",
}


@pytest.fixture(scope="module")
def battery():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "studies")
        yield importlib.import_module("battery")


@pytest.mark.parametrize(("name", "verdict"), EXPECTED_VERDICTS.items())
def test_verdict_matches_measured_truth(battery, name, verdict):
    assert battery.judge(name, 0)["verdict"] == verdict


@pytest.mark.slow
def test_reference_mlp_underfits_after_five_epochs():
    X, y = load_digits28(return_X_y=True)
    clf = make_pipeline(PixelScaler(), KerasMLPClassifier(random_state=0))
    diagnosis = diagnose_fit(clf, X, y, reference=0.01)
    assert diagnosis.verdict == "underfit"
    assert "FIT04" in [finding.code for finding in diagnosis.findings]


def test_measure_truth(battery):
    truth = battery.measure_truth("stump, moons")
    assert truth["train"] == pytest.approx(0.168, abs=0.01)
    assert truth["new"] == pytest.approx(0.177, abs=0.01)
    assert truth["reach"] == truth["richer"]
    assert truth["bias"] == pytest.approx(truth["train"] - truth["reach"])


GOOD_FIT = {"bias": 0.0, "gap": 0.0, "advantage": 0.5, "gain": 0.0, "larger": 0.0}
GOOD_FIT["train"] = 0.1


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, "good"),
        ({"bias": 0.04, "larger": 0.04}, "underfit"),
        ({"gap": 0.04, "larger": -0.04}, "overfit"),
        ({"advantage": 0.0}, "underfit"),
        ({"advantage": 0.0, "bias": -0.1, "gap": 0.5}, "overfit"),
        ({"advantage": 0.0, "bias": -0.1, "gap": 0.01}, "underfit"),
        ({"advantage": 0.0, "gap": 0.5}, "underfit overfit inconclusive"),
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
def test_right_verdicts(battery, changes, right):
    truth = GOOD_FIT | {f"{key}_se": 0.0 for key in GOOD_FIT} | changes
    assert " ".join(battery.right_verdicts(truth, 0.02)) == right


def test_compare_counts_right_and_wrong_verdicts(battery):
    truth = GOOD_FIT | {f"{key}_se": 0.0 for key in GOOD_FIT}
    truth |= {"case": "stump, moons", "new": 0.1, "reach": 0.1}
    runs = {"case": "stump, moons", "seed": [0, 1, 2]}
    verdicts = pd.DataFrame(runs | {"verdict": ["good", "good", "both"]})
    peers = pd.DataFrame(runs | {"skore": "good", "deepchecks": "overfit"})
    table, verdicts = battery.compare(pd.DataFrame([truth]), verdicts, peers)
    (row,) = table.to_dict("records")
    assert row["Truth"] == "good"
    assert row["diagnose_fit"] == "2 × good, 1 × both (wrong)"
    assert row["skore"] == "3 × good"
    assert row["deepchecks"] == "3 × overfit (wrong)"
    assert verdicts["verdict_right"].tolist() == [True, True, False]
    assert verdicts["clear"].all()
