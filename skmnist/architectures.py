"""Functions that build uncompiled Keras models for the shape of a data set.

They follow the conventions of SciKeras, so they can be passed to its wrappers.
"""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from skmnist._typing import Activation, Initializer, Model, Shape, Sizes


__all__ = ["build_lenet", "build_mlp"]


def build_mlp(
    meta: Mapping[str, Any],
    *,
    hidden_layer_sizes: Sizes = (200, 100),
    activation: Activation = "tanh",
    bias_initializer: Initializer = "ones",
    dropout: float = 0.0,
    l2: float = 0.0,
    batch_normalization: bool = False,
    rescaling: float | None = None,
) -> Model:
    """Build a multilayer perceptron with a softmax output layer.

    Parameters
    ----------
    meta : dict
        Metadata of the data set: ``meta["X_shape_"]``, the shape of X, and
        ``meta["n_classes_"]``, the number of classes. The model flattens images.
    hidden_layer_sizes : int or array-like of int, default=(200, 100)
        Number of units of each hidden layer.
    activation : str or callable, default="tanh"
        Keras activation function of the hidden layers.
    bias_initializer : str or keras.initializers.Initializer, default="ones"
        Initializer of the biases of all layers.
    dropout : float, default=0.0
        Dropout rate after each hidden layer, in [0, 1).
    l2 : float, default=0.0
        L2 regularisation factor of the kernels of all layers.
    batch_normalization : bool, default=False
        Whether a BatchNormalization layer takes the place of the bias of each hidden
        layer.
    rescaling : float, default=None
        Scale factor of a leading Rescaling layer, e.g. 1/255 for raw 8-bit pixels. If
        None, no such layer is added.

    Returns
    -------
    model : keras.Sequential
        Built, uncompiled model.

    Examples
    --------
    >>> from skmnist import build_mlp
    >>> model = build_mlp({"X_shape_": (60000, 784), "n_classes_": 10})
    >>> model.count_params()
    178110
    """
    import keras

    layers = _input_layers(meta["X_shape_"][1:], rescaling)
    if len(meta["X_shape_"]) > 2:
        layers.append(keras.layers.Flatten(data_format="channels_last"))
    hidden = {"activation": activation, "batch_normalization": batch_normalization}
    for units in as_sizes(hidden_layer_sizes):
        layers += _with_activation(
            keras.layers.Dense,
            units,
            bias_initializer=bias_initializer,
            kernel_regularizer=_l2(l2),
            **hidden,
        )
        layers += _dropout(dropout)
    layers.append(
        keras.layers.Dense(
            meta["n_classes_"],
            activation="softmax",
            bias_initializer=bias_initializer,
            kernel_regularizer=_l2(l2),
        )
    )
    return keras.Sequential(layers, name="mlp")


def build_lenet(
    meta: Mapping[str, Any],
    *,
    filters: Sizes = (32, 64),
    kernel_sizes: Sizes = (5, 3),
    hidden_layer_sizes: Sizes = (128,),
    activation: Activation = "relu",
    dropout: float = 0.25,
    hidden_dropout: float = 0.5,
    l2: float = 0.0,
    batch_normalization: bool = False,
    rescaling: float | None = None,
) -> Model:
    """Build a LeNet-style convolutional network with a softmax output layer.

    Each stage consists of two convolutions with ``same`` padding, 2×2 max pooling and
    dropout. The pooling also has ``same`` padding, so that the last row or column of an
    odd-sized input is kept.

    Parameters
    ----------
    meta : dict
        Metadata of the data set: ``meta["X_shape_"]``, the shape of X, and
        ``meta["n_classes_"]``, the number of classes. The samples have shape
        (height, width, channels), (height, width) or (height * width,), the latter only
        for square images.
    filters : int or array-like of int, default=(32, 64)
        Number of filters of each stage.
    kernel_sizes : int or array-like of int, default=(5, 3)
        Height and width of the convolution kernels of each stage, in pixels.
    hidden_layer_sizes : int or array-like of int, default=(128,)
        Number of units of each dense hidden layer after the stages.
    activation : str or callable, default="relu"
        Keras activation function of the convolutions and hidden layers.
    dropout : float, default=0.25
        Dropout rate after each stage, in [0, 1).
    hidden_dropout : float, default=0.5
        Dropout rate after each dense hidden layer, in [0, 1).
    l2 : float, default=0.0
        L2 regularisation factor of the kernels of all layers.
    batch_normalization : bool, default=False
        Whether a BatchNormalization layer takes the place of the bias of each hidden
        layer.
    rescaling : float, default=None
        Scale factor of a leading Rescaling layer, e.g. 1/255 for raw 8-bit pixels. If
        None, no such layer is added.

    Returns
    -------
    model : keras.Sequential
        Built, uncompiled model.

    Raises
    ------
    ValueError
        If `filters` and `kernel_sizes` differ in length, or if flat samples are not
        square images.

    Examples
    --------
    >>> from skmnist import build_lenet
    >>> model = build_lenet({"X_shape_": (60000, 28, 28, 1), "n_classes_": 10})
    >>> model.count_params()
    484714
    """
    import keras

    filters, kernel_sizes = as_sizes(filters), as_sizes(kernel_sizes)
    if len(filters) != len(kernel_sizes):
        raise ValueError(
            "filters and kernel_sizes must have the same length, one entry per stage; "
            f"got filters={filters!r} and kernel_sizes={kernel_sizes!r}."
        )
    sample_shape = tuple(meta["X_shape_"][1:])
    image_shape = resolve_image_shape(sample_shape, None)
    layers = _input_layers(sample_shape, rescaling)
    if image_shape != sample_shape:
        layers.append(keras.layers.Reshape(image_shape))
    hidden = {"activation": activation, "batch_normalization": batch_normalization}
    for n_filters, side in zip(filters, kernel_sizes, strict=True):
        for _ in range(2):
            layers += _with_activation(
                keras.layers.Conv2D,
                n_filters,
                side,
                padding="same",
                data_format="channels_last",  # whatever keras.json says
                kernel_regularizer=_l2(l2),
                **hidden,
            )
        pooling = {"padding": "same", "data_format": "channels_last"}
        layers.append(keras.layers.MaxPooling2D(2, strides=2, **pooling))
        layers += _dropout(dropout)
    layers.append(keras.layers.Flatten(data_format="channels_last"))
    for units in as_sizes(hidden_layer_sizes):
        layers += _with_activation(
            keras.layers.Dense, units, kernel_regularizer=_l2(l2), **hidden
        )
        layers += _dropout(hidden_dropout)
    layers.append(
        keras.layers.Dense(
            meta["n_classes_"], activation="softmax", kernel_regularizer=_l2(l2)
        )
    )
    return keras.Sequential(layers, name="lenet")


def has_channels_first(sample_shape: Shape) -> bool:
    """Return whether the shape of a sample looks like (channels, height, width)."""
    return len(sample_shape) == 3 and sample_shape[0] <= 4 < min(sample_shape[1:])


def resolve_image_shape(
    sample_shape: Shape, image_shape: Shape | None
) -> tuple[int, ...]:
    """Return the shape of a sample as an image with a channel axis.

    Parameters
    ----------
    sample_shape : tuple of int
        Shape of one sample: (n_features,), (height, width) or (height, width,
        channels).
    image_shape : tuple of int or None
        Requested shape. One entry may be -1, in which case it is inferred from the
        number of values in a sample; (-1,) keeps flat samples flat. If None, flat
        samples become square images, and other samples keep their shape.

    Returns
    -------
    image_shape : tuple of int
        (height, width, channels), or (n_features,) if a flat shape was requested.

    Raises
    ------
    ValueError
        If `image_shape` is invalid or does not match `sample_shape`.
    """
    size = math.prod(sample_shape)
    if image_shape is None:
        if len(sample_shape) == 1:
            side = math.isqrt(size)
            if side * side != size:
                raise ValueError(
                    f"A row of {size} features is no square image. Pass "
                    "image_shape=(height, width) or (height, width, channels), "
                    "or X of shape (n_samples, height, width)."
                )
            return (side, side, 1)
        resolved = tuple(sample_shape)
    else:
        resolved = tuple(image_shape)
        if resolved.count(-1) > 1 or not all(
            isinstance(side, Integral) and (side > 0 or side == -1) for side in resolved
        ):
            raise ValueError(
                "image_shape must consist of positive integers, at most one of which "
                f"may be replaced by -1; got image_shape={image_shape!r}."
            )
        known = math.prod(side for side in resolved if side != -1)
        if -1 in resolved and size % known == 0:
            resolved = tuple(size // known if side == -1 else side for side in resolved)
        if math.prod(resolved) != size or -1 in resolved:
            raise ValueError(
                f"image_shape={image_shape!r} does not fit samples of shape "
                f"{tuple(sample_shape)}, which have {size} values."
            )
        # Images of another shape with the same number of values, such as a transposed
        # one, would be scrambled by reshaping; only a channel axis may be added.
        original = tuple(sample_shape)
        if len(original) > 1 and resolved not in (original, (*original, 1)):
            raise ValueError(
                f"image_shape={image_shape!r} does not match X, which has samples of "
                f"shape {original}. Pass X in the shape of image_shape, or flattened."
            )
    return resolved + (1,) if len(resolved) == 2 else resolved


def as_sizes(sizes: Any) -> tuple[int, ...]:
    """Return layer sizes as a tuple of int; a single number is one layer.

    Parameters
    ----------
    sizes : int or array-like of int

    Returns
    -------
    sizes : tuple of int
    """
    if isinstance(sizes, Integral):
        return (int(sizes),)
    return tuple(size.item() if hasattr(size, "item") else size for size in sizes)


def _input_layers(sample_shape, rescaling):
    """Return the input layer and, unless `rescaling` is None, a Rescaling layer."""
    import keras

    layers = [keras.Input(shape=tuple(sample_shape))]
    if rescaling is not None:
        layers.append(keras.layers.Rescaling(rescaling))
    return layers


def _with_activation(layer, *sizes, activation, batch_normalization, **options):
    """Return a layer with its activation, and batch normalisation between them."""
    import keras

    if not batch_normalization:
        return [layer(*sizes, activation=activation, **options)]
    options.pop("bias_initializer", None)
    return [
        layer(*sizes, use_bias=False, **options),
        # Keras's default of 0.99 needs several hundred steps before predictions are
        # right.
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Activation(activation),
    ]


def _l2(weight):
    """Return an L2 regularizer, or None if `weight` is zero."""
    import keras

    return keras.regularizers.L2(weight) if weight else None


def _dropout(rate):
    """Return a list with a Dropout layer, or an empty list if `rate` is zero."""
    import keras

    return [keras.layers.Dropout(rate)] if rate else []
