"""Augmentation: the deformations, and that training alone sees them."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skmnist import KerasImageClassifier, KerasMLPClassifier, LeNetClassifier
from skmnist._engine._augmentation import Augmentation, warp

SHAPE = (28, 20, 3)
ALL = {
    "random_rotation": 0.03,
    "random_translation": 0.1,
    "random_zoom": 0.1,
    "random_shear": 0.1,
    "random_elastic": 0.03,
}


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    smooth = rng.random((6, 8, 6, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return smooth[:, : SHAPE[0], : SHAPE[1]].astype(np.float32)


def deformed(images, augmentation, signs):
    """Apply the largest deformations, with the signs of the six numbers drawn."""
    drawn = np.tile(np.asarray(signs, float), (len(images), 1))
    maps = augmentation._affine_maps(drawn, *images.shape[1:3])
    return warp(images, maps.astype(images.dtype))


@pytest.mark.parametrize(
    ("name", "layer", "signs"),
    [
        ("rotation", lambda f: keras.layers.RandomRotation((f, f)), (1, 0, 0, 0, 0, 0)),
        (
            "translation",
            lambda f: keras.layers.RandomTranslation((f, f), (f, f)),
            (0, -1, -1, 0, 0, 0),
        ),
        ("zoom", lambda f: keras.layers.RandomZoom((f, f)), (0, 0, 0, 1, 0, 0)),
    ],
)
def test_deformation_has_the_measure_of_keras_layer(name, layer, signs, images):
    factor = 0.1
    config = layer(factor).get_config() | {"fill_mode": "nearest"}
    layer = type(layer(factor)).from_config(config)
    expected = np.asarray(layer(images, training=True))
    found = deformed(images, Augmentation(**{name: factor}), signs)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_shear_moves_a_pixel_by_its_distance_from_the_centre():
    image = np.zeros((1, 21, 21, 1), np.float32)
    image[0, 0, 10] = 1  # 10 pixels above the centre
    found = deformed(image, Augmentation(shear=0.2), (0, 0, 0, 0, 1, 0))
    assert np.argwhere(found[0, :, :, 0] > 0.99).tolist() == [[0, 12]]


def test_warp_is_keras_affine_transform(images):
    rng = np.random.default_rng(1)
    maps = np.tile(np.eye(2, 3), (6, 1, 1)) + rng.normal(0, 0.1, (6, 2, 3))
    maps[:, :, 2] += rng.normal(0, 3, (6, 2))
    rows = np.concatenate([maps.reshape(6, 6), np.zeros((6, 2))], axis=1)
    expected = keras.ops.image.affine_transform(
        images, rows, fill_mode="nearest", data_format="channels_last"
    )
    found = warp(images, maps.astype(np.float32))
    np.testing.assert_allclose(found, np.asarray(expected), atol=2e-4)


def test_warp_without_deformation_returns_the_images(images):
    identity = np.tile(np.eye(2, 3, dtype=np.float32), (len(images), 1, 1))
    np.testing.assert_array_equal(warp(images, identity), images)


def test_elastic_displacement_has_the_stated_standard_deviation():
    from skmnist._engine._augmentation import _SmoothFields

    fields = _SmoothFields(28, 20).draw(np.random.default_rng(0), 2000, 0.05)
    x, y = fields.std(axis=1)
    np.testing.assert_allclose(x, 0.05 * 20, rtol=0.08)
    np.testing.assert_allclose(y, 0.05 * 28, rtol=0.08)
    # Smooth: neighbours move alike; and x and y apart.
    assert np.abs(np.diff(fields, axis=3)).mean() < 0.25 * np.abs(fields).mean()
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.05


def test_deformations_do_not_depend_on_blocks():
    X = np.random.default_rng(0).random((500, 12, 10, 1), np.float32)
    augmentation = Augmentation(0.1, 0.1, 0.1, 0.1, 0.05)
    whole, parts, other = X.copy(), X.copy(), X.copy()
    augmentation.in_epoch((12, 10, 1), 3, 7)(whole)
    deform = augmentation.in_epoch((12, 10, 1), 3, 7)
    for start, stop in ((0, 1), (1, 64), (64, 300), (300, 500)):
        deform(parts[start:stop])
    np.testing.assert_array_equal(whole, parts)
    augmentation.in_epoch((12, 10, 1), 3, 8)(other)
    assert not np.array_equal(whole, other)
    # Nearest pixels fill the edges, so no value is beyond those of the image.
    assert whole.min() >= X.min()
    assert whole.max() <= X.max()


FRACTIONS = st.floats(0, 0.9)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 40), st.integers(2, 40), st.integers(1, 4)),
    factors=st.tuples(*[FRACTIONS] * 5),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_deformed_values_lie_between_those_of_the_image(shape, factors, dtype, seed):
    rng = np.random.default_rng(seed)
    X = rng.random((3, *shape)).astype(dtype)
    X[1] = 0.25  # an image without contrast stays as it is
    before = X.copy()
    Augmentation(*factors).in_epoch(shape, seed, 0)(X)
    assert X.dtype == dtype
    np.testing.assert_allclose(X[1], 0.25, rtol=1e-6)
    for image, original in zip(X, before, strict=True):
        assert np.isfinite(image).all()
        assert original.min() - 1e-6 <= image.min()
        assert image.max() <= original.max() + 1e-6


def test_augmented_training_is_repeatable_and_differs(digits, same_weights):
    X, y = digits
    before = X.copy()
    clf = KerasMLPClassifier(epochs=2, random_state=0, **ALL)
    first, second = clone(clf).fit(X, y), clone(clf).fit(X, y)
    assert same_weights(first, second)
    np.testing.assert_array_equal(X, before)
    for name in ALL:
        plain = clone(clf).set_params(**{name: 0.0}).fit(X, y)
        assert not same_weights(first, plain), name


def test_validation_and_evaluation_see_undeformed_images(digits):
    X, y = digits
    clf = KerasMLPClassifier(epochs=2, validation_fraction=0.25, random_state=0, **ALL)
    clf.fit(X, y)
    held_out = clf.validation_indices_
    scores = clf.evaluate(X[held_out], y[held_out])
    assert clf.history_["val_loss"][-1] == pytest.approx(scores["loss"], rel=1e-5)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(X))


def test_flat_rows_and_images_are_deformed_alike(digits, same_weights):
    X, y = digits
    clf = KerasMLPClassifier(epochs=2, random_state=0, **ALL)
    flat, images = clone(clf).fit(X, y), clone(clf).fit(X.reshape(-1, 8, 8), y)
    pairs = zip(flat.model_.get_weights(), images.model_.get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_image_shape_lays_out_flat_rows(digits, same_weights):
    X, y = digits
    X = X[:, :48]
    clf = KerasMLPClassifier(epochs=1, random_state=0, random_shear=0.2)
    with pytest.raises(ValueError, match="random_shear=0.2 .* rows of 48 values"):
        clf.fit(X, y)
    tall = clone(clf).set_params(image_shape=(6, 8)).fit(X, y)
    assert tall.image_shape_ == (48,)
    as_images = clf.fit(X.reshape(-1, 6, 8), y)
    np.testing.assert_array_equal(
        tall.predict_proba(X), as_images.predict_proba(X.reshape(-1, 6, 8))
    )


def test_raw_pixels_are_deformed_as_scaled_ones(digits):
    X, y = digits
    pixels = np.round(X * 16).astype(np.uint8)
    clf = LeNetClassifier(filters=(4, 8), epochs=2, random_state=0, **ALL)
    raw = clone(clf).set_params(rescaling=1 / 16).fit(pixels, y)
    scaled = clf.fit(X, y)
    np.testing.assert_allclose(
        raw.predict_proba(pixels), scaled.predict_proba(X), atol=1e-4
    )


class Steps(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.filterwarnings("ignore:Steps overrides per-batch hooks")
def test_training_batch_by_batch_deforms_alike(digits):
    X, y = digits
    clf = KerasMLPClassifier(epochs=2, random_state=0, **ALL)
    single = clone(clf).set_params(callbacks=Steps()).fit(X, y)
    pairs = zip(
        single.model_.get_weights(), clf.fit(X, y).model_.get_weights(), strict=True
    )
    assert all(np.allclose(a, b, atol=1e-4) for a, b in pairs)


def test_partial_fit_equals_fit(digits, same_weights):
    X, y = digits
    clf = KerasMLPClassifier(epochs=2, random_state=0, **ALL)
    called = clone(clf).partial_fit(X, y).partial_fit(X, y)
    assert same_weights(clf.fit(X, y), called)


def test_fit_killed_in_training_resumes_bit_for_bit(
    digits, same_weights, tmp_path, monkeypatch, trainer_class
):
    X, y = digits
    params = {"learning_rate_schedule": "one_cycle", "label_smoothing": 0.1, **ALL}
    clf = KerasMLPClassifier(epochs=4, random_state=0, **params)
    whole = clone(clf).fit(X, y)
    clf.set_params(checkpoint_dir=tmp_path)
    run_epoch, done = trainer_class.run_epoch, []

    def killed(self, *args, **kwargs):
        done.append(self)
        if len(done) == 3:
            raise SystemExit
        return run_epoch(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(trainer_class, "run_epoch", killed)
        with pytest.raises(SystemExit):
            clf.fit(X, y)
    assert same_weights(whole, clf.fit(X, y))
    assert len(done) == 3


def build_flat(meta):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            keras.layers.Flatten(),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


@pytest.mark.parametrize(
    ("clf", "X", "message"),
    [
        (KerasMLPClassifier(), np.zeros((20, 65)), "no square image"),
        (KerasMLPClassifier(), np.zeros((20, 16)), "rather those of a table"),
        (KerasMLPClassifier(), np.zeros((20, 3, 32, 32)), "channels first"),
        (KerasMLPClassifier(image_shape=(-1,)), np.zeros((20, 64)), "are not images"),
        (
            KerasImageClassifier(build_flat, image_shape=(-1,)),
            np.zeros((20, 64)),
            "are not images",
        ),
        (KerasMLPClassifier(), np.zeros((20, 1, 9)), "at least 2"),
        (KerasMLPClassifier(image_shape=(4, 16)), np.zeros((20, 8, 8)), "not match X"),
    ],
)
@pytest.mark.filterwarnings("ignore:The root mean square")
def test_samples_that_are_no_images_are_refused(clf, X, message):
    clf.set_params(random_rotation=0.1)
    with pytest.raises(ValueError, match=f"random_rotation=0.1 .*{message}"):
        clf.fit(X, np.arange(20) % 2)
    assert not hasattr(clf, "classes_")


def test_builder_of_ones_own_is_augmented(digits, same_weights):
    X, y = digits
    clf = KerasImageClassifier(build_flat, epochs=1, random_state=0)
    plain = clone(clf).fit(X, y)
    assert not same_weights(plain, clf.set_params(random_rotation=0.1).fit(X, y))
    assert clf.image_shape_ == (8, 8, 1)
