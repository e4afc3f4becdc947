"""Keras builders: functions that return an uncompiled network for a data set's shape.

They follow SciKeras's convention, so they plug into its wrappers as they are.
"""

import math
from numbers import Integral

__all__ = ["build_lenet", "build_mlp"]


def build_mlp(
    meta,
    *,
    hidden_layer_sizes=(200, 100),
    activation="tanh",
    bias_initializer="ones",
    dropout=0.0,
    l2=0.0,
    rescaling=None,
):
    """Build a multilayer perceptron ending in a softmax.

    Parameters
    ----------
    meta : dict
        What is known of the data: ``meta["X_shape_"]``, whose ``[1:]`` is the shape
        of one sample (images are flattened), and ``meta["n_classes_"]``.
    hidden_layer_sizes : tuple of int, default=(200, 100)
        The number of units of each hidden layer.
    activation : str or callable, default="tanh"
        Activation of the hidden layers, as Keras names it.
    bias_initializer : str or keras.initializers.Initializer, default="ones"
        Initial biases of every layer.
    dropout : float, default=0.0
        Fraction of each hidden layer's outputs dropped in training, in [0, 1).
    l2 : float, default=0.0
        Weight of the L2 penalty on the kernels, added to the loss.
    rescaling : float, default=None
        Factor a first layer multiplies the input with: 1/255 lets raw 8-bit pixels in.

    Returns
    -------
    model : keras.Sequential
        The network, built and uncompiled.

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
        layers.append(keras.layers.Flatten())
    for units in hidden_layer_sizes:
        layers.append(
            keras.layers.Dense(
                units,
                activation=activation,
                bias_initializer=bias_initializer,
                kernel_regularizer=_l2(l2),
            )
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
    meta,
    *,
    filters=(32, 64),
    kernel_sizes=(5, 3),
    hidden_layer_sizes=(128,),
    activation="relu",
    dropout=0.25,
    hidden_dropout=0.5,
    l2=0.0,
    rescaling=None,
):
    """Build a LeNet-style convolutional network ending in a softmax.

    Each stage is two convolutions with ``same`` padding, a 2×2 max-pooling and dropout.
    Pooling leaves the last row or column of an odd side to stand alone.

    Parameters
    ----------
    meta : dict
        What is known of the data: ``meta["X_shape_"]``, whose ``[1:]`` is the shape
        of one sample, and ``meta["n_classes_"]``. A sample is (h, w, channels),
        (h, w), or a flat square.
    filters : tuple of int, default=(32, 64)
        The number of filters of each stage.
    kernel_sizes : tuple of int, default=(5, 3)
        The side of the convolution kernels of each stage, in pixels.
    hidden_layer_sizes : tuple of int, default=(128,)
        The number of units of each dense layer behind the stages.
    activation : str or callable, default="relu"
        Activation of the convolutions and hidden layers, as Keras names it.
    dropout : float, default=0.25
        Fraction of outputs dropped in training after each stage, in [0, 1).
    hidden_dropout : float, default=0.5
        The same after each dense hidden layer.
    l2 : float, default=0.0
        Weight of the L2 penalty on the kernels, added to the loss.
    rescaling : float, default=None
        Factor a first layer multiplies the input with: 1/255 lets raw 8-bit pixels in.

    Returns
    -------
    model : keras.Sequential
        The network, built and uncompiled.

    Raises
    ------
    ValueError
        If `filters` and `kernel_sizes` differ in length, or a sample is no image.

    Examples
    --------
    >>> from skmnist import build_lenet
    >>> model = build_lenet({"X_shape_": (60000, 28, 28, 1), "n_classes_": 10})
    >>> model.count_params()
    484714
    """
    import keras

    if len(filters) != len(kernel_sizes):
        raise ValueError(
            f"filters and kernel_sizes name one stage each and must have the same "
            f"length, got filters={filters!r} and kernel_sizes={kernel_sizes!r}."
        )
    sample_shape = tuple(meta["X_shape_"][1:])
    image_shape = resolve_image_shape(sample_shape, None)
    layers = _input_layers(sample_shape, rescaling)
    if image_shape != sample_shape:
        layers.append(keras.layers.Reshape(image_shape))
    for n_filters, side in zip(filters, kernel_sizes, strict=True):
        layers += [
            keras.layers.Conv2D(
                n_filters,
                side,
                padding="same",
                activation=activation,
                kernel_regularizer=_l2(l2),
            )
            for _ in range(2)
        ]
        layers.append(keras.layers.MaxPooling2D(2, strides=2, padding="same"))
        layers += _dropout(dropout)
    layers.append(keras.layers.Flatten())
    for units in hidden_layer_sizes:
        layers.append(
            keras.layers.Dense(units, activation=activation, kernel_regularizer=_l2(l2))
        )
        layers += _dropout(hidden_dropout)
    layers.append(
        keras.layers.Dense(
            meta["n_classes_"], activation="softmax", kernel_regularizer=_l2(l2)
        )
    )
    return keras.Sequential(layers, name="lenet")


def resolve_image_shape(sample_shape, image_shape):
    """Tell how a sample is laid out as an image.

    Parameters
    ----------
    sample_shape : tuple of int
        The shape of one sample as it comes: (features,), (h, w) or (h, w, channels).
    image_shape : tuple of int or None
        The wanted layout; one entry may be -1, to be worked out. (-1,) leaves a row
        flat. None takes (h, w[, channels]) as it is and a flat square as a square.

    Returns
    -------
    image_shape : tuple of int
        (h, w, channels), or (features,) where a flat layout was asked for.

    Raises
    ------
    ValueError
        If the sample cannot be laid out so.
    """
    size = math.prod(sample_shape)
    if image_shape is None:
        if len(sample_shape) == 1:
            side = math.isqrt(size)
            if side * side != size:
                raise ValueError(
                    f"A row of {size} features is no square image. Pass "
                    "image_shape=(height, width) or (height, width, channels), "
                    "or X as images of shape (n, height, width)."
                )
            return (side, side, 1)
        resolved = tuple(sample_shape)
    else:
        resolved = tuple(image_shape)
        if resolved.count(-1) > 1 or not all(
            isinstance(side, Integral) and (side > 0 or side == -1) for side in resolved
        ):
            raise ValueError(
                f"image_shape={image_shape!r} must hold positive integers; one entry "
                "may be -1."
            )
        known = math.prod(side for side in resolved if side != -1)
        if -1 in resolved and size % known == 0:
            resolved = tuple(size // known if side == -1 else side for side in resolved)
        if math.prod(resolved) != size or -1 in resolved:
            raise ValueError(
                f"image_shape={image_shape!r} does not fit samples of shape "
                f"{tuple(sample_shape)}, which hold {size} values."
            )
        as_given = tuple(sample_shape)
        if len(as_given) > 1 and resolved not in (as_given, (*as_given, 1)):
            raise ValueError(
                f"image_shape={image_shape!r} was asked for, but X has samples of "
                f"shape {as_given}: give X in that layout, or flat."
            )
    return resolved + (1,) if len(resolved) == 2 else resolved


def _input_layers(sample_shape, rescaling):
    import keras

    layers = [keras.Input(shape=tuple(sample_shape))]
    if rescaling is not None:
        layers.append(keras.layers.Rescaling(rescaling))
    return layers


def _l2(weight):
    import keras

    return keras.regularizers.L2(weight) if weight else None


def _dropout(rate):
    import keras

    return [keras.layers.Dropout(rate)] if rate else []
