"""Populations, models and grids of the study of false alarms.

The cases of the second half of each list were not looked at while a rule was changed.
"""

from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import KerasMLPClassifier, fetch_mnist

POPULATION_SEED = 20261201
N_POPULATION = 40_000


@dataclass(frozen=True)
class Case:
    """A population, a model, and what is diagnosed.

    Attributes
    ----------
    kind : {"fit", "epochs", "search", "capacity"}
        A fit with its learning curve; a network that is followed epoch by epoch; a
        fitted GridSearchCV; or a fit with `capacity`.
    population : str
        A key of `POPULATIONS`.
    n : int
        Rows of a data set.
    model : callable
        Returns the classifier.
    grid : dict of str to list
        Values to search, the simplest first.
    n_splits : int
    half : {1, 2}
        Rules may be changed after looking at the cases of half 1 only.
    """

    kind: str
    population: str
    n: int
    model: Any
    grid: dict = field(default_factory=dict)
    n_splits: int = 5
    half: int = 1


@cache
def table(n_features=20, **options):
    options = {"n_informative": 8, "n_redundant": 2} | options
    X, y = make_classification(
        N_POPULATION, n_features, random_state=POPULATION_SEED, **options
    )
    return X.astype(np.float32), y


@cache
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@cache
def mnist():
    """MNIST in 14×14 pixels."""
    data = fetch_mnist(download_if_missing=False)
    small = data.images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(60_000, 196)
    return (small / 255).astype(np.float32), data.target


def with_wrong_labels(population, share):
    X, y = population()
    rng = np.random.default_rng(POPULATION_SEED)
    wrong = rng.random(len(y)) < share
    return X, np.where(wrong, rng.integers(y.max() + 1, size=len(y)), y)


#: Functions that return X and y.
POPULATIONS = {
    "table": partial(table, n_classes=3, class_sep=1.2),
    "noisy table": partial(table, flip_y=0.2, class_sep=0.8),
    "few informative": partial(
        table, 30, n_informative=2, flip_y=0.1, n_clusters_per_class=1
    ),
    "wide table": partial(table, 60, n_informative=5, flip_y=0.1),
    "rare class": partial(table, weights=(0.85,), flip_y=0.05, class_sep=1.5),
    "five features": partial(table, 5, n_informative=3, n_redundant=0, flip_y=0.1),
    "no signal": partial(table, flip_y=1.0),
    "digits": digits,
    "MNIST": mnist,
    "MNIST, wrong labels": partial(with_wrong_labels, mnist, 0.2),
}

_TREE = DecisionTreeClassifier
_KNN = KNeighborsClassifier
_SHRUNKEN = partial(LinearDiscriminantAnalysis, solver="lsqr", shrinkage=0.5)
_SMOOTH = partial(GaussianNB, var_smoothing=0.1)


def linear(**params):
    return LogisticRegression(max_iter=300, **params)


def perceptron(**params):
    return MLPClassifier((30,), learning_rate_init=0.005, **params)


def network(**params):
    return KerasMLPClassifier(**{"hidden_layer_sizes": 32, "epochs": 20} | params)


def stopping(**params):
    options = {"early_stopping": True, "validation_fraction": 0.2}
    return network(n_iter_no_change=5, epochs=60, **options | params)


def _momentum(rate, **params):
    import keras

    optimizer = keras.optimizers.SGD(momentum=0.9)
    return network(optimizer=optimizer, learning_rate=rate, **params)


_RELU = {"activation": "relu", "bias_initializer": "zeros"}

#: Name: population, rows, model.
_FITS = {
    "logistic regression, table": ("table", 600, linear),
    "logistic regression C=0.01, wide": ("wide table", 500, partial(linear, C=0.01)),
    "full tree, noisy table": ("noisy table", 600, _TREE),
    "tree of depth 2": ("few informative", 800, partial(_TREE, max_depth=2)),
    "15-NN, MNIST": ("MNIST", 600, partial(_KNN, 15)),
    "naive Bayes, table": ("table", 800, GaussianNB),
    "LDA, few informative": ("few informative", 800, LinearDiscriminantAnalysis),
    "logistic regression C=100, wide": ("wide table", 300, partial(linear, C=100)),
    "SVC, digits": ("digits", 500, SVC),
    "naive Bayes, no signal": ("no signal", 500, GaussianNB),
    "perceptron, noisy table": (
        "noisy table",
        400,
        partial(perceptron, max_iter=60),
    ),
    "shrunken LDA, table": ("table", 500, _SHRUNKEN),
    "logistic regression, five features": ("five features", 800, linear),
    "tree of depth 3, five features": (
        "five features",
        1000,
        partial(_TREE, max_depth=3),
    ),
    "full tree, no signal": ("no signal", 500, _TREE),
    "3-NN, digits": ("digits", 500, partial(_KNN, 3)),
    "25-NN, noisy table": ("noisy table", 600, partial(_KNN, 25)),
    "random forest, table": ("table", 400, partial(RandomForestClassifier, 20)),
    "stump": ("few informative", 600, partial(_TREE, max_depth=1)),
    "naive Bayes, MNIST": ("MNIST", 600, _SMOOTH),
    "logistic regression, rare class": ("rare class", 800, linear),
    "full tree, digits": ("digits", 500, _TREE),
    "logistic regression, no signal": ("no signal", 400, linear),
    "QDA, table": (
        "table",
        500,
        partial(QuadraticDiscriminantAnalysis, reg_param=0.1),
    ),
    "perceptron, MNIST": ("MNIST", 400, partial(perceptron, max_iter=30)),
    "naive Bayes, few informative": ("few informative", 1000, GaussianNB),
    "LDA, five features": ("five features", 800, LinearDiscriminantAnalysis),
    "naive Bayes, five features": ("five features", 1000, GaussianNB),
    "5-NN, no signal": ("no signal", 600, partial(_KNN, 5)),
    "QDA, five features": ("five features", 1000, QuadraticDiscriminantAnalysis),
    "stump, rare class": ("rare class", 600, partial(_TREE, max_depth=1)),
    "linear SVC, wide": ("wide table", 400, partial(SVC, kernel="linear")),
}

_EPOCHS = {
    "network, table, 20 epochs": (
        "table",
        400,
        partial(network, learning_rate=0.005),
    ),
    "network, MNIST, 15 epochs": ("MNIST", 400, partial(network, epochs=15)),
    "network, noisy table, 30 epochs": (
        "noisy table",
        400,
        partial(network, learning_rate=0.01, epochs=30),
    ),
    "network, wide, 30 epochs": (
        "wide table",
        300,
        partial(network, learning_rate=0.003, epochs=30),
    ),
    "network, noisy table, dropout and L2": (
        "noisy table",
        400,
        partial(network, dropout=0.5, l2=0.01, epochs=30),
    ),
    "network, digits, 40 epochs": (
        "digits",
        400,
        partial(network, learning_rate=0.005, epochs=40),
    ),
    "network, wide, Adam 0.01, 6 epochs": (
        "wide table",
        500,
        partial(network, learning_rate=0.01, epochs=6),
    ),
    "network, no signal, 15 epochs": ("no signal", 300, partial(network, epochs=15)),
    "network, few informative, SGD": (
        "few informative",
        500,
        partial(_momentum, 0.01, epochs=12),
    ),
    "network, wrong labels, 30 epochs": (
        "MNIST, wrong labels",
        400,
        partial(network, learning_rate=0.005, epochs=30),
    ),
    "network, noisy table, early stopping": ("noisy table", 500, stopping),
    "network, table, L2": (
        "table",
        400,
        partial(network, learning_rate=0.005, l2=0.01, epochs=30),
    ),
    "network, MNIST, dropout": (
        "MNIST",
        400,
        partial(network, learning_rate=0.005, dropout=0.3, epochs=25, **_RELU),
    ),
    "network, rare class, 15 epochs": (
        "rare class",
        400,
        partial(network, learning_rate=0.005, epochs=15),
    ),
    "network, rare class, 40 epochs": (
        "rare class",
        300,
        partial(network, learning_rate=0.01, epochs=40),
    ),
}

_SEARCHES = {
    "tree max_depth, table": ("table", 500, _TREE, {"max_depth": [1, 2, 3]}),
    "tree max_depth, noisy table": (
        "noisy table",
        600,
        _TREE,
        {"max_depth": [2, 4, 6, 8, 10]},
    ),
    "k-NN, noisy table": (
        "noisy table",
        500,
        _KNN,
        {"n_neighbors": [201, 101, 25, 9, 1]},
    ),
    "logistic regression C, wide": (
        "wide table",
        400,
        linear,
        {"C": [0.001, 0.01, 0.1, 1.0, 10.0]},
    ),
    "logistic regression C, three near": ("table", 500, linear, {"C": [0.5, 1.0, 2.0]}),
    "SVC gamma, digits": ("digits", 400, SVC, {"gamma": [0.001, 0.003, 0.01]}),
    "k-NN, three near": ("noisy table", 400, _KNN, {"n_neighbors": [9, 7, 5]}),
    "tree max_leaf_nodes, three near": (
        "noisy table",
        500,
        _TREE,
        {"max_leaf_nodes": [20, 24, 28]},
    ),
    "tree max_features, three near": (
        "noisy table",
        400,
        _TREE,
        {"max_features": [4, 5, 6]},
    ),
    "k-NN, two near": ("noisy table", 400, _KNN, {"n_neighbors": [15, 11]}),
    "tree max_depth, two": ("MNIST", 500, _TREE, {"max_depth": [2, 4]}),
    "tree min_samples_leaf": (
        "noisy table",
        600,
        _TREE,
        {"min_samples_leaf": [80, 40, 20, 10, 3]},
    ),
    "naive Bayes var_smoothing, MNIST": (
        "MNIST",
        500,
        GaussianNB,
        {"var_smoothing": [1.0, 0.3, 0.1, 0.03, 0.01]},
    ),
    "k-NN, digits": ("digits", 400, _KNN, {"n_neighbors": [80, 40, 20]}),
    "logistic regression C, table": ("table", 400, linear, {"C": [1e-4, 1e-3, 1e-2]}),
    "SVC C and gamma": (
        "table",
        400,
        SVC,
        {"C": [0.1, 1.0, 10.0], "gamma": [0.003, 0.03, 0.3]},
    ),
    "perceptron alpha": (
        "noisy table",
        300,
        partial(perceptron, max_iter=20),
        {"alpha": [0.3, 0.1, 0.03]},
    ),
    "tree max_depth, three near": (
        "noisy table",
        500,
        _TREE,
        {"max_depth": [4, 5, 6]},
    ),
    "tree max_features, two near": (
        "table",
        400,
        _TREE,
        {"max_features": [8, 10]},
    ),
    "logistic regression C, two near": ("noisy table", 400, linear, {"C": [0.3, 1.0]}),
    "SVC C, MNIST": ("MNIST", 400, SVC, {"C": [1.5, 3.0, 6.0]}),
    "SVC C, wide": ("wide table", 400, SVC, {"C": [0.01, 0.03, 0.1]}),
    "LDA shrinkage, 3,000 rows": (
        "five features",
        3000,
        partial(LinearDiscriminantAnalysis, solver="lsqr"),
        {"shrinkage": [0.9, 0.5, 0.1, 0.01]},
    ),
}

_CAPACITIES = {
    "tree max_depth, capacity": (
        "noisy table",
        600,
        _TREE,
        {"max_depth": [1, 2, 3, 5, None]},
    ),
    "k-NN, digits, capacity": ("digits", 500, _KNN, {"n_neighbors": [60, 15, 5, 1]}),
    "logistic regression C, capacity": (
        "wide table",
        500,
        linear,
        {"C": [0.001, 0.01, 0.1, 1.0]},
    ),
    "tree max_depth, digits, capacity": (
        "digits",
        500,
        _TREE,
        {"max_depth": [2, 4, 6, 8]},
    ),
    "network epochs, capacity": ("digits", 400, network, {"epochs": [2, 5, 10, 20]}),
    "SVC C, capacity": ("MNIST", 500, SVC, {"C": [0.03, 0.1, 1.0, 10.0]}),
    "naive Bayes var_smoothing, capacity": (
        "digits",
        600,
        GaussianNB,
        {"var_smoothing": [1.0, 0.3, 0.1, 0.01]},
    ),
    "tree min_samples_leaf, capacity": (
        "table",
        600,
        _TREE,
        {"min_samples_leaf": [100, 30, 10, 1]},
    ),
    "tree max_depth, 3,000 rows, capacity": (
        "few informative",
        3000,
        _TREE,
        {"max_depth": [1, 3, 5, 8]},
    ),
    "logistic regression C, 3,000 rows, capacity": (
        "rare class",
        3000,
        linear,
        {"C": [0.0001, 0.01, 0.1, 1.0]},
    ),
    "k-NN, 3,000 rows, capacity": (
        "table",
        3000,
        _KNN,
        {"n_neighbors": [101, 25, 9, 5]},
    ),
}


def _cases(kind, definitions, first_of_half_2, **options):
    names = list(definitions)
    for name, definition in definitions.items():
        half = 1 if names.index(name) < names.index(first_of_half_2) else 2
        yield name, Case(kind, *definition, half=half, **options)


#: Cases by name.
CASES = dict(
    [
        *_cases("fit", _FITS, "3-NN, digits"),
        *_cases("epochs", _EPOCHS, "network, few informative, SGD", n_splits=3),
        *_cases("search", _SEARCHES, "tree min_samples_leaf"),
        *_cases("capacity", _CAPACITIES, "network epochs, capacity"),
    ]
)
