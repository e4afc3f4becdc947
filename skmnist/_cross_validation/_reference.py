"""What a fit is measured against: the error that other models reach on new data."""

from dataclasses import dataclass, replace
from typing import Any

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
from skmnist._images import is_flat_image

# Rows of a split that a candidate is trained on: more of them take longer than most
# fits that they are to judge. Of features so many that they would not fit into memory,
# 2,000 rows or as many as make 2**25 values.
_MAX_ROWS = 16_000
_MAX_VALUES = 2**25
_MIN_ROWS = 2000
# With more features than that, candidates are trained on principal components. Of the
# images of MNIST, 40 components give RBF-SVC a lower error than all 784 pixels, in a
# sixth of the time.
_MANY_FEATURES = 90
_N_COMPONENTS = 40


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


def n_reference_fits(reference, X):
    """Return the largest number of models that a reference trains on each split."""
    if isinstance(reference, str):
        return 2 if _holds_images(X, _flatten(X)) else 3
    return 1 if hasattr(reference, "fit") else 0


class Reference:
    """What other models reach on the splits of a cross-validation.

    Parameters
    ----------
    reference : float, classifier or "auto"
        "auto" takes the best of k nearest neighbours, an RBF support vector machine
        and, unless X holds images, histogram gradient boosting, trained on at most
        16,000 rows of each split; on 40 principal components if there are more than 90
        features (on singular ones if X is sparse). A model that is proven worse than
        another on the first split is not trained on the others. Any reference predicts
        the one class of training rows that have no other.
    cross_validation : CrossValidation
        Images are flattened for "auto".

    Attributes
    ----------
    stages : list of Stage
        Fits to make first, together with any others.
    """

    def __init__(self, reference, cross_validation):
        self._reference = reference
        self._cross_validation = cross_validation
        self.stages = []
        if isinstance(reference, str):
            self._plan_candidates()
            # The first split shows which candidates cannot be the best. Often these are
            # the trees, which take ten times as long as the others.
            self.stages = self._candidate_stages(list(self._candidates), slice(0, 1))
        elif hasattr(reference, "fit"):
            self.stages = [
                cross_validation.stage(
                    reference,
                    "reference",
                    params=None,
                    epochs=False,
                    predicts_training=False,
                    replaces_one_class=True,
                )
            ]

    def result(self, folds):
        """Train what is left, and return the name and what it reaches.

        Parameters
        ----------
        folds : list of list of Fold
            What `run_stages` returns for the stages.

        Returns
        -------
        name : str
        error : float or list of Fold
        """
        if isinstance(self._reference, str):
            return self._best_candidate(folds)
        if not self.stages:
            return "known error", float(self._reference)
        return type(self._reference).__name__, folds[0]

    def _plan_candidates(self):
        data = self._cross_validation
        self._flat = _flatten(data.X)
        most = max(_MIN_ROWS, min(_MAX_ROWS, _MAX_VALUES // self._flat.shape[1]))
        self._splits = [
            (_thin_out(train, data.y, most, data.seed), test)
            for train, test in data.splits
        ]
        self._candidates = _candidates(data.X, self._flat, self._splits, data.seed)

    def _candidate_stages(self, names, part):
        """Return the stages of some candidates on some splits."""
        return [
            self._cross_validation.stage(
                make_pipeline(
                    SimpleImputer(keep_empty_features=True), *self._candidates[name]
                ),
                "reference",
                done=list(self._candidates).index(name) * len(self._splits)
                + part.start,
                X=self._flat,
                splits=self._splits[part],
                params=None,
                epochs=False,
                is_small=True,
                predicts_training=False,
                replaces_one_class=True,
            )
            for name in names
        ]

    def _best_candidate(self, folds):
        """Return the name and the folds of the best candidate of "auto"."""
        data = self._cross_validation
        tried = dict(zip(self._candidates, folds, strict=True))
        best = min(tried, key=lambda name: _error(tried[name]))
        for number, name in enumerate(self._candidates):
            if _is_proven_worse(tried[name], tried[best]):
                del tried[name]
                _skip_progress(data.progress, number, len(self._splits))
        rest = slice(1, len(self._splits))
        trained = data.run(self._candidate_stages(list(tried), rest))
        for name, more in zip(tried, trained, strict=True):
            numbered = [replace(f, number=rest.start + f.number) for f in more]
            tried[name] = tried[name] + numbered
        best = min(tried, key=lambda name: _error(tried[name]))
        return best, tried[best]


@dataclass(frozen=True)
class TrainedReference:
    """A reference whose result on the same splits is known already.

    Attributes
    ----------
    name : str
    error : float or list of Fold
    """

    name: str
    error: Any
    stages = ()

    def result(self, folds):
        """Return the name and what the reference reaches, as `Reference.result`."""
        return self.name, self.error


def run_reference(reference, cross_validation):
    """Return the name of a reference, and its error or its folds.

    Parameters
    ----------
    reference : float, classifier or "auto"
        As `Reference` takes it.
    cross_validation : CrossValidation

    Returns
    -------
    name : str
    error : float or list of Fold
    """
    measured = Reference(reference, cross_validation)
    return measured.result(cross_validation.run(measured.stages))


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


def _candidates(X, flat, splits, seed):
    """Return the steps of each candidate of "auto" by its name."""
    n_smallest = min(len(train) for train, _ in splits)
    decomposition = TruncatedSVD if sparse.issparse(flat) else PCA
    scaler = StandardScaler(with_mean=not sparse.issparse(flat))
    prepare = [] if _shares_one_unit(X, flat) else [scaler]
    if flat.shape[1] > _MANY_FEATURES:
        n_components = min(_N_COMPONENTS, n_smallest)
        prepare.append(decomposition(n_components, random_state=seed))
    neighbors = KNeighborsClassifier(min(5, n_smallest), weights="distance")
    candidates = {
        "k-nearest neighbours": [*prepare, neighbors],
        "RBF-SVC": [*prepare, SVC(C=10)],
    }
    # Trees on images have the highest error, and take the longest.
    if not _holds_images(X, flat):
        trees = HistGradientBoostingClassifier(max_iter=50, random_state=seed)
        candidates["histogram gradient boosting"] = [*prepare, trees]
    return candidates


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


def _thin_out(train, y, most, seed):
    """Return at most so many rows, with the same shares of the classes."""
    if len(train) <= most:
        return train
    return resample(
        train,
        replace=False,
        n_samples=most,
        stratify=y[train],
        random_state=seed,
    )


def _flatten(X):
    """Return X as numbers of shape (n_samples, n_features).

    A sparse X stays sparse if it is wide, because its zeros may not fit into memory.
    """
    if sparse.issparse(X):
        wide = X.shape[1] > _MANY_FEATURES
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
    try:
        codes, _ = pd.factorize(column, sort=True)
    except TypeError as error:  # lists or arrays
        raise ValueError(
            f"reference='auto' cannot use the column {column.name!r}: {error}. Pass a "
            "classifier that takes your data as reference, or a known error such as "
            "0.05."
        ) from error
    return pd.Series(codes, index=column.index, dtype=float)


def _shares_one_unit(X, flat):
    """Return whether all features share a unit, as pixels do.

    Scaling such features one by one would distort them.
    """
    if len(np.shape(X)) > 2 or flat.dtype == np.uint8:
        return True
    return bool(flat.min() >= 0 and flat.max() <= 1)


def _holds_images(X, flat):
    return len(np.shape(X)) > 2 or is_flat_image(flat)
