"""Train a classifier on one split, and keep the predictions of both sides."""

from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter

import numpy as np
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from skmnist._cross_validation._epochs import Curves, can_follow_epochs, follow_epochs
from skmnist._cross_validation._scores import (
    final_step,
    predict_rows,
    predicted_codes,
    rows_trained_on,
    take_rows,
)
from skmnist._rows import Rows


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
        Predicted classes, as positions in the sorted labels. Those of training are
        None, as are the next two, if only the test rows were predicted.
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
    scores : dict of str to float
        Of the user's own scoring: "train_f1", "validation_f1".
    new_codes : ndarray of int or None
        Predicted classes of further samples, which belong to no split.
    """

    number: int
    train: np.ndarray
    test: np.ndarray
    train_codes: np.ndarray | None
    test_codes: np.ndarray
    train_wrong: np.ndarray | None
    test_wrong: np.ndarray
    train_loss: np.ndarray | None
    test_loss: np.ndarray
    probability: np.ndarray
    fit_time: float
    curves: Curves | None = None
    at: dict = field(default_factory=dict)
    scores: dict = field(default_factory=dict)
    new_codes: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        number,
        rows,
        predictions,
        fit_time,
        curves=None,
        scores=None,
        new_codes=None,
    ):
        """Make a fold from the rows and the predictions of its two sides.

        Parameters
        ----------
        number : int
        rows : tuple of (train, test)
        predictions : tuple of (Predictions or None, Predictions)
        fit_time : float
        curves : Curves, default=None
        scores : dict of str to float, default=None
        new_codes : ndarray of int, default=None
        """
        (train, test), (on_train, on_test) = rows, predictions
        return cls(
            number=number,
            train=train,
            test=test,
            train_codes=on_train and on_train.codes,
            test_codes=on_test.codes,
            train_wrong=on_train and on_train.wrong,
            test_wrong=on_test.wrong,
            train_loss=on_train and on_train.loss,
            test_loss=on_test.loss,
            probability=on_test.probability,
            fit_time=float(fit_time),
            curves=curves,
            scores=scores or {},
            new_codes=new_codes,
        )

    @property
    def train_accuracy(self):
        """Fraction of the training rows predicted rightly."""
        return np.mean(~self.train_wrong)

    @property
    def validation_accuracy(self):
        """Fraction of the test rows predicted rightly."""
        return np.mean(~self.test_wrong)


def judge_fitted(estimator, X, y, *, train, test, number, fit_time, X_new=None):
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
    X_new : array-like of shape (n_new, ...), default=None
        Further samples, which are predicted.

    Returns
    -------
    fold : Fold
    """
    classes, codes = np.unique(y, return_inverse=True)
    parts = _rows_for(estimator, X, train), _rows_for(estimator, X, test, train)
    split = train, test
    return _fold_of_fitted(
        number, estimator, split, parts, codes, classes, fit_time, X_new=X_new
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


def run_fold(
    number,
    estimator,
    X,
    y,
    split,
    *,
    params,
    seed,
    epochs,
    at,
    predicts_training,
    scoring,
    progress,
    X_new=None,
):
    """Train on one side of a split, and predict both.

    Parameters
    ----------
    number : int
        Counted from 1.
    estimator : classifier
        Fitted here.
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
        Labels.
    split : tuple of (train, test)
    params : dict
        Metadata for `fit`.
    seed : int
        Of a network without a seed of its own.
    epochs : bool
        Whether to follow epochs if the classifier allows it.
    at : collection of int
        Further epochs at which a followed classifier is judged.
    predicts_training : bool
        Whether a classifier that is not followed predicts its training rows, too.
    scoring : Scoring or None
        Further scores of both sides.
    progress : callable
        Called as ``progress(number, epoch, n_epochs)``.
    X_new : array-like of shape (n_new, ...), default=None
        Further samples, which are predicted.

    Returns
    -------
    fold : Fold
    """
    classes, codes = np.unique(y, return_inverse=True)
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
        parts = X_train if predicts_training else None, X_test
        fold = _fold_of_fitted(
            number, fitted, split, parts, codes, classes, fit_time, scoring, X_new
        )
        progress(number, 1, 1)
        return fold

    report = partial(progress, number)
    score = scoring and partial(scoring, number=number)
    sides = (X_train, y_train), (X_test, y_test)
    kept, outcomes = follow_epochs(
        estimator, *sides, classes, params, report, at, score, X_new
    )
    by_epoch = {
        epoch: Fold.of(number, (train[kept], test), *outcome)
        for epoch, outcome in outcomes.items()
    }
    at = {epoch: fold for epoch, fold in by_epoch.items() if epoch in at}
    return replace(by_epoch[max(by_epoch)], at=at)


def _fold_of_fitted(
    number, fitted, split, parts, codes, classes, fit_time, scoring=None, X_new=None
):
    """Return the fold of a fitted classifier.

    `parts` are the two sides of X; of None no predictions are made. `X_new` are further
    samples that are predicted.
    """
    (train, test), (X_train, X_test) = split, parts
    kept = rows_trained_on(fitted, len(train))
    on_train = None
    if X_train is not None:
        if len(kept) < len(train):
            X_train = take_rows(X_train, kept)
        on_train = predict_rows(fitted, X_train, codes[train[kept]], classes)
    on_test = predict_rows(fitted, X_test, codes[test], classes)
    train = train[kept]
    scores = {}
    if scoring is not None:
        sides = {
            "train": (X_train, classes[codes[train]]),
            "validation": (X_test, classes[codes[test]]),
        }
        scores = scoring(fitted, sides, number)
    new_codes = None if X_new is None else predicted_codes(fitted, X_new, classes)
    predictions = on_train, on_test
    return Fold.of(
        number,
        (train, test),
        predictions,
        fit_time,
        scores=scores,
        new_codes=new_codes,
    )
