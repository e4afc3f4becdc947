"""Checks of what a diagnosis is asked for, before anything is trained."""

from collections.abc import Iterable, Mapping, Set
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import indexable
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_method_params, column_or_1d

from skmnist._cross_validation._epochs import can_be_followed, take_apart
from skmnist.classifiers._checks import as_python

_CONSTRAINTS = {
    "estimator": [HasMethods(["fit", "predict"])],
    "cv": ["cv_object"],
    "reference": [
        StrOptions({"auto"}),
        Interval(Real, 0, 1, closed="left"),
        HasMethods(["fit", "predict"]),
    ],
    "tolerance": [Interval(Real, 0, 1, closed="neither")],
    "learning_curve": ["boolean"],
    "params": [dict, None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "capacity": [dict, None],
}


def check_params(caller, **params):
    """Check parameters as scikit-learn does those of its functions.

    Parameters
    ----------
    caller : str
        The function they were passed to, for the message.
    **params
        Those of `diagnose_fit`, or some of them.

    Raises
    ------
    ValueError
        If one is of a wrong type or out of its range.
    """
    constraints = {name: _CONSTRAINTS[name] for name in params}
    validate_parameter_constraints(constraints, params, caller_name=caller)


def check_refitted(estimator):
    """Check that a search, if it is one, keeps a classifier.

    Raises
    ------
    ValueError
        If it does not.
    """
    searches = hasattr(estimator, "param_grid") or hasattr(
        estimator, "param_distributions"
    )
    if searches and not estimator.refit:
        raise ValueError(
            "A search with refit=False has no best estimator to diagnose: set "
            "refit=True, or pass its estimator with the parameters you chose."
        )


def check_capacity(capacity, estimator):
    """Check that a parameter of capacity is the estimator's, and its value known.

    Returns
    -------
    capacity : dict of one str to list, or None
        Of Python's own numbers.

    Raises
    ------
    ValueError
        If it is not.
    """
    if capacity is None:
        return None
    if len(capacity) != 1:
        raise ValueError(
            f"capacity should name one parameter and its values, got {capacity!r}."
        )
    ((name, values),) = capacity.items()
    params = estimator.get_params()
    if name not in params:
        raise ValueError(
            f"capacity names {name!r}, which is none of the estimator's parameters: "
            f"{sorted(params)}."
        )
    unordered = isinstance(values, str | Mapping | Set)
    if unordered or not isinstance(values, Iterable):
        raise ValueError(f"capacity should list the values of {name}, got {values!r}.")
    values = [as_python(value) for value in values]
    if sum(value == params[name] for value in values) != 1 or len(values) < 2:
        raise ValueError(
            f"capacity should list two values of {name} or more, the estimator's own, "
            f"{params[name]!r}, once among them; got {values!r}."
        )
    return {name: values}


def counts_epochs(estimator, name, values, params):
    """Tell whether a parameter of capacity counts the epochs of one training.

    Then a training of fewer epochs is the beginning of a longer one, and need not be
    run. With callbacks, which may act on the number of epochs, it is not so.

    Parameters
    ----------
    estimator : classifier
    name : str
        The parameter.
    values : list
    params : dict or None
        Parameters of `fit`.

    Raises
    ------
    ValueError
        If early stopping decides on the number of epochs, or a value is none.
    """
    _, final, _, _ = take_apart(estimator, {})
    prefix = "" if final is estimator else f"{estimator.steps[-1][0]}__"
    if name != f"{prefix}epochs" or not can_be_followed(estimator, params or {}):
        return False
    if final.get_params().get("early_stopping"):
        raise ValueError(
            f"capacity compares values of {name}, but early_stopping=True ends a "
            "training by itself: set it to False, or leave capacity out."
        )
    for value in values:
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                f"capacity should list positive integers for {name}, got {value!r}."
            )
    return True


def check_data(X, y, groups):
    """Check samples and labels; return them with y and groups as arrays.

    Raises
    ------
    ValueError
        If lengths differ, or y is not of at least two classes, or a label is missing.
    """
    X, y, groups = indexable(X, y, groups)
    return X, _check_labels(y, "y"), None if groups is None else np.asarray(groups)


def _check_labels(y, name, least=2):
    y = column_or_1d(y, warn=True)
    if pd.isna(y).any():
        raise ValueError(
            f"Input {name} contains NaN: leave out the samples without a label."
        )
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < least:
        raise ValueError(
            f"{name} should hold at least 2 classes, got only {classes.tolist()}."
        )
    return y


def add_hold_out(X, y, X_val, y_val, params):
    """Append the hold-out; return samples, labels, metadata and the one split.

    Raises
    ------
    ValueError
        If half of the hold-out is missing, or it does not match X and y.
    """
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val go together, but {missing} is None.")
    X_val, y_val = indexable(X_val, y_val)
    y_val = _check_labels(y_val, "y_val", least=1)
    unknown = np.setdiff1d(y_val, y)
    if len(unknown):
        raise ValueError(
            f"y_val holds the labels {unknown.tolist()}, which y does not."
        )
    kinds = [_kind(part) for part in (X, X_val)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"X is {kinds[0]}, X_val {kinds[1]}: give both in the same form."
        )
    if isinstance(X, pd.DataFrame):
        others = X.columns.symmetric_difference(X_val.columns, sort=False)
        if len(others):
            raise ValueError(
                f"X and X_val differ in their columns: {others.tolist()[:10]}."
            )
        X_val = X_val[X.columns]
    if np.shape(X)[1:] != np.shape(X_val)[1:]:
        raise ValueError(
            f"X_val has samples of shape {np.shape(X_val)[1:]}, those of X have "
            f"{np.shape(X)[1:]}."
        )
    # The first entry stands in for the hold-out, which nothing is fitted on.
    rows = np.concatenate([np.arange(len(y)), np.zeros(len(y_val), dtype=int)])
    params = _check_method_params(X, params or {}, indices=rows)
    if isinstance(X, pd.DataFrame):
        X = pd.concat([X, X_val], ignore_index=True)
    elif sparse.issparse(X):
        X = sparse.vstack([X, X_val], format="csr")
    else:
        X = np.concatenate([X, X_val])
    every = np.arange(len(y) + len(y_val))
    return X, np.concatenate([y, y_val]), params, [(every[: len(y)], every[len(y) :])]


def _kind(X):
    if isinstance(X, pd.DataFrame):
        return "a DataFrame"
    return "a sparse matrix" if sparse.issparse(X) else "an array"
