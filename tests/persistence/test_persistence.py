"""Save and load: what a file contains, and what it cannot contain."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import cloudpickle
import joblib
import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmnist import (
    ImageFlattener,
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    PixelScaler,
    __version__,
    build_mlp,
    load,
    save,
)


def build_custom(meta, units=8, activation="relu"):
    inputs = keras.Input(meta["X_shape_"][1:])
    hidden = keras.layers.Flatten()(inputs)
    hidden = keras.layers.Dense(units, activation=activation)(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.2)(hidden)
    outputs = keras.layers.Dense(meta["n_classes_"], activation="softmax")(hidden)
    return keras.Model(inputs, outputs)


class CustomLayer(keras.layers.Layer):
    def call(self, X):
        return X * 2


def build_with_custom_layer(meta):
    return keras.Sequential([build_custom(meta), CustomLayer(), keras.layers.Softmax()])


def relu(X):
    return keras.ops.tanh(X)


def custom_loss(y, y_pred):
    return keras.losses.categorical_crossentropy(y, y_pred)


class CustomCallback(keras.callbacks.Callback):
    pass


def round_trip(estimator, tmp_path):
    save(estimator, tmp_path / "model.skmnist")
    assert [path.name for path in tmp_path.iterdir()] == ["model.skmnist"]
    return load(tmp_path / "model.skmnist")


@pytest.mark.slow
@pytest.mark.parametrize(
    "final",
    [
        KerasMLPClassifier(epochs=1, random_state=0),
        LeNetClassifier(
            filters=(4, 8), hidden_layer_sizes=(8,), epochs=1, random_state=0
        ),
        KerasImageClassifier(build_mlp, {"l2": 1e-4}, epochs=1, random_state=0),
        LogisticRegression(max_iter=500),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_pipeline_round_trip(final, digits, tmp_path):
    X, y = digits
    y = np.array([f"digit {label}" for label in y])
    pipe = make_pipeline(ImageFlattener(), PixelScaler(max_value=16), final)
    X = (X * 16).astype(np.uint8)
    pipe.fit(X, y)
    loaded = round_trip(pipe, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipe.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), pipe.predict(X))
    assert repr(loaded) == repr(pipe)
    assert vars(loaded[-1]).keys() - {"_model"} == vars(pipe[-1]).keys() - {"_model"}


def test_scikit_learn_estimators_round_trip(digits, tmp_path):
    X, y = digits
    columns = ColumnTransformer([("a", StandardScaler(), [1, 2])], remainder="drop")
    steps = [SimpleImputer(), VarianceThreshold(), PCA(8), columns]
    pipe = make_pipeline(*steps, FunctionTransformer(np.tanh), LogisticRegression())
    voting = VotingClassifier([("mlp", KerasMLPClassifier(epochs=1, random_state=0))])
    for i, estimator in enumerate((pipe, voting)):
        (tmp_path / str(i)).mkdir()
        estimator.fit(X, y)
        loaded = round_trip(estimator, tmp_path / str(i))
        np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


@pytest.mark.slow
def test_training_continues_after_loading(digits, tmp_path, same_weights):
    X, y = digits
    X = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = KerasMLPClassifier(dropout=0.1, epochs=2, random_state=0).fit(X, y)
    loaded = round_trip(clf, tmp_path)
    assert loaded.history_ == clf.history_
    assert loaded.evaluate(X, y) == clf.evaluate(X, y)
    assert same_weights(loaded, clf)
    assert same_weights(loaded.partial_fit(X, y), clf.partial_fit(X, y))
    assert loaded.feature_names_in_.tolist() == X.columns.tolist()


@pytest.mark.slow
def test_user_defined_builder_is_not_saved_and_needed_to_train(
    digits, tmp_path, same_weights
):
    X, y = digits
    clf = KerasImageClassifier(
        build_custom, {"units": 9, "activation": relu}, epochs=1, random_state=0
    )
    with pytest.raises(TypeError, match=r"predict different outputs.*joblib\.dump"):
        save(clone(clf).fit(X, y), tmp_path / "model")
    clf = make_pipeline(PixelScaler(1), clf.set_params(model__activation="tanh"))
    clf.fit(X, y)
    loaded = round_trip(clf, tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert loaded[-1].evaluate(X, y) == clf[-1].evaluate(X, y)
    assert same_weights(loaded[-1], clf[-1])
    assert "not saved: " in repr(loaded)
    for train in (loaded.fit, loaded[-1].partial_fit, clone(loaded).fit):
        with pytest.raises(
            ValueError, match=r"build_custom.*set_params\(model=\.\.\.\)"
        ):
            train(X, y)
    # A placeholder is saved as a placeholder.
    again = round_trip(loaded, tmp_path)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    again[-1].set_params(model=build_custom)
    assert same_weights(again[-1].partial_fit(X, y), clf[-1].partial_fit(X, y))


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate / (1 + keras.ops.cast(step, "float32"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callbacks", [CustomCallback()]),
        ("learning_rate", OwnSchedule(0.1)),
        ("loss", custom_loss),
    ],
)
def test_user_defined_callbacks_schedule_and_loss_are_not_saved_and_needed_to_train(
    name, value, digits, tmp_path
):
    clf = KerasMLPClassifier(epochs=1, random_state=0, **{name: value}).fit(*digits)
    loaded = round_trip(clf, tmp_path)
    np.testing.assert_array_equal(loaded.predict(digits[0]), clf.predict(digits[0]))
    with pytest.raises(ValueError, match=rf"set_params\({name}=\.\.\.\)"):
        loaded.fit(*digits)
    if name == "loss":
        with pytest.raises(ValueError, match="custom_loss was not saved"):
            loaded.evaluate(*digits)
    loaded.set_params(**{name: value}).partial_fit(*digits)


@pytest.mark.parametrize(
    "clf", [KerasImageClassifier(build_custom), KerasMLPClassifier()]
)
def test_unfitted_classifier_round_trip(clf, tmp_path):
    loaded = round_trip(clf, tmp_path)
    assert vars(loaded).keys() == vars(clf).keys()


def test_builtin_keras_objects_round_trip(digits, tmp_path, same_weights):
    rate = keras.optimizers.schedules.CosineDecay(0.05, 100)
    clf = KerasMLPClassifier(
        bias_initializer=keras.initializers.Constant(0.1),
        activation=keras.activations.relu,
        optimizer=keras.optimizers.SGD(rate, momentum=0.5),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        epochs=1,
        random_state=0,
    ).fit(*digits)
    loaded = round_trip(clf, tmp_path)
    assert loaded.activation is keras.activations.relu
    for name in ("bias_initializer", "optimizer", "loss"):
        ours, theirs = getattr(loaded, name), getattr(clf, name)
        assert type(ours) is type(theirs)
        assert ours.get_config() == theirs.get_config()
    assert same_weights(loaded.partial_fit(*digits), clf.partial_fit(*digits))


def test_schedules_round_trip(digits, tmp_path, same_weights):
    X, y = digits
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.8)
    clf = KerasMLPClassifier(epochs=2, learning_rate=rate, random_state=0).fit(X, y)
    save(clf, tmp_path / "clf.skmnist")
    loaded = load(tmp_path / "clf.skmnist")
    assert loaded.learning_rate.get_config() == rate.get_config()
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    # It continues, at the step where the fit ended.
    assert same_weights(clf.partial_fit(X, y), loaded.partial_fit(X, y))


def test_file_names_the_version_that_wrote_it(tmp_path):
    save(KerasMLPClassifier(), tmp_path / "model.skmnist")
    content = (tmp_path / "model.skmnist").read_bytes()
    assert content.startswith(f"skmnist {__version__} format ".encode())
    assert f'"{__version__}\\"'.encode() in content  # beside those of dependencies


def test_checkpoint_dir_is_not_saved(digits, tmp_path):
    folder = tmp_path / "checkpoints"
    clf = KerasMLPClassifier(epochs=1, checkpoint_dir=folder, random_state=0)
    (tmp_path / "saved").mkdir()
    loaded = round_trip(clf.fit(*digits), tmp_path / "saved")
    assert loaded.checkpoint_dir is None


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_dtypes_round_trip(dtype, digits, tmp_path, same_weights):
    clf = KerasMLPClassifier(
        hidden_layer_sizes=(8,), dtype=dtype, epochs=1, random_state=0
    ).fit(*digits)
    loaded = round_trip(clf, tmp_path)
    np.testing.assert_array_equal(
        loaded.predict_proba(digits[0]), clf.predict_proba(digits[0])
    )


def test_save_rejects_code_needed_to_predict(digits, tmp_path):
    custom_layer = KerasImageClassifier(build_with_custom_layer, epochs=1)
    refused = [
        (custom_layer.fit(*digits), "CustomLayer is not built into Keras"),
        (KerasMLPClassifier(activation=relu), "relu is not built into Keras"),
        (make_pipeline(FunctionTransformer(pickle.loads), PCA()), "loads"),
        (
            RandomForestClassifier(n_estimators=2).fit(*digits),
            "RandomForestClassifier is not among the types",
        ),
        (make_pipeline(PCA(), KerasMLPClassifier(), memory="cache"), "memory=None"),
    ]
    for estimator, reason in refused:
        with pytest.raises(
            TypeError, match=f"(?s){reason}.*joblib.dump, which also saves"
        ):
            save(estimator, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_failed_save_keeps_existing_file(digits, tmp_path, monkeypatch):
    path = tmp_path / "model"
    save(KerasMLPClassifier(), path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save(KerasMLPClassifier(epochs=9), path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


@pytest.mark.slow
def test_pickles_load_in_process_without_skmnist_imported(digits, tmp_path):
    X, _ = digits
    fitted = {
        "pickle": KerasMLPClassifier(epochs=1, random_state=0),
        "joblib": KerasImageClassifier(build_mlp, epochs=1, random_state=0),
        "cloudpickle": KerasImageClassifier(
            lambda meta: keras.Sequential(
                [
                    keras.Input(meta["X_shape_"][1:]),
                    keras.layers.Flatten(),
                    keras.layers.Dense(meta["n_classes_"], activation="softmax"),
                ]
            ),
            optimizer=keras.optimizers.SGD(0.1),
            epochs=1,
            random_state=0,
        ),
    }
    # cloudpickle stores the lambda by value; the other process cannot import it.
    for (name, clf), module in zip(
        fitted.items(), (pickle, None, cloudpickle), strict=True
    ):
        clf.fit(*digits)
        path = tmp_path / name
        joblib.dump(clf, path) if module is None else path.write_bytes(
            module.dumps(clf)
        )
        duplicate = copy.deepcopy(clf)
        np.testing.assert_array_equal(duplicate.predict_proba(X), clf.predict_proba(X))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", digits[1])
    script = """
import joblib, numpy as np, pickle, sys
assert "skmnist" not in sys.modules
X, y = np.load("X.npy"), np.load("y.npy")
for name in ("pickle", "joblib", "cloudpickle"):
    with open(name, "rb") as file:
        clf = joblib.load(name) if name == "joblib" else pickle.load(file)
    np.save(f"{name}.npy", clf.predict_proba(X))
    clf.partial_fit(X, y)
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    for name, clf in fitted.items():
        theirs = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_array_equal(theirs, clf.predict_proba(X))


def test_save_does_not_affect_pickling_in_other_threads(digits, tmp_path):
    clf = KerasMLPClassifier(epochs=1, random_state=0).fit(*digits)
    stop = threading.Event()

    def keep_saving():
        while not stop.is_set():
            save(clf, tmp_path / "model")

    thread = threading.Thread(target=keep_saving)
    thread.start()
    try:
        for _ in range(20):
            loaded = pickle.loads(pickle.dumps(clf))
            assert loaded._training.seed == clf._training.seed
    finally:
        stop.set()
        thread.join()
