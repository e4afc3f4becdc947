"""Builders as SciKeras and Keras's guides write them."""

import pickle

import cloudpickle
import keras
import numpy as np
import pytest
from keras import layers
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification

from skmnist import KerasImageClassifier, load, save

SETTINGS = {"epochs": 3, "random_state": 0}


def build_by_features(meta):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(16, activation="relu"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def build_by_shape(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(16, activation="relu"),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


def build_for_images(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


class Net(keras.Model):
    def __init__(self, n_classes):
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(16, activation="relu")
        self.dropout = layers.Dropout(0.1)
        self.outputs = layers.Dense(n_classes, activation="softmax")

    def call(self, inputs, training=None):
        hidden = self.hidden(self.flatten(inputs))
        return self.outputs(self.dropout(hidden, training=training))


class NetWithoutTraining(Net):
    def call(self, x):
        return self.outputs(self.hidden(self.flatten(x)))


@pytest.mark.parametrize("build", [build_by_features, build_by_shape])
@pytest.mark.parametrize("n_columns", [20, 64])
def test_rows_of_a_table_stay_flat(build, n_columns):
    X, y = make_classification(200, n_columns, n_informative=10, random_state=0)
    clf = KerasImageClassifier(build, **SETTINGS).fit(X, y)
    assert clf.image_shape_ == (n_columns,)
    assert clf.predict_proba(X[:5]).shape == (5, 2)
    warm = clf.set_params(warm_start=True).fit(X, y)
    assert (warm.image_shape_, warm.n_iter_) == ((n_columns,), 6)


def test_flat_squares_are_images_for_a_network_of_images():
    X, y = load_digits(return_X_y=True)
    X, y = X[:200] / 16, y[:200]
    clf = KerasImageClassifier(build_for_images, **SETTINGS).fit(X, y)
    assert clf.image_shape_ == (8, 8, 1)


def test_network_for_other_samples_is_refused():
    X, y = load_iris(return_X_y=True)

    def build(meta):
        return build_by_features(meta | {"n_features_in_": 7})

    with pytest.raises(ValueError, match=r"samples of shape \(7,\).*shape \(4,\)"):
        KerasImageClassifier(build, **SETTINGS).fit(X, y)


def build_with_two_inputs(meta):
    inputs = [keras.Input((2,)), keras.Input((2,))]
    joined = layers.Concatenate()(inputs)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(joined))


def build_with_two_outputs(meta):
    inputs = keras.Input((4,))
    outputs = [layers.Dense(3, activation="softmax")(inputs), layers.Dense(1)(inputs)]
    return keras.Model(inputs, outputs)


def build_with_named_output(meta):
    inputs = keras.Input((4,))
    outputs = {"label": layers.Dense(3, activation="softmax")(inputs)}
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (build_with_two_inputs, r"with 2 inputs; expected one, of shape \(4,\)"),
        (build_with_two_outputs, r"output shape is \[.*expected \(None, 3\)"),
        (build_with_named_output, r"output shape is {'label'.*expected \(None, 3\)"),
    ],
)
def test_network_of_several_inputs_or_outputs_is_refused(build, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        KerasImageClassifier(build, **SETTINGS).fit(X, y)


@pytest.mark.parametrize("cls", [Net, NetWithoutTraining])
def test_subclassed_model_trains_as_in_keras(cls, digits, same_weights):
    X, y = digits
    clf = KerasImageClassifier(
        lambda meta: cls(meta["n_classes_"]), epochs=25, random_state=0
    )
    clf.fit(X, y)
    assert clf.score(X, y) > 0.7
    assert same_weights(clone(clf).fit(X, y), clf)
    own = clf.model_.predict(X.reshape(-1, *clf.image_shape_), verbose=0)
    np.testing.assert_allclose(clf.predict_proba(X), own, atol=1e-5)


def build_sigmoid(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_one_sigmoid_unit_trains_as_keras_trains_it(loss):
    """With all rows in one batch, so that their order does not matter."""
    X, y = make_classification(200, 8, n_informative=6, random_state=0)
    X = X.astype(np.float32)
    settings = {"epochs": 20, "batch_size": 200, "learning_rate": 0.01}
    clf = KerasImageClassifier(build_sigmoid, loss=loss, random_state=0, **settings)
    clf.fit(X, np.array(["no", "yes"])[y])

    from skmnist._engine._training import start

    weights = start(clf._network, clf._training.seed).weights
    model = build_sigmoid({"X_shape_": X.shape})
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)
    adam = keras.optimizers.Adam(0.01)
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X, y, epochs=20, batch_size=200, verbose=0).history
    np.testing.assert_allclose(clf.history_["loss"], history["loss"], rtol=1e-4)
    np.testing.assert_allclose(clf.history_["accuracy"], history["accuracy"], rtol=1e-5)
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == (200, 2)
    own = model.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(probabilities[:, 1], own, atol=1e-4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert set(clf.predict(X)) == {"no", "yes"}


def compiled_by(compile_model):
    """Return a builder that compiles its model."""

    def build(meta, compile_kwargs):
        model = keras.Sequential(
            [
                keras.Input((meta["n_features_in_"],)),
                layers.Dense(8, activation="relu"),
                layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )
        compile_model(model, compile_kwargs)
        return model

    return build


SHARED_OPTIMIZER = keras.optimizers.SGD(0.1, momentum=0.9)
COMPILED = {
    "sparse": lambda model, _: model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"
    ),
    "loss object": lambda model, _: model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    ),
    "optimizer of all models": lambda model, _: model.compile(
        SHARED_OPTIMIZER, "categorical_crossentropy"
    ),
}


@pytest.mark.parametrize("compile_model", COMPILED.values(), ids=COMPILED)
def test_optimizer_and_loss_of_a_compiled_builder_hold(
    compile_model, digits, same_weights, tmp_path
):
    params = {"epochs": 2, "random_state": 0}
    clf = KerasImageClassifier(compiled_by(compile_model), **params).fit(*digits)
    given = compiled_by(lambda *_: None)
    sgd = keras.optimizers.SGD(0.1, momentum=0.9)
    expected = KerasImageClassifier(given, optimizer=sgd, **params).fit(*digits)
    assert same_weights(clf, expected)
    assert clf.evaluate(*digits) == pytest.approx(expected.evaluate(*digits))
    assert isinstance(clf.model_.optimizer, keras.optimizers.SGD)
    assert same_weights(clone(clf).fit(*digits), clf)
    assert same_weights(pickle.loads(cloudpickle.dumps(clf)), clf)
    save(clf, tmp_path / "clf.skmnist")
    loaded = load(tmp_path / "clf.skmnist")
    assert loaded.evaluate(*digits) == clf.evaluate(*digits)
    for further in clf, expected, loaded.set_params(model=clf.model):
        further.partial_fit(*digits)
    assert same_weights(clf, expected)
    assert same_weights(loaded, expected)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_builder_may_compile_with_what_the_classifier_gives(
    dtype, digits, same_weights
):
    def compile_model(model, compile_kwargs):
        model.compile(compile_kwargs["optimizer"], compile_kwargs["loss"])

    params = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 1, "random_state": 0}
    first, second = (
        KerasImageClassifier(compiled_by(function), dtype=dtype, **params).fit(*digits)
        for function in (compile_model, lambda *_: None)
    )
    assert same_weights(first, second)


@pytest.mark.parametrize(
    "params", [{"optimizer": "rmsprop"}, {"learning_rate": 0.5}, {"loss": "mse"}]
)
def test_parameters_that_a_compiled_builder_contradicts_are_refused(params, digits):
    clf = KerasImageClassifier(compiled_by(COMPILED["sparse"]), **params)
    (name,) = params
    with pytest.raises(ValueError, match=f"{name}=.*Leave {name} at its default"):
        clf.fit(*digits)


@pytest.mark.parametrize(
    "augmentation",
    [
        lambda: layers.RandomTranslation(0.1, 0.1),
        lambda: layers.RandomRotation(0.05),
        lambda: layers.RandomZoom(0.1),
        lambda: layers.RandomFlip(),
    ],
    ids=["translation", "rotation", "zoom", "flip"],
)
@pytest.mark.parametrize("n_samples", [300, 1200], ids=["small", "large"])
@pytest.mark.slow
def test_augmentation_layers_train_on_any_number_of_rows(augmentation, n_samples):
    X, y = load_digits(return_X_y=True)
    X, y = X[:n_samples].reshape(-1, 8, 8, 1) / 16, y[:n_samples]

    def build(meta):
        return keras.Sequential(
            [
                keras.Input(meta["X_shape_"][1:]),
                augmentation(),
                layers.Flatten(),
                layers.Dense(meta["n_classes_"], activation="softmax"),
            ]
        )

    clf = KerasImageClassifier(build, **SETTINGS).fit(X, y)
    own = clf.model_.predict(X, verbose=0)
    np.testing.assert_allclose(clf.predict_proba(X), own, atol=1e-5)


def test_model_in_place_of_a_builder_is_refused_by_what_to_pass():
    X, y = load_iris(return_X_y=True)
    model = build_by_features({"n_features_in_": 4, "n_classes_": 3})
    with pytest.raises(ValueError, match=r"clone_model"):
        KerasImageClassifier(model, **SETTINGS).fit(X, y)
    wrapped = KerasImageClassifier(
        lambda meta: keras.models.clone_model(model), **SETTINGS
    )
    assert wrapped.fit(X, y).predict(X).shape == (150,)


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (lambda X, y, units=3: None, r"requires X, y, not set.*meta\['X_shape_'\]"),
        (lambda meta, *, units: None, r"requires units, not set.*model_params"),
    ],
)
def test_required_arguments_of_a_builder_are_named(builder, message, digits):
    with pytest.raises(TypeError, match=message):
        KerasImageClassifier(builder).fit(*digits)


def test_parameters_that_scikeras_routes_name_what_to_set():
    clf = KerasImageClassifier(build_by_features)
    with pytest.raises(ValueError, match="set learning_rate instead"):
        clf.set_params(optimizer__learning_rate=0.1)
    with pytest.raises(ValueError, match=r"keras\.optimizers"):
        clf.set_params(optimizer__momentum=0.9)


def test_failed_refit_leaves_the_classifier_as_it_was(digits):
    X, y = digits
    clf = KerasImageClassifier(build_for_images, **SETTINGS).fit(X, y)
    expected = clf.predict_proba(X)
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(learning_rate=1e38).fit(X[:, :49], y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    with pytest.raises(ValueError, match="min_ndim"):
        clf.fit(X[:, :20], y)
    assert (clf.n_features_in_, clf.image_shape_) == (64, (8, 8, 1))
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failed_first_fit_sets_nothing(method, digits):
    X, y = digits
    clf = KerasImageClassifier(build_for_images, **SETTINGS)
    parameters = dict(vars(clf))
    with pytest.raises(ValueError, match="min_ndim"):
        getattr(clf, method)(X[:, :20], y)
    assert vars(clf) == parameters


def one_unit(activation):
    def build(meta):
        inputs = keras.Input((meta["n_features_in_"],))
        return keras.Model(inputs, layers.Dense(1, activation=activation)(inputs))

    return build


class OwnLoss(keras.Model):
    def __init__(self):
        super().__init__()
        self.unit = layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.unit(x)

    def compute_loss(self, *args, **kwargs):
        return 100.0 + super().compute_loss(*args, **kwargs)


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (one_unit(None), "'linear', which is no probability"),
        (one_unit("tanh"), "'tanh', which is no probability"),
        (lambda meta: OwnLoss(), "OwnLoss, which overrides Keras's training"),
    ],
)
def test_one_unit_that_cannot_become_two_outputs_is_refused(builder, message):
    X, y = make_classification(60, 8, random_state=0)
    with pytest.raises(ValueError, match=message):
        KerasImageClassifier(builder, loss="binary_crossentropy").fit(X, y)


def test_outputs_of_many_rows_are_checked():
    def build(meta):
        inputs = keras.Input((meta["n_features_in_"],))
        return keras.Model(inputs, layers.Dense(3, activation="sigmoid")(inputs))

    for dtype in ("float32", "mixed_bfloat16"):
        with pytest.raises(ValueError, match="one probability per class"):
            KerasImageClassifier(build, dtype=dtype).fit(*load_iris(return_X_y=True))


def focal(gamma):
    def loss(y, y_pred):
        weight = keras.ops.power(1 - keras.ops.sum(y * y_pred, -1), gamma)
        return weight * keras.losses.categorical_crossentropy(y, y_pred)

    return loss


def build_with_closure(meta):
    model = build_by_features(meta)
    model.compile("adam", focal(2.0))
    return model


def test_builder_that_compiles_with_a_closure_pickles(digits):
    clf = KerasImageClassifier(build_with_closure, **SETTINGS).fit(*digits)
    again = cloudpickle.loads(cloudpickle.dumps(clf))
    assert again.evaluate(*digits) == clf.evaluate(*digits)
    assert set(pickle.loads(pickle.dumps(vars(clf)["_network"].as_dict()))) >= {"loss"}


@pytest.mark.parametrize(
    ("compile_model", "params", "message"),
    [
        (
            lambda model, _: model.compile(
                "adam", "categorical_crossentropy", loss_weights=[10.0]
            ),
            {},
            "loss_weights",
        ),
        (lambda model, _: model.compile("adam", focal(2.0)), {"loss": focal(5.0)}, "l"),
    ],
)
def test_what_a_compiled_builder_would_lose_is_refused(
    compile_model, params, message, digits
):
    with pytest.raises(ValueError, match=message):
        KerasImageClassifier(compiled_by(compile_model), **params).fit(*digits)


def test_builder_may_compile_with_a_list_of_one_loss(digits):
    def compile_model(model, _):
        model.compile("adam", ["sparse_categorical_crossentropy"])

    clf = KerasImageClassifier(compiled_by(compile_model), **SETTINGS).fit(*digits)
    assert clf.history_["loss"][-1] < clf.history_["loss"][0]


def test_few_columns_stay_a_table_if_the_network_takes_both():
    def build(meta):
        softmax = layers.Dense(meta["n_classes_"], activation="softmax")
        return keras.Sequential([layers.Dense(5), layers.Flatten(), softmax])

    clf = KerasImageClassifier(build, **SETTINGS).fit(*load_iris(return_X_y=True))
    assert clf.image_shape_ == (4,)


def test_rescaling_before_one_unit_is_taken_into_account():
    def build(meta):
        inputs = keras.Input((meta["n_features_in_"],))
        unit = layers.Dense(1, activation="sigmoid")
        return keras.Model(inputs, unit(layers.Rescaling(0.01)(inputs)))

    X, y = make_classification(60, 8, random_state=0)
    # Warnings are errors in the tests.
    KerasImageClassifier(build, loss="binary_crossentropy", **SETTINGS).fit(100 * X, y)


def test_weights_that_leave_nothing_to_train_on_are_refused(digits):
    X, y = digits
    clf = KerasImageClassifier(build_by_shape, validation_fraction=0.2, **SETTINGS)
    weight = np.zeros(len(y))
    weight[clf.fit(X, y).validation_indices_] = 1
    with pytest.raises(ValueError, match="give all training samples weight 0"):
        clf.fit(X, y, sample_weight=weight)
