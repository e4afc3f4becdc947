"""Train a classifier epoch by epoch, and score both sides of a split after each."""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_method_params

from skmnist._cross_validation._scores import predict_rows_once, rows_trained_on


@dataclass(frozen=True, eq=False)
class Curves:
    """Scores after every epoch, in inference mode.

    Attributes
    ----------
    train_loss, validation_loss : ndarray of float of shape (n_epochs,)
        Mean log-loss.
    train_accuracy, validation_accuracy : ndarray of float of shape (n_epochs,)
        Fractions.
    sample_loss : ndarray of float32 of shape (n_epochs, n_test)
        Log-loss of each validation sample.
    one_more : ndarray of float32 of shape (n_test,) or None
        Log-loss after a second epoch, if the training had one epoch only.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    train_accuracy: np.ndarray
    validation_accuracy: np.ndarray
    sample_loss: np.ndarray
    one_more: np.ndarray | None = None


def can_follow_epochs(estimator, params):
    """Return whether `follow_epochs` can train an estimator with these fit params."""
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
    # A Pipeline routes metadata as a whole, and reports itself what it cannot place.
    routed = sklearn.get_config()["enable_metadata_routing"]
    return not routed and all("__" in key for key in params)


def follow_epochs(estimator, train, test, classes, params, report, at=()):
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
    report : callable
        Called after every epoch with its number, from 1, and the number of epochs.
    at : collection of int
        Epochs at which the classifier is judged as if training had ended there.

    Returns
    -------
    kept : ndarray of int
        The training rows that were trained on.
    outcomes : dict of int to tuple
        For the last epoch and those of `at`: the predictions of the training rows and
        of the test rows, the seconds of fitting so far, and the curves.
    """
    (X_train, y_train), (X_test, y_test) = train, test
    transformers, final, params, own = split_pipeline(estimator, params)
    settings = final.get_params(deep=False)
    start = perf_counter()
    seen, shown = X_train, X_train
    if transformers is not None:
        seen = transformers.fit_transform(X_train, y_train, **own)
    fit_time = perf_counter() - start
    if transformers is not None:
        # Scored on `transform`, not on `fit_transform`, which may differ from it.
        shown, X_test = transformers.transform(X_train), transformers.transform(X_test)
    kept, n_epochs, fitted = np.arange(len(y_train)), settings["epochs"], None
    if settings.get("early_stopping") or settings.get("validation_fraction"):
        start = perf_counter()
        fitted = clone(final).fit(seen, y_train, **params)
        fitted_time = fit_time + perf_counter() - start
        kept, n_epochs = rows_trained_on(fitted, len(y_train)), int(fitted.n_iter_)
        params = _check_method_params(seen, params, indices=kept)
        seen, shown = _safe_indexing(seen, kept), _safe_indexing(shown, kept)
    labels = np.unique(y_train)
    if isinstance(settings.get("class_weight"), str):
        # partial_fit refuses "balanced", as it may see a part of the data only.
        weights = compute_class_weight("balanced", classes=labels, y=y_train)
        weights = dict(zip(labels.tolist(), weights.tolist(), strict=True))
        final.set_params(class_weight=weights)
    sides = (
        (shown, np.searchsorted(classes, y_train[kept])),
        (X_test, np.searchsorted(classes, y_test)),
    )

    def train_one_epoch():
        start = perf_counter()
        final.partial_fit(seen, y_train[kept], classes=labels, **params)
        return perf_counter() - start

    outcomes = _run_epochs(
        train_one_epoch, final, sides, classes, n_epochs, at, report, fit_time
    )
    if fitted is not None:
        # The scores are those of the classifier that `fit` returned, which may have
        # restored the weights of an earlier epoch.
        curves = outcomes[n_epochs][-1]
        predictions = [predict_rows_once(fitted, *side, classes) for side in sides]
        outcomes[n_epochs] = predictions, fitted_time, curves
    return kept, outcomes


def _run_epochs(train_one_epoch, final, sides, classes, n_epochs, at, report, fit_time):
    """Train and score every epoch; return the outcomes that `follow_epochs` returns."""
    scores = np.empty((4, n_epochs))
    sample_loss = np.empty((n_epochs, len(sides[1][1])), dtype=np.float32)
    outcomes = {}
    for epoch in range(1, n_epochs + 1):
        fit_time += train_one_epoch()
        predictions = [predict_rows_once(final, *side, classes) for side in sides]
        for side, predicted in enumerate(predictions):
            scores[side, epoch - 1] = np.mean(predicted.loss)
            scores[2 + side, epoch - 1] = np.mean(~predicted.wrong)
        sample_loss[epoch - 1] = predictions[1].loss
        if epoch in at or epoch == n_epochs:
            curves = Curves(*scores[:, :epoch], sample_loss[:epoch])
            outcomes[epoch] = predictions, fit_time, curves
        report(epoch, n_epochs)
    if 1 in outcomes:
        # With one epoch there is no earlier one to show whether the loss was still
        # falling, so a second one is trained.
        if n_epochs == 1:
            train_one_epoch()
            one_more = predict_rows_once(final, *sides[1], classes).loss
        else:
            one_more = sample_loss[1]
        predictions, seconds, curves = outcomes[1]
        curves = replace(curves, one_more=one_more.astype(np.float32))
        outcomes[1] = predictions, seconds, curves
    return outcomes


def split_pipeline(estimator, params):
    """Return transformers or None, the classifier, its fit params, and theirs."""
    if not isinstance(estimator, Pipeline):
        return None, estimator, params, {}
    name, final = estimator.steps[-1]
    prefix = f"{name}__"
    own = {key: value for key, value in params.items() if not key.startswith(prefix)}
    params = {key.removeprefix(prefix): params[key] for key in params.keys() - own}
    return (estimator[:-1] if len(estimator) > 1 else None), final, params, own
