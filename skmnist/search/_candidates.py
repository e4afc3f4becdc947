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
        "value", "best_value", "error", "best_error" and "standard_error"; where a
        search did not score accuracy "scoring", "score" and "best_score" instead.
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
    grids = [grids] if isinstance(grids, dict) else grids
    # Halving may count a parameter, the number of trees say, as its resource.
    resource = getattr(search, "resource", None)
    params = {k: v for k, v in search.best_params_.items() if k != resource}
    edges = []
    for grid in grids:
        if not _gives(grid, params):
            continue
        for name, values in grid.items():
            # A distribution has no ends to speak of.
            if hasattr(values, "rvs"):
                continue
            best, values = params[name], list(values)
            if len(values) < 2 or not all(map(_is_number, values)):
                continue
            for side, end in (("lowest", min(values)), ("highest", max(values))):
                if best == end != 0:  # nothing lies below zero
                    edges.append((name, best, side, sorted(values)))
    return edges


def _gives(grid, params):
    """Tell whether parameters are of a grid, of several that were searched."""
    return set(grid) == set(params) and all(
        hasattr(values, "rvs")
        or any(np.array_equal(value, params[name]) for value in values)
        for name, values in grid.items()
    )


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _simpler_in(search, capacity):
    results, best = search.cv_results_, search.best_params_
    # Of several scorings the one that chose the best; a function may choose by any.
    metric = search.refit if search.multimetric_ else "score"
    if capacity is None or not isinstance(metric, str):
        return None
    ((name, order),) = capacity.items()
    if name not in best or best[name] not in order:
        return None
    others = {key: value for key, value in best.items() if key != name}
    row_of = {}
    # Halving trains the candidates of another round on another number of samples.
    rounds = results.get("iter", np.zeros(len(results["params"])))
    for row in np.flatnonzero(rounds == np.max(rounds)):
        params = results["params"][row]
        same = all(params.get(key) == value for key, value in others.items())
        if same and params.get(name) in order:
            row_of[order.index(params[name])] = row
    places = sorted(row_of)
    at = order.index(best[name])
    scores = results[f"mean_test_{metric}"][[row_of[place] for place in places]]
    splits = [
        results[f"split{i}_test_{metric}"][row_of[at]] for i in range(search.n_splits_)
    ]
    found = _within_one_error(
        name,
        [order[place] for place in places],
        1 - scores,
        1 - np.array(splits),
        places.index(at),
    )
    scoring = metric if search.multimetric_ else search.scoring
    if search.multimetric_ and isinstance(search.scoring, dict):
        scoring = search.scoring[metric]
    if found is None or scoring in (None, "accuracy"):
        return found
    error, best_error = found.pop("error"), found.pop("best_error")
    said = scoring if isinstance(scoring, str) else metric
    return found | {"scoring": said, "score": 1 - error, "best_score": 1 - best_error}


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
