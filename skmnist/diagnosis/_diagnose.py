"""Cross-validate a classifier, and a reference, for a verdict on its fit."""

import contextlib
from collections.abc import Iterable
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.model_selection import StratifiedGroupKFold

from skmnist._cross_validation._duplicates import find_twins
from skmnist._cross_validation._folds import rows_of_splits, run_folds
from skmnist._cross_validation._learning_curve import FRACTIONS, run_learning_curve
from skmnist._cross_validation._reference import (
    check_reference,
    n_reference_fits,
    run_reference,
)
from skmnist._seed import draw_seed
from skmnist.diagnosis import _intervals as intervals
from skmnist.diagnosis._checks import (
    add_hold_out,
    check_capacity,
    check_data,
    check_params,
    check_refitted,
    counts_epochs,
)
from skmnist.diagnosis._result import FitDiagnosis
from skmnist.report._provenance import one_line
from skmnist.search._candidates import read_curve, read_search


def diagnose_fit(
    estimator,
    X,
    y,
    *,
    cv=5,
    X_val=None,
    y_val=None,
    reference="auto",
    tolerance=0.02,
    learning_curve=False,
    groups=None,
    params=None,
    n_jobs=None,
    random_state=None,
    capacity=None,
    verbose=0,
):
    """Say whether a classifier underfits, overfits, does both, or fits well.

    It is trained on every split of a cross-validation and judged, in inference mode,
    on the samples it was trained on and on those it was not. The training error above
    that of a reference is the bias, the validation error above the training error the
    gap; the verdict compares their 95 % intervals with `tolerance`.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier, Pipeline or search. It is cloned, never changed. Of
        a search that was fitted before the best estimator is judged, and its results
        are evidence.
    X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
        Samples, as the estimator takes them.
    y : array-like of shape (n_samples,)
        Labels.
    cv : int, cross-validation generator or iterable of (train, test), default=5
        An integer means stratified folds, of whole groups where `groups` are given.
    X_val : array-like of shape (n_validation, ...), default=None
        A hold-out to judge on instead of `cv`. One training cannot show how much of the
        result is its luck.
    y_val : array-like of shape (n_validation,), default=None
        The hold-out's labels.
    reference : "auto", float or classifier, default="auto"
        What error is in reach. "auto" takes the best of k nearest neighbours, an RBF
        support vector machine and histogram gradient boosting, on at most 2,000
        training rows of the same splits, leaving out one that is proven worse on the
        first; a float is a known irreducible error, in
        [0, 1); a classifier is trained on the same splits.
    tolerance : float, default=0.02
        The bias or gap that does not matter, in (0, 1). 0.005 suits 60,000 images.
    learning_curve : bool, default=False
        Whether to train on parts of each split as well, to see if more data would help.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group (of one writer, say) are not independent.
    params : dict, default=None
        Metadata for `fit`, such as ``{"sample_weight": weights}``, sliced for each
        split as `cross_validate` does. Scores are not weighted.
    n_jobs : int, default=None
        Splits trained at a time.
    random_state : int, RandomState instance or None, default=None
        Seeds the reference, the learning curve's order, and networks without a
        `random_state` of their own, alone or at the end of a Pipeline.
    capacity : dict of one str to list, default=None
        A parameter of the estimator and its values, from the simplest to the most
        complex, the estimator's own among them. Each is cross-validated (a fitted
        search has done that before), to see whether a simpler one would do. Several
        numbers of `epochs` cost one training each split, to the largest: the others
        are read on the way, and equal trainings of their own.
    verbose : {0, 1}, default=0
        1 says on the standard error how many fits there will be and, after the first
        epochs, how long they will take; on a terminal a bar shows the time left.

    Returns
    -------
    diagnosis : FitDiagnosis
        The verdict with its numbers.

    Raises
    ------
    ValueError
        If the estimator is no classifier, or data or a parameter are unusable. Nothing
        is trained then.

    See Also
    --------
    FitDiagnosis.from_cv_results : The verdict on what `cross_validate` trained.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> X, y = load_digits(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> diagnosis.verdict
    'overfit'
    >>> [finding.code for finding in diagnosis.findings]
    ['FIT03', 'FIT06', 'FIT08']
    """
    with contextlib.ExitStack() as stack:
        progress = None
        if verbose:
            from skmnist.diagnosis._progress import FitProgress

            progress = stack.enter_context(FitProgress(tell_plan=True))
        return run_diagnosis(
            estimator,
            X,
            y,
            cv=cv,
            X_val=X_val,
            y_val=y_val,
            reference=reference,
            tolerance=tolerance,
            learning_curve=learning_curve,
            groups=groups,
            params=params,
            n_jobs=n_jobs,
            random_state=random_state,
            capacity=capacity,
            progress=progress,
        )


def run_diagnosis(
    estimator,
    X,
    y,
    *,
    cv=5,
    X_val=None,
    y_val=None,
    reference="auto",
    tolerance=0.02,
    learning_curve=False,
    groups=None,
    params=None,
    n_jobs=None,
    random_state=None,
    capacity=None,
    progress=None,
    finished=None,
):
    """Diagnose as `diagnose_fit`, telling a `FitProgress`.

    Each split that is done is appended to the list `finished`, for who stops it.
    """
    check_refitted(estimator)
    check_params(
        "diagnose_fit",
        estimator=estimator,
        cv=cv,
        reference=reference,
        tolerance=tolerance,
        learning_curve=learning_curve,
        params=params,
        n_jobs=n_jobs,
        random_state=random_state,
        capacity=capacity,
    )
    if not is_classifier(estimator):
        raise ValueError(f"estimator should be a classifier, got {estimator!r}.")
    search = estimator if hasattr(estimator, "best_params_") else None
    if search is not None:
        estimator = search.best_estimator_
    capacity = check_capacity(capacity, estimator)
    configuration = {
        "estimator": one_line(estimator),
        "cv": one_line(cv),
        "groups": "the caller's" if groups is not None else "None",
        "params": ", ".join(params) if params else "None",
        "reference": one_line(reference),
        "tolerance": one_line(tolerance),
        "learning_curve": one_line(learning_curve),
        "capacity": one_line(capacity),
        "random_state": one_line(random_state),
    }
    if X_val is not None:
        configuration["cv"] = "a hold-out"
    elif isinstance(cv, Iterable):
        configuration["cv"] = "splits of the caller's"
    X, y, groups = check_data(X, y, groups)
    first_row = 0
    if X_val is not None or y_val is not None:
        if groups is not None:
            raise ValueError("groups are of no use with X_val: leave one of them out.")
        first_row = len(y)
        X, y, params, cv = add_hold_out(X, y, X_val, y_val, params)
    elif groups is not None and isinstance(cv, Integral):
        cv = StratifiedGroupKFold(cv)
    check_reference(reference, X)
    splits = rows_of_splits(cv, X, y, groups)
    seed = draw_seed(random_state)
    longest, at, others = estimator, (), []
    # A fitted search has tried the values of capacity before.
    if capacity is not None and search is None:
        ((name, values),) = capacity.items()
        if counts_epochs(estimator, name, values, params):
            longest = clone(estimator).set_params(**{name: max(values)})
            at = values
        else:
            own = estimator.get_params()[name]
            others = [value for value in values if value != own]

    def fit(estimator, stage, done=0, **options):
        return run_folds(
            estimator,
            X,
            y,
            cv=splits,
            params=params,
            n_jobs=n_jobs,
            progress=progress and progress.stage(stage, done),
            random_state=seed,
            **options,
        )

    if progress is not None:
        n_fits = {
            "folds": len(splits),
            "capacity": len(splits) * len(others),
            "learning curve": len(splits) * len(FRACTIONS) if learning_curve else 0,
            "reference at most": len(splits) * n_reference_fits(reference),
        }
        n_full_fits = len(splits) * (1 + len(others) + learning_curve * sum(FRACTIONS))
        progress.plan(n_fits, n_full_fits, effective_n_jobs(n_jobs))
    folds = fit(longest, "folds", at=at, finished=finished)
    candidates = None
    if search is not None:
        candidates = read_search(search, capacity)
    elif capacity is not None:
        current = values.index(estimator.get_params()[name])
        if at:
            by_value = [[fold.at[value] for fold in folds] for value in values]
            folds = by_value[current]
        else:
            by_value = [
                fit(
                    clone(estimator).set_params(**{name: value}),
                    "capacity",
                    number * len(splits),
                    epochs=False,
                )
                for number, value in enumerate(others)
            ]
            by_value.insert(current, folds)
        codes = np.unique(y, return_inverse=True)[1]
        candidates = read_curve(
            by_value, name, values, codes, current, _paired(codes, groups)
        )
    curve = half = None
    if learning_curve:
        curve, half = run_learning_curve(
            estimator,
            X,
            y,
            splits,
            folds,
            params=params,
            n_jobs=n_jobs,
            seed=seed,
            progress=progress,
        )
    name, reference = run_reference(
        reference,
        X,
        y,
        splits,
        n_jobs=n_jobs,
        seed=seed,
        progress=progress,
    )
    return FitDiagnosis._from_folds(
        estimator,
        folds,
        X,
        y,
        splits,
        name,
        reference,
        tolerance,
        groups=groups,
        curve=curve,
        half=half,
        twins=find_twins(X, splits),
        candidates=candidates,
        first_row=first_row,
        params=params,
        configuration=configuration,
    )


def _paired(codes, groups):
    """Return what estimates how much less the second list of folds errs."""

    def difference(first, second):
        errors = np.full((2, len(codes)), np.nan)
        for error, folds in zip(errors, (first, second), strict=True):
            for fold in folds:
                error[fold.test] = fold.test_codes != codes[fold.test]
        rows = np.flatnonzero(~np.isnan(errors[0]))
        return intervals.paired_difference(
            *errors[:, rows], groups=None if groups is None else groups[rows]
        )

    return difference
