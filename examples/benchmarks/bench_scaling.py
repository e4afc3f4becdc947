"""Measure what a search costs on threads, processes and a cluster, and predict more.

    python examples/benchmarks/bench_scaling.py --csv docs/_data/scaling.csv
    python examples/benchmarks/bench_scaling.py --predict --fit 0.15

The first command measures, for each backend in a process of its own: the seconds until
the workers are warm, of a fit, and of handing out a task. From these it predicts
searches of other sizes, and writes the times that they take beside it. Searches with
many workers are run with a classifier that sleeps, because the scheduler's part does
not need the cores. The second command predicts searches of 10 to 10,000 fits on 2 to
256 workers.
"""

import time

BEGIN = time.perf_counter()

import statistics  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from contextlib import ExitStack, contextmanager  # noqa: E402

import _common as common  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from _search_time import Costs, search_time, useful_workers  # noqa: E402
from joblib import parallel_config  # noqa: E402
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402

warnings.filterwarnings("ignore")

N_SPLITS = 2
SLEEP = 0.5
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
    parser.add_argument("--fit", type=float, default=0.15, help="seconds of one fit")
    parser.add_argument("--start", type=float, default=15.0, help="seconds to start")
    parser.add_argument("--task", type=float, default=0.06, help="seconds of a task")
    parser.add_argument("--only", choices=list(BACKENDS), help=common.argparse.SUPPRESS)
    args = parser.parse_args()
    if args.predict:
        print(predictions(Costs(args.start, args.fit, args.task)).to_string())
    elif args.only:
        for row in compare(args.only, args.jobs):
            print(*row)
    else:
        names = [name for name in BACKENDS for _ in range(args.rounds)]
        options = ["--jobs", args.jobs]
        words = {name: [] for name in BACKENDS}
        for name in names:
            printed = common.in_fresh_process(__file__, "--only", name, *options)
            words[name].append(np.reshape(printed, (-1, 5)))
        table = pd.concat([medians(name, tables) for name, tables in words.items()])
        print(table.to_string(index=False))
        if args.csv:
            table.to_csv(args.csv, index=False)


def compare(backend, n_jobs):
    """Yield what was searched, fits, workers, and the measured and predicted seconds.

    The first rows are the costs themselves.
    """
    images, y = common.digits()
    pipe = common.ours(epochs=5)
    rates = "kerasmlpclassifier__learning_rate"

    def mlp(n_fits, n_workers):
        grid = {rates: np.geomspace(0.0005, 0.01, n_fits // N_SPLITS).tolist()}
        return timed_search(pipe, grid, images, y, n_workers)

    def sleeping(n_fits, n_workers, seconds=SLEEP):
        grid = {"number": range(n_fits // N_SPLITS)}
        return timed_search(Sleeper(seconds), grid, images[:100], y[:100], n_workers)

    with BACKENDS[backend](n_jobs):
        first = 2 * n_jobs
        mlp(first, n_jobs)
        start = time.perf_counter() - BEGIN
        warm = statistics.median(mlp(first, n_jobs) for _ in range(3))
        seconds = {n_fits: mlp(n_fits, n_jobs) for n_fits in (10, 30, 100)}
        # joblib hands out several short tasks as one, but none as long as a fit.
        task = sleeping(400, n_jobs, 0.0) / 400
    slept = {}
    for n_workers, n_fits in SLEEPING if backend != "loky" else ():
        with BACKENDS[backend](n_workers):
            sleeping(n_workers, n_workers, 0.0)
            slept[n_workers, n_fits] = sleeping(n_fits, n_workers)
            task = (slept[n_workers, n_fits] - SLEEP) / n_fits
    costs = Costs(0.0, warm * n_jobs / first, task)
    yield "start", 0, n_jobs, start - warm, start - warm
    yield "task", 0, n_jobs, task, task
    yield "fit", first, n_jobs, costs.fit, costs.fit
    for n_fits, measured in seconds.items():
        yield "MLP", n_fits, n_jobs, measured, search_time(costs, n_fits, n_jobs)
    for (n_workers, n_fits), measured in slept.items():
        predicted = search_time(Costs(0.0, SLEEP, task), n_fits, n_workers)
        yield "sleep", n_fits, n_workers, measured, predicted


# Workers and fits. The last search, in which handing out tasks takes longer than the
# fits, gives the cost of a task.
SLEEPING = [(8, 100), (32, 1000), (256, 1000)]


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


BACKENDS = {
    "threads": lambda n_workers: parallel_config("threading"),
    "loky": lambda n_workers: parallel_config("loky"),
    "Dask": dask,
}


def medians(backend, rounds):
    """Return the medians over the rounds as a table."""
    seconds = np.median([np.asarray(r[:, 3:], float) for r in rounds], axis=0)
    what, n_fits, n_workers = rounds[0][:, :3].T
    return pd.DataFrame(
        {
            "backend": backend,
            "what": what,
            "fits": n_fits.astype(int),
            "workers": n_workers.astype(int),
            "measured": seconds[:, 0].round(4),
            "predicted": seconds[:, 1].round(4),
            "ratio": (seconds[:, 0] / seconds[:, 1]).round(2),
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
