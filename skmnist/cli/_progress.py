"""Progress bars of `search` and `train`."""

import math
import threading
from contextlib import contextmanager

from joblib import effective_n_jobs
from sklearn.model_selection import check_cv

from skmnist.classifiers._checkpoint import FinishedTrainings, RunningTrainings
from skmnist.diagnosis._progress import STARTING, Bar
from skmnist.search._values import short_name, written

# Seconds between two looks at the checkpoints of a search.
_INTERVAL = 0.5


@contextmanager
def epoch_progress(network):
    """Show epoch and time left while a network is fitted.

    Parameters
    ----------
    network : KerasImageClassifier, KerasMLPClassifier or LeNetClassifier
    """
    with Bar() as bar:
        if not bar.is_shown:
            yield
            return
        bar.start("Training", network.epochs)

        def show(fitted):
            done = fitted.n_iter_
            bar.update(f"Epoch {done} of {network.epochs}", done)

        network._after_epoch = show
        try:
            yield
        finally:
            del network._after_epoch


@contextmanager
def search_progress(searcher, checkpoints, n_images, n_classes):
    """Show which fit of a search runs, its point and epoch, and the time left.

    Parameters
    ----------
    searcher : GridSearchCV or HalvingGridSearchCV
        Its classifier, the last step of a Pipeline, keeps checkpoints.
    checkpoints : pathlib.Path
        Their folder, which says how far the fits are, also those of other processes.
    n_images, n_classes : int
        Of the data.
    """
    with Bar() as bar:
        if not bar.is_shown:
            yield
            return
        with RunningTrainings(checkpoints) as running:
            state = _SearchState(searcher, checkpoints, running, n_images, n_classes)
            bar.start(STARTING, state.n_fits, len(state.finished))
            with _repeated(lambda: bar.update(*state.read())):
                yield


@contextmanager
def _repeated(function):
    """Call a function in another thread, again and again."""
    ended = threading.Event()

    def follow():
        while not ended.wait(_INTERVAL):
            function()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


class _SearchState:
    """How far a search is, read from its checkpoints."""

    def __init__(self, searcher, checkpoints, running, n_images, n_classes):
        self.n_jobs = effective_n_jobs(searcher.n_jobs)
        self.n_fits = number_of_fits(searcher, n_images, n_classes)
        self.finished = FinishedTrainings(checkpoints)
        self._running = running
        self._names = list(map(short_name, searcher.param_grid))
        self._description = STARTING

    def read(self):
        """Return a description and the number of completed fits."""
        running, n_finished = self._running.latest(self.n_jobs), len(self.finished)
        if running:
            self._description = self._describe(running[0], n_finished)
        parts = sum(state["epoch"] / state["n_epochs"] for state in running)
        return self._description, min(n_finished + parts, self.n_fits)

    def _describe(self, state, n_finished):
        known, n_epochs = state["parameters"], state["n_epochs"]
        point = {name: known[name] for name in self._names if name in known}
        words = (
            f"Fit {min(n_finished + 1, self.n_fits)} of {self.n_fits}",
            _written(point),
            f"epoch {min(state['epoch'] + 1, n_epochs)} of {n_epochs}",
        )
        return ", ".join(filter(None, words))


def _written(point):
    # JSON has no tuples.
    as_typed = {k: tuple(v) if isinstance(v, list) else v for k, v in point.items()}
    return written(as_typed)


def number_of_fits(searcher, n_images, n_classes):
    """Return how many fits a search over a grid will make.

    Parameters
    ----------
    searcher : GridSearchCV or HalvingGridSearchCV
        With ``min_resources="exhaust"``, on images, and without refitting.
    n_images, n_classes : int
        Of the data.

    Returns
    -------
    n_fits : int
    """
    n_points = math.prod(map(len, searcher.param_grid.values()))
    n_splits = check_cv(searcher.cv).get_n_splits()
    factor = getattr(searcher, "factor", None)
    if factor is None:
        return n_points * n_splits
    # As scikit-learn plans its rounds: the last one is on all images.
    n_rounds = 1 + math.floor(math.log(n_points, factor))
    fewest = max(2 * n_splits * n_classes, n_images // factor ** (n_rounds - 1))
    n_rounds = min(n_rounds, 1 + math.floor(math.log(n_images // fewest, factor)))
    n_fits = 0
    for _ in range(n_rounds):
        n_fits += n_points * n_splits
        n_points = math.ceil(n_points / factor)
    return n_fits
