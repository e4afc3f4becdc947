"""Read a finished search: the best candidate, simpler ones, and the edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skmnist.report._provenance import fingerprint, one_line
from skmnist.search._candidates import Order, find_edges, read_scores
from skmnist.search._result import SearchDiagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from skmnist._typing import ArrayLike, Estimator


def diagnose_search(
    search: Estimator,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    capacity: Mapping[str, Sequence[Any]] | None = None,
) -> SearchDiagnosis:
    """Say what a fitted search found, and which candidate to take.

    Parameters
    ----------
    search : fitted GridSearchCV, RandomizedSearchCV or halving search
        Of scikit-learn, over any classifier. With ``return_train_score=True`` the
        validation curves show both sides.
    X : array-like of shape (n_samples, ...), default=None
        The data that were searched. They are not used for training: a report records
        their fingerprint, and the number of features orders `hidden_layer_sizes` by
        their number of weights, if the search has no best estimator that knows it.
    y : array-like of shape (n_samples,), default=None
        The labels of X.
    capacity : dict of str to list, default=None
        Parameters and their values, the simplest first. None knows the order of this
        package's own parameters: `epochs`, `hidden_layer_sizes`, `filters`, `dropout`,
        `hidden_dropout` and `l2`.

    Returns
    -------
    diagnosis : SearchDiagnosis
        What to take from the search, with tables and pictures.

    Raises
    ------
    NotFittedError
        If the search is not fitted.
    ValueError
        If it is no search, chose the best candidate by a function of several scores, or
        has no score for it, or if `capacity` names a parameter that was not searched.

    See Also
    --------
    diagnose_fit : The verdict on a single classifier, or on the best one of a search.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_search
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> search = GridSearchCV(tree, {"max_depth": [1, 2, 3, 4, 5]}).fit(X, y)
    >>> diagnosis = diagnose_search(search, capacity={"max_depth": [1, 2, 3, 4, 5]})
    >>> diagnosis.best, diagnosis.simplest
    ({'max_depth': 4}, {'max_depth': 3})
    >>> print(diagnosis.sentences[0])
    The best candidate, max_depth=4, has an error of 3.3 % on new samples (standard
    error 1.8 %).
    """
    known = "cv_results_", "param_grid", "param_distributions"
    if isinstance(search, BaseEstimator) and not any(hasattr(search, k) for k in known):
        raise ValueError(
            "diagnose_search takes a fitted search, such as GridSearchCV, got "
            f"{search!r}."
        )
    check_is_fitted(search, "cv_results_")
    scores = read_scores(search)
    if scores is None:
        raise ValueError(
            "diagnose_search needs one score that chose the best candidate, but "
            f"refit={search.refit!r} of {type(search).__name__} does not name one: set "
            "refit to the name of a score."
        )
    if np.isnan(scores.validation[scores.best]).any():
        raise ValueError(
            "The best candidate of the search has no score on some splits (NaN): its "
            "fits or its scorer failed there. error_score='raise' shows why."
        )
    if capacity is not None and not isinstance(capacity, Mapping):
        raise ValueError(
            "capacity should be a dict of parameters and their values, such as "
            f"{{'max_depth': [1, 2, 3]}}, got {capacity!r}."
        )
    unknown = set(capacity or ()) - {name for point in scores.points for name in point}
    if unknown:
        raise ValueError(
            f"capacity names {sorted(unknown)}, which the search did not vary: it has "
            f"{sorted({name for point in scores.points for name in point})}."
        )
    shape = np.shape(X)[1:] if X is not None else ()
    n_features = getattr(search, "n_features_in_", None)
    n_features = int(np.prod(shape)) if shape else n_features
    classes = getattr(search, "classes_", ()) if y is None else np.unique(y)
    data = {}
    for name, part in (("X", X), ("y", y)):
        if part is not None:
            data[name] = fingerprint(part)
    if capacity is None:
        order = Order.of_known_parameters(scores.points, n_features, len(classes))
    else:
        order = Order.declared({name: list(v) for name, v in capacity.items()})
    return SearchDiagnosis(
        scores=scores,
        order=order,
        edges=find_edges(search, scores),
        fit_times=np.asarray(search.cv_results_["mean_fit_time"]),
        resource=_resource(search),
        data=data,
        configuration={
            "estimator": one_line(search.estimator),
            "search": type(search).__name__,
        },
    )


def _resource(search):
    """Return the name of a halving search's resource and its values, or None."""
    if "iter" not in search.cv_results_:
        return None
    return search.resource, np.asarray(search.cv_results_["n_resources"])
