"""Judge a fitted classifier sample by sample, in inference mode."""

import numpy as np
from sklearn.pipeline import Pipeline


def judge(estimator, X, codes, classes):
    """Return predicted codes, log-loss and the probability of each prediction."""
    predicted = np.searchsorted(classes, estimator.predict(X))
    if not hasattr(estimator, "predict_proba"):
        unknown = np.full(len(codes), np.nan)
        return predicted, unknown, unknown
    probabilities = probabilities_of(estimator, X, classes)
    rows = np.arange(len(codes))
    loss = log_loss(probabilities, codes)
    return predicted, loss, probabilities[rows, predicted].astype(float)


def probabilities_of(estimator, X, classes):
    """Return a column for every label, 0 for one that the training did not hold."""
    given = estimator.predict_proba(X)
    if len(estimator.classes_) == len(classes):
        return given
    probabilities = np.zeros((len(given), len(classes)), dtype=given.dtype)
    probabilities[:, np.searchsorted(classes, estimator.classes_)] = given
    return probabilities


def log_loss(probabilities, codes):
    """Return the log-loss of each sample."""
    # Clipped where scikit-learn's log_loss clips: at the resolution of the dtype.
    chosen = probabilities[np.arange(len(codes)), codes]
    least = np.finfo(probabilities.dtype).eps
    return -np.log(np.clip(chosen, least, 1 - least).astype(float))


def final_step(estimator):
    """Return what does the classifying inside Pipelines and searches."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def kept_rows(fitted, n_rows):
    """Return the rows that were trained on, of those given to `fit`."""
    held_out = getattr(final_step(fitted), "validation_indices_", None)
    kept = np.ones(n_rows, dtype=bool)
    if held_out is not None:
        kept[held_out] = False
    return np.flatnonzero(kept)
