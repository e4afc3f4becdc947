"""Predictions of a fitted classifier, sample by sample, in inference mode."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import column_or_1d

from skmnist._rows import Rows


class Predictions(NamedTuple):
    """What a classifier predicts for some rows.

    Attributes
    ----------
    codes : ndarray of int of shape (n,)
        Predicted classes, as positions in the sorted labels.
    wrong : ndarray of bool of shape (n,)
        Whether the prediction differs from the true class.
    loss : ndarray of float of shape (n,)
        Log-loss; NaN without probabilities.
    probability : ndarray of float of shape (n,)
        Probability of the predicted class; NaN without probabilities.
    """

    codes: np.ndarray
    wrong: np.ndarray
    loss: np.ndarray
    probability: np.ndarray


def predict_rows(estimator, X, true_codes, classes):
    """Predict samples with `predict`, and with `predict_proba` if there is one.

    Parameters
    ----------
    estimator : classifier
        Fitted.
    X : array-like of shape (n, ...)
    true_codes : ndarray of int of shape (n,)
        True classes, as positions in `classes`.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.

    Returns
    -------
    predictions : Predictions
    """
    codes = predicted_codes(estimator, X, classes)
    wrong = codes != true_codes
    if not hasattr(estimator, "predict_proba"):
        unknown = np.full(len(codes), np.nan)
        return Predictions(codes, wrong, unknown, unknown)
    probabilities = probabilities_of(estimator, X, classes)
    chosen = probabilities[np.arange(len(codes)), codes].astype(float)
    return Predictions(codes, wrong, log_loss(probabilities, true_codes), chosen)


def predicted_codes(estimator, X, classes):
    """Return the predicted classes, as positions in the sorted labels.

    Raises
    ------
    ValueError
        If `predict` does not return one of the labels for each sample.
    """
    predicted = column_or_1d(estimator.predict(X))
    # pandas does not find 1 among booleans, but it is the label that is meant.
    labels, values = (
        array.astype(int) if array.dtype == bool else array
        for array in (classes, predicted)
    )
    codes = pd.Index(labels).get_indexer(values)
    if (codes < 0).any():
        unknown = pd.unique(predicted[codes < 0])[:5].tolist()
        raise ValueError(
            f"{type(estimator).__name__} predicts {unknown}, which y does not contain: "
            f"its labels are {classes[:5].tolist()}"
            f"{' and others' if len(classes) > 5 else ''}."
        )
    return codes


def predict_rows_once(estimator, X, true_codes, classes):
    """Predict as `predict_rows`, in one pass over the samples.

    For classifiers whose `predict` returns the most probable class, as those trained in
    epochs do.
    """
    if not hasattr(estimator, "predict_proba"):
        return predict_rows(estimator, X, true_codes, classes)
    probabilities = probabilities_of(estimator, X, classes)
    codes = np.argmax(probabilities, axis=1)
    return Predictions(
        codes,
        codes != true_codes,
        log_loss(probabilities, true_codes),
        probabilities.max(axis=1).astype(float),
    )


def probabilities_of(estimator, X, classes):
    """Return one column per label, 0 for labels that the training did not contain.

    Raises
    ------
    ValueError
        If `predict_proba` does not return one column per class.
    """
    given = np.asarray(estimator.predict_proba(X))
    if given.dtype.kind != "f":
        given = given.astype(float)
    known = np.asarray(getattr(estimator, "classes_", classes))
    if given.ndim != 2 or given.shape[1] != len(known):
        raise ValueError(
            f"predict_proba of {type(estimator).__name__} should return one column for "
            f"each of {len(known)} classes, got an array of shape {given.shape}."
        )
    if np.array_equal(known, classes):
        return given
    probabilities = np.zeros((len(given), len(classes)), dtype=given.dtype)
    probabilities[:, np.searchsorted(classes, known)] = given
    return probabilities


def log_loss(probabilities, codes):
    """Return the log-loss of each sample."""
    # Clipped as scikit-learn's log_loss does: at the resolution of the dtype.
    chosen = probabilities[np.arange(len(codes)), codes]
    least = np.finfo(probabilities.dtype).eps
    return -np.log(np.clip(chosen, least, 1 - least).astype(float))


def final_step(estimator):
    """Return the classifier inside Pipelines and fitted searches."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def rows_trained_on(estimator, n_rows, fitted=None):
    """Return the rows given to `fit` without those it held out.

    Rows that a classifier holds out after a resampling step of its Pipeline cannot be
    told from others, and are not left out.

    Parameters
    ----------
    estimator : classifier
        Fitted, or a Pipeline whose last step is being fitted.
    n_rows : int
    fitted : classifier, default=None
        What has the attributes of the fitted classifier; None for `final_step`.
    """
    fitted = final_step(estimator) if fitted is None else fitted
    held_out = getattr(fitted, "validation_indices_", None)
    kept = np.ones(n_rows, dtype=bool)
    if held_out is not None and not _resamples(estimator):
        kept[held_out] = False
    return np.flatnonzero(kept)


def take_rows(X, rows):
    """Return some rows of X, which may be `Rows` already."""
    return X.take(rows) if isinstance(X, Rows) else _safe_indexing(X, rows)


def _resamples(estimator):
    """Return whether a Pipeline, also of a search, has a step that resamples."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    steps = [step for _, step in getattr(estimator, "steps", ())]
    return any(hasattr(step, "fit_resample") for step in steps) or any(
        map(_resamples, steps)
    )
