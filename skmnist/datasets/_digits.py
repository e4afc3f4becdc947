"""Loader for scikit-learn's digits, converted to the format of MNIST."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils._param_validation import validate_params

from skmnist.datasets._bunch import make_bunch
from skmnist.preprocessing._mnist_format import centre_by_mass, scale_to_box

if TYPE_CHECKING:
    from skmnist._typing import BunchOrTuple


_DIGITS_DESCR = """\
Handwritten digits in the format of MNIST
-----------------------------------------

:Number of instances: 1797
:Number of attributes: 784
:Attribute information: pixels of a 28x28 image, integers from 0 (background) to 255
:Classes: 10, the digits 0 to 9

The 8x8 digits of sklearn.datasets.load_digits, enlarged to fit a 20x20 box and centred
by mass in a 28x28 image, as in MNIST. They are not the MNIST images, and they have the
detail of 8x8 pixels. The description of the original data set follows.

"""


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_digits28(*, return_X_y: bool = False, as_frame: bool = False) -> BunchOrTuple:
    """Load scikit-learn's handwritten digits in the format of MNIST.

    The 1,797 digits of 8×8 pixels included in scikit-learn [1]_ are converted to the
    format of MNIST [2]_: 28×28 pixels, uint8, white ink on a black background. Nothing
    is downloaded.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame and `target` a pandas Series.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        Dictionary-like object with the following attributes. Each call returns new
        arrays, which can be modified safely.

        data : ndarray or DataFrame of shape (1797, 784), uint8
            Flattened images, pixels from 0 to 255.
        images : ndarray of shape (1797, 28, 28), uint8
            Images. They share memory with `data` if it is an ndarray.
        target : ndarray or Series of shape (1797,), int64
            Digits from 0 to 9.
        feature_names : list of str
            Names of the form ``pixel_{row}_{column}``.
        target_names : ndarray of shape (10,)
            Classes, sorted.
        frame : DataFrame of shape (1797, 785) or None
            `data` and `target` if ``as_frame=True``, otherwise None.
        DESCR : str
            Description of the data set.
    (data, target) : tuple
        If ``return_X_y=True``.

    See Also
    --------
    fetch_mnist : Load MNIST.

    Notes
    -----
    The bounding box of the ink is enlarged by cubic interpolation, with its aspect
    ratio preserved, until its longer side is 20 pixels. The result is shifted by whole
    pixels so that its centre of mass is within half a pixel of (14, 14), counted from
    0, which is where it lies in MNIST. As in MNIST, the bounding box is therefore near
    the middle of the image but seldom exactly there.

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
    """Return images, target and description; the arrays are cached, so copy them."""
    digits = load_digits()
    return (
        np.stack([_to_mnist_format(glyph) for glyph in digits.images]),
        digits.target.astype(np.int64),
        digits.DESCR,
    )


def _to_mnist_format(glyph):
    """Enlarge an image of pixels from 0 to 16 and centre it by mass in 28×28 pixels."""
    # Cubic splines overshoot the range of the input.
    scaled = np.clip(scale_to_box(glyph, 20), 0, 16) * (255 / 16)
    return centre_by_mass(np.rint(scaled).astype(np.uint8), 28)
