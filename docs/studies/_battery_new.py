"""The second set of the battery: cases that nothing was tuned to."""

from functools import cache

import numpy as np
from _battery_cases import (
    DIGITS28,
    FOREST,
    FULL_TREE,
    MNIST,
    SMALL_TREE,
    Case,
    bayes,
    boosting,
    dummy,
    forest,
    generated,
    linear,
    load_mnist,
    mlp,
    moons,
    neighbours,
    perceptron,
    pixels,
    pooled,
    support,
    tree,
)
from scipy import sparse
from sklearn.datasets import (
    make_blobs,
    make_circles,
    make_friedman1,
    make_gaussian_quantiles,
)
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def _quantiles(n, seed):
    """Four nested shells of a Gaussian in ten dimensions."""
    return make_gaussian_quantiles(
        n_samples=n, n_features=10, n_classes=4, random_state=seed
    )


def _flat_quantiles(n, seed):
    """Three nested shells of a Gaussian in two dimensions."""
    return make_gaussian_quantiles(
        n_samples=n, n_features=2, n_classes=3, random_state=seed
    )


def _circles(n, seed):
    return make_circles(n, noise=0.15, factor=0.5, random_state=seed)


def _waves(n, seed):
    """Noisy mixtures of two of three triangular waves (Breiman et al., 1984)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    place = np.arange(1, 22)
    waves = np.maximum(0, 6 - np.abs(place - np.array([[11], [15], [7]])))
    share = rng.uniform(size=(n, 1))
    X = share * waves[[0, 0, 1]][y] + (1 - share) * waves[[1, 2, 2]][y]
    return X + rng.normal(size=X.shape), y


def _friedman(n, seed):
    """Whether Friedman's first function, with noise, exceeds its median."""
    X, value = make_friedman1(n, noise=1.0, random_state=seed)
    return X, (value > 14.4).astype(int)


def _blobs(n, seed):
    """Four blobs of Gaussian points, well apart."""
    centres = 6 * np.eye(4)
    return make_blobs(n, centers=centres, random_state=seed)


def _one_hot(n, seed):
    """Eight categories of five levels, one-hot; the class is a noisy sum of weights."""
    rng = np.random.default_rng(seed)
    weights = np.random.default_rng(0).normal(size=(8, 5))
    levels = rng.integers(5, size=(n, 8))
    total = weights[np.arange(8), levels].sum(axis=1) + 0.5 * rng.normal(size=n)
    return np.eye(5)[levels].reshape(n, 40), (total > 0).astype(int)


def _pairs(n, seed):
    """Six categories of four levels, one-hot; the class depends on equal pairs."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(4, size=(n, 6))
    equal = (levels[:, ::2] == levels[:, 1::2]).sum(axis=1)
    return np.eye(4)[levels].reshape(n, 24), (equal > 0).astype(int)


def _few_rows(n, seed):
    """Three categories of three levels: 27 possible rows, 10 % of the labels wrong."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(3, size=(n, 3))
    y = (levels.sum(axis=1) % 2) ^ (rng.random(n) < 0.1)
    return levels.astype(float), y.astype(int)


def _words(n, seed):
    """Counts of 400 words in short texts on four topics, a sparse array."""
    topics = np.random.default_rng(0).dirichlet(np.full(400, 0.1), size=4)
    mixed = 0.25 * topics + 0.75 * topics.mean(axis=0)
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=n)
    counts = np.array([rng.multinomial(40, mixed[label]) for label in y])
    return sparse.csr_array(counts.astype(float)), y


def _minority(distance):
    """Return a function: one sample in 200 has a class so many deviations away."""

    def make(n, seed):
        rng = np.random.default_rng(seed)
        y = np.zeros(n, dtype=int)
        y[rng.permutation(n)[: max(2, n // 200)]] = 1
        X = rng.normal(size=(n, 5))
        X[:, 0] += distance * y
        return X, y

    return make


def _wrong_labels(share):
    """Return a function: moons, so many of the labels wrong."""

    def make(n, seed):
        rng = np.random.default_rng(seed + 10_000)
        X, y, _, _ = moons(0.1)(n, 0, seed)
        return X, y ^ (rng.random(n) < share)

    return make


def _xor(n, seed):
    """The product of two of twenty features."""
    X = np.random.default_rng(seed).normal(size=(n, 20))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


@cache
def _three_or_eight():
    X, y = load_mnist()
    rows = np.flatnonzero(np.isin(y, (3, 8)))
    return X[rows], y[rows]


QUANTILES, FLAT, CIRCLES, WAVES = map(
    generated, (_quantiles, _flat_quantiles, _circles, _waves)
)
FRIEDMAN, BLOBS, ONE_HOT, PAIRS = map(generated, (_friedman, _blobs, _one_hot, _pairs))
FEW_ROWS, WORDS, XOR = map(generated, (_few_rows, _words, _xor))
FAR_MINORITY, NEAR_MINORITY = generated(_minority(6)), generated(_minority(1))
THREE_OR_EIGHT = pooled(_three_or_eight)


def extra_trees(**params):
    return lambda seed: ExtraTreesClassifier(random_state=seed, **params)


def bagging(**params):
    return lambda seed: BaggingClassifier(random_state=seed, **params)


def quadratic(**params):
    return lambda seed: QuadraticDiscriminantAnalysis(**params)


def gaussian_process():
    return lambda seed: GaussianProcessClassifier(random_state=seed)


def multinomial(alpha=1.0):
    return lambda seed: MultinomialNB(alpha=alpha)


def softmax(n_components, C=1.0):
    return lambda seed: make_pipeline(
        PCA(n_components, random_state=seed), LogisticRegression(C=C, max_iter=2000)
    )


def wide_softmax(C=1.0):
    return lambda seed: LogisticRegression(C=C, max_iter=3000)


def network(**params):
    return mlp(StandardScaler, **{"epochs": 30, "learning_rate": 0.005} | params)


NEW_CASES = {
    "linear, quantiles": Case(QUANTILES, 1500, linear(), quadratic(), linear(C=1e-3)),
    "QDA, quantiles": Case(
        QUANTILES, 2000, quadratic(), support(C=10), quadratic(reg_param=0.9)
    ),
    "forest, quantiles": Case(
        QUANTILES, 2000, FOREST, quadratic(), forest(max_depth=3)
    ),
    "forest, 20,000 of quantiles": Case(
        QUANTILES, 20_000, forest(n_estimators=50), quadratic(), forest(max_depth=3)
    ),
    "linear, 20,000 of quantiles": Case(
        QUANTILES, 20_000, linear(), quadratic(), linear(C=1e-4)
    ),
    "15 neighbours, quantiles": Case(
        QUANTILES, 1500, neighbours(15), quadratic(), neighbours(100)
    ),
    "SVC, quantiles in the plane": Case(
        FLAT, 2000, support(C=10), support(C=1000), support(C=0.01)
    ),
    "full tree, quantiles in the plane": Case(
        FLAT, 400, FULL_TREE, support(C=10), tree(max_depth=2)
    ),
    "boosting, circles": Case(
        CIRCLES, 1500, boosting(), boosting(max_iter=400), boosting(max_iter=5)
    ),
    "linear, circles": Case(CIRCLES, 800, linear(), support(), linear(C=1e-3)),
    "Gaussian process, circles": Case(
        CIRCLES, 300, gaussian_process(), support(C=10), linear()
    ),
    "1 neighbour, circles": Case(
        CIRCLES, 2000, neighbours(1), support(), neighbours(25)
    ),
    "stump, waves": Case(WAVES, 1500, tree(max_depth=1), FOREST, dummy()),
    "tree of depth 4, waves": Case(WAVES, 1500, tree(max_depth=4), FOREST, dummy()),
    "naive Bayes, waves": Case(
        WAVES, 3000, bayes(), support(), bayes(var_smoothing=10.0)
    ),
    "linear, waves": Case(WAVES, 3000, linear(), support(), linear(C=1e-4)),
    "ExtraTrees, waves": Case(
        WAVES, 1500, extra_trees(), support(), extra_trees(max_depth=4)
    ),
    "SVC, 200 of waves": Case(
        WAVES, 200, support(C=100, gamma=0.5), support(), support(C=0.01)
    ),
    "boosting, Friedman": Case(
        FRIEDMAN, 3000, boosting(), boosting(max_iter=400), boosting(max_iter=5)
    ),
    "bagging, Friedman": Case(
        FRIEDMAN, 1000, bagging(n_estimators=30), boosting(), tree(max_depth=3)
    ),
    "shallow tree, Friedman": Case(
        FRIEDMAN, 4000, tree(max_depth=2), boosting(), dummy()
    ),
    "naive Bayes, blobs": Case(BLOBS, 1500, bayes(), support(), bayes(var_smoothing=1)),
    "5 neighbours, blobs": Case(BLOBS, 1000, neighbours(5), support(), neighbours(300)),
    "full tree, blobs": Case(BLOBS, 3000, FULL_TREE, support(), tree(max_depth=2)),
    "linear, one-hot": Case(ONE_HOT, 3000, linear(), support(), linear(C=1e-4)),
    "full tree, one-hot": Case(ONE_HOT, 2000, FULL_TREE, linear(), SMALL_TREE),
    "linear, pairs": Case(PAIRS, 2000, linear(), boosting(), linear(C=1e-3)),
    "forest, pairs": Case(PAIRS, 800, FOREST, boosting(), tree(max_depth=2)),
    "tree, 27 possible rows": Case(
        FEW_ROWS, 2000, FULL_TREE, FOREST, tree(max_depth=1)
    ),
    "linear, 27 possible rows": Case(FEW_ROWS, 1000, linear(), FULL_TREE, dummy()),
    "naive Bayes, words": Case(
        WORDS, 3000, multinomial(), wide_softmax(), multinomial(1e4)
    ),
    "linear, words": Case(
        WORDS, 800, wide_softmax(C=100), multinomial(), wide_softmax(C=1e-4)
    ),
    "linear, 0.5 % far minority": Case(
        FAR_MINORITY, 4000, linear(), support(C=10), dummy()
    ),
    "tree, 0.5 % near minority": Case(
        NEAR_MINORITY, 4000, FULL_TREE, linear(), tree(max_depth=1)
    ),
    "SVC, 10 % wrong labels": Case(
        generated(_wrong_labels(0.1)),
        2000,
        support(gamma=1),
        support(gamma=10, C=10),
        support(gamma=0.1, C=0.01),
        known_error=0.1,
    ),
    "full tree, 20 % wrong labels": Case(
        generated(_wrong_labels(0.2)), 1500, FULL_TREE, support(gamma=1), SMALL_TREE
    ),
    "3 neighbours, 30 % wrong labels": Case(
        generated(_wrong_labels(0.3)),
        1500,
        neighbours(3),
        support(gamma=1),
        neighbours(100),
    ),
    "linear, a product of two": Case(
        XOR, 1000, linear(), boosting(max_iter=300), linear(C=1e-3)
    ),
    "SVC, a product of two": Case(
        XOR, 600, support(C=10), boosting(max_iter=300), support(C=0.01)
    ),
    "network, circles": Case(
        CIRCLES,
        2000,
        network(),
        network(hidden_layer_sizes=(400,)),
        network(hidden_layer_sizes=(1,)),
        longer=network(epochs=120),
        n_trainings=6,
    ),
    "network, 30 % wrong labels": Case(
        generated(_wrong_labels(0.3)),
        600,
        network(epochs=100),
        network(epochs=100, hidden_layer_sizes=(400, 200)),
        network(epochs=100, dropout=0.5),
        longer=network(epochs=400),
        n_trainings=6,
    ),
    "network of two units, quantiles": Case(
        QUANTILES,
        2000,
        network(hidden_layer_sizes=(2,)),
        network(hidden_layer_sizes=(100,)),
        network(hidden_layer_sizes=(1,)),
        longer=network(epochs=120, hidden_layer_sizes=(2,)),
        n_trainings=6,
    ),
    "network, waves": Case(
        WAVES,
        800,
        network(epochs=60),
        network(epochs=60, hidden_layer_sizes=(400,)),
        network(epochs=60, dropout=0.5, l2=0.01),
        longer=network(epochs=240),
        n_trainings=6,
    ),
    "perceptron, one-hot": Case(
        ONE_HOT,
        1000,
        perceptron(50, 300, alpha=0),
        perceptron(200, 300, alpha=0),
        perceptron(50, 300, alpha=10),
        longer=perceptron(50, 1200, alpha=0),
    ),
    "MLP with dropout, 500 digits": Case(
        DIGITS28,
        500,
        mlp(epochs=30, dropout=0.3),
        mlp(epochs=30),
        mlp(epochs=30, dropout=0.8),
        longer=mlp(epochs=120, dropout=0.3),
        n_trainings=6,
    ),
    "softmax of 20 components, MNIST": Case(
        MNIST,
        6000,
        softmax(20),
        pixels(support(C=10)),
        softmax(5),
        tolerance=0.005,
        n_trainings=4,
    ),
    "SVC, three or eight, MNIST": Case(
        THREE_OR_EIGHT,
        3000,
        pixels(support(C=10)),
        pixels(support(C=100)),
        pixels(support(C=0.01)),
        tolerance=0.005,
        n_trainings=5,
    ),
}
