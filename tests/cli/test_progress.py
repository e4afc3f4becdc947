"""The progress bars of the commands, as a terminal shows them."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config
from rich.console import Console
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier
from skmnist.classifiers._checkpoint import FinishedTrainings, RunningTrainings
from skmnist.cli._progress import (
    _SearchState,
    epoch_progress,
    number_of_fits,
    search_progress,
)
from skmnist.diagnosis import _progress
from skmnist.diagnosis._progress import FitProgress


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 100 columns receives on standard error."""
    received = io.StringIO()

    def console(**_):
        return Console(file=received, force_terminal=True, width=100, color_system=None)

    monkeypatch.setattr(_progress, "Console", console)
    return received


@pytest.fixture
def described(monkeypatch):
    """The descriptions that bars show, in order."""
    shown = []
    update = _progress.Bar.update

    def record(self, description, *state):
        shown.append(description)
        update(self, description, *state)

    monkeypatch.setattr(_progress.Bar, "update", record)
    return shown


def network(folder=None, **params):
    params = {"hidden_layer_sizes": (4,), "epochs": 3, "random_state": 0} | params
    return KerasMLPClassifier(checkpoint_dir=folder, **params)


def search(folder, grid, n_jobs=1):
    return GridSearchCV(
        make_pipeline(network(folder)),
        {f"kerasmlpclassifier__{name}": values for name, values in grid.items()},
        cv=StratifiedKFold(2),
        n_jobs=n_jobs,
        refit=False,
    )


def test_running_trainings_show_epoch_and_parameters(
    monkeypatch, tmp_path, digits, trainer_class
):
    run_epoch, seen = trainer_class.run_epoch, []

    def look(self, *args, **kwargs):
        seen.extend(running.latest(1))
        return run_epoch(self, *args, **kwargs)

    monkeypatch.setattr(trainer_class, "run_epoch", look)
    with RunningTrainings(tmp_path) as running:
        network(tmp_path).fit(*digits)
        assert running.latest(1) == []
    assert [state["epoch"] for state in seen] == [0, 1, 2]
    assert {state["n_epochs"] for state in seen} == {3}
    assert seen[0]["parameters"]["hidden_layer_sizes"] == [4]


def test_checkpoint_leaves_no_progress_behind(tmp_path, digits):
    with RunningTrainings(tmp_path):
        network(tmp_path, epochs=1).fit(*digits)
    network(tmp_path, epochs=2).fit(*digits)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        "training.npz",
        "training.npz",
    ]
    with RunningTrainings(tmp_path / "unused"):
        assert (tmp_path / "unused").exists()
    assert not (tmp_path / "unused").exists()


def test_failed_training_gives_way_to_later_ones(
    monkeypatch, tmp_path, digits, trainer_class
):
    run_epoch, seen = trainer_class.run_epoch, []

    def look_and_fail_once(self, *args, **kwargs):
        seen.append([state["parameters"]["epochs"] for state in running.latest(2)])
        if len(seen) == 1:
            raise ValueError("failed")
        return run_epoch(self, *args, **kwargs)

    monkeypatch.setattr(trainer_class, "run_epoch", look_and_fail_once)
    with RunningTrainings(tmp_path) as running:
        with pytest.raises(ValueError, match="failed"):
            network(tmp_path, epochs=1).fit(*digits)
        network(tmp_path, epochs=2).fit(*digits)
    assert seen == [[1], [1, 2], [1, 2]]


def test_search_describes_fit_point_and_epoch(
    monkeypatch, tmp_path, digits, trainer_class
):
    searcher = search(tmp_path, {"hidden_layer_sizes": [4, (5, 3)], "epochs": [1, 2]})
    run_epoch, seen = trainer_class.run_epoch, []

    def look(self, *args, **kwargs):
        seen.append(state.read())
        return run_epoch(self, *args, **kwargs)

    monkeypatch.setattr(trainer_class, "run_epoch", look)
    with RunningTrainings(tmp_path) as running:
        state = _SearchState(searcher, tmp_path, running, 400, 10)
        assert state.read() == ("Starting", 0)
        searcher.fit(*digits)
        assert state.read()[1] == 8
    assert len(seen) == 12
    assert seen[0] == ("Fit 1 of 8, hidden_layer_sizes=4 epochs=1, epoch 1 of 1", 0)
    assert seen[-1] == (
        "Fit 8 of 8, hidden_layer_sizes=5x3 epochs=2, epoch 2 of 2",
        7.5,
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_search_follows_the_fits_of_workers(
    terminal, described, monkeypatch, tmp_path, digits, backend
):
    monkeypatch.setattr("skmnist.cli._progress._INTERVAL", 0.02)
    searcher = search(tmp_path, {"epochs": [30, 40]}, n_jobs=2)
    with parallel_config(backend), search_progress(searcher, tmp_path, 400, 10):
        searcher.fit(*digits)
    assert "Starting" in terminal.getvalue()
    assert any(" of 4, epochs=30, epoch " in words for words in described)
    assert len(FinishedTrainings(tmp_path)) == 4


class Untrained(ClassifierMixin, BaseEstimator):
    def __init__(self, a=0, b=0):
        self.a = a
        self.b = b

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[self.a % len(self.classes_)])


@pytest.mark.parametrize(
    ("n_a", "n_b", "n_images", "n_splits"),
    [(1, 1, 100, 2), (4, 1, 100, 2), (9, 3, 400, 2), (5, 4, 90, 5), (9, 9, 81, 3)],
)
def test_number_of_fits_of_halving_is_that_of_scikit_learn(
    n_a, n_b, n_images, n_splits
):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_images, 2)), np.arange(n_images) % 2
    searcher = HalvingGridSearchCV(
        Untrained(),
        {"a": list(range(n_a)), "b": list(range(n_b))},
        cv=StratifiedKFold(n_splits),
        min_resources="exhaust",
        refit=False,
        random_state=0,
    )
    expected = number_of_fits(searcher, n_images, 2)
    searcher.fit(X, y)
    assert expected == len(searcher.cv_results_["params"]) * n_splits


def test_train_shows_every_epoch(terminal, described, digits):
    clf = network()
    with epoch_progress(clf):
        clf.fit(*digits)
    assert described == [f"Epoch {epoch} of 3" for epoch in (1, 2, 3)]
    assert "_after_epoch" not in vars(clf)


def test_diagnosis_names_which_of_two_models(terminal, described):
    with FitProgress(name="mlp (1 of 2)") as progress:
        progress.plan({"folds": 3}, 3.0, n_jobs=2)
        progress.stage("folds")(3, 2, 5)
    assert "mlp (1 of 2): Starting" in terminal.getvalue()
    assert described == ["mlp (1 of 2): Fold 3, epoch 2 of 5"]


def test_bar_shows_the_time_left_of_all_fits(terminal, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(_progress, "perf_counter", lambda: clock.now)
    with FitProgress() as progress:
        progress.plan({"folds": 2, "reference at most": 2}, 2.0)
        report, reference = progress.stage("folds"), progress.stage("reference")
        clock.now = 10.0
        reference(1, 1, 1)
        (task,) = progress._bar._progress.tasks
        assert task.completed == 0.25  # one of four fits, as their cost is not known
        reference.took(1, 10)
        for epoch in (1, 2):
            clock.now += 5
            report(1, epoch, 10)
        # 8 + 10 epochs of 5 s, and the second fit of the reference.
        assert "About 2 min, estimated from the first epochs." in terminal.getvalue()
        progress._bar._progress.refresh()
        assert "0:01:40" in terminal.getvalue()
        clock.now += 30
        progress._bar._progress.refresh()
        assert "0:01:10" in terminal.getvalue()


def test_bar_is_not_shown_without_a_terminal(capsys, digits):
    clf = network(epochs=1)
    with epoch_progress(clf), FitProgress() as progress:
        progress.plan({"folds": 3}, 3.0)
        clf.fit(*digits)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
