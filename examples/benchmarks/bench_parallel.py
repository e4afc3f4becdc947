"""Measure several fits at once: threads, loky's processes and Dask's workers.

    python examples/benchmarks/bench_parallel.py
    python examples/benchmarks/bench_parallel.py --only grid mlp --jobs 4

The process and all workers are warm: everything ran once before the clock starts. "1
job" is the same call without ``n_jobs``. Data that must be downloaded are left out if
they are not there.
"""

import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import _common as common
import numpy as np
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skmnist._cross_validation._stages import run_folds

warnings.filterwarnings("ignore")

RATES = np.geomspace(0.0005, 0.01, 10).tolist()


def main():
    """Run the benchmarks that are asked for."""
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS)
    )
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    args = parser.parse_args()
    for name in args.only:
        BENCHMARKS[name](args)


def grid(args):
    """Compare backends by a grid of 30 fits of the reference MLP on the digits."""
    images, y = common.digits()

    def search(n_jobs=None):
        GridSearchCV(
            common.ours(epochs=5),
            {"kerasmlpclassifier__learning_rate": RATES},
            cv=3,
            refit=False,
            n_jobs=n_jobs,
            error_score="raise",
        ).fit(images, y)

    def on(backend):
        with parallel_config(backend):
            search(args.jobs)

    with cluster(args.jobs) as has_dask:
        contenders = {
            "1 job": search,
            f"{args.jobs} threads": lambda: on("threading"),
            f"{args.jobs} loky processes": lambda: on("loky"),
        }
        if has_dask:
            contenders[f"{args.jobs} Dask workers"] = lambda: on("dask")
        report("GridSearchCV, 30 fits, digits", contenders, args)


def scikeras(args):
    """Compare a grid of 15 fits with SciKeras's."""
    images, y = common.digits()
    scaled = (images.reshape(len(images), -1) / 255).astype(np.float32)
    rates = RATES[::2]
    options = {"cv": 3, "refit": False, "n_jobs": args.jobs, "error_score": "raise"}

    def ours():
        grid = {"kerasmlpclassifier__learning_rate": rates}
        with parallel_config("threading"):
            GridSearchCV(common.ours(epochs=5), grid, **options).fit(images, y)

    def theirs():
        grid = {"optimizer__learning_rate": rates}
        GridSearchCV(common.scikeras(5), grid, **options).fit(scaled, y)

    name = f"skmnist, {args.jobs} threads"
    contenders = {name: ours, f"SciKeras, {args.jobs} loky processes": theirs}
    report("GridSearchCV, 15 fits, digits", contenders, args)


def mlp(args):
    """Cross-validate the reference MLP on all of MNIST's training images."""
    images, y, *_ = common.mnist()
    folds("5 folds of the reference MLP, 60,000 images", "mlp", images, y, args)


def lenet(args):
    """Cross-validate the reference LeNet on 3,000 images, 2 epochs."""
    images, y, *_ = common.mnist(3000)
    title = "5 folds of LeNet, 3,000 images, 2 epochs"
    folds(title, "lenet", images, y, args, epochs=2)


def folds(title, model, images, y, args, **params):
    """Compare threads with one fit after the other."""
    pipe = common.ours(model, **params)
    cv = list(StratifiedKFold(5).split(images, y))

    def run(n_jobs=None):
        run_folds(pipe, images, y, cv=cv, epochs=False, n_jobs=n_jobs)

    contenders = {"1 job": run, f"{args.jobs} threads": lambda: run(args.jobs)}
    report(title, contenders, args)


def diagnose(args):
    """Time the command `skmnist diagnose` in fresh processes."""

    def command(n_jobs):
        with TemporaryDirectory() as folder:
            words = ["diagnose", "--quiet", "--out", Path(folder) / "report"]
            common.in_fresh_process("-m", "skmnist", *words, "--n-jobs", n_jobs)

    contenders = {
        "1 job": lambda: command(1),
        f"{args.jobs} threads": lambda: command(args.jobs),
    }
    report("skmnist diagnose, cold", contenders, args)


BENCHMARKS = {
    "grid": grid,
    "scikeras": scikeras,
    "mlp": mlp,
    "lenet": lenet,
    "diagnose": diagnose,
}


@contextmanager
def cluster(n_workers):
    """Start a Dask cluster, if Dask is installed."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("Dask: skipped, not installed", file=sys.stderr)
        yield False
        return
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=n_workers, **options) as workers, Client(workers):
        yield True


def report(title, contenders, args):
    """Run all contenders once, then time them in turn, and print the table."""
    for contender in contenders.values():
        contender()
    timed = {
        name: lambda run=run: common.timed(run) for name, run in contenders.items()
    }
    results = common.interleave(timed, args.rounds)
    common.table(f"{title}: seconds", results, args.csv, baseline=next(iter(results)))


if __name__ == "__main__":
    main()
