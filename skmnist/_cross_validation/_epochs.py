"""Train a classifier epoch by epoch, and score both sides of a split after each."""

from copy import copy
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from sklearn.pipeline import Pipeline

from skmnist._cross_validation._scores import (
    predict_rows_once,
    predicted_codes,
    rows_trained_on,
    take_rows,
)


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


def can_follow_epochs(estimator):
    """Return whether `follow_epochs` can train an estimator.

    That is a classifier with the hook ``_after_epoch``, alone or in a Pipeline.
    """
    return hasattr(last_step(estimator)[1], "_after_epoch")


def last_step(estimator):
    """Return the prefix of a classifier's parameters in a Pipeline, and itself."""
    if not isinstance(estimator, Pipeline):
        return "", estimator
    name, final = estimator.steps[-1]
    return f"{name}__", final


def follow_epochs(
    estimator, train, test, classes, params, report, at=(), score=None, X_new=None
):
    """Fit a classifier, and score both sides of a split after every epoch.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Fitted here.
    train, test : tuple of (X, y)
    classes : ndarray
        The labels, sorted.
    params : dict
        Parameters of `fit`.
    report : callable
        Called after every epoch with its number, from 1, and the number of epochs.
    at : collection of int
        Epochs at which the classifier is judged as if training had ended there.
    score : callable, default=None
        Called with a fitted estimator and the two sides wherever it is judged.
    X_new : array-like of shape (n_new, ...), default=None
        Further samples, which are predicted.

    Returns
    -------
    kept : ndarray of int
        The training rows that were trained on.
    outcomes : dict of int to tuple
        For the last epoch and those of `at`: the predictions of the training rows and
        of the test rows, the seconds of fitting so far, the curves, what `score`
        returned, and the predicted classes of `X_new`.
    """
    prefix, final = last_step(estimator)
    settings = final.get_params(deep=False)
    if settings.get("checkpoint_dir") is not None:
        # A training restored from a file would have no epochs to score.
        final.set_params(checkpoint_dir=None, save_best=None)

    def report_epoch(epoch):
        if epoch <= settings["epochs"]:
            report(epoch, settings["epochs"])

    scores = _EpochScores(
        estimator, train, test, X_new, classes, at, report_epoch, score
    )
    n_epochs = scores.fit(params)
    # The result may differ from the last epoch: early stopping restores weights, and
    # some optimizers average them.
    outcomes = scores.at | {n_epochs: scores.of(final, n_epochs)}
    if n_epochs < settings["epochs"]:
        report(n_epochs, n_epochs)
    if 1 in outcomes:
        # With one epoch there is no earlier one to show whether the loss was still
        # falling, so a second one is trained.
        if n_epochs == 1:
            estimator.set_params(**{f"{prefix}epochs": 1, f"{prefix}warm_start": True})
            scores.fit(params)
        predictions, seconds, curves, *others = outcomes[1]
        curves = replace(curves, one_more=scores.sample_loss[1])
        outcomes[1] = predictions, seconds, curves, *others
    return scores.kept, outcomes


class _EpochScores:
    """The scores of a training after every epoch, and what they need.

    Parameters are those of `follow_epochs`; `report` takes the epoch alone.

    Attributes
    ----------
    kept : ndarray of int
        The training rows that are trained on.
    sample_loss : list of ndarray
        Log-loss of each test row, by epoch.
    at : dict of int to tuple
        Outcomes after the epochs `at`, as `of` returns them.
    """

    def __init__(self, estimator, train, test, X_new, classes, at, report, score):
        self._estimator = estimator
        self._train, self._test, self._classes = train, test, classes
        self._X_new = X_new
        self._at, self._report, self._score = at, report, score
        self._sides = None
        self._scores, self.sample_loss, self.at = [], [], {}
        self._seconds = 0.0

    def fit(self, params):
        """Fit the estimator, and return the number of epochs scored so far."""
        _, final = last_step(self._estimator)
        final._after_epoch = self._after_epoch
        self._start = perf_counter()
        try:
            self._estimator.fit(*self._train, **params)
        finally:
            del final._after_epoch
        self._seconds += perf_counter() - self._start
        return len(self._scores)

    def of(self, fitted, n_epochs):
        """Return the outcome of a classifier after some epochs."""
        predictions = self._predict(fitted)
        scores = np.array(self._scores[:n_epochs]).T
        curves = Curves(*scores, np.array(self.sample_loss[:n_epochs]))
        new_codes = None
        if self._X_new is not None:
            new_codes = predicted_codes(fitted, self._X_new, self._classes)
        own = self._own_scores(fitted)
        return predictions, self._seconds, curves, own, new_codes

    def _after_epoch(self, fitted):
        # Scoring is not counted as time of the fit.
        self._seconds += perf_counter() - self._start
        epoch = len(self._scores) + 1
        if self._sides is None:
            self._prepare(fitted)
        predictions = self._predict(fitted)
        losses = [np.mean(predicted.loss) for predicted in predictions]
        hits = [np.mean(~predicted.wrong) for predicted in predictions]
        self._scores.append([*losses, *hits])
        self.sample_loss.append(predictions[1].loss.astype(np.float32))
        if epoch in self._at:
            self.at[epoch] = self.of(fitted, epoch)
        self._report(epoch)
        self._start = perf_counter()

    def _prepare(self, fitted):
        """Transform both sides of the split, once the transformers are fitted."""
        (X_train, y_train), (X_test, y_test) = self._train, self._test
        self.kept = rows_trained_on(self._estimator, len(y_train), fitted)
        if len(self.kept) < len(y_train):
            X_train, y_train = take_rows(X_train, self.kept), y_train[self.kept]
        for _, step in getattr(self._estimator, "steps", [])[:-1]:
            # By `transform`, not by `fit_transform`, which may differ from it. Steps
            # that resample act in training alone.
            if hasattr(step, "transform"):
                X_train, X_test = step.transform(X_train), step.transform(X_test)
                if self._X_new is not None:
                    self._X_new = step.transform(self._X_new)
        self._sides = (
            (X_train, np.searchsorted(self._classes, y_train)),
            (X_test, np.searchsorted(self._classes, y_test)),
        )

    def _own_scores(self, fitted):
        """Return the user's own scores, or None.

        Scorers get the samples as given, since they may use more of them than the
        classifier does.
        """
        if self._score is None:
            return None
        whole = fitted
        if isinstance(self._estimator, Pipeline):
            # Until the end of the fit its last step is not fitted.
            whole = copy(self._estimator)
            name, _ = whole.steps[-1]
            whole.steps = [*whole.steps[:-1], (name, fitted)]
        X, y = self._train
        if len(self.kept) < len(y):
            X, y = take_rows(X, self.kept), y[self.kept]
        return self._score(whole, {"train": (X, y), "validation": self._test})

    def _predict(self, fitted):
        return [predict_rows_once(fitted, *side, self._classes) for side in self._sides]
