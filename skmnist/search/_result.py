"""Search a grid of hyperparameters, and read what it found."""

import json
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skmnist.cli._grid import written_value

# A larger value of these holds the network back, or leaves it as it is.
_MORE_IS_SIMPLER = ("dropout", "hidden_dropout", "l2")
_MORE_IS_COMPLEX = ("epochs",)
_SIZES = ("hidden_layer_sizes", "filters")


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    results : DataFrame
        For each point of the grid: its values, train_accuracy, validation_accuracy,
        their standard errors over folds, fit_time in seconds, and rank; of a halving
        search also round and n_images.
    best : dict
        The values of the best point.
    best_error, standard_error : float
        Its validation error, and the standard error of that over the folds.
    simplest : dict or None
        The simplest point within one standard error of the best, which may be the best
        itself. None where no parameter of the grid has an order of complexity.
    simplest_error : float or None
    ordered : list of str
        Parameters of the grid with an order of complexity.
    edges : list of str
        Numeric parameters whose best value is the first or last tried.
    curves : dict of str to DataFrame
        For each parameter with several values, the others as in the best point: value,
        fold, train_accuracy, validation_accuracy.
    n_fits : int
    """

    results: pd.DataFrame
    best: dict
    best_error: float
    standard_error: float
    simplest: dict | None
    simplest_error: float | None
    ordered: list
    edges: list
    curves: dict
    n_fits: int


class FitLog:
    """A scorer of accuracy that notes each fit's scores, for who stops in between.

    It notes them in a file, as fits may be those of other processes.

    Parameters
    ----------
    names : list of str
        Parameters to note, as the Pipeline calls them.
    path : pathlib.Path
        A file in an existing folder; what it holds is deleted.
    """

    def __init__(self, names, path):
        self._names = names
        self._path = path
        self._open = None
        path.write_text("")

    def __call__(self, estimator, X, y):
        """Return the accuracy. scikit-learn asks for the validation part first."""
        accuracy = float(np.mean(estimator.predict(X) == y))
        if self._open is None:
            self._open = accuracy
            return accuracy
        params = estimator.get_params()
        values = {n.rpartition("__")[2]: params[n] for n in self._names}
        row = {n: str(v) if isinstance(v, tuple) else v for n, v in values.items()}
        row |= {"train_accuracy": accuracy, "validation_accuracy": self._open}
        self._open = None
        # In one write, so that lines of several processes do not mix.
        with open(self._path, "ab", buffering=0) as file:
            file.write(json.dumps(row).encode() + b"\n")
        return accuracy

    def __len__(self):
        """Return the number of fits noted."""
        return self._path.read_bytes().count(b"\n")

    def frame(self):
        """Return the notes, a row for each fit."""
        return pd.DataFrame(map(json.loads, self._path.read_text().splitlines()))


def check_values(network, grid):
    """Raise ValueError where the network takes a value of the grid for none of its."""
    for name, values in grid.items():
        for value in values:
            clone(network).set_params(**{name: value})._validate_params()


def make_search(pipeline, grid, *, cv, halving, seed, n_jobs, scoring):
    """Make the search of scikit-learn; the grid's names are those of the last step."""
    step = pipeline.steps[-1][0]
    grid = {f"{step}__{name}": values for name, values in grid.items()}
    settings = {
        "scoring": scoring,
        "cv": StratifiedKFold(cv, shuffle=True, random_state=seed),
        "refit": False,
        "n_jobs": n_jobs,
        "return_train_score": True,
    }
    if not halving:
        return GridSearchCV(clone(pipeline), grid, **settings)
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    return HalvingGridSearchCV(
        clone(pipeline), grid, **settings, min_resources="exhaust", random_state=seed
    )


def read_results(search, grid, n_pixels, n_classes):
    """Read a fitted search.

    Parameters
    ----------
    search : fitted GridSearchCV or HalvingGridSearchCV
    grid : dict of str to list
        With the names of the network's parameters.
    n_pixels, n_classes : int
        They say how large a network is.

    Returns
    -------
    result : SearchResult
    """
    cv_results = search.cv_results_
    n_splits = search.n_splits_
    scores = {
        side: np.array([cv_results[f"split{i}_{key}_score"] for i in range(n_splits)]).T
        for side, key in (("train", "train"), ("validation", "test"))
    }
    points = [
        {key.rpartition("__")[2]: value for key, value in params.items()}
        for params in cv_results["params"]
    ]
    table = pd.DataFrame(points, dtype=object)
    halved = "iter" in cv_results
    rounds = np.zeros(len(points), dtype=int)
    if halved:
        rounds = np.asarray(cv_results["iter"])
        table["round"] = rounds + 1
        table["n_images"] = cv_results["n_resources"]
    for side, values in scores.items():
        table[f"{side}_accuracy"] = values.mean(axis=1)
        spread = values.std(axis=1, ddof=1) / np.sqrt(n_splits)
        table[f"{side}_standard_error"] = spread
    table["fit_time"] = cv_results["mean_fit_time"]
    # A network that diverged has no score and comes last.
    key = np.nan_to_num(scores["validation"].mean(axis=1), nan=-1.0)
    last = np.flatnonzero(rounds == rounds.max())
    best = int(last[np.argmax(key[last])])
    table["rank"] = pd.Series(-key).rank(method="min").astype(int)
    error = 1 - scores["validation"].mean(axis=1)
    standard_error = float(table["validation_standard_error"][best])
    ordered = [
        name
        for name, values in grid.items()
        if len(values) > 1 and _complexity(name, values[0], 1, 2) is not None
    ]
    simplest = None
    if ordered:
        near = [i for i in last if error[i] <= error[best] + standard_error]
        simplest = _simplest(points, near, best, grid, ordered, n_pixels, n_classes)
    first = np.flatnonzero(rounds == 0)
    curves = {
        name: _curve(name, points, scores, first, best, n_pixels, n_classes)
        for name, values in grid.items()
        if len(values) > 1
    }
    return SearchResult(
        results=table,
        best=points[best],
        best_error=float(error[best]),
        standard_error=standard_error,
        simplest=None if simplest is None else points[simplest],
        simplest_error=None if simplest is None else float(error[simplest]),
        ordered=ordered,
        edges=_edges(points[best], grid),
        curves=curves,
        n_fits=len(points) * n_splits,
    )


def _complexity(name, value, n_pixels, n_classes):
    """Return a number that grows with complexity, or None without an order."""
    if name in _SIZES:
        ends = (n_pixels, n_classes) if name == "hidden_layer_sizes" else (1, 1)
        widths = [ends[0], *value, ends[1]]
        return sum(a * b for a, b in pairwise(widths))
    if name in _MORE_IS_COMPLEX:
        return value
    return -value if name in _MORE_IS_SIMPLER else None


def _simplest(points, near, best, grid, ordered, n_pixels, n_classes):
    """Return the simplest of the points near the best, which may be the best itself.

    Of those that are in no ordered parameter more complex than the best, and as it in
    the others, the one that lies lowest in the order of complexity, all parameters
    together.
    """
    places = {}
    for name in ordered:
        levels = [_complexity(name, v, n_pixels, n_classes) for v in grid[name]]
        places[name] = sorted(set(levels))

    def place(point, name):
        level = _complexity(name, point[name], n_pixels, n_classes)
        return places[name].index(level) / (len(places[name]) - 1 or 1)

    def is_simpler(point):
        return all(
            place(point, name) <= place(points[best], name)
            if name in ordered
            else point[name] == points[best][name]
            for name in point
        )

    candidates = [i for i in near if is_simpler(points[i])]
    return min(candidates, key=lambda i: sum(place(points[i], n) for n in ordered))


def _curve(name, points, scores, rows, best, n_pixels, n_classes):
    """Return the scores of each value of one parameter, the others as in the best."""
    others = {key: value for key, value in points[best].items() if key != name}
    rows = [i for i in rows if all(points[i][k] == v for k, v in others.items())]
    values = [points[i][name] for i in rows]
    # Numbers and sizes in their order, words in the one given.
    if all(isinstance(v, tuple) for v in values):
        rows.sort(key=lambda i: _complexity(name, points[i][name], n_pixels, n_classes))
    elif all(_is_number(v) for v in values):
        rows.sort(key=lambda i: points[i][name])
    return pd.DataFrame(
        {
            "value": written_value(points[i][name]),
            "fold": fold,
            "train_accuracy": scores["train"][i, fold - 1],
            "validation_accuracy": scores["validation"][i, fold - 1],
        }
        for i in rows
        for fold in range(1, scores["train"].shape[1] + 1)
    )


def _edges(best, grid):
    return [
        name
        for name, values in grid.items()
        if len(values) > 1
        and all(map(_is_number, values))
        # Nothing lies below zero.
        and best[name] in {min(values), max(values)} - {0}
    ]


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)
