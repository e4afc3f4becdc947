"""Learning-rate range test of an estimator."""

from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline

from skmnist._cross_validation._epochs import can_follow_epochs, last_step


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
    test = _RangeTest(last_step(estimator)[1], rates)
    if isinstance(estimator, Pipeline):
        # The Pipeline itself transforms, resamples and routes, as in its own fit.
        estimator = estimator.set_params(**{estimator.steps[-1][0]: test})
        estimator.fit(X, y)
    else:
        test.fit(X, y)
    return test.losses_


class _RangeTest(ClassifierMixin, BaseEstimator):
    """The last step of a Pipeline: tests its classifier instead of fitting it."""

    def __init__(self, classifier, rates):
        self.classifier = classifier
        self.rates = rates

    def fit(self, X, y):
        self.losses_ = self.classifier._losses_at_rates(X, y, self.rates)
        return self
