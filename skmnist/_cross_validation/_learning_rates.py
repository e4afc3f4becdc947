"""Learning-rate range test of an estimator."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmnist._cross_validation._epochs import can_follow_epochs


def losses_at_rates(estimator, X, y, rates):
    """Train a clone of an estimator for one step at each learning rate.

    Parameters
    ----------
    estimator : estimator object
        A classifier of this package, or a Pipeline that ends in one.
    X : array-like of shape (n_samples, ...)
    y : array-like of shape (n_samples,)
    rates : ndarray of shape (n_steps,)

    Returns
    -------
    losses : ndarray of shape (n_done,)
        Of the batches; fewer than the rates if training diverged.

    Raises
    ------
    ValueError
        If the estimator does not train in steps.
    """
    if not can_follow_epochs(estimator):
        raise ValueError(
            f"{estimator!r} has no learning rate to test: pass a classifier of "
            "skmnist, or a Pipeline that ends in one."
        )
    estimator = clone(estimator)
    if isinstance(estimator, Pipeline):
        *steps, (_, final) = estimator.steps
        if steps:
            X = Pipeline(steps).fit_transform(X, y)
        estimator = final
    return estimator._losses_at_rates(X, y, np.asarray(rates, float))
