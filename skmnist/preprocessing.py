"""Transformers between flat rows, images, pixels in [0, 1] and one-hot labels."""

import functools
import inspect
import math
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, Options
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

__all__ = ["ImageFlattener", "ImageReshaper", "OneHotLabelEncoder", "PixelScaler"]


class _ImageTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Takes flat rows or images, and holds every later call to the fitted shape."""

    def get_feature_names_out(self, input_features=None):
        """Name the output's pixels.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of flat input, by default those seen at fit or ``x0``, ``x1``, ...
            Images have none, and this is ignored.

        Returns
        -------
        feature_names_out : ndarray of shape (n_pixels,) of str objects
            The input's names for flat rows; for images
            ``pixel_{row}_{column}[_{channel}]``, rows first and channels last.
        """
        check_is_fitted(self)
        if len(self.image_shape_) == 1:
            return super().get_feature_names_out(input_features)
        return np.array(
            ["_".join(["pixel", *map(str, i)]) for i in np.ndindex(self.image_shape_)],
            dtype=object,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = [
            "bool",
            "uint8",
            "int64",
            "float32",
            "float64",
        ]
        return tags

    def _validate_samples(self, X, *, reset):
        if not reset:
            check_is_fitted(self)
            shape = tuple(X.shape if hasattr(X, "shape") else np.asarray(X).shape)
            # Flat rows are left to scikit-learn, which names missing columns.
            if len(shape) > 2 or len(self._sample_shape) > 1:
                self._check_sample_shape(shape)
        X = validate_data(self, X, reset=reset, allow_nd=True)
        if reset:
            if X.ndim > 4 or not X.size:
                raise ValueError(
                    "Expected X of shape (n_samples, n_features) or (n_samples, "
                    f"height, width[, channels]) with no empty axis, got {X.shape}."
                )
            self._sample_shape = X.shape[1:]
        return X

    def _check_sample_shape(self, shape, expected=None):
        expected = self._sample_shape if expected is None else expected
        if shape[1:] != expected:
            hint = (
                " Hand a single image over as image[None]." if shape == expected else ""
            )
            raise ValueError(
                f"X of shape {shape} has samples of shape {shape[1:]}, but "
                f"{type(self).__name__} expects samples of shape {expected}.{hint}"
            )


class _ImageOutputMixin:
    """Keeps image-shaped output an array, whatever `set_output` asks for.

    scikit-learn replaces the `transform` that a subclass of TransformerMixin defines
    with one that puts the result into a DataFrame on request, and that fails on images.
    Opting out with ``auto_wrap_output_keys=None`` would take `set_output` away as well,
    and then the `set_output` of a Pipeline refuses the step. So both versions of
    `transform` are kept and the fitted layout chooses. This class is itself no
    TransformerMixin, which leaves its `fit_transform` as written.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        framing = cls.transform
        plain = inspect.unwrap(framing)

        @functools.wraps(plain)
        def transform(self, X):
            gives_images = len(getattr(self, "image_shape_", ())) > 1
            return plain(self, X) if gives_images else framing(self, X)

        cls.transform = transform

    def fit_transform(self, X, y=None):
        """Fit to X, then transform it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : object, default=None
            Ignored.

        Returns
        -------
        X_out : ndarray or DataFrame
            What `transform` returns.
        """
        return self.fit(X, y).transform(X)


class ImageFlattener(_ImageTransformer):
    """Turn images into flat rows, pixels in row-major order.

    The values and their dtype stay as they are. Flat input passes through.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of a sample at fit: (height, width), (height, width, channels), or
        (n_features,) for flat input.
    n_features_in_ : int
        Length of the axis after the samples: the features of flat input, the height of
        images.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of X, where it had some.

    See Also
    --------
    ImageReshaper : The way back for data that came flat.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import ImageFlattener
    >>> images = np.arange(8, dtype="uint8").reshape(2, 2, 2)
    >>> flattener = ImageFlattener().fit(images)
    >>> flattener.transform(images)
    array([[0, 1, 2, 3],
           [4, 5, 6, 7]], dtype=uint8)
    >>> flattener.get_feature_names_out().tolist()
    ['pixel_0_0', 'pixel_0_1', 'pixel_1_0', 'pixel_1_1']
    """

    _parameter_constraints = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Remember the shape of a sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : ImageFlattener
            The fitted transformer.

        Raises
        ------
        ValueError
            If X holds no numbers, NaN or infinity, or has another number of axes.
        """
        self._validate_samples(X, reset=True)
        self.image_shape_ = self._sample_shape
        return self

    def transform(self, X):
        """Flatten every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Samples of the fitted shape.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_pixels), or DataFrame
            Of the dtype of X. A view of it where memory layout allows.

        Raises
        ------
        ValueError
            If the samples have another shape than those of `fit`.
        """
        X = self._validate_samples(X, reset=False)
        return X.reshape(len(X), -1)

    def inverse_transform(self, X):
        """Give flat rows the fitted shape back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Flat rows.

        Returns
        -------
        X_original : ndarray of shape (n_samples, *image_shape_)
            Of the dtype of X. A view of it where memory layout allows.

        Raises
        ------
        ValueError
            If the rows have another length than `transform` gives.
        """
        check_is_fitted(self)
        X = check_array(X)
        self._check_sample_shape(X.shape, expected=(math.prod(self.image_shape_),))
        return X.reshape(len(X), *self.image_shape_)


class ImageReshaper(_ImageOutputMixin, _ImageTransformer):
    """Lay flat rows out as images, pixels in row-major order.

    The values and their dtype stay as they are. Images are taken too and laid out anew,
    which is how (n, 28, 28) gets its axis of channels. The output is always an array,
    also after ``set_output(transform="pandas")``.

    Parameters
    ----------
    image_shape : tuple of int, default=(28, 28, 1)
        (height, width) or (height, width, channels). One entry may be -1, and is then
        worked out from the number of features.

    Attributes
    ----------
    image_shape_ : tuple of int
        `image_shape` with -1 worked out.
    n_features_in_ : int
        Length of the axis after the samples: the features of flat input, the height of
        images.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of X, where it had some.

    See Also
    --------
    ImageFlattener : The other direction.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import ImageReshaper
    >>> X = np.zeros((5, 64), dtype="uint8")
    >>> ImageReshaper(image_shape=(8, -1)).fit_transform(X).shape
    (5, 8, 8)
    """

    _parameter_constraints = {"image_shape": [tuple, list]}

    def __init__(self, image_shape=(28, 28, 1)):
        self.image_shape = image_shape

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check that the samples fill images of the shape asked for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : ImageReshaper
            The fitted transformer.

        Raises
        ------
        ValueError
            If `image_shape` is no image's shape, or the features do not fill it.
        """
        _check_image_shape(self.image_shape)
        self._validate_samples(X, reset=True)
        self.image_shape_ = _resolve_shape(
            self.image_shape, math.prod(self._sample_shape)
        )
        return self

    def transform(self, X):
        """Lay every sample out as an image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the shape they had at fit.

        Returns
        -------
        X_out : ndarray of shape (n_samples, *image_shape_)
            Of the dtype of X. A view of it where memory layout allows.

        Raises
        ------
        ValueError
            If the samples have another shape than those of `fit`.
        """
        X = self._validate_samples(X, reset=False)
        return X.reshape(len(X), *self.image_shape_)

    def inverse_transform(self, X):
        """Flatten images again.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Images.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_pixels)
            Flat rows, of the dtype of X. A view of it where memory layout allows.

        Raises
        ------
        ValueError
            If the images have another shape than `image_shape_`.
        """
        check_is_fitted(self)
        X = check_array(X, allow_nd=True)
        self._check_sample_shape(X.shape, expected=self.image_shape_)
        return X.reshape(len(X), -1)


class PixelScaler(_ImageOutputMixin, _ImageTransformer):
    """Bring pixels to float32 in [0, 1].

    A pixel x becomes x / `max_value`, in a new array. A number means the same in every
    dtype: 255 becomes 1 as uint8 and as float64. Nothing is learnt from the data, so
    training, validation and test images are scaled alike.

    Parameters
    ----------
    max_value : float, default=255
        The largest value a pixel can have: 255 for 8-bit images, 16 for
        :func:`sklearn.datasets.load_digits`, 65535 for 16-bit images.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of a sample at fit: (height, width), (height, width, channels), or
        (n_features,) for flat input.
    n_features_in_ : int
        Length of the axis after the samples: the features of flat input, the height of
        images.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of X, where it had some.

    Warns
    -----
    UserWarning
        At fit, if X holds floats or booleans, not all zero and none above 1, where
        `max_value` is: they look scaled already. Integers never cause it, and
        `transform` never does, because a single dark image may well look like that.

    See Also
    --------
    sklearn.preprocessing.MinMaxScaler : Learns a range for each feature, so that it
        stretches each pixel differently.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import PixelScaler
    >>> X = np.array([[0, 51, 255]], dtype="uint8")
    >>> PixelScaler().fit_transform(X)
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    _parameter_constraints = {"max_value": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, max_value=255):
        self.max_value = max_value

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the range of the pixels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Pixels in [0, `max_value`].
        y : object, default=None
            Ignored.

        Returns
        -------
        self : PixelScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If a pixel is negative, above `max_value`, NaN or infinite.
        """
        X = self._validate_samples(X, reset=True)
        self._check_range(X)
        self.image_shape_ = self._sample_shape
        if X.dtype.kind in "fb" and 0 < X.max() <= 1 < self.max_value:
            warnings.warn(
                f"X looks scaled already: its largest pixel is {X.max():g}, and "
                f"max_value={self.max_value} will be divided by. Leave PixelScaler "
                "out, or set max_value to the largest value a pixel can have.",
                UserWarning,
                stacklevel=3,
            )
        return self

    def transform(self, X):
        """Scale the pixels.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Pixels in [0, `max_value`].

        Returns
        -------
        X_out : ndarray of shape (n_samples, *image_shape_), or DataFrame
            float32, in [0, 1]. A DataFrame on request, for flat input.

        Raises
        ------
        ValueError
            If a pixel is negative, above `max_value`, NaN or infinite, or the samples
            have another shape than those of `fit`.
        """
        X = self._validate_samples(X, reset=False)
        self._check_range(X)
        return np.divide(X, np.float32(self.max_value), dtype=np.float32)

    def inverse_transform(self, X):
        """Bring values in [0, 1] back to pixels in [0, `max_value`].

        Nothing is rounded or clipped: for 8-bit images that is
        ``X.round().clip(0, 255).astype("uint8")`` on the result.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Scaled pixels.

        Returns
        -------
        X_original : ndarray of shape (n_samples, *image_shape_)
            float32.

        Raises
        ------
        ValueError
            If the samples have another shape than those of `fit`.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=np.float32, allow_nd=True)
        self._check_sample_shape(X.shape)
        return X * np.float32(self.max_value)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check_range(self, X):
        low, high = X.min(), X.max()
        if low < 0:
            raise ValueError(
                f"Negative values in data passed to PixelScaler: the smallest is {low}"
                f", expected 0 to max_value={self.max_value}. Pass raw pixels, not "
                "standardised ones, and clip what resampling has overshot."
            )
        if high > self.max_value:
            raise ValueError(
                f"Values above max_value={self.max_value} in data passed to "
                f"PixelScaler: the largest is {high}. Set max_value to the largest "
                "value a pixel can have, 65535 for 16-bit images."
            )


class OneHotLabelEncoder(TransformerMixin, BaseEstimator):
    """Encode labels as one-hot rows, and rows of probabilities as labels.

    One column for each class, in sorted order; two classes give two columns, as a
    softmax has them. It takes `y`, so it is no step of a Pipeline: the classifiers
    apply it by themselves.

    Parameters
    ----------
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted, of the dtype they came in.

    See Also
    --------
    sklearn.preprocessing.LabelBinarizer : Gives one column for two classes.

    Examples
    --------
    >>> from skmnist import OneHotLabelEncoder
    >>> encoder = OneHotLabelEncoder().fit(["dog", "cat", "dog"])
    >>> encoder.transform(["cat", "dog"])
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    >>> encoder.inverse_transform([[0.3, 0.7]])
    array(['dog'], dtype='<U3')
    """

    _parameter_constraints = {"dtype": [Options(type, {np.float32, np.float64})]}

    def __init__(self, dtype=np.float32):
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, y):
        """Learn the classes.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels: integers, booleans, strings, or floats that are whole numbers.

        Returns
        -------
        self : OneHotLabelEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If y is empty or of another shape, or a label is missing, continuous or of
            another type.
        """
        y = _check_labels(y)
        if y.dtype.kind == "f":
            check_classification_targets(y)
        # The global transform_output must not reach the inner encoder.
        encoder = OneHotEncoder(sparse_output=False, dtype=self.dtype)
        self._encoder = encoder.set_output(transform="default").fit(y.reshape(-1, 1))
        self.classes_ = self._encoder.categories_[0]
        return self

    # Positional, as the wrapper of `set_output` knows the argument by no other name.
    def fit_transform(self, y, /):
        """Learn the classes and encode the labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_classes), or DataFrame
            One-hot rows of type `dtype`.
        """
        return self.fit(y).transform(y)

    def transform(self, y, /):
        """Encode labels.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, 1)
            Labels among `classes_`.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_classes), or DataFrame
            One-hot rows of type `dtype`.

        Raises
        ------
        ValueError
            If y is empty or of another shape, or a label is not among `classes_`.
        """
        check_is_fitted(self)
        y = _check_labels(y)
        # NumPy compares text with numbers by making text of the numbers.
        comparable = _is_text(y) == _is_text(self.classes_)
        unseen = np.setdiff1d(y, self.classes_) if comparable else np.unique(y)
        if unseen.size:
            raise ValueError(
                f"y contains labels that fit did not see: {_abridge(unseen)}; "
                f"the classes are {_abridge(self.classes_)}."
            )
        return self._encoder.transform(y.reshape(-1, 1))

    def inverse_transform(self, Y):
        """Return the label of the largest entry of each row.

        Parameters
        ----------
        Y : array-like of shape (n_samples, n_classes)
            One-hot rows or probabilities. Of equal entries the first counts.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels, of the dtype of `classes_`.

        Raises
        ------
        ValueError
            If Y has not one column for each class.
        """
        check_is_fitted(self)
        Y = check_array(Y, input_name="Y")
        if Y.shape[1] != len(self.classes_):
            raise ValueError(
                f"Y has {Y.shape[1]} columns, expected {len(self.classes_)}: one for "
                f"each of the classes {_abridge(self.classes_)}."
            )
        return self.classes_[Y.argmax(axis=1)]

    def get_feature_names_out(self):
        """Name the columns after the labels.

        Returns
        -------
        feature_names_out : ndarray of shape (n_classes,) of str objects
            The labels as text.
        """
        check_is_fitted(self)
        return np.array([str(label) for label in self.classes_], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.one_d_labels = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _check_image_shape(image_shape):
    entries_are_valid = all(
        isinstance(entry, Integral)
        and not isinstance(entry, bool)
        and (entry >= 1 or entry == -1)
        for entry in image_shape
    )
    if not (
        len(image_shape) in (2, 3)
        and entries_are_valid
        and list(image_shape).count(-1) <= 1
    ):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels) in "
            f"integers of at least 1, of which one may be -1; got {image_shape!r}."
        )


def _resolve_shape(image_shape, n_pixels):
    known = math.prod(entry for entry in image_shape if entry != -1)
    free, left_over = divmod(n_pixels, known)
    if left_over or (-1 not in image_shape and free != 1):
        wanted = f"a multiple of {known}" if -1 in image_shape else known
        raise ValueError(
            f"X has {n_pixels} features, but image_shape={image_shape!r} needs "
            f"{wanted}. Set image_shape to the images' own."
        )
    return tuple(free if entry == -1 else int(entry) for entry in image_shape)


def _check_labels(y):
    y = column_or_1d(y)
    if not y.size:
        raise ValueError("y has 0 samples, expected at least one label.")
    if y.dtype.kind == "O":
        others = [label for label in y if not isinstance(label, str)]
        if others:
            raise ValueError(
                f"y holds the label {others[0]!r} of type {type(others[0]).__name__} "
                "in an array of objects, which must all be str. Drop the samples with "
                "missing labels, or convert y with y.astype(int) or y.astype(str)."
            )
    elif y.dtype.kind not in "biufU":
        raise ValueError(
            f"Labels of dtype {y.dtype} are not supported: expected integers, booleans "
            "or strings. Convert y with y.astype(str)."
        )
    return y


def _is_text(labels):
    return labels.dtype.kind in "OU"


def _abridge(labels, n=10):
    """Show the first labels of an array."""
    shown = ", ".join(repr(label) for label in labels[:n].tolist())
    return f"[{shown}, ... ({len(labels)} in all)]" if len(labels) > n else f"[{shown}]"
