"""FIT15: whether test samples differ from those that the diagnosis is made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import mannwhitneyu
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

from skmnist._estimate import Estimate, percent
from skmnist.diagnosis import _intervals as intervals
from skmnist.diagnosis._finding import Finding, record, value_of

if TYPE_CHECKING:
    from typing import Any

    from skmnist.diagnosis._evidence import Evidence

# The most samples of either side that are compared, and the fewest.
_MOST, _LEAST = 2000, 20
# The most features that are compared as they are; of more, so many components are.
_MOST_FEATURES = 50
# With the interval of the errors, false alarms stay below 2 %: docs/studies/shift.py.
_SIGNIFICANT = 0.002
# At 95 %, 2.9 % of the data sets without a shift had a higher error in one population.
_CONFIDENCE = 0.99


@dataclass(frozen=True)
class Separation:
    """How well a classifier tells test samples from training samples.

    Attributes
    ----------
    auc : float
        Probability that the classifier ranks a test sample above a training sample,
        of samples that it was not trained on; 0.5 if the samples do not differ.
    p_value : float
        Of a rank test of equal distributions, which is a permutation test.
    n_train, n_test : int
        The numbers of training and test samples that it was measured on.
    """

    __module__ = "skmnist.diagnosis"

    auc: float
    p_value: float
    n_train: int
    n_test: int

    @property
    def is_proven(self) -> bool:
        """Whether the samples are proven to have different distributions."""
        return self.p_value < _SIGNIFICANT


@dataclass(frozen=True, eq=False)
class NewSamples:
    """Test samples, which no model of a diagnosis is trained on.

    Attributes
    ----------
    codes : ndarray of int of shape (n_test,) or None
        True classes, −1 for a label that the training samples do not have. None
        without labels.
    separation : Separation or None
        None if too few samples, or groups of samples, leave it open.
    """

    codes: np.ndarray | None
    separation: Separation | None

    def wrong(self, folds: list[Any]) -> np.ndarray:
        """Return the mean error of each test sample over the models of the folds."""
        return np.mean([fold.new_codes != self.codes for fold in folds], axis=0)

    def error(self, evidence: Evidence) -> Estimate | None:
        """Estimate the error, as that of the validation samples; None without labels.

        What other training samples would change is included by the same means.
        """
        if self.codes is None:
            return None
        return intervals.proportion(
            self.wrong(evidence.folds),
            training=evidence.paired,
            instability=evidence.scatter.drift if evidence.paired else 0.0,
        )

    def excess(self, evidence: Evidence) -> Estimate | None:
        """Estimate the test error minus the validation error; None without labels.

        The limits of the two errors are combined by squares, as for two independent
        proportions (Newcombe, Statistics in Medicine 17, 1998, method 10). The drift of
        models with their training data moves both errors alike, and is left out.
        """
        if self.codes is None:
            return None
        validation = evidence.validation_error
        rows = np.flatnonzero(~np.isnan(validation))
        groups = None if evidence.groups is None else evidence.groups[rows]
        tested = [fold.test_wrong.astype(float) for fold in evidence.folds]
        old = intervals.proportion(
            validation[rows],
            training=evidence.paired,
            instability=evidence.scatter.excess(tested, "test"),
            groups=groups,
        )
        new = intervals.proportion(self.wrong(evidence.folds), training=evidence.paired)
        return new.plus(old.negated())


def separate(X, X_test, seed=None):
    """Test whether a classifier tells test samples from training samples.

    The classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017): half of either
    sample trains a support vector machine, of which the other half are ranked. If both
    samples have one distribution, every order of the ranks is equally probable, so the
    test is exact whatever the classifier has learned; a cross-validation, whose
    trainings share samples, would not be.

    Parameters
    ----------
    X, X_test : array-like of shape (n_samples, ...)
        Of numbers, or a DataFrame.
    seed : int, default=None

    Returns
    -------
    separation : Separation or None
        None if there are fewer than 20 samples of either, or they are not numbers.
    """
    rng = np.random.default_rng(seed)
    sizes = [min(_n_rows(part), _MOST) for part in (X, X_test)]
    if min(sizes) < _LEAST:
        return None
    drawn = [
        _take(part, np.sort(rng.choice(_n_rows(part), size, replace=False)))
        for part, size in zip((X, X_test), sizes, strict=True)
    ]
    features = _as_numbers(drawn)
    if features is None:
        return None
    is_test = np.repeat([False, True], sizes)
    # Half of either sample, at random.
    trains = np.concatenate([rng.permutation(size) < size // 2 for size in sizes])
    classifier = make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
    classifier.fit(features[trains], is_test[trains])
    scores, is_test = classifier.decision_function(features[~trains]), is_test[~trains]
    above, p_value = mannwhitneyu(
        scores[is_test], scores[~is_test], alternative="greater"
    )
    n_train, n_test = int(np.sum(~is_test)), int(np.sum(is_test))
    return Separation(
        float(above) / (n_train * n_test), float(p_value), n_train, n_test
    )


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _take(X, rows):
    if isinstance(X, pd.DataFrame):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else np.asarray(X)[rows]


def _as_numbers(parts):
    """Return two samples as one dense array of at most 50 features; None if of text."""
    if sparse.issparse(parts[0]):
        features = sparse.vstack(parts, format="csr")
        if features.shape[1] <= _MOST_FEATURES:
            return features.toarray()
        return TruncatedSVD(_MOST_FEATURES, random_state=0).fit_transform(features)
    if isinstance(parts[0], pd.DataFrame):
        features = _of_frame(pd.concat(parts, ignore_index=True))
    else:
        features = np.concatenate([np.asarray(part) for part in parts])
        if features.dtype.kind not in "biuf":
            return None
        features = features.reshape(len(features), -1).astype(float)
    if not np.isfinite(features).all():
        features = np.where(np.isfinite(features), features, np.nan)
        imputer = SimpleImputer(keep_empty_features=True, add_indicator=True)
        features = imputer.fit_transform(features)
    if features.shape[1] <= _MOST_FEATURES:
        return features
    n_components = min(_MOST_FEATURES, len(features) - 1)
    return PCA(n_components, random_state=0).fit_transform(features)


def _of_frame(frame):
    """Return a DataFrame as numbers: columns of others by the order of their values."""
    numbers = frame.select_dtypes(["number", "bool"])
    others = frame.drop(columns=numbers.columns).astype(str)
    encoded = OrdinalEncoder().fit_transform(others)
    return np.hstack([numbers.to_numpy(float, na_value=np.nan), encoded])


def shifted(evidence):
    """FIT15: the test samples differ from the others, in their error or as such."""
    if evidence.test is None:
        return None
    excess, separation = evidence.test_excess, evidence.test.separation
    # Less than a quarter of the tolerance does not matter, as for more data.
    harmful = (
        excess is not None
        and excess.at_confidence(_CONFIDENCE).low > 0
        and excess.value >= evidence.tolerance / 4
    )
    differ = separation is not None and separation.is_proven
    if not harmful and not differ:
        return None
    parts, numbers = [], {}
    if excess is not None:
        parts.append(_said_of_errors(evidence, excess, harmful))
        numbers |= record(excess=excess, test=evidence.errors["test"])
    if separation is not None:
        parts.append(_said_of_samples(separation))
        numbers |= {"auc": separation.auc, "p_value": separation.p_value}
    return Finding(
        "FIT15",
        "Shift",
        " ".join(parts),
        numbers | {"error_is_higher": harmful, "samples_differ": differ},
        _advice(harmful, differ),
    )


def _said_of_errors(evidence, excess, harmful):
    errors = evidence.errors
    values = (
        f"the error on the test samples is {value_of(errors['test'])}, the validation "
        f"error {value_of(errors['validation'])}"
    )
    if harmful:
        return f"{values[0].upper()}{values[1:]}: it is higher by {excess}."
    if excess.high < 0:
        return f"{values[0].upper()}{values[1:]}: it is lower by {excess.negated()}."
    return (
        f"The error on the test samples is not proven higher (at 99 %): {values}, a "
        f"difference of {excess}."
    )


def _said_of_samples(separation):
    said = (
        f"of {separation.n_test:,} test samples and {separation.n_train:,} others that "
        "it has not seen, it ranks a test sample higher with a probability of "
        f"{percent(separation.auc)} (50 % if they do not differ; p = "
        f"{separation.p_value:.2g})"
    )
    if separation.is_proven:
        return f"A classifier tells the test samples from the others: {said}."
    return (
        f"A classifier is not proven to tell the test samples from the others: {said}."
    )


def _advice(harmful, differ):
    if harmful and differ:
        return (
            "The test samples are of another kind. Check that both are prepared alike "
            "(scaling, cropping, colours) and have the same class shares; then train "
            "on samples like them, or on augmented ones."
        )
    if harmful:
        return (
            "The samples themselves look alike. Check the labels of the test samples, "
            "and whether samples of one source are on both sides of the splits, which "
            "makes the validation error too low (pass groups)."
        )
    return (
        "Find out in what they differ (source, scaling, class shares) before the model "
        "is used on more of them: the validation error need not hold there."
    )
