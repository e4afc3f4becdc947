"""Measure an epoch after the first; compare with Keras, SciKeras, skorch and others.

    python examples/benchmarks/bench_epoch.py
    python examples/benchmarks/bench_epoch.py --model lenet --samples 12000

skmnist runs a whole Pipeline on uint8 images. The other packages get pixels that are
already flat and scaled.
"""

import collections
import statistics
import time
import warnings

import _common as common
import numpy as np

options = common.parser(__doc__.splitlines()[0])
options.add_argument("--model", choices=["mlp", "lenet"], default="mlp")
options.add_argument("--samples", type=int, default=60_000)
options.add_argument(
    "--epochs",
    type=int,
    default=5,
    help="epochs per fit, except for skorch and MLPClassifier",
)
options.add_argument("--only", nargs="*", help="names of the contenders to run")
args = options.parse_args()

X, y, X_test, y_test = common.mnist(args.samples)
accuracy = collections.defaultdict(list)


def later(seconds):
    """Return the median duration of the epochs after the first."""
    return statistics.median(seconds[1:])


def skmnist():
    timer = common.epoch_timer()
    # Unseeded like the other packages, so that the mean accuracy covers several
    # random initialisations.
    clf = common.ours(
        args.model, epochs=args.epochs, batch_size=batch, random_state=None
    )
    clf[-1].set_params(callbacks=[timer])
    accuracy["skmnist"].append(clf.fit(X, y).score(X_test, y_test))
    return later(timer.seconds)


def keras_script(name, model, **compile_kwargs):
    timer = common.epoch_timer()
    flat = args.model == "mlp"
    data = common.as_script(X, y, flat)
    if compile_kwargs:  # the tuned variant avoids float64 as well
        data = [array.astype(np.float32) for array in data]
    network = model(**compile_kwargs)
    network.fit(
        *data, batch_size=batch, epochs=args.epochs, verbose=0, callbacks=[timer]
    )
    test = common.as_script(X_test, y_test, flat)
    accuracy[name].append(network.evaluate(*test, verbose=0)[1])
    return later(timer.seconds)


def scikeras():
    timer = common.epoch_timer()
    clf = common.scikeras(args.epochs, callbacks=[timer])
    clf.fit((X.reshape(len(X), -1) / 255).astype(np.float32), y)
    flat = (X_test.reshape(len(X_test), -1) / 255).astype(np.float32)
    accuracy["SciKeras"].append(clf.score(flat, y_test))
    return later(timer.seconds)


def scikit_learn():
    from sklearn.neural_network import MLPClassifier

    clf = MLPClassifier((200, 100), activation="tanh", batch_size=32, alpha=0)
    flat = (X.reshape(len(X), -1) / 255).astype(np.float32)
    start = time.perf_counter()
    clf.partial_fit(flat, y, classes=np.arange(10))
    return time.perf_counter() - start


def skorch():
    import torch
    from skorch import NeuralNetClassifier

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(784, 200),
                torch.nn.Tanh(),
                torch.nn.Linear(200, 100),
                torch.nn.Tanh(),
                torch.nn.Linear(100, 10),
            )

        def forward(self, X):
            return self.layers(X)

    clf = NeuralNetClassifier(
        Module,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.001,
        batch_size=32,
        max_epochs=2,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    clf.fit((X.reshape(len(X), -1) / 255).astype(np.float32), y.astype(np.int64))
    return later(clf.history[:, "dur"])


if args.model == "mlp":
    batch = 32
    contenders = {
        "skmnist": skmnist,
        "Keras script": lambda: keras_script("Keras script", common.keras_mlp),
        "Keras, tuned": lambda: keras_script(
            "Keras, tuned",
            common.keras_mlp,
            steps_per_execution=32,
            jit_compile=True,
        ),
        "SciKeras": scikeras,
        "skorch": skorch,
        "MLPClassifier": scikit_learn,
    }
else:
    batch = 128
    contenders = {
        "skmnist": skmnist,
        "Keras script": lambda: keras_script("Keras script", common.keras_lenet),
    }
if args.only:
    contenders = {name: contenders[name] for name in ["skmnist", *args.only]}
warnings.filterwarnings("ignore")
seconds = common.interleave(contenders, args.rounds)
common.table(
    f"{args.model}, {len(X):,} images, batch {batch}: seconds per epoch",
    seconds,
    args.csv,
    extra={
        name: f"test accuracy {100 * statistics.mean(values):.2f} %"
        for name, values in accuracy.items()
    },
)
