"""Fits of several splits and estimators at once: threads, processes, interrupts."""

import _thread
import threading
import time
import warnings

import keras
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_info, threadpool_limits

from skmnist import KerasMLPClassifier, LeNetClassifier, diagnose_fit
from skmnist._cross_validation._splits import rows_of_splits
from skmnist._cross_validation._stages import (
    CrossValidation,
    Stage,
    run_folds,
    run_stages,
)
from skmnist._interrupt import FitGroup, check_interrupt, ungrouped

MLP = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=3, batch_size=16)


def stage(estimator, X, y, **options):
    return Stage(estimator, X, y, rows_of_splits(3, X, y), seed=0, **options)


def assert_equal_folds(first, second):
    for one, other in zip(first, second, strict=True):
        for name in ("train", "test_codes", "train_loss", "test_loss", "probability"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert (one.curves is None) == (other.curves is None)
        if one.curves is not None:
            for name in ("train_loss", "validation_accuracy", "sample_loss"):
                np.testing.assert_array_equal(
                    getattr(one.curves, name), getattr(other.curves, name)
                )


@pytest.mark.slow
@pytest.mark.parametrize(
    "classifier",
    [
        KerasMLPClassifier(
            hidden_layer_sizes=(16,),
            dropout=0.2,
            epochs=3,
            random_rotation=0.05,
            image_shape=(8, 8),
        ),
        LeNetClassifier(filters=(4, 4), hidden_layer_sizes=(8,), epochs=2),
    ],
    ids=["mlp", "lenet"],
)
def test_fits_in_threads_equal_those_one_after_another(digits, classifier):
    X, y = digits
    if isinstance(classifier, LeNetClassifier):
        X = X.reshape(-1, 8, 8)
    threads = set()
    stages = [
        stage(
            make_pipeline(classifier),
            X,
            y,
            epochs=epochs,
            progress=lambda *_: threads.add(threading.get_ident()),
        )
        for epochs in (True, False)
    ]
    alone = run_stages(stages)
    assert threads == {threading.get_ident()}
    threads.clear()
    together = run_stages(stages, n_jobs=2)
    assert len(threads) == 2
    assert threading.get_ident() not in threads
    for first, second in zip(alone, together, strict=True):
        assert_equal_folds(first, second)


@pytest.mark.slow
def test_diagnosis_with_two_jobs_equals_one(digits):
    X, y = digits
    one, two = (
        diagnose_fit(
            MLP,
            X,
            y,
            cv=3,
            learning_curve=True,
            capacity={"hidden_layer_sizes": [(4,), (8,)]},
            random_state=0,
            n_jobs=n_jobs,
        )
        for n_jobs in (1, 2)
    )
    assert one.verdict == two.verdict
    for name in ("summary", "learning_curve", "calibration"):
        first = getattr(one, name).drop(index="fit_time", errors="ignore")
        second = getattr(two, name).drop(index="fit_time", errors="ignore")
        assert first.equals(second), name
    assert (one.gap, one.bias) == (two.gap, two.bias)


def test_threads_are_for_keras_classifiers_and_small_fits(small):
    def in_threads(estimator, **options):
        return stage(estimator, *small, **options).in_threads

    assert in_threads(MLP)
    assert in_threads(make_pipeline(MinMaxScaler(), MLP))
    assert in_threads(GridSearchCV(make_pipeline(MLP), {}))
    assert in_threads(VotingClassifier([("a", GaussianNB()), ("b", MLP)]))
    assert not in_threads(GaussianNB())
    assert not in_threads(make_pipeline(MinMaxScaler(), GaussianNB()))
    assert in_threads(GaussianNB(), is_small=True)


@pytest.mark.slow
def test_sklearns_models_run_in_processes_and_report_each_split():
    calls = []
    X, y = load_digits(n_class=3, return_X_y=True)
    one = run_folds(GaussianNB(), X, y, cv=3)
    two = run_folds(
        GaussianNB(),
        X,
        y,
        cv=3,
        n_jobs=2,
        progress=lambda *call: calls.append((threading.get_ident(), *call)),
    )
    assert_equal_folds(one, two)
    here = threading.get_ident()
    assert sorted(calls) == [(here, 1, 1, 1), (here, 2, 1, 1), (here, 3, 1, 1)]


def test_first_splits_of_leading_stages_come_before_all_others(small):
    X, y = small
    calls, seconds = [], {}

    class Progress:
        def __init__(self, name):
            self.name = name

        def __call__(self, *call):
            calls.append((self.name, call[0]))

        def took(self, fold, time):
            seconds[self.name, fold] = time

    class Parent:
        def stage(self, name, done):
            return Progress(name)

    cross_validation = CrossValidation(
        X, y, rows_of_splits(2, X, y), seed=0, progress=Parent()
    )
    names = ["capacity", "folds", "learning curve", "reference"]
    cross_validation.run([cross_validation.stage(GaussianNB(), n) for n in names])
    first = [("folds", 1), ("reference", 1)]
    others = [(name, split) for name in names for split in (1, 2)]
    assert calls == [*first, *(call for call in others if call not in first)]
    assert seconds.keys() == set(others)
    assert all(time > 0 for time in seconds.values())


@pytest.mark.slow
def test_backend_that_the_user_names_is_used(digits):
    calls = []
    with parallel_config("loky"):
        other = run_folds(
            MLP,
            *digits,
            cv=2,
            n_jobs=2,
            random_state=0,
            progress=lambda *call: calls.append(call),
        )
    # Progress of other processes is known once a fold is done.
    assert sorted(calls) == [(1, 3, 3), (2, 3, 3)]
    own = run_folds(MLP, *digits, cv=2, random_state=0)
    for fold, one in zip(own, other, strict=True):
        np.testing.assert_allclose(fold.test_loss, one.test_loss, atol=1e-4)


@pytest.mark.slow
def test_interrupt_ends_fits_in_threads_and_keeps_finished_folds(digits):
    endless = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=100_000)
    trained, finished = [], []

    def interrupt(fold, epoch, n_epochs):
        trained.append(fold)
        if len(set(trained)) == 2 and epoch == 3:
            _thread.interrupt_main()

    stages = [
        stage(MLP, *digits, finished=finished),
        stage(endless, *digits, progress=interrupt),
    ]
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run_stages(stages, n_jobs=2)
    assert time.perf_counter() - start < 60
    assert sorted(fold.number for fold in finished) == [1, 2, 3]
    n_epochs = len(trained)
    time.sleep(0.5)
    assert len(trained) == n_epochs


@pytest.mark.slow
def test_error_of_one_fit_ends_the_others(digits):
    X, y = digits
    splits = rows_of_splits(2, X, y)
    trained = []
    fits = [
        Stage(
            KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=100_000),
            X,
            y,
            splits[:1],
            seed=0,
            progress=lambda *call: trained.append(call),
        ),
        Stage(FailsLater(), X, y, splits[:1], seed=0, is_small=True),
    ]
    with pytest.raises(ValueError, match="as expected"):
        run_stages(fits, n_jobs=2)
    n_epochs = len(trained)
    assert n_epochs > 0
    time.sleep(0.5)
    assert len(trained) == n_epochs


def test_small_fits_compute_on_one_core(small):
    X, y = small
    fits = stage(CountsThreads(), X, y, is_small=True, epochs=False)
    before = openmp_threads()
    run_stages([fits])
    run_stages([fits], n_jobs=2)
    assert CountsThreads.seen == [{1}] * 6
    assert openmp_threads() == before


@pytest.mark.slow
def test_interrupt_ends_a_search_inside_a_fit(digits):
    endless = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=100_000)
    search = GridSearchCV(endless, {"batch_size": [16, 32]}, cv=2, n_jobs=2)
    timer = threading.Timer(6, _thread.interrupt_main)
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run_stages([stage(search, *digits)], n_jobs=2)
    assert time.perf_counter() - start < 60
    timer.join()


def test_warning_filters_and_blas_threads_are_restored(small):
    X, y = small

    def state():
        return list(warnings.filters), [
            pool["num_threads"] for pool in threadpool_info()
        ]

    before = state()
    fits = stage(ChangesState(), X, y, is_small=True, epochs=False)
    run_stages([fits, fits], n_jobs=3)
    assert state() == before


def test_callback_that_cannot_be_copied_is_not_shared_by_threads(small):
    class Locked(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    pipe = make_pipeline(clone(MLP).set_params(callbacks=[Locked()]))
    assert not stage(pipe, *small).in_threads
    pipe[-1].set_params(callbacks=[keras.callbacks.Callback()])
    assert stage(pipe, *small).in_threads


def test_finished_fold_is_kept_if_progress_is_interrupted(small):
    def interrupt(fold, epoch, n_epochs):
        if fold == 2:
            raise KeyboardInterrupt

    finished = []
    fits = stage(GaussianNB(), *small, finished=finished, progress=interrupt)
    with parallel_config("loky"), pytest.raises(KeyboardInterrupt):
        run_stages([fits], n_jobs=2)
    assert 2 in [fold.number for fold in finished]


def test_skipped_errors_take_the_place_of_folds(small):
    X, y = small
    failing, other = run_stages(
        [
            stage(FailsLater(seconds=0), X, y, skips_errors=True),
            stage(GaussianNB(), X, y),
        ]
    )
    assert [str(error) for error in failing] == ["as expected"] * 3
    assert [fold.number for fold in other] == [1, 2, 3]


def test_group_ends_with_the_group_that_it_was_made_in():
    outer = FitGroup()
    with outer.member():
        inner = FitGroup()
    assert not inner.stopping
    ended = []

    def work():
        with inner.member():
            try:
                while True:
                    check_interrupt()
                    time.sleep(0.01)
            except KeyboardInterrupt:
                ended.append(True)

    thread = threading.Thread(target=work)
    with outer.member():
        thread.start()
        assert not ungrouped.stopping
        outer._stopping = True
        thread.join(10)
    assert ended == [True]


class FailsLater(ClassifierMixin, BaseEstimator):
    def __init__(self, seconds=3):
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        raise ValueError("as expected")


class ChangesState(ClassifierMixin, BaseEstimator):
    """Changes the state of the process during a fit, each fit for another time."""

    n_fits = 0

    def fit(self, X, y):
        ChangesState.n_fits += 1
        self.classes_ = np.unique(y)
        seconds = 0.1 * (1 + ChangesState.n_fits % 3)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore")
            time.sleep(seconds)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class CountsThreads(ClassifierMixin, BaseEstimator):
    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append(openmp_threads())
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def openmp_threads():
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
    assert pools
    return {pool["num_threads"] for pool in pools}
