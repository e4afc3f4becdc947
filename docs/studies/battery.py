"""Accuracy of the verdicts: cases of known truth, three data sets each.

The rules of `diagnose_fit` were built with the first set of cases. The verdicts on the
second set, "new", were made once, when the rules had been chosen, and are published as
they are. So are those on the third, "near chance", of a rule that was changed after the
verdicts on the second.

``python battery.py`` diagnoses every case with a committed truth at the default
settings, compares verdicts and truths, and writes `battery_verdicts.csv` and the tables
of the docs. ``--truth`` measures the truths again; ``--peers`` computes what skore's
checks and deepchecks' rule say.

The truth of a case does not come from `diagnose_fit`. The recipe, a refit with more
capacity, one with less, and (for networks) one with four times the epochs are trained
several times on as many new rows as a fold has, and tested on 10,000 other rows. (There
are only 1,797 digits, so their truth comes from repeated random splits of 80 to 20 %.)
With δ the tolerance and means over trainings, the rule is as follows. It was fixed
before any verdict was seen, except for the condition that was added later (see
docs/battery.rst).

- reach: the lowest new-data error of all refits, or the known error if a case has one;
  bias: training error − reach; gap: new-data error − training error (a known error
  counts as neither bias nor gap);
- no better than the dummy: the class-balanced error on new data is lower than the
  dummy's by less than δ/4, unless the training error is below reach and the gap is
  larger than δ;
- undertrained: four times the epochs lower the new-data error by more than δ/4, which
  costs only time, and the training error is larger than that;
- underfit: one of these two, or bias > δ; overfit: gap > δ; good: neither. If bias and
  gap both exceed δ, the larger names the truth, and `both` is right, too, unless they
  differ by more than δ.

A quantity is unclear if it is within a quarter of its limit, or within two standard
errors if these are more. A truth that depends on an unclear quantity is unclear: either
verdict counts as right. `inconclusive` is right then, too, and wrong otherwise.
"""

import argparse
import itertools
import os
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", category=DeprecationWarning)

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from _battery_cases import CASES as BUILT_WITH  # noqa: E402
from _battery_cases import OF_MNIST  # noqa: E402
from _battery_chance import NEAR_CHANCE  # noqa: E402
from _battery_new import NEW_CASES, THREE_OR_EIGHT  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.metrics import (  # noqa: E402
    balanced_accuracy_score,
    precision_recall_fscore_support,
)
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: E402

from skmnist import diagnose_fit  # noqa: E402

SETS = {"built with": BUILT_WITH, "new": NEW_CASES, "near chance": NEAR_CHANCE}
# The names of their tables in the docs.
TABLES = {
    "built with": "battery",
    "new": "battery_new",
    "near chance": "battery_chance",
}
CASES = BUILT_WITH | NEW_CASES | NEAR_CHANCE
NEEDS_MNIST = (*OF_MNIST, THREE_OR_EIGHT)
SEEDS = (0, 1, 2)
DATA = Path(__file__).parents[2] / "docs" / "_data"
_REFITS = ("richer", "poorer", "longer")


def measure_truth(name):
    """Return the errors of independent trainings on new rows, as a dict."""
    case = CASES[name]
    runs = []
    for number in range(case.n_trainings):
        seed = 1000 + number
        X, y, X_new, y_new = case.source(4 * case.n // 5, 10_000, seed)
        if case.repeat is not None:
            rows = case.repeat(len(y))
            X, y = X[rows], y[rows]
        fitted = case.recipe(seed).fit(X, y)
        predicted = fitted.predict(X_new)
        run = {
            "train": np.mean(fitted.predict(X) != y),
            "new": np.mean(predicted != y_new),
            "advantage": balanced_accuracy_score(y_new, predicted)
            - 1 / len(np.unique(y)),
        }
        for refit in _REFITS:
            make = getattr(case, refit)
            if make is not None:
                run[refit] = np.mean(make(seed).fit(X, y).predict(X_new) != y_new)
        runs.append(run)
    runs = pd.DataFrame(runs)
    mean = runs.mean()
    if case.known_error is not None:
        floor = reach = case.known_error
    else:
        floor = 0.0
        best = mean[["new", *(r for r in _REFITS if r in mean)]].idxmin()
        reach = runs[best]
    train = np.maximum(runs["train"], floor)
    derived = {"bias": train - reach, "gap": runs["new"] - train}
    derived["advantage"] = runs["advantage"]
    if "longer" in runs:
        derived["gain"] = runs["new"] - runs["longer"]
    derived["larger"] = derived["bias"] - derived["gap"]
    derived["harm"] = runs["new"] - runs["poorer"]
    truth = {"case": name} | mean.drop("advantage").to_dict()
    truth["reach"] = np.mean(reach)
    for key, values in derived.items():
        truth[key] = np.mean(values)
        truth[f"{key}_se"] = np.std(values, ddof=1) / np.sqrt(len(values))
    return truth


def right_verdicts(truth, tolerance):
    """Return the verdicts that a truth allows: one, or several if it is unclear."""

    def above(key, limit, scale):
        value, error = truth[key], truth[f"{key}_se"]
        if np.isnan(value):
            return (False,)
        if abs(value - limit) <= max(scale / 4, 2 * error):
            return (True, False)
        return (bool(value > limit),)

    quarter = tolerance / 4
    better = above("advantage", quarter, quarter)
    undertrained = (False,)
    if "gain" in truth:
        # Without training error left, longer training does not improve the fit.
        truth = truth | {"gain": np.minimum(truth["gain"], truth["train"])}
        undertrained = above("gain", quarter, quarter)
    biased = above("bias", tolerance, tolerance)
    below = [not each for each in above("bias", 0.0, tolerance)]
    gaping = above("gap", tolerance, tolerance)
    allowed = []
    for beats, under, bias, low, gap in itertools.product(
        better, undertrained, biased, below, gaping
    ):
        if under or (not beats and not (low and gap)):
            names = {"underfit"}
        elif bias and gap:
            names = set() if _differ(truth, tolerance) else {"both"}
            names.add("underfit" if truth["larger"] > 0 else "overfit")
            if abs(truth["larger"]) <= 2 * truth["larger_se"]:
                names |= {"underfit", "overfit"}
        else:
            names = {"underfit" if bias else "overfit" if gap else "good"}
        allowed.append(names)
    names = set.union(*allowed)
    if any(each != allowed[0] for each in allowed):
        names.add("inconclusive")
    order = ("underfit", "overfit", "both", "good", "inconclusive")
    return [each for each in order if each in names]


def _differ(truth, tolerance):
    margin = max(tolerance / 4, 2 * truth["larger_se"])
    return abs(truth["larger"]) > tolerance + margin


def prepare(case, seed):
    """Return the rows that a case is diagnosed on, their labels, and groups or None."""
    X, y, _, _ = case.source(case.n, 0, seed)
    if case.repeat is None:
        return X, y, None
    rows = case.repeat(len(y))
    # Duplicates are not adjacent, as in a real file.
    rows = np.random.default_rng(seed).permutation(rows)
    return X[rows], y[rows], rows if case.grouped else None


def splitter(groups):
    """Return the folds of all contenders. Samples are in a random order already."""
    return StratifiedKFold(5) if groups is None else StratifiedGroupKFold(5)


def judge(name, seed):
    """Return the result of `diagnose_fit` for a case, as a dict."""
    case = CASES[name]
    X, y, groups = prepare(case, seed)
    start = time.perf_counter()
    diagnosis = diagnose_fit(
        case.recipe(seed),
        X,
        y,
        cv=splitter(groups),
        reference="auto" if case.known_error is None else case.known_error,
        tolerance=case.tolerance,
        groups=groups,
        random_state=seed,
    )
    numbers = {
        f"{key}_{part}": getattr(getattr(diagnosis, key), part)
        for key in ("bias", "gap")
        for part in ("value", "low", "high")
    }
    errors = {key: each.value for key, each in diagnosis.errors.items()}
    return {
        "case": name,
        "seed": seed,
        "verdict": diagnosis.verdict,
        "findings": " ".join(finding.code for finding in diagnosis.findings),
        "reference_name": diagnosis.reference,
        **errors,
        **numbers,
        "seconds": round(time.perf_counter() - start, 1),
    }


def ask_peers(name, seed):
    """Return the verdicts of skore's checks and deepchecks' rule, as a dict."""
    from skore import CrossValidationReport
    from skore._checks.skd001_overfitting import CheckOverfitting
    from skore._checks.skd002_underfitting import CheckUnderfitting

    case = CASES[name]
    X, y, groups = prepare(case, seed)
    splits = list(splitter(groups).split(X, y, groups))
    report = CrossValidationReport(case.recipe(seed), X, y, splitter=splits)
    over = CheckOverfitting().check_function(report) is not None
    under = CheckUnderfitting().check_function(report) is not None
    found = {(1, 1): "both", (1, 0): "overfit", (0, 1): "underfit", (0, 0): "good"}
    return {
        "case": name,
        "seed": seed,
        "skore": found[over, under],
        "deepchecks": _deepchecks(case.recipe(seed), X, y, *splits[0]),
    }


def _deepchecks(classifier, X, y, train, test):
    """Apply the default condition of deepchecks 0.19.1's TrainTestPerformance.

    It fails if F1, precision or recall of any class is worse on the test part than on
    the training part by a tenth of itself. deepchecks knows no underfitting.
    """
    classifier.fit(X[train], y[train])
    scores = [
        np.array(
            precision_recall_fscore_support(
                y[rows],
                classifier.predict(X[rows]),
                labels=np.unique(y),
                zero_division=0,
            )[:3]
        )
        for rows in (train, test)
    ]
    worse = scores[0] - scores[1]
    return "overfit" if np.any(worse >= 0.1 * scores[0]) and worse.max() > 0 else "good"


def compare(truths, verdicts, peers=None):
    """Return the table of the docs, and the verdicts with what would have been right.

    A row of the table is a case; "3 ×" stands for three data sets. What skore and
    deepchecks say is in it where they were asked.
    """
    judges = {"diagnose_fit": "verdict"}
    if peers is not None:
        verdicts = verdicts.merge(peers, on=["case", "seed"], how="left")
        judges |= {"skore": "skore", "deepchecks": "deepchecks"}
    right = {
        row["case"]: right_verdicts(row, CASES[row["case"]].tolerance)
        for row in truths.to_dict("records")
    }
    verdicts = verdicts.assign(
        truth=[" ".join(right[case]) for case in verdicts["case"]],
        clear=["inconclusive" not in right[case] for case in verdicts["case"]],
    )
    for judge_name in judges.values():
        verdicts[f"{judge_name}_right"] = [
            said in right[case]
            for case, said in zip(verdicts["case"], verdicts[judge_name], strict=True)
        ]
    rows = []
    for truth in truths.to_dict("records"):
        name = truth["case"]
        said = verdicts[verdicts["case"] == name]
        if said.empty:
            continue
        rows.append(
            {
                "Case": name,
                "n": CASES[name].n,
                "Training": _percent(truth["train"]),
                "New": _percent(truth["new"]),
                "Reach": _percent(truth["reach"]),
                "Truth": " or ".join(right[name]),
            }
            | {title: _tally(said, column) for title, column in judges.items()}
        )
    return pd.DataFrame(rows), verdicts


def _percent(fraction):
    return f"{100 * fraction:.1f}"


def _tally(said, judge_name):
    counts = said[judge_name].value_counts()
    wrong = set(said.loc[~said[f"{judge_name}_right"], judge_name])
    return ", ".join(
        f"{count} × {name}{' (wrong)' if name in wrong else ''}"
        for name, count in counts.items()
    )


def print_score(verdicts):
    """Print how often each tool was right, and which verdicts it confused."""
    clear = verdicts[verdicts["clear"]]
    print(
        f"\n{verdicts['case'].nunique()} cases, {len(verdicts)} data sets; the truth "
        f"is clear for {len(clear)}."
    )
    for judge_name in ("verdict", "skore", "deepchecks"):
        if judge_name not in verdicts or verdicts[judge_name].isna().any():
            continue
        said = clear[judge_name]
        opposite = ((said == "overfit") & (clear["truth"] == "underfit")) | (
            (said == "underfit") & (clear["truth"] == "overfit")
        )
        right, of_all = clear[f"{judge_name}_right"], verdicts[f"{judge_name}_right"]
        print(
            f"{judge_name:10}  right where clear: {right.sum()} of {len(clear)} "
            f"({right.mean():.1%}), of all: {of_all.mean():.1%}; inconclusive: "
            f"{(said == 'inconclusive').sum()}; overfit for underfit or the reverse: "
            f"{opposite.sum()}"
        )
    for _, row in verdicts[~verdicts["verdict_right"]].iterrows():
        print(
            f"  wrong: {row['case']}, seed {row['seed']}: {row['verdict']} for "
            f"{row['truth']}; bias {row['bias_low']:.4f} to {row['bias_high']:.4f}, "
            f"gap {row['gap_low']:.4f} to {row['gap_high']:.4f} {row['findings']}"
        )


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--truth", action="store_true", help="measure the truths anew")
    options.add_argument("--peers", action="store_true", help="ask skore, deepchecks")
    options.add_argument("--only", default="", help="cases whose name contains this")
    options.add_argument("--set", choices=SETS, help="the cases of one set")
    options.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options.add_argument("--out", type=Path, default=DATA, help="folder of the CSVs")
    given = options.parse_args()
    # Some perceptrons stop before convergence on purpose.
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    sets = SETS if given.set is None else {given.set: SETS[given.set]}
    names = [name for cases in sets.values() for name in cases if given.only in name]
    try:
        if any(CASES[name].source in NEEDS_MNIST for name in names):
            OF_MNIST[0](1, 0, 0)
    except OSError as error:
        print(f"Leaving MNIST out: {error}", file=sys.stderr)
        names = [name for name in names if CASES[name].source not in NEEDS_MNIST]
    given.out.mkdir(parents=True, exist_ok=True)

    truth_file = given.out / "battery_truth.csv"
    if given.truth:
        _update(truth_file, ["case"], (measure_truth(name) for name in names))
    truths = pd.read_csv(truth_file)
    names = [name for name in names if name in set(truths["case"])]
    peers_file = given.out / "battery_peers.csv"
    pairs = list(itertools.product(names, given.seeds))
    if given.peers:
        _update(peers_file, ["case", "seed"], (ask_peers(*pair) for pair in pairs))
    peers = pd.read_csv(peers_file) if peers_file.exists() else None
    verdicts_file = given.out / "battery_verdicts.csv"
    said = _update(verdicts_file, ["case", "seed"], (judge(*pair) for pair in pairs))

    for name, cases in sets.items():
        parts = [t[t["case"].isin(list(cases))] for t in (truths, said)]
        if any(part.empty for part in parts):
            continue
        table, judged = compare(*parts, peers)
        if not given.only:
            table.to_csv(given.out / f"{TABLES[name]}.csv", index=False)
        print(f"\n{name}\n{table.to_string(index=False)}")
        print_score(judged)


def _update(path, keys, records):
    """Put records into a CSV file in place of those with the same keys.

    The file is written after each record: a run that is cut short keeps what it has.
    """
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=keys)
    for record in records:
        print(*(record[key] for key in keys), file=sys.stderr, flush=True)
        same = np.logical_and.reduce([table[key] == record[key] for key in keys])
        rows = [] if not len(table) else [table[~same]]
        table = pd.concat([*rows, pd.DataFrame([record])], ignore_index=True)
        place = table["case"].map(list(CASES).index)
        table = table.assign(place=place).sort_values(["place", *keys[1:]])
        table = table.drop(columns="place").reset_index(drop=True)
        table.to_csv(path, index=False, float_format="%.5g")
    return table


if __name__ == "__main__":
    main()
