import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from skmnist.preprocessing import (
    ImageFlattener,
    ImageReshaper,
    OneHotLabelEncoder,
    PixelScaler,
)

# scikit-learn's estimator checks use floats in [0, 1], which PixelScaler warns about.
ignore_scaled = pytest.mark.filterwarnings("ignore:X looks scaled already")

DTYPES = ["uint8", "int64", "float32", "float64", "bool"]
LAYOUTS = [(12,), (4, 3), (2, 2, 3)]


def make_pixels(sample_shape, dtype="uint8", n_samples=5):
    rng = np.random.default_rng(0)
    high = 2 if dtype == "bool" else 256
    return rng.integers(high, size=(n_samples, *sample_shape)).astype(dtype)


def make_frame(X):
    names = [f"col{i}" for i in range(X.shape[1])]
    return pd.DataFrame(X, columns=names, index=[f"row{i}" for i in range(len(X))])


@pytest.fixture
def transformer(request):
    return clone(request.param)


every_transformer = pytest.mark.parametrize(
    "transformer",
    [ImageFlattener(), ImageReshaper(image_shape=(3, -1)), PixelScaler()],
    ids=["flattener", "reshaper", "scaler"],
    indirect=True,
)


@ignore_scaled
@parametrize_with_checks(
    [ImageFlattener(), PixelScaler(), ImageReshaper(image_shape=(1, -1, 1))]
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:Can't test estimator OneHotLabelEncoder")
def test_encoder_estimator_checks():
    estimator_checks.check_estimator(OneHotLabelEncoder())


# scikit-learn runs these checks on its own estimators only. They mix DataFrames and
# arrays deliberately.
@ignore_scaled
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "name",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_param_validation",
        "check_dataframe_column_names_consistency",
    ],
)
@pytest.mark.parametrize("estimator", [ImageFlattener(), PixelScaler()])
def test_internal_estimator_checks(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


@pytest.mark.parametrize(
    "estimator", [ImageReshaper(image_shape=(1, -1, 1)), OneHotLabelEncoder()]
)
def test_param_validation(estimator):
    estimator_checks.check_param_validation(type(estimator).__name__, estimator)


def test_estimator_tags():
    for estimator in (ImageFlattener(), ImageReshaper(), PixelScaler()):
        tags = get_tags(estimator)
        assert tags.input_tags.two_d_array
        assert tags.input_tags.three_d_array
    assert get_tags(PixelScaler()).input_tags.positive_only
    assert get_tags(PixelScaler()).transformer_tags.preserves_dtype == ["float32"]
    tags = get_tags(OneHotLabelEncoder())
    assert tags.target_tags.one_d_labels
    assert not tags.input_tags.two_d_array


# Common tests of the image transformers.


@every_transformer
@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@ignore_scaled  # booleans are in [0, 1]
def test_read_only_memmap_of_every_shape_and_dtype_is_accepted(
    transformer, sample_shape, dtype, tmp_path
):
    X = make_pixels(sample_shape, dtype)
    joblib.dump(X, tmp_path / "X.joblib")
    mapped = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    expected = transformer.fit(X).transform(X)
    actual = clone(transformer).fit(mapped).transform(mapped)
    np.testing.assert_array_equal(actual, expected, strict=True)


@every_transformer
@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_input_array_is_not_modified(transformer, sample_shape):
    X = make_pixels(sample_shape, "float32")
    before = X.copy()
    X_out = transformer.fit_transform(X)
    transformer.inverse_transform(X_out)
    np.testing.assert_array_equal(X, before, strict=True)


@every_transformer
@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_clone_and_pickle(transformer, sample_shape):
    X = make_pixels(sample_shape)
    transformer.set_output(transform="pandas").fit(X)
    restored = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(restored.transform(X), transformer.transform(X))
    cloned = clone(transformer)
    assert cloned.get_params() == transformer.get_params()
    with pytest.raises(NotFittedError):
        cloned.transform(X)
    assert type(cloned.fit_transform(X)) is type(transformer.transform(X))


@every_transformer
def test_unfitted_transformer_raises_not_fitted_error(transformer):
    X = make_pixels((12,))
    for method in (transformer.transform, transformer.inverse_transform):
        with pytest.raises(NotFittedError):
            method(X)
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()


@every_transformer
def test_transform_refuses_other_image_shape(transformer):
    transformer.fit(make_pixels((8, 6)))
    for other in [(8, 3), (6, 8), (48,), (8, 6, 1)]:
        with pytest.raises(ValueError, match=r"samples of shape") as error:
            transformer.transform(make_pixels(other))
        assert str(other) in str(error.value)
        assert str((8, 6)) in str(error.value)


@every_transformer
def test_transform_refuses_images_after_fit_on_flat_rows(transformer):
    transformer.fit(make_pixels((12,)))
    with pytest.raises(ValueError, match=r"shape \(12, 1\).* of shape \(12,\)"):
        transformer.transform(make_pixels((12, 1)))


@every_transformer
def test_single_image_error_suggests_adding_an_axis(transformer):
    X = make_pixels((4, 3))
    transformer.fit(X)
    with pytest.raises(ValueError, match=r"image\[None\]"):
        transformer.transform(X[0])


@every_transformer
@pytest.mark.parametrize("shape", [(5, 2, 2, 2, 2), (5, 0, 3)], ids=str)
def test_invalid_number_of_dimensions_is_refused(transformer, shape):
    with pytest.raises(ValueError, match="no empty axis"):
        transformer.fit(np.zeros(shape))


@every_transformer
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_nan_and_infinity_are_refused(transformer, sample_shape, value):
    X = make_pixels(sample_shape, "float64")
    transformer.fit(X)
    X[(0,) * X.ndim] = value
    with pytest.raises(ValueError, match="NaN|inf"):
        transformer.transform(X)
    with pytest.raises(ValueError, match="NaN|inf"):
        clone(transformer).fit(X)


@every_transformer
def test_feature_names_are_stored_and_checked(transformer):
    frame = make_frame(make_pixels((12,)))
    transformer.fit(frame)
    assert transformer.n_features_in_ == 12
    assert transformer.feature_names_in_.tolist() == frame.columns.tolist()
    with pytest.raises(ValueError, match="same order"):
        transformer.transform(frame.iloc[:, ::-1])


# Output containers.


@pytest.mark.parametrize("how", ["set_output", "global"])
@pytest.mark.parametrize("estimator", [ImageFlattener(), PixelScaler()])
def test_set_output_returns_dataframe_for_flat_output(estimator, how):
    frame = make_frame(make_pixels((12,)))
    transformer = clone(estimator)
    if how == "set_output":
        transformer.set_output(transform="pandas")
    with config_context(transform_output="default" if how != "global" else "pandas"):
        for out in (transformer.fit_transform(frame), transformer.transform(frame)):
            assert isinstance(out, pd.DataFrame)
            assert out.index.equals(frame.index)
            assert out.columns.equals(frame.columns)


@pytest.mark.parametrize("how", ["set_output", "global"])
@pytest.mark.parametrize(
    ("estimator", "sample_shape"),
    [
        (PixelScaler(), (4, 3)),
        (PixelScaler(), (2, 2, 3)),
        (ImageReshaper(image_shape=(4, 3)), (12,)),
        (ImageReshaper(image_shape=(4, 3, 1)), (4, 3)),
    ],
    ids=str,
)
def test_set_output_returns_ndarray_for_images(estimator, sample_shape, how):
    X = make_pixels(sample_shape)
    expected = clone(estimator).fit_transform(X)
    transformer = clone(estimator)
    if how == "set_output":
        transformer.set_output(transform="pandas")
    with config_context(transform_output="default" if how != "global" else "pandas"):
        for out in (transformer.fit_transform(X), transformer.transform(X)):
            assert type(out) is np.ndarray
            np.testing.assert_array_equal(out, expected, strict=True)


@pytest.mark.parametrize("how", ["set_output", "global"])
def test_set_output_of_pipeline_that_flattens_images(how):
    X = make_pixels((4, 3))
    for steps in [
        (ImageFlattener(), PixelScaler()),
        (PixelScaler(), ImageFlattener()),
        (ImageReshaper(image_shape=(4, 3, 1)), PixelScaler(), ImageFlattener()),
    ]:
        pipeline = make_pipeline(*steps)
        if how == "set_output":
            pipeline.set_output(transform="pandas")
        output = "default" if how != "global" else "pandas"
        with config_context(transform_output=output):
            out = pipeline.fit_transform(X)
        assert isinstance(out, pd.DataFrame)
        assert out.columns.tolist() == pipeline.get_feature_names_out().tolist()
        assert out.columns[4].startswith("pixel_1_1")
        assert (out.dtypes == np.float32).all()
        np.testing.assert_array_equal(
            out.to_numpy(), X.reshape(5, 12).astype("float32") / np.float32(255)
        )
        np.testing.assert_array_equal(pipeline.inverse_transform(out).ravel(), X.flat)


def test_set_output_after_fit_on_images():
    pipeline = make_pipeline(PixelScaler(), ImageFlattener()).fit(make_pixels((4, 3)))
    out = pipeline.set_output(transform="pandas").transform(make_pixels((4, 3)))
    assert isinstance(out, pd.DataFrame)


def test_set_output_of_subclass_that_overrides_transform():
    class Inverter(PixelScaler):
        def transform(self, X):
            return 1 - super().transform(X)

    with config_context(transform_output="pandas"):
        for sample_shape, container in [((4, 3), np.ndarray), ((12,), pd.DataFrame)]:
            X = make_pixels(sample_shape)
            out = Inverter().fit_transform(X)
            assert type(out) is container
            np.testing.assert_allclose(out, 1 - X / 255, atol=1e-7)


def test_column_transformer_scales_pixel_columns_only():
    frame = make_frame(make_pixels((12,))).assign(age=[20, 30, 40, 50, 60])
    columns = ColumnTransformer(
        [("pixels", make_pipeline(ImageFlattener(), PixelScaler()), slice(0, 12))],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    out = columns.fit_transform(frame)
    assert out.columns.tolist() == frame.columns.tolist()
    assert out["age"].tolist() == [20, 30, 40, 50, 60]
    np.testing.assert_allclose(
        out.iloc[:, :12], frame.iloc[:, :12].to_numpy() / 255, rtol=1e-6
    )


# ImageFlattener and ImageReshaper.


@settings(deadline=None)
@given(
    hnp.arrays(
        dtype=st.sampled_from(["uint8", "int64", "bool", "float32", "float64"]),
        shape=hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
        elements=None,
    ).filter(lambda X: np.isfinite(X).all())
)
def test_flattener_round_trip_is_exact(X):
    flattener = ImageFlattener().fit(X)
    flat = flattener.transform(X)
    assert flat.shape == (len(X), X[0].size)
    assert flattener.image_shape_ == X.shape[1:]
    assert len(flattener.get_feature_names_out()) == flat.shape[1]
    np.testing.assert_array_equal(flattener.inverse_transform(flat), X, strict=True)


@settings(deadline=None)
@given(
    n_samples=st.integers(1, 4),
    image_shape=st.lists(st.integers(1, 5), min_size=2, max_size=3).map(tuple),
    inferred=st.none() | st.integers(0, 2),
    dtype=st.sampled_from(DTYPES),
)
def test_reshaper_round_trip_is_exact(n_samples, image_shape, inferred, dtype):
    X = make_pixels((int(np.prod(image_shape)),), dtype, n_samples)
    requested = list(image_shape)
    if inferred is not None and inferred < len(requested):
        requested[inferred] = -1
    reshaper = ImageReshaper(image_shape=tuple(requested)).fit(X)
    images = reshaper.transform(X)
    assert reshaper.image_shape_ == image_shape
    np.testing.assert_array_equal(images, X.reshape(n_samples, *image_shape))
    np.testing.assert_array_equal(reshaper.inverse_transform(images), X, strict=True)
    np.testing.assert_array_equal(ImageFlattener().fit_transform(images), X)


@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_flattener_and_reshaper_return_views(sample_shape):
    X = make_pixels(sample_shape)
    flattener, reshaper = ImageFlattener().fit(X), ImageReshaper((3, -1)).fit(X)
    flat, images = flattener.transform(X), reshaper.transform(X)
    for view in (
        flat,
        images,
        flattener.inverse_transform(flat),
        reshaper.inverse_transform(images),
    ):
        assert np.shares_memory(view, X)


def test_feature_names_out_of_images():
    flattener = ImageFlattener().fit(make_pixels((2, 2)))
    expected = ["pixel_0_0", "pixel_0_1", "pixel_1_0", "pixel_1_1"]
    assert flattener.get_feature_names_out().tolist() == expected
    names = ImageFlattener().fit(make_pixels((10, 11, 3))).get_feature_names_out()
    assert names[-1] == "pixel_9_10_2"
    assert names[1] == "pixel_0_0_1"
    reshaper = ImageReshaper(image_shape=(2, 2)).fit(make_pixels((4,)))
    assert reshaper.get_feature_names_out().tolist() == expected


def test_feature_names_out_of_flat_rows():
    flattener = ImageFlattener().fit(make_pixels((3,)))
    assert flattener.image_shape_ == (3,)
    assert flattener.get_feature_names_out().tolist() == ["x0", "x1", "x2"]
    assert flattener.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


def test_inverse_transform_refuses_other_shape():
    flattener = ImageFlattener().fit(make_pixels((4, 3)))
    with pytest.raises(ValueError, match=r"shape \(5, 11\).* of shape \(12,\)"):
        flattener.inverse_transform(make_pixels((11,)))
    reshaper = ImageReshaper(image_shape=(4, 3)).fit(make_pixels((12,)))
    with pytest.raises(ValueError, match=r"of shape \(3, 4\).* of shape \(4, 3\)"):
        reshaper.inverse_transform(make_pixels((3, 4)))


def test_default_image_shape_adds_channel_axis():
    images = make_pixels((28, 28))
    reshaper = ImageReshaper().fit(images)
    np.testing.assert_array_equal(reshaper.transform(images), images[..., None])
    assert reshaper.inverse_transform(images[..., None]).shape == (5, 784)


@pytest.mark.parametrize(
    ("image_shape", "required"),
    [((28, 28, 1), "784"), ((3, 4), "12"), ((5, -1), "a multiple of 5"), ((2, 5), 10)],
    ids=str,
)
def test_wrong_number_of_features_is_refused(image_shape, required):
    with pytest.raises(ValueError, match=f"X has 64 features.*requires {required}"):
        ImageReshaper(image_shape=image_shape).fit(make_pixels((64,)))


@pytest.mark.parametrize(
    "image_shape",
    [
        (),
        (64,),
        (8, 8, 1, 1),
        (-1, -1),
        (8, 0),
        (-2, 8),
        (8.0, 8.0),
        (True, 64),
        ("8", 8),
        (None, 8),
    ],
    ids=str,
)
def test_invalid_image_shape_is_refused(image_shape):
    reshaper = ImageReshaper(image_shape=image_shape)
    with pytest.raises(ValueError, match="image_shape must be") as error:
        reshaper.fit(make_pixels((64,)))
    assert repr(image_shape) in str(error.value)


# PixelScaler.


@settings(deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    max_value=st.sampled_from([1, 16, 255, 65535, 0.5, 1000.0, np.float64(255)]),
    shape=hnp.array_shapes(min_dims=2, max_dims=4, max_side=4),
)
def test_pixels_are_scaled_to_0_1(data, dtype, max_value, shape):
    if dtype in ("float32", "float64"):
        # All values of max_value are exact in float32, so rounding cannot exceed them.
        elements = st.floats(0, float(max_value), width=int(dtype[-2:]))
    else:
        highest = {"bool": 1, "uint8": 255, "int64": 65535}[dtype]
        elements = st.integers(0, min(highest, int(max_value)))
    X = data.draw(hnp.arrays(dtype, shape, elements=elements))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X looks scaled already")
        scaler = PixelScaler(max_value=max_value).fit(X)
    out = scaler.transform(X)
    assert out.dtype == np.float32
    assert out.shape == X.shape
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_allclose(out, X / float(max_value), rtol=3e-7, atol=1e-37)
    back = scaler.inverse_transform(out)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, X.astype(float), rtol=3e-7, atol=1e-37)


@pytest.mark.parametrize("max_value", [1, 16, 255, 4095, 65535])
def test_integer_pixels_round_trip_exactly(max_value):
    X = np.arange(max_value + 1)[None]
    scaler = PixelScaler(max_value=max_value).fit(X)
    np.testing.assert_array_equal(scaler.inverse_transform(scaler.transform(X)), X)


@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_scaling_does_not_depend_on_dtype(sample_shape):
    X = make_pixels(sample_shape)
    expected = PixelScaler().fit_transform(X)
    for dtype in ["int64", "uint16", "float32", "float64", "object"]:
        scaler = PixelScaler().fit(X)
        out = scaler.transform(X.astype(dtype))
        np.testing.assert_array_equal(out, expected, strict=True)


def test_scaling_returns_a_new_array():
    X = make_pixels((4, 3), "float32")
    out = PixelScaler(max_value=255).fit_transform(X)
    assert not np.shares_memory(out, X)


@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (256, "Values above max_value=255 .*the largest is 256"),
        (-1, "Negative values in data .*the smallest is -1.*max_value=255"),
    ],
)
@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
def test_pixels_out_of_range_are_refused(sample_shape, value, message, dtype):
    X = make_pixels(sample_shape, dtype)
    scaler = PixelScaler().fit(X)
    X[(0,) * X.ndim] = value
    with pytest.raises(ValueError, match=message):
        scaler.transform(X)
    with pytest.raises(ValueError, match=message):
        PixelScaler().fit(X)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
@pytest.mark.parametrize("sample_shape", LAYOUTS, ids=str)
def test_scaled_pixels_warn_at_fit(sample_shape, dtype):
    X = make_pixels(sample_shape, "bool").astype(dtype)
    with pytest.warns(UserWarning, match="looks scaled already.*max_value=255") as log:
        PixelScaler().fit(X)
    assert [warning.filename for warning in log] == [__file__]


@pytest.mark.parametrize(
    ("X", "max_value"),
    [
        (make_pixels((4, 3), "bool").astype("uint8"), 255),  # dark or binary image
        (np.zeros((5, 12)), 255),
        (np.zeros((5, 12), bool), 255),
        (make_pixels((12,), "bool").astype("float64"), 1),
        (make_pixels((12,), "bool"), 1),
        (np.full((5, 12), 1.01), 255),
    ],
    ids=["uint8 in 0, 1", "zeros", "False", "0 to 1", "binary", "above 1"],
)
def test_unscaled_pixels_do_not_warn_at_fit(X, max_value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PixelScaler(max_value=max_value).fit(X)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_dark_image_does_not_warn_at_transform(value):
    scaler = PixelScaler().fit(make_pixels((4, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = scaler.transform(np.full((1, 4, 3), value))
    np.testing.assert_allclose(out, value / 255)


def test_inverse_transform_does_not_round_or_clip():
    scaler = PixelScaler().fit(make_pixels((2,)))
    np.testing.assert_allclose(
        scaler.inverse_transform([[-0.1, 1.1]]), [[-25.5, 280.5]], rtol=1e-6
    )


# OneHotLabelEncoder.

label_lists = st.one_of(
    st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=20),
    st.lists(st.integers(0, 9).map(float), min_size=1, max_size=20),
    st.lists(st.booleans(), min_size=1, max_size=20),
    # NumPy strips trailing NULs from fixed-width strings.
    st.lists(
        st.text(max_size=5).map(lambda s: s.replace("\0", "")), min_size=1, max_size=20
    ),
).map(np.array)


@pytest.mark.slow
@settings(deadline=None)
@given(label_lists, st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_encoder_round_trip_is_exact(y, as_objects, dtype):
    if y.dtype.kind == "U" and as_objects:
        y = y.astype(object)
    encoder = OneHotLabelEncoder(dtype=dtype).fit(y)
    Y = encoder.transform(y)
    assert Y.dtype == dtype
    assert Y.shape == (len(y), len(encoder.classes_))
    assert np.isin(Y, [0, 1]).all()
    np.testing.assert_array_equal(Y.sum(axis=1), np.ones(len(y)))
    np.testing.assert_array_equal(encoder.inverse_transform(Y), y, strict=True)
    np.testing.assert_array_equal(encoder.classes_, np.unique(y), strict=True)


@pytest.mark.parametrize(
    "y", [[3, 1, 2, 3], list("bcab"), np.array(list("bcab"), object)], ids=repr
)
def test_multiclass_encoding_matches_label_binarizer(y):
    encoder, binarizer = OneHotLabelEncoder(), LabelBinarizer()
    Y = encoder.fit_transform(y)
    np.testing.assert_array_equal(Y, binarizer.fit_transform(y))
    np.testing.assert_array_equal(
        encoder.inverse_transform(Y), binarizer.inverse_transform(Y)
    )
    np.testing.assert_array_equal(encoder.classes_, binarizer.classes_)


@pytest.mark.parametrize("y", [[5, 3, 5], ["b", "a", "b"], [True, False, True]])
def test_two_classes_give_two_columns(y):
    Y = OneHotLabelEncoder().fit_transform(y)
    np.testing.assert_array_equal(Y, [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(Y[:, 1:], LabelBinarizer().fit_transform(y))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool", "<U7", "float32"])
def test_inverse_transform_preserves_label_dtype(dtype):
    y = np.array([1, 0, 1]).astype(dtype)
    encoder = OneHotLabelEncoder().fit(y)
    assert encoder.inverse_transform([[0.2, 0.8]]).dtype == dtype


def test_inverse_transform_returns_most_probable_label():
    encoder = OneHotLabelEncoder().fit(["cat", "dog", "owl"])
    proba = pd.DataFrame([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0, 0, 0]])
    assert encoder.inverse_transform(proba).tolist() == ["dog", "cat", "cat"]


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        ([1, 2], [2, 7, 8, 7], r"\[7, 8\].*\[1, 2\]"),
        ([1, 2], [1.5], r"\[1.5\]"),
        ([1, 2], [np.nan], r"\[nan\]"),
        ([1, 2], ["1"], r"\['1'\]"),
        (["1", "2"], [1], r"\[1\]"),
        (range(30), ["1"], r"\['1'\]"),
        (list("0123456789abcdef"), [1], r"\[1\]"),
        (["cat"], ["catfish"], r"\['catfish'\].*\['cat'\]"),
        (np.array(["cat"], object), [False], r"\[False\]"),
        (np.array([1, 44], "uint8"), [300], r"\[300\]"),  # 300 % 256 == 44
        (range(30), [30], r"\[30\].*9, \.\.\. \(30 in all\)"),
    ],
    ids=repr,
)
def test_unseen_labels_are_refused(classes, labels, message):
    encoder = OneHotLabelEncoder().fit(classes)
    with pytest.raises(ValueError, match=f"labels that fit did not see: {message}"):
        encoder.transform(labels)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "0 samples"),
        ([1.0, np.nan], "NaN"),
        ([1.0, np.inf], "infinity"),
        (["a", None], "label None of type NoneType"),
        (np.array(["a", np.nan], object), "label nan of type float"),
        (pd.Series(["a", None]), "label (nan|None) of type"),
        (pd.Series([1, None], dtype="Int64"), "NaN"),
        (np.array([1, 2], object), "label 1 of type int"),
        ([0.5, 1.5], "continuous"),
        ([[0, 1], [1, 0]], r"1d array, got an array of shape \(2, 2\)"),
        (np.array(["2020-01-01"], "M8[D]"), r"dtype datetime64\[D\] are not supported"),
        (np.array([b"a"]), r"dtype \|S1 are not supported"),
    ],
    ids=str,
)
def test_invalid_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        OneHotLabelEncoder().fit(y)


def test_empty_input_is_refused():
    encoder = OneHotLabelEncoder().fit([0, 1])
    with pytest.raises(ValueError, match="0 samples"):
        encoder.transform([])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        encoder.inverse_transform(np.empty((0, 2)))


@pytest.mark.parametrize("n_columns", [1, 3])
def test_wrong_number_of_columns_is_refused(n_columns):
    encoder = OneHotLabelEncoder().fit(["a", "b"])
    with pytest.raises(ValueError, match=rf"{n_columns} columns, expected 2.*'a', 'b'"):
        encoder.inverse_transform(np.ones((4, n_columns)))


def test_many_classes_do_not_warn_about_regression():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert OneHotLabelEncoder().fit_transform(range(62)).shape == (62, 62)


@pytest.mark.parametrize("make", [np.array, pd.Series, list], ids=repr)
def test_column_vector_of_labels_is_accepted(make):
    encoder = OneHotLabelEncoder()
    expected = encoder.fit_transform(make([2, 0, 1]))
    column = np.array([[2], [0], [1]])
    np.testing.assert_array_equal(encoder.fit_transform(column), expected)


@pytest.mark.parametrize("how", ["set_output", "global"])
@pytest.mark.parametrize("as_column", [False, True], ids=["series", "frame"])
def test_set_output_of_encoder_returns_dataframe_with_index(how, as_column):
    y = pd.Series(["dog", "cat", "dog"], index=[10, 20, 30], name="animal")
    # scikit-learn < 1.8 preserves the index of a DataFrame, but not of a Series.
    keeps_index = as_column or parse_version(sklearn.__version__) >= parse_version(
        "1.8"
    )
    expected = pd.DataFrame(
        np.array([[0, 1], [1, 0], [0, 1]], np.float32),
        columns=["cat", "dog"],
        index=y.index if keeps_index else None,
    )
    labels = y.to_frame() if as_column else y
    encoder = OneHotLabelEncoder()
    if how == "set_output":
        encoder.set_output(transform="pandas")
    with config_context(transform_output="default" if how != "global" else "pandas"):
        for Y in (encoder.fit_transform(labels), encoder.transform(labels)):
            pd.testing.assert_frame_equal(Y, expected)
    assert encoder.inverse_transform(Y).tolist() == y.tolist()


def test_encoder_feature_names_out():
    names = OneHotLabelEncoder().fit([7, 3]).get_feature_names_out()
    assert names.dtype == object
    assert names.tolist() == ["3", "7"]


def test_encoder_clone_and_pickle():
    encoder = OneHotLabelEncoder(dtype=np.float64).fit(["b", "a"])
    restored = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(restored.transform(["a"]), [[1, 0]])
    assert clone(encoder).get_params() == {"dtype": np.float64}
    with pytest.raises(NotFittedError):
        clone(encoder).transform(["a"])
    with pytest.raises(NotFittedError):
        clone(encoder).inverse_transform([[1, 0]])


def test_encoder_accepts_read_only_arrays():
    y = np.array([2, 0, 1])
    y.flags.writeable = False
    Y = OneHotLabelEncoder().fit_transform(y)
    Y.flags.writeable = False
    np.testing.assert_array_equal(OneHotLabelEncoder().fit(y).inverse_transform(Y), y)
