"""Transformer that brings images of single characters into the format of MNIST."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import OneToOneFeatureMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skmnist._callbacks import reports_fit
from skmnist.preprocessing._base import ImageOutputMixin, ImageTransformer
from skmnist.preprocessing._images import check_image_shape, resolve_shape

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    import pandas as pd
    from sklearn.utils import Tags

    from skmnist._typing import ArrayLike, Shape


# Luminance of red, green and blue in ITU-R Recommendation BT.601.
_LUMINANCE = (0.299, 0.587, 0.114)
# Larger images are reduced first, which bounds time and memory and averages noise.
_LARGEST_SIDE = 1024
# Bins of the histogram of the border, whose peak is the background.
_LEVELS = 16
# Largest number of pixels that nearly have the value of a drawn background, as a
# fraction of those that have it. Crops of MNIST to the ink have less than 0.22 in 95 %,
# partly overexposed photographs with shadows more than 0.34.
_NEARLY = 0.3
# Fraction of each side of the border that has the value of a drawn background.
_ON_EACH_SIDE = 0.1
# The background is estimated on an image of at most this many pixels a side.
_REDUCED_SIDE = 32
# Pixels nearer to the local median than this fraction of the furthest are background.
_PAPER = 0.25
# Contrast of the faintest ink, as a fraction of the largest value of an image.
_LEAST_CONTRAST = 0.02
# Connected ink with a smaller fraction of the area of the largest part is dirt.
_SMALLEST_PART = 0.02


class MNISTFormatter(ImageOutputMixin, ImageTransformer):
    """Bring images of single characters into the format of MNIST.

    MNIST shows light ink on a black background; the ink fits a box of 20×20 pixels and
    is centred by its mass in 28×28 pixels [1]_. A photograph or scan of handwriting is
    usually dark on light, larger, and not centred, and a network trained on MNIST
    misclassifies it. This transformer converts it. Each image is converted on its own;
    nothing is learnt from the data.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        Shape of the images in flat rows: (height, width) or (height, width, channels).
        One entry may be -1. None means square images of one channel. Not used for
        images.
    invert : "auto" or bool, default="auto"
        Whether the ink is darker than the background. "auto" decides for each image: it
        is inverted if the strongest deviation from the background is towards dark.
    threshold : float, default=0.25
        Pixels with less than this fraction of the strongest ink are background, unless
        they are at the edge of a stroke. A larger value ignores more noise, a smaller
        value keeps fainter strokes.
    box_size : int, default=20
        Length in pixels of the longer side of the box that the ink is scaled to.
    size : int, default=28
        Height and width of the output in pixels, at least `box_size`.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of the images: (height, width) or (height, width, channels).
    n_features_in_ : int
        Size of the second axis of X seen during fit: the number of features of flat
        input, or the height of images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit. Defined only if X has feature names that are
        all strings.

    See Also
    --------
    PixelScaler : Scale pixels to [0, 1], the next step of a Pipeline.
    skmnist.datasets.load_images : Read pictures, each converted while it is read.

    Notes
    -----
    Colours are converted to their luminance. The background of a drawn image is its
    most frequent value at the border; that of a photograph is the local median of a
    reduced image, without ink and smoothed, so that uneven lighting is removed. Ink is
    the distance from the background on the side that `invert` selects. Pixels below
    `threshold` and specks of less than 2 % of the area of the largest stroke are set to
    0. The box of the remaining ink is reduced with antialiasing or enlarged by cubic
    interpolation, its aspect ratio preserved, and stretched to a maximum of 255. It is
    shifted by whole pixels. An image without ink becomes black.

    Images that are already in MNIST's format are returned almost unchanged. An image
    should show one character on its paper: the edge of a table, a sharp shadow or a
    ruled line are ink, and in a tight crop, most of which is ink, ink and paper may be
    confused.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning
       applied to document recognition. Proceedings of the IEEE 86(11), 2278-2324.

    Examples
    --------
    A black stroke near the corner of a white image:

    >>> import numpy as np
    >>> from skmnist import MNISTFormatter
    >>> image = np.full((1, 100, 80), 255, dtype="uint8")
    >>> image[0, 10:50, 5:13] = 0
    >>> formatted = MNISTFormatter().fit_transform(image)
    >>> formatted.shape, formatted.dtype
    ((1, 28, 28), dtype('uint8'))
    >>> rows, columns = np.nonzero(formatted[0])
    >>> rows.min(), rows.max(), columns.min(), columns.max()
    (np.int64(4), np.int64(23), np.int64(12), np.int64(15))
    """

    __module__ = "skmnist.preprocessing"

    _parameter_constraints = {
        "image_shape": [tuple, list, None],
        "invert": [StrOptions({"auto"}), "boolean"],
        "threshold": [Interval(Real, 0, 1, closed="left")],
        "box_size": [Interval(Integral, 1, None, closed="left")],
        "size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        image_shape: Shape | None = None,
        *,
        invert: Literal["auto"] | bool = "auto",
        threshold: float = 0.25,
        box_size: int = 20,
        size: int = 28,
    ) -> None:
        self.image_shape = image_shape
        self.invert = invert
        self.threshold = threshold
        self.box_size = box_size
        self.size = size

    @_fit_context(prefer_skip_nested_validation=True)
    @reports_fit
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Store the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Flat rows or images, with 1 or 3 channels.
        y : None
            Ignored.

        Returns
        -------
        self : MNISTFormatter
            The fitted transformer.

        Raises
        ------
        ValueError
            If X is not numeric, contains NaN or infinity, is empty, or is not a set of
            images with 1 or 3 channels; or if `box_size` is larger than `size`.
        """
        if self.box_size > self.size:
            raise ValueError(
                f"box_size={self.box_size} is larger than size={self.size}: the ink "
                "must fit into the image."
            )
        self._validate_samples(X, reset=True)
        shape = self._sample_shape
        if len(shape) == 1:
            shape = self._shape_of_rows(*shape)
        if len(shape) == 3 and shape[2] not in (1, 3):
            raise ValueError(
                f"X has images of shape {shape}, with {shape[2]} channels; "
                "MNISTFormatter expects 1 (grey) or 3 (red, green, blue)."
            )
        self.image_shape_: tuple[int, ...] = shape
        self._n_features_out = self.size**2
        return self

    def transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Bring every image into MNIST's format.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
            Samples of the shape seen during fit.

        Returns
        -------
        X_out : ndarray or DataFrame of uint8
            Light ink on black, pixels from 0 to 255. Of shape (n_samples, size, size)
            for images, and (n_samples, size * size) for flat rows. A DataFrame only for
            flat rows, if set with `set_output`.

        Raises
        ------
        ValueError
            If the samples differ in shape from those seen during fit.
        """
        X = self._validate_samples(X, reset=False)
        images = X.reshape(len(X), *self.image_shape_)
        formatted = np.empty((len(X), self.size, self.size), dtype=np.uint8)
        for image, out in zip(images, formatted, strict=True):
            ink = _find_ink(_as_grey(image), self.invert, self.threshold)
            out[:] = _in_box(ink, self.box_size, self.size)
        return formatted if X.ndim > 2 else formatted.reshape(len(X), -1)

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Get output feature names for transformation.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Checked against those seen during fit for flat rows, and not used.

        Returns
        -------
        feature_names_out : ndarray of shape (size * size,) of str objects
            ``pixel_{row}_{column}`` in row-major order.
        """
        check_is_fitted(self)
        if not self._outputs_images():
            OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        indices = np.ndindex(self.size, self.size)
        return np.array([f"pixel_{i}_{j}" for i, j in indices], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["uint8"]
        return tags

    def _outputs_images(self):
        return len(getattr(self, "_sample_shape", ())) > 1

    def _shape_of_rows(self, n_features):
        """Return the shape of the images in rows of `n_features` pixels."""
        if self.image_shape is not None:
            check_image_shape(self.image_shape)
            return resolve_shape(self.image_shape, n_features)
        side = math.isqrt(n_features)
        if side**2 != n_features:
            raise ValueError(
                f"X has {n_features} features, which is not a square number: set "
                "image_shape to the shape of the images."
            )
        return side, side


def scale_to_box(ink, box_size):
    """Crop an image to its ink, and scale the longer side to `box_size` pixels.

    Parameters
    ----------
    ink : ndarray of shape (height, width)
        Floats, 0 is the background. At least one pixel is not 0.
    box_size : int

    Returns
    -------
    scaled : ndarray of float
        The longer side has `box_size` pixels. Values may exceed the range of `ink`,
        because cubic interpolation overshoots.
    """
    from PIL import Image
    from scipy.ndimage import zoom

    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longer = max(ink.shape)
    shape = [max(1, round(box_size * side / longer)) for side in ink.shape]
    if longer > box_size:
        # Splines would skip pixels; Pillow's filters average over all of them.
        picture = Image.fromarray(ink.astype(np.float32))
        return np.asarray(picture.resize(shape[::-1], Image.Resampling.BICUBIC), float)
    factors = [new / old for new, old in zip(shape, ink.shape, strict=True)]
    # Zeros outside the bounding box make the edges fade out, as they do in MNIST.
    return zoom(ink, factors, order=3, mode="grid-constant", grid_mode=True)


def centre_by_mass(image, size):
    """Place an image in a square so that its centre of mass is in the middle.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8
        Neither side is longer than `size`.
    size : int

    Returns
    -------
    centred : ndarray of shape (size, size), uint8
        The centre of mass is within half a pixel of ``size / 2``, counted from 0,
        unless the image would not fit.
    """
    from scipy.ndimage import center_of_mass

    # A fractional shift would interpolate a second time and blur the ink.
    top, left = (
        min(max(round(size / 2 - centre), 0), size - side)
        for centre, side in zip(center_of_mass(image), image.shape, strict=True)
    )
    centred = np.zeros((size, size), dtype=np.uint8)
    centred[top : top + image.shape[0], left : left + image.shape[1]] = image
    return centred


def _in_box(ink, box_size, size):
    """Return ink as an image in MNIST's format."""
    if not ink.any():
        return 0
    scaled = scale_to_box(ink, box_size).clip(0)
    return centre_by_mass(np.rint(scaled * (255 / scaled.max())).astype("uint8"), size)


def _as_grey(image):
    """Return an image as floats of shape (height, width), reduced if it is large."""
    image = image.astype(np.float64)
    if image.ndim == 3:
        image = image @ _LUMINANCE if image.shape[2] == 3 else image[..., 0]
    step = -(-max(image.shape) // _LARGEST_SIDE)
    if step > 1:
        from PIL import Image

        image = np.asarray(Image.fromarray(image.astype(np.float32)).reduce(step))
    return image.astype(np.float64)


def _find_ink(image, invert, threshold):
    """Return the ink of an image: its distance from the background, without noise.

    Parameters
    ----------
    image : ndarray of shape (height, width), float
    invert : "auto" or bool
    threshold : float

    Returns
    -------
    ink : ndarray of shape (height, width), float
        0 where there is none.
    """
    from scipy.ndimage import binary_dilation, label, uniform_filter

    background, noise = _find_background(image)
    ink = image - background
    # Averages over a few pixels of a large image: a single hot pixel is not ink.
    window = 1 + min(image.shape) // 100
    averages = uniform_filter(ink, window)
    if invert is True or (invert == "auto" and -averages.min() > averages.max()):
        ink, averages = -ink, -averages
    strongest = averages.max()
    # The noise of an empty sheet is no ink; a small image is too small to tell.
    least = _LEAST_CONTRAST * np.abs(image).max()
    if window > 1:
        least = max(least, 5 * noise / window)
    if strongest <= least:
        return np.zeros_like(ink)
    strokes = ink > threshold * strongest
    parts, n_parts = label(strokes, structure=np.ones((3, 3)))
    areas = np.bincount(parts.ravel(), minlength=n_parts + 1)
    areas[0] = 0
    kept = areas >= _SMALLEST_PART * areas.max()
    kept[0] = False
    strokes = kept[parts]
    # The faint edges of strokes are ink: about one pixel of the output.
    extent = max(np.ptp(np.flatnonzero(strokes.any(axis=axis))) for axis in (0, 1))
    strokes = binary_dilation(
        strokes, structure=np.ones((3, 3)), iterations=max(1, round(extent / 20))
    )
    # Five standard deviations, because one pixel of noise would enlarge the box.
    faintest = min(5 * noise, threshold * strongest)
    visible = ink > max(faintest, strongest / 255)
    return np.where(strokes & visible, ink, 0.0)


def _find_background(image):
    """Return the background of an image, and the standard deviation of its noise.

    The background of drawn images has one value, without noise. That of photographs
    is estimated on a reduced image: the median of a large neighbourhood of each pixel,
    and then the mean of those neighbours that are near it and so no ink.
    """
    from PIL import Image
    from scipy.ndimage import gaussian_filter, median_filter

    level = _drawn_background(image)
    if level is not None:
        return level, 0.0
    step = -(-max(image.shape) // _REDUCED_SIDE)
    reduced = np.asarray(Image.fromarray(image.astype(np.float32)).reduce(step))
    window = max(3, max(reduced.shape) // 2)
    median = median_filter(reduced, window, mode="nearest")
    distance = np.abs(reduced - median)
    paper = (distance <= max(_PAPER * distance.max(), 1e-6)).astype(np.float32)
    sigma = max(reduced.shape) / 10
    weight = gaussian_filter(paper, sigma, mode="nearest")
    mean = gaussian_filter(reduced * paper, sigma, mode="nearest")
    local = np.where(weight > 0.05, mean / np.maximum(weight, 0.05), median)
    size = image.shape[::-1]
    smooth = Image.fromarray(local).resize(size, Image.Resampling.BILINEAR)
    background = np.asarray(smooth, dtype=float)
    return background, _spread(image - background)


def _drawn_background(image):
    """Return the value of a background that has one value everywhere, or None.

    It is the most frequent value at the border. Overexposed paper has one value, too:
    but where a shadow falls on it, many pixels are slightly darker, or a whole side of
    the border is.
    """
    sides = image[0], image[-1], image[:, 0], image[:, -1]
    border = np.concatenate(sides)
    counts, edges = np.histogram(border, _LEVELS)
    peak = counts.argmax()
    frequent = border[(border >= edges[peak]) & (border <= edges[peak + 1])]
    level = np.median(frequent)
    if _spread(frequent - level):
        return None
    distance = np.abs(image - level)
    n_equal = np.count_nonzero(distance == 0)
    n_near = np.count_nonzero(distance <= np.ptp(image) / 10) - n_equal
    on_all_sides = all(np.mean(side == level) > _ON_EACH_SIDE for side in sides)
    return level if n_near <= _NEARLY * n_equal and on_all_sides else None


def _spread(deviations):
    """Return the standard deviation of normal noise by its median absolute value."""
    return 1.4826 * float(np.median(np.abs(deviations)))
