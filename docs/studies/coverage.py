"""Coverage of the confidence intervals of a diagnosis, by simulation.

    python docs/studies/coverage.py --cache coverage-cache --csv coverage.csv

Draws many data sets from a population, cross-validates several models on each, and
counts how often the interval of the gap, of the bias and of the validation error
contains the true value: the expectation over data sets of that size, from independent
samples. The constants of the intervals were chosen on the populations and models of one
study, "chosen", and are shown on those of another, "shown". The outcomes of all fits
are kept in the cache, so that another rule for the intervals is tried in minutes.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import make_classification, make_gaussian_quantiles
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, fetch_mnist
from skmnist._cross_validation._folds import Fold
from skmnist._cross_validation._scores import Predictions
from skmnist.diagnosis._evidence import Evidence

N_FOLDS, N_REPEATS = 5, 3
N_INDEPENDENT = 2000
SEED = 20261125
_CHUNK = 50


def synthetic():
    """Return a population of 20 features in 3 classes, and its labels."""
    return make_classification(
        300_000,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_classes=3,
        class_sep=1.2,
        random_state=SEED,
    )


def digits():
    """Return MNIST, each image as the means of 4×4 pixels, and its labels."""
    mnist = fetch_mnist(subset="all", download_if_missing=False)
    tiles = mnist.images.reshape(-1, 7, 4, 7, 4).mean((2, 4))
    return tiles.reshape(len(tiles), 49) / 255, mnist.target


def quantiles():
    """Return nested shells of a Gaussian in 10 dimensions, and their labels."""
    return make_gaussian_quantiles(
        n_samples=300_000, n_features=10, n_classes=4, random_state=SEED
    )


def waves():
    """Return the noisy mixtures of triangular waves of Breiman et al., and labels.

    Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984.
    """
    rng = np.random.default_rng(SEED)
    y = rng.integers(3, size=300_000)
    place = np.arange(1, 22)
    waves = np.maximum(0, 6 - np.abs(place - np.array([[11], [15], [7]])))
    first, second = waves[[0, 0, 1]][y], waves[[1, 2, 2]][y]
    share = rng.uniform(size=(len(y), 1))
    X = share * first + (1 - share) * second + rng.normal(size=first.shape)
    return X, y


def network(**params):
    """Return a network of this package, trained for 15 epochs."""
    return KerasMLPClassifier(epochs=15, learning_rate=0.01, **params)


@dataclass(frozen=True)
class Study:
    """Populations, and the models that are cross-validated on data sets from them.

    Attributes
    ----------
    populations : dict of str to callable
        Each returns X and y to draw from.
    sizes : tuple of int
        Rows of a data set.
    models : dict of str to classifier
    references : tuple of str
        The model that the bias is measured against, and the one that its own bias is
        measured against.
    """

    populations: dict[str, Callable]
    sizes: tuple
    models: dict
    references: tuple

    def reference(self, name):
        first, second = self.references
        return second if name == first else first


STUDIES = {
    "chosen": Study(
        {"make_classification": synthetic, "MNIST, 7×7": digits},
        (300, 1500),
        {
            "LDA": LinearDiscriminantAnalysis(),
            "naive Bayes": GaussianNB(var_smoothing=1e-3),
            "k-NN": KNeighborsClassifier(5),
            "tree, depth 6": DecisionTreeClassifier(max_depth=6),
            "full tree": DecisionTreeClassifier(),
            "small MLP": MLPClassifier(
                (16,), learning_rate_init=0.01, batch_size=100, max_iter=15
            ),
            "KerasMLPClassifier": network(hidden_layer_sizes=(16,)),
        },
        ("k-NN", "LDA"),
    ),
    "shown": Study(
        {"Gaussian quantiles": quantiles, "waves": waves},
        (200, 800),
        {
            "random forest": RandomForestClassifier(30),
            "logistic regression": LogisticRegression(max_iter=500),
            "15-NN": KNeighborsClassifier(15),
            "boosting": HistGradientBoostingClassifier(max_iter=20),
            "SVC": SVC(),
            "QDA": QuadraticDiscriminantAnalysis(reg_param=0.1),
            "stump": DecisionTreeClassifier(max_depth=1),
            "KerasMLPClassifier, dropout": network(
                hidden_layer_sizes=(32,), activation="relu", dropout=0.3
            ),
        },
        ("random forest", "SVC"),
    ),
}


def splits_of(y, seed):
    folds = RepeatedStratifiedKFold(
        n_splits=N_FOLDS, n_repeats=N_REPEATS, random_state=seed
    )
    return list(folds.split(y, y))


def draw(y, size, number):
    """Return the rows of a data set, and independent rows."""
    rng = np.random.default_rng([SEED, size, number])
    rows = rng.choice(len(y), size + N_INDEPENDENT, replace=False)
    return rows[:size], rows[size:]


def experiment(models, X, y, size, number):
    """Fit every model on every split of one data set.

    Returns
    -------
    wrong : ndarray of uint8, packed bits of shape (models, splits, size)
        Whether a model errs on a row, trained on it or not.
    new_error : ndarray of float of shape (models, repeats)
        Error of the first model of each repetition on independent rows.
    """
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows, others = draw(y, size, number)
    wrong = np.empty((len(models), N_FOLDS * N_REPEATS, size), dtype=bool)
    new_error = np.empty((len(models), N_REPEATS))
    for j, (train, _) in enumerate(splits_of(y[rows], number)):
        for m, model in enumerate(models.values()):
            model = clone(model)
            if "random_state" in model.get_params():
                model.set_params(random_state=number * 100 + j)
            model.fit(X[rows[train]], y[rows[train]])
            wrong[m, j] = model.predict(X[rows]) != y[rows]
            if j % N_FOLDS == 0:
                new_error[m, j // N_FOLDS] = 1 - model.score(X[others], y[others])
    return np.packbits(wrong, axis=-1), new_error


def outcomes(study, population, size, args):
    """Return the results of `experiment`, from the cache if they are there."""
    X, y = study.populations[population]()
    chunks = []
    for first in range(0, args.experiments, _CHUNK):
        path = args.cache / f"{population}-{size}-{first}.npz"
        if not path.exists():
            start = time.perf_counter()
            numbers = range(first, min(first + _CHUNK, args.experiments))
            parts = Parallel(n_jobs=args.n_jobs)(
                delayed(experiment)(study.models, X, y, size, number)
                for number in numbers
            )
            wrong, new_error = map(np.array, zip(*parts, strict=True))
            args.cache.mkdir(parents=True, exist_ok=True)
            np.savez(path, wrong=wrong, new_error=new_error)
            print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
        with np.load(path) as saved:
            chunks.append((saved["wrong"], saved["new_error"]))
    wrong, new_error = map(np.concatenate, zip(*chunks, strict=True))
    return np.unpackbits(wrong, axis=-1, count=size).astype(bool), new_error, y


def predictions(wrong):
    """Return predictions of a class 0 that are wrong for some rows."""
    unknown = np.full(len(wrong), np.nan)
    return Predictions(wrong.astype(int), wrong, unknown, unknown)


def folds_of(wrong, splits):
    """Return the splits of one model in the form that `diagnose_fit` uses."""
    return [
        Fold.of(
            number,
            (train, test),
            (predictions(errs[train]), predictions(errs[test])),
            0.0,
        )
        for number, (errs, (train, test)) in enumerate(
            zip(wrong, splits, strict=True), 1
        )
    ]


def estimates(study, wrong, splits, size):
    """Return the estimate of each quantity of each model, of one data set."""
    folds = {
        name: folds_of(errs, splits)
        for name, errs in zip(study.models, wrong, strict=True)
    }
    found = {}
    for name in study.models:
        evidence = Evidence(
            folds=folds[name],
            dummy=[],
            codes=np.zeros(size, dtype=int),
            n_classes=2,
            tolerance=0.02,
            reference_name=study.reference(name),
            reference=folds[study.reference(name)],
        )
        found[name, "gap"] = evidence.gap
        found[name, "bias"] = evidence.bias
        found[name, "validation error"] = evidence.errors["validation"]
    return found


def judge(study, population, size, args):
    """Return a row per model, number of splits and quantity."""
    wrong, new_error, y = outcomes(study, population, size, args)
    found = {N_FOLDS: [], N_FOLDS * N_REPEATS: []}
    train_error = np.empty((len(wrong), len(study.models)))
    for number, errs in enumerate(wrong):
        rows, _ = draw(y, size, number)
        splits = splits_of(y[rows], number)
        train_error[number] = np.mean(
            [errs[:, j, train].mean(axis=1) for j, (train, _) in enumerate(splits)],
            axis=0,
        )
        for n_splits, all_found in found.items():
            all_found.append(
                estimates(study, errs[:, :n_splits], splits[:n_splits], size)
            )
    new = dict(zip(study.models, new_error.mean(axis=(0, 2)), strict=True))
    train = dict(zip(study.models, train_error.mean(axis=0), strict=True))
    rows = []
    for n_splits, all_found in found.items():
        for name, quantity in all_found[0]:
            truth = {
                "gap": new[name] - train[name],
                "bias": train[name] - new[study.reference(name)],
                "validation error": new[name],
            }[quantity]
            each = [one[name, quantity] for one in all_found]
            value, low, high = np.array([(e.value, e.low, e.high) for e in each]).T
            deviation = np.std(value, ddof=1)
            rows.append(
                {
                    "population": population,
                    "n": size,
                    "folds": f"{N_FOLDS}×{n_splits // N_FOLDS}",
                    "model": name,
                    "quantity": quantity,
                    "data sets": len(each),
                    "truth": truth,
                    "mean estimate": np.mean(value),
                    "standard deviation": deviation,
                    "coverage": np.mean((low <= truth) & (truth <= high)),
                    "width": np.mean(high - low) / (2 * 1.96 * deviation),
                }
            )
    return rows


def main():
    """Simulate, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--studies", nargs="*", default=list(STUDIES))
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--cache", type=Path, default=Path("coverage-cache"))
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--measure-only", action="store_true", help="fill the cache")
    args = parser.parse_args()
    cells = [
        (name, population, size)
        for name in args.studies
        for population in STUDIES[name].populations
        for size in STUDIES[name].sizes
    ]
    if args.measure_only:
        for name, *cell in cells:
            outcomes(STUDIES[name], *cell, args)
        return
    table = pd.DataFrame(
        [
            {"study": name} | row
            for name, *cell in cells
            for row in judge(STUDIES[name], *cell, args)
        ]
    ).round(4)
    summary = summarize(table)
    print(table.to_string(index=False))
    print(summary.to_string(index=False))
    if args.csv is not None:
        table.to_csv(args.csv, index=False)
        summary.to_csv(args.csv.with_stem(f"{args.csv.stem}_summary"), index=False)


def summarize(table):
    """Return a row per study and quantity.

    An estimate counts as biased if its mean is off by more than half its standard
    deviation: no interval around it would contain the truth as often as it should.
    """
    off = (table["mean estimate"] - table["truth"]).abs()
    biased = off > table["standard deviation"] / 2
    rows = []
    for (study, quantity), part in table.groupby(["study", "quantity"]):
        low = part["coverage"] < 0.9
        rows.append(
            {
                "study": study,
                "quantity": quantity,
                "rows": len(part),
                "mean coverage": part["coverage"].mean(),
                "below 0.9": low.sum(),
                "of these biased": (low & biased[part.index]).sum(),
                "lowest": part["coverage"].min(),
                "lowest, unbiased": part.loc[~biased[part.index], "coverage"].min(),
                "mean width": part["width"].mean(),
                "widest": part["width"].max(),
            }
        )
    return pd.DataFrame(rows).round(3)


if __name__ == "__main__":
    main()
