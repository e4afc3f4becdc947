"""The table of `bench_accuracy`: means over seeds, intervals, paired differences."""

import csv
from collections import defaultdict

import numpy as np
from _accuracy_recipes import RECIPES
from scipy.stats import binomtest, norm

_Z = norm.ppf(0.975)


def write_table(results, path):
    """Write one row for each recipe that has results, and print them.

    Parameters
    ----------
    results : path-like
        File of rows that `bench_accuracy` has written.
    path : path-like
        CSV file of the table.
    """
    with open(results, newline="") as file:
        rows = list(csv.DictReader(file))
    runs = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["seed"])):
        runs[row["recipe"]].append(row)
    table = [
        _summary(name, runs[name], runs.get(recipe.compared_with))
        for name, recipe in RECIPES.items()
        if name in runs
    ]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    for row in table:
        print("; ".join(f"{name}: {value}" for name, value in row.items() if value))


def _summary(name, runs, others):
    recipe = RECIPES[name]
    errors = np.array([float(run["test_error"]) for run in runs])
    n_test = int(runs[0]["n_test"])
    # All seeds are tested on the same images, so that more of them do not narrow it.
    wrong = round(errors.mean() * n_test)
    low, high = binomtest(wrong, n_test).proportion_ci(method="wilson")
    train = np.mean([float(run["train_error"]) for run in runs])
    row = {
        "Recipe": recipe.title,
        "Test error (%)": f"{100 * errors.mean():.2f}",
        "95 % interval": f"{100 * low:.2f} to {100 * high:.2f}",
        "SD over seeds": f"{100 * errors.std(ddof=1):.3f}" if len(runs) > 1 else "",
        "Seeds": len(runs) if recipe.is_random else "",
        "Training error (%)": f"{100 * train:.2f}",
        "Epochs": recipe.epochs or "",
        "Minutes": "" if recipe.members else _minutes(runs),
        "Machine": _machine(runs),
        "Difference": "",
    }
    if others is not None:
        difference, half = _paired(runs, others)
        row["Difference"] = (
            f"{100 * difference:+.2f} ± {100 * half:.2f} to "
            f"{RECIPES[recipe.compared_with].title}"
        )
    return row


def _minutes(runs):
    """Return the mean minutes of a training: of all cores, or of the clock of a GPU."""
    unit = "cpu_seconds" if _machine(runs) == "CPU" else "seconds"
    minutes = np.mean([float(run[unit]) for run in runs]) / 60
    if minutes < 0.05:
        return "< 0.1"
    return f"{minutes:.1f}" if minutes < 10 else f"{minutes:.0f}"


def _machine(runs):
    names = {run["processor"] for run in runs}
    gpus = {name for name in names if name.startswith("NVIDIA")}
    return " and ".join(sorted(gpus | ({"CPU"} if names - gpus else set())))


def _paired(runs, others):
    """Return the difference of the mean errors of two recipes, and its margin.

    The test images are the same, so their differences are taken image by image; the
    variance of the seeds is added.
    """
    first, second = _wrong(runs), _wrong(others)
    difference = first.mean(axis=0) - second.mean(axis=0)
    variance = difference.var(ddof=1) / len(difference)
    for wrong in (first, second):
        if len(wrong) > 1:
            variance += wrong.mean(axis=1).var(ddof=1) / len(wrong)
    return difference.mean(), _Z * np.sqrt(variance)


def _wrong(runs):
    """Return whether each image was wrong, a float array of shape (n_seeds, n_test)."""
    wrong = np.zeros((len(runs), int(runs[0]["n_test"])))
    for row, run in zip(wrong, runs, strict=True):
        row[[int(place) for place in run["wrong"].split()]] = 1
    return wrong
