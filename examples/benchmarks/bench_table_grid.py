"""Compare a grid search over a small network for a table with SciKeras.

    python examples/benchmarks/bench_table_grid.py

The network is that of docs/user_guide/tables.rst, on scikit-learn's breast cancer data:
16 candidates of batch size, optimizer, learning rate and units, 3 folds, n_jobs=1. Both
packages train the same builder in the same Pipeline.
"""

import warnings

import _common as common
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import KerasImageClassifier

warnings.filterwarnings("ignore")
X, y = load_breast_cancer(return_X_y=True)
GRID = {
    "batch_size": [16, 64],
    "optimizer": ["sgd", "adam"],
    "learning_rate": [0.001, 0.01],
    "model__units": [8, 16],
}
SCORES = {}


def build_network(meta, units=12):
    import keras

    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def skmnist():
    return KerasImageClassifier(
        build_network, loss="binary_crossentropy", epochs=10, random_state=0
    )


def scikeras():
    from scikeras.wrappers import KerasClassifier

    # SciKeras routes the keywords of its own constructor only.
    defaults = {"optimizer__learning_rate": 0.001, "model__units": 12}
    return KerasClassifier(
        build_network,
        loss="binary_crossentropy",
        epochs=10,
        random_state=0,
        verbose=0,
        **defaults,
    )


def search(make, rate, grid=GRID):
    """Return the seconds of a grid search; `rate` is the name of the learning rate."""
    renamed = {
        f"clf__{rate if name == 'learning_rate' else name}": values
        for name, values in grid.items()
    }
    pipe = Pipeline([("scaler", StandardScaler()), ("clf", make())])
    # SciKeras's classifiers are not recognised as such, and their folds not stratified.
    cv = StratifiedKFold(3)
    fitted = GridSearchCV(pipe, renamed, cv=cv, refit=False, error_score="raise")
    seconds = common.timed(fitted.fit, X, y)
    scores = fitted.cv_results_["mean_test_score"]
    SCORES[make.__name__] = f"best {scores.max():.3f}, mean {scores.mean():.3f}"
    return seconds


args = common.parser(__doc__.splitlines()[0], rounds=3).parse_args()
contenders = {
    "skmnist": lambda: search(skmnist, "learning_rate"),
    "SciKeras": lambda: search(scikeras, "optimizer__learning_rate"),
}
# Warm up: every contender fits once before the clock starts.
one = {name: values[:1] for name, values in GRID.items()}
search(skmnist, "learning_rate", one)
search(scikeras, "optimizer__learning_rate", one)
common.table(
    "GridSearchCV, 48 fits, table of 569 rows: seconds",
    common.interleave(contenders, args.rounds),
    args.csv,
    extra={"skmnist": SCORES["skmnist"], "SciKeras": SCORES["scikeras"]},
)
