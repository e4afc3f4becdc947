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

from skmnist._cross_validation._stages import run_folds

_MAX_ROWS = 2000
# Trees on hundreds of pixels would take longer than the fit that they are to judge.
_MAX_TREE_FEATURES = 30


def check_reference(reference, X):
    """Check that a reference can be trained, before anything is trained.

    Parameters
    ----------
    reference : float, classifier or "auto"
    X : array-like of shape (n_samples, ...)

    Raises
    ------
    ValueError
        If an estimator is not a classifier, or "auto" is given data that are not
        finite numbers.
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
    """Return the largest number of models that a reference trains on each split."""
    if isinstance(reference, str):
        return 3
    return 1 if hasattr(reference, "fit") else 0


def run_reference(reference, cross_validation):
    """Return the name of the reference, and its error or its folds.

    Parameters
    ----------
    reference : float, classifier or "auto"
        "auto" takes the best of k nearest neighbours, an RBF support vector machine and
        histogram gradient boosting (on 30 principal components if there are more than
        90 features; on singular ones if X is sparse), trained on at most 2,000 rows of
        each split. A model that is proven worse than another on the first split is not
        trained on the others.
    cross_validation : CrossValidation
        Images are flattened for "auto".

    Returns
    -------
    name : str
    error : float or list of Fold
    """
    if isinstance(reference, str):
        return _best_reference(cross_validation)
    if not hasattr(reference, "fit"):
        return "known error", float(reference)
    stage = cross_validation.stage(reference, "reference", params=None, epochs=False)
    (folds,) = cross_validation.run([stage])
    return type(reference).__name__, folds


def run_dummy(y, splits):
    """Return the folds of always predicting the most frequent class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)

    Returns
    -------
    folds : list of Fold
    """
    no_features = np.zeros((len(y), 1))
    dummy = DummyClassifier(strategy="most_frequent")
    return run_folds(dummy, no_features, y, cv=splits)


def _best_reference(cross_validation):
    """Return the name and the folds of the best candidate of "auto"."""
    y, seed = cross_validation.y, cross_validation.seed
    flat = _flatten(cross_validation.X)
    splits = [
        (_thin_out(train, y, seed), test) for train, test in cross_validation.splits
    ]
    candidates = _candidates(cross_validation.X, flat, splits, seed)

    def run(names, part):
        """Return the folds of some candidates on some splits by their name."""
        stages = [
            cross_validation.stage(
                make_pipeline(
                    SimpleImputer(keep_empty_features=True), *candidates[name]
                ),
                "reference",
                done=list(candidates).index(name) * len(splits) + part.start,
                X=flat,
                splits=splits[part],
                params=None,
                epochs=False,
                is_small=True,
            )
            for name in names
        ]
        return {
            name: [replace(fold, number=part.start + fold.number) for fold in folds]
            for name, folds in zip(names, cross_validation.run(stages), strict=True)
        }

    # The first split shows which candidates cannot be the best. Often these are the
    # trees, which take ten times as long as the others.
    tried = run(list(candidates), slice(0, 1))
    best = min(tried, key=lambda name: _error(tried[name]))
    for number, name in enumerate(candidates):
        if _is_proven_worse(tried[name], tried[best]):
            del tried[name]
            _skip_progress(cross_validation.progress, number, len(splits))
    for name, folds in run(list(tried), slice(1, len(splits))).items():
        tried[name] += folds
    best = min(tried, key=lambda name: _error(tried[name]))
    return best, tried[best]


def _candidates(X, flat, splits, seed):
    """Return the steps of each candidate of "auto" by its name."""
    n_smallest = min(len(train) for train, _ in splits)
    wide = flat.shape[1] > 3 * _MAX_TREE_FEATURES
    decomposition = TruncatedSVD if sparse.issparse(flat) else PCA
    n_components = min(_MAX_TREE_FEATURES, n_smallest)
    compress = [decomposition(n_components, random_state=seed)] if wide else []
    scaler = StandardScaler(with_mean=not sparse.issparse(flat))
    scale = [] if _shares_one_unit(X, flat) else [scaler]
    neighbors = KNeighborsClassifier(min(5, n_smallest), weights="distance")
    trees = HistGradientBoostingClassifier(max_iter=50, random_state=seed)
    return {
        "k-nearest neighbours": [*scale, neighbors],
        "RBF-SVC": [*scale, SVC(C=10)],
        "histogram gradient boosting": [*compress, trees],
    }


def _skip_progress(progress, number, n_splits):
    """Count the fits that a dropped candidate is spared as done."""
    if progress is not None:
        report = progress.stage("reference", number * n_splits)
        for fit in range(2, n_splits + 1):
            report(fit, 1, 1)


def _wrong(folds):
    return np.concatenate([fold.test_wrong for fold in folds])


def _error(folds):
    return np.mean(_wrong(folds))


def _is_proven_worse(folds, best):
    """Return whether one model errs more than another: McNemar's exact test at 1 %."""
    wrong, best_wrong = _wrong(folds), _wrong(best)
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

    A sparse X stays sparse if it is wide, because its zeros may not fit into memory.
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
    """Return whether all features share a unit, as pixels do.

    Scaling such features one by one would distort them.
    """
    if len(np.shape(X)) > 2 or flat.dtype == np.uint8:
        return True
    return bool(flat.min() >= 0 and flat.max() <= 1)
