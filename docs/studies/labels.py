"""Suspect labels (FIT13): false alarms, power, and the rows listed.

    python docs/studies/labels.py

Draws data sets without wrong labels whose classes overlap, and counts how often wrong
labels are found; flips a known share of the labels of other data sets, and compares the
rows listed with the flips, beside cleanlab (``pip install cleanlab``) on the same
probabilities; and lists suspects of MNIST's test images. Writes the tables of the docs.
"""

import argparse
import csv
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_classification,
    make_gaussian_quantiles,
    make_hastie_10_2,
    make_moons,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skmnist import fetch_mnist
from skmnist._cross_validation._folds import judge_fitted
from skmnist._cross_validation._neighbours import find_neighbours
from skmnist._cross_validation._reference import run_dummy
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._labels import contradicted_labels

DATA = Path(__file__).parents[1] / "_data"
SIZES = (300, 1000, 3000)
MODELS = {
    "logistic regression": make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "random forest": RandomForestClassifier(50, random_state=0),
}
# The 15 images of which at most two of five people confirmed the label: entries of
# mturk/mnist_mturk.json in github.com/cleanlab/label-errors with "given" below 3
# (Northcutt, Athalye and Mueller, NeurIPS Datasets and Benchmarks 2021).
PUBLISHED = (
    (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520)
    + (3558, 5937, 6651, 6783, 8527, 9679, 9729)
)  # fmt: skip


def classification(n_classes, class_sep, clusters=1, weights=None, n_features=10):
    """Return a function that draws n samples of make_classification."""
    return lambda n, seed: make_classification(
        n,
        n_features=n_features,
        n_informative=5,
        n_classes=n_classes,
        n_clusters_per_class=clusters,
        class_sep=class_sep,
        weights=weights,
        flip_y=0,
        random_state=seed,
    )


def normal(n_classes, separation, n_features=5, rare=None):
    """Return a function that draws normal classes at equal distances."""

    def draw(n, seed):
        rng = np.random.default_rng(seed)
        y = rng.integers(n_classes, size=n)
        if rare is not None:
            y = (rng.random(n) < rare).astype(int)
        X = rng.normal(size=(n, max(n_classes, n_features)))
        X[np.arange(n), y] += separation
        return X, y

    return draw


def logistic(n_features, slope):
    """Return a function that draws labels with a logistic probability."""

    def draw(n, seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, n_features))
        z = slope * X.sum(axis=1) / np.sqrt(n_features)
        return X, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)

    return draw


def products(n, seed):
    """Return labels that depend on the product of two features."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    return X, (X[:, 0] * X[:, 1] + 0.2 * rng.normal(size=n) > 0).astype(int)


def table(n, seed):
    """Return one-hot encoded categories, and labels with a logistic probability."""
    rng = np.random.default_rng(seed)
    categories = rng.integers(0, 3, size=(n, 4))
    effects = rng.normal(scale=1.5, size=(4, 3))
    z = effects[np.arange(4), categories].sum(axis=1)
    X = np.eye(3)[categories].reshape(n, 12)
    return X, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)


def part_of(load):
    """Return a function that draws n rows of a real data set."""

    def draw(n, seed):
        X, y = load(return_X_y=True)
        rows = np.random.default_rng(seed).permutation(len(y))[:n]
        return X[rows], y[rows]

    return draw


OVERLAPPING = {
    "make_classification, class_sep 0.4": classification(2, 0.4),
    "make_classification, class_sep 1": classification(2, 1.0),
    "make_classification, 3 classes of 2 clusters": classification(3, 0.7, 2),
    "make_classification, 25 noise features": classification(2, 1.0, 2, None, 30),
    "make_classification, 7 % rare": classification(2, 0.7, 2, [0.93]),
    "moons, noise 0.3": lambda n, seed: make_moons(n, noise=0.3, random_state=seed),
    "moons, noise 0.45": lambda n, seed: make_moons(n, noise=0.45, random_state=seed),
    "circles": lambda n, seed: make_circles(
        n, noise=0.2, factor=0.5, random_state=seed
    ),
    "Gaussian quantiles": lambda n, seed: make_gaussian_quantiles(
        n_samples=n, n_features=5, n_classes=3, random_state=seed
    ),
    "hastie": lambda n, seed: make_hastie_10_2(n, random_state=seed),
    "two normal classes": normal(2, 1.5),
    "two normal classes, 45 noise features": normal(2, 3.0, 50),
    "ten normal classes": normal(10, 2.0),
    "normal classes, 5 % rare": normal(2, 1.5, 10, 0.05),
    "logistic, 2 features": logistic(2, 3.0),
    "logistic, 30 features": logistic(30, 1.0),
    "no signal": logistic(5, 0.0),
    "product of two features": products,
    "one-hot table": table,
}
REAL = {
    "digits": load_digits,
    "breast cancer": load_breast_cancer,
    "wine": load_wine,
    "iris": load_iris,
}
SEPARATED = {
    "make_classification, class_sep 2": classification(2, 2.0),
    "two normal classes": normal(2, 4.5),
    "ten normal classes": normal(10, 5.0),
    "moons, noise 0.1": lambda n, seed: make_moons(n, noise=0.1, random_state=seed),
    "digits": part_of(load_digits),
    "breast cancer": part_of(load_breast_cancer),
}
SHARES = (0.05, 0.1, 0.2, 0.3)


def evidence_of(model, X, y, seed):
    """Return the evidence of a model, and its out-of-fold probabilities."""
    classes, codes = np.unique(y, return_inverse=True)
    cv = StratifiedKFold(5, shuffle=True, random_state=seed)
    splits = list(cv.split(X, codes))
    folds, probabilities = [], np.empty((len(y), len(classes)))
    for number, (train, test) in enumerate(splits, 1):
        fitted = clone(model).fit(X[train], codes[train])
        probabilities[test] = fitted.predict_proba(X[test])
        folds.append(
            judge_fitted(
                fitted, X, codes, train=train, test=test, number=number, fit_time=0
            )
        )
    evidence = Evidence(
        folds=folds,
        dummy=run_dummy(codes, splits),
        codes=codes,
        n_classes=len(classes),
        tolerance=0.02,
        reference_name="known error",
        reference=0.02,
        neighbours=find_neighbours(X, codes, splits, seed),
    )
    return evidence, probabilities


def flip(y, share, seed):
    """Replace each label with a given probability by another, drawn uniformly."""
    codes = np.unique(y, return_inverse=True)[1]
    rng = np.random.default_rng([seed, 1])
    wrong = rng.random(len(y)) < share
    n_classes = codes.max() + 1
    other = (codes + rng.integers(1, n_classes, size=len(y))) % n_classes
    return np.where(wrong, other, codes), wrong


def false_alarms(n_data_sets):
    """Return a row per population: how often wrong labels are found."""
    rows = []
    cases = [(name, draw, SIZES) for name, draw in OVERLAPPING.items()]
    cases += [(name, part_of(load), (None,)) for name, load in REAL.items()]
    for name, draw, sizes in cases:
        row = {"Population": name}
        for size, n in zip(SIZES, sizes, strict=False):
            found = 0
            for seed in range(n_data_sets):
                X, y = draw(n, seed)
                evidence, _ = evidence_of(MODELS["logistic regression"], X, y, seed)
                found += evidence.suspect_labels is not None
            row[f"n = {size}" if n else "all"] = f"{found} of {n_data_sets}"
        rows.append(row)
        print(row, flush=True)
    names = ["Population", *(f"n = {size}" for size in SIZES), "all"]
    return [{name: row.get(name, "") for name in names} for row in rows]


def precision_and_recall(listed, wrong):
    hits = np.sum(wrong[listed])
    return hits / max(1, len(listed)), hits / max(1, wrong.sum())


def flipped(n_data_sets, n=1000):
    """Return a row per population, share and model."""
    from cleanlab.filter import find_label_issues

    rows = []
    for name, draw in SEPARATED.items():
        for share in SHARES:
            for model_name, model in MODELS.items():
                found, shares, covered, ours, theirs = 0, [], [], [], []
                for seed in range(n_data_sets):
                    X, y = draw(n, seed)
                    y, wrong = flip(y, share, seed)
                    evidence, probabilities = evidence_of(model, X, y, seed)
                    suspects = evidence.suspect_labels
                    if suspects is not None:
                        found += 1
                        shares.append(suspects.share.value)
                        low, high = suspects.share.low, suspects.share.high
                        covered.append(low <= share <= high)
                    listed = contradicted_labels(evidence)["row"].to_numpy()
                    ours.append(precision_and_recall(listed, wrong))
                    issues = np.flatnonzero(find_label_issues(y, probabilities))
                    theirs.append(precision_and_recall(issues, wrong))
                rows.append(
                    {
                        "Population": name,
                        "Flipped": f"{share:.0%}",
                        "Model": model_name,
                        "Found": f"{found} of {n_data_sets}",
                        "Share": f"{np.mean(shares):.1%}" if shares else "",
                        "Covered": f"{sum(covered)} of {found}" if found else "",
                        "Precision": f"{np.mean(ours, axis=0)[0]:.2f}",
                        "Recall": f"{np.mean(ours, axis=0)[1]:.2f}",
                        "cleanlab precision": f"{np.mean(theirs, axis=0)[0]:.2f}",
                        "cleanlab recall": f"{np.mean(theirs, axis=0)[1]:.2f}",
                    }
                )
                print(rows[-1], flush=True)
    return rows


def mnist():
    """Return a row for MNIST's test images as they are, and with 2 % flipped."""
    from cleanlab.filter import find_label_issues

    X, y = fetch_mnist(subset="test", return_X_y=True, download_if_missing=False)
    X = X / np.float32(255)
    model = make_pipeline(
        PCA(40, random_state=0), SVC(C=10, probability=True, random_state=0)
    )
    rows = []
    for share in (0, 0.02):
        labels, wrong = flip(y, share, 0)
        if not share:
            wrong[list(PUBLISHED)] = True
        evidence, probabilities = evidence_of(model, X, labels, 0)
        suspects = evidence.suspect_labels
        ours = contradicted_labels(evidence)["row"].to_numpy()
        theirs = find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence"
        )
        for name, listed in (("diagnose_fit", ours), ("cleanlab", theirs)):
            rows.append(
                {
                    "Labels": f"{share:.0%} flipped" if share else "as published",
                    "Tool": name,
                    "Known wrong": wrong.sum(),
                    "Listed": len(listed),
                    "Among them": np.sum(wrong[listed]),
                    "Among the first 15": np.sum(wrong[listed[:15]]),
                    "FIT13": ""
                    if name == "cleanlab"
                    else ("silent" if suspects is None else str(suspects.share)),
                }
            )
            print(rows[-1], flush=True)
    return rows


def main():
    """Run the parts, and write their tables."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=20)
    parser.add_argument("--only", choices=["null", "flipped", "mnist"])
    args = parser.parse_args()
    parts = {
        "null": lambda: false_alarms(args.data_sets),
        "flipped": lambda: flipped(args.data_sets),
        "mnist": mnist,
    }
    for name, run in parts.items():
        if args.only in (None, name):
            rows = run()
            with open(DATA / f"labels_{name}.csv", "w", newline="") as file:
                writer = csv.DictWriter(file, rows[0], lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
