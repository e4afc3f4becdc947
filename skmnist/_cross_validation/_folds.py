"""Train a classifier on every split and keep what it got wrong, sample by sample."""

from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from skmnist._cross_validation._epochs import Curves, can_be_followed, follow
from skmnist._cross_validation._scores import final_step, judge, kept_rows
from skmnist._seed import draw_seed


@dataclass(frozen=True, eq=False)
class Fold:
    """One split, trained on and judged in inference mode.

    Attributes
    ----------
    number : int
        Counted from 1.
    train, test : ndarray of int
        Rows. Those that the classifier held out inside `fit` are in neither.
    train_codes, test_codes : ndarray of int
        Predictions, as places in the sorted labels.
    train_loss, test_loss : ndarray of float
        Log-loss of each sample; NaN where there are no probabilities.
    probability : ndarray of float
        Probability of each prediction for the rows of `test`; NaN likewise.
    fit_time : float
        Seconds.
    curves : Curves or None
        Where the estimator could be followed from epoch to epoch.
    at : dict of int to Fold
        The same split at some epochs, as if the training had ended there.
    """

    number: int
    train: np.ndarray
    test: np.ndarray
    train_codes: np.ndarray
    test_codes: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    probability: np.ndarray
    fit_time: float
    curves: Curves | None = None
    at: dict = field(default_factory=dict)


def run_folds(
    estimator,
    X,
    y,
    *,
    cv,
    groups=None,
    params=None,
    n_jobs=None,
    epochs=True,
    progress=None,
    random_state=None,
    at=(),
    finished=None,
):
    """Train on every split and judge both sides of it.

    A classifier with `partial_fit` and a parameter `epochs`, alone or at the end of a
    Pipeline, is followed from epoch to epoch. Where it holds rows out (`early_stopping`
    or `validation_fraction`), `fit` shows which and for how long, and a second training
    on the other rows gives the curves. One with `callbacks` or `warm_start` is fitted
    plainly, as is any other estimator.

    Parameters
    ----------
    estimator : classifier
        Cloned for each split.
    X : array-like of shape (n_samples, ...)
    y : array-like of shape (n_samples,)
        Labels.
    cv : int, cross-validation generator or iterable of (train, test)
    groups : array-like of shape (n_samples,), default=None
        For the splitter.
    params : dict, default=None
        Passed to `fit`; what has an entry for each sample is sliced.
    n_jobs : int, default=None
        Splits trained at a time.
    epochs : bool, default=True
        Whether to follow a classifier that can be.
    progress : callable, default=None
        Called as ``progress(fold, epoch, n_epochs)``, all counted from 1: after every
        epoch, or, with several jobs or a plain fit, with the last epoch (of one) when
        a split is done.
    random_state : int, RandomState instance or None, default=None
        Seeds a network whose own `random_state` is None.
    at : collection of int, default=()
        Epochs at which a followed classifier is judged, too.
    finished : list, default=None
        Each split is appended to it as it is done, for who stops in between.

    Returns
    -------
    folds : list of Fold
        In the order of the splits.
    """
    X, y = indexable(X, y)
    y = np.asarray(y)
    classes, codes = np.unique(y, return_inverse=True)
    splits = rows_of_splits(cv, X, y, groups)
    rng = np.random.default_rng(draw_seed(random_state))
    seeds = rng.integers(2**31 - 1, size=len(splits)).tolist()
    tasks = [
        (number, clone(estimator), X, y, codes, classes, split, params or {}, seed)
        for number, (split, seed) in enumerate(zip(splits, seeds, strict=True), 1)
    ]
    folds = [] if finished is None else finished
    if effective_n_jobs(n_jobs) == 1:
        for task in tasks:
            folds.append(_run_fold(*task, epochs, progress, at))
        return list(folds)
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    for fold in parallel(delayed(_run_fold)(*task, epochs, None, at) for task in tasks):
        folds.append(fold)
        if progress is not None:
            n_epochs = 1 if fold.curves is None else len(fold.curves.train_loss)
            progress(fold.number, n_epochs, n_epochs)
    return sorted(folds, key=lambda fold: fold.number)


def rows_of_splits(cv, X, y, groups=None):
    """Return the rows of each split, however its user gave them.

    Parameters
    ----------
    cv : int, cross-validator or iterable of (train, test)
        Row numbers or masks, arrays or lists.
    X, y, groups : array-like of shape (n_samples, ...)

    Returns
    -------
    splits : list of (train, test)
        Arrays of int.
    """
    splits = check_cv(cv, y, classifier=True).split(X, y, groups)
    return [tuple(_rows(side) for side in split) for split in splits]


def _rows(side):
    side = np.asarray(side)
    return np.flatnonzero(side) if side.dtype == bool else side


def judge_fitted(estimator, X, y, *, train, test, number, fit_time):
    """Judge a classifier that was fitted before.

    Parameters
    ----------
    estimator : classifier
        Fitted on the rows `train`.
    X : array-like of shape (n_samples, ...)
    y : array-like of shape (n_samples,)
    train, test : ndarray of int
        Rows of X.
    number : int
        The split, counted from 1.
    fit_time : float
        Seconds.

    Returns
    -------
    fold : Fold
    """
    classes, codes = np.unique(y, return_inverse=True)
    X_train, _ = _safe_split(estimator, X, None, train)
    X_test, _ = _safe_split(estimator, X, None, test, train)
    return _judged_fold(
        number, estimator, (train, test), (X_train, X_test), codes, classes, fit_time
    )


def _run_fold(
    number, estimator, X, y, codes, classes, split, params, seed, epochs, progress, at
):
    train, test = split
    X_train, y_train = _safe_split(estimator, X, y, train)
    X_test, y_test = _safe_split(estimator, X, y, test, train)
    params = _check_method_params(X, params, indices=train)
    final = final_step(estimator)
    settings = final.get_params(deep=False)
    if "epochs" in settings and settings.get("random_state", seed) is None:
        final.set_params(random_state=seed)
    if not epochs or not can_be_followed(estimator, params):
        start = perf_counter()
        fitted = estimator.fit(X_train, y_train, **params)
        fit_time = perf_counter() - start
        if progress is not None:
            progress(number, 1, 1)
        return _judged_fold(
            number, fitted, split, (X_train, X_test), codes, classes, fit_time
        )

    def tell(epoch, n_epochs):
        if progress is not None:
            progress(number, epoch, n_epochs)

    kept, outcomes = follow(
        estimator, (X_train, y_train), (X_test, y_test), classes, params, tell, at
    )
    by_epoch = {
        epoch: _fold(number, train[kept], test, *outcome)
        for epoch, outcome in outcomes.items()
    }
    at = {epoch: fold for epoch, fold in by_epoch.items() if epoch in at}
    return replace(by_epoch[max(by_epoch)], at=at)


def _judged_fold(number, fitted, split, parts, codes, classes, fit_time):
    """Judge a fitted classifier on both sides of a split, given as its parts of X."""
    (train, test), (X_train, X_test) = split, parts
    kept = kept_rows(fitted, len(train))
    if len(kept) < len(train):
        train, X_train = train[kept], _safe_indexing(X_train, kept)
    on_train = judge(fitted, X_train, codes[train], classes)
    on_test = judge(fitted, X_test, codes[test], classes)
    return _fold(number, train, test, on_train, on_test, fit_time)


def _fold(number, train, test, on_train, on_test, fit_time, curves=None):
    """Return a fold from what `judge` said of both sides."""
    train_codes, train_loss, _ = on_train
    test_codes, test_loss, probability = on_test
    return Fold(
        number,
        train,
        test,
        train_codes,
        test_codes,
        train_loss,
        test_loss,
        probability,
        float(fit_time),
        curves,
    )
