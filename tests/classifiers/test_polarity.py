"""Images that are dark on light, given to a classifier fitted on light on dark."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import (
    KerasMLPClassifier,
    LeNetClassifier,
    MNISTFormatter,
    PixelScaler,
    load,
    load_digits28,
    save,
)

INVERTED = "have a light background, but .* a dark one.*MNISTFormatter"


@pytest.fixture(scope="module")
def digits():
    bunch = load_digits28()
    return bunch.images[:200], bunch.target[:200]


@pytest.fixture(scope="module")
def fitted(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(16,), epochs=2, random_state=0)
    return make_pipeline(PixelScaler(), clf).fit(*digits)


def test_black_on_white_images_warn(fitted, digits):
    for images in (255 - digits[0], 255 - digits[0][:1]):
        with pytest.warns(UserWarning, match=INVERTED):
            fitted.predict(images)


def test_flat_rows_and_channels_warn_too(digits):
    images, y = digits
    mlp = KerasMLPClassifier(hidden_layer_sizes=(4,), epochs=1, random_state=0)
    lenet = LeNetClassifier(filters=(2, 2), epochs=1, random_state=0)
    for clf, X in ((mlp, images.reshape(-1, 784)), (lenet, images[..., None])):
        pipeline = make_pipeline(PixelScaler(), clf).fit(X, y)
        with pytest.warns(UserWarning, match=INVERTED):
            pipeline.predict(255 - X)


def test_warning_is_given_after_saving_and_loading(fitted, digits, tmp_path):
    save(fitted, tmp_path / "model")
    with pytest.warns(UserWarning, match=INVERTED):
        load(tmp_path / "model").predict(255 - digits[0])


def test_warning_points_to_the_caller(fitted, digits):
    with pytest.warns(UserWarning, match=INVERTED) as record:
        fitted[-1].predict(1 - digits[0] / 255)
    assert record[0].filename == __file__


def test_formatted_images_do_not_warn(fitted, digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Keras's own, on PyTorch.
        warnings.filterwarnings("ignore", "__array__ impl", DeprecationWarning)
        predicted = fitted.predict(MNISTFormatter().fit_transform(255 - digits[0]))
        fitted.predict(np.zeros((1, 28, 28), np.uint8))
        ink_everywhere = digits[0][:1].copy()
        ink_everywhere[:, :, :9] = 255
        fitted.predict(ink_everywhere)
    assert np.mean(predicted == fitted.predict(digits[0])) > 0.9


def test_white_on_black_warns_after_fit_on_black_on_white(digits):
    clf = KerasMLPClassifier(hidden_layer_sizes=(4,), epochs=1, random_state=0)
    pipeline = make_pipeline(PixelScaler(), clf).fit(255 - digits[0], digits[1])
    with pytest.warns(UserWarning, match="have a dark background, but .* a light one"):
        pipeline.predict(digits[0])


def test_tables_do_not_warn():
    X, y = make_classification(200, 64, n_informative=10, random_state=0)
    clf = KerasMLPClassifier(hidden_layer_sizes=(4,), epochs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Keras's own, on PyTorch.
        warnings.filterwarnings("ignore", "__array__ impl", DeprecationWarning)
        pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
        pipeline.predict(-X)
        pipeline.predict(X[:1])
