"""How often the battery's findings are false alarms, and how often they are missed.

    python docs/studies/findings.py

Reads the truths and the findings of all sets of the battery from docs/_data, and
writes `findings.csv`. A data set counts for a finding only if it is clear whether the
finding would be right: the measured quantity is further from its limit than a quarter
of it, and than two standard errors. FIT05, FIT06, FIT07, FIT09 and FIT10 are of
quantities that the battery does not measure: `false_alarms.py` does. FIT13 to FIT15
have studies of their own.
"""

import numpy as np
import pandas as pd
from _battery_cases import NOISY, THRESHOLD, WIDE
from _battery_new import FEW_ROWS
from battery import CASES, DATA

from skmnist import KerasMLPClassifier, LeNetClassifier

HAS_WRONG_LABELS = (NOISY, THRESHOLD, WIDE, FEW_ROWS)


def clearly_above(truth, key, limit, scale):
    """Return whether a truth exceeds a limit: True, False, or None if unclear."""
    value, error = truth[key], truth[f"{key}_se"]
    if np.isnan(value) or abs(value - limit) <= max(scale / 4, 2 * error):
        return None
    return bool(value > limit)


def expected(truth):
    """Return by code whether a finding would be right; None if it is unclear."""
    case = CASES[truth["case"]]
    delta = case.tolerance
    better = clearly_above(truth, "advantage", delta / 4, delta / 4)
    wrong_labels = case.source in HAS_WRONG_LABELS or "wrong labels" in truth["case"]
    network = getattr(case.recipe(0), "steps", [("", case.recipe(0))])[-1][1]
    usual_rate = isinstance(network, KerasMLPClassifier | LeNetClassifier)
    longer_helps = clearly_above(truth, "gain", delta / 4, delta / 4)
    return {
        "FIT01": None if better is None else not better,
        "FIT02": clearly_above(truth, "bias", delta, delta),
        "FIT03": clearly_above(truth, "gap", delta, delta),
        "FIT04": longer_helps,
        "FIT08": False,  # all splits are drawn at random
        "FIT11": None if truth["gap"] < 0 else False,
        "FIT12": case.repeat is not None and not case.grouped,
        "FIT13": wrong_labels,
        # Where longer training helps, a higher rate may as well.
        "FIT14": False if usual_rate and longer_helps is False else None,
    }


def main():
    """Count, print the table and write it."""
    truths = pd.read_csv(DATA / "battery_truth.csv").to_dict("records")
    verdicts = pd.read_csv(DATA / "battery_verdicts.csv", keep_default_na=False)
    rows = {}
    for truth in truths:
        said = verdicts.loc[verdicts["case"] == truth["case"], "findings"]
        for code, right in expected(truth).items():
            if right is None:
                continue
            row = rows.setdefault(code, dict.fromkeys(range(4), 0))
            found = sum(code in each.split() for each in said)
            row[2 if right else 0] += len(said)
            row[3 if right else 1] += found
    names = ["Not so", "False alarms", "So", "Found"]
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.columns = names
    table = table.sort_index().rename_axis("Code").reset_index()
    table.to_csv(DATA / "findings.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
