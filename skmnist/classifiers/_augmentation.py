"""Augmentation parameters of the classifiers."""

from skmnist._engine._augmentation import Augmentation
from skmnist.architectures import has_channels_first, resolve_image_shape
from skmnist.classifiers._checks import SMALLEST_SIDE

_PREFIX = "random_"
_NAMES = ("rotation", "translation", "zoom", "shear", "elastic")


def augmentation_of(classifier):
    """Return how a classifier deforms the images that it is trained on.

    Parameters
    ----------
    classifier : BaseKerasClassifier
        With validated data.

    Returns
    -------
    augmentation : tuple of (Augmentation, image_shape) or None
        None if all deformations are 0.

    Raises
    ------
    ValueError
        If the samples are not images of (height, width, channels).
    """
    factors = {name: float(getattr(classifier, _PREFIX + name)) for name in _NAMES}
    augmentation = Augmentation(**factors)
    if not augmentation:
        return None
    used = ", ".join(f"{_PREFIX}{name}={v:g}" for name, v in factors.items() if v)
    return augmentation, _check_images(classifier, used)


def _check_images(classifier, used):
    """Return the shape of a sample as an image with a channel axis."""
    shape = classifier.image_shape_
    requested = getattr(classifier, "image_shape", None)
    # A multilayer perceptron keeps its rows flat, and takes image_shape for this only.
    is_flat = len(shape) == 1 and requested is None
    if is_flat or (requested is not None and len(requested) > 1):
        if is_flat and shape[0] < SMALLEST_SIDE**2:
            raise ValueError(
                f"{used} deforms images, but rows of {shape[0]} values are rather "
                "those of a table. Set the deformations to 0; or image_shape to "
                "(h, w), if they are images."
            )
        try:
            shape = resolve_image_shape(shape, requested)
        except ValueError as error:
            raise ValueError(f"{used} deforms images: {error}") from error
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3:
        raise ValueError(
            f"{used} deforms images, but with image_shape={requested!r} samples of "
            f"shape {shape} are not images. Set image_shape to (h, w) or "
            "(h, w, channels), or the deformations to 0."
        )
    if has_channels_first(shape):
        raise ValueError(
            f"{used} deforms images of shape (height, width, channels), but samples of "
            f"shape {shape} seem to have their channels first. Move them to the end: "
            "X.transpose(0, 2, 3, 1)."
        )
    if min(shape[:2]) < 2:
        raise ValueError(
            f"{used} deforms images, which need a height and width of at least 2 "
            f"pixels; got samples of shape {shape}."
        )
    return shape
