"""Pixels to float32 in [0, 1]."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skmnist.preprocessing._base import ImageOutputMixin, ImageTransformer


class PixelScaler(ImageOutputMixin, ImageTransformer):
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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

    __module__ = "skmnist.preprocessing"

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
            Pixels in [0, 1], float32. A DataFrame on request, for flat input.

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
            Pixels in [0, `max_value`], float32.

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
