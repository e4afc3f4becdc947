"""Between images and flat rows."""

import math
from numbers import Integral

from sklearn.base import _fit_context
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmnist.preprocessing._base import ImageOutputMixin, ImageTransformer


class ImageFlattener(ImageTransformer):
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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

    __module__ = "skmnist.preprocessing"

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


class ImageReshaper(ImageOutputMixin, ImageTransformer):
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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

    __module__ = "skmnist.preprocessing"

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
