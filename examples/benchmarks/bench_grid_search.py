"""Measure searches with many small fits on the digits, and compare with SciKeras.

    python examples/benchmarks/bench_grid_search.py

There are three benchmarks: a grid over the learning rate in a warm process, with and
without a seed; a random search over dropout, L2 and learning rate in a warm process; a
grid over six architectures in a fresh process in which nothing is compiled yet. All
fits use 5 epochs and a batch size of 32; all searches use n_jobs=1. The other packages
are not seeded.
"""

import contextlib
import importlib
import io
import sys
import warnings

import _common as common
import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

warnings.filterwarnings("ignore")
images, y = common.digits()
scaled = (images.reshape(len(images), -1) / 255).astype(np.float32)

RATES = [0.0005, 0.001, 0.002, 0.005, 0.01]
SIZES = [(50,), (100,), (200,), (50, 50), (100, 50), (200, 100)]


def prefix(parameters, step):
    return {f"{step}__{name}": values for name, values in parameters.items()}


def skmnist(search, parameters, seed=0, **options):
    search(
        common.ours(epochs=5, random_state=seed),
        prefix(parameters, "kerasmlpclassifier"),
        refit=False,
        error_score="raise",
        **options,
    ).fit(images, y)


def scikeras(search, parameters, **options):
    renamed = {
        ("optimizer__" if name == "learning_rate" else "model__") + name: values
        for name, values in parameters.items()
    }
    search(
        common.scikeras(5, random_state=None),
        renamed,
        refit=False,
        error_score="raise",
        **options,
    ).fit(scaled, y)


def keras_wrapper(search, parameters, **options):
    from keras.wrappers import SKLearnClassifier

    def build(X, y, learning_rate=0.001):
        return common.keras_mlp(learning_rate)

    rates = [{"learning_rate": rate} for rate in parameters["learning_rate"]]
    clf = SKLearnClassifier(build, fit_kwargs={"epochs": 5, "verbose": 0})
    with contextlib.redirect_stdout(io.StringIO()):  # clone also drops verbose=0
        search(clf, {"model_kwargs": rates}, refit=False, **options).fit(scaled, y)


def cold(who):
    """Return the seconds of the grid over architectures, without imports."""
    importlib.import_module("skmnist._engine._training")  # imports Keras, not timed

    grid = {"hidden_layer_sizes": SIZES}
    run = {"skmnist": skmnist, "SciKeras": scikeras}[who]
    common.scikeras(5)  # imports SciKeras, not timed
    return common.timed(run, GridSearchCV, grid, cv=3)


if len(sys.argv) == 3 and sys.argv[1] == "--one":
    print(cold(sys.argv[2]))
    sys.exit()

args = common.parser(__doc__.splitlines()[0]).parse_args()
grid = {"learning_rate": RATES}
space = {
    "dropout": uniform(0, 0.5),
    "l2": loguniform(1e-6, 1e-3),
    "learning_rate": loguniform(1e-4, 1e-2),
}
# Warm up: every contender fits once before the clock starts.
for run in (skmnist, scikeras):
    run(GridSearchCV, {"learning_rate": [0.001]}, cv=3)

common.table(
    "GridSearchCV, 15 fits, learning rate: seconds",
    common.interleave(
        {
            "skmnist": lambda: common.timed(skmnist, GridSearchCV, grid, cv=3),
            "skmnist, no seed": lambda: common.timed(
                skmnist, GridSearchCV, grid, seed=None, cv=3
            ),
            "SciKeras": lambda: common.timed(scikeras, GridSearchCV, grid, cv=3),
            "keras.wrappers": lambda: common.timed(
                keras_wrapper, GridSearchCV, grid, cv=3
            ),
        },
        args.rounds,
    ),
    args.csv,
    extra={"keras.wrappers": "trains only 1 epoch, because clone drops fit_kwargs"},
)
draws = iter(range(1_000))


def random_search(run):
    return common.timed(
        run, RandomizedSearchCV, space, cv=3, n_iter=5, random_state=next(draws)
    )


common.table(
    "RandomizedSearchCV, 15 fits, dropout, l2, learning rate: seconds",
    common.interleave(
        {
            "skmnist": lambda: random_search(skmnist),
            "SciKeras": lambda: random_search(scikeras),
        },
        args.rounds,
    ),
    args.csv,
)


def alone(who):
    return float(common.in_fresh_process(__file__, "--one", who)[0])


common.table(
    "GridSearchCV, 6 architectures × 3 folds, cold: seconds",
    common.interleave(
        {"skmnist": lambda: alone("skmnist"), "SciKeras": lambda: alone("SciKeras")},
        args.rounds,
    ),
    args.csv,
)
