"""Train on many splits: the stages of a diagnosis, in threads or in processes."""

import contextlib
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from skmnist._cross_validation._folds import Fold, run_fold
from skmnist._cross_validation._splits import rows_of_splits
from skmnist._interrupt import FitGroup
from skmnist._seed import draw_seed


@dataclass(frozen=True, eq=False)
class Stage:
    """Fits of one estimator, one for each split.

    Attributes
    ----------
    estimator : classifier
        Cloned for each split.
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)
    seed : int
        Seeds networks without a seed of their own.
    params : dict or None
        Metadata for `fit`; values with one entry per sample are sliced.
    epochs : bool
        Whether to follow epochs if the classifier allows it.
    at : collection of int
        Further epochs at which a followed classifier is judged.
    scoring : Scoring or None
        Further scores of both sides of each split.
    progress : callable or None
        Called as ``progress(fold, epoch, n_epochs)``, all counted from 1: after every
        epoch; in other processes or without epochs, once per split. If it has a method
        ``took(fold, seconds)``, that is called at the end of each fit.
    finished : list or None
        Each fold is appended as soon as it is done, for a caller that may be
        interrupted.
    skips_errors : bool
        Whether a ValueError of a fit is returned in place of its fold.
    is_small : bool
        Whether a fit is so small that it computes on one core, in a thread.
    predicts_training : bool
        Whether a classifier that is not followed predicts its training rows, too.
    replaces_one_class : bool
        Whether a DummyClassifier takes the place of the estimator on splits whose
        training rows are of one class, which many classifiers refuse.
    leads : bool
        Whether the first split comes before all others, also of other stages, so that
        the time of all fits can be estimated early.
    X_new : array-like of shape (n_new, ...) or None
        Further samples, which every fit predicts.
    """

    estimator: Any
    X: Any
    y: np.ndarray
    splits: list
    seed: int
    params: dict | None = None
    epochs: bool = True
    at: Collection = ()
    scoring: Any = None
    progress: Any = None
    finished: list | None = None
    skips_errors: bool = False
    is_small: bool = False
    predicts_training: bool = True
    replaces_one_class: bool = False
    leads: bool = False
    X_new: Any = None

    @property
    def in_threads(self):
        """Whether several fits run faster in threads than in processes.

        The fits of Keras classifiers do: they compute outside of Python, and those of
        one process share what is compiled. A callback that `clone` cannot copy would be
        shared by fits at the same time.
        """
        if self.is_small or not _has_network(self.estimator):
            return self.is_small
        shared = _callbacks(self.estimator) & _callbacks(clone(self.estimator))
        return not shared

    def tasks(self):
        """Return the arguments of `run_fold` for each split, without `progress`.

        X and y are arguments of their own, because Dask then sends each to a worker
        once.
        """
        rng = np.random.default_rng(self.seed)
        seeds = rng.integers(2**31 - 1, size=len(self.splits)).tolist()
        options = {
            "params": self.params or {},
            "epochs": self.epochs,
            "at": self.at,
            "predicts_training": self.predicts_training,
            "scoring": self.scoring,
            "X_new": self.X_new,
        }
        return [
            (
                (number, self._estimator_for(split), self.X, self.y, split),
                options | {"seed": seed},
            )
            for number, (split, seed) in enumerate(
                zip(self.splits, seeds, strict=True), 1
            )
        ]

    def _estimator_for(self, split):
        """Return an unfitted estimator for a split."""
        labels = self.y[split[0]]
        if self.replaces_one_class and (labels == labels[0]).all():
            return DummyClassifier()
        return clone(self.estimator)


def _has_network(estimator):
    parts = [estimator, *estimator.get_params().values()]
    return any(hasattr(part, "_after_epoch") for part in parts)


def _callbacks(estimator):
    """Return the identities of all callbacks of networks in an estimator."""
    params = estimator.get_params()
    values = [v for k, v in params.items() if k.rpartition("__")[2] == "callbacks"]
    lists = [v if isinstance(v, list | tuple) else [v] for v in values if v is not None]
    return {id(callback) for callbacks in lists for callback in callbacks}


def run_stages(stages, n_jobs=None):
    """Train on every split of every stage.

    Parameters
    ----------
    stages : list of Stage
    n_jobs : int, default=None
        The number of fits at once, of whichever stages. They run in threads if that is
        faster for all stages, unless ``joblib.parallel_config`` names another backend.

    Returns
    -------
    folds : list of list of Fold
        By stage, in the order of the splits. A stage that skips errors has a ValueError
        in the place of a fold whose fit has raised it.
    """
    in_threads = all(stage.in_threads for stage in stages)
    parallel = Parallel(
        n_jobs=n_jobs,
        prefer="threads" if in_threads else None,
        return_as="generator_unordered",
    )
    group = FitGroup()
    reports = [_Report(stage.progress) for stage in stages]
    tasks = [
        (place, *task) for place, stage in enumerate(stages) for task in stage.tasks()
    ]
    tasks.sort(key=lambda task: not (stages[task[0]].leads and task[1][0] == 1))
    calls = [
        delayed(_run_task)(
            (place, group, stages[place].is_small, stages[place].skips_errors),
            *task,
            **options,
            progress=reports[place],
        )
        for place, task, options in tasks
    ]
    results = [{} for _ in stages]
    with _restored_state():
        outcomes = parallel(calls)
        try:
            for place, number, outcome, seconds in outcomes:
                results[place][number] = outcome
                if isinstance(outcome, Fold) and stages[place].finished is not None:
                    stages[place].finished.append(outcome)
                curves = getattr(outcome, "curves", None)
                n_epochs = 1 if curves is None else len(curves.train_loss)
                reports[place].finish(number, n_epochs, seconds)
        except BaseException:
            # joblib ends processes, but has no way to end threads.
            group.stop()
            warnings.simplefilter("ignore")  # joblib's, of outcomes not asked for
            outcomes.close()
            raise
    return [[folds[number] for number in sorted(folds)] for folds in results]


@contextlib.contextmanager
def _restored_state():
    """Restore what fits at the same time may leave changed.

    Warning filters and the threads of BLAS belong to the whole process. A fit that
    changes them for a while may restore what another one has set.
    """
    with warnings.catch_warnings(), threadpool_limits(limits=None):
        yield


def _run_task(settings, number, *task, **options):
    """Return the place of a stage, the number of a split, its fold, and the seconds."""
    start = perf_counter()
    place, group, is_small, skips_errors = settings
    # Threads of OpenMP that wait for each other on busy cores make a small fit up to
    # forty times slower.
    with contextlib.ExitStack() as stack:
        stack.enter_context(group.member())
        if group.in_other_thread:
            # The cores are shared out among the fits. Ctrl-C would not reach threads
            # of a search inside a fit.
            stack.enter_context(parallel_config("sequential"))
        if is_small:
            stack.enter_context(threadpool_limits(1, "openmp"))
        try:
            outcome = run_fold(number, *task, **options)
        except ValueError as error:
            if not skips_errors:
                raise
            # Its traceback would keep the samples of the fit in memory.
            outcome = error.with_traceback(None)
    return place, number, outcome, perf_counter() - start


class _Report:
    """Calls a progress function; in other processes it does nothing."""

    def __init__(self, progress):
        self._progress = progress
        self._reported = set()

    def __reduce__(self):
        return _Report, (None,)

    def __call__(self, fold, epoch, n_epochs):
        self._reported.add(fold)
        if self._progress is not None:
            self._progress(fold, epoch, n_epochs)

    def finish(self, fold, n_epochs, seconds):
        """Report the end of a fit, unless it has reported it itself, and its time."""
        if fold not in self._reported:
            self(fold, n_epochs, n_epochs)
        if hasattr(self._progress, "took"):
            self._progress.took(fold, seconds)


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Samples, labels and splits on which any classifier can be trained.

    Attributes
    ----------
    X : array-like of shape (n_samples, ...)
    y : ndarray of shape (n_samples,)
    splits : list of (train, test)
    params : dict or None
        Metadata for `fit` of the classifier that is diagnosed.
    n_jobs : int or None
    seed : int or None
        Seeds what has no seed of its own.
    progress : FitProgress or None
    """

    X: Any
    y: np.ndarray
    splits: list
    params: dict | None = None
    n_jobs: int | None = None
    seed: int | None = None
    progress: Any = None

    def stage(self, estimator, name, *, done=0, **options):
        """Return a stage of fits of an estimator.

        Parameters
        ----------
        estimator : classifier
        name : str
            What the progress bar calls these fits.
        done : int, default=0
            The number of fits of this name in other stages before.
        **options : dict
            Attributes of the stage that differ from this object's.

        Returns
        -------
        stage : Stage
        """
        attributes = {
            "X": self.X,
            "y": self.y,
            "splits": self.splits,
            "params": self.params,
            "seed": draw_seed(self.seed),
            "progress": self.progress and self.progress.stage(name, done),
            "leads": name in ("folds", "reference"),
        }
        return Stage(estimator, **(attributes | options))

    def run(self, stages):
        """Train on every split of every stage, as `run_stages`."""
        return run_stages(stages, self.n_jobs)


def run_folds(
    estimator,
    X,
    y,
    *,
    cv,
    groups=None,
    n_jobs=None,
    random_state=None,
    **options,
):
    """Train on every split and predict both sides of it.

    A classifier of this package, alone or at the end of a Pipeline, is scored after
    every epoch of its fit. Any other estimator is only fitted.

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
    n_jobs : int, default=None
        The number of splits to train on at once.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds of an integer `cv` (None does it as 0), and seeds a network
        whose own `random_state` is None.
    **options : dict
        Further attributes of a `Stage`.

    Returns
    -------
    folds : list of Fold
        In the order of the splits.
    """
    X, y = indexable(X, y)
    y = np.asarray(y)
    splits = rows_of_splits(cv, X, y, groups, random_state)
    stage = Stage(estimator, X, y, splits, draw_seed(random_state), **options)
    return run_stages([stage], n_jobs)[0]
