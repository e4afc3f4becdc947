"""Train a classifier epoch by epoch, and judge it on both sides of a split."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_method_params

from skmnist._cross_validation._scores import (
    judge,
    kept_rows,
    log_loss,
    probabilities_of,
)


@dataclass(frozen=True, eq=False)
class Curves:
    """How a training went, in inference mode after every epoch.

    Attributes
    ----------
    train_loss, validation_loss : ndarray of float of shape (n_epochs,)
        Mean log-loss.
    train_accuracy, validation_accuracy : ndarray of float of shape (n_epochs,)
        Fractions.
    sample_loss : ndarray of float32 of shape (n_epochs, n_test)
        Log-loss of each validation sample.
    one_more : ndarray of float32 of shape (n_test,) or None
        That after a second epoch, where there was one only.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    train_accuracy: np.ndarray
    validation_accuracy: np.ndarray
    sample_loss: np.ndarray
    one_more: np.ndarray | None = None


def can_be_followed(estimator, params):
    """Tell whether `follow` can train an estimator with these parameters of `fit`."""
    in_pipeline = isinstance(estimator, Pipeline)
    final = estimator[-1] if in_pipeline else estimator
    if not hasattr(final, "partial_fit"):
        return False
    settings = final.get_params(deep=False)
    if "epochs" not in settings or settings.get("warm_start"):
        return False
    if settings.get("callbacks") is not None:
        return False
    if not (in_pipeline and params):
        return True
    # A Pipeline routes metadata as a whole, and says itself what it cannot place.
    routed = sklearn.get_config()["enable_metadata_routing"]
    return not routed and all("__" in key for key in params)


def follow(estimator, train, test, classes, params, tell, at=()):
    """Train epoch by epoch.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Changed.
    train, test : tuple of (X, y)
    classes : ndarray
        The labels, sorted.
    params : dict
        Parameters of `fit`.
    tell : callable
        Called after every epoch with its number, from 1, and the number of epochs.
    at : collection of int
        Epochs to judge the classifier at as if it had ended there.

    Returns
    -------
    kept : ndarray of int
        The training rows it was trained on.
    outcomes : dict of int to tuple
        By epoch, the last and those of `at`: what `judge` says of the training rows and
        of the test rows, the seconds `fit` takes so far, and the curves.
    """
    (X_train, y_train), (X_test, y_test) = train, test
    transformers, final, params, own = take_apart(estimator, params)
    settings = final.get_params(deep=False)
    start = perf_counter()
    seen, shown = X_train, X_train
    if transformers is not None:
        seen = transformers.fit_transform(X_train, y_train, **own)
    fit_time = perf_counter() - start
    if transformers is not None:
        # Not what fit_transform gave, which may differ from inference.
        shown, X_test = transformers.transform(X_train), transformers.transform(X_test)
    kept, n_epochs, fitted = np.arange(len(y_train)), settings["epochs"], None
    if settings.get("early_stopping") or settings.get("validation_fraction"):
        start = perf_counter()
        fitted = clone(final).fit(seen, y_train, **params)
        fitted_time = fit_time + perf_counter() - start
        kept, n_epochs = kept_rows(fitted, len(y_train)), int(fitted.n_iter_)
        params = _check_method_params(seen, params, indices=kept)
        seen, shown = _safe_indexing(seen, kept), _safe_indexing(shown, kept)
    labels = np.unique(y_train)
    if isinstance(settings.get("class_weight"), str):
        # partial_fit cannot weigh classes that it sees a part of.
        weights = compute_class_weight("balanced", classes=labels, y=y_train)
        weights = dict(zip(labels.tolist(), weights.tolist(), strict=True))
        final.set_params(class_weight=weights)
    sides = (
        (shown, np.searchsorted(classes, y_train[kept])),
        (X_test, np.searchsorted(classes, y_test)),
    )
    scores = np.empty((4, n_epochs))
    sample_loss = np.empty((n_epochs, len(y_test)), dtype=np.float32)
    outcomes = {}
    for epoch in range(1, n_epochs + 1):
        start = perf_counter()
        final.partial_fit(seen, y_train[kept], classes=labels, **params)
        fit_time += perf_counter() - start
        judged = [_judge(final, *side, classes) for side in sides]
        for side, (predicted, loss, _) in enumerate(judged):
            scores[side, epoch - 1] = np.mean(loss)
            scores[2 + side, epoch - 1] = np.mean(predicted == sides[side][1])
        sample_loss[epoch - 1] = judged[1][1]
        if epoch in at or epoch == n_epochs:
            curves = Curves(*scores[:, :epoch], sample_loss[:epoch])
            outcomes[epoch] = *judged, fit_time, curves
        tell(epoch, n_epochs)
    if 1 in outcomes:
        # No earlier epoch says whether the loss still fell: a later one does.
        if n_epochs == 1:
            final.partial_fit(seen, y_train[kept], classes=labels, **params)
            one_more = _judge(final, *sides[1], classes)[1].astype(np.float32)
        else:
            one_more = sample_loss[1]
        *judged, seconds, only = outcomes[1]
        outcomes[1] = *judged, seconds, replace(only, one_more=one_more)
    if fitted is not None:
        curves = outcomes[n_epochs][-1]
        judged = [_judge(fitted, *side, classes) for side in sides]
        outcomes[n_epochs] = *judged, fitted_time, curves
    return kept, outcomes


def _judge(estimator, X, codes, classes):
    """Judge in one pass: what trains in epochs predicts the most probable class."""
    if not hasattr(estimator, "predict_proba"):
        return judge(estimator, X, codes, classes)
    probabilities = probabilities_of(estimator, X, classes)
    return (
        np.argmax(probabilities, axis=1),
        log_loss(probabilities, codes),
        probabilities.max(axis=1).astype(float),
    )


def take_apart(estimator, params):
    """Return transformers or None, the classifier, its parameters of `fit`, theirs."""
    if not isinstance(estimator, Pipeline):
        return None, estimator, params, {}
    name, final = estimator.steps[-1]
    prefix = f"{name}__"
    own = {key: value for key, value in params.items() if not key.startswith(prefix)}
    params = {key.removeprefix(prefix): params[key] for key in params.keys() - own}
    return (estimator[:-1] if len(estimator) > 1 else None), final, params, own
