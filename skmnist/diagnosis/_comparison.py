"""Compare two classifiers that were diagnosed on the same samples and splits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from skmnist._estimate import Estimate, percent
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._intervals import paired_difference
from skmnist.diagnosis._result import FitDiagnosis
from skmnist.diagnosis._scatter import (
    drift_variance,
    excess_variance,
    split_means,
)
from skmnist.report._html import HTMLMixin
from skmnist.report._provenance import as_plain

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.axes import Axes


def compare_fits(
    first: FitDiagnosis, second: FitDiagnosis, *, names: tuple[str, str] | None = None
) -> FitComparison:
    """Say which of two diagnosed classifiers errs less on new samples.

    Parameters
    ----------
    first, second : FitDiagnosis
        Of the same samples, labels, splits and groups.
    names : tuple of (str, str), default=None
        What the two are called. None uses "first" and "second".

    Returns
    -------
    comparison : FitComparison
        The difference of their errors, and which of them is proven better.

    Raises
    ------
    ValueError
        If samples, labels, splits or groups differ, or the names are equal.

    See Also
    --------
    diagnose_fit : Diagnose one classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import compare_fits, diagnose_fit
    >>> X, y = load_iris(return_X_y=True)
    >>> stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    >>> comparison = compare_fits(
    ...     diagnose_fit(stump, X, y, reference=0.02),
    ...     diagnose_fit(GaussianNB(), X, y, reference=0.02),
    ...     names=("stump", "Bayes"),
    ... )
    >>> comparison.n_first_wrong, comparison.n_second_wrong
    (47, 3)
    >>> comparison.better
    'Bayes'
    """
    names = ("first", "second") if names is None else tuple(map(str, names))
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"names should be two different names, got {names!r}.")
    _check_comparable(first, second)
    evidence = first.evidence, second.evidence
    errors = [each.validation_error for each in evidence]
    rows = np.flatnonzero(~np.isnan(errors[0]))
    groups = evidence[0].groups
    difference = paired_difference(
        errors[0][rows],
        errors[1][rows],
        instability=_instability(*evidence),
        groups=None if groups is None else groups[rows],
    )
    once = [_first_wrong(each)[rows] for each in evidence]
    n_first = int(np.sum(once[0] & ~once[1]))
    n_second = int(np.sum(once[1] & ~once[0]))
    p_value = 1.0
    if n_first + n_second:
        p_value = float(binomtest(n_first, n_first + n_second).pvalue)
    return FitComparison(
        names=names,
        diagnoses=(first, second),
        errors=(first.errors["validation"], second.errors["validation"]),
        difference=difference,
        n_samples=len(rows),
        n_first_wrong=n_first,
        n_second_wrong=n_second,
        p_value=p_value,
    )


def _check_comparable(first, second):
    """Raise ValueError unless two diagnoses are of the same samples and splits."""
    one, other = first.evidence, second.evidence
    same = (
        _without_test(first.data) == _without_test(second.data)
        and len(one.folds) == len(other.folds)
        and all(
            np.array_equal(a.test, b.test)
            for a, b in zip(one.folds, other.folds, strict=True)
        )
    )
    if not same:
        raise ValueError(
            "Two diagnoses can be compared only on the same samples and splits, but "
            "these differ: give both the same X, y, groups, params and cv (with "
            "shuffling, the same random_state)."
        )


def _without_test(data):
    return {k: v for k, v in data.items() if k not in ("X_test", "y_test")}


def _first_wrong(evidence: Evidence):
    """Return whether the first split that tested a row erred on it."""
    wrong = np.zeros(len(evidence.codes), dtype=bool)
    for fold in reversed(evidence.folds):
        wrong[fold.test] = fold.test_wrong
    return wrong


def _instability(first, second):
    """Return the variance that trainings add to the difference of two errors.

    As in one diagnosis, it is the scatter between splits beyond chance plus the drift
    of models with their data, both of the differences.
    """
    differences = [
        one.test_wrong.astype(float) - other.test_wrong
        for one, other in zip(first.folds, second.folds, strict=True)
    ]
    groups = None
    if first.groups is not None:
        groups = [first.groups[fold.test] for fold in first.folds]
    scatter = excess_variance(*split_means(differences, groups))
    deviations = first.scatter.deviations - second.scatter.deviations
    return scatter + drift_variance(deviations, first.folds)


@dataclass(frozen=True, eq=False, repr=False)
class FitComparison(HTMLMixin):
    """The result of `compare_fits`.

    Attributes
    ----------
    names : tuple of str
        Of the first and the second classifier.
    diagnoses : tuple of FitDiagnosis
    errors : tuple of Estimate
        Their validation errors.
    difference : Estimate
        The first's validation error minus the second's, paired by sample. The interval
        allows for groups and for the variation between trainings.
    better : str or None
        The name of the classifier that is proven better; None if none is.
    n_samples : int
    n_first_wrong, n_second_wrong : int
        Samples on which only the first errs, and only the second. If several splits
        tested a sample, the first of them counts.
    p_value : float
        Of McNemar's exact test, for these two trainings: how often chance alone would
        divide the samples on which only one errs so unevenly.
    sentence : str
        The result in words, with its numbers.
    """

    __module__ = "skmnist.diagnosis"

    names: tuple[str, str]
    diagnoses: tuple[FitDiagnosis, FitDiagnosis]
    errors: tuple[Estimate, Estimate]
    difference: Estimate
    n_samples: int
    n_first_wrong: int
    n_second_wrong: int
    p_value: float

    @property
    def better(self) -> str | None:
        """Str or None: the name of the classifier that is proven better."""
        if self.difference.contains(0):
            return None
        return self.names[1 if self.difference.value > 0 else 0]

    @property
    def sentence(self) -> str:
        """str: the result in words, with its numbers."""
        first, second = self.names
        shares = [percent(error.value) for error in self.errors]
        both = f"{first} has a validation error of {shares[0]}, {second} of {shares[1]}"
        difference = self.difference
        if self.better is None:
            said = f"No difference is proven: {both}, a difference of {difference}"
        else:
            size = difference if difference.value > 0 else difference.negated()
            said = f"{self.better} is better: {both}, lower by {size}"
        p = "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"
        return (
            f"{said}. On {self.n_first_wrong} samples only {first} errs, on "
            f"{self.n_second_wrong} only {second} (McNemar's exact test: {p})."
        )

    def __repr__(self) -> str:
        return f"FitComparison(names={self.names!r}, better={self.better!r})"

    def __str__(self) -> str:
        return self.sentence

    def to_frame(self) -> pd.DataFrame:
        """Return the verdict and the errors of both classifiers.

        Returns
        -------
        frame : DataFrame
            A row per classifier: verdict, and reference, train and validation error,
            bias and gap, each with its interval in ``_low`` and ``_high``.
        """
        rows = []
        for diagnosis in self.diagnoses:
            row = {"verdict": diagnosis.verdict}
            estimates = {f"{k}_error": e for k, e in diagnosis.errors.items()}
            estimates |= {"bias": diagnosis.bias, "gap": diagnosis.gap}
            for name, estimate in estimates.items():
                row |= {
                    name: estimate.value,
                    f"{name}_low": estimate.low,
                    f"{name}_high": estimate.high,
                }
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index(self.names, name="model"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the diagnoses as plain Python objects, for JSON.

        Returns
        -------
        record : dict
            Values by the names of the attributes, and the verdicts.
        """
        return as_plain(
            {
                "names": self.names,
                "errors": [asdict(error) for error in self.errors],
                "difference": asdict(self.difference),
                "better": self.better,
                "n_samples": self.n_samples,
                "n_first_wrong": self.n_first_wrong,
                "n_second_wrong": self.n_second_wrong,
                "p_value": self.p_value,
                "sentence": self.sentence,
                "verdicts": {
                    name: diagnosis.verdict
                    for name, diagnosis in zip(self.names, self.diagnoses, strict=True)
                },
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw training and validation error of both classifiers.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        ax : matplotlib Axes
            The axes with the picture.
        """
        from skmnist.report._comparison import draw_comparison

        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        draw_comparison(ax, self)
        return ax

    def _render_page(self):
        from skmnist.report._comparison import render_comparison

        return render_comparison(self)

    def _render_card(self):
        from skmnist.report._card import render_comparison_card

        return render_comparison_card(self)
