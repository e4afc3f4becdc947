import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import center_of_mass
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import MNISTFormatter, fetch_mnist, load_digits28

ROWS = MNISTFormatter(image_shape=(1, -1))


@parametrize_with_checks([ROWS])
def test_estimator_checks(estimator, check):
    check(estimator)


# scikit-learn runs these checks on its own estimators only. They mix DataFrames and
# arrays deliberately.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "name",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_transformer_get_feature_names_out",
        "check_param_validation",
    ],
)
def test_internal_estimator_checks(name):
    getattr(estimator_checks, name)("MNISTFormatter", ROWS)


@pytest.fixture(scope="module")
def digits():
    return load_digits28().images[:60]


def on_page(digit, *, scale=7, shape=(420, 330), corner=(150, 60)):
    """Return the ink of an enlarged digit on a page, from 0 to 1."""
    side = 28 * scale
    large = np.asarray(Image.fromarray(digit).resize((side, side)), float) / 255
    page = np.zeros(shape)
    page[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = large
    return page


def photograph(digit, *, seed=0):
    """Draw a digit dark on paper that is lit unevenly, with noise."""
    page = on_page(digit)
    y, x = np.mgrid[-1 : 1 : page.shape[0] * 1j, -1 : 1 : page.shape[1] * 1j]
    paper = 200 + 30 * x - 20 * y - 15 * (x**2 + y**2)
    noise = np.random.default_rng(seed).normal(0, 5, page.shape)
    return np.clip(paper - 130 * page + noise, 0, 255).astype(np.uint8)


def correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def test_images_in_the_format_are_almost_unchanged(digits):
    formatted = MNISTFormatter().fit_transform(digits)
    assert min(map(correlation, formatted, digits)) > 0.95
    assert np.median(np.abs(formatted.astype(int) - digits).mean(axis=(1, 2))) < 1


@pytest.mark.skipif("SKMNIST_MNIST_DIR" not in os.environ, reason="needs MNIST")
def test_mnist_itself_is_almost_unchanged():
    images = fetch_mnist(subset="test").images[:500]
    formatted = MNISTFormatter().fit_transform(images)
    difference = np.abs(formatted.astype(int) - images).mean(axis=(1, 2))
    assert np.mean(difference == 0) > 0.6
    assert difference.max() < 0.5  # of 255


def test_photograph_becomes_the_digit_it_shows(digits):
    photos = np.stack([photograph(digit) for digit in digits[:20]])
    formatted = MNISTFormatter().fit_transform(photos)
    assert formatted.shape == (20, 28, 28)
    assert formatted.dtype == np.uint8
    likeness = [correlation(*pair) for pair in zip(formatted, digits, strict=False)]
    assert min(likeness) > 0.85
    assert np.median(likeness) > 0.97
    # Without the transformer the reduced photographs do not resemble the digits.
    reduced = [
        255 - np.asarray(Image.fromarray(p).resize((28, 28)), float) for p in photos
    ]
    assert max(map(correlation, reduced, digits)) < 0.75


@pytest.mark.parametrize(
    "change",
    [
        lambda digit: digit,
        lambda digit: 255 - digit,
        lambda digit: 40 + digit // 2,
        lambda digit: digit / 255,
        lambda digit: digit.astype(float) * 257,
        lambda digit: np.pad(digit, ((30, 5), (2, 40))),
        lambda digit: np.repeat(digit[..., None], 3, axis=-1),
        lambda digit: 255 - np.repeat(digit[..., None], 3, axis=-1),
        lambda digit: digit[..., None],
    ],
    ids=["same", "inverted", "pale", "float", "16-bit", "moved", "rgb", "rgb-inverted"]
    + ["channel"],
)
def test_result_does_not_depend_on_range_polarity_place_or_colour(digits, change):
    expected = MNISTFormatter().fit_transform(digits[:10])
    changed = np.stack([change(digit) for digit in digits[:10]])
    formatted = MNISTFormatter().fit_transform(changed)
    assert np.abs(formatted.astype(int) - expected).max() <= 6


def test_ink_fits_the_box_and_is_centred_by_mass(digits):
    images = np.stack([photograph(digit, seed=i) for i, digit in enumerate(digits)])
    for image in MNISTFormatter().fit_transform(images):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        assert np.abs(np.array(center_of_mass(image)) - 14).max() <= 0.5
        assert image.max() == 255


def test_box_and_size_are_options(digits):
    image = MNISTFormatter(box_size=10, size=16).fit_transform(digits[:1])[0]
    assert image.shape == (16, 16)
    assert 9 <= np.ptp(np.flatnonzero(image.any(axis=1))) + 1 <= 10


def test_invert_can_be_forced():
    # A thin light frame on a dark page, which "auto" takes for the ink.
    image = np.full((1, 60, 60), 90, np.uint8)
    image[0, 20:40, 28:32] = 250
    light = MNISTFormatter().fit_transform(image)
    assert (light == MNISTFormatter(invert=False).fit_transform(image)).all()
    assert not MNISTFormatter(invert=True).fit_transform(image).any()


def test_threshold_decides_what_is_noise():
    image = np.zeros((1, 60, 60), np.uint8)
    image[0, 20:40, 28:32] = 250  # a stroke of 20 × 4
    image[0, 20:40, 45:49] = 40  # a faint one
    faint_ignored = MNISTFormatter().fit_transform(image)
    assert np.ptp(np.flatnonzero(faint_ignored.any(axis=(0, 1)))) + 1 == 4
    both = MNISTFormatter(threshold=0.1).fit_transform(image)
    assert np.ptp(np.flatnonzero(both.any(axis=(0, 1)))) + 1 > 15


def test_specks_are_not_ink(digits):
    clean = photograph(digits[3])
    dirty = clean.copy()
    rng = np.random.default_rng(1)
    dirty[rng.integers(0, 420, 40), rng.integers(0, 330, 40)] = 0
    clean, dirty = MNISTFormatter().fit_transform(np.stack([clean, dirty]))
    assert correlation(clean, dirty) > 0.98


def test_image_without_ink_becomes_black():
    images = np.stack([np.full((40, 30), value, np.uint8) for value in (0, 128, 255)])
    assert not MNISTFormatter().fit_transform(images).any()
    tinted = np.full((1, 40, 30, 3), (200, 180, 90), np.uint8)
    assert not MNISTFormatter().fit_transform(tinted).any()


def test_large_photograph_is_reduced_first(digits):
    small = photograph(digits[5])
    large = np.asarray(Image.fromarray(small).resize((2640, 3360)))
    one, other = (MNISTFormatter().fit_transform(p[None])[0] for p in (small, large))
    assert correlation(one, other) > 0.99


def test_flat_rows_give_flat_rows(digits):
    rows = digits.reshape(len(digits), -1)
    formatted = MNISTFormatter().fit_transform(rows)
    expected = MNISTFormatter().fit_transform(digits)
    np.testing.assert_array_equal(formatted, expected.reshape(len(digits), -1))
    names = MNISTFormatter().fit(rows).get_feature_names_out()
    assert names[[0, 29]].tolist() == ["pixel_0_0", "pixel_1_1"]
    frame = MNISTFormatter().set_output(transform="pandas").fit_transform(rows)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == names.tolist()
    images = MNISTFormatter().set_output(transform="pandas").fit_transform(digits)
    assert type(images) is np.ndarray


@pytest.mark.parametrize(
    ("params", "shape", "message"),
    [
        ({}, (3, 60), "60 features, which is not a square number"),
        ({"image_shape": (7, 9)}, (3, 60), "image_shape=.* requires 63"),
        ({"image_shape": (0, 9)}, (3, 60), "positive integers"),
        ({}, (3, 8, 8, 4), "4 channels"),
        ({"box_size": 29}, (3, 8, 8), "box_size=29 is larger than size=28"),
    ],
)
def test_unusable_images_and_options_are_refused(params, shape, message):
    with pytest.raises(ValueError, match=message):
        MNISTFormatter(**params).fit(np.zeros(shape))


def test_ink_at_the_border_is_kept(digits):
    """A crop that touches the border on all sides is scaled, not taken for paper."""
    likeness = []
    for digit in digits:
        sharp = np.where(digit > 100, 255, 0).astype(np.uint8)
        rows, columns = (np.flatnonzero(sharp.any(axis=axis)) for axis in (1, 0))
        crop = sharp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pair = MNISTFormatter().fit_transform(np.stack([crop, 255 - crop]))
        whole = MNISTFormatter().fit_transform(sharp[None])[0]
        likeness += [np.array_equal(formatted, whole) for formatted in pair]
    # Where ink covers most of a crop, nothing tells it from the paper.
    assert np.mean(likeness) > 0.85


def test_overexposed_paper_with_a_shadow_is_background(digits):
    """Much of the paper is white, and a shadow darkens the rest of it gradually."""
    shadow = np.clip(np.linspace(-200, 100, 420)[:, np.newaxis], 0, None)
    photos = np.stack([255 - shadow - 150 * on_page(digit) for digit in digits[:20]])
    photos = photos.clip(0, 255).astype(np.uint8)
    for digit, image in zip(
        digits, MNISTFormatter().fit_transform(photos), strict=False
    ):
        assert correlation(image, digit) > 0.85


@pytest.mark.parametrize("noise", [0.5, 3, 8])
def test_empty_sheet_with_noise_has_no_ink(noise):
    paper = 200 + np.random.default_rng(0).normal(0, noise, (2, 300, 250))
    assert not MNISTFormatter().fit_transform(paper.astype(np.uint8)).any()
