"""Train a classifier on every split and keep what it got wrong, sample by sample."""

import secrets
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import sklearn
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state, indexable
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params


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
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    train_accuracy: np.ndarray
    validation_accuracy: np.ndarray
    sample_loss: np.ndarray


@dataclass(frozen=True, eq=False)
class Fold:
    """One split, trained on and judged in inference mode.

    Attributes
    ----------
    number : int
        Counted from 1.
    train, test : ndarray of int
        Rows. Those that the classifier held out inside `fit` are in neither.
    train_codes, test_codes : ndarray of int
        Predictions, as places in the sorted labels.
    train_loss, test_loss : ndarray of float
        Log-loss of each sample; NaN where there are no probabilities.
    probability : ndarray of float
        Probability of each prediction for the rows of `test`; NaN likewise.
    fit_time : float
        Seconds.
    curves : Curves or None
        Where the estimator could be followed from epoch to epoch.
    """

    number: int
    train: np.ndarray
    test: np.ndarray
    train_codes: np.ndarray
    test_codes: np.ndarray
    train_loss: np.ndarray
    test_loss: np.ndarray
    probability: np.ndarray
    fit_time: float
    curves: Curves | None = None


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
):
    """Train on every split and judge both sides of it.

    A classifier with `partial_fit` and a parameter `epochs`, alone or at the end of a
    Pipeline, is followed from epoch to epoch. Where it holds rows out (`early_stopping`
    or `validation_fraction`), `fit` shows which and for how long, and a second training
    on the other rows gives the curves. One with `callbacks` or `warm_start` is fitted
    plainly, as is any other estimator.

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
        Passed to `fit`; what has an entry for each sample is sliced.
    n_jobs : int, default=None
        Splits trained at a time.
    epochs : bool, default=True
        Whether to follow a classifier that can be.
    progress : callable, default=None
        Called as ``progress(fold, epoch, n_epochs)``, all counted from 1: after every
        epoch, or, with several jobs or a plain fit, with the last epoch (of one) when
        a split is done.
    random_state : int, RandomState instance or None, default=None
        Seeds a followed classifier whose own `random_state` is None.

    Returns
    -------
    folds : list of Fold
        In the order of the splits.
    """
    X, y = indexable(X, y)
    y = np.asarray(y)
    classes, codes = np.unique(y, return_inverse=True)
    splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    rng = np.random.default_rng(draw_seed(random_state))
    seeds = rng.integers(2**31 - 1, size=len(splits)).tolist()
    tasks = [
        (number, clone(estimator), X, y, codes, classes, split, params or {}, seed)
        for number, (split, seed) in enumerate(zip(splits, seeds, strict=True), 1)
    ]
    if effective_n_jobs(n_jobs) == 1:
        return [_run_fold(*task, epochs, progress) for task in tasks]
    folds = []
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    for fold in parallel(delayed(_run_fold)(*task, epochs, None) for task in tasks):
        folds.append(fold)
        if progress is not None:
            n_epochs = 1 if fold.curves is None else len(fold.curves.train_loss)
            progress(fold.number, n_epochs, n_epochs)
    return sorted(folds, key=lambda fold: fold.number)


def draw_seed(random_state):
    """Draw an integer to seed with, leaving NumPy's global generator as it is.

    Parameters
    ----------
    random_state : int, RandomState instance or None

    Returns
    -------
    seed : int
    """
    if random_state is None:
        return secrets.randbits(31)
    return int(check_random_state(random_state).randint(2**31 - 1))


def judge_fitted(estimator, X, y, *, train, test, number, fit_time):
    """Judge a classifier that was fitted before.

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
    X_train, _ = _safe_split(estimator, X, None, train)
    X_test, _ = _safe_split(estimator, X, None, test, train)
    kept = _kept_rows(estimator, len(train))
    return _fold(
        number,
        estimator,
        (train[kept], test),
        (_safe_indexing(X_train, kept), X_test),
        codes,
        classes,
        fit_time,
    )


def _run_fold(
    number, estimator, X, y, codes, classes, split, params, seed, epochs, progress
):
    train, test = split
    X_train, y_train = _safe_split(estimator, X, y, train)
    X_test, y_test = _safe_split(estimator, X, y, test, train)
    params = _check_method_params(X, params, indices=train)
    if epochs and _can_be_followed(estimator, params):

        def tell(epoch, n_epochs):
            if progress is not None:
                progress(number, epoch, n_epochs)

        fitted, kept, X_train, X_test, fit_time, curves = _follow(
            estimator, (X_train, y_train), (X_test, y_test), classes, params, seed, tell
        )
    else:
        start = perf_counter()
        fitted = estimator.fit(X_train, y_train, **params)
        fit_time = perf_counter() - start
        curves = None
        kept = _kept_rows(fitted, len(train))
        if len(kept) < len(train):
            X_train = _safe_indexing(X_train, kept)
        if progress is not None:
            progress(number, 1, 1)
    rows = train[kept], test
    return _fold(
        number, fitted, rows, (X_train, X_test), codes, classes, fit_time, curves
    )


def _fold(number, fitted, rows, parts, codes, classes, fit_time, curves=None):
    train, test = rows
    train_codes, train_loss, _ = _judge(fitted, parts[0], codes[train], classes)
    test_codes, test_loss, probability = _judge(fitted, parts[1], codes[test], classes)
    return Fold(
        number,
        train,
        test,
        train_codes,
        test_codes,
        train_loss,
        test_loss,
        probability,
        float(fit_time),
        curves,
    )


def _judge(estimator, X, codes, classes):
    """Return predicted codes, log-loss and the probability of each prediction."""
    predicted = np.searchsorted(classes, estimator.predict(X))
    if not hasattr(estimator, "predict_proba"):
        unknown = np.full(len(codes), np.nan)
        return predicted, unknown, unknown
    probabilities = _probabilities(estimator, X, classes)
    rows = np.arange(len(codes))
    loss = _log_loss(probabilities, codes)
    return predicted, loss, probabilities[rows, predicted].astype(float)


def _probabilities(estimator, X, classes):
    """Return a column for every label, 0 for one that the training did not hold."""
    given = estimator.predict_proba(X)
    if len(estimator.classes_) == len(classes):
        return given
    probabilities = np.zeros((len(given), len(classes)), dtype=given.dtype)
    probabilities[:, np.searchsorted(classes, estimator.classes_)] = given
    return probabilities


def _log_loss(probabilities, codes):
    # Clipped where scikit-learn's log_loss clips: at the resolution of the dtype.
    chosen = probabilities[np.arange(len(codes)), codes]
    least = np.finfo(probabilities.dtype).eps
    return -np.log(np.clip(chosen, least, 1 - least).astype(float))


def _final(estimator):
    """Return what does the classifying inside Pipelines and searches."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def _kept_rows(fitted, n_rows):
    """Return the rows that were trained on, of those given to `fit`."""
    held_out = getattr(_final(fitted), "validation_indices_", None)
    kept = np.ones(n_rows, dtype=bool)
    if held_out is not None:
        kept[held_out] = False
    return np.flatnonzero(kept)


def _can_be_followed(estimator, params):
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


def _follow(estimator, train, test, classes, params, seed, tell):
    """Train epoch by epoch.

    Returns the fitted classifier, the training rows it was trained on, these and the
    test rows as it sees them, the seconds a `fit` takes, and the curves.
    """
    (X_train, y_train), (X_test, y_test) = train, test
    transformers, final, params, own = _take_apart(estimator, params)
    settings = final.get_params(deep=False)
    if settings.get("random_state", seed) is None:
        final.set_params(random_state=seed)
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
        fit_time += perf_counter() - start
        kept, n_epochs = _kept_rows(fitted, len(y_train)), int(fitted.n_iter_)
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
    sample_loss = np.empty((n_epochs, len(y_test)), dtype=np.float32)
    scores = np.empty((4, n_epochs))
    elapsed = 0.0
    for epoch in range(n_epochs):
        start = perf_counter()
        final.partial_fit(seen, y_train[kept], classes=labels, **params)
        elapsed += perf_counter() - start
        for side, (X, codes) in enumerate(sides):
            accuracy, loss = _epoch_scores(final, X, codes, classes)
            scores[side, epoch], scores[2 + side, epoch] = np.mean(loss), accuracy
        sample_loss[epoch] = loss
        tell(epoch + 1, n_epochs)
    if fitted is None:
        fitted, fit_time = final, fit_time + elapsed
    return fitted, kept, shown, X_test, fit_time, Curves(*scores, sample_loss)


def _epoch_scores(estimator, X, codes, classes):
    if not hasattr(estimator, "predict_proba"):
        predicted, loss, _ = _judge(estimator, X, codes, classes)
        return np.mean(predicted == codes), loss
    probabilities = _probabilities(estimator, X, classes)
    hits = np.mean(np.argmax(probabilities, axis=1) == codes)
    return hits, _log_loss(probabilities, codes)


def _take_apart(estimator, params):
    """Return transformers or None, the classifier, its parameters and theirs."""
    if not isinstance(estimator, Pipeline):
        return None, estimator, params, {}
    name, final = estimator.steps[-1]
    prefix = f"{name}__"
    own = {key: value for key, value in params.items() if not key.startswith(prefix)}
    params = {key.removeprefix(prefix): params[key] for key in params.keys() - own}
    return (estimator[:-1] if len(estimator) > 1 else None), final, params, own
