"""Cross-validate a classifier, and a reference, for a verdict on its fit."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.model_selection import learning_curve as _learning_curve

from skmnist.diagnosis._fit_diagnosis import FitDiagnosis
from skmnist.diagnosis._folds import draw_seed, run_folds
from skmnist.diagnosis._input import add_hold_out, check_data, check_params
from skmnist.diagnosis._reference import check_reference, run_reference


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
):
    """Say whether a classifier underfits, overfits, does both, or fits well.

    It is trained on every split of a cross-validation and judged, in inference mode,
    on the samples it was trained on and on those it was not. The training error above
    that of a reference is the bias, the validation error above the training error the
    gap; the verdict compares their 95 % intervals with `tolerance`.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier, Pipeline or search. It is cloned, never changed.
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
        training rows of the same splits; a float is a known irreducible error, in
        [0, 1); a classifier is trained on the same splits.
    tolerance : float, default=0.02
        The bias or gap that does not matter, in (0, 1). 0.005 suits 60,000 images.
    learning_curve : bool, default=False
        Whether to train on parts of each split as well.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group (of one writer, say) are not independent.
    params : dict, default=None
        Metadata for `fit`, such as ``{"sample_weight": weights}``, sliced for each
        split as `cross_validate` does. Scores are not weighted.
    n_jobs : int, default=None
        Splits trained at a time.
    random_state : int, RandomState instance or None, default=None
        Seeds the reference, the learning curve's order, and networks without a
        `random_state` of their own.

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
    ['FIT03']
    """
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
    progress=None,
):
    """Diagnose as `diagnose_fit`, telling ``progress(fold, epoch, n_epochs)``."""
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
    )
    if not is_classifier(estimator):
        raise ValueError(f"estimator should be a classifier, got {estimator!r}.")
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
    splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    seed = draw_seed(random_state)
    folds = run_folds(
        estimator,
        X,
        y,
        cv=splits,
        params=params,
        n_jobs=n_jobs,
        progress=progress,
        random_state=seed,
    )
    curve = None
    if learning_curve:
        curve = _run_learning_curve(estimator, X, y, splits, params, n_jobs, seed)
    name, reference = run_reference(reference, X, y, splits, n_jobs=n_jobs, seed=seed)
    return FitDiagnosis._from_folds(
        folds,
        y,
        splits,
        name,
        reference,
        tolerance,
        groups=groups,
        curve=curve,
        first_row=first_row,
    )


def _run_learning_curve(estimator, X, y, splits, params, n_jobs, seed):
    sizes, train, validation = _learning_curve(
        estimator,
        X,
        y,
        cv=splits,
        train_sizes=np.linspace(0.2, 1, 5),
        scoring="accuracy",
        shuffle=True,
        random_state=seed,
        n_jobs=n_jobs,
        params=params,
    )
    return pd.DataFrame(
        {
            "train_size": np.repeat(sizes, len(splits)),
            "fold": np.tile(np.arange(1, len(splits) + 1), len(sizes)),
            "train_accuracy": train.ravel(),
            "validation_accuracy": validation.ravel(),
        }
    )
