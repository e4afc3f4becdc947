"""The SciKeras classifier that `to_scikeras` returns predicts and trains alike."""

import pickle

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone
from sklearn.datasets import make_classification

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    build_mlp,
    load,
    save,
)

SETTINGS = {"epochs": 2, "random_state": 0}


def build_sigmoid(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def compiled_for_codes(meta):
    model = build_mlp(meta, hidden_layer_sizes=(16,))
    model.compile(momentum(), "sparse_categorical_crossentropy")
    return model


def compiled_sigmoid(meta):
    model = build_sigmoid(meta)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model


class Net(keras.Model):
    def __init__(self, n_classes):
        super().__init__()
        self.outputs_layer = layers.Dense(n_classes, activation="softmax")

    def call(self, inputs):
        return self.outputs_layer(inputs)


def squared_error(y, y_pred):
    return keras.ops.mean(keras.ops.square(y - y_pred), axis=-1)


def momentum():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    return keras.optimizers.SGD(schedule, momentum=0.9)


@pytest.fixture(scope="module")
def binary():
    X, y = make_classification(200, 8, n_informative=6, class_sep=2, random_state=0)
    return X, np.array(["no", "yes"])[y]


@pytest.fixture
def multiclass(digits):
    return digits


def mlp(**params):
    return KerasMLPClassifier(hidden_layer_sizes=(16,), **SETTINGS | params)


def images(clf, X):
    return X.reshape(-1, *clf.image_shape_)


@pytest.mark.slow
@pytest.mark.parametrize(
    "clf",
    [
        mlp(),
        LeNetClassifier(filters=(2, 4), hidden_layer_sizes=(8,), **SETTINGS),
        KerasImageClassifier(build_mlp, {"l2": 1e-3}, **SETTINGS),
        KerasImageClassifier(lambda meta: Net(meta["n_classes_"]), image_shape=(-1,)),
    ],
    ids=["mlp", "lenet", "builder", "subclassed"],
)
def test_predictions_are_equal(clf, digits):
    X, y = digits
    wrapper = clf.fit(X, y).to_scikeras()
    np.testing.assert_allclose(
        wrapper.predict_proba(images(clf, X)), clf.predict_proba(X), atol=1e-6
    )
    np.testing.assert_array_equal(wrapper.predict(images(clf, X)), clf.predict(X))


@pytest.mark.parametrize("fitted", ["uint8", "int64", "float32", "float64"])
def test_samples_of_any_dtype_are_accepted(fitted, digits):
    X, y = digits
    X = np.rint(X)
    clf = mlp(epochs=1).fit(X.astype(fitted), y)
    wrapper = clf.to_scikeras()
    for dtype in ("uint8", "int64", "float32", "float64"):
        np.testing.assert_allclose(
            wrapper.predict_proba(X.astype(dtype)), clf.predict_proba(X), atol=1e-6
        )


def test_parameters_are_carried_over(digits):
    callback = keras.callbacks.LambdaCallback()
    clf = mlp(
        random_state=3,
        class_weight=dict.fromkeys([*range(10), 77], 2.0),  # no class 77
        callbacks=callback,
        validation_fraction=0.25,
        batch_size=np.int64(16),
        learning_rate=np.float64(0.5),
        warm_start=True,
    ).fit(*digits)
    params = clf.to_scikeras().get_params()
    assert {
        "random_state": 3,
        "class_weight": dict.fromkeys(range(10), 2.0),
        "callbacks": [callback],
        "validation_split": 0.25,
        "batch_size": 16,
        "epochs": 2,
        "verbose": 0,
        "warm_start": True,
        "optimizer": "adam",
        "optimizer__learning_rate": 0.5,
        "loss": "categorical_crossentropy",
        "model__hidden_layer_sizes": (16,),
    }.items() <= params.items()
    balanced = mlp(class_weight="balanced").fit(*digits).to_scikeras()
    assert balanced.class_weight == "balanced"


def test_early_stopping_becomes_a_callback(digits):
    clf = mlp(
        epochs=30,
        learning_rate=0.1,
        validation_fraction=0.25,
        early_stopping=True,
        n_iter_no_change=2,
    ).fit(*digits)
    wrapper = clf.to_scikeras().fit(*digits)
    losses = wrapper.history_["val_loss"]
    assert len(losses) == np.argmin(losses) + 1 + 2 < 30
    last = digits[0][-100:], keras.utils.to_categorical(digits[1][-100:])
    kept = wrapper.model_.evaluate(*last, verbose=0)[0]
    assert kept == pytest.approx(min(losses), rel=1e-4)


def test_validation_set_of_ones_own_is_left_out(digits):
    X, y = digits
    clf = mlp(early_stopping=True).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    wrapper = clf.to_scikeras()
    assert (wrapper.callbacks, wrapper.validation_split) == ([], 0)
    assert wrapper.history_ == clf.history_


def test_callbacks_follow_epochs_on_from_those_of_the_classifier(digits):
    epochs = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epochs.append(epoch)
    )
    clf = mlp(callbacks=[callback]).fit(*digits)
    wrapper = clf.to_scikeras().partial_fit(*digits).partial_fit(*digits)
    assert epochs == [0, 1, 2, 3]
    assert wrapper.history_["loss"][:2] == clf.history_["loss"]
    assert (len(wrapper.history_["loss"]), clf.n_iter_) == (4, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clf", "data"),
    [
        (mlp(), "multiclass"),
        (mlp(), "binary"),
        (mlp(loss="sparse_categorical_crossentropy"), "multiclass"),
        (mlp(loss=squared_error), "binary"),
        (mlp(optimizer=momentum(), learning_rate=0.01), "multiclass"),
        (mlp(dtype="float64"), "multiclass"),
        (mlp(dtype="mixed_float16"), "multiclass"),
        (
            KerasImageClassifier(build_sigmoid, loss="binary_crossentropy", **SETTINGS),
            "binary",
        ),
        (KerasImageClassifier(build_sigmoid, loss="hinge", **SETTINGS), "binary"),
    ],
    ids=[
        "multiclass",
        "binary",
        "loss-of-codes",
        "loss-function",
        "learning-rate",
        "float64",
        "mixed-precision",
        "sigmoid",
        "sigmoid-column",
    ],
)
def test_training_continues_as_in_the_classifier(clf, data, request):
    """With all rows in one batch, so that their order does not matter."""
    X, y = request.getfixturevalue(data)
    clf = clone(clf).set_params(batch_size=len(X)).fit(X, y)
    wrapper = clf.to_scikeras().partial_fit(X, y)
    further = clf.partial_fit(X, y)
    atol = 1e-3 if clf.dtype == "mixed_float16" else 1e-6
    np.testing.assert_allclose(
        wrapper.predict_proba(X), further.predict_proba(X), atol=atol
    )
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(
            wrapper.history_[name], further.history_[name], rtol=1e-3
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clf", "data"),
    [
        (mlp(optimizer=momentum()), "multiclass"),
        (mlp(learning_rate=0.01), "binary"),
        (KerasImageClassifier(build_sigmoid, learning_rate=0.01, **SETTINGS), "binary"),
    ],
    ids=["multiclass", "binary", "sigmoid"],
)
def test_fit_trains_a_new_network_each_time(clf, data, request):
    X, y = request.getfixturevalue(data)
    wrapper = clone(clf).set_params(epochs=10).fit(X, y).to_scikeras()
    for _ in range(2):
        assert wrapper.fit(X, y).score(X, y) > 0.8
    assert len(wrapper.history_["loss"]) == 10


@pytest.mark.tensorflow
def test_clone_and_pickle(binary):
    X, y = binary
    wrapper = mlp().fit(X, y).to_scikeras()
    assert clone(wrapper).fit(X, y).score(X, y) > 0.5
    loaded = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(loaded.predict_proba(X), wrapper.predict_proba(X))
    assert loaded.partial_fit(X, y).current_epoch == 3


def test_classifier_from_a_file(digits, tmp_path):
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    X, y = digits
    clf = KerasImageClassifier(
        lambda meta: build_mlp(meta), callbacks=[callback], **SETTINGS
    )
    save(clf.fit(X, y), tmp_path / "model")
    wrapper = load(tmp_path / "model").to_scikeras()
    np.testing.assert_allclose(
        wrapper.predict_proba(images(clf, X)), clf.predict_proba(X), atol=1e-6
    )
    assert wrapper.partial_fit(images(clf, X), y).current_epoch == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "data"),
    [(compiled_for_codes, "multiclass"), (compiled_sigmoid, "binary")],
    ids=["codes", "sigmoid"],
)
def test_builder_that_compiles(build, data, request):
    X, y = request.getfixturevalue(data)
    clf = KerasImageClassifier(build, image_shape=(-1,), batch_size=len(X), **SETTINGS)
    wrapper = clf.fit(X, y).to_scikeras().partial_fit(X, y)
    further = clf.partial_fit(X, y)
    np.testing.assert_allclose(
        wrapper.predict_proba(X), further.predict_proba(X), atol=1e-6
    )
    wrapper.set_params(batch_size=32, epochs=10)
    for _ in range(2):
        assert wrapper.fit(X, y).score(X, y) > 0.8
