"""What a fit is measured against: the error that other models reach on new data."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import binom
from sklearn.base import is_classifier
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import resample

from skmnist._cross_validation._folds import run_folds

_MAX_ROWS = 2000
_MAX_TREE_FEATURES = 30


def check_reference(reference, X):
    """Check that a reference can be made, before anything is trained.

    Parameters
    ----------
    reference : float, classifier or "auto"
    X : array-like of shape (n_samples, ...)

    Raises
    ------
    ValueError
        If an estimator is no classifier, or "auto" meets data that are not numbers.
    """
    if isinstance(reference, str):
        flat = _flatten(X)
        numbers = flat.data if sparse.issparse(flat) else flat
        if numbers.dtype.kind == "f" and np.isinf(numbers).any():
            raise ValueError(
                "reference='auto' needs finite features, but X holds infinity. Pass a "
                "classifier that takes it as reference, or a known error such as 0.05."
            )
    elif hasattr(reference, "fit") and not is_classifier(reference):
        raise ValueError(
            f"reference should be a classifier, an error in [0, 1) or 'auto', got "
            f"{reference!r}."
        )


def n_reference_fits(reference):
    """Return how many models a reference trains at most on each split."""
    if isinstance(reference, str):
        return 3
    return 1 if hasattr(reference, "fit") else 0


def run_reference(reference, X, y, splits, *, n_jobs=None, seed=None, progress=None):
    """Return the name of the reference and its error or its folds.

    Parameters
    ----------
    reference : float, classifier or "auto"
        "auto" takes the best of k nearest neighbours, an RBF support vector machine and
        histogram gradient boosting (on 30 principal components where there are more
        than 90 features; on singular ones where X is sparse), trained on at most 2,000
        rows of each split. One that is proven worse than another on the first split is
        not trained on the rest.
    X : array-like of shape (n_samples, ...)
        Images are laid flat for "auto".
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)
    n_jobs : int, default=None
    seed : int, default=None
    progress : FitProgress, default=None

    Returns
    -------
    name : str
    error : float or list of Fold
    """
    if not isinstance(reference, str) and not hasattr(reference, "fit"):
        return "known error", float(reference)
    if not isinstance(reference, str):
        folds = run_folds(
            reference,
            X,
            y,
            cv=splits,
            n_jobs=n_jobs,
            epochs=False,
            progress=progress and progress.stage("reference"),
            random_state=seed,
        )
        return type(reference).__name__, folds
    flat = _flatten(X)
    few = [(_thin_out(train, y, seed), test) for train, test in splits]
    n_neighbors = min(5, *(len(train) for train, _ in few))
    # Trees on hundreds of pixels would take longer than the fit they are to judge.
    n_components = min(_MAX_TREE_FEATURES, *(len(train) for train, _ in few))
    wide = flat.shape[1] > 3 * _MAX_TREE_FEATURES
    compressor = TruncatedSVD if sparse.issparse(flat) else PCA
    compress = [compressor(n_components, random_state=seed)] if wide else []
    scaler = StandardScaler(with_mean=not sparse.issparse(flat))
    scale = [] if _shares_one_unit(X, flat) else [scaler]
    candidates = {
        "k-nearest neighbours": [
            *scale,
            KNeighborsClassifier(n_neighbors, weights="distance"),
        ],
        "RBF-SVC": [*scale, SVC(C=10)],
        "histogram gradient boosting": [
            *compress,
            HistGradientBoostingClassifier(max_iter=50, random_state=seed),
        ],
    }
    codes = np.unique(y, return_inverse=True)[1]

    def run(name, part):
        done = list(candidates).index(name) * len(few) + part.start
        folds = run_folds(
            make_pipeline(SimpleImputer(keep_empty_features=True), *candidates[name]),
            flat,
            y,
            cv=few[part],
            n_jobs=n_jobs,
            epochs=False,
            progress=progress and progress.stage("reference", done),
        )
        return [replace(fold, number=part.start + fold.number) for fold in folds]

    # The first split shows which cannot be the best, and often spares the trees, which
    # take ten times as long as the others.
    tried = {name: run(name, slice(0, 1)) for name in candidates}
    best = min(tried, key=lambda name: _error(tried[name], codes))
    for number, name in enumerate(candidates):
        if _proven_worse(tried[name], tried[best], codes):
            del tried[name]
            if progress is not None:  # its other fits are as good as done
                tell = progress.stage("reference", number * len(few))
                for fit in range(2, len(few) + 1):
                    tell(fit, 1, 1)
    for name, folds in tried.items():
        folds += run(name, slice(1, len(few)))
    best = min(tried, key=lambda name: _error(tried[name], codes))
    return best, tried[best]


def run_dummy(y, splits):
    """Return the folds of always guessing the most frequent class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)

    Returns
    -------
    folds : list of Fold
    """
    nothing = np.zeros((len(y), 1))
    return run_folds(DummyClassifier(strategy="most_frequent"), nothing, y, cv=splits)


def _wrong(folds, codes):
    return np.concatenate([fold.test_codes != codes[fold.test] for fold in folds])


def _error(folds, codes):
    return np.mean(_wrong(folds, codes))


def _proven_worse(folds, best, codes):
    """Tell, at 1 %, whether one errs more than another: McNemar's exact test."""
    wrong, best_wrong = _wrong(folds, codes), _wrong(best, codes)
    worse, better = np.sum(wrong & ~best_wrong), np.sum(~wrong & best_wrong)
    return binom.cdf(better, worse + better, 0.5) < 0.01


def _thin_out(train, y, seed):
    if len(train) <= _MAX_ROWS:
        return train
    return resample(
        train,
        replace=False,
        n_samples=_MAX_ROWS,
        stratify=y[train],
        random_state=seed,
    )


def _flatten(X):
    """Return X as numbers of shape (n_samples, n_features).

    Sparse where X is, and has so many features that all of its zeros may not fit.
    """
    if sparse.issparse(X):
        wide = X.shape[1] > 3 * _MAX_TREE_FEATURES
        return sparse.csr_array(X) if wide else X.toarray()
    if isinstance(X, pd.DataFrame):
        X = X.apply(_as_numbers)
    flat = np.asarray(X)
    if flat.dtype.kind not in "biuf" or flat.ndim < 2:
        raise ValueError(
            "reference='auto' needs numeric features; got "
            f"{flat.ndim}-dimensional X of dtype {flat.dtype}. Pass a classifier that "
            "takes your data as reference, or a known error such as 0.05."
        )
    return flat.reshape(len(flat), -1)


def _as_numbers(column):
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(float)
    codes, _ = pd.factorize(column, sort=True)
    return pd.Series(codes, index=column.index, dtype=float)


def _shares_one_unit(X, flat):
    """Tell pixels, which scaling by column would distort, from other features."""
    if len(np.shape(X)) > 2 or flat.dtype == np.uint8:
        return True
    return bool(flat.min() >= 0 and flat.max() <= 1)
