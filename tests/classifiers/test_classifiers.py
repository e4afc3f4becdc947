"""Fit, predict, evaluate, partial_fit, warm_start and builders of the classifiers."""

import copy
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

from skmnist import (
    KerasImageClassifier,
    KerasMLPClassifier,
    LeNetClassifier,
    OneHotLabelEncoder,
)

SMALL_LENET = {"filters": (4, 8), "hidden_layer_sizes": (16,), "random_state": 0}


def build_linear(meta, l2=0.0, *, units=None):
    layers = [keras.Input(meta["X_shape_"][1:]), keras.layers.Flatten()]
    if units:
        layers.append(keras.layers.Dense(units, activation="relu"))
    layers.append(
        keras.layers.Dense(
            meta["n_classes_"],
            activation="softmax",
            kernel_regularizer=keras.regularizers.L2(l2),
        )
    )
    return keras.Sequential(layers)


def build_logits(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(meta["n_classes_"]),
        ]
    )


def build_batch_normed(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        KerasMLPClassifier(epochs=8, random_state=0),
        LeNetClassifier(epochs=25, batch_size=16, hidden_dropout=0.0, **SMALL_LENET),
        KerasImageClassifier(build_linear, epochs=25, random_state=0),
        KerasImageClassifier(build_batch_normed, epochs=25, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_fit_learns_digits_and_sets_attributes(estimator, digits):
    X, y = digits
    clf = clone(estimator).fit(X, y)
    assert is_classifier(clf)
    assert clf.score(X, y) > 0.85
    assert clf.n_iter_ == estimator.epochs == len(clf.history_["loss"])
    assert 1 <= clf.best_epoch_ <= clf.n_iter_
    assert clf.history_["loss"][clf.best_epoch_ - 1] == min(clf.history_["loss"])
    assert clf.n_features_in_ == 64
    assert clf.validation_indices_.size == 0
    assert sorted(clf.history_) == ["accuracy", "loss"]
    probabilities = clf.predict_proba(X)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_default_training_parameters():
    mlp, lenet = KerasMLPClassifier(), LeNetClassifier()
    assert (mlp.batch_size, mlp.epochs, mlp.optimizer) == (32, 5, "adam")
    assert (lenet.batch_size, lenet.epochs, lenet.optimizer) == (128, 10, "adam")
    assert mlp.loss == lenet.loss == "categorical_crossentropy"


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["four", "two", "nine"]),
        np.array(["four", "two", "nine"], dtype=object),
        np.array([-3, 7, 100], dtype=np.int16),
        np.array([False, True]),
    ],
    ids=["str", "object", "int16", "bool"],
)
def test_predict_returns_dtype_of_labels(labels, digits):
    X, y = digits
    y = labels[y % len(labels)]
    clf = KerasMLPClassifier(epochs=1, random_state=0).fit(X, y)
    assert clf.predict(X).dtype == y.dtype
    assert list(clf.classes_) == sorted(labels)
    assert set(clf.predict(X)) <= set(labels)


def test_evaluate_matches_scikit_learn_and_keras(digits):
    X, y = digits
    clf = KerasMLPClassifier(dropout=0.3, epochs=2, random_state=0).fit(X, y)
    scores = clf.evaluate(X, y)
    assert scores["accuracy"] == pytest.approx(clf.score(X, y))
    assert scores["loss"] == pytest.approx(log_loss(y, clf.predict_proba(X)), rel=1e-4)
    keras_loss, keras_accuracy = clf.model_.evaluate(
        X, keras.utils.to_categorical(y), verbose=0
    )
    assert scores["loss"] == pytest.approx(keras_loss, rel=1e-4)
    assert scores["accuracy"] == pytest.approx(keras_accuracy)


def test_evaluate_includes_l2_penalty_and_sample_weight(digits):
    X, y = digits
    clf = KerasMLPClassifier(l2=0.01, epochs=1, random_state=0).fit(X, y)
    loss, _ = clf.model_.evaluate(X, keras.utils.to_categorical(y), verbose=0)
    assert clf.evaluate(X, y)["loss"] == pytest.approx(loss, rel=1e-4)
    weight = np.r_[np.ones(100), np.zeros(300)]
    weighted = clf.evaluate(X, y, sample_weight=weight)
    assert weighted == pytest.approx(clf.evaluate(X[:100], y[:100]), rel=1e-5)


def test_validation_rows_are_stratified_and_not_trained_on(digits):
    X, y = digits
    clf = KerasMLPClassifier(validation_fraction=0.25, epochs=3, random_state=0)
    clf.fit(X, y)
    held_out = clf.validation_indices_
    assert len(held_out) == 100
    counts = np.bincount(y[held_out])
    np.testing.assert_allclose(counts, np.bincount(y) / 4, atol=1)
    assert sorted(clf.history_) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    scores = clf.evaluate(X[held_out], y[held_out])
    assert clf.history_["val_loss"][-1] == pytest.approx(scores["loss"], rel=1e-5)
    assert clf.history_["val_accuracy"][-1] == pytest.approx(scores["accuracy"])

    changed = X.copy()
    changed[held_out] = 0.5
    again = clone(clf).fit(changed, y)
    assert again.history_["loss"] == clf.history_["loss"]
    assert again.history_["val_loss"] != clf.history_["val_loss"]


def test_early_stopping_restores_best_weights(digits):
    X, y = digits
    clf = KerasMLPClassifier(
        learning_rate=0.02,
        epochs=200,
        validation_fraction=0.25,
        early_stopping=True,
        n_iter_no_change=4,
        random_state=0,
    ).fit(X, y)
    losses = clf.history_["val_loss"]
    assert clf.n_iter_ < 200
    assert clf.best_epoch_ == np.argmin(losses) + 1 == clf.n_iter_ - 4
    held_out = clf.validation_indices_
    loss = clf.evaluate(X[held_out], y[held_out])["loss"]
    assert loss == pytest.approx(min(losses), rel=1e-5)
    last = clone(clf).set_params(restore_best_weights=False).fit(X, y)
    loss = last.evaluate(X[held_out], y[held_out])["loss"]
    assert loss == pytest.approx(losses[-1], rel=1e-5)


def test_class_weight_multiplies_sample_weight(digits):
    X, y = digits
    y = np.where(y == 3, "three", "other")
    sample_weight = np.linspace(0.5, 1.5, len(y))
    before = sample_weight.copy()
    settings = {"epochs": 3, "random_state": 0}
    both = KerasMLPClassifier(class_weight={"three": 5.0}, **settings)
    both.fit(X, y, sample_weight=sample_weight)
    np.testing.assert_array_equal(sample_weight, before)
    product = sample_weight * np.where(y == "three", 5.0, 1.0)
    by_hand = KerasMLPClassifier(**settings).fit(X, y, sample_weight=product)
    np.testing.assert_array_equal(both.predict_proba(X), by_hand.predict_proba(X))
    plain = KerasMLPClassifier(**settings).fit(X, y)
    assert (both.predict(X) == "three").sum() > (plain.predict(X) == "three").sum()
    balanced = KerasMLPClassifier(class_weight="balanced", **settings).fit(X, y)
    assert (balanced.predict(X) == "three").sum() > (plain.predict(X) == "three").sum()


def test_zero_sample_weight_equals_removing_samples(digits):
    X, y = digits
    settings = {"batch_size": 512, "dtype": "float64", "epochs": 3, "random_state": 0}
    weight = (np.arange(400) < 300).astype(float)
    weighted = KerasMLPClassifier(**settings).fit(X, y, sample_weight=weight)
    shorter = KerasMLPClassifier(**settings).fit(X[:300], y[:300])
    # On PyTorch, Keras rounds some parts of a step to 32 bits.
    rtol = 1e-6 if keras.backend.backend() == "torch" else 1e-9
    np.testing.assert_allclose(
        weighted.predict_proba(X), shorter.predict_proba(X), rtol=rtol
    )
    assert weighted.history_["loss"] == pytest.approx(shorter.history_["loss"])


def test_repeated_partial_fit_equals_fit(digits, same_weights):
    X, y = digits
    fitted = KerasMLPClassifier(dropout=0.2, epochs=3, random_state=0).fit(X, y)
    stepped = KerasMLPClassifier(dropout=0.2, random_state=0)
    for _ in range(3):
        stepped.partial_fit(X, y, classes=np.arange(10))
    assert same_weights(fitted, stepped)
    assert stepped.history_ == fitted.history_
    assert stepped.n_iter_ == 3


def test_partial_fit_classes(digits):
    X, y = digits
    clf = KerasMLPClassifier(random_state=0)
    clf.partial_fit(X[y < 5], y[y < 5], classes=range(10))
    clf.partial_fit(X[y >= 5], y[y >= 5])
    assert clf.classes_.tolist() == list(range(10))
    with pytest.raises(ValueError, match="classes"):
        clf.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="11"):
        clf.partial_fit(X[:2], [11, 0])
    with pytest.raises(ValueError, match="class_weight"):
        clf.set_params(class_weight="balanced").partial_fit(X, y)


def test_warm_start_continues_training(digits, same_weights):
    X, y = digits
    whole = KerasMLPClassifier(epochs=4, random_state=0).fit(X, y)
    halves = KerasMLPClassifier(epochs=2, warm_start=True, random_state=0)
    halves.fit(X, y).fit(X, y)
    assert same_weights(whole, halves)
    assert halves.n_iter_ == 4
    with pytest.raises(ValueError, match="warm_start"):
        halves.set_params(hidden_layer_sizes=(7,)).fit(X, y)
    assert halves.score(X, y) == whole.score(X, y)


def test_modifying_model_does_not_change_predictions(digits):
    X, y = digits
    clf = KerasMLPClassifier(epochs=1, random_state=0).fit(X, y)
    before = clf.predict_proba(X)
    model = clf.model_
    assert clf.model_ is model
    np.testing.assert_allclose(model.predict(X, verbose=0), before, rtol=1e-5)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    kept = [w.copy() for w in model.get_weights()]
    del clf
    KerasMLPClassifier(epochs=1, random_state=1).fit(X, y)
    for now, then in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_model_can_be_exported_without_a_call(digits, tmp_path):
    import tensorflow as tf

    X, y = digits
    clf = KerasMLPClassifier((5,), epochs=1, random_state=0).fit(X, y)
    clf.model_.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.serve(X), clf.predict_proba(X), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "roundtrip", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_copies_predict_and_train_alike(roundtrip, digits, same_weights):
    X, y = digits
    clf = LeNetClassifier(epochs=1, **SMALL_LENET).fit(X, y)
    _ = clf.model_
    copied = roundtrip(clf)
    np.testing.assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))
    assert same_weights(clf.partial_fit(X, y), copied.partial_fit(X, y))


def test_summary_prints_the_layers(digits, capsys):
    clf = KerasMLPClassifier(epochs=1, random_state=0).fit(*digits)
    assert clf.summary() is None
    printed = capsys.readouterr().out
    assert "dense" in printed
    assert "13,000" in printed  # 64 × 200 + 200


def test_unfitted_classifier_raises_not_fitted_error():
    clf = KerasMLPClassifier()
    for call in (lambda: clf.model_, clf.summary, clf.to_scikeras):
        with pytest.raises(NotFittedError):
            call()


def test_builder_keywords_are_parameters_of_the_classifier(digits):
    clf = KerasImageClassifier(build_linear, model_params={"units": 3})
    params = clf.get_params()
    assert params["model__units"] == 3
    assert params["model__l2"] == 0.0
    shared = clf.model_params
    clf.set_params(model__l2=0.5, epochs=2)
    assert clf.model_params == {"units": 3, "l2": 0.5}
    assert shared == {"units": 3}
    copied = clone(clf)
    assert copied.get_params() == clf.get_params()
    assert "model_params={'l2': 0.5, 'units': 3}" in repr(clf)
    with pytest.raises(ValueError, match=r"model__unit'.*build_linear.*units"):
        clf.set_params(model__unit=4)
    assert clf.model_params == {"units": 3, "l2": 0.5}
    with pytest.raises(ValueError, match="model__depth"):
        KerasImageClassifier(build_linear, {"depth": 1}).fit(*digits)


def test_changed_builder_keyword_changes_the_network(digits):
    X, y = digits
    clf = KerasImageClassifier(build_linear, epochs=1).fit(X, y)
    assert clf.model_.count_params() == 650
    clf.set_params(model__units=2).fit(X, y)
    assert clf.model_.count_params() == 64 * 2 + 2 + 2 * 10 + 10


def test_image_shape_with_user_defined_builder(digits):
    X, y = digits
    seen = []

    def build(meta):
        seen.append(meta["X_shape_"])
        return build_linear(meta)

    clf = KerasImageClassifier(build, epochs=1).fit(X, y)
    assert seen[0] == (400, 8, 8, 1)
    assert clf.image_shape_ == (8, 8, 1)
    clf.set_params(image_shape=(-1,)).fit(X, y)
    assert clf.image_shape_ == (64,)
    clf.set_params(image_shape=(4, -1, 2)).fit(X, y)
    assert clf.image_shape_ == (4, 8, 2)


@pytest.mark.parametrize(
    ("builder", "error", "message"),
    [
        (build_logits, ValueError, "softmax"),
        (lambda meta: "no model", TypeError, "must return a keras.Model, got str"),
        (
            lambda meta: build_linear({**meta, "n_classes_": 4}),
            ValueError,
            r"output shape is \(None, 4\); expected \(None, 10\)",
        ),
    ],
)
def test_invalid_builder_raises(builder, error, message, digits):
    with pytest.raises(error, match=message):
        KerasImageClassifier(builder).fit(*digits)


def test_one_hot_labels_raise(digits):
    X, y = digits
    rows = OneHotLabelEncoder().fit_transform(y)
    with pytest.raises(ValueError, match="OneHotLabelEncoder.inverse_transform"):
        KerasMLPClassifier().fit(X, rows)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.full((60, 30), 500.0), r"The features .*StandardScaler\(\), classifier"),
        (np.full((60, 64), 200.0), r"The pixels .*PixelScaler\(\), classifier"),
        (np.full((60, 8, 10), 200.0), "The pixels"),
        (np.full((60, 30), 200, np.uint8), "The pixels"),
    ],
)
def test_warning_of_scale_speaks_of_pixels_for_images_only(X, words):
    with pytest.warns(UserWarning, match=words):
        KerasMLPClassifier((4,), epochs=1).fit(X, np.arange(60) % 2)
