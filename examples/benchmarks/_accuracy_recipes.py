"""Recipes of `bench_accuracy`: named estimators that take raw uint8 images."""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skmnist import (
    ImageFlattener,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
)

# Handwriting varies in slant, size and place, and strokes bend.
AUGMENTATION = {
    "random_rotation": 0.03,
    "random_translation": 0.06,
    "random_zoom": 0.1,
    "random_shear": 0.1,
    "random_elastic": 0.03,
}
STRONG_AUGMENTATION = {
    "random_rotation": 0.04,
    "random_translation": 0.07,
    "random_zoom": 0.12,
    "random_shear": 0.12,
    "random_elastic": 0.04,
}
ONE_CYCLE = {"learning_rate": 0.002, "learning_rate_schedule": "one_cycle"}
MLP = {"activation": "relu", "bias_initializer": "zeros", "batch_size": 128}
LENET = {
    "filters": (16, 48, 96),
    "kernel_sizes": (3, 3, 3),
    "dropout": 0.1,
    "hidden_dropout": 0.3,
}
N_MEMBERS = 5


@dataclass
class Recipe:
    """An estimator of the table.

    Attributes
    ----------
    title : str
    make : callable
        ``make(seed, checkpoint_dir)`` returns the unfitted estimator.
    epochs : int or None
        None for estimators that are not trained in epochs.
    compared_with : str or None
        The recipe that its error is compared with.
    is_random : bool
        Whether the result depends on the seed.
    members : str or None
        The recipe of an ensemble's members.
    """

    title: str
    make: Callable
    epochs: int | None = None
    compared_with: str | None = None
    is_random: bool = True
    members: str | None = None


def classical(title, make, *, is_random=False, epochs=None):
    """Return the recipe of a classifier of scikit-learn, given by ``make(seed)``."""
    return Recipe(
        title,
        lambda seed, folder: make_pipeline(ImageFlattener(), PixelScaler(), make(seed)),
        epochs,
        is_random=is_random,
    )


def mlp(title, compared_with=None, **params):
    """Return the recipe of a multilayer perceptron."""
    clf = KerasMLPClassifier(**params)
    return Recipe(
        title,
        lambda seed, folder: make_pipeline(
            ImageFlattener(),
            PixelScaler(),
            KerasMLPClassifier(random_state=seed, checkpoint_dir=folder, **params),
        ),
        clf.epochs,
        compared_with,
    )


def lenet(title, compared_with=None, **params):
    """Return the recipe of a LeNet."""
    clf = LeNetClassifier(**params)
    return Recipe(
        title,
        lambda seed, folder: make_pipeline(
            PixelScaler(),
            LeNetClassifier(random_state=seed, checkpoint_dir=folder, **params),
        ),
        clf.epochs,
        compared_with,
    )


def ensemble(title, name):
    """Return the recipe of a vote of members of another recipe."""

    def make(seed, folder):
        members = [
            (str(member), RECIPES[name].make(seed * N_MEMBERS + member, folder))
            for member in range(N_MEMBERS)
        ]
        return VotingClassifier(members, voting="soft")

    return Recipe(title, make, RECIPES[name].epochs, name, members=name)


def build_fast(meta):
    """Build a small network that reaches 99 % within two epochs."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Conv2D(24, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def fast(seed, folder):
    """Return the classifier that reaches 99 % in the shortest time."""
    return make_pipeline(
        PixelScaler(),
        KerasImageClassifier(
            build_fast,
            learning_rate=0.012,
            learning_rate_schedule="one_cycle",
            batch_size=256,
            epochs=2,
            random_state=seed,
            checkpoint_dir=folder,
        ),
    )


RECIPES = {
    "logistic": classical(
        "LogisticRegression(max_iter=1000)",
        lambda seed: LogisticRegression(max_iter=1000),
    ),
    "knn": classical(
        "KNeighborsClassifier(3, weights='distance')",
        lambda seed: KNeighborsClassifier(3, weights="distance"),
    ),
    "boosting": classical(
        "HistGradientBoostingClassifier()",
        lambda seed: HistGradientBoostingClassifier(random_state=seed),
        is_random=True,
    ),
    "mlpclassifier": classical(
        "MLPClassifier((200, 100), max_iter=30)",
        lambda seed: MLPClassifier((200, 100), max_iter=30, random_state=seed),
        is_random=True,
        epochs=30,
    ),
    "svc": classical("SVC(C=10)", lambda seed: SVC(C=10)),
    "mlp": mlp("Reference MLP", compared_with="mlpclassifier"),
    "mlp_trained": mlp(
        "MLP, well trained",
        compared_with="mlp",
        hidden_layer_sizes=(800, 800),
        dropout=0.4,
        epochs=30,
        **MLP,
        **ONE_CYCLE,
    ),
    "mlp_augmented": mlp(
        "MLP, augmented",
        compared_with="mlp_trained",
        hidden_layer_sizes=(1024, 512),
        epochs=80,
        **MLP,
        **ONE_CYCLE,
        **STRONG_AUGMENTATION,
    ),
    "fast": Recipe("Small CNN, two epochs", fast, 2, "mlp"),
    "lenet": lenet("Reference LeNet", compared_with="mlp"),
    "lenet_trained": lenet(
        "LeNet, well trained", compared_with="lenet", epochs=12, **LENET, **ONE_CYCLE
    ),
    "lenet_augmented": lenet(
        "LeNet, augmented",
        compared_with="lenet_trained",
        epochs=20,
        **LENET,
        **ONE_CYCLE,
        **AUGMENTATION,
    ),
}
RECIPES["lenet_ensemble"] = ensemble(
    f"Vote of {N_MEMBERS} augmented LeNets", "lenet_augmented"
)
