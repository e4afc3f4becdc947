"""False alarms and power of FIT14, the finding on the learning rate.

    python docs/studies/learning_rate.py --cache learning-rate-cache

Trains networks at a usual rate, and at rates 30 times as high and as low, on data sets
drawn at random, and counts how often FIT14 says that the rate is too high or too low.
The folds of all trainings are kept in the cache, so that another rule is tried in
seconds. Cases of MNIST need it in a location where `fetch_mnist` finds it.
"""

import argparse
import csv
import os
import pickle
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.datasets import load_digits, make_classification

from skmnist import KerasMLPClassifier, LeNetClassifier, fetch_mnist
from skmnist._cross_validation._stages import run_folds
from skmnist.diagnosis._evidence import Evidence

SEED = 20261127
#: Data sets drawn for the usual rate, and for each of the others.
N_USUAL, N_WRONG = 8, 4
FACTORS = (1, 30, 1 / 30)
TITLES = ("usual", "30 times", "a 30th")
PATH = Path(__file__).parents[1] / "_data" / "learning_rate.csv"


def digits(rng, n=900):
    X, y = load_digits(return_X_y=True)
    rows = rng.permutation(len(y))[:n]
    return (X[rows] / 16).astype(np.float32), y[rows]


def mnist(rng, n=1500):
    data = fetch_mnist(download_if_missing=False)
    rows = np.sort(rng.choice(len(data.target), n, replace=False))
    return (data.images[rows] / 255).astype(np.float32), data.target[rows]


def table(rng, n=1000, flip_y=0.0):
    X, y = make_classification(
        n,
        20,
        n_informative=8,
        n_classes=3,
        flip_y=flip_y,
        random_state=int(rng.integers(2**31)),
    )
    return X.astype(np.float32), y


def wrong_labels(rng):
    X, y = digits(rng)
    wrong = rng.random(len(y)) < 0.2
    return X, np.where(wrong, rng.integers(10, size=len(y)), y)


def no_signal(rng):
    X, y = digits(rng, 600)
    return X, rng.permutation(y)


def _small(rng):
    return digits(rng, 200)


def _mlp(rate, **params):
    return KerasMLPClassifier(learning_rate=rate, **params)


def _sgd(rate, **params):
    return _momentum(rate, 0.9, **params)


def _momentum(rate, momentum, **params):
    import keras

    optimizer = keras.optimizers.SGD(momentum=momentum)
    return KerasMLPClassifier(optimizer=optimizer, learning_rate=rate, **params)


def _lenet(rate, **params):
    return LeNetClassifier(learning_rate=rate, **params)


_RELU = {"activation": "relu", "bias_initializer": "zeros"}
_STOP = {"early_stopping": True, "validation_fraction": 0.15, "n_iter_no_change": 5}
#: Name: data, network, usual rate, parameters.
CASES = {
    "MLP, digits, 5 epochs": (digits, _mlp, 1e-3, {"epochs": 5}),
    "MLP, digits, 20 epochs": (digits, _mlp, 1e-3, {"epochs": 20}),
    "MLP, digits, 100 epochs": (digits, _mlp, 1e-3, {"epochs": 100}),
    "MLP, digits, Adam 0.003": (digits, _mlp, 3e-3, {"epochs": 20}),
    "MLP, MNIST, 5 epochs": (mnist, _mlp, 1e-3, {"epochs": 5}),
    "MLP, MNIST, 20 epochs": (mnist, _mlp, 1e-3, {"epochs": 20}),
    "MLP, 200 digits, 10 epochs": (_small, _mlp, 1e-3, {"epochs": 10}),
    "MLP, 200 digits, 50 epochs": (_small, _mlp, 1e-3, {"epochs": 50}),
    "MLP, wrong labels, 30 epochs": (wrong_labels, _mlp, 1e-3, {"epochs": 30}),
    "MLP, no signal, 20 epochs": (no_signal, _mlp, 1e-3, {"epochs": 20}),
    "MLP, table, 20 epochs": (table, _mlp, 1e-3, {"epochs": 20}),
    "MLP, noisy table, 50 epochs": (
        lambda rng: table(rng, flip_y=0.3),
        _mlp,
        1e-3,
        {"epochs": 50},
    ),
    "ReLU, dropout 0.5, 30 epochs": (
        digits,
        _mlp,
        1e-3,
        {"epochs": 30, "dropout": 0.5, **_RELU},
    ),
    "ReLU, batch normalisation": (
        digits,
        _mlp,
        1e-3,
        {"epochs": 15, "batch_normalization": True, **_RELU},
    ),
    "ReLU, L2": (digits, _mlp, 1e-3, {"epochs": 30, "l2": 1e-3, **_RELU}),
    "SGD 0.01, momentum": (digits, _sgd, 0.01, {"epochs": 20}),
    "SGD 0.05, momentum, ReLU": (digits, _sgd, 0.05, {"epochs": 20, **_RELU}),
    "SGD 0.1": (
        digits,
        lambda rate, **p: _momentum(rate, 0.0, **p),
        0.1,
        {"epochs": 20},
    ),
    "SGD 0.01, MNIST": (mnist, _sgd, 0.01, {"epochs": 10, **_RELU}),
    "cosine, Adam 0.003": (
        digits,
        _mlp,
        3e-3,
        {"epochs": 20, "learning_rate_schedule": "cosine"},
    ),
    "one cycle, Adam 0.005": (
        digits,
        _mlp,
        5e-3,
        {"epochs": 15, "learning_rate_schedule": "one_cycle"},
    ),
    "early stopping": (digits, _mlp, 1e-3, {"epochs": 100, **_STOP}),
    "batches of 8": (_small, _mlp, 1e-3, {"epochs": 20, "batch_size": 8}),
    "batches of 128": (digits, _mlp, 1e-3, {"epochs": 30, "batch_size": 128}),
    "LeNet, MNIST, 8 epochs": (
        lambda rng: mnist(rng, 900),
        _lenet,
        1e-3,
        {"epochs": 8, "filters": (8, 16), "hidden_layer_sizes": 32},
    ),
    "SGD 0.05, wrong labels": (wrong_labels, _sgd, 0.05, {"epochs": 40, **_RELU}),
    "SGD 0.05, noisy table": (
        lambda rng: table(rng, flip_y=0.3),
        _sgd,
        0.05,
        {"epochs": 20, **_RELU},
    ),
    "dropout 0.5, no signal": (
        no_signal,
        _mlp,
        1e-3,
        {"epochs": 15, "dropout": 0.5, "l2": 1e-3},
    ),
}


#: Errors of a model that learns the data well, as the reference: the least errors of
#: the networks above, roughly. 0.03 for other cases.
REFERENCES = {
    "MLP, no signal, 20 epochs": 0.9,
    "MLP, wrong labels, 30 epochs": 0.22,
    "SGD 0.05, wrong labels": 0.22,
    "MLP, table, 20 epochs": 0.12,
    "MLP, noisy table, 50 epochs": 0.35,
    "SGD 0.05, noisy table": 0.35,
    "MLP, MNIST, 5 epochs": 0.08,
    "MLP, MNIST, 20 epochs": 0.08,
    "SGD 0.01, MNIST": 0.08,
    "LeNet, MNIST, 8 epochs": 0.08,
    "dropout 0.5, no signal": 0.9,
}


def train(case, factor, number, folder):
    """Return the folds of a training, from the cache if they are there."""
    path = folder / f"{list(CASES).index(case)}_{factor:.3g}_{number}.pkl"
    if path.exists():
        return pickle.loads(path.read_bytes())
    draw, network, rate, params = CASES[case]
    X, y = draw(np.random.default_rng([SEED, number]))
    clf = network(rate * factor, random_state=number, **params)
    folds = run_folds(clf, X, y, cv=3, random_state=number)
    result = folds, np.unique(y, return_inverse=True)[1]
    path.write_bytes(pickle.dumps(result))
    return result


def fault_of(folds, codes, reference):
    """Return what FIT14 says of a training: "too high", "too low" or "none"."""
    evidence = Evidence(
        folds=folds,
        dummy=folds,
        codes=codes,
        n_classes=len(np.unique(codes)),
        tolerance=0.02,
        reference_name="known",
        reference=reference,
    )
    fault = evidence.rate_fault
    if fault is None:
        return "none"
    return "too low" if fault == "slow" else "too high"


def main():
    """Train what is not in the cache, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=Path("learning-rate-cache"))
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    found = {}
    for number in range(N_USUAL):
        for case in CASES:
            for factor in FACTORS:
                if factor == 1 or number < N_WRONG:
                    folds, codes = train(case, factor, number, args.cache)
                    fault = fault_of(folds, codes, REFERENCES.get(case, 0.03))
                    error = np.mean([fold.test_wrong.mean() for fold in folds])
                    found.setdefault((case, factor), []).append((fault, error))
                    print(number, case, factor, fault, flush=True)
    write(found)


def write(found):
    """Write the table: a row for each case."""
    rows = []
    for case in CASES:
        row = {"Case": case, "Usual rate": f"{CASES[case][2]:g}"}
        for factor, title in zip(FACTORS, TITLES, strict=True):
            outcomes = found[case, factor]
            error = np.mean([error for _, error in outcomes])
            row[f"Error, {title}, %"] = f"{100 * error:.1f}"
            for fault in ("too high", "too low"):
                count = sum(each == fault for each, _ in outcomes)
                row[f"{fault.capitalize()}, {title}"] = f"{count} of {len(outcomes)}"
        rows.append(row)
    with open(PATH, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
