"""The result of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skmnist._cross_validation._duplicates import find_duplicates
from skmnist._cross_validation._folds import judge_fitted
from skmnist._cross_validation._neighbours import find_neighbours
from skmnist._cross_validation._reference import (
    check_reference,
    run_dummy,
    run_reference,
)
from skmnist._cross_validation._scores import take_rows
from skmnist._cross_validation._stages import CrossValidation
from skmnist._seed import draw_seed
from skmnist.diagnosis import _tables
from skmnist.diagnosis._advice import parameter_names
from skmnist.diagnosis._checks import (
    check_cv_results,
    check_data,
    check_estimator,
    check_ignore,
    check_params,
    check_test_samples,
    check_trains,
)
from skmnist.diagnosis._classes import per_class_sentence, per_class_table
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._findings import find
from skmnist.diagnosis._learning_rate import suggested_rate
from skmnist.diagnosis._mistakes import MOST_SHOWN, find_mistakes, pixels_of
from skmnist.diagnosis._record import record_of
from skmnist.diagnosis._shift import NewSamples, separate
from skmnist.diagnosis._verdict import conclude
from skmnist.report._html import HTMLMixin
from skmnist.report._provenance import fingerprints, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from matplotlib.axes import Axes

    from skmnist._estimate import Estimate
    from skmnist._typing import ArrayLike, Estimator, RandomState
    from skmnist.diagnosis._extrapolation import Extrapolation
    from skmnist.diagnosis._finding import Finding
    from skmnist.diagnosis._shift import Separation
    from skmnist.displays import FitDiagnosisDisplay


# What later versions have added to the results of version 0.1.0.
_ADDED = {
    "leaning": None,
    "per_class": None,
    "per_class_sentence": "",
    "suspect_labels": None,
    "extrapolation": None,
    "test_excess": None,
    "test_separation": None,
}


@dataclass(frozen=True, eq=False, repr=False)
class FitDiagnosis(HTMLMixin):
    """The verdict on a fit, with everything that it is based on.

    Returned by `diagnose_fit` and `from_cv_results`. Errors and accuracies are
    fractions, losses natural logarithms, times seconds, intervals 95 %.

    Attributes
    ----------
    verdict : {"underfit", "overfit", "both", "good", "inconclusive"}
        The verdict.
    leaning : str or None
        Where the values of bias and gap lie, without regard to their intervals, if the
        verdict is inconclusive: "underfit", "overfit", "both" or "good". None if it is
        decided, or if duplicates leave nothing to go by.
    sentence : str
        The verdict with its numbers.
    findings : list of Finding
        Each with `code`, `title`, `sentence`, `evidence`, `advice` and `severity`,
        without those of `ignore`.
    bias, gap : Estimate
        Training error above the reference, and validation error above training error
        (above a known error, if that is larger), with `value`, `low`, `high`.
    tolerance : float
        Largest bias or gap regarded as negligible.
    resolution : float
        The smallest bias or gap that this many samples can distinguish from zero.
    reference : str
        The model or error that the bias is measured against.
    errors : dict of str to Estimate
        Keys "reference", "train" and "validation", and "test" with labelled test
        samples.
    n_samples : int
        The number of validation samples.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    folds : DataFrame
        For each split: fold (from 1), n_train, n_validation, loss, accuracy and
        balanced accuracy of both sides, those of `scoring`, fit_time; test_accuracy
        with labelled test samples.
    epochs : DataFrame or None
        For each split and epoch: fold, epoch (both from 1), loss and accuracy of both
        sides in inference mode. None if the estimator does not train in epochs.
    summary : DataFrame
        Columns mean, low, high for each score, over samples. With `scoring`, also rows
        of its scores, with their mean and standard_error over the splits.
    confusion_matrix : ndarray of int of shape (n_classes, n_classes)
        Out-of-fold predictions of all splits, true classes in rows.
    per_class : DataFrame
        For each class: class, n (samples), out-of-fold error (1 − recall) with its
        interval in low and high, precision, and worse: whether the error is proven
        higher than that of the other classes together.
    per_class_sentence : str
        Names the classes that are proven worse; empty if there are none.
    out_of_fold : DataFrame
        y_true, y_pred, probability of the prediction and split, indexed by row of X, or
        of X_val with a hold-out.
    test_excess : Estimate or None
        The test error minus the validation error; None without labelled test samples.
    test_separation : Separation or None
        How well a classifier tells the test samples from those of X: `auc`, `p_value`,
        `n_train`, `n_test`. None without test samples, with fewer than 20 samples of
        either, or with groups.
    learning_curve : DataFrame or None
        train_size, fold, train_accuracy, validation_accuracy.
    extrapolation : Extrapolation or None
        The learning curve extrapolated to four times the data: `at` and `samples_for`.
        None without a learning curve, or if it does not determine how it goes on.
    capacity_curve : DataFrame or None
        value (as text, the simplest first), fold, train_accuracy, validation_accuracy.
    calibration : DataFrame or None
        For each tenth of the out-of-fold predictions, the least probable first: mean
        probability, accuracy, and number n.
    mistakes : DataFrame
        The wrong out-of-fold predictions with the highest probability, at most 24: row,
        y_true, y_pred, probability, split.
    mistake_images : ndarray of uint8 of shape (n_mistakes, h, w[, 3]) or None
        Their pixels, stretched to 0–255. None if the samples are not images.
    suspect_labels : DataFrame
        Labels that are probably wrong, the most suspect first: row, y_true (the label
        given), y_suggested, probability_true, probability_suggested, split. Empty
        without FIT13, which needs a classifier with `predict_proba`.
    suspect_images : ndarray of uint8 of shape (n_suspects, h, w[, 3]) or None
        Pixels of the first 24, as in `mistake_images`.
    data : dict of str to dict
        Of "X" and "y" (and "X_val", "y_val", "X_test", "y_test", "groups" and arrays
        of `params`): "shape", "dtype" and "sha256".
    configuration : dict of str to str
        Arguments of `diagnose_fit` as text; after `from_cv_results` the estimator.
    ignore : tuple of str
        Codes of findings that are not listed.
    evidence : Evidence
        The errors of every sample, and the estimates that verdict and findings use.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skmnist import diagnose_fit
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LogisticRegression(max_iter=1000)
    >>> diagnosis = diagnose_fit(clf, X, y, reference=0.02, tolerance=0.1)
    >>> diagnosis
    FitDiagnosis(verdict='good', n_samples=150)
    >>> diagnosis.confusion_matrix
    array([[50,  0,  0],
           [ 0, 47,  3],
           [ 0,  3, 47]])
    """

    __module__ = "skmnist.diagnosis"

    evidence: Evidence
    classes: np.ndarray
    learning_curve: pd.DataFrame | None
    mistake_images: np.ndarray | None
    data: dict[str, Any]
    configuration: dict[str, str]
    first_row: int = 0
    ignore: tuple[str, ...] = ()
    suspect_images: np.ndarray | None = None

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: ArrayLike,
        y: ArrayLike,
        *,
        X_test: ArrayLike | None = None,
        y_test: ArrayLike | None = None,
        reference: Literal["auto"] | float | Estimator = "auto",
        tolerance: float = 0.02,
        groups: ArrayLike | None = None,
        random_state: RandomState = None,
        ignore: Sequence[str] = (),
    ) -> FitDiagnosis:
        """Diagnose the estimators that scikit-learn's `cross_validate` trained.

        Parameters
        ----------
        cv_results : dict
            From ``cross_validate(..., return_train_score=True, return_estimator=True,
            return_indices=True)``.
        X : array-like of shape (n_samples, ...)
            The same samples.
        y : array-like of shape (n_samples,)
            Their labels.
        X_test : array-like of shape (n_test, ...), default=None
            Samples that the splits do not contain, as for `diagnose_fit`.
        y_test : array-like of shape (n_test,), default=None
            Their labels.
        reference : "auto", float or classifier, default="auto"
            The achievable error that the bias is measured against, as for
            `diagnose_fit`.
        tolerance : float, default=0.02
            Largest bias or gap regarded as negligible, in (0, 1).
        groups : array-like of shape (n_samples,), default=None
            Samples of one group (of one writer, for example) are not independent. The
            splits are those of `cv_results` all the same.
        random_state : int, RandomState instance or None, default=None
            Seeds the reference.
        ignore : list of str, default=()
            Codes of findings that are not to be listed, as for `diagnose_fit`.

        Returns
        -------
        diagnosis : FitDiagnosis
            Without `epochs`.

        Raises
        ------
        ValueError
            If estimators or indices are missing, or data or a parameter are unusable.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import cross_validate
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from skmnist import FitDiagnosis
        >>> X, y = load_iris(return_X_y=True)
        >>> stump = DecisionTreeClassifier(max_depth=1, random_state=0)
        >>> results = cross_validate(
        ...     stump, X, y, return_estimator=True, return_indices=True
        ... )
        >>> FitDiagnosis.from_cv_results(results, X, y, reference=0.02).verdict
        'underfit'
        """
        check_params(
            "from_cv_results",
            reference=reference,
            tolerance=tolerance,
            random_state=random_state,
        )
        ignore = check_ignore(ignore)
        X, y, groups = check_data(X, y, groups)
        splits = check_cv_results(cv_results, y)
        check_reference(reference, X)
        estimators = cv_results["estimator"]
        check_estimator(estimators[0])
        check_trains(estimators[0], y, has_hold_out=False)
        test_samples = check_test_samples(estimators[0], X, y, X_test, y_test)
        fitted = zip(estimators, splits, cv_results["fit_time"], strict=True)
        folds = [
            judge_fitted(
                estimator,
                X,
                y,
                train=train,
                test=test,
                number=number,
                fit_time=seconds,
                X_new=test_samples and test_samples[0],
            )
            for number, (estimator, (train, test), seconds) in enumerate(fitted, 1)
        ]
        cross_validation = CrossValidation(X, y, splits, seed=draw_seed(random_state))
        return cls._from_folds(
            estimators[0],
            cross_validation,
            folds,
            reference=run_reference(reference, cross_validation),
            tolerance=tolerance,
            groups=groups,
            test=test_samples,
            configuration={"estimator": one_line(estimators[0])},
            ignore=ignore,
        )

    @classmethod
    def _from_folds(
        cls,
        estimator,
        cross_validation,
        folds,
        *,
        reference,
        tolerance,
        groups=None,
        shuffled=None,
        curve=None,
        parts=None,
        candidates=None,
        first_row=0,
        test=None,
        configuration=None,
        ignore=(),
    ):
        """Diagnose folds that were trained before.

        `reference` is the result of `run_reference`, `curve` and `parts` are those of
        `LearningCurve.points`, and `first_row` is the first row of a hold-out. `test`
        has test samples, their labels and their classes.
        """
        X, y, splits = cross_validation.X, cross_validation.y, cross_validation.splits
        classes, codes = np.unique(y, return_inverse=True)
        name, reference = reference
        evidence = Evidence(
            folds=folds,
            dummy=run_dummy(y, splits),
            codes=codes,
            n_classes=len(classes),
            tolerance=float(tolerance),
            reference_name=name,
            reference=reference,
            groups=groups,
            shuffled=shuffled,
            parameters=parameter_names(estimator),
            parts=parts or {},
            duplicates=find_duplicates(X, splits),
            candidates=candidates,
            neighbours=find_neighbours(X, codes, splits, cross_validation.seed),
            test=_test_samples(test, X, first_row, groups, cross_validation.seed),
        )
        fault = evidence.rate_fault
        if fault is not None:
            train = splits[0][0]
            rate = suggested_rate(
                estimator,
                take_rows(X, train),
                y[train],
                fault,
                draw_seed(cross_validation.seed),
            )
            evidence = replace(evidence, suggested_rate=rate)
        suspects = _tables.suspect_labels_table(evidence, classes)["row"]
        mistakes = find_mistakes(_tables.out_of_fold_table(evidence, classes))
        return cls(
            evidence=evidence,
            classes=classes,
            learning_curve=curve,
            mistake_images=pixels_of(X, mistakes["row"].to_numpy()),
            suspect_images=pixels_of(X, suspects.head(MOST_SHOWN).to_numpy()),
            data=fingerprints(X, y, groups, cross_validation.params, first_row, test),
            configuration=configuration or {},
            first_row=first_row,
            ignore=ignore,
        )

    @cached_property
    def findings(self) -> list[Finding]:
        """List of Finding: what the evidence proves, in the order of the codes."""
        return [each for each in self._all_findings if each.code not in self.ignore]

    @cached_property
    def _all_findings(self):
        """List of Finding: also those that are not listed, which decide a verdict."""
        return find(self.evidence)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle; version 0.1.0 saved tables in place of the evidence."""
        added = {} if "evidence" in state else _ADDED
        self.__dict__.update(added | state)

    @cached_property
    def _conclusion(self):
        return conclude(self.evidence, self._all_findings)

    @cached_property
    def verdict(self) -> str:
        """str: underfit, overfit, both, good or inconclusive."""
        return self._conclusion[0]

    @cached_property
    def leaning(self) -> str | None:
        """Str or None: where an inconclusive verdict leans."""
        return self._conclusion[1]

    @cached_property
    def sentence(self) -> str:
        """str: the verdict with its numbers."""
        return self._conclusion[2]

    @cached_property
    def bias(self) -> Estimate:
        """Estimate: training error minus the reference error."""
        return self.evidence.bias

    @cached_property
    def gap(self) -> Estimate:
        """Estimate: validation error minus the training error."""
        return self.evidence.gap

    @cached_property
    def tolerance(self) -> float:
        """float: largest bias or gap regarded as negligible."""
        return self.evidence.tolerance

    @cached_property
    def resolution(self) -> float:
        """float: smallest bias or gap that can be distinguished from zero."""
        return self.evidence.resolution

    @cached_property
    def reference(self) -> str:
        """str: the model or error that the bias is measured against."""
        return self.evidence.reference_name

    @cached_property
    def errors(self) -> dict[str, Estimate]:
        """Dict of str to Estimate: "reference", "train", "validation", maybe "test"."""
        return self.evidence.errors

    @cached_property
    def test_excess(self) -> Estimate | None:
        """Estimate or None: the test error minus the validation error."""
        return self.evidence.test_excess

    @cached_property
    def test_separation(self) -> Separation | None:
        """Separation or None: how well test samples are told from the others."""
        return None if self.evidence.test is None else self.evidence.test.separation

    @cached_property
    def n_samples(self) -> int:
        """int: the number of validation samples."""
        return self.evidence.n_samples

    @cached_property
    def folds(self) -> pd.DataFrame:
        """DataFrame: scores of each split."""
        return _tables.folds_table(
            self.evidence.folds, self.evidence.codes, self.evidence.test
        )

    @cached_property
    def epochs(self) -> pd.DataFrame | None:
        """DataFrame or None: scores after each epoch of each split."""
        return _tables.epochs_table(self.evidence)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """DataFrame: mean of each score over samples, and its interval."""
        return _tables.summary_table(self.evidence)

    @cached_property
    def confusion_matrix(self) -> np.ndarray:
        """Ndarray of int: out-of-fold predictions, true classes in rows."""
        return _tables.confusion_table(self.evidence)

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """DataFrame: error, interval and precision of each class."""
        return per_class_table(self.evidence, self.classes)

    @cached_property
    def per_class_sentence(self) -> str:
        """str: the classes that are proven worse than the others, or nothing."""
        if self.per_class is None:
            return ""
        return per_class_sentence(self.per_class, self.errors["validation"].value)

    @cached_property
    def out_of_fold(self) -> pd.DataFrame:
        """DataFrame: the prediction of each validation sample."""
        return _tables.out_of_fold_table(self.evidence, self.classes, self.first_row)

    @cached_property
    def extrapolation(self) -> Extrapolation | None:
        """Extrapolation or None: the extrapolated learning curve."""
        return self.evidence.extrapolation

    @cached_property
    def capacity_curve(self) -> pd.DataFrame | None:
        """DataFrame or None: accuracies by the values of `capacity`."""
        candidates = self.evidence.candidates
        return None if candidates is None else candidates.curve

    @cached_property
    def calibration(self) -> pd.DataFrame | None:
        """DataFrame or None: accuracy by predicted probability."""
        return _tables.calibration_table(self.evidence)

    @cached_property
    def mistakes(self) -> pd.DataFrame:
        """DataFrame: wrong predictions with the highest probability."""
        return find_mistakes(self.out_of_fold)

    @cached_property
    def suspect_labels(self) -> pd.DataFrame:
        """DataFrame: labels that are probably wrong, the most suspect first."""
        return _tables.suspect_labels_table(self.evidence, self.classes, self.first_row)

    def __repr__(self) -> str:
        return f"FitDiagnosis(verdict={self.verdict!r}, n_samples={self.n_samples})"

    def __str__(self) -> str:
        lines = [self.sentence]
        if self.per_class_sentence:
            lines.append(f"  {self.per_class_sentence}")
        for finding in self.findings:
            lines += [
                f"  {finding.code} {finding.title} ({finding.severity}): "
                f"{finding.sentence}",
                f"        {finding.advice}",
            ]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the scores of each split, and their mean in a last row.

        Returns
        -------
        frame : DataFrame
            The columns of `folds`, indexed by fold: 1, 2, ... and "mean".
        """
        folds = self.folds.set_index("fold")
        mean = folds.mean().to_frame("mean").T
        mean.index.name = "fold"
        return pd.concat([folds, mean])

    def to_dict(self) -> dict[str, Any]:
        """Return everything but `out_of_fold` and pixels as plain Python objects.

        Returns
        -------
        record : dict
            NaN in a table, as without probabilities, is None. ``record["version"]`` is
            the version of the format; the file ``report/diagnosis.schema.json`` of
            this package describes it.
        """
        return record_of(self)

    def plot(self, ax: Axes | None = None) -> FitDiagnosisDisplay:
        """Draw the diagnosis with matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : FitDiagnosisDisplay
            With the axes in `ax_`.
        """
        from skmnist.displays import FitDiagnosisDisplay

        return FitDiagnosisDisplay(self).plot(ax)

    def _render_page(self):
        from skmnist.report import render_html

        return render_html(self)

    def _render_card(self):
        from skmnist.report._card import render_diagnosis_card

        return render_diagnosis_card(self)


def _test_samples(test, X, first_row, groups, seed):
    """Return test samples as evidence, compared with those that are trained on."""
    if test is None:
        return None
    X_test, _, codes = test
    # Samples of one group are alike, so that new groups could always be told apart.
    separation = None
    if groups is None:
        separation = separate(X[: first_row or None], X_test, seed)
    return NewSamples(codes, separation)
