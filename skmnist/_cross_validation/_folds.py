"""Train a classifier on every split, and keep the predictions of both sides."""

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from skmnist._cross_validation._epochs import Curves, can_follow_epochs, follow_epochs
from skmnist._cross_validation._scores import (
    final_step,
    predict_rows,
    rows_trained_on,
    take_rows,
)
from skmnist._rows import Rows
from skmnist._seed import draw_seed


@dataclass(frozen=True, eq=False)
class Fold:
    """One split: a classifier trained on `train`, and its predictions of both sides.

    Predictions are made in inference mode.

    Attributes
    ----------
    number : int
        Counted from 1.
    train, test : ndarray of int
        Rows. Those that the classifier held out inside `fit` are in neither.
    train_codes, test_codes : ndarray of int
        Predicted classes, as positions in the sorted labels.
    train_wrong, test_wrong : ndarray of bool
        Whether the prediction differs from the true class.
    train_loss, test_loss : ndarray of float
        Log-loss of each sample; NaN without probabilities.
    probability : ndarray of float
        Probability of the predicted class for the rows of `test`; NaN likewise.
    fit_time : float
        Seconds.
    curves : Curves or None
        Scores after every epoch, if the classifier could be followed.
    at : dict of int to Fold
        The same split as if the training had ended after some earlier epochs.
    """

    number: int
    train: np.ndarray
    test: np.ndarray
    train_codes: np.ndarray
    test_codes: np.ndarray
    train_wrong: np.ndarray
    test_wrong: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    probability: np.ndarray
    fit_time: float
    curves: Curves | None = None
    at: dict = field(default_factory=dict)

    @classmethod
    def of(cls, number, rows, predictions, fit_time, curves=None):
        """Make a fold from the rows and the predictions of its two sides.

        Parameters
        ----------
        number : int
        rows : tuple of (train, test)
        predictions : tuple of (Predictions, Predictions)
        fit_time : float
        curves : Curves, default=None
        """
        (train, test), (on_train, on_test) = rows, predictions
        return cls(
            number=number,
            train=train,
            test=test,
            train_codes=on_train.codes,
            test_codes=on_test.codes,
            train_wrong=on_train.wrong,
            test_wrong=on_test.wrong,
            train_loss=on_train.loss,
            test_loss=on_test.loss,
            probability=on_test.probability,
            fit_time=float(fit_time),
            curves=curves,
        )

    @property
    def train_accuracy(self):
        """Fraction of the training rows predicted rightly."""
        return np.mean(~self.train_wrong)

    @property
    def validation_accuracy(self):
        """Fraction of the test rows predicted rightly."""
        return np.mean(~self.test_wrong)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Samples, labels and splits on which any classifier can be trained.

    Attributes
    ----------
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)
    params : dict or None
        Metadata for `fit` of the classifier that is diagnosed.
    n_jobs : int or None
    seed : int or None
        Seeds what has no seed of its own.
    progress : FitProgress or None
    """

    X: Any
    y: np.ndarray
    splits: list
    params: dict | None = None
    n_jobs: int | None = None
    seed: int | None = None
    progress: Any = None

    def run(self, estimator, stage, *, done=0, **options):
        """Train an estimator on every split.

        Parameters
        ----------
        estimator : classifier
        stage : str
            What the progress bar calls these fits.
        done : int, default=0
            The number of fits of this stage that were made before.
        **options : dict
            Arguments of `run_folds` that differ from this object's.

        Returns
        -------
        folds : list of Fold
        """
        settings = {
            "X": self.X,
            "y": self.y,
            "cv": self.splits,
            "params": self.params,
            "n_jobs": self.n_jobs,
            "random_state": self.seed,
            "progress": self.progress and self.progress.stage(stage, done),
        }
        return run_folds(estimator, **(settings | options))


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
    """Train on every split and predict both sides of it.

    A classifier of this package, alone or at the end of a Pipeline, is scored after
    every epoch of its fit. Any other estimator is only fitted.

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
        Passed to `fit`; values with one entry per sample are sliced.
    n_jobs : int, default=None
        Number of splits to train on at once.
    epochs : bool, default=True
        Whether to follow epochs if the classifier allows it.
    progress : callable, default=None
        Called as ``progress(fold, epoch, n_epochs)``, all counted from 1: after every
        epoch; with several jobs or without epochs, once per split.
    random_state : int, RandomState instance or None, default=None
        Seeds a network whose own `random_state` is None.
    at : collection of int, default=()
        Further epochs at which a followed classifier is judged.
    finished : list, default=None
        Each fold is appended as soon as it is done, for a caller that may be
        interrupted.

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
    """Return the row numbers of each split.

    Parameters
    ----------
    cv : int, cross-validator or iterable of (train, test)
        Row numbers or boolean masks, arrays or lists.
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
    """Predict both sides of a split with a classifier that is already fitted.

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
    X_train = _rows_for(estimator, X, train)
    X_test = _rows_for(estimator, X, test, train)
    return _fold_of_fitted(
        number, estimator, (train, test), (X_train, X_test), codes, classes, fit_time
    )


def _rows_for(estimator, X, rows, trained=None):
    """Return some rows of X: a copy, unless the estimator reads them from a file.

    `trained` are the training rows, if `rows` are those of the test.
    """
    takes_rows = getattr(estimator, "_takes_rows_of", None)
    if takes_rows is not None and takes_rows(X):
        return Rows(X, rows)
    # As cross_validate does: a precomputed kernel is sliced on both axes.
    return _safe_split(estimator, X, None, rows, trained)[0]


def _run_fold(
    number, estimator, X, y, codes, classes, split, params, seed, epochs, progress, at
):
    train, test = split
    X_train, y_train = _rows_for(estimator, X, train), y[train]
    X_test, y_test = _rows_for(estimator, X, test, train), y[test]
    params = _check_method_params(X, params, indices=train)
    final = final_step(estimator)
    settings = final.get_params(deep=False)
    if "epochs" in settings and settings.get("random_state", seed) is None:
        final.set_params(random_state=seed)
    if not epochs or not can_follow_epochs(estimator):
        start = perf_counter()
        fitted = estimator.fit(X_train, y_train, **params)
        fit_time = perf_counter() - start
        if progress is not None:
            progress(number, 1, 1)
        return _fold_of_fitted(
            number, fitted, split, (X_train, X_test), codes, classes, fit_time
        )

    def report(epoch, n_epochs):
        if progress is not None:
            progress(number, epoch, n_epochs)

    kept, outcomes = follow_epochs(
        estimator, (X_train, y_train), (X_test, y_test), classes, params, report, at
    )
    by_epoch = {
        epoch: Fold.of(number, (train[kept], test), *outcome)
        for epoch, outcome in outcomes.items()
    }
    at = {epoch: fold for epoch, fold in by_epoch.items() if epoch in at}
    return replace(by_epoch[max(by_epoch)], at=at)


def _fold_of_fitted(number, fitted, split, parts, codes, classes, fit_time):
    """Return the fold of a fitted classifier; `parts` are the two sides of X."""
    (train, test), (X_train, X_test) = split, parts
    kept = rows_trained_on(fitted, len(train))
    if len(kept) < len(train):
        train, X_train = train[kept], take_rows(X_train, kept)
    predictions = (
        predict_rows(fitted, X_train, codes[train], classes),
        predict_rows(fitted, X_test, codes[test], classes),
    )
    return Fold.of(number, (train, test), predictions, fit_time)
