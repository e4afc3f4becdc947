"""The result of a diagnosis."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from sklearn.utils import indexable

from skmnist._atomic import replacing
from skmnist._cross_validation._duplicates import find_twins
from skmnist._cross_validation._folds import judge_fitted
from skmnist._cross_validation._reference import (
    check_reference,
    run_dummy,
    run_reference,
)
from skmnist._estimate import Estimate
from skmnist._seed import draw_seed
from skmnist.diagnosis import _tables
from skmnist.diagnosis._checks import check_data, check_params
from skmnist.diagnosis._evidence import Evidence
from skmnist.diagnosis._findings import Finding, find
from skmnist.diagnosis._mistakes import find_mistakes, pixels_of
from skmnist.diagnosis._scatter import trains_at_random
from skmnist.diagnosis._verdict import conclude
from skmnist.report._provenance import as_plain, fingerprint


@dataclass(frozen=True, eq=False, repr=False)
class FitDiagnosis:
    """The verdict on a fit, with everything it was drawn from.

    Made by `diagnose_fit` or `from_cv_results`. Errors and accuracies are fractions,
    losses natural logarithms, times seconds, intervals 95 %.

    Attributes
    ----------
    verdict : {"underfit", "overfit", "both", "good", "inconclusive"}
        In one word.
    sentence : str
        In one sentence, with its numbers.
    findings : list of Finding
        Each with `code`, `title`, `sentence`, `evidence` and `advice`.
    bias, gap : Estimate
        Training error above the reference, and validation error above training error
        (or above a known error that training went below), with `value`, `low`, `high`.
    tolerance : float
        The bias or gap that does not matter.
    resolution : float
        The smallest bias or gap that this many samples can tell from nothing.
    reference : str
        What the bias is measured against.
    errors : dict of str to Estimate
        Keys "reference", "train" and "validation".
    n_samples : int
        Samples validated on.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    folds : DataFrame
        For each split: fold (from 1), n_train, n_validation, loss, accuracy and
        balanced accuracy of both sides, fit_time.
    epochs : DataFrame or None
        For each split and epoch: fold, epoch (both from 1), loss and accuracy of both
        sides in inference mode. None for an estimator that has no epochs to follow.
    summary : DataFrame
        Columns mean, low, high for each score, over samples.
    confusion_matrix : ndarray of int of shape (n_classes, n_classes)
        Out-of-fold predictions of all splits, true classes in rows.
    out_of_fold : DataFrame
        y_true, y_pred, probability of the prediction and split, indexed by row of X (of
        X_val where there was a hold-out).
    learning_curve : DataFrame or None
        train_size, fold, train_accuracy, validation_accuracy.
    capacity_curve : DataFrame or None
        value (as text, the simplest first), fold, train_accuracy, validation_accuracy.
    calibration : DataFrame or None
        For each tenth of the out-of-fold predictions, the least probable first: their
        mean probability, accuracy, and number n.
    mistakes : DataFrame
        The wrong out-of-fold predictions the classifier was surest of, at most 24: row,
        y_true, y_pred, probability, split.
    mistake_images : ndarray of uint8 of shape (n_mistakes, h, w[, 3]) or None
        Their pixels, stretched to 0–255. None where the samples are no images.
    data : dict of str to dict
        Of "X" and "y" (and "X_val", "y_val", "groups" and arrays of `params`): "shape",
        "dtype" and "sha256".
    configuration : dict of str to str
        Arguments of `diagnose_fit` as they are written; empty after `from_cv_results`.

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
           [ 0,  1, 49]])
    """

    __module__ = "skmnist.diagnosis"

    verdict: str
    sentence: str
    findings: list[Finding]
    bias: Estimate
    gap: Estimate
    tolerance: float
    resolution: float
    reference: str
    errors: dict[str, Estimate]
    n_samples: int
    classes: np.ndarray
    folds: pd.DataFrame
    epochs: pd.DataFrame | None
    summary: pd.DataFrame
    confusion_matrix: np.ndarray
    out_of_fold: pd.DataFrame
    learning_curve: pd.DataFrame | None
    capacity_curve: pd.DataFrame | None
    calibration: pd.DataFrame | None
    mistakes: pd.DataFrame
    mistake_images: np.ndarray | None
    data: dict
    configuration: dict

    @classmethod
    def from_cv_results(
        cls,
        cv_results,
        X,
        y,
        *,
        reference="auto",
        tolerance=0.02,
        groups=None,
        random_state=None,
    ):
        """Diagnose what scikit-learn's `cross_validate` trained.

        Parameters
        ----------
        cv_results : dict
            From ``cross_validate(..., return_train_score=True, return_estimator=True,
            return_indices=True)``.
        X : array-like of shape (n_samples, ...)
            The same samples.
        y : array-like of shape (n_samples,)
            Their labels.
        reference : "auto", float or classifier, default="auto"
            What error is in reach, as for `diagnose_fit`.
        tolerance : float, default=0.02
            The bias or gap that does not matter, in (0, 1).
        groups : array-like of shape (n_samples,), default=None
            Samples of one group (of one writer, say) are not independent. The splits
            are those of `cv_results` all the same.
        random_state : int, RandomState instance or None, default=None
            Seeds the reference.

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
        if not {"estimator", "indices"} <= set(cv_results):
            raise ValueError(
                "cv_results should hold the estimators and their rows, got "
                f"{sorted(cv_results)}. Call cross_validate with return_estimator=True "
                "and return_indices=True."
            )
        X, y, groups = check_data(X, y, groups)
        indices = cv_results["indices"]
        splits = list(zip(indices["train"], indices["test"], strict=True))
        highest = max(np.max(rows) for split in splits for rows in split)
        if highest >= len(y):
            raise ValueError(
                f"cv_results speaks of row {highest}, but X has {len(y)} rows: pass "
                "the X and y that cross_validate was given."
            )
        for estimator in cv_results["estimator"]:
            unknown = np.setdiff1d(getattr(estimator, "classes_", y), y)
            if len(unknown):
                raise ValueError(
                    f"The estimators of cv_results know the labels {unknown.tolist()}, "
                    "which y does not hold: pass the y that cross_validate was given."
                )
        check_reference(reference, X)
        fitted = zip(
            cv_results["estimator"], splits, cv_results["fit_time"], strict=True
        )
        folds = [
            judge_fitted(
                estimator, X, y, train=train, test=test, number=number, fit_time=seconds
            )
            for number, (estimator, (train, test), seconds) in enumerate(fitted, 1)
        ]
        seed = draw_seed(random_state)
        name, reference = run_reference(reference, X, y, splits, seed=seed)
        return cls._from_folds(
            cv_results["estimator"][0],
            folds,
            X,
            y,
            splits,
            name,
            reference,
            tolerance,
            groups=groups,
            twins=find_twins(X, splits),
        )

    @classmethod
    def _from_folds(
        cls,
        estimator,
        folds,
        X,
        y,
        splits,
        reference_name,
        reference,
        tolerance,
        *,
        groups=None,
        curve=None,
        half=None,
        twins=None,
        candidates=None,
        first_row=0,
        params=None,
        configuration=None,
    ):
        classes, codes = np.unique(y, return_inverse=True)
        evidence = Evidence(
            folds=folds,
            dummy=run_dummy(y, splits),
            codes=codes,
            n_classes=len(classes),
            tolerance=float(tolerance),
            reference_name=reference_name,
            reference=reference,
            groups=groups,
            luck=trains_at_random(estimator),
            half=half,
            twins=twins,
            candidates=candidates,
        )
        findings = find(evidence)
        verdict, sentence = conclude(evidence, findings)
        out_of_fold = _tables.out_of_fold_table(evidence, classes, first_row)
        mistakes = find_mistakes(out_of_fold)
        return cls(
            verdict=verdict,
            sentence=sentence,
            findings=findings,
            bias=evidence.bias,
            gap=evidence.gap,
            tolerance=evidence.tolerance,
            resolution=evidence.resolution,
            reference=reference_name,
            errors=evidence.errors,
            n_samples=evidence.n_samples,
            classes=classes,
            folds=_tables.folds_table(folds, codes),
            epochs=_tables.epochs_table(evidence),
            summary=_tables.summary_table(evidence),
            confusion_matrix=_tables.confusion_table(evidence),
            out_of_fold=out_of_fold,
            learning_curve=curve,
            capacity_curve=None if candidates is None else candidates.curve,
            calibration=_tables.calibration_table(evidence),
            mistakes=mistakes,
            mistake_images=pixels_of(X, mistakes["row"].to_numpy() + first_row),
            data=_fingerprints(X, y, first_row, groups, params or {}),
            configuration=configuration or {},
        )

    def __repr__(self):
        return f"FitDiagnosis(verdict={self.verdict!r}, n_samples={self.n_samples})"

    def __str__(self):
        lines = [self.sentence]
        for finding in self.findings:
            lines += [
                f"  {finding.code} {finding.title}: {finding.sentence}",
                f"        {finding.advice}",
            ]
        return "\n".join(lines)

    def to_frame(self):
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

    def to_dict(self):
        """Return everything but `out_of_fold` and pixels as plain Python objects.

        Returns
        -------
        record : dict
            What is not a number in the tables (no probabilities, say) is None.
        """
        record = {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "findings": [asdict(finding) for finding in self.findings],
            "bias": asdict(self.bias),
            "gap": asdict(self.gap),
            "tolerance": self.tolerance,
            "resolution": self.resolution,
            "reference": self.reference,
            "errors": {name: asdict(error) for name, error in self.errors.items()},
            "n_samples": self.n_samples,
            "classes": self.classes,
            "folds": self.folds.to_dict("records"),
            "epochs": None if self.epochs is None else self.epochs.to_dict("list"),
            "summary": self.summary.to_dict("index"),
            "confusion_matrix": self.confusion_matrix,
            **{
                name: None if table is None else table.to_dict("list")
                for name, table in (
                    ("learning_curve", self.learning_curve),
                    ("capacity_curve", self.capacity_curve),
                    ("calibration", self.calibration),
                    ("mistakes", self.mistakes),
                )
            },
            "data": self.data,
            "configuration": self.configuration,
        }
        return as_plain(record)

    def plot(self):
        """Draw the diagnosis with matplotlib.

        Returns
        -------
        display : FitDiagnosisDisplay
            With the axes in `ax_`.
        """
        from skmnist.displays import FitDiagnosisDisplay

        return FitDiagnosisDisplay(self).plot()

    def _repr_html_(self):
        from skmnist.report import render_html

        return render_html(self)

    def to_html(self, path):
        """Write the report as one HTML file.

        Parameters
        ----------
        path : path-like
            The file to write, replaced if it exists.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        with replacing(path) as file:
            file.write(self._repr_html_().encode())


def _fingerprints(X, y, first_row, groups, params):
    """Return fingerprints, of a hold-out's part for itself."""
    trained = slice(first_row or None)
    parts = {"X": X[trained], "y": y[trained]}
    if first_row:
        parts |= {"X_val": X[first_row:], "y_val": y[first_row:]}
    if groups is not None:
        parts["groups"] = groups
    for name, value in params.items():
        # What `fit` gets a part of for each split.
        if getattr(value, "shape", ())[:1] == (len(y),):
            parts[name] = indexable(value)[0][trained]
    return {name: fingerprint(part) for name, part in parts.items()}
