"""Predict from many threads while another one fits, and measure memory over many fits.

    python tests/faults/serve_and_fit.py

Predictions are compared with those of a single thread. Memory is the resident set after
garbage collection and after malloc has returned freed memory to the system.
"""

import argparse
import ctypes
import gc
import os
import resource
import sys
import threading
import time

import numpy as np

from skmnist import KerasMLPClassifier, LeNetClassifier, load_digits28

SIZES = 1, 3, 37, 200  # numbers of samples per request


def resources():
    """Return the resident memory in MB and the number of open files."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * resource.getpagesize() / 2**20, len(os.listdir("/proc/self/fd"))


def serve(clf, X, n_threads, n_calls, fit):
    """Predict in threads while `fit` runs.

    Predictions must be bit-identical to those of a single thread, because the same
    compiled function computes them.

    Returns
    -------
    done, wrong, n_fits : int
        Number of predictions, of those that differ, and of fits in the meantime.
    """
    starts = range(0, len(X) - max(SIZES), 50)
    alone = {(i, n): clf.predict_proba(X[i : i + n]) for i in starts for n in SIZES}
    fitting, counts, n_fits = threading.Event(), [], 0

    def work(number):
        rng = np.random.default_rng(number)
        done = wrong = 0
        while done < n_calls or not fitting.is_set():
            i, n = rng.choice(starts), rng.choice(SIZES)
            wrong += not np.array_equal(clf.predict_proba(X[i : i + n]), alone[i, n])
            done += 1
        counts.append((done, wrong))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(n_threads)]
    for thread in threads:
        thread.start()
    while n_fits < 3 or any(t.is_alive() for t in threads):
        fit(n_fits)
        n_fits += 1
        if n_fits == 3:
            fitting.set()
    for thread in threads:
        thread.join()
    done, wrong = np.sum(counts, axis=0)
    return int(done), int(wrong), n_fits


def main():
    """Run both parts and print their tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", type=int, default=16)
    options.add_argument("--calls", type=int, default=500, help="per thread")
    options.add_argument("--fits", type=int, default=200)
    options.add_argument("--predictions", type=int, default=100_000)
    args = options.parse_args()
    X, y = load_digits28(return_X_y=True)
    X = (X / 255).astype(np.float32)
    failed = 0
    settings = {"filters": (4, 8), "hidden_layer_sizes": (16,), "epochs": 2}
    for clf in (
        KerasMLPClassifier(dropout=0.2, random_state=0),
        LeNetClassifier(random_state=0, **settings),
    ):
        clf.fit(X, y)
        kind, params = type(clf), clf.get_params()
        results = {}

        def fit(number, kind=kind, params=params, results=results):
            other = kind(**params | {"random_state": number % 2}).fit(X[:600], y[:600])
            results.setdefault(number % 2, []).append(other.predict_proba(X[:600]))

        done, wrong, n_fits = serve(clf, X, args.threads, args.calls, fit)
        differ = sum(
            not np.array_equal(one, fits[0])
            for fits in results.values()
            for one in fits
        )
        failed += wrong + differ
        print(
            f"{kind.__name__}: {args.threads} threads, {done:,} predictions, {wrong} "
            f"wrong; {n_fits} concurrent fits, {differ} differ",
            flush=True,
        )

    rng = np.random.default_rng(0)

    def fit_once():
        rates = {
            "dropout": rng.uniform(0.1, 0.5),
            "learning_rate": rng.uniform(0, 0.01),
        }
        return KerasMLPClassifier(epochs=1, **rates).fit(X[:300], y[:300])

    print("fits  predictions  MB  files  s")
    for _ in range(20):  # fill pools and caches before memory is measured
        clf = fit_once()
    for i in range(1000):
        clf.predict(X[i : i + 1])
    began = time.perf_counter()
    rows = [resources()]
    for part in range(5):
        for _ in range(args.fits // 5):
            clf = fit_once()
        for i in range(args.predictions // 5):
            clf.predict(X[i % 1000 : i % 1000 + 1 + i % 3])
        rows.append(resources())
        seconds = time.perf_counter() - began
        print(
            f"{(part + 1) * args.fits // 5:4}  "
            f"{(part + 1) * args.predictions // 5:11,}  "
            f"{rows[-1][0]:.1f} (initially {rows[0][0]:.1f})  {rows[-1][1]} "
            f"(initially {rows[0][1]})  {seconds:.0f}",
            flush=True,
        )
    # Compared with the first fifth, in which a larger batch may have grown the pools.
    failed += rows[-1][0] - rows[1][0] > 0.1 * args.fits or rows[-1][1] > rows[0][1]
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
