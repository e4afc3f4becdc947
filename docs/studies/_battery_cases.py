"""The cases of the battery: sources of samples, and the classifiers trained on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.datasets import (
    load_digits,
    make_classification,
    make_hastie_10_2,
    make_moons,
)
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skmnist import (
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    fetch_mnist,
    load_digits28,
)


@dataclass(frozen=True)
class Case:
    """A recipe, the samples it is trained on, and the refits that determine its truth.

    Attributes
    ----------
    source : callable
        ``source(n, n_new, seed)`` returns X, y, X_new, y_new: rows to work with, and
        other rows of the same distribution.
    n : int
        Rows that are diagnosed; a fold trains on four fifths of them.
    recipe : callable
        ``recipe(seed)`` returns the classifier that is diagnosed.
    richer, poorer, longer : callable or None
        The same of a refit with more capacity or less regularisation; with less, or
        more; and of the recipe with four times the epochs.
    known_error : float or None
        The reference, if the case has one.
    repeat : callable or None
        Turns rows into rows with duplicates: returns the places of the rows to take.
    grouped : bool
        Whether copies of a row are told to belong together.
    n_trainings : int
        How often each truth is measured.
    """

    source: Callable
    n: int
    recipe: Callable
    richer: Callable
    poorer: Callable
    longer: Callable | None = None
    tolerance: float = 0.02
    known_error: float | None = None
    repeat: Callable | None = None
    grouped: bool = False
    n_trainings: int = 10


def generated(make):
    """Return a source that draws new rows from ``make(n, seed)``."""

    def source(n, n_new, seed):
        X, y = make(n + n_new, seed)
        return X[:n], y[:n], X[n:], y[n:]

    return source


def pooled(load, limit=10_000):
    """Return a source that splits the rows of ``load()`` at random."""

    def source(n, n_new, seed):
        X, y = load()
        order = np.random.default_rng(seed).permutation(len(y))
        # Copies, so that the pool's other rows are neither kept in memory nor visible.
        rows, new = order[:n], order[n : n + min(n_new, limit)]
        return X[rows], y[rows], X[new], y[new]

    return source


def moons(noise):
    return generated(lambda n, seed: make_moons(n, noise=noise, random_state=seed))


def _rings(n, seed):
    X, y = make_hastie_10_2(n, random_state=seed)
    return X, (y > 0).astype(int)


def _gaussians(n, seed):
    """Independent features with different means and spreads, ideal for naive Bayes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    X = rng.normal(size=(n, 5)) * np.where(y, 1.6, 1.0)[:, None]
    return X + 1.2 * y[:, None], y


def _threshold(n, seed):
    """One feature, a threshold at zero, 5 % of the labels wrong."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 1))
    return X, ((X[:, 0] > 0) ^ (rng.random(n) < 0.05)).astype(int)


def _noisy(n, seed):
    """Ten features, a plane, 15 % of the labels wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    return X, ((X[:, 0] + X[:, 1] > 0) ^ (rng.random(n) < 0.15)).astype(int)


def _wide(n, seed):
    """Two hundred features of which five count, 5 % of the labels wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 200))
    return X, ((X[:, :5].sum(axis=1) > 0) ^ (rng.random(n) < 0.05)).astype(int)


def _crossed(n, seed):
    """Sixty features: a product of two, a linear part of one, the rest noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 60))
    linear = rng.random(n) < 0.6
    return X, np.where(linear, X[:, 2] > 0, X[:, 0] * X[:, 1] > 0).astype(int)


def _rare(n, seed):
    """One sample in a hundred has a class whose mean is four deviations away."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n, dtype=int)
    y[rng.permutation(n)[: n // 100]] = 1
    X = rng.normal(size=(n, 4))
    X[:, 0] += 4 * y
    X[:, 1] += 4 * y
    return X, y


@cache
def _three_classes():
    return make_classification(
        60_000,
        20,
        n_informative=8,
        n_redundant=4,
        n_classes=3,
        class_sep=1.2,
        flip_y=0,
        random_state=0,
    )


@cache
def _digits():
    return load_digits(return_X_y=True)


@cache
def _digits28():
    return load_digits28(return_X_y=True)


@cache
def load_mnist():
    return fetch_mnist(subset="all", return_X_y=True, download_if_missing=False)


@cache
def _zero_or_one():
    X, y = load_mnist()
    rows = np.flatnonzero(y < 2)
    return X[rows], y[rows]


RINGS, GAUSSIANS, THRESHOLD = map(generated, (_rings, _gaussians, _threshold))
NOISY, WIDE, CROSSED, RARE = map(generated, (_noisy, _wide, _crossed, _rare))
THREE_CLASSES = pooled(_three_classes)
# There are only 1,797 digits, so the truth comes from repeated random splits.
DIGITS, DIGITS28 = pooled(_digits), pooled(_digits28)
MNIST, ZERO_OR_ONE = pooled(load_mnist), pooled(_zero_or_one)
IMAGES = (DIGITS28, MNIST, ZERO_OR_ONE)
OF_MNIST = (MNIST, ZERO_OR_ONE)


def dummy(strategy="most_frequent"):
    return lambda seed: DummyClassifier(strategy=strategy, random_state=seed)


def tree(**params):
    return lambda seed: DecisionTreeClassifier(random_state=seed, **params)


def forest(**params):
    return lambda seed: RandomForestClassifier(random_state=seed, **params)


def boosting(**params):
    return lambda seed: HistGradientBoostingClassifier(random_state=seed, **params)


def stumps(n):
    return lambda seed: AdaBoostClassifier(n_estimators=n, random_state=seed)


def neighbours(k):
    return lambda seed: KNeighborsClassifier(k)


def bayes(**params):
    return lambda seed: GaussianNB(**params)


def linear(C=1.0, **params):
    return lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(C=C, max_iter=5000, **params)
    )


def support(**params):
    return lambda seed: make_pipeline(StandardScaler(), SVC(**params))


def pixels(make):
    """Return a recipe whose first step scales pixels, not columns."""
    return lambda seed: make_pipeline(PixelScaler(), *make(seed)[1:])


def perceptron(units, max_iter=200, **params):
    return lambda seed: make_pipeline(
        StandardScaler(),
        MLPClassifier(units, max_iter=max_iter, random_state=seed, **params),
    )


def mlp(scaler=PixelScaler, **params):
    return lambda seed: make_pipeline(
        scaler(), KerasMLPClassifier(random_state=seed, **params)
    )


def lenet(**params):
    return lambda seed: make_pipeline(
        PixelScaler(), LeNetClassifier(random_state=seed, **params)
    )


def everything_twice(n):
    return np.repeat(np.arange(n), 2)


def a_fifth_twice(n):
    return np.r_[np.arange(n), np.arange(n // 5)]


FULL_TREE = tree()
SMALL_TREE = tree(min_samples_leaf=20)
FOREST = forest(n_estimators=200)

CASES = {
    "dummy, moons": Case(moons(0.2), 1000, dummy(), support(gamma=1), dummy("uniform")),
    "stump, moons": Case(
        moons(0.2), 2000, tree(max_depth=1), tree(min_samples_leaf=10), dummy()
    ),
    "linear, moons": Case(moons(0.2), 2000, linear(), support(gamma=1), linear(C=1e-3)),
    "full tree, moons": Case(moons(0.3), 2000, FULL_TREE, FOREST, SMALL_TREE),
    "SVC far too sharp, moons": Case(
        moons(0.2),
        2000,
        support(gamma=1000, C=10),
        support(gamma=10_000, C=10),
        support(gamma=1),
    ),
    "SVC well set, moons": Case(
        moons(0.2),
        2000,
        support(gamma=1),
        support(gamma=10, C=10),
        support(gamma=0.1, C=0.1),
    ),
    "1 neighbour, moons": Case(moons(0.3), 2000, neighbours(1), FOREST, neighbours(15)),
    "15 neighbours, moons": Case(
        moons(0.2), 2000, neighbours(15), neighbours(5), neighbours(300)
    ),
    "small perceptron, three classes": Case(
        THREE_CLASSES,
        2000,
        perceptron(2),
        perceptron(100),
        perceptron(1),
        longer=perceptron(2, max_iter=800),
    ),
    "perceptron learning noise": Case(
        NOISY,
        1500,
        perceptron(100, 300, alpha=0, learning_rate_init=0.005),
        perceptron((200, 200), 300, alpha=0, learning_rate_init=0.005),
        perceptron(100, 300, alpha=30),
        longer=perceptron(100, 1200, alpha=0, learning_rate_init=0.005),
    ),
    "perceptron well set, moons": Case(
        moons(0.2),
        2000,
        perceptron(20, 300, learning_rate_init=0.01),
        perceptron((100, 100), 300, learning_rate_init=0.01),
        perceptron(2, 300, learning_rate_init=0.01),
        longer=perceptron(20, 1200, learning_rate_init=0.01),
    ),
    "perceptron stopped at once, moons": Case(
        moons(0.2),
        2000,
        perceptron(20, 10),
        perceptron(100, 10),
        perceptron(5, 10),
        longer=perceptron(20, 40),
    ),
    "forest, three classes": Case(
        THREE_CLASSES, 2000, forest(), support(C=10), forest(min_samples_leaf=20)
    ),
    "pruned forest, moons": Case(
        moons(0.3), 3000, forest(min_samples_leaf=20), FOREST, tree(max_depth=2)
    ),
    "boosting, three classes": Case(
        THREE_CLASSES, 2000, boosting(), boosting(max_iter=300), boosting(max_iter=10)
    ),
    "ten stumps, rings": Case(RINGS, 2000, stumps(10), stumps(400), stumps(3)),
    "linear, rings": Case(RINGS, 2000, linear(), support(), linear(C=1e-3)),
    "linear held down, three classes": Case(
        THREE_CLASSES, 2000, linear(C=1e-4), support(C=10), linear(C=1e-6)
    ),
    "shallow tree, three classes": Case(
        THREE_CLASSES, 2000, tree(max_depth=3), forest(), tree(max_depth=1)
    ),
    "LDA, three classes": Case(
        THREE_CLASSES,
        2000,
        lambda seed: LinearDiscriminantAnalysis(),
        support(C=10),
        lambda seed: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.9),
    ),
    "naive Bayes, Gaussians": Case(
        GAUSSIANS,
        3000,
        bayes(),
        lambda seed: QuadraticDiscriminantAnalysis(),
        bayes(var_smoothing=1.0),
    ),
    "naive Bayes, digits": Case(
        DIGITS, 1797, bayes(), support(C=10), bayes(var_smoothing=1.0), n_trainings=30
    ),
    "linear, digits": Case(
        DIGITS, 1797, linear(), support(C=10), linear(C=1e-3), n_trainings=30
    ),
    "linear, 200 features": Case(
        WIDE, 1500, linear(C=100), linear(C=1e4), linear(C=1e-3)
    ),
    "linear, a product": Case(
        CROSSED, 2000, linear(), boosting(max_iter=300), linear(C=1e-3)
    ),
    "dummy, 1 % minority": Case(RARE, 2000, dummy(), linear(), dummy("stratified")),
    "blind to a 1 % minority": Case(
        RARE, 2000, linear(C=1e-6), linear(), linear(C=1e-9)
    ),
    "linear, 1 % minority": Case(RARE, 3000, linear(), support(C=10), linear(C=1e-6)),
    "best stump, 5 % wrong labels": Case(
        THRESHOLD, 3000, tree(max_depth=1), tree(max_depth=3), dummy(), known_error=0.05
    ),
    "full tree, 5 % wrong labels": Case(
        THRESHOLD, 3000, FULL_TREE, FOREST, tree(max_depth=1), known_error=0.05
    ),
    "full tree, a fifth twice": Case(
        moons(0.3), 2000, FULL_TREE, FOREST, SMALL_TREE, repeat=a_fifth_twice
    ),
    "full tree, all twice, grouped": Case(
        moons(0.3),
        1500,
        FULL_TREE,
        FOREST,
        SMALL_TREE,
        repeat=everything_twice,
        grouped=True,
    ),
    "full tree, all twice": Case(
        moons(0.3), 1500, FULL_TREE, FOREST, SMALL_TREE, repeat=everything_twice
    ),
    "reference MLP, 5 epochs": Case(
        DIGITS28,
        1797,
        mlp(),
        mlp(hidden_layer_sizes=(400, 200)),
        mlp(hidden_layer_sizes=(20,)),
        longer=mlp(epochs=20),
        n_trainings=30,
    ),
    "reference MLP, 40 epochs": Case(
        DIGITS28,
        1797,
        mlp(epochs=40),
        mlp(epochs=40, hidden_layer_sizes=(400, 200)),
        mlp(epochs=40, dropout=0.5),
        longer=mlp(epochs=160),
        n_trainings=8,
    ),
    "tiny MLP": Case(
        DIGITS28,
        1797,
        mlp(epochs=40, hidden_layer_sizes=(2,)),
        mlp(epochs=40),
        mlp(epochs=40, hidden_layer_sizes=(1,)),
        longer=mlp(epochs=160, hidden_layer_sizes=(2,)),
    ),
    "MLP, heavy L2": Case(
        DIGITS28,
        1797,
        mlp(epochs=20, l2=0.1),
        mlp(epochs=20),
        mlp(epochs=20, l2=1.0),
        longer=mlp(epochs=80, l2=0.1),
    ),
    "MLP, 400 digits": Case(
        DIGITS28,
        400,
        mlp(epochs=80),
        mlp(epochs=80, hidden_layer_sizes=(400, 200)),
        mlp(epochs=80, dropout=0.5),
        longer=mlp(epochs=320),
        n_trainings=6,
    ),
    "MLP well trained, moons": Case(
        moons(0.2),
        2000,
        mlp(StandardScaler, epochs=30, learning_rate=0.005),
        mlp(StandardScaler, epochs=30, learning_rate=0.005, hidden_layer_sizes=(400,)),
        mlp(StandardScaler, epochs=30, learning_rate=0.005, hidden_layer_sizes=(2,)),
        longer=mlp(StandardScaler, epochs=120, learning_rate=0.005),
    ),
    "MLP, MNIST": Case(
        MNIST,
        3000,
        mlp(epochs=20),
        mlp(epochs=20, hidden_layer_sizes=(400, 200)),
        mlp(epochs=20, dropout=0.5),
        longer=mlp(epochs=80),
        tolerance=0.005,
        n_trainings=5,
    ),
    "MLP after an epoch, MNIST": Case(
        MNIST,
        5000,
        mlp(epochs=1),
        mlp(epochs=1, hidden_layer_sizes=(400, 200)),
        mlp(epochs=1, hidden_layer_sizes=(20,)),
        longer=mlp(epochs=4),
        tolerance=0.005,
    ),
    "MLP, zero or one, MNIST": Case(
        ZERO_OR_ONE,
        5000,
        mlp(),
        mlp(hidden_layer_sizes=(400, 200)),
        mlp(hidden_layer_sizes=(1,)),
        longer=mlp(epochs=20),
        tolerance=0.005,
    ),
    "LeNet, 5 epochs, 1,000 of MNIST": Case(
        MNIST,
        1000,
        lenet(epochs=5),
        lenet(epochs=5, dropout=0.0, hidden_dropout=0.0),
        lenet(epochs=5, dropout=0.5),
        longer=lenet(epochs=20),
        tolerance=0.005,
        n_trainings=5,
    ),
    "3 neighbours, MNIST": Case(
        MNIST,
        3000,
        neighbours(3),
        pixels(support(C=10)),
        neighbours(50),
        tolerance=0.005,
        n_trainings=5,
    ),
}
