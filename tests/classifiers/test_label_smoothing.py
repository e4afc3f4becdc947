"""Label smoothing: Keras's in training, none in scores."""

import keras
import numpy as np
import pytest
from sklearn.base import clone

from skmnist import KerasMLPClassifier


@pytest.mark.parametrize("n_classes", [2, 10])
def test_trains_as_keras_smoothed_loss(n_classes, digits):
    X, y = digits
    X, y = X[y < n_classes], y[y < n_classes]
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.2)
    clf = KerasMLPClassifier(epochs=3, validation_fraction=0.25, random_state=0)
    own = clone(clf).set_params(label_smoothing=0.2).fit(X, y)
    with_loss = clone(clf).set_params(loss=loss).fit(X, y)
    np.testing.assert_allclose(
        own.predict_proba(X), with_loss.predict_proba(X), atol=1e-5
    )
    np.testing.assert_allclose(own.history_["loss"], with_loss.history_["loss"], 1e-4)
    # Validation scores are those of the labels themselves.
    held_out = own.validation_indices_
    plain = clf.fit(X, y)
    assert own.history_["val_loss"] != pytest.approx(with_loss.history_["val_loss"])
    scores = own.evaluate(X[held_out], y[held_out])
    assert own.history_["val_loss"][-1] == pytest.approx(scores["loss"], rel=1e-5)
    assert own.predict_proba(X).max() < plain.predict_proba(X).max()


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", "hinge", "squared_hinge", None]
)
def test_loss_without_targets_between_0_and_1_is_refused(loss, digits):
    def of_codes(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)

    clf = KerasMLPClassifier(loss=loss or of_codes, label_smoothing=0.1)
    with pytest.raises(ValueError, match="takes class codes.*label_smoothing=0"):
        clf.fit(*digits)
    assert not hasattr(clf, "classes_")
