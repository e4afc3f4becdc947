"""Compare two classifiers that were diagnosed on the same samples and splits."""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import binomtest

from skmnist._estimate import Estimate, percent
from skmnist.diagnosis._intervals import paired_difference


@dataclass(frozen=True)
class Comparison:
    """Which of two classifiers errs less on new samples.

    Attributes
    ----------
    names : tuple of str
        Of the first and the second.
    errors : tuple of Estimate
        Their validation errors.
    difference : Estimate
        The first's validation error less the second's, paired by sample. Its interval
        allows for the luck of training, too.
    n_samples : int
    n_first_wrong, n_second_wrong : int
        Samples on which the first errs alone, and the second. Of a sample that several
        splits tested the first counts.
    p_value : float
        Of McNemar's exact test, for these two trainings: how often chance alone would
        divide the samples on which one errs so unevenly.
    sentence : str

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> from skmnist.diagnosis._comparison import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    >>> comparison = compare(
    ...     ("stump", "Bayes"),
    ...     diagnose_fit(stump, X, y, reference=0.02),
    ...     diagnose_fit(GaussianNB(), X, y, reference=0.02),
    ... )
    >>> comparison.n_first_wrong, comparison.n_second_wrong
    (46, 3)
    """

    names: tuple[str, str]
    errors: tuple[Estimate, Estimate]
    difference: Estimate
    n_samples: int
    n_first_wrong: int
    n_second_wrong: int
    p_value: float
    sentence: str

    def to_dict(self):
        """Return everything as plain Python objects, for JSON."""
        return asdict(self)


def compare(names, first, second):
    """Compare two diagnoses.

    Parameters
    ----------
    names : tuple of str
    first, second : FitDiagnosis
        Of the same samples and splits.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    ValueError
        If samples, labels or splits differ.
    """
    one, other = first.out_of_fold, second.out_of_fold
    shared = ["y_true", "split"]
    same_rows = len(one) == len(other) and (one.index == other.index).all()
    same_splits = same_rows and (one[shared] == other[shared]).all(axis=None)
    if not same_splits or first.data != second.data:
        raise ValueError(
            "Two diagnoses can be compared only on the same samples and splits, but "
            "these differ: give both the same X, y and cv (with shuffling, the same "
            "random_state)."
        )
    wrong = [table["y_pred"] != table["y_true"] for table in (one, other)]
    errors = [w.groupby(level="row").mean().to_numpy() for w in wrong]
    difference = paired_difference(*errors)
    once = [w.groupby(level="row").first().to_numpy() for w in wrong]
    n_first = int(np.sum(once[0] & ~once[1]))
    n_second = int(np.sum(once[1] & ~once[0]))
    p_value = 1.0
    if n_first + n_second:
        p_value = float(binomtest(n_first, n_first + n_second).pvalue)
    return Comparison(
        names=tuple(names),
        errors=(first.errors["validation"], second.errors["validation"]),
        difference=difference,
        n_samples=len(errors[0]),
        n_first_wrong=n_first,
        n_second_wrong=n_second,
        p_value=p_value,
        sentence=_sentence(names, errors, difference, n_first, n_second, p_value),
    )


def _sentence(names, errors, difference, n_first, n_second, p_value):
    shares = [percent(float(np.mean(error))) for error in errors]
    both = f"{names[0]} errs on {shares[0]} of the new samples, {names[1]} on"
    if difference.contains(0):
        said = (
            f"No difference is proven: {both} {shares[1]}, a difference of {difference}"
        )
    else:
        better = names[1] if difference.value > 0 else names[0]
        size = difference if difference.value > 0 else difference.negated()
        said = f"{better} is better: {both} {shares[1]}, better by {size}"
    p = "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"
    return (
        f"{said}. On {n_first} samples {names[0]} errs alone, on {n_second} {names[1]} "
        f"(McNemar's exact test: {p})."
    )
