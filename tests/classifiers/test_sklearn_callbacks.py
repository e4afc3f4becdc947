"""Classifiers and transformers with the callbacks of `sklearn.callback`."""

import copy
import pickle
import runpy
import sys

import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

import skmnist._callbacks
from skmnist import (
    ImageFlattener,
    ImageReshaper,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    MNISTFormatter,
    PixelScaler,
    build_mlp,
    load,
    save,
)
from skmnist._engine._training import Loop

callback = pytest.importorskip("sklearn.callback")  # scikit-learn 1.9

EPOCHS = 4


def mlp(**params):
    params = {"hidden_layer_sizes": (8,), "epochs": EPOCHS, "random_state": 0} | params
    return KerasMLPClassifier(**params)


class Recorder:
    """Records hooks: name, estimators and ids from the root, and the task's name."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append(("setup",))

    def teardown(self, estimator, context):
        self.events.append(("teardown",))

    def on_fit_task_begin(self, estimator, context):
        self._record("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._record("end", context)

    def _record(self, name, context):
        path = [context]
        while path[0].parent is not None:
            path.insert(0, path[0].parent)
        names = tuple(each.estimator_name for each in path)
        ids = tuple(each.task_id for each in path)
        self.events.append((name, names, ids, context.task_name))

    def epochs(self, name="end"):
        """Return the ids of the tasks of epochs."""
        return [e[2][-1] for e in self.events if e[0] == name and e[3] == "epoch"]


class NestedRecorder(Recorder):
    max_propagation_depth = None


class Fitted(Recorder):
    """Keeps the estimators as of every task, and may end a fit."""

    def __init__(self, stop_after=None, error=None):
        super().__init__()
        self.stop_after, self.error = stop_after, error
        self.begun, self.ended, self.final = [], [], None

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator):
        super().on_fit_task_begin(estimator, context)
        if context.task_name == "epoch":
            self.begun.append(fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        super().on_fit_task_end(estimator, context)
        if context.task_name != "epoch":
            self.final = fitted_estimator
            return False
        self.ended.append(fitted_estimator)
        stop = len(self.ended) == self.stop_after
        if stop and self.error is not None:
            raise self.error
        return stop


@pytest.mark.parametrize(
    "clf",
    [
        mlp(),
        LeNetClassifier(
            filters=(2, 2), hidden_layer_sizes=(4,), epochs=EPOCHS, random_state=0
        ),
        KerasImageClassifier(build_mlp, epochs=EPOCHS, random_state=0),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_every_epoch_is_a_task_of_the_fit(clf, digits, same_weights):
    name = type(clf).__name__
    recorder = Recorder()
    clf.set_callbacks(recorder).fit(*digits)
    fit, epochs = ((name,), (0,), "fit"), ((name, name), "epoch")
    assert recorder.events == [
        ("setup",),
        ("begin", *fit),
        *(
            (hook, epochs[0], (0, epoch), epochs[1])
            for epoch in range(EPOCHS)
            for hook in ("begin", "end")
        ),
        ("end", *fit),
        ("teardown",),
    ]
    assert clf.n_iter_ == EPOCHS
    assert same_weights(clf, clone(clf).set_callbacks().fit(*digits))


def test_search_reports_epochs_in_folds_in_candidates(digits):
    X, y = digits
    recorder = NestedRecorder()
    pipe = make_pipeline(PixelScaler(1), mlp())
    grid = {"kerasmlpclassifier__epochs": [2, 3]}
    search = GridSearchCV(pipe, grid, cv=2).set_callbacks(recorder).fit(X, y)
    paths = [
        (names, ids)
        for hook, names, ids, task in (e for e in recorder.events if len(e) > 1)
        if (hook, task) == ("end", "epoch")
    ]
    classifier = ("KerasMLPClassifier",) * 2
    # The search, one of its 4 fits, the second step of the Pipeline, an epoch.
    searched = ("GridSearchCV", "GridSearchCV", "Pipeline", *classifier)
    expected = [
        (searched, (0, 0, fit, 1, epoch))
        for fit, epochs in enumerate([2, 2, 3, 3])
        for epoch in range(epochs)
    ]
    refitted = ("GridSearchCV", "Pipeline", *classifier)
    best = search.best_params_["kerasmlpclassifier__epochs"]
    expected += [(refitted, (0, 1, 1, epoch)) for epoch in range(best)]
    assert paths == expected
    # Once for the search, not for each of its fits.
    assert [e[0] for e in recorder.events].count("setup") == 1
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")


@pytest.mark.parametrize(
    "transformer",
    [
        ImageFlattener(),
        ImageReshaper((8, 8, 1)),
        PixelScaler(1),
        MNISTFormatter(),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_transformer_is_one_task(transformer, digits):
    name = type(transformer).__name__
    recorder = Fitted()
    transformer.set_callbacks(recorder).fit_transform(digits[0])
    fit = ((name,), (0,), "fit")
    assert recorder.events == [
        ("setup",),
        ("begin", *fit),
        ("end", *fit),
        ("teardown",),
    ]
    assert recorder.final.image_shape_ == transformer.image_shape_


def test_progress_bar_of_a_search_shows_fits_of_classifiers(digits, capsys):
    pytest.importorskip("rich")
    bar = callback.ProgressBar(max_propagation_depth=None)
    pipe = make_pipeline(PixelScaler(1), mlp())
    grid = {"kerasmlpclassifier__learning_rate": [0.001, 0.01]}
    GridSearchCV(pipe, grid, cv=2).set_callbacks(bar).fit(*digits)
    written = capsys.readouterr().out
    for part in ("search #0", "candidate-split-evaluation", "KerasMLPClassifier - fit"):
        assert part in written


@pytest.mark.parametrize("optimizer", ["adam", "ema"])
def test_fitted_estimator_is_the_classifier_as_of_the_epoch(optimizer, digits):
    X, y = digits
    if optimizer == "ema":
        optimizer = keras.optimizers.Adam(use_ema=True, ema_momentum=0.9)
    recorder = Fitted()
    clf = mlp(optimizer=optimizer).set_callbacks(recorder).fit(X, y)
    for epoch, fitted in [(2, recorder.ended[1]), (EPOCHS, recorder.final)]:
        alone = mlp(optimizer=optimizer, epochs=epoch).fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))
        assert fitted.history_ == alone.history_
        assert (fitted.n_iter_, fitted.best_epoch_) == (epoch, alone.best_epoch_)
    np.testing.assert_array_equal(recorder.final.predict(X), clf.predict(X))
    assert [fitted.n_iter_ for fitted in recorder.ended] == [1, 2, 3, 4]
    # Before an epoch, the weights are those after the previous one.
    assert [fitted.n_iter_ for fitted in recorder.begun] == [0, 1, 2, 3]
    np.testing.assert_array_equal(
        recorder.begun[2].predict_proba(X), recorder.ended[1].predict_proba(X)
    )


def test_scoring_monitor_scores_the_rows_trained_on(digits):
    X, y = pd.DataFrame(digits[0]).add_prefix("pixel"), digits[1]
    weight = np.random.default_rng(0).random(len(y))
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = mlp(validation_fraction=0.25).set_callbacks(monitor)
    # Warnings are errors: the scored samples have the names seen in fit.
    clf.fit(X, y, sample_weight=weight)
    rows = np.setdiff1d(np.arange(len(y)), clf.validation_indices_)
    assert len(rows) == 300
    expected = [
        accuracy_score(
            y[rows],
            mlp(validation_fraction=0.25, epochs=epochs)
            .fit(X, y, sample_weight=weight)
            .predict(X.iloc[rows]),
            sample_weight=weight[rows],
        )
        for epochs in range(1, EPOCHS + 1)
    ]
    data = monitor.get_logs().data_as_pandas
    # The fit first, then its epochs.
    assert data["task_id_path"].tolist() == [(0,)] + [(0, i) for i in range(EPOCHS)]
    assert data["accuracy"].tolist() == pytest.approx([expected[-1], *expected])


def test_callback_stops_the_fit_after_an_epoch(digits, same_weights):
    recorder = Fitted(stop_after=2)
    clf = mlp().set_callbacks(recorder).fit(*digits)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 2
    assert recorder.epochs() == [0, 1]
    assert same_weights(clf, mlp(epochs=2).fit(*digits))
    assert recorder.final.n_iter_ == 2


def test_stopped_fit_restores_the_best_weights(digits):
    X, y = digits
    params = {"learning_rate": 0.05, "epochs": 30, "n_iter_no_change": 30}
    clf = mlp(validation_fraction=0.2, early_stopping=True, **params)
    recorder = Fitted(stop_after=20)
    clf.set_callbacks(recorder).fit(X, y)
    assert clf.n_iter_ == 20 > clf.best_epoch_
    rows = clf.validation_indices_
    loss = clf.evaluate(X[rows], y[rows])["loss"]
    assert loss == pytest.approx(min(clf.history_["val_loss"]))
    # After an epoch, the weights are those of the epoch, as for `history_`.
    last = recorder.ended[-1].evaluate(X[rows], y[rows])["loss"]
    assert last == pytest.approx(clf.history_["val_loss"][-1])


def test_early_stopping_ends_the_tasks(digits):
    recorder = Recorder()
    clf = mlp(validation_fraction=0.2, early_stopping=True, n_iter_no_change=1)
    clf.set_params(learning_rate=0.1, epochs=50).set_callbacks(recorder).fit(*digits)
    assert clf.n_iter_ < 50
    assert recorder.epochs("begin") == recorder.epochs() == list(range(clf.n_iter_))


def test_warm_start_and_partial_fit_count_epochs_anew(digits):
    recorder = Recorder()
    clf = mlp(warm_start=True).set_callbacks(recorder).fit(*digits)
    clf.set_params(epochs=2).fit(*digits)
    clf.partial_fit(*digits)
    assert recorder.epochs() == [0, 1, 2, 3, 0, 1, 0]
    assert clf.n_iter_ == 7


def test_resumed_fit_reports_restored_epochs_without_data(
    digits, tmp_path, same_weights
):
    clf = mlp(checkpoint_dir=tmp_path)
    clf.set_callbacks(Fitted(stop_after=3, error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*digits)
    recorder = Fitted()
    resumed = mlp(checkpoint_dir=tmp_path).set_callbacks(recorder).fit(*digits)
    assert recorder.epochs("begin") == recorder.epochs() == [0, 1, 2, 3]
    assert recorder.ended[:3] == [None] * 3
    assert recorder.ended[3].n_iter_ == 4
    assert same_weights(resumed, mlp().fit(*digits))
    # A completed fit is loaded: there are no epochs to report.
    recorder = Fitted()
    resumed.set_callbacks(recorder).fit(*digits)
    assert recorder.epochs() == []
    assert recorder.final.n_iter_ == 4


def test_stopped_fit_can_be_resumed_from_its_checkpoint(digits, tmp_path, same_weights):
    clf = mlp(checkpoint_dir=tmp_path, save_best="loss")
    stopped = clone(clf).set_callbacks(Fitted(stop_after=2))
    make_pipeline(stopped).fit(*digits)
    assert stopped.n_iter_ == 2
    # Saved during the fit, without its context in the Pipeline.
    assert load(stopped.best_model_path_).n_iter_ == 2
    assert same_weights(clf.fit(*digits), mlp().fit(*digits))


def test_error_of_a_callback_leaves_the_classifier_unchanged(digits):
    X, y = digits
    recorder = Fitted(stop_after=2, error=ValueError("of the callback"))
    clf = mlp(warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    clf.set_callbacks(recorder)
    with pytest.raises(ValueError, match="of the callback"):
        clf.fit(X, y)
    assert recorder.events[-1] == ("teardown",)
    assert clf.n_iter_ == EPOCHS
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_invalid_data_is_reported_before_callbacks_are_set_up(digits):
    recorder = Recorder()
    with pytest.raises(ValueError, match="inconsistent"):
        mlp().set_callbacks(recorder).fit(digits[0], digits[1][:-1])
    assert recorder.events == []


def test_clone_shares_callbacks(digits):
    recorder = Recorder()
    clf = mlp().set_callbacks(recorder)
    assert clone(clf)._skl_callbacks == [recorder]
    assert clf.get_params() == mlp().get_params()
    # Functions without support of callbacks fit clones.
    cross_validate(clf, *digits, cv=2)
    assert recorder.epochs() == [0, 1, 2, 3] * 2


def test_copy_during_a_fit_has_no_context(digits):
    states = []

    class Copying(Recorder):
        def on_fit_task_end(self, estimator, context):
            states.append(vars(copy.copy(estimator)))

    clf = mlp().set_callbacks(Copying()).fit(*digits)
    assert set(states[0]) <= set(vars(clf))
    assert "_callback_fit_ctx" not in states[0]


def test_callbacks_are_pickled_but_not_saved(digits, tmp_path):
    X, y = digits
    pipe = make_pipeline(PixelScaler(1), mlp().set_callbacks(Recorder()))
    pipe.set_callbacks(Recorder(), callback.ScoringMonitor(scoring="accuracy"))
    pipe.fit(X, y)
    copied = pickle.loads(pickle.dumps(pipe))
    assert copied[-1]._skl_callbacks[0].epochs() == [0, 1, 2, 3]
    path = tmp_path / "pipe.skmnist"
    save(pipe, path)
    loaded = load(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))
    for estimator in (loaded, loaded[-1]):
        assert not hasattr(estimator, "_skl_callbacks")
    assert len(pipe._skl_callbacks) == 2


def test_weights_are_copied_only_for_callbacks_that_ask(digits, monkeypatch):
    monkeypatch.delattr(Loop, "current_state")
    recorder = Recorder()
    mlp().set_callbacks(recorder).fit(*digits)
    assert recorder.epochs() == [0, 1, 2, 3]
    with pytest.raises(AttributeError, match="current_state"):
        mlp().set_callbacks(Fitted()).fit(*digits)


def test_no_context_is_made_without_callbacks(digits, monkeypatch):
    monkeypatch.delattr(callback.CallbackSupportMixin, "_init_callback_context")
    assert mlp().fit(*digits).n_iter_ == EPOCHS


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_parallel_search_reports_to_the_callback_of_the_caller(backend, digits):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    pipe = make_pipeline(PixelScaler(1), mlp(epochs=2).set_callbacks(monitor))
    grid = {"kerasmlpclassifier__learning_rate": [0.001, 0.01]}
    with joblib.parallel_backend(backend):
        search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(*digits)
    data = monitor.get_logs().data_as_pandas
    epochs = data[data["task_name"] == "epoch"]["task_id_path"].tolist()
    searched = [(0, 0, fit, 1, epoch) for fit in range(4) for epoch in range(2)]
    assert sorted(epochs) == sorted([*searched, (0, 1, 1, 0), (0, 1, 1, 1)])
    refit = data[data["task_id_path"] == (0, 1, 1, 1)]["accuracy"].item()
    assert refit == pytest.approx(search.score(*digits))


def test_earlier_scikit_learn_has_no_callbacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    module = runpy.run_path(skmnist._callbacks.__file__)

    class Estimator(module["CallbackSupportMixin"], BaseEstimator):
        pass

    assert not hasattr(Estimator(), "set_callbacks")
    with module["fit_task"](Estimator(), X=None) as context:
        assert context is None
