"""Measure memory growth over many fits and the peak of a large fit; compare with Keras.

    python examples/benchmarks/bench_memory.py

Every contender runs in a fresh process. Growth is the increase of the resident memory
per fit, after warm-up fits. The peak is relative to the memory after the imports. Freed
memory that malloc retains is returned to the system before each measurement, because
its size varies by several MB.
"""

import ctypes
import gc
import resource
import sys

import _common as common
import numpy as np

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
    with open("/proc/self/status") as file:
        mark = next(line for line in file if line.startswith("VmHWM"))
    return int(mark.split()[1]) / 1024 - before


if len(sys.argv) > 2 and sys.argv[1] == "--one":
    measure, *rest = sys.argv[2:]
    print(peak(*rest) if measure == "peak" else growth(*rest[:2], int(rest[2])))
    sys.exit()

options = common.parser(__doc__.splitlines()[0], rounds=1)
options.add_argument("--fits", type=int, default=100)
args = options.parse_args()


def alone(*what):
    return float(common.in_fresh_process(__file__, "--one", *what)[0])


for kind, n_fits in ((SAME, args.fits), (RATES, args.fits), (SIZES, 30)):
    contenders = {
        "skmnist": lambda k=kind, n=n_fits: alone("growth", "skmnist", k, n),
        "Keras script": lambda n=n_fits: alone("growth", "Keras", SAME, n),
    }
    common.table(
        f"growth per fit over {n_fits} fits, {kind}: MB",
        common.interleave(contenders, args.rounds),
        args.csv,
        unit="MB",
    )
names = ["skmnist", "skmnist, rescaling=1/255", "Keras script"]
common.table(
    "peak above the imports, 60,000 images: MB",
    common.interleave(
        {name: lambda name=name: alone("peak", name) for name in names}, args.rounds
    ),
    args.csv,
    unit="MB",
)
