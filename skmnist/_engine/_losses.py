"""Losses: one value per sample, from targets in the layout that a loss takes.

Targets are one-hot rows everywhere else. A loss may want integer codes instead, or one
column if the builder's network ends in one unit.
"""

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._placeholder import Placeholder


def sample_loss(loss, one_hot, *, one_unit):
    """Return a function that computes the loss of each sample.

    Parameters
    ----------
    loss : str, callable or keras.losses.Loss
    one_hot : ndarray of shape (2, n_classes)
        Targets of two samples, for a trial.
    one_unit : bool
        Whether the network's second output is that of the builder's only unit.

    Returns
    -------
    function : callable
        ``function(y, y_pred)`` returns one loss per row, for one-hot targets and
        probabilities of shape (n_samples, n_classes).

    Raises
    ------
    ValueError
        If the loss does not return one value per sample, which depends on that sample
        alone, or is not averaged over them.
    """
    function = loss_in_layout(loss, one_hot, one_unit=one_unit)
    if isinstance(function, Placeholder):
        return function  # needed for training only, and raises an error then
    # Two samples of each of two classes, as some losses compare samples of a class.
    y = np.tile(one_hot, (2, 1))
    sure = np.array([[0.8], [0.7], [0.6], [0.5]], y.dtype)
    y_pred = sure * y + (1 - sure) / y.shape[1]
    together = _values(function, y, y_pred)
    alone = [_values(function, y[i : i + 1], y_pred[i : i + 1])[0] for i in range(4)]
    if not np.allclose(together, alone, rtol=1e-3, equal_nan=True):
        raise ValueError(
            f"loss={_shown(loss)} depends on all samples of a batch, or on chance: "
            f"the losses of four samples were {np.round(together, 4).tolist()}, and of "
            f"each alone {np.round(alone, 4).tolist()}. Use a loss of single samples."
        )
    return function


def loss_in_layout(loss, one_hot, *, one_unit):
    """Return a function as `sample_loss` does, but check the shape of its result only.

    Works while a graph is traced.
    """
    function = keras.losses.get(loss)
    if isinstance(function, Placeholder):
        return function
    if isinstance(function, keras.losses.Loss):
        if type(function).__call__ is not keras.losses.Loss.__call__:
            raise ValueError(
                f"loss={_shown(loss)} overrides __call__, which also weights and "
                "averages. Override call instead, which returns one loss per sample."
            )
        _check_reduction(loss, function.reduction)
        function = function.call
    outcomes = []
    for layout in _layouts(_name(loss), one_unit):
        in_layout = _in_layout(function, layout)
        try:
            shape = tuple(
                in_layout(*map(keras.ops.convert_to_tensor, [one_hot] * 2)).shape
            )
        except Exception as error:  # a loss may fail in any way here
            shape = error
        if shape == (2,):
            return in_layout
        outcomes.append(shape)
    raise ValueError(
        f"loss={_shown(loss)} must return one value per sample, of shape (2,) for the "
        f"targets and probabilities of 2 samples, but the result was {outcomes[0]!r}. "
        "Losses over a whole batch cannot be weighted by sample: leave out the mean, "
        "which the classifier computes."
    )


def takes_smooth_labels(function, one_hot):
    """Return whether a loss of `sample_loss` depends on targets between 0 and 1.

    A loss of class codes does not. A hinge loss does not either: it takes targets of
    exactly 0 and 1 for -1 and 1, and all others as they are.
    """
    y_pred = np.full_like(one_hot, 1 / one_hot.shape[1]) / 2 + one_hot / 2

    def at(fraction):
        smooth = one_hot * (1 - fraction) + fraction / one_hot.shape[1]
        return _values(function, smooth.astype(one_hot.dtype), y_pred)

    exact = at(0)
    return np.allclose(exact, at(1e-4), atol=1e-2) and not np.allclose(
        exact, at(0.5), atol=1e-4
    )


def as_in_keras(function):
    """Return a loss of `sample_loss` and what makes its targets of one-hot rows.

    The targets are those that `keras.Model.fit` would be given for the loss.

    Returns
    -------
    function : callable
        ``function(y, y_pred)`` returns one loss per row.
    encode : callable
        ``encode(one_hot)`` returns class codes for a loss of class codes, an ndarray of
        shape (n_samples,), else the rows as they are.
    """
    if not getattr(function, "takes_codes", False):
        return function, lambda one_hot: one_hot
    return function.of_codes, lambda one_hot: one_hot.argmax(axis=1)


def _values(function, *arrays):
    losses = function(*map(keras.ops.convert_to_tensor, arrays))
    return keras.ops.convert_to_numpy(losses)


def _check_reduction(loss, reduction):
    if reduction in ("sum", "none", None):
        raise ValueError(
            f"loss={_shown(loss)} has reduction={reduction!r}, but the classifiers "
            "compute the mean over the samples of a batch. Leave reduction at its "
            "default; a sum has the effect of a learning rate that is batch_size times "
            "as large."
        )


def _layouts(name, one_unit):
    """Return the layouts to try, in this order."""
    if name.startswith("sparse"):
        return [_codes]
    if one_unit and not name.startswith("categorical"):
        return [_column]
    return [_rows, _codes]


def _in_layout(function, layout):
    def in_layout(y, y_pred):
        # As keras.losses.Loss does before it calls. A cast that changes nothing would
        # drop the logits that Keras attaches to the outputs of a softmax.
        if y_pred.dtype != y.dtype:
            y_pred = keras.ops.cast(y_pred, y.dtype)
        return function(*layout(y, y_pred))

    in_layout.takes_codes = layout is _codes
    in_layout.of_codes = function
    return in_layout


def _rows(y, y_pred):
    return y, y_pred


def _codes(y, y_pred):
    # keras.Model.fit also passes labels to the loss as floats.
    return keras.ops.cast(keras.ops.argmax(y, axis=-1), y_pred.dtype), y_pred


def _column(y, y_pred):
    return y[:, 1:], y_pred[:, 1:]


def _name(loss):
    """Return the name of a loss in lower case."""
    if not isinstance(loss, str):
        loss = getattr(loss, "__name__", type(loss).__name__)
    return loss.lower()


def _shown(loss):
    """Return a loss as it is written in code, as far as is known."""
    if isinstance(loss, str):
        return repr(loss)
    return getattr(loss, "__name__", f"{type(loss).__name__}(...)")
