"""False alarms and power of FIT15, the finding on test samples of another kind.

    python docs/studies/shift.py

Draws data sets and test samples at random, from one population or with a shift, and
counts how often each part of FIT15 is found. MNIST has to be in a location where
`fetch_mnist` finds it.
"""

import argparse
import csv
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit, fetch_mnist

SEED = 20261127
N_NULL, N_SHIFTED = 80, 8
PATH = Path(__file__).parents[1] / "_data" / "shift.csv"
MODELS = {
    "logistic regression": LogisticRegression(max_iter=300),
    "naive Bayes": GaussianNB(var_smoothing=1e-2),
    "tree": DecisionTreeClassifier(random_state=0),
}


class Population:
    """Samples to draw data sets from."""

    def __init__(self, X, y, n_train, n_test):
        self.X, self.y, self.sizes = X, y, (n_train, n_test)

    def draw(self, rng, weight=None):
        """Return a data set, and test samples drawn with other weights."""
        n_train, n_test = self.sizes
        rows = rng.permutation(len(self.y))
        train, rest = rows[:n_train], rows[n_train:]
        share = None if weight is None else weight(self, rest)
        test = rng.choice(rest, n_test, replace=False, p=share)
        return self.X[train], self.y[train], self.X[test], self.y[test]


def populations():
    """Return the populations by name."""
    X, y = load_digits(return_X_y=True)
    mnist = fetch_mnist(download_if_missing=False)
    small = mnist.images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(60_000, 196)
    options = {"n_features": 20, "n_informative": 8, "random_state": SEED}
    table = make_classification(30_000, n_classes=3, class_sep=1.2, **options)
    rare = make_classification(30_000, weights=[0.95], flip_y=0.02, **options)
    return {
        "digits": Population(X / 16, y, 900, 400),
        "MNIST, 14×14": Population(small / 255, mnist.target, 1000, 500),
        "table": Population(*table, 1000, 300),
        "table, few test samples": Population(*table, 1000, 60),
        "table, rare class": Population(*rare, 1000, 500),
    }


def _by_class(population, rows):
    share = np.where(population.y[rows] < population.y.max() / 2, 3.0, 1.0)
    return share / share.sum()


def _by_feature(population, rows):
    feature = population.X[rows][:, population.X.var(axis=0).argmax()]
    share = 1 / (1 + np.exp(-2 * (feature - feature.mean()) / feature.std()))
    return share / share.sum()


def _noise(X, rng):
    return X + rng.normal(scale=0.3 * X.std(), size=X.shape)


#: Name: weights of the rows, change of the test samples, change of their labels.
SHIFTS = {
    "values times 0.8": (None, lambda X, rng: 0.8 * X, None),
    "values times 0.5": (None, lambda X, rng: 0.5 * X, None),
    "noise": (None, _noise, None),
    "other class shares": (_by_class, None, None),
    "covariate shift": (_by_feature, None, None),
    "a tenth of the labels wrong": (
        None,
        None,
        lambda y, rng: np.where(rng.random(len(y)) < 0.1, rng.permutation(y), y),
    ),
}


def evidence_of(population, model, shift, rng):
    """Return the evidence of FIT15, or None, and the true difference of the errors."""
    weight, change, relabel = SHIFTS.get(shift, (None, None, None))
    X, y, X_test, y_test = population.draw(rng, weight)
    if change is not None:
        X_test = change(X_test, rng)
    if relabel is not None:
        y_test = relabel(y_test, rng)
    diagnosis = diagnose_fit(
        model, X, y, X_test=X_test, y_test=y_test, reference=0.0, random_state=0
    )
    found = {finding.code: finding.evidence for finding in diagnosis.findings}
    return found.get("FIT15")


def main():
    """Draw every data set, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--csv", type=Path, default=PATH)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for name, population in populations().items():
        for shift in ("none", *SHIFTS):
            number = N_NULL if shift == "none" else N_SHIFTED
            found = []
            for k in range(number):
                for m, model in enumerate(MODELS.values()):
                    rng = np.random.default_rng([SEED, k, m])
                    found.append(evidence_of(population, model, shift, rng) or {})
            row = {"Population": name, "Shift": shift, "Data sets": len(found)}
            for title, key in (
                ("FIT15, %", None),
                ("Error higher, %", "error_is_higher"),
                ("Samples differ, %", "samples_differ"),
            ):
                hits = [bool(each.get(key) if key else each) for each in found]
                row[title] = f"{100 * np.mean(hits):.1f}"
            rows.append(row)
            print(row, flush=True)
            with open(args.csv, "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0], lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
