"""Measure memory growth over many fits and the peak of a large fit; compare with Keras.

    python examples/benchmarks/bench_memory.py
    python examples/benchmarks/bench_memory.py --tables mapped --mapped-mb 2048

Every contender runs in a fresh process. Growth is the increase of the resident memory
per fit, after warm-up fits. The peak is relative to the memory after the imports. Freed
memory that malloc retains is returned to the system before each measurement, because
its size varies by several MB.

The table "mapped" reads uint8 images from a memory-mapped file, and has two peaks. The
first is anonymous memory, which the process allocates and cannot do without. The second
is all resident memory: it includes the pages of the file that the process has read,
which the system keeps while memory is free, and takes back when it is not.
"""

import contextlib
import ctypes
import gc
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import _common as common
import numpy as np
from sklearn.pipeline import make_pipeline

from skmnist import ImageFlattener

SAME, RATES, SIZES = "same", "rates", "architectures"


def resident():
    """Return the resident memory in MB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def configuration(kind, number):
    """Return the parameters of a fit: the same for every fit, or different ones."""
    if kind == SAME:
        return {}
    if kind == RATES:
        rng = np.random.default_rng(number)
        return {
            "learning_rate": rng.uniform(1e-4, 1e-2),
            "dropout": rng.uniform(0.1, 0.5),
            "l2": rng.uniform(1e-6, 1e-3),
        }
    return {"hidden_layer_sizes": (20 + number, 10 + number % 7)}


def growth(who, kind, n_fits):
    """Return the memory growth per fit in MB."""
    images, y = (array[:200] for array in common.digits())

    def fit(number):
        if who == "skmnist":
            common.ours(epochs=1, **configuration(kind, number)).fit(images, y)
        else:
            X, one_hot = common.as_script(images, y)
            common.keras_mlp().fit(X, one_hot, batch_size=32, epochs=1, verbose=0)

    n_warm = 20  # enough to fill pools and caches
    for number in range(n_warm):
        fit(number)
    before = resident()
    for number in range(n_warm, n_warm + n_fits):
        fit(number)
    return (resident() - before) / n_fits


def peak(who):
    """Return the peak memory of a fit on 60,000 images in MB, above the imports."""
    import skmnist._engine._training  # noqa: F401, imports Keras, not measured

    images, y, *_ = common.mnist()
    before = resident()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # reset the peak resident size
    if who == "Keras script":
        X, one_hot = common.as_script(images, y)
        common.keras_mlp().fit(X, one_hot, batch_size=32, epochs=2, verbose=0)
    elif who == "skmnist":
        common.ours(epochs=2).fit(images, y)
    else:
        clf = common.ours(epochs=2, rescaling=1 / 255)[-1]
        clf.fit(images.reshape(len(images), -1), y)
    return status("VmHWM") - before


def status(name):
    """Return an entry of the process's memory status in MB."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(name))
    return int(line.split()[1]) / 1024


@contextlib.contextmanager
def peaks():
    """Yield a list that gets the peaks of anonymous and of all resident memory in MB.

    Anonymous memory has no high-water mark in Linux, and is sampled.
    """
    found, samples, done = [], [], threading.Event()

    def sample():
        while not done.wait(0.002):
            samples.append(status("RssAnon"))

    before_all, before = resident(), status("RssAnon")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # reset the peak resident size
    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found += [max(samples, default=before) - before, status("VmHWM") - before_all]


def write_images(path, n_megabytes):
    """Write noisy images with one bright square of ten, which is their label.

    The file holds flat uint8 rows of 784 pixels; `path` with ".labels" the labels.
    """
    n = n_megabytes * 2**20 // 784
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 784))
    y = rng.integers(10, size=n)
    for start in range(0, n, 50_000):
        labels = y[start : start + 50_000]
        images = rng.integers(128, size=(len(labels), 28, 28), dtype=np.uint8)
        for label in range(10):
            row, column = divmod(label, 5)
            rows = labels == label
            images[
                rows, 14 * row + 4 : 14 * row + 9, 5 * column + 1 : 5 * column + 5
            ] *= 2
        X[start : start + 50_000] = images.reshape(-1, 784)
    X.flush()
    np.save(f"{path}.labels.npy", y)


def mapped(what, path):
    """Return seconds, and the peaks of a task on a memory-mapped file in MB."""
    import skmnist._engine._training  # noqa: F401, imports Keras, not measured
    from skmnist import KerasMLPClassifier, LeNetClassifier, diagnose_fit
    from skmnist._engine._backend import start_backend

    start_backend()
    X, y = np.load(path, mmap_mode="r"), np.load(f"{path}.labels.npy")
    settings = {"rescaling": 1 / 255, "epochs": 1, "random_state": 0}
    clf = KerasMLPClassifier(**settings)
    tasks = {
        "fit": lambda: clf.fit(X, y),
        "fit, validation_fraction": lambda: clf.set_params(validation_fraction=0.1).fit(
            X, y
        ),
        "fit, PixelScaler": lambda: common.ours(epochs=1).fit(X, y),
        "fit, LeNet, 20,000 rows": lambda: LeNetClassifier(**settings).fit(
            X[:20_000], y[:20_000]
        ),
        "predict": lambda: clf.predict(X),
        "predict_proba": lambda: clf.predict_proba(X),
        "evaluate": lambda: clf.evaluate(X, y),
        "diagnose_fit": lambda: diagnose_fit(
            clf, X, y, cv=2, reference=0.1, random_state=0
        ),
        "diagnose_fit, Pipeline": lambda: diagnose_fit(
            make_pipeline(ImageFlattener(), clf),
            X.reshape(-1, 28, 28),
            y,
            cv=2,
            reference=0.1,
            random_state=0,
        ),
    }
    if what in ("predict", "predict_proba", "evaluate"):
        clf.fit(X[:10_000], y[:10_000])
    with peaks() as found:
        start = time.perf_counter()
        tasks[what]()
        seconds = time.perf_counter() - start
    return seconds, *found


MAPPED = (
    "fit",
    "fit, validation_fraction",
    "fit, PixelScaler",
    "fit, LeNet, 20,000 rows",
    "predict",
    "predict_proba",
    "evaluate",
    "diagnose_fit",
    "diagnose_fit, Pipeline",
)


if len(sys.argv) > 2 and sys.argv[1] == "--one":
    measure, *rest = sys.argv[2:]
    if measure == "mapped":
        print(*mapped(*rest))
    else:
        print(peak(*rest) if measure == "peak" else growth(*rest[:2], int(rest[2])))
    sys.exit()

TABLES = ("growth", "peak", "mapped")
options = common.parser(__doc__.splitlines()[0], rounds=1)
options.add_argument("--fits", type=int, default=100)
options.add_argument(
    "--tables", nargs="+", choices=TABLES, default=TABLES, help="default: all"
)
options.add_argument(
    "--mapped-mb", type=int, default=256, help="size of the file; default: %(default)s"
)
options.add_argument(
    "--mapped-tasks", nargs="+", choices=MAPPED, default=MAPPED, help="default: all"
)
args = options.parse_args()


def alone(*what):
    return [float(value) for value in common.in_fresh_process(__file__, "--one", *what)]


def growth_tables():
    for kind, n_fits in ((SAME, args.fits), (RATES, args.fits), (SIZES, 30)):
        contenders = {
            "skmnist": lambda k=kind, n=n_fits: alone("growth", "skmnist", k, n)[0],
            "Keras script": lambda n=n_fits: alone("growth", "Keras", SAME, n)[0],
        }
        common.table(
            f"growth per fit over {n_fits} fits, {kind}: MB",
            common.interleave(contenders, args.rounds),
            args.csv,
            unit="MB",
        )


def peak_table():
    names = ["skmnist", "skmnist, rescaling=1/255", "Keras script"]
    common.table(
        "peak above the imports, 60,000 images: MB",
        common.interleave(
            {name: lambda name=name: alone("peak", name)[0] for name in names},
            args.rounds,
        ),
        args.csv,
        unit="MB",
    )


def mapped_table():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        write_images(path, args.mapped_mb)
        measured = common.interleave(
            {
                task: lambda task=task: alone("mapped", task, path)
                for task in args.mapped_tasks
            },
            args.rounds,
        )
    remarks = {
        task: f"{np.median(values, 0)[0]:.1f} s, {np.median(values, 0)[2]:.0f} MB with "
        "pages of the file"
        for task, values in measured.items()
    }
    common.table(
        f"peak of anonymous memory above the imports, file of {args.mapped_mb} MB: MB",
        {task: [value[1] for value in values] for task, values in measured.items()},
        args.csv,
        unit="MB",
        extra=remarks,
        baseline=args.mapped_tasks[0],
    )


for name in args.tables:
    {"growth": growth_tables, "peak": peak_table, "mapped": mapped_table}[name]()
