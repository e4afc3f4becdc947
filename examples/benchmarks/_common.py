"""Shared code of the benchmarks: data, models of other packages, timing, tables."""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", category=DeprecationWarning)

import numpy as np  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from skmnist import (  # noqa: E402
    ImageFlattener,
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    fetch_mnist,
    load_digits28,
)


def parser(description, rounds=3):
    """Return a command-line parser with the options of every benchmark."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument(
        "--rounds", type=int, default=rounds, help="default: %(default)s"
    )
    options.add_argument("--csv", type=Path, help="also write the table to this file")
    return options


def mnist(n_samples=None):
    """Return images and labels of MNIST's training set, then of its test set.

    Images are uint8 of shape (n, 28, 28).
    """
    train, test = fetch_mnist(), fetch_mnist(subset="test")
    return (
        train.images[:n_samples],
        train.target[:n_samples],
        test.images,
        test.target,
    )


def digits():
    """Return the 1,797 embedded digits: uint8 images (n, 28, 28) and labels."""
    bunch = load_digits28()
    return bunch.images, bunch.target


def ours(model="mlp", **params):
    """Return a Pipeline of skmnist that takes raw uint8 images."""
    params = {"random_state": 0, **params}
    if model == "lenet":
        return make_pipeline(PixelScaler(), LeNetClassifier(**params))
    return make_pipeline(ImageFlattener(), PixelScaler(), KerasMLPClassifier(**params))


def keras_mlp(learning_rate=0.001, **compile_kwargs):
    """Return the compiled reference MLP, written as in a Keras script."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(200, activation="tanh", bias_initializer="ones"),
            layers.Dense(100, activation="tanh", bias_initializer="ones"),
            layers.Dense(10, activation="softmax", bias_initializer="ones"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        **compile_kwargs,
    )
    return model


def keras_lenet(**compile_kwargs):
    """Return the compiled reference LeNet, written as in a Keras script."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2, strides=2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        **compile_kwargs,
    )
    return model


def as_script(images, labels, flat=True):
    """Return float64 pixels and one-hot labels, as Keras scripts usually do."""
    import keras

    shape = (len(images), 784) if flat else (len(images), 28, 28, 1)
    return images.reshape(shape) / 255, keras.utils.to_categorical(labels, 10)


def scikeras(epochs, **params):
    """Return SciKeras's classifier with skmnist's builder of the reference MLP."""
    from scikeras.wrappers import KerasClassifier

    from skmnist import build_mlp

    return KerasClassifier(
        model=build_mlp,
        loss="categorical_crossentropy",
        optimizer="adam",
        metrics=["accuracy"],
        batch_size=32,
        epochs=epochs,
        verbose=0,
        **params,
    )


def epoch_timer():
    """Return a Keras callback that records the seconds of each epoch in `seconds`."""
    import keras

    class EpochTimer(keras.callbacks.Callback):
        seconds = None

        def __deepcopy__(self, memo):
            return self  # fit copies callbacks; the original must hold the times

        def on_train_begin(self, logs=None):
            self.seconds, self._last = [], time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            now = time.perf_counter()
            self.seconds.append(now - self._last)
            self._last = now

    return EpochTimer()


def timed(function, *args, **kwargs):
    """Return the duration of a call in seconds."""
    start = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - start


def in_fresh_process(script, *args):
    """Run one contender of a script in a fresh process; return the words it printed."""
    done = subprocess.run(
        [sys.executable, script, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout.split()


def interleave(contenders, rounds):
    """Run every contender once in each round; return the results by name.

    A contender whose package is not installed is skipped with a message.
    """
    results = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        for name in list(results):
            try:
                results[name].append(contenders[name]())
            except ImportError as error:
                print(f"{name}: skipped ({error})", file=sys.stderr)
                del results[name]
                continue
            shown = np.ravel(results[name][-1]).round(4).tolist()
            print(f"round {number}: {name}: {shown}", file=sys.stderr)
    return results


def table(title, seconds, path=None, unit="s", extra=None, baseline="skmnist"):
    """Print medians and ratios to the baseline, and append them to a CSV file.

    Parameters
    ----------
    title : str
    seconds : dict of str to list of float
        Measurements of each contender.
    path : Path, default=None
    unit : str, default="s"
    extra : dict of str to str, default=None
        Remarks by contender.
    baseline : str, default="skmnist"
        Contender that the ratios are relative to.
    """
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        {
            "benchmark": title,
            "contender": name,
            f"median_{unit}": f"{medians[name]:.4g}",
            f"min_{unit}": f"{min(values):.4g}",
            f"max_{unit}": f"{max(values):.4g}",
            "times_ours": f"{medians[name] / medians[baseline]:.2f}",
            "remark": (extra or {}).get(name, ""),
        }
        for name, values in seconds.items()
    ]
    widths = {key: max(len(key), *(len(r[key]) for r in rows)) for key in rows[0]}
    print(f"\n{title}")
    names = [key for key in rows[0] if key != "benchmark"]
    print("  ".join(key.ljust(widths[key]) for key in names))
    for row in rows:
        print("  ".join(row[key].ljust(widths[key]) for key in names))
    if path is not None:
        new = not path.exists()
        with open(path, "a", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            if new:
                writer.writeheader()
            writer.writerows(rows)
