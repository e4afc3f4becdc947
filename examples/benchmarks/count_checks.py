"""Count the checks of scikit-learn's `check_estimator` that each package passes.

    python examples/benchmarks/count_checks.py

Every package trains a network with one hidden layer of 16 units for 60 epochs, at a
learning rate of 0.01. Checks that scikit-learn skips are not counted. ``--failed`` also
prints the checks that failed.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import warnings

import _common  # noqa: F401 - silences TensorFlow
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import check_estimator

from skmnist import KerasMLPClassifier

UNITS, EPOCHS, RATE = 16, 60, 0.01


def skmnist(dtype):
    return KerasMLPClassifier(
        hidden_layer_sizes=(UNITS,),
        epochs=EPOCHS,
        learning_rate=RATE,
        batch_size=512,
        dtype=dtype,
        random_state=0,
    )


def network(n_features, n_classes):
    """Return an uncompiled Keras network."""
    import keras

    return keras.Sequential(
        [
            keras.Input((n_features,)),
            keras.layers.Dense(UNITS, activation="tanh"),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def network_of_meta(meta):
    return network(meta["n_features_in_"], meta["n_classes_"])


def compiled_network(X, y):
    import keras

    model = network(X.shape[1], y.shape[1])
    model.compile(keras.optimizers.Adam(RATE), "categorical_crossentropy")
    return model


def scikeras():
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        network_of_meta,
        loss="sparse_categorical_crossentropy",
        optimizer="adam",
        optimizer__learning_rate=RATE,
        epochs=EPOCHS,
        batch_size=512,
        random_state=0,
        verbose=0,
    )


def keras_wrapper():
    from keras.wrappers import SKLearnClassifier

    fit = {"epochs": EPOCHS, "batch_size": 512, "verbose": 0}
    return SKLearnClassifier(compiled_network, fit_kwargs=fit)


def to_float32(module, inputs):
    """Convert the data, which skorch passes as they are; most checks pass float64."""
    return tuple(each.float() for each in inputs)


def module():
    """Return a PyTorch network; its four outputs are enough for all checks."""
    import torch

    layers = torch.nn.LazyLinear(UNITS), torch.nn.Tanh(), torch.nn.Linear(UNITS, 4)
    network = torch.nn.Sequential(*layers)
    network.register_forward_pre_hook(to_float32)
    return network


def skorch():
    import torch
    from skorch import NeuralNetClassifier

    return NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        max_epochs=EPOCHS,
        batch_size=512,
        train_split=None,
        verbose=0,
    )


CONTENDERS = {
    "skmnist, float64": lambda: skmnist("float64"),
    "skmnist, float32": lambda: skmnist("float32"),
    "MLPClassifier": lambda: MLPClassifier(
        UNITS, max_iter=EPOCHS, learning_rate_init=RATE, random_state=0
    ),
    "SciKeras": scikeras,
    "keras.wrappers": keras_wrapper,
    "skorch": skorch,
}


def count(name, show_failed):
    """Print how many checks a package passes, of how many."""
    try:
        estimator = CONTENDERS[name]()
    except ImportError as error:
        print(f"{name}: skipped ({error})")
        return
    with contextlib.redirect_stdout(io.StringIO()):
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    run = [each for each in results if each["status"] != "skipped"]
    failed = [each for each in run if each["status"] == "failed"]
    print(f"{name}: {len(run) - len(failed)} of {len(run)} passed")
    if show_failed:
        for each in failed:
            said = str(each["exception"]).splitlines() or [""]
            print(f"    {each['check_name']}: {said[0][:100]}")


def main():
    """Count the checks of every package, each in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--failed", action="store_true", help="name failed checks")
    options.add_argument("--only", choices=CONTENDERS)
    args = options.parse_args()
    warnings.filterwarnings("ignore")
    if args.only is not None:
        count(args.only, args.failed)
        return
    for name in CONTENDERS:
        # SciKeras, for one, changes settings of TensorFlow for the whole process.
        subprocess.run([sys.executable, *sys.argv, "--only", name], check=True)


if __name__ == "__main__":
    main()
