"""Transformers between images and flat rows."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING

from sklearn.base import _fit_context
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmnist._callbacks import reports_fit
from skmnist.preprocessing._base import ImageOutputMixin, ImageTransformer

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy as np
    import pandas as pd

    from skmnist._typing import ArrayLike, Shape


class ImageFlattener(ImageTransformer):
    """Flatten images into rows of pixels in row-major order.

    Values and dtype are preserved. Flat input is returned unchanged.

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

    See Also
    --------
    ImageReshaper : Reshape flat rows to images.

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

    __module__ = "skmnist.preprocessing"

    _parameter_constraints = {}

    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Store the shape of the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : None
            Ignored.

        Returns
        -------
        self : ImageFlattener
            The fitted transformer.

        Raises
        ------
        ValueError
            If X is not numeric, contains NaN or infinity, is empty, or does not have
            two to four dimensions.
        """
        self._validate_samples(X, reset=True)
        self.image_shape_: tuple[int, ...] = self._sample_shape
        return self

    def transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Flatten every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Samples of the shape seen during fit.

        Returns
        -------
        X_out : ndarray or DataFrame of shape (n_samples, n_pixels)
            Flat rows of the dtype of X; a view of X if its memory layout allows it.

        Raises
        ------
        ValueError
            If the samples differ in shape from those seen during fit.
        """
        X = self._validate_samples(X, reset=False)
        return X.reshape(len(X), -1)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Reshape flat rows to the shape of the samples seen during fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Flat rows.

        Returns
        -------
        X_original : ndarray of shape (n_samples, *image_shape_)
            Samples of the dtype of X; a view of X if its memory layout allows it.

        Raises
        ------
        ValueError
            If the length of the rows differs from that of the output of `transform`.
        """
        check_is_fitted(self)
        X = check_array(X)
        self._check_sample_shape(X.shape, expected=(math.prod(self.image_shape_),))
        return X.reshape(len(X), *self.image_shape_)


class ImageReshaper(ImageOutputMixin, ImageTransformer):
    """Reshape flat rows to images, with pixels in row-major order.

    Values and dtype are preserved. Images are reshaped as well, for example to add a
    channel axis to images of shape (n_samples, 28, 28). The output is always an
    ndarray, even after ``set_output(transform="pandas")``.

    Parameters
    ----------
    image_shape : tuple of int, default=(28, 28, 1)
        Shape of an image: (height, width) or (height, width, channels). One entry may
        be -1, in which case it is inferred from the number of features.

    Attributes
    ----------
    image_shape_ : tuple of int
        `image_shape` with -1 replaced by the inferred value.
    n_features_in_ : int
        Size of the second axis of X seen during fit: the number of features of flat
        input, or the height of images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit. Defined only if X has feature names that are
        all strings.

    See Also
    --------
    ImageFlattener : Flatten images into rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skmnist import ImageReshaper
    >>> X = np.zeros((5, 64), dtype="uint8")
    >>> ImageReshaper(image_shape=(8, -1)).fit_transform(X).shape
    (5, 8, 8)
    """

    __module__ = "skmnist.preprocessing"

    _parameter_constraints = {"image_shape": [tuple, list]}

    def __init__(self, image_shape: Shape = (28, 28, 1)) -> None:
        self.image_shape = image_shape

    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Validate `image_shape` and infer an entry of -1 from X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images.
        y : None
            Ignored.

        Returns
        -------
        self : ImageReshaper
            The fitted transformer.

        Raises
        ------
        ValueError
            If `image_shape` is invalid or does not match the number of features, or if
            X is not numeric, contains NaN or infinity, is empty, or does not have two
            to four dimensions.
        """
        check_image_shape(self.image_shape)
        self._validate_samples(X, reset=True)
        self.image_shape_: tuple[int, ...] = resolve_shape(
            self.image_shape, math.prod(self._sample_shape)
        )
        return self

    def transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Reshape every sample to an image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the shape seen during fit.

        Returns
        -------
        X_out : ndarray of shape (n_samples, *image_shape_)
            Images of the dtype of X; a view of X if its memory layout allows it.

        Raises
        ------
        ValueError
            If the samples differ in shape from those seen during fit.
        """
        X = self._validate_samples(X, reset=False)
        return X.reshape(len(X), *self.image_shape_)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Flatten images into rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, *image_shape_)
            Images.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_pixels)
            Flat rows of the dtype of X; a view of X if its memory layout allows it.

        Raises
        ------
        ValueError
            If the shape of the images differs from `image_shape_`.
        """
        check_is_fitted(self)
        X = check_array(X, allow_nd=True)
        self._check_sample_shape(X.shape, expected=self.image_shape_)
        return X.reshape(len(X), -1)


def check_image_shape(image_shape, *, with_minus_one=True):
    """Raise ValueError if `image_shape` is not a valid shape of an image."""
    entries_are_valid = all(
        isinstance(entry, Integral)
        and not isinstance(entry, bool)
        and (entry >= 1 or (with_minus_one and entry == -1))
        for entry in image_shape
    )
    if not (
        len(image_shape) in (2, 3)
        and entries_are_valid
        and list(image_shape).count(-1) <= 1
    ):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels) with "
            f"positive integers{', one of which may be -1' if with_minus_one else ''}; "
            f"got {image_shape!r}."
        )


def resolve_shape(image_shape, n_pixels):
    """Return `image_shape` with -1 inferred from the number of pixels."""
    known = math.prod(entry for entry in image_shape if entry != -1)
    inferred, remainder = divmod(n_pixels, known)
    if remainder or (-1 not in image_shape and inferred != 1):
        expected = f"a multiple of {known}" if -1 in image_shape else known
        raise ValueError(
            f"X has {n_pixels} features, but image_shape={image_shape!r} requires "
            f"{expected}. Set image_shape to the shape of the images in X."
        )
    return tuple(inferred if entry == -1 else int(entry) for entry in image_shape)
