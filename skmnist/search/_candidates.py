"""What the candidates of a search, or the values of one parameter, show.

Two rules are read off here: whether the best value is the lowest or highest that was
tried, and whether a simpler candidate is nearly as good as the best.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.base import is_classifier

from skmnist.search._values import complexity, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Edge(NamedTuple):
    """A parameter whose best value is the lowest or the highest that was tried.

    Attributes
    ----------
    name : str
        Name of the parameter.
    value : float
        Its best value.
    side : {"lowest", "highest"}
        Which end of the tried values it is.
    values : list
        The tried values, sorted.
    """

    name: str
    value: float
    side: str
    values: list[Any]


@dataclass(frozen=True, eq=False)
class Scores:
    """The candidates of a search with their scores on every split.

    Attributes
    ----------
    points : list of dict
        Parameters of each candidate.
    validation : ndarray of float of shape (n_points, n_splits)
    train : ndarray of float of shape (n_points, n_splits) or None
        None if the search did not compute them.
    best : int
        The candidate that the search chose.
    rounds : ndarray of int of shape (n_points,)
        Of a halving search, counted from 0; 0 for others.
    scoring : str
        Name of the score; higher is better.
    is_accuracy : bool
    """

    points: list[dict[str, Any]]
    validation: np.ndarray
    train: np.ndarray | None
    best: int
    rounds: np.ndarray
    scoring: str
    is_accuracy: bool

    @property
    def last(self) -> np.ndarray:
        """The candidates of the last round, which can be compared with the best."""
        return np.flatnonzero(self.rounds == self.rounds.max())

    @property
    def standard_error(self) -> float:
        """Standard error of the best candidate's score over the splits."""
        return standard_error(self.validation[self.best])


def read_scores(search):
    """Read the scores that a fitted search chose the best candidate by.

    Parameters
    ----------
    search : fitted search of scikit-learn

    Returns
    -------
    scores : Scores or None
        None if a function chose the best candidate from several scores.
    """
    results = search.cv_results_
    # With several scores, the one that chose the best.
    metric = search.refit if search.multimetric_ else "score"
    if not isinstance(metric, str):
        return None

    def of(side):
        if f"split0_{side}_{metric}" not in results:
            return None
        return np.array(
            [results[f"split{i}_{side}_{metric}"] for i in range(search.n_splits_)]
        ).T

    scoring = metric if search.multimetric_ else search.scoring
    if search.multimetric_ and isinstance(search.scoring, dict):
        scoring = search.scoring[metric]
    points = results["params"]
    name = scoring if isinstance(scoring, str) else metric
    if scoring is None and is_classifier(search):
        scoring = name = "accuracy"  # what the score of a classifier is
    return Scores(
        points=points,
        validation=of("test"),
        train=of("train"),
        best=int(search.best_index_),
        rounds=np.asarray(results.get("iter", np.zeros(len(points), dtype=int))),
        scoring=name,
        is_accuracy=scoring == "accuracy",
    )


def standard_error(splits):
    """Return the standard error of a mean over splits; NaN for a single split."""
    if len(splits) < 2:
        return np.nan
    return float(np.std(splits, ddof=1) / np.sqrt(len(splits)))


def find_edges(search, scores):
    """Return the parameters whose best value is the lowest or highest tried.

    A parameter whose scores hardly differ has no edge: one with a value inside the grid
    that is within one standard error of the best, or not proven worse than it. A single
    split or a missing score proves nothing.

    Parameters
    ----------
    search : fitted search of scikit-learn
    scores : Scores or None
        What `read_scores` returns for it.

    Returns
    -------
    edges : list of Edge
        Numeric parameters only. A distribution has no edges, and 0 is none, because
        these parameters have no values below.
    """
    grids = getattr(search, "param_grid", None)
    if grids is None:
        grids = getattr(search, "param_distributions", {})
    grids = [grids] if isinstance(grids, dict) else grids
    # Halving may use a parameter, such as the number of trees, as its resource.
    resource = getattr(search, "resource", None)
    params = {k: v for k, v in search.best_params_.items() if k != resource}
    edges = []
    for name, best in params.items():
        # A value may be at the edge of one grid and inside of another.
        tried = [grid[name] for grid in grids if _fits(grid, params, name)]
        if not tried or any(hasattr(values, "rvs") for values in tried):
            continue
        values = [value for values in tried for value in values]
        if not all(map(is_number, values)) or len(set(values)) < 2:
            continue
        values = sorted(set(values))
        for side, end in (("lowest", values[0]), ("highest", values[-1])):
            if best == end != 0 and not _is_flat(scores, name, best, values):
                edges.append(Edge(name, best, side, values))
    return edges


def _is_flat(scores, name, best, values):
    """Return whether a value inside the grid may be as good as the best.

    Only candidates that differ from the best in this parameter alone are compared. A
    grid of two values has none inside, and the other value is compared.
    """
    if scores is None:
        return False
    if scores.validation.shape[1] < 2 or np.isnan(scores.validation[scores.best]).any():
        return True
    inside = values[1:-1] or [value for value in values if value != best]
    means = scores.validation.mean(axis=1)
    limit = means[scores.best] - scores.standard_error
    # The standard error of one score says little about the difference of two scores on
    # the same splits: without this test, one flat grid in twelve has an edge.
    low, _ = difference_limits(scores.validation, scores.best)
    others = {k: v for k, v in scores.points[scores.best].items() if k != name}
    return any(
        means[i] >= limit or low[i] <= 0
        for i in scores.last
        if is_number(scores.points[i].get(name))
        and scores.points[i][name] in inside
        and set(scores.points[i]) == {name, *others}
        and all(np.array_equal(scores.points[i][k], v) for k, v in others.items())
    )


def _fits(grid, params, varied):
    """Return whether a grid contains the parameters other than the varied one."""
    return set(grid) == set(params) and all(
        name == varied
        or hasattr(values, "rvs")
        or any(np.array_equal(value, params[name]) for value in values)
        for name, values in grid.items()
    )


@dataclass(frozen=True, eq=False)
class Order:
    """Parameters with an order of complexity, and their values in it.

    Attributes
    ----------
    levels : dict of str to list
        For each parameter its values or their complexities, the simplest first.
    """

    levels: dict[str, list[Any]]
    _level: dict[str, Callable[[Any], Any]] = field(repr=False)

    @classmethod
    def declared(cls, capacity: Mapping[str, Sequence[Any]]) -> Order:
        """Return the order that a user declared: values, the simplest first."""
        return cls(capacity, {name: lambda value: value for name in capacity})

    @classmethod
    def of_known_parameters(
        cls, points: list[dict[str, Any]], n_features: int, n_classes: int
    ) -> Order:
        """Return the order of this package's own parameters, as far as they vary."""
        levels, functions = {}, {}
        for name in points[0] if points else ():

            def level(value, name=name):
                return complexity(name, value, n_features, n_classes)

            found = [level(point.get(name)) for point in points]
            if None not in found and len(set(found)) > 1:
                levels[name], functions[name] = sorted(set(found)), level
        return cls(levels, functions)

    def place(self, name: str, value: Any) -> float | None:
        """Return where a value stands, from 0 (simplest) to 1; None if unknown."""
        level, levels = self._level[name](value), self.levels[name]
        if level not in levels:
            return None
        return levels.index(level) / (len(levels) - 1 or 1)


def within_one_error(scores, best, error):
    """Return which candidates score within one standard error of the best.

    The rule of Breiman, Friedman, Olshen and Stone, Classification and Regression
    Trees, 1984.

    Parameters
    ----------
    scores : ndarray of float of shape (n_points,)
        Mean scores; higher is better.
    best : int
        The best candidate.
    error : float
        Its standard error; NaN decides for the best.

    Returns
    -------
    near : ndarray of bool of shape (n_points,)
    """
    return scores >= scores[best] - error


def difference_limits(validation, best):
    """Return the 95 % intervals of how much the best scores above each candidate.

    Student's interval of the differences between splits, with the variance corrected
    for the data that the splits share (Nadeau and Bengio, Machine Learning 52, 2003) as
    for k-fold cross-validation.

    Parameters
    ----------
    validation : ndarray of float of shape (n_points, n_splits)
        Scores, of at least two splits.
    best : int
        The best candidate.

    Returns
    -------
    low, high : ndarray of float of shape (n_points,)
        NaN for a candidate without a score.
    """
    differences = validation[best] - validation
    n_splits = validation.shape[1]
    variance = (1 / n_splits + 1 / (n_splits - 1)) * differences.var(axis=1, ddof=1)
    half = student.ppf(0.975, n_splits - 1) * np.sqrt(variance)
    means = differences.mean(axis=1)
    return means - half, means + half


def within_tolerance(validation, best, tolerance):
    """Return which candidates are proven not worse than the best by a tolerance.

    The upper end of the interval of `difference_limits` decides.

    Parameters
    ----------
    validation : ndarray of float of shape (n_points, n_splits)
        Accuracies, of at least two splits.
    best : int
        The best candidate.
    tolerance : float

    Returns
    -------
    near : ndarray of bool of shape (n_points,)
    upper : ndarray of float of shape (n_points,)
        The upper ends.
    """
    _, upper = difference_limits(validation, best)
    return upper <= tolerance, upper


def simplest_near(points, near, best, order):
    """Return the simplest candidate that is nearly as good as the best.

    Parameters
    ----------
    points : list of dict
    near : ndarray of bool of shape (n_points,)
        Whether a candidate is nearly as good as the best.
    best : int
        The best candidate.
    order : Order
        Candidates are compared that are in no ordered parameter more complex than the
        best, and equal to it in all others.

    Returns
    -------
    place : int or None
        Of the candidate that is simplest in all ordered parameters together, which may
        be the best itself. None if the best has no place in the order.
    """
    names = [name for name in order.levels if name in points[best]]
    at_best = {name: order.place(name, points[best][name]) for name in names}
    if not names or None in at_best.values():
        return None

    def places(point):
        """Return the places of a candidate that is comparable, or None."""
        if point.keys() != points[best].keys():  # of another grid
            return None
        found = []
        for name, value in points[best].items():
            if name not in names:
                # Not `==`, which compares arrays value by value.
                if not np.array_equal(point[name], value):
                    return None
                continue
            place = order.place(name, point[name])
            if place is None or place > at_best[name]:
                return None
            found.append(place)
        return found

    comparable = {}
    for number, point in enumerate(points):
        is_near = near[number] or number == best
        if is_near and (found := places(point)) is not None:
            comparable[number] = sum(found)
    # Of equally simple candidates the best.
    return min(comparable, key=lambda number: (comparable[number], number != best))


@dataclass(frozen=True, eq=False)
class Candidates:
    """What other values of the hyperparameters gave, for the findings of a diagnosis.

    Attributes
    ----------
    edges : list of Edge
    simpler : dict or None
        The simplest candidate whose error is proven to exceed that of the best by no
        more than the tolerance, if that is another one: "parameter", "value",
        "best_value", "error", "best_error" and "difference_high", the upper end of the
        95 % interval of the difference. If a search was not scored by accuracy, the
        simplest within one standard error of the best, with "scoring", "score",
        "best_score" and "standard_error" in place of the errors.
    better : tuple of (value, Estimate) or None
        A simpler value whose validation error is proven lower, and the difference.
    curve : DataFrame or None
        Columns value, fold, train_accuracy, validation_accuracy, in the order of
        complexity.
    """

    edges: list[Edge]
    simpler: dict[str, Any] | None = None
    better: tuple[Any, Any] | None = None
    curve: pd.DataFrame | None = None


def read_search(search, capacity, tolerance):
    """Read what a fitted search shows about its candidates.

    Parameters
    ----------
    search : fitted search of scikit-learn
    capacity : dict of one str to list, or None
        A parameter and its values, the simplest first.
    tolerance : float
        Difference of errors regarded as negligible.

    Returns
    -------
    candidates : Candidates
    """
    scores = read_scores(search)
    edges = find_edges(search, scores)
    if capacity is None or scores is None or len(scores.validation[0]) < 2:
        return Candidates(edges)
    ((name, _),) = capacity.items()
    last = scores.last
    means = scores.validation.mean(axis=1)
    best = list(last).index(scores.best)
    if scores.is_accuracy:
        near, upper = within_tolerance(scores.validation[last], best, tolerance)
    else:
        near = within_one_error(means[last], best, scores.standard_error)
    points = [scores.points[i] for i in last]
    place = simplest_near(points, near, best, Order.declared(capacity))
    if place is None or place == best:
        return Candidates(edges)
    score, best_score = float(means[last[place]]), float(means[scores.best])
    found = {
        "parameter": name,
        "value": points[place][name],
        "best_value": points[best][name],
    }
    if scores.is_accuracy:
        found |= {
            "error": 1 - score,
            "best_error": 1 - best_score,
            "difference_high": float(upper[place]),
        }
    else:
        found |= {
            "scoring": scores.scoring,
            "score": score,
            "best_score": best_score,
            "standard_error": scores.standard_error,
        }
    return Candidates(edges, found)


def read_curve(by_value, capacity, difference, tolerance):
    """Read a cross-validation of every value of a parameter of capacity.

    Parameters
    ----------
    by_value : list of list of Fold
        The splits of each value, in the order of complexity.
    capacity : Capacity
    difference : callable
        Estimates the validation error of one list of folds minus that of another.
    tolerance : float
        Difference of errors regarded as negligible.

    Returns
    -------
    candidates : Candidates
    """
    name, values, current = capacity.name, capacity.values, capacity.position
    accuracy = np.array([[f.validation_accuracy for f in folds] for folds in by_value])
    scores = accuracy.mean(axis=1)
    best = int(np.argmax(scores))
    upper = [difference(folds, by_value[best]).high for folds in by_value]
    points = [{name: value} for value in values]
    order = Order.declared({name: values})
    place = simplest_near(points, np.array(upper) <= tolerance, best, order)
    simpler = None
    if place != best:
        simpler = {
            "parameter": name,
            "value": values[place],
            "best_value": values[best],
            "error": float(1 - scores[place]),
            "best_error": float(1 - scores[best]),
            "difference_high": upper[place],
        }
    better = None
    if current > 0:
        simpler_best = int(np.argmax(scores[:current]))
        gain = difference(by_value[current], by_value[simpler_best])
        if gain.low > 0:
            better = values[simpler_best], gain
    rows = [
        {
            "value": str(value),
            "fold": fold.number,
            "train_accuracy": fold.train_accuracy,
            "validation_accuracy": fold.validation_accuracy,
        }
        for value, folds in zip(values, by_value, strict=True)
        for fold in folds
    ]
    return Candidates([], simpler, better, pd.DataFrame(rows))
