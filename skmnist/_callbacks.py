"""Support of `sklearn.callback`, the callbacks of scikit-learn 1.9.

An estimator inherits from `CallbackSupportMixin` and fits within `fit_task`. The hook
``teardown`` is called by scikit-learn's ``_fit_context``, also after an error.
"""

import functools
from contextlib import contextmanager

from sklearn.utils import _safe_indexing

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """Placeholder without ``set_callbacks``."""


@contextmanager
def fit_task(estimator, *, max_subtasks=0, **data):
    """Call the callbacks of an estimator at the beginning and at the end of its fit.

    Parameters
    ----------
    estimator : estimator
    max_subtasks : int, default=0
        The largest number of parts of the fit that are reported.
    **data
        X, y and metadata, as callbacks get them, or functions that return them.

    Yields
    ------
    context : sklearn.callback.CallbackContext or None
        The parent of the parts; None if no callbacks are set.
    """
    if not hasattr(estimator, "_skl_callbacks"):
        yield None
        return
    context = estimator._init_callback_context(max_subtasks=max_subtasks)
    context.call_on_fit_task_begin(estimator=estimator, **data)
    yield context
    context.call_on_fit_task_end(
        estimator=estimator, **data, reconstruction_attributes={}
    )


def reports_fit(method):
    """Decorate the `fit` of a transformer, which is one task without parts."""

    @functools.wraps(method)
    def fit(self, X, y=None):
        with fit_task(self, X=X, y=y):
            return method(self, X, y)

    return fit


def training_data(X, y, sample_weight, rows):
    """Return what callbacks get of a classifier's training data.

    Parameters
    ----------
    X, y, sample_weight
        As passed to `fit`: of the layout and with the feature names that `predict`
        expects, because callbacks compute scores.
    rows : ndarray of int or None
        The samples to train on, without those held out; None for all.

    Returns
    -------
    data : dict
        "X", "y" and "metadata": functions, called if a callback asks for the value.
    """

    def trained_on(array):
        return array if rows is None else _safe_indexing(array, rows)

    data = {"X": lambda: trained_on(X), "y": lambda: trained_on(y)}
    if sample_weight is not None:
        data["metadata"] = lambda: {"sample_weight": trained_on(sample_weight)}
    return data
