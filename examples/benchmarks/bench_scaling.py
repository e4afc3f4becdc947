"""Measure what a search costs on threads, processes and a cluster, and predict more.

    python examples/benchmarks/bench_scaling.py --rounds 1 --csv docs/_data/scaling.csv
    python examples/benchmarks/bench_scaling.py --predict --start 9 --fit 9 --task 0.05

The first command measures, for each backend in a process of its own: the seconds until
the workers are warm, of a fit, and of handing out a task. From these it predicts
searches of other sizes, and writes the times that they take beside it. Searches with
many workers are run with a classifier that sleeps, because the scheduler's part does
not need the cores. The second command predicts searches of 10 to 10,000 fits on 2 to
256 workers.
"""

import statistics
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager

import _common as common
import numpy as np
import pandas as pd
from _search_time import Costs, search_time, useful_workers
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

warnings.filterwarnings("ignore")

N_SPLITS = 2
# Fits from whose time that of one is taken, and the searches that are then predicted.
N_MEASURED = 20
N_PREDICTED = (10, 30, 100)
SLEEP = 0.5
# Workers and sleeping fits. The last search, in which handing out tasks takes longer
# than the fits, gives the cost of a task.
SLEEPING = [(8, 100), (32, 1000), (256, 1000)]
N_FITS = (10, 100, 1000, 10_000)
N_WORKERS = (2, 8, 32, 256)


class Sleeper(ClassifierMixin, BaseEstimator):
    """A classifier whose fit sleeps."""

    def __init__(self, seconds=0.0, number=0):
        self.seconds = seconds
        self.number = number

    def fit(self, X, y):
        """Sleep."""
        self.classes_ = np.unique(y)
        time.sleep(self.seconds)
        return self

    def predict(self, X):
        """Return one class for all samples."""
        return np.full(len(X), self.classes_[0])


def main():
    """Measure the costs and compare predictions, or predict."""
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--predict", action="store_true", help="print predictions")
    for name, seconds in {"start": 13.0, "fit": 0.5, "task": 0.052}.items():
        parser.add_argument(
            f"--{name}",
            type=float,
            default=seconds,
            help="seconds, for --predict; default: %(default)s",
        )
    # In a process of its own: the backend, and when the process was started.
    parser.add_argument("--measure", nargs=2, help=common.argparse.SUPPRESS)
    args = parser.parse_args()
    if args.predict:
        print(predictions(Costs(args.start, args.fit, args.task)).to_string())
    elif args.measure:
        backend, begin = args.measure
        for row in measure(backend, args.jobs, float(begin)):
            print(*row)
    else:
        table = pd.concat([medians(backend, args) for backend in BACKENDS])
        print(table.to_string(index=False))
        if args.csv:
            table.to_csv(args.csv, index=False)


def measure(backend, n_jobs, begin):
    """Yield costs and searches: what, fits, workers, measured and predicted seconds.

    Costs, and the search that gives the cost of a task, have NaN as prediction.
    """
    images, y = common.digits()
    pipe = common.ours(epochs=5)
    rates = "kerasmlpclassifier__learning_rate"

    def mlp(n_fits):
        grid = {rates: np.geomspace(0.0005, 0.01, n_fits // N_SPLITS).tolist()}
        return timed_search(pipe, grid, images, y, n_jobs)

    def sleeping(n_fits, n_workers, seconds=SLEEP):
        grid = {"number": range(n_fits // N_SPLITS)}
        return timed_search(Sleeper(seconds), grid, images[:100], y[:100], n_workers)

    with BACKENDS[backend](n_jobs):
        mlp(N_MEASURED)
        until_first = time.time() - begin
        warm = statistics.median(mlp(N_MEASURED) for _ in range(3))
        searches = {n_fits: mlp(n_fits) for n_fits in N_PREDICTED}
        task = sleeping(400, n_jobs, 0.0) / 400
    slept = {}
    if backend != "loky":  # whose workers are processes
        for n_workers, n_fits in SLEEPING:
            with BACKENDS[backend](n_workers):
                sleeping(n_workers, n_workers, 0.0)
                slept[n_workers, n_fits] = sleeping(n_fits, n_workers)
        # Not from tasks that do nothing: joblib hands out several of these as one.
        task = (slept[SLEEPING[-1]] - SLEEP) / SLEEPING[-1][1]
    costs = Costs(0.0, warm * n_jobs / N_MEASURED, task)
    yield "start", "-", n_jobs, until_first - warm, np.nan
    yield "fit", N_MEASURED, n_jobs, costs.fit, np.nan
    yield "task", "-", n_jobs, task, np.nan
    for n_fits, seconds in searches.items():
        yield "MLP", n_fits, n_jobs, seconds, search_time(costs, n_fits, n_jobs)
    for (n_workers, n_fits), seconds in slept.items():
        predicted = search_time(Costs(0.0, SLEEP, task), n_fits, n_workers)
        if (n_workers, n_fits) == SLEEPING[-1]:
            predicted = np.nan
        yield "sleep", n_fits, n_workers, seconds, predicted


def timed_search(estimator, grid, X, y, n_jobs):
    """Return the seconds of a search."""
    search = GridSearchCV(
        estimator, grid, cv=N_SPLITS, refit=False, n_jobs=n_jobs, error_score="raise"
    )
    return common.timed(search.fit, X, y)


@contextmanager
def dask(n_workers):
    """Start a Dask cluster of two processes, or as many as there are workers."""
    from distributed import Client, LocalCluster

    n_processes = min(n_workers, 2)
    with ExitStack() as stack:
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=n_processes,
                threads_per_worker=n_workers // n_processes,
                dashboard_address="127.0.0.1:0",
            )
        )
        stack.enter_context(Client(cluster))
        stack.enter_context(parallel_config("dask"))
        yield


# Functions of the number of workers.
BACKENDS = {
    "threads": lambda _: parallel_config("threading"),
    "loky": lambda _: parallel_config("loky"),
    "Dask": dask,
}


def medians(backend, args):
    """Return the medians over the rounds, each in a process of its own, as a table."""
    rounds = []
    for _ in range(args.rounds):
        options = ["--measure", backend, time.time(), "--jobs", args.jobs]
        printed = common.in_fresh_process(__file__, *options)
        rounds.append(np.reshape(printed, (-1, 5)))
    what, n_fits, n_workers = rounds[0][:, :3].T
    seconds = np.median([r[:, 3:].astype(float) for r in rounds], axis=0)
    measured, predicted = seconds.T
    return pd.DataFrame(
        {
            "backend": backend,
            "what": what,
            "fits": n_fits,
            "workers": n_workers,
            "measured": measured.round(4),
            "predicted": predicted.round(2),
            "ratio": (measured / predicted).round(2),
        }
    )


def predictions(costs):
    """Return the predicted seconds by the number of fits and of workers."""
    print(f"More than {useful_workers(costs)} workers make nothing faster.")
    return pd.DataFrame(
        {
            f"{n_workers} workers": [
                round(search_time(costs, n_fits, n_workers), 1) for n_fits in N_FITS
            ]
            for n_workers in N_WORKERS
        },
        index=pd.Index(N_FITS, name="fits"),
    )


if __name__ == "__main__":
    sys.exit(main())
