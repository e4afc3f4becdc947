"""Coverage of the learning curves that a diagnosis draws on to four times the data.

    python docs/studies/extrapolation.py --cache extrapolation-cache

Draws data sets from a population, cross-validates models on parts of each as
`diagnose_fit(..., learning_curve=True)` does, and draws the curve on. The truth is the
mean error, on independent samples, of models that were trained on two and four times
as many samples. The errors of all fits are kept in the cache, so that another rule is
tried in seconds. MNIST has to be in a location where `fetch_mnist` finds it.
"""

import argparse
import csv
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import fetch_mnist
from skmnist._cross_validation._learning_curve import FRACTIONS, _stratified_order
from skmnist.diagnosis._extrapolation import extrapolate

SEED = 20261127
N_SETS, N_TRUE, N_INDEPENDENT, N_FOLDS = 16, 6, 3000, 5
TIMES = (2, 4)
PATH = Path(__file__).parents[1] / "_data" / "extrapolation.csv"
MODELS = {
    "SVC": SVC(C=5),
    "k-NN": KNeighborsClassifier(5),
    "logistic regression": LogisticRegression(max_iter=100),
    "naive Bayes": GaussianNB(var_smoothing=1e-2),
    "tree": DecisionTreeClassifier(),
    "MLP": MLPClassifier((30,), max_iter=30, learning_rate_init=0.003),
}


def populations():
    """Return samples, labels and the sizes of data sets, by name."""
    X, y = load_digits(return_X_y=True)
    mnist = fetch_mnist(download_if_missing=False)
    small = mnist.images.reshape(-1, 7, 4, 7, 4).mean((2, 4)).reshape(60_000, 49)
    options = {"n_informative": 8, "random_state": SEED}
    return {
        "digits": (X / 16, y, (360,)),
        "MNIST, 7×7": (small / 255, mnist.target, (400, 1200)),
        "table": (
            *make_classification(30_000, 20, n_classes=3, class_sep=1.2, **options),
            (300, 1200),
        ),
        "noisy table": (
            *make_classification(30_000, 20, flip_y=0.2, class_sep=0.8, **options),
            (300, 1200),
        ),
    }


def _seeded(model, seed):
    model = clone(model)
    return model.set_params(random_state=seed) if _is_random(model) else model


def _is_random(model):
    return isinstance(model, DecisionTreeClassifier | MLPClassifier)


def curve(X, y, model, size, number):
    """Return the out-of-fold errors of a data set, a row for each part of the data."""
    rng = np.random.default_rng([SEED, size, number])
    rows = rng.permutation(len(y))[:size]
    X, y = X[rows], y[rows]
    wrong = np.empty((len(FRACTIONS) + 1, size), dtype=bool)
    sizes = np.zeros(len(wrong))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=number)
    for train, test in folds.split(X, y):
        order = _stratified_order(train, y, number)
        for part, fraction in enumerate((*FRACTIONS, 1.0)):
            some = order[: round(fraction * len(order))]
            fitted = _seeded(model, number).fit(X[some], y[some])
            wrong[part, test] = fitted.predict(X[test]) != y[test]
            sizes[part] += len(some) / N_FOLDS
    return wrong, sizes


def true_error(X, y, model, size, times):
    """Return the mean error of models trained on several times the data of a fold."""
    errors = []
    for number in range(N_TRUE):
        rng = np.random.default_rng([SEED, size, times, number])
        rows = rng.permutation(len(y))
        n_train = round(times * size * (1 - 1 / N_FOLDS))
        train, test = rows[:n_train], rows[n_train : n_train + N_INDEPENDENT]
        fitted = _seeded(model, number).fit(X[train], y[train])
        errors.append(1 - fitted.score(X[test], y[test]))
    return np.mean(errors)


def cell(population, size, model, data, folder):
    """Return the curves of a cell of the table, and its truth, from the cache."""
    X, y, _ = data
    path = folder / f"{population}_{size}_{model}.npz".replace(" ", "")
    if not path.exists():
        curves = [curve(X, y, MODELS[model], size, k) for k in range(N_SETS)]
        truth = [true_error(X, y, MODELS[model], size, times) for times in TIMES]
        wrong, sizes = map(np.array, zip(*curves, strict=True))
        np.savez_compressed(path, wrong=wrong, sizes=sizes, truth=truth)
    return dict(np.load(path))


def main():
    """Fit what is not in the cache, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=Path("extrapolation-cache"))
    parser.add_argument("--csv", type=Path, default=PATH)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for population, data in populations().items():
        for size in data[2]:
            for model in MODELS:
                found = cell(population, size, model, data, args.cache)
                rows.append(
                    {"Population": population, "n": size, "Model": model}
                    | summary(**found)
                )
                print(rows[-1], flush=True)
    with open(args.csv, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def summary(wrong, sizes, truth):
    """Return coverage and width of the intervals of a cell."""
    drawn = [extrapolate(errors, n) for errors, n in zip(wrong, sizes, strict=True)]
    drawn = [each for each in drawn if each is not None]
    row = {"Curves drawn on, %": f"{100 * len(drawn) / len(wrong):.0f}"}
    row["Error at n, %"] = f"{100 * np.mean(wrong[:, -1]):.1f}"
    for times, true in zip(TIMES, truth, strict=True):
        row[f"Truth at {times}n, %"] = f"{100 * true:.1f}"
        found = [each.at_times(times) for each in drawn]
        if not found:
            row[f"Coverage at {times}n, %"] = row[f"Width at {times}n, %"] = ""
            continue
        hits = [each.contains(true) for each in found]
        width = np.mean([each.high - each.low for each in found])
        row[f"Coverage at {times}n, %"] = f"{100 * np.mean(hits):.0f}"
        row[f"Width at {times}n, %"] = f"{100 * width:.1f}"
    return row


if __name__ == "__main__":
    main()
