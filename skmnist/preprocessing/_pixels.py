"""Transformer that scales pixels to [0, 1]."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skmnist._callbacks import reports_fit
from skmnist.preprocessing._base import ImageOutputMixin, ImageTransformer

if TYPE_CHECKING:
    from typing import Any, Self

    import pandas as pd
    from sklearn.utils import Tags

    from skmnist._typing import ArrayLike


class PixelScaler(ImageOutputMixin, ImageTransformer):
    """Scale pixels to float32 values in [0, 1].

    The transformation is ``X / max_value``, returned as a new array. It depends on the
    values only and not on their dtype: 255 is scaled to 1 as uint8 and as float64.
    Nothing is learnt from the data, so training, validation and test images are scaled
    identically.

    Parameters
    ----------
    max_value : float, default=255
        Largest value that a pixel can have: 255 for 8-bit images, 65535 for 16-bit
        images, 16 for :func:`sklearn.datasets.load_digits`.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of a sample seen during fit: (height, width), (height, width, channels),
        or (n_features,) for flat input.
    n_features_in_ : int
        Size of the second axis of X seen during fit: the number of features of flat
        input, or the height of images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit. Defined only if X has feature names that are
        all strings.

    Warns
    -----
    UserWarning
        In `fit`, if X consists of floats or booleans, its maximum is in (0, 1] and
        `max_value` is greater than 1, which suggests that X is already scaled. There is
        no warning for integers, and none in `transform`, where a single dark image can
        have such values.

    See Also
    --------
    sklearn.preprocessing.MinMaxScaler : Scale each feature to a range learnt from the
        data, so that the pixels of an image are scaled differently.

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

    def __init__(self, max_value: float = 255) -> None:
        self.max_value = max_value

    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Check the range of the pixels and store the shape of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Pixels in [0, `max_value`].
        y : None
            Ignored.

        Returns
        -------
        self : PixelScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If a pixel is negative, greater than `max_value`, NaN or infinite, or if X
            is empty or does not have two to four dimensions.
        """
        X = self._validate_samples(X, reset=True)
        self._check_range(X)
        self.image_shape_: tuple[int, ...] = self._sample_shape
        if X.dtype.kind in "fb" and 0 < X.max() <= 1 < self.max_value:
            warnings.warn(
                f"X looks scaled already: its largest pixel is {X.max():g}, but "
                f"PixelScaler divides by max_value={self.max_value}. Omit PixelScaler, "
                "or set max_value to the largest value a pixel can have.",
                UserWarning,
                stacklevel=4,
            )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Scale the pixels to [0, 1].

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Pixels in [0, `max_value`].

        Returns
        -------
        X_out : ndarray or DataFrame of shape (n_samples, *image_shape_), float32
            Pixels in [0, 1]. A DataFrame only for flat input, if set with `set_output`.

        Raises
        ------
        ValueError
            If a pixel is negative, greater than `max_value`, NaN or infinite, or if the
            samples differ in shape from those seen during fit.
        """
        X = self._validate_samples(X, reset=False)
        self._check_range(X)
        return np.divide(X, np.float32(self.max_value), dtype=np.float32)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Scale pixels in [0, 1] back to [0, `max_value`].

        The result is neither rounded nor clipped. To obtain 8-bit images, apply
        ``.round().clip(0, 255).astype("uint8")`` to it.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Scaled pixels.

        Returns
        -------
        X_original : ndarray of shape (n_samples, *image_shape_), float32
            Pixels in [0, `max_value`].

        Raises
        ------
        ValueError
            If the samples differ in shape from those seen during fit.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=np.float32, allow_nd=True)
        self._check_sample_shape(X.shape)
        return X * np.float32(self.max_value)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check_range(self, X):
        """Raise ValueError if a pixel is outside [0, `max_value`]."""
        low, high = X.min(), X.max()
        if low < 0:
            raise ValueError(
                f"Negative values in data passed to PixelScaler: the smallest is {low}"
                f", expected 0 to max_value={self.max_value}. Pass raw pixels instead "
                "of standardised ones, and clip negative values due to resampling."
            )
        if high > self.max_value:
            raise ValueError(
                f"Values above max_value={self.max_value} in data passed to "
                f"PixelScaler: the largest is {high}. Set max_value to the largest "
                "value a pixel can have, 65535 for 16-bit images."
            )
