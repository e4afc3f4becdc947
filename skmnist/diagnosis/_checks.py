"""Checks of the arguments of a diagnosis, before anything is trained."""

import sys
from collections.abc import Iterable, Mapping, Set
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.semi_supervised import (
    LabelPropagation,
    LabelSpreading,
    SelfTrainingClassifier,
)
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_method_params, column_or_1d

from skmnist._cross_validation._scores import final_step
from skmnist._cross_validation._splits import check_splits
from skmnist.diagnosis._findings import CHECKS

_CONSTRAINTS = {
    # Not "predict": a StackingClassifier has it only once it is fitted.
    "estimator": [HasMethods("fit")],
    "cv": ["cv_object"],
    "reference": [
        StrOptions({"auto"}),
        Interval(Real, 0, 1, closed="left"),
        HasMethods("fit"),
    ],
    "tolerance": [Interval(Real, 0, 1, closed="neither")],
    "learning_curve": ["boolean"],
    "params": [dict, None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "capacity": [dict, None],
}


def check_params(caller, **params):
    """Check the types and ranges of parameters, as scikit-learn does.

    Parameters
    ----------
    caller : str
        The function that they were passed to, for the message.
    **params
        Parameters of `diagnose_fit` by name.

    Raises
    ------
    ValueError
        If a parameter has a wrong type or is out of its range.
    """
    constraints = {name: _CONSTRAINTS[name] for name in params}
    validate_parameter_constraints(constraints, params, caller_name=caller)


def check_estimator(estimator):
    """Check that an estimator is a classifier that can be diagnosed.

    Raises
    ------
    ValueError
        If it is not a classifier, or is a search with ``refit=False``.
    """
    searches = hasattr(estimator, "param_grid") or hasattr(
        estimator, "param_distributions"
    )
    if searches and not estimator.refit:
        raise ValueError(
            "A search with refit=False has no best estimator to diagnose: set "
            "refit=True, or pass its estimator with the parameters you chose."
        )
    if hasattr(estimator, "fit") and not _is_classifier(estimator):
        raise ValueError(f"estimator should be a classifier, got {estimator!r}.")


def _is_classifier(estimator):
    try:
        return is_classifier(estimator)
    except AttributeError:
        network = "keras" in sys.modules and isinstance(
            estimator, sys.modules["keras"].Model
        )
        hint = "inherit from sklearn.base.ClassifierMixin and BaseEstimator"
        if network:
            hint = "give it to KerasImageClassifier(model=...)"
        raise ValueError(
            f"estimator should be a classifier of scikit-learn's kind, got "
            f"{estimator!r}: {hint}."
        ) from None


def check_trains(estimator, y, has_hold_out):
    """Check that `fit` trains the estimator, and that every sample can be scored.

    Raises
    ------
    ValueError
        If the estimator is frozen, and there is no hold-out of which it is known that
        it was not trained on; or if -1 means that a sample has no label.
    """
    final = final_step(estimator)
    if isinstance(final, FrozenEstimator) and not has_hold_out:
        raise ValueError(
            "A FrozenEstimator is not trained on the splits, so its errors on their "
            "two sides do not differ. Pass the estimator in it; or pass the samples "
            "that it was trained on as X and y, and others as X_val and y_val."
        )
    if isinstance(final, SelfTrainingClassifier | LabelPropagation | LabelSpreading):
        n_unlabelled = np.sum(y == -1) if y.dtype.kind in "if" else 0
        if n_unlabelled:
            raise ValueError(
                f"{n_unlabelled:,} samples have the label -1, which means for "
                f"{type(final).__name__} that they have none: every prediction of "
                "them would count as an error. Pass the labelled samples only."
            )


def check_capacity(capacity, estimator):
    """Check that `capacity` lists values of one of the estimator's parameters.

    Returns
    -------
    capacity : dict of one str to list, or None
        With Python's numbers in place of NumPy's.

    Raises
    ------
    ValueError
        If it does not, or the estimator's own value is not among them.
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
            f"capacity names {name!r}, which is not a parameter of the estimator: it "
            f"has {sorted(params)}."
        )
    unordered = isinstance(values, str | Mapping | Set)
    if unordered or not isinstance(values, Iterable):
        raise ValueError(f"capacity should list the values of {name}, got {values!r}.")
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    if sum(value == params[name] for value in values) != 1 or len(values) < 2:
        raise ValueError(
            f"capacity should list at least two values of {name}, and the estimator's "
            f"own, {params[name]!r}, exactly once; got {values!r}."
        )
    return {name: values}


def check_ignore(ignore):
    """Check that `ignore` lists codes of findings, and return them sorted.

    Returns
    -------
    ignore : tuple of str

    Raises
    ------
    ValueError
        If it is a text, or a code is not that of a finding.
    """
    if isinstance(ignore, str) or not isinstance(ignore, Iterable):
        raise ValueError(
            f"ignore should list codes of findings, such as ('FIT08',), got {ignore!r}."
        )
    ignore = dict.fromkeys(map(str, ignore))
    unknown = [code for code in ignore if code not in CHECKS]
    if unknown:
        raise ValueError(
            f"ignore names {', '.join(unknown)}, but the findings are "
            f"{', '.join(CHECKS)}."
        )
    return tuple(sorted(ignore))


def check_data(X, y, groups):
    """Check samples and labels, and return them with y and groups as arrays.

    Raises
    ------
    ValueError
        If lengths differ, y has fewer than two classes or labels that cannot be
        compared, or a label or a group is missing.
    """
    X, y, groups = indexable(_ragged_as_objects(X), y, groups)
    if groups is not None:
        groups = column_or_1d(groups)
        if pd.isna(groups).any():
            raise ValueError(
                "Input groups contains NaN: pass a group for each sample, one of its "
                "own if it belongs to no other."
            )
    return X, _check_labels(y, "y"), groups


def _ragged_as_objects(X):
    """Return samples; a list of arrays of different shapes as an array of objects."""
    if not isinstance(X, list | tuple):
        return X
    try:
        np.asarray(X)
    except ValueError:
        samples = np.empty(len(X), dtype=object)
        for place, sample in enumerate(X):
            samples[place] = sample
        return samples
    return X


def _check_labels(y, name, least=2):
    y = column_or_1d(y, warn=True)
    if pd.isna(y).any():
        raise ValueError(
            f"Input {name} contains NaN: remove the samples without a label."
        )
    try:
        classes = np.unique(y)
    except TypeError:
        types = sorted({type(label).__name__ for label in y})
        raise ValueError(
            f"{name} should hold labels of one type, got {' and '.join(types)}."
        ) from None
    check_classification_targets(y)
    if len(classes) < least:
        raise ValueError(
            f"{name} should hold at least 2 classes, got only {classes.tolist()}."
        )
    return y


def add_hold_out(X, y, X_val, y_val, groups, params):
    """Append a hold-out; return samples, labels, metadata and the single split.

    Raises
    ------
    ValueError
        If X_val or y_val is missing, there are groups, or the hold-out does not match X
        and y.
    """
    if groups is not None:
        raise ValueError("groups cannot be combined with X_val; pass one or the other.")
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"X_val and y_val must be given together; {missing} is None.")
    X_val, y_val = indexable(_ragged_as_objects(X_val), y_val)
    y_val = _check_labels(y_val, "y_val", least=1)
    unknown = np.setdiff1d(y_val, y)
    if len(unknown):
        raise ValueError(
            f"y_val contains the labels {unknown.tolist()}, which y does not contain."
        )
    X_val = _in_form_of(X, X_val, "X_val")
    # Metadata of the hold-out is not used, because nothing is fitted on it. The first
    # entry fills its place.
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


def check_test_samples(estimator, X, y, X_test, y_test):
    """Check test samples against those that are trained on.

    Returns
    -------
    X_test : array-like of shape (n_test, ...)
        With the columns in the order of those of X.
    y_test : array-like of shape (n_test,) or None
        As given.
    codes : ndarray of int of shape (n_test,) or None
        Classes as positions in the sorted labels of y, −1 for a label that y does not
        contain: a prediction of such a sample is an error, as for `score`. None without
        labels.
    All three are one None if there are neither test samples nor labels.

    Raises
    ------
    ValueError
        If X_test is missing, does not match X, or y_test does not match X_test or y.
    """
    if X_test is None and y_test is None:
        return None
    if X_test is None:
        raise ValueError("y_test was given without X_test: pass both, or X_test alone.")
    if get_tags(estimator).input_tags.pairwise:
        raise ValueError(
            "X_test cannot be used with an estimator that takes kernels or distances "
            "between samples: pass an estimator that computes them itself."
        )
    X_test, y_test = indexable(_ragged_as_objects(X_test), y_test)
    X_test = _in_form_of(X, X_test, "X_test")
    if y_test is None:
        return X_test, None, None
    labels = _check_labels(y_test, "y_test", least=1)
    codes = pd.Index(np.unique(y)).get_indexer(labels)
    if (codes < 0).all():
        raise ValueError(
            f"None of the labels of y_test, {np.unique(labels)[:5].tolist()}, is a "
            f"label of y, {np.unique(y)[:5].tolist()}: pass labels of the same kind."
        )
    return X_test, y_test, codes


def _in_form_of(X, other, name):
    """Return other samples with the columns of X, or raise ValueError."""
    kinds = [_kind(part) for part in (X, other)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"X is {kinds[0]}, but {name} is {kinds[1]}: pass both in the same form."
        )
    if isinstance(X, pd.DataFrame):
        others = X.columns.symmetric_difference(other.columns, sort=False)
        if len(others):
            raise ValueError(
                f"X and {name} differ in their columns: {others.tolist()[:10]}."
            )
        other = other[X.columns]
    if np.shape(X)[1:] != np.shape(other)[1:]:
        raise ValueError(
            f"{name} has samples of shape {np.shape(other)[1:]}, but those of X have "
            f"shape {np.shape(X)[1:]}."
        )
    return other


def _kind(X):
    if isinstance(X, pd.DataFrame):
        return "a DataFrame"
    return "a sparse matrix" if sparse.issparse(X) else "an array"


def check_cv_results(cv_results, y):
    """Check that the results of `cross_validate` belong to labels; return the splits.

    Parameters
    ----------
    cv_results : dict
    y : ndarray of shape (n_samples,)

    Returns
    -------
    splits : list of (train, test)

    Raises
    ------
    ValueError
        If estimators or indices are missing, or belong to other labels.
    """
    if not {"estimator", "indices"} <= set(cv_results):
        raise ValueError(
            "cv_results should hold the estimators and their rows, got "
            f"{sorted(cv_results)}. Call cross_validate with return_estimator=True and "
            "return_indices=True."
        )
    indices = cv_results["indices"]
    splits = list(zip(indices["train"], indices["test"], strict=True))
    highest = max(np.max(rows) for split in splits for rows in split)
    if highest >= len(y):
        raise ValueError(
            f"cv_results contains row {highest}, but X has {len(y)} rows: pass the X "
            "and y that cross_validate was given."
        )
    check_splits(splits)
    for estimator in cv_results["estimator"]:
        unknown = np.setdiff1d(getattr(estimator, "classes_", y), y)
        if len(unknown):
            raise ValueError(
                f"The estimators of cv_results know the labels {unknown.tolist()}, "
                "which y does not contain: pass the y that cross_validate was given."
            )
    return splits
