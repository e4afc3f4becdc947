"""Cross-validate a classifier and a reference, and diagnose the fit.

A diagnosis has four steps: `plan_diagnosis` checks the arguments and plans the
trainings, `run_diagnosis` announces them, trains, and hands the folds to
`FitDiagnosis`, which weighs them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from joblib import effective_n_jobs

from skmnist._cross_validation._capacity import Capacity, plan_capacity
from skmnist._cross_validation._learning_curve import FRACTIONS, LearningCurve
from skmnist._cross_validation._reference import (
    Reference,
    TrainedReference,
    check_reference,
    n_reference_fits,
)
from skmnist._cross_validation._scoring import Scoring
from skmnist._cross_validation._splits import is_shuffled, rows_of_splits
from skmnist._cross_validation._stages import CrossValidation
from skmnist._seed import draw_seed
from skmnist.diagnosis._checks import (
    add_hold_out,
    check_capacity,
    check_data,
    check_estimator,
    check_ignore,
    check_params,
    check_test_samples,
    check_trains,
)
from skmnist.diagnosis._evidence import error_difference
from skmnist.diagnosis._result import FitDiagnosis
from skmnist.report._provenance import one_line
from skmnist.search._candidates import read_curve, read_search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from skmnist._typing import CV, ArrayLike, Estimator, RandomState


def diagnose_fit(
    estimator: Estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: CV = 5,
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    X_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
    reference: Literal["auto"] | float | Estimator = "auto",
    tolerance: float = 0.02,
    learning_curve: bool = False,
    groups: ArrayLike | None = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    capacity: Mapping[str, Sequence[Any]] | None = None,
    scoring: Any = None,
    ignore: Sequence[str] = (),
    verbose: int = 0,
) -> FitDiagnosis:
    """Say whether a classifier underfits, overfits, does both, or fits well.

    The classifier is trained on every split of a cross-validation, and evaluated in
    inference mode on the training and the validation samples of each. The training
    error minus that of a reference is the bias, and the validation error minus the
    training error is the gap. The verdict compares their 95 % intervals with
    `tolerance`.

    Parameters
    ----------
    estimator : classifier
        Any scikit-learn classifier, Pipeline or search. It is cloned, never changed. If
        it is a fitted search, its best estimator is diagnosed, and its results are
        used for the findings.
    X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
        Samples in the form that the estimator takes.
    y : array-like of shape (n_samples,)
        Labels.
    cv : int, cross-validation generator or iterable of (train, test), default=5
        An integer means stratified folds that are shuffled by `random_state`
        (scikit-learn does not shuffle them); with `groups`, folds of whole groups.
    X_val : array-like of shape (n_validation, ...), default=None
        A hold-out to validate on instead of `cv`. A single training does not show how
        much results vary between trainings.
    y_val : array-like of shape (n_validation,), default=None
        The hold-out's labels.
    X_test : array-like of shape (n_test, ...), default=None
        Samples from where the classifier is to be used, beside `cv` or a hold-out. No
        model is trained on them. Finding FIT15 says if they differ from X.
    y_test : array-like of shape (n_test,), default=None
        Their labels. If they are given, `errors` has the mean error of the models of
        all splits on these samples. A label that y does not contain counts as an error,
        as for the estimator's `score`.
    reference : "auto", float or classifier, default="auto"
        The achievable error that the bias is measured against. "auto" takes the best of
        k nearest neighbours, an RBF support vector machine and (unless X holds images)
        histogram gradient boosting, trained on at most 16,000 rows of the same splits,
        and on 40 principal components if there are more than 90 features; a model that
        is proven worse on the first split is not trained on the others. A float is a
        known irreducible error, in [0, 1). A classifier is trained on the same splits.
    tolerance : float, default=0.02
        Largest bias or gap regarded as negligible, in (0, 1). 0.005 suits 60,000
        images.
    learning_curve : bool, default=False
        Whether to also train on parts of each split, to see if more data would help.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group (of one writer, for example) are not independent.
    params : dict, default=None
        Metadata for `fit`, such as ``{"sample_weight": weights}``, sliced for each
        split as `cross_validate` does. Scores are not weighted.
    n_jobs : int, default=None
        The number of fits at once: in threads for the classifiers of this package, in
        processes for others, unless ``joblib.parallel_config`` names a backend.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds of an integer `cv`, and seeds the reference, the learning
        curve's order, and networks without a `random_state` of their own, alone or at
        the end of a Pipeline. None shuffles the folds as 0 does, so that two diagnoses
        can be compared.
    capacity : dict of one str to list, default=None
        A parameter of the estimator and its values, from the simplest to the most
        complex, the estimator's own among them. Each is cross-validated (unless the
        estimator is a fitted search), to see whether a simpler model is as good.
        Several numbers of `epochs` need one training per split, to the largest: the
        others are evaluated on the way, with the same result.
    scoring : str, callable, list or dict, default=None
        Scores to show beside error and loss, as `cross_validate` takes them: a scorer's
        name, a function of estimator, X and y, a list of names, or a dict of either.
        Each is computed on the training and the validation samples of every split, as
        columns of `folds` and `summary`. The verdict is about the error all the same.
    ignore : list of str, default=()
        Codes of findings that are not to be listed, such as ``("FIT08",)``. The verdict
        and its sentence do not depend on it.
    verbose : {0, 1}, default=0
        1 prints to standard error how many fits there will be and, after the first
        epochs, how long they will take; a terminal shows a progress bar.

    Returns
    -------
    diagnosis : FitDiagnosis
        The verdict with its numbers.

    Raises
    ------
    ValueError
        If the estimator is not a classifier, or data or a parameter are unusable.
        Nothing is trained then.

    See Also
    --------
    compare_fits : Compare two diagnoses of the same splits.
    FitDiagnosis.from_cv_results : Diagnose what `cross_validate` trained.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> X, y = load_digits(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> diagnosis.verdict
    'overfit'
    >>> [finding.code for finding in diagnosis.findings]
    ['FIT03', 'FIT06']
    """
    plan = plan_diagnosis(
        estimator,
        X,
        y,
        cv=cv,
        X_val=X_val,
        y_val=y_val,
        X_test=X_test,
        y_test=y_test,
        reference=reference,
        tolerance=tolerance,
        learning_curve=learning_curve,
        groups=groups,
        params=params,
        n_jobs=n_jobs,
        random_state=random_state,
        capacity=capacity,
        scoring=scoring,
        ignore=ignore,
    )
    with contextlib.ExitStack() as stack:
        progress = None
        if verbose:
            from skmnist.diagnosis._progress import FitProgress

            progress = stack.enter_context(FitProgress(tell_plan=True))
        return run_diagnosis(plan, progress)


@dataclass(frozen=True, eq=False)
class DiagnosisPlan:
    """A diagnosis whose arguments are checked, before anything is trained.

    Attributes
    ----------
    estimator : classifier
        The one that is diagnosed.
    search : fitted search or None
        Where the estimator comes from.
    cross_validation : CrossValidation
    shuffled : bool or None
        Whether the splits are drawn at random; None if that is not known.
    groups : ndarray or None
    first_row : int
        The first row of a hold-out; 0 without one.
    test : tuple or None
        Test samples: X_test, y_test, and classes as `NewSamples.codes`.
    reference : float, classifier, "auto" or TrainedReference
    tolerance : float
    learning_curve : bool
    capacity : Capacity or None
        Values that are to be trained.
    searched_capacity : dict or None
        Values that the search has trained.
    scoring : Scoring or None
        The user's own scores.
    ignore : tuple of str
        Codes of findings that are not listed.
    configuration : dict of str to str
    """

    estimator: Any
    search: Any
    cross_validation: CrossValidation
    shuffled: bool | None
    groups: Any
    first_row: int
    test: tuple | None
    reference: Any
    tolerance: float
    learning_curve: bool
    capacity: Capacity | None
    searched_capacity: dict | None
    scoring: Scoring | None
    ignore: tuple
    configuration: dict

    @property
    def n_fits(self):
        """The number of fits by stage, a dict of str to int."""
        n_splits = len(self.cross_validation.splits)
        n_others = len(self.capacity.others) if self.capacity else 0
        return {
            "folds": n_splits,
            "capacity": n_splits * n_others,
            "learning curve": n_splits * len(FRACTIONS) if self.learning_curve else 0,
            "reference at most": n_splits
            * n_reference_fits(self.reference, self.cross_validation.X),
        }

    @property
    def n_full_fits(self):
        """The cost of the classifier's fits, in fits on all rows of a split."""
        n_others = len(self.capacity.others) if self.capacity else 0
        parts = sum(FRACTIONS) if self.learning_curve else 0
        return len(self.cross_validation.splits) * (1 + n_others + parts)


def plan_diagnosis(
    estimator,
    X,
    y,
    *,
    cv,
    reference,
    tolerance,
    learning_curve,
    n_jobs,
    random_state,
    X_val=None,
    y_val=None,
    X_test=None,
    y_test=None,
    groups=None,
    params=None,
    capacity=None,
    scoring=None,
    ignore=(),
):
    """Check the arguments of `diagnose_fit`, and plan its trainings.

    Returns
    -------
    plan : DiagnosisPlan

    Raises
    ------
    ValueError
        If the estimator is not a classifier, or data or a parameter are unusable.
    """
    arguments = {
        "estimator": estimator,
        "cv": cv,
        "params": params,
        "reference": reference,
        "tolerance": tolerance,
        "learning_curve": learning_curve,
        "capacity": capacity,
        "random_state": random_state,
    }
    check_estimator(estimator)
    check_params("diagnose_fit", n_jobs=n_jobs, **arguments)
    ignore = check_ignore(ignore)
    arguments |= {"scoring": scoring, "ignore": ", ".join(ignore) or None}
    search = estimator if hasattr(estimator, "best_params_") else None
    if search is not None:
        arguments["estimator"] = estimator = search.best_estimator_
    arguments["capacity"] = capacity = check_capacity(capacity, estimator)
    X, y, groups = check_data(X, y, groups)
    check_trains(estimator, y, X_val is not None)
    scoring = None if scoring is None else Scoring(scoring, estimator, y)
    test = check_test_samples(estimator, X, y, X_test, y_test)
    first_row = 0
    if X_val is not None or y_val is not None:
        first_row = len(y)
        X, y, params, cv = add_hold_out(X, y, X_val, y_val, groups, params)
    check_reference(reference, X)
    trained = None
    if search is None and capacity is not None:
        trained = plan_capacity(estimator, capacity)
    splits = rows_of_splits(cv, X, y, groups, random_state)
    seed = draw_seed(random_state)
    return DiagnosisPlan(
        estimator=estimator,
        search=search,
        cross_validation=CrossValidation(X, y, splits, params, n_jobs, seed),
        shuffled=is_shuffled(cv),
        groups=groups,
        first_row=first_row,
        test=test,
        reference=reference,
        tolerance=tolerance,
        learning_curve=learning_curve,
        capacity=trained,
        searched_capacity=capacity if search is not None else None,
        scoring=scoring,
        ignore=ignore,
        configuration=_configuration(arguments, first_row > 0, groups is not None),
    )


def run_diagnosis(plan, progress=None, finished=None):
    """Train what a plan says, and diagnose the result.

    Parameters
    ----------
    plan : DiagnosisPlan
    progress : FitProgress, default=None
    finished : list, default=None
        Each fold of the estimator is appended as soon as it is done, for a caller that
        may be interrupted.

    Returns
    -------
    diagnosis : FitDiagnosis
    """
    cross_validation = replace(plan.cross_validation, progress=progress)
    if progress is not None:
        n_jobs = effective_n_jobs(cross_validation.n_jobs)
        progress.plan(plan.n_fits, plan.n_full_fits, n_jobs)
    candidates = curve = parts = None
    if plan.search is not None:
        candidates = read_search(plan.search, plan.searched_capacity, plan.tolerance)
    options = {"finished": finished, "scoring": plan.scoring}
    if plan.test is not None:
        options["X_new"] = plan.test[0]
    if plan.capacity is None:
        stages = [cross_validation.stage(plan.estimator, "folds", **options)]
    else:
        stages = plan.capacity.stages(cross_validation, plan.estimator, **options)
    learning_curve = None
    if plan.learning_curve:
        learning_curve = LearningCurve(cross_validation, plan.estimator)
    reference = plan.reference
    if not isinstance(reference, TrainedReference):
        reference = Reference(reference, cross_validation)
    own = [*stages, *(learning_curve.stages if learning_curve else [])]
    trained, of_reference = _run_together(cross_validation, own, reference.stages)
    folds, part_folds = trained[0], trained[len(stages) :]
    if plan.capacity is not None:
        by_value = plan.capacity.by_value(trained[: len(stages)])
        folds = by_value[plan.capacity.position]
        difference = error_difference(len(cross_validation.y), plan.groups)
        candidates = read_curve(by_value, plan.capacity, difference, plan.tolerance)
    if learning_curve is not None:
        curve, parts = learning_curve.points(part_folds, folds)
    return FitDiagnosis._from_folds(
        plan.estimator,
        cross_validation,
        folds,
        reference=reference.result(of_reference),
        tolerance=plan.tolerance,
        groups=plan.groups,
        shuffled=plan.shuffled,
        curve=curve,
        parts=parts,
        candidates=candidates,
        first_row=plan.first_row,
        test=plan.test,
        configuration=plan.configuration,
        ignore=plan.ignore,
    )


def _run_together(cross_validation, own, others):
    """Train on the splits of the diagnosed estimator and of the reference.

    All at once, so that no core waits for the last fit of a stage, unless some fits run
    in threads and others in processes. The first fit of a network compiles it, and the
    reference's come first, so that there is something to do meanwhile.

    Returns
    -------
    own, others : list of list of Fold
    """
    one_way = len({stage.in_threads for stage in [*own, *others]}) == 1
    if not one_way and effective_n_jobs(cross_validation.n_jobs) > 1:
        of_reference = cross_validation.run(others)
        return cross_validation.run(own), of_reference
    trained = cross_validation.run([*others, *own])
    return trained[len(others) :], trained[: len(others)]


def _configuration(arguments, has_hold_out, has_groups):
    """Return the arguments of a diagnosis as text, for its page."""
    values = dict(arguments)
    if has_hold_out:
        values["cv"] = "a hold-out"
    elif isinstance(values["cv"], Iterable):
        values["cv"] = "splits of the caller's"
    values["groups"] = "the caller's" if has_groups else None
    values["params"] = ", ".join(values["params"]) if values["params"] else None
    return {
        name: value if isinstance(value, str) else one_line(value)
        for name, value in values.items()
    }
