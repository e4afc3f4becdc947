"""Write the files of this folder: `python make.py FOLDER`, with skmnist 0.1.0."""

import json
import pickle
import sys
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmnist import (
    ImageFlattener,
    ImageReshaper,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    OneHotLabelEncoder,
    PixelScaler,
    build_mlp,
    diagnose_fit,
    load,
    save,
)

SETTINGS = {"epochs": 2, "random_state": 0}


def build(meta, units=3):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def main(out):
    X, y = load_digits(return_X_y=True)
    X, y = X[:150].astype(np.uint8), y[:150]
    images = X.reshape(-1, 8, 8)
    mlp = KerasMLPClassifier(
        hidden_layer_sizes=(4,), dropout=0.1, validation_fraction=0.2, **SETTINGS
    )
    lenet = LeNetClassifier(filters=(2, 2), hidden_layer_sizes=(4,), **SETTINGS)
    image = KerasImageClassifier(
        build_mlp, {"hidden_layer_sizes": (4,), "rescaling": 2.0}, **SETTINGS
    )
    own = KerasImageClassifier(
        build,
        {"units": 4},
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.CategoricalCrossentropy(),
        callbacks=[keras.callbacks.TerminateOnNaN()],
        **SETTINGS,
    )
    scaler = PixelScaler(max_value=16)
    pipelines = {
        "mlp": (make_pipeline(ImageFlattener(), scaler, mlp), images),
        "lenet": (make_pipeline(scaler, ImageReshaper((8, 8, 1)), lenet), X),
        "image": (make_pipeline(scaler, image), images),
        "own": (make_pipeline(scaler, own), images),
    }
    expected = {}
    for name, (pipeline, data) in pipelines.items():
        pipeline.fit(data, y)
        save(pipeline, out / f"{name}.skmnist")
        if name == "own":  # without its builder, which is code of this module
            pipeline = load(out / "own.skmnist")
        write(out / f"{name}.pickle", pipeline)
        expected[f"{name}-proba"] = pipeline.predict_proba(data)
        for number, weight in enumerate(pipeline[-1]._training.weights):
            expected[f"{name}-weight-{number}"] = weight
    np.savez_compressed(out / "expected.npz", **expected)
    write(
        out / "transformers.pickle",
        [
            OneHotLabelEncoder().fit(["a", "b"]),
            ImageFlattener().fit(images),
            ImageReshaper((8, 8)).fit(X),
            PixelScaler(max_value=16).fit(X),
        ],
    )
    X, y = load_iris(return_X_y=True)
    clf = LogisticRegression(max_iter=500)
    diagnosis = diagnose_fit(clf, X[::5], y[::5], reference=0.02, random_state=0, cv=3)
    write(out / "diagnosis.pickle", diagnosis)
    (out / "diagnosis.json").write_text(json.dumps(diagnosis.to_dict(), indent=1))


def write(path, content):
    path.write_bytes(pickle.dumps(content, protocol=4))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
