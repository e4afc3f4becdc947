"""The third set of the battery: classifiers whose error on new samples is near chance.

Some have memorised their training samples, and others are too simple for them.
"""

import numpy as np
from _battery_cases import (
    DIGITS,
    DIGITS28,
    FOREST,
    FULL_TREE,
    Case,
    bayes,
    boosting,
    dummy,
    forest,
    generated,
    linear,
    mlp,
    moons,
    neighbours,
    perceptron,
    support,
    tree,
)
from sklearn.ensemble import BaggingClassifier
from sklearn.preprocessing import StandardScaler


def _noise(n_classes, n_features):
    """Return a function: labels that have nothing to do with the features."""

    def make(n, seed):
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, n_features)), rng.integers(n_classes, size=n)

    return make


def _faint(n, seed):
    """Forty features, one of which tells two classes apart a little."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    X = rng.normal(size=(n, 40))
    X[:, 0] += 0.4 * y
    return X, y


def _wide_moons(n, seed):
    """Moons, and thirty columns of noise."""
    X, y, _, _ = moons(0.2)(n, 0, seed)
    return np.hstack([X, np.random.default_rng(seed).normal(size=(n, 30))]), y


def _parity(n, seed):
    """The parity of three of six bits, with a little noise on the bits."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(2, size=(n, 6))
    return bits + 0.1 * rng.normal(size=(n, 6)), bits[:, :3].sum(axis=1) % 2


def _stripes(n, seed):
    """Eight stripes of alternating classes along one of two features."""
    X = np.random.default_rng(seed).uniform(size=(n, 2))
    return X, (np.floor(8 * X[:, 0]) % 2).astype(int)


def _clusters(n, seed):
    """Sixteen clusters of eight classes in eight of sixteen features."""
    centres = np.random.default_rng(0).normal(size=(16, 8))
    rng = np.random.default_rng(seed)
    cluster = rng.integers(16, size=n)
    X = rng.normal(size=(n, 16))
    X[:, :8] += 0.8 * centres[cluster]
    return X, cluster % 8


def sharp(gamma):
    """Return a support vector machine that sees each training sample alone."""
    return support(C=100, gamma=gamma)


def network(**params):
    return mlp(StandardScaler, **{"learning_rate": 0.005, "epochs": 100} | params)


FAINT, WIDE_MOONS, PARITY, STRIPES, CLUSTERS = map(
    generated, (_faint, _wide_moons, _parity, _stripes, _clusters)
)
TWO, FIVE = generated(_noise(2, 10)), generated(_noise(5, 20))

NEAR_CHANCE = {
    # Memorised.
    "1 neighbour, noise": Case(TWO, 400, neighbours(1), FOREST, neighbours(50)),
    "full tree, noise of five classes": Case(
        FIVE, 600, FULL_TREE, FOREST, tree(max_depth=2)
    ),
    "forest, noise": Case(TWO, 300, FOREST, boosting(), forest(max_depth=2)),
    "SVC, faint": Case(FAINT, 250, sharp(0.5), linear(), support(C=0.01)),
    "1 neighbour, faint": Case(FAINT, 300, neighbours(1), linear(), neighbours(50)),
    "boosting, faint": Case(FAINT, 200, boosting(), linear(), boosting(max_iter=3)),
    "SVC, wide moons": Case(WIDE_MOONS, 300, sharp(0.3), boosting(), support(C=0.01)),
    "SVC, clusters": Case(CLUSTERS, 400, sharp(1.0), support(), support(C=0.01)),
    "SVC, digits": Case(
        DIGITS, 500, sharp(10.0), support(C=10), dummy(), n_trainings=6
    ),
    "bagging, parity": Case(
        PARITY,
        60,
        lambda seed: BaggingClassifier(n_estimators=50, random_state=seed),
        support(C=10),
        tree(max_depth=1),
    ),
    "perceptron, noise": Case(
        TWO,
        300,
        perceptron(200, 600, alpha=0, learning_rate_init=0.01),
        FOREST,
        perceptron(200, 600, alpha=100),
        longer=perceptron(200, 2400, alpha=0, learning_rate_init=0.01),
    ),
    "network, faint": Case(
        FAINT,
        250,
        network(),
        linear(),
        network(dropout=0.5, l2=0.1),
        longer=network(epochs=400),
        n_trainings=6,
    ),
    # Too simple.
    "stump, parity": Case(PARITY, 800, tree(max_depth=1), FULL_TREE, dummy()),
    "linear, parity": Case(PARITY, 300, linear(), support(C=10), linear(C=1e-3)),
    "naive Bayes, parity": Case(PARITY, 1500, bayes(), FOREST, dummy()),
    "linear, stripes": Case(STRIPES, 500, linear(), FULL_TREE, linear(C=1e-3)),
    "100 neighbours, stripes": Case(
        STRIPES, 300, neighbours(100), FULL_TREE, neighbours(200)
    ),
    "linear of almost no weight, wide moons": Case(
        WIDE_MOONS, 600, linear(C=1e-7), boosting(), dummy()
    ),
    "network of one epoch, digits": Case(
        DIGITS28,
        500,
        mlp(epochs=1, learning_rate=1e-5),
        mlp(epochs=30),
        dummy(),
        longer=mlp(epochs=4, learning_rate=1e-5),
        n_trainings=4,
    ),
    "dummy, clusters": Case(CLUSTERS, 400, dummy(), support(), dummy("uniform")),
}
