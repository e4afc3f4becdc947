"""Invalid input raises an error that shows the value, before training starts."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier, build_mlp


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """Fail a test if invalid input reaches the training loop."""
    from skmnist._engine import _training

    def train(*args, **kwargs):
        pytest.fail("training started")

    monkeypatch.setattr(_training, "train", train)


CLASSIFIERS = [KerasMLPClassifier(), LeNetClassifier(), KerasImageClassifier(build_mlp)]
every_classifier = pytest.mark.parametrize(
    "clf", CLASSIFIERS, ids=lambda clf: type(clf).__name__
)


@every_classifier
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(400, 64), (400, 8, 8), (400, 8, 8, 1)])
def test_nan_and_infinity_raise_in_every_layout(clf, value, shape, digits):
    X, y = digits
    X = X.reshape(shape).copy()
    X[3] = value
    with pytest.raises(ValueError, match="NaN" if np.isnan(value) else "infinity"):
        clone(clf).fit(X, y)


@every_classifier
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(400, int), "only one class: 0"),
        (np.r_[np.nan, np.ones(399)], "NaN"),
        (np.array([None, *["a"] * 399], dtype=object), "Unknown label type"),
        (np.linspace(0, 1, 400), "continuous"),
        (np.zeros((400, 3)), "OneHotLabelEncoder.inverse_transform"),
        (np.arange(399), "inconsistent"),
        (None, "y"),
    ],
    ids=["one", "nan", "none", "continuous", "one-hot", "length", "missing"],
)
def test_invalid_labels_raise(clf, labels, message, digits):
    with pytest.raises((ValueError, TypeError), match=message):
        clone(clf).fit(digits[0], labels)


@every_classifier
@pytest.mark.parametrize("shape", [(0, 64), (0, 8, 8), (400,), (400, 2, 2, 2, 8)])
def test_invalid_shapes_of_X_raise(clf, shape, digits):
    X = np.zeros(shape, np.float32)
    with pytest.raises(ValueError, match="0 sample|1D array|shape"):
        clone(clf).fit(X, digits[1][: len(X)])


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "epochs": [0, 2.5, "5"],
        "batch_size": [0, -1, None],
        "learning_rate": [0, -0.1, "fast"],
        "dropout": [1.0, -0.1],
        "l2": [-1, "a"],
        "hidden_layer_sizes": [0, None],
        "validation_fraction": [1.0, -0.5],
        "early_stopping": ["yes"],
        "n_iter_no_change": [0],
        "dtype": ["float128", 32],
        "class_weight": ["equal", 3],
        "verbose": [3, -1],
        "rescaling": [0, -1.0],
        "random_state": ["seed", -1],
        "callbacks": ["early"],
        "optimizer": [None, 7],
        "loss": [None],
    }.items(),
)
def test_parameter_out_of_range_is_named_in_error(name, values, digits):
    for value in values:
        clf = KerasMLPClassifier(**{name: value})
        with pytest.raises((ValueError, TypeError)) as error:
            clf.fit(*digits)
        assert name in str(error.value) or "seed" in str(error.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer": "adman"}, "adman"),
        ({"loss": "crossentropy"}, "crossentropy"),
        ({"activation": "relux"}, "relux"),
        ({"bias_initializer": "twos"}, "twos"),
        ({"hidden_layer_sizes": (10, -3)}, "-3"),
        ({"early_stopping": True}, "validation_fraction"),
        ({"validation_fraction": 0.001}, "number of classes|should be greater"),
    ],
)
def test_invalid_parameter_value_is_shown_in_error(params, message, digits):
    with pytest.raises(ValueError, match=message):
        KerasMLPClassifier(**params).fit(*digits)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.full(400, -1.0), "[Nn]egative"),
        (np.zeros(400), "zero"),
        (np.ones(10), "400"),
        (np.full(400, np.nan), "NaN"),
    ],
)
def test_invalid_sample_weight_raises(weight, message, digits):
    with pytest.raises(ValueError, match=message):
        KerasMLPClassifier().fit(*digits, sample_weight=weight)


def test_lenet_raises_for_samples_that_are_not_images(digits):
    X, y = digits
    with pytest.raises(ValueError, match="50 features is no square"):
        LeNetClassifier().fit(X[:, :50], y)
    with pytest.raises(ValueError, match=r"image_shape=\(7, 9\).*\(64,\)"):
        LeNetClassifier(image_shape=(7, 9)).fit(X, y)
    with pytest.raises(ValueError, match=r"image_shape=\(-1,\)"):
        LeNetClassifier(image_shape=(-1,)).fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score", "evaluate"])
def test_predict_before_fit_raises_not_fitted_error(method, digits):
    args = digits if method in ("score", "evaluate") else digits[:1]
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(KerasMLPClassifier(), method)(*args)


class TestAfterFit:
    @pytest.fixture(autouse=True)
    def fitted(self, monkeypatch, digits):
        monkeypatch.undo()
        X, y = digits
        self.X, self.y = X, y
        self.clf = KerasMLPClassifier(epochs=1, random_state=0).fit(X, y)
        self.on_images = clone(self.clf).fit(X.reshape(-1, 8, 8), y)

    def test_different_number_of_features_raises(self):
        with pytest.raises(ValueError, match="63 features.*64"):
            self.clf.predict(self.X[:, :63])

    def test_different_image_shape_of_equal_height_raises(self):
        narrow = self.X.reshape(-1, 8, 8)[:, :, :5]
        with pytest.raises(ValueError, match=r"\(8, 5\).*\(8, 8\)"):
            self.on_images.predict(narrow)

    def test_evaluate_raises_for_unseen_labels(self):
        with pytest.raises(ValueError, match="12"):
            self.clf.evaluate(self.X[:2], [0, 12])

    def test_predict_raises_for_nan(self):
        X = self.X.copy()
        X[0, 0] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            self.clf.predict(X)

    def test_diverging_training_raises(self):
        clf = KerasMLPClassifier(
            optimizer=keras.optimizers.SGD(1e30), activation="relu", random_state=0
        )
        with pytest.raises(ValueError, match="diverged.*learning_rate"):
            clf.fit(self.X, self.y)
        assert not hasattr(clf, "classes_")

    def test_fit_warns_for_unscaled_pixels(self):
        with pytest.warns(UserWarning, match="PixelScaler"):
            clone(self.clf).fit(self.X * 255, self.y)
        with pytest.warns(UserWarning, match="PixelScaler"):
            clone(self.clf).fit(self.X / 255, self.y)

    def test_predict_warns_if_scale_differs_from_fit(self):
        with pytest.warns(UserWarning, match="put the scaler"):
            self.clf.predict(self.X * 255)

    def test_predict_does_not_warn_for_all_zero_image(self):
        assert self.clf.predict(np.zeros((1, 64), np.float32)).shape == (1,)


@pytest.mark.parametrize(
    ("n_each", "fraction"), [(1, 0.1), (2, 0.1), (5, 0.99)], ids=str
)
def test_samples_too_few_for_the_validation_fraction(n_each, fraction, digits):
    X, y = digits
    rows = np.r_[np.flatnonzero(y == 0)[:n_each], np.flatnonzero(y == 1)[:n_each]]
    clf = KerasMLPClassifier(validation_fraction=fraction)
    message = f"validation_fraction={fraction} cannot split {2 * n_each} samples"
    with pytest.raises(ValueError, match=message):
        clf.fit(X[rows], y[rows])
