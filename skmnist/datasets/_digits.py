"""The embedded digits: scikit-learn's, in MNIST's format."""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils._param_validation import validate_params

from skmnist.datasets._bunch import make_bunch

_DIGITS_DESCR = """\
Handwritten digits in MNIST's format
------------------------------------

:Number of instances: 1797
:Number of attributes: 784
:Attribute information: pixels of a 28x28 image, integers from 0 (background) to 255
:Classes: 10, the digits 0 to 9

The 8x8 digits of sklearn.datasets.load_digits, enlarged to fit a 20x20 box and placed
by their centre of mass in a 28x28 image, as MNIST's were. They are not MNIST: they have
the detail of 8x8 pixels. What follows describes the original.

"""


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_digits28(*, return_X_y=False, as_frame=False):
    """Load scikit-learn's handwritten digits in MNIST's format.

    The 1,797 digits of 8×8 pixels that come with scikit-learn [1]_ are brought into the
    form of MNIST [2]_: 28×28 pixels, uint8, white ink on black. Nothing is downloaded.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, `data` is a DataFrame and `target` a Series.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        It is the caller's own, with these attributes:

        data : ndarray or DataFrame of shape (1797, 784), uint8
            Flat images, 0 to 255.
        images : ndarray of shape (1797, 28, 28), uint8
            The images. An ndarray `data` is the same memory.
        target : ndarray or Series of shape (1797,), int64
            The digits.
        feature_names : list of str
            ``pixel_0_0`` (row, column) and so on.
        target_names : ndarray of shape (10,)
            The classes.
        frame : DataFrame of shape (1797, 785) or None
            `data` and `target`, with ``as_frame=True``.
        DESCR : str
            A description.
    (data, target) : tuple
        With ``return_X_y=True``.

    See Also
    --------
    fetch_mnist : Load MNIST itself.

    Notes
    -----
    The box around the ink is enlarged, its aspect ratio kept, by cubic interpolation so
    that its longer side is 20 pixels. Then it is shifted by whole pixels so that the
    centre of mass comes within half a pixel of pixel (14, 14), counted from 0: that is
    where it lies in MNIST. So the ink fits a box of 20×20 pixels that, as in MNIST, is
    near the middle of the image but seldom exactly there.

    References
    ----------
    .. [1] E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten Digits. UCI
       Machine Learning Repository. https://doi.org/10.24432/C50P49
    .. [2] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning
       applied to document recognition. Proceedings of the IEEE 86(11), 2278-2324.

    Examples
    --------
    >>> from skmnist import load_digits28
    >>> digits = load_digits28()
    >>> digits.data.shape, digits.images.shape, digits.data.dtype
    ((1797, 784), (1797, 28, 28), dtype('uint8'))
    >>> digits.target[:5]
    array([0, 1, 2, 3, 4])
    """
    images, target, descr = _digits28()
    return make_bunch(
        images.copy(), target.copy(), _DIGITS_DESCR + descr, return_X_y, as_frame
    )


@cache
def _digits28():
    """Return images, target and description, once for all callers: they copy."""
    digits = load_digits()
    return (
        np.stack([_in_mnist_format(glyph) for glyph in digits.images]),
        digits.target.astype(np.int64),
        digits.DESCR,
    )


def _in_mnist_format(glyph):
    """Enlarge an image with ink from 0 to 16 and centre it in 28×28 pixels, uint8."""
    from scipy.ndimage import center_of_mass, zoom

    rows, columns = (np.flatnonzero(glyph.any(axis=axis)) for axis in (1, 0))
    glyph = glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factors = [round(20 * side / max(glyph.shape)) / side for side in glyph.shape]
    # Beyond the box there is no ink: edges fade out as MNIST's do.
    glyph = zoom(glyph, factors, order=3, mode="grid-constant", grid_mode=True)
    glyph = np.rint(np.clip(glyph, 0, 16) * (255 / 16)).astype(np.uint8)
    top, left = (round(14 - centre) for centre in center_of_mass(glyph))
    image = np.zeros((28, 28), dtype=np.uint8)
    image[top : top + glyph.shape[0], left : left + glyph.shape[1]] = glyph
    return image
