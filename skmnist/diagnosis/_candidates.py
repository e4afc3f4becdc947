"""Other values of the hyperparameters: a search's results, a curve over capacity."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Candidates:
    """What other values of the hyperparameters gave.

    Attributes
    ----------
    edges : list of tuple of (str, float, str, list)
        Parameters whose best value lies at the end of those tried: the name, the value,
        "lowest" or "highest", and all values.
    simpler : dict or None
        The simplest candidate within one standard error of the best: "parameter",
        "value", "best_value", "error", "best_error" and "standard_error".
    better : tuple of (value, Estimate) or None
        A simpler value whose validation error is proven lower, and by how much.
    curve : DataFrame or None
        Columns value, fold, train_accuracy, validation_accuracy, in the order of
        complexity.
    """

    edges: list
    simpler: dict | None = None
    better: tuple | None = None
    curve: pd.DataFrame | None = None


def read_search(search, capacity):
    """Read what a fitted search tells of its candidates.

    Parameters
    ----------
    search : fitted search of scikit-learn
    capacity : dict of one str to list, or None
        A parameter and its values, from the simplest to the most complex.

    Returns
    -------
    candidates : Candidates
    """
    return Candidates(_edges(search), _simpler_in(search, capacity))


def read_curve(folds, name, values, codes, current, difference):
    """Read a cross-validation of every value of a parameter of capacity.

    Parameters
    ----------
    folds : list of list of Fold
        The splits of each value, in the order of complexity.
    name : str
        The parameter.
    values : list
    codes : ndarray of int of shape (n_rows,)
        True classes.
    current : int
        The place of the value that is judged.
    difference : callable
        Estimates how much lower the validation error of one list of folds is than that
        of another.

    Returns
    -------
    candidates : Candidates
    """
    wrong = [[np.mean(f.test_codes != codes[f.test]) for f in each] for each in folds]
    errors = np.mean(wrong, axis=1)
    best = int(np.argmin(errors))
    simpler = _within_one_error(name, values, errors, np.array(wrong[best]), best)
    better = None
    if current > 0:
        place = int(np.argmin(errors[:current]))
        gain = difference(folds[current], folds[place])
        if gain.low > 0:
            better = values[place], gain
    rows = [
        {
            "value": str(value),
            "fold": fold.number,
            "train_accuracy": np.mean(fold.train_codes == codes[fold.train]),
            "validation_accuracy": np.mean(fold.test_codes == codes[fold.test]),
        }
        for value, each in zip(values, folds, strict=True)
        for fold in each
    ]
    return Candidates([], simpler, better, pd.DataFrame(rows))


def _edges(search):
    grids = getattr(search, "param_grid", None)
    if grids is None:
        grids = getattr(search, "param_distributions", {})
    edges = []
    for grid in [grids] if isinstance(grids, dict) else grids:
        for name, values in grid.items():
            best = search.best_params_.get(name)
            # A distribution has no ends to speak of, and nothing lies below zero.
            if hasattr(values, "rvs") or not _is_number(best) or best == 0:
                continue
            values = list(values)
            if (
                len(values) < 2
                or best not in values
                or not all(map(_is_number, values))
            ):
                continue
            for side, end in (("lowest", min(values)), ("highest", max(values))):
                if best == end:
                    edges.append((name, best, side, sorted(values)))
    return edges


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _simpler_in(search, capacity):
    if capacity is None:
        return None
    ((name, order),) = capacity.items()
    best = search.best_params_
    if best.get(name) not in order:
        return None
    results = search.cv_results_
    others = {key: value for key, value in best.items() if key != name}
    errors, place_of = {}, {}
    for place, params in enumerate(results["params"]):
        same = all(params.get(key) == value for key, value in others.items())
        if same and params.get(name) in order:
            errors[order.index(params[name])] = 1 - results["mean_test_score"][place]
            place_of[order.index(params[name])] = place
    places = sorted(errors)
    values = [order[place] for place in places]
    at = places.index(order.index(best[name]))
    row = place_of[places[at]]
    splits = [1 - results[f"split{i}_test_score"][row] for i in range(search.n_splits_)]
    return _within_one_error(
        name, values, np.array([errors[p] for p in places]), np.array(splits), at
    )


def _within_one_error(name, values, errors, best_splits, best):
    """Return the simplest value within one standard error of the best, or None.

    The rule of Breiman, Friedman, Olshen and Stone, Classification and Regression
    Trees, 1984.
    """
    if len(best_splits) < 2:
        return None
    standard_error = float(np.std(best_splits, ddof=1) / np.sqrt(len(best_splits)))
    place = int(np.flatnonzero(errors <= errors[best] + standard_error)[0])
    if place >= best:
        return None
    return {
        "parameter": name,
        "value": values[place],
        "best_value": values[best],
        "error": float(errors[place]),
        "best_error": float(errors[best]),
        "standard_error": standard_error,
    }
