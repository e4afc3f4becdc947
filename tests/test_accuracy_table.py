"""The table of examples/benchmarks/bench_accuracy.py."""

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "examples" / "benchmarks")
        yield importlib.import_module("_accuracy_table")


def write_results(path, wrong_by_run):
    rows = [
        {
            "recipe": name,
            "seed": seed,
            "n_test": 1000,
            "train_error": "0.01",
            "test_error": len(wrong) / 1000,
            "seconds": "30",
            "cpu_seconds": "90",
            "processor": "NVIDIA H200" if name == "lenet" else "Some CPU",
            "wrong": " ".join(map(str, wrong)),
        }
        for (name, seed), wrong in wrong_by_run.items()
    ]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_rows_have_means_intervals_and_paired_differences(benchmark, tmp_path):
    # The second recipe is right on 20 images on which the first is wrong.
    runs = {
        ("mlp", 0): range(60),
        ("mlp", 1): range(64),
        ("lenet", 1): range(20, 62),
        ("lenet", 0): range(20, 60),
    }
    write_results(tmp_path / "results.csv", runs)
    benchmark.write_table(tmp_path / "results.csv", tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        mlp, lenet = csv.DictReader(file)
    assert mlp["Recipe"] == "Reference MLP"
    assert (mlp["Seeds"], mlp["Epochs"], mlp["Minutes"]) == ("2", "5", "1.5")
    assert (mlp["Machine"], lenet["Machine"]) == ("CPU", "NVIDIA H200")
    assert lenet["Minutes"] == "0.5"
    assert (mlp["Training error (%)"], mlp["Test error (%)"]) == ("1.00", "6.20")
    low, high = binomtest(62, 1000).proportion_ci(method="wilson")
    assert mlp["95 % interval"] == f"{100 * low:.2f} to {100 * high:.2f}"
    assert mlp["SD over seeds"] == "0.283"
    assert mlp["Difference"] == ""
    assert lenet["Difference"].startswith("-2.10 ± 0.9")
    assert lenet["Difference"].endswith("to Reference MLP")


def test_margin_of_a_paired_difference_covers_it(benchmark):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        hard = rng.random(1000) < 0.1
        runs = [
            [
                {
                    "n_test": "1000",
                    "wrong": " ".join(
                        map(str, np.flatnonzero(hard & (rng.random(1000) < share)))
                    ),
                }
                for _ in range(3)
            ]
            for share in (0.5, 0.4)
        ]
        difference, margin = benchmark._paired(*runs)
        covered.append(abs(difference - 0.01) <= margin)
    assert 0.93 <= np.mean(covered) <= 1


def test_every_recipe_can_be_made(benchmark):
    recipes = importlib.import_module("_accuracy_recipes").RECIPES
    for name, recipe in recipes.items():
        estimator = recipe.make(3, None)
        assert hasattr(estimator, "fit")
        assert recipe.compared_with in (None, *recipes), name
        final = getattr(estimator, "steps", [(None, None)])[-1][1]
        if hasattr(final, "_validate_params"):
            final._validate_params()
