"""Measure the accuracy on MNIST that each recipe reaches, and what it costs.

    python examples/benchmarks/bench_accuracy.py --list
    python examples/benchmarks/bench_accuracy.py --recipe mlp lenet --seeds 0 1 2
    python examples/benchmarks/bench_accuracy.py --table docs/_data/accuracy_table.csv

Every recipe is trained on the 60,000 training images and scored on the 10,000 test
images after its last epoch; nothing is chosen on the test images. A row is written to
the file of results as soon as it is done, and a recipe and seed in the file are not run
again, whatever the dtype. With ``--checkpoints`` an interrupted training resumes at its
last epoch, and an ensemble loads the members that are trained already.
"""

import argparse
import csv
import os
import time
import warnings
from pathlib import Path

import _common as common
import numpy as np
from _accuracy_recipes import RECIPES
from _accuracy_table import write_table
from sklearn.exceptions import ConvergenceWarning

warnings.filterwarnings("ignore", category=ConvergenceWarning)

_RESULTS = Path(__file__).parents[2] / "docs" / "_data" / "accuracy.csv"
# Images predicted at once: some of scikit-learn's models need memory for all pairs.
_BLOCK = 10_000


def main():
    """Run the recipes that are asked for, or write the table."""
    args = parse_arguments()
    if args.list:
        for name, recipe in RECIPES.items():
            print(f"{name}: {recipe.title}")
        return
    if args.table is not None:
        write_table(args.results, args.table)
        return
    data = common.mnist(args.samples)
    import keras  # noqa: F401 - so that the import is not timed

    for seed in args.seeds:
        for name in args.recipe:
            recipe = RECIPES[name]
            if seed > 0 and not recipe.is_random:
                continue
            if (name, seed) not in finished(args.results):
                estimator = recipe.make(seed, args.checkpoints)
                set_dtype(estimator, args.dtype)
                row = {"recipe": name, "seed": seed, "dtype": args.dtype}
                row |= run(estimator, data)
                append(args.results, row)
                print({k: v for k, v in row.items() if k != "wrong"}, flush=True)


def parse_arguments():
    """Return the options of the command line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--recipe", nargs="+", choices=list(RECIPES), default=list(RECIPES)
    )
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument(
        "--dtype", default="float32", help="of the networks; default: %(default)s"
    )
    options.add_argument("--samples", type=int, help="training images, for a trial")
    options.add_argument("--results", type=Path, default=_RESULTS)
    options.add_argument("--checkpoints", type=Path, help="folder of resumable fits")
    options.add_argument("--table", type=Path, help="write the table to this file")
    options.add_argument("--list", action="store_true", help="list the recipes")
    args = options.parse_args()
    if args.checkpoints is not None:
        args.checkpoints.mkdir(parents=True, exist_ok=True)
    return args


def set_dtype(estimator, dtype):
    """Set the dtype of all networks in an estimator."""
    names = estimator.get_params()
    estimator.set_params(**{n: dtype for n in names if n.endswith("__dtype")})


def run(estimator, data):
    """Train and score an estimator; return a row of results."""
    X, y, X_test, y_test = data
    wall, cpu = time.perf_counter(), time.process_time()
    estimator.fit(X, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    wrong_train = predict(estimator, X) != y
    wrong = np.flatnonzero(predict(estimator, X_test) != y_test)
    return {
        "n_train": len(y),
        "n_test": len(y_test),
        "train_error": f"{wrong_train.mean():.6f}",
        "test_error": f"{len(wrong) / len(y_test):.6f}",
        "seconds": f"{wall:.1f}",
        # Of all cores together. Other work on the machine changes it less.
        "cpu_seconds": f"{cpu:.1f}",
        "backend": backend(),
        "cores": os.cpu_count(),
        "processor": gpu() or processor(),
        "wrong": " ".join(map(str, wrong)),
    }


def predict(estimator, X):
    """Return the predicted labels."""
    blocks = range(0, len(X), _BLOCK)
    return np.concatenate([estimator.predict(X[i : i + _BLOCK]) for i in blocks])


def backend():
    """Return the name of Keras's backend."""
    import keras

    return keras.backend.backend()


def gpu():
    """Return the name of the GPU that Keras's backend computes on, or None."""
    name = backend()
    if name == "jax":
        import jax

        devices = [d.device_kind for d in jax.devices() if d.platform == "gpu"]
    elif name == "torch":
        import torch

        devices = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    else:
        import tensorflow as tf

        devices = [
            tf.config.experimental.get_device_details(device)["device_name"]
            for device in tf.config.list_physical_devices("GPU")
        ]
    return devices[0] if devices else None


def processor():
    """Return the name of the processor and its vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    info = dict(line.split(":", 1) for line in lines if ":" in line)
    info = {name.strip(): value.strip() for name, value in info.items()}
    kinds = {"amx_bf16": "AMX", "avx512f": "AVX-512", "avx2": "AVX2"}
    flags = info.get("flags", "").split()
    best = next((word for flag, word in kinds.items() if flag in flags), "")
    return " ".join(part for part in (info.get("model name", ""), best) if part)


def finished(path):
    """Return the recipes and seeds in the file of results."""
    if not path.exists():
        return set()
    with open(path, newline="") as file:
        return {(row["recipe"], int(row["seed"])) for row in csv.DictReader(file)}


def append(path, row):
    """Add a row to the file of results."""
    is_new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
