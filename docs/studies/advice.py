"""The advice of the findings, followed on cases of the battery.

``python advice.py`` diagnoses each case before and after the advice is followed, on
three data sets, and writes the table of the docs. Cases of MNIST need it in a location
where `fetch_mnist` finds it.
"""

import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _advice_cases import FOLLOWED, follow

SEEDS = (0, 1, 2)
PATH = Path(__file__).parents[1] / "_data" / "advice.csv"


def main():
    """Follow every piece of advice, and write the table."""
    rows = []
    for followed in FOLLOWED:
        outcomes = [follow(followed, seed) for seed in SEEDS]
        before, after = zip(*outcomes, strict=True)
        rows.append(
            {
                "Finding": followed.code,
                "Found in": f"{_count(before, followed.code)} of {len(SEEDS)}",
                "Advice": followed.advice,
                "Case": followed.case,
                "Followed by": ", ".join(
                    f"{name}={value}" for name, value in followed.changes.items()
                ),
                "Quantity": followed.quantity,
                "Before": _written(before, followed.quantity),
                "After": _written(after, followed.quantity),
                # `follow` draws a learning curve before alone.
                "Found after": "not asked"
                if followed.code == "FIT07"
                else f"{_count(after, followed.code)} of {len(SEEDS)}",
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    with open(PATH, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _count(outcomes, code):
    return sum(code in codes for _, _, codes in outcomes)


def _written(outcomes, quantity):
    mean = np.mean([value for value, _, _ in outcomes])
    return f"{mean:.3f}" if quantity == "validation loss" else f"{100 * mean:.1f} %"


if __name__ == "__main__":
    main()
