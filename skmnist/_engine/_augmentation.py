"""Random deformations of training images.

All deformations of an image are one resampling: a pixel of the result is interpolated
at the place that the affine maps and the elastic displacement send it to. The warp is
computed with NumPy, block by block, while the block before is being trained on.
"""

import functools
from dataclasses import dataclass, fields

import numpy as np

# Standard deviation of the smoothing of elastic displacements, as a fraction of the
# side: 4 of 28 pixels, as in Simard, Steinkraus & Platt, "Best practices for
# convolutional neural networks", ICDAR 2003.
_SMOOTHNESS = 4 / 28
# Smooth random fields are combinations of so few smooth functions of each coordinate
# that the rest is below this fraction of their variance.
_NEGLIGIBLE = 0.01
# Pixels warped at once: the arrays for so many fit into a core's cache.
_CHUNK = 2**16
# Uniform numbers drawn for each image: angle, two shifts, zoom, two shears.
_N_UNIFORM = 6


@dataclass(frozen=True)
class Augmentation:
    """Largest deformations; each image's are drawn uniformly up to them.

    Attributes
    ----------
    rotation : float
        Fraction of a full turn, to either side.
    translation : float
        Fraction of the height and of the width, in either direction.
    zoom : float
        Relative change of the scale, either way.
    shear : float
        Displacement along each axis per pixel along the other, either way.
    elastic : float
        Standard deviation of a pixel's displacement along each axis, as a fraction of
        the height or width.
    """

    rotation: float = 0.0
    translation: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0

    def __bool__(self):
        return any(getattr(self, field.name) for field in fields(self))

    def in_epoch(self, image_shape, seed, epoch):
        """Return the function that deforms the images of an epoch, in their order.

        What an image gets depends on its place in the epoch alone, not on how the
        epoch is divided into calls.

        Parameters
        ----------
        image_shape : tuple of (height, width, channels)
        seed, epoch : int
            Determine all random numbers.

        Returns
        -------
        deform : callable
            ``deform(X)`` changes the samples of a float array in place, of any shape
            whose first axis counts samples of this size.
        """
        height, width, _ = image_shape
        uniform = np.random.default_rng([seed, epoch, 1])
        normal = np.random.default_rng([seed, epoch, 2])
        smooth = _SmoothFields(height, width) if self.elastic else None
        size = max(1, _CHUNK // (height * width))

        def deform(X):
            images = X.reshape(-1, *image_shape)
            for start in range(0, len(images), size):
                chunk = images[start : start + size]
                drawn = uniform.uniform(-1, 1, (len(chunk), _N_UNIFORM))
                maps = self._affine_maps(drawn, height, width).astype(X.dtype)
                moved = None
                if smooth is not None:
                    moved = smooth.draw(normal, len(chunk), self.elastic)
                chunk[:] = warp(chunk, maps, moved)

        return deform

    def _affine_maps(self, drawn, height, width):
        """Return the maps from places in the result to places in the image.

        Parameters
        ----------
        drawn : ndarray of shape (n, 6)
            Uniform numbers in [-1, 1).

        Returns
        -------
        maps : ndarray of shape (n, 2, 3)
            The rows of a map give x and y from (x, y, 1), in pixels.
        """
        angle = drawn[:, 0] * self.rotation * 2 * np.pi
        shift = drawn[:, 1:3] * self.translation * [width, height]
        scale = 1 + drawn[:, 3] * self.zoom
        shear = np.ones((len(drawn), 2, 2))
        shear[:, 0, 1] = drawn[:, 4] * self.shear
        shear[:, 1, 0] = drawn[:, 5] * self.shear
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.moveaxis(np.array([[cos, -sin], [sin, cos]]), -1, 0)
        linear = turn @ shear
        # About the centre, which stays in its place but for the shift.
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        offset = centre - linear @ centre + shift
        return np.concatenate([linear, offset[:, :, None]], axis=2)


def warp(images, maps, moved=None):
    """Resample images with bilinear interpolation.

    Beyond the edges, an image continues with the value of its nearest pixel.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        Floats. Height and width are at least 2.
    maps : ndarray of shape (n, 2, 3)
        Affine maps from a place in the result to the place in the image.
    moved : ndarray of shape (2, n, height, width), optional
        Displacements added to x and y, in pixels.

    Returns
    -------
    warped : ndarray of shape (n, height, width, channels)
    """
    n, height, width, channels = images.shape
    dtype = images.dtype
    columns = np.arange(width, dtype=dtype)
    rows = np.arange(height, dtype=dtype)[:, None]
    by_column, by_row, offset = (maps[:, :, k, None, None] for k in range(3))
    x, y = np.moveaxis(by_column * columns + (by_row * rows + offset), 1, 0)
    if moved is not None:
        x, y = x + moved[0], y + moved[1]
    left, x = _split(x, width)
    above, y = _split(y, height)
    first = np.arange(n, dtype=np.int32)[:, None, None] * (height * width)
    place = (first + above * width + left) * channels
    pixels = np.ascontiguousarray(images).reshape(-1)
    warped = np.empty(images.shape, dtype)
    below = width * channels
    for channel in range(channels):
        near = _between(pixels[channel:], place, channels, x)
        far = _between(pixels[channel + below :], place, channels, x)
        far -= near
        far *= y
        np.add(near, far, out=warped[..., channel])
    return warped


def _split(places, side):
    """Split places along an axis into the pixel before and the distance from it.

    Changes `places` in place, and returns it as the distance.
    """
    np.clip(places, 0, side - 1, out=places)
    before = np.minimum(places.astype(np.int32), side - 2)
    places -= before
    return before, places


def _between(pixels, place, step, fraction):
    """Interpolate between the pixels at places and those one step further."""
    near = pixels.take(place, mode="clip")
    far = pixels[step:].take(place, mode="clip")
    far -= near
    far *= fraction
    near += far
    return near


class _SmoothFields:
    """Random displacements that are smooth in both coordinates.

    White noise convolved with a Gaussian, of unit variance everywhere, is drawn from
    few numbers: its coefficients for the leading singular vectors of the convolution.
    """

    def __init__(self, height, width):
        self._along_y, self._along_x = _basis(height), _basis(width)
        self._sides = np.array([width, height], np.float32)

    def draw(self, generator, n, elastic):
        """Return displacements, an ndarray of shape (2, n, height, width)."""
        n_y, height = self._along_y.shape
        n_x, width = self._along_x.shape
        # Sample by sample, so that they do not depend on n.
        noise = generator.standard_normal((n, 2, n_y, n_x), np.float32)
        noise *= elastic * self._sides[:, None, None]
        wide = noise.reshape(-1, n_x) @ self._along_x
        tall = wide.reshape(-1, n_y, width).swapaxes(1, 2).reshape(-1, n_y)
        fields = (tall @ self._along_y).reshape(n, 2, width, height)
        return np.ascontiguousarray(fields.transpose(1, 0, 3, 2))


@functools.lru_cache(maxsize=16)
def _basis(side):
    """Return functions of one coordinate, an ndarray of shape (n_functions, side)."""
    place = np.arange(side)
    sources = np.arange(-side, 2 * side)
    distance = (place[:, None] - sources) / (_SMOOTHNESS * side)
    vectors, values, _ = np.linalg.svd(np.exp(-(distance**2) / 2), full_matrices=False)
    kept = 1 + int(np.sum(np.cumsum(values**2) < (1 - _NEGLIGIBLE) * np.sum(values**2)))
    functions = (vectors * values)[:, :kept]
    functions /= np.linalg.norm(functions, axis=1, keepdims=True)
    return np.ascontiguousarray(functions.T, np.float32)
