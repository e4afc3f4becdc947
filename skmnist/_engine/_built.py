"""What a builder returns: checked, and brought into the form that is trained.

That form is a network with one probability per class, and its optimizer and loss.
"""

import contextlib
import inspect

from skmnist._engine._backend import keras
from skmnist._optimizers import copy_of, unknown_exclusions
from skmnist.architectures import has_channels_first

_BOTH = "probabilities_of_both_classes"
# Methods of Keras's that a classifier replaces.
_NOT_CALLED = "fit", "make_train_function", "predict", "predict_step"


def check_model(model, builder):
    """Raise TypeError if a builder has not returned a model that can be used."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"The builder {named(builder)} must return a keras.Model, got "
            f"{type(model).__name__}."
        )
    for name in _NOT_CALLED:
        if overrides(model, name):
            raise TypeError(
                f"The builder {named(builder)} returned a {type(model).__name__}, "
                f"which overrides {name}. The classifier does not call it: override "
                "call for predictions, and train_step for the training."
            )


def compiled_parts(model, optimizer, loss, given, builder):
    """Return the optimizer and the loss that a builder has compiled its model with.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
        The classifier's.
    loss : str, callable or keras.losses.Loss
        The classifier's, which holds if the model has none.
    given : dict
        The parameters of the classifier that are not the default, by name.
    builder : callable

    Returns
    -------
    optimizer : keras.optimizers.Optimizer
        A copy.
    loss : str, callable or keras.losses.Loss

    Raises
    ------
    ValueError
        If a given parameter contradicts what the model is compiled with.
    """
    of_model = loss if model.loss is None else model.loss
    if isinstance(of_model, list | tuple) and len(of_model) == 1:
        of_model = of_model[0]
    if getattr(model._compile_loss, "_user_loss_weights", None) is not None:
        raise ValueError(
            f"The builder {named(builder)} compiles its model with loss_weights, which "
            "have no effect on a network with one output: multiply the loss instead."
        )
    own = model.optimizer
    if not hasattr(optimizer, "inner_optimizer"):
        own = getattr(own, "inner_optimizer", own)  # `compile` adds loss scaling
    pairs = {
        "optimizer": (optimizer, own),
        "learning_rate": (optimizer, own),
        "loss": (keras.losses.get(loss), keras.losses.get(of_model)),
    }
    for name, value in given.items():
        if not _are_equal(*pairs[name]):
            raise ValueError(
                f"The builder {named(builder)} compiles its model, but not with the "
                f"classifier's {name}={value!r}. Leave {name} at its default to use "
                "the builder's, or return the model uncompiled to use the classifier's."
            )
    return copy_of(model.optimizer), of_model


@contextlib.contextmanager
def uncompiled(model):
    """Leave out of a model's configuration, for a while, what it is compiled with."""
    compiled, model.compiled = model.compiled, False
    try:
        yield
    finally:
        model.compiled = compiled


def check_exclusions(optimizer, model, builder):
    """Raise ValueError if an optimizer excludes variables that a model does not have.

    They were given by ``exclude_from_weight_decay(var_list)``.
    """
    if unknown_exclusions(optimizer, model.trainable_variables):
        raise ValueError(
            "The optimizer excludes variables from weight decay that the network of "
            f"the builder {named(builder)} does not have, because every fit builds a "
            "network of its own. Name them: exclude_from_weight_decay(var_names=...)."
        )


def with_one_output_per_class(model, sample, n_classes, builder):
    """Return the network that is trained: the model itself, unless it has one unit.

    One unit gives the probability p of the second class of two. Its network is extended
    to give 1 - p and p, whose categorical cross-entropy equals the binary one of p.

    Parameters
    ----------
    model : keras.Model
        Built here if it is not.
    sample : ndarray of shape (1, ...)
    n_classes : int
    builder : callable

    Raises
    ------
    ValueError
        If the network takes other samples or has another number of outputs.
    """
    if model.built:
        _check_input(model, sample.shape[1:], builder)
        shape = getattr(model, "output_shape", None)
        if isinstance(getattr(model, "output", None), dict):
            shape = {name: output.shape for name, output in model.output.items()}
    else:
        # Called, because `build` of a subclassed model makes no variables.
        shape = (None, *model(sample).shape[1:])
    if shape is None or tuple(shape) == (None, n_classes):
        return model
    if tuple(shape) == (None, 1) and n_classes == 2:
        _check_unit(model, builder)
        # In the precision of the data, whatever the policy: 1 - p would lose a small p.
        dtype = sample.dtype.name
        inputs = keras.Input(sample.shape[1:])
        p = model(inputs)
        one_minus_p = keras.layers.Rescaling(-1.0, 1.0, dtype=dtype)(p)
        both = keras.layers.Concatenate(name=_BOTH, dtype=dtype)
        return keras.Model(inputs, both([one_minus_p, p]), name=model.name)
    raise ValueError(
        f"The builder {named(builder)} returned a network whose output shape is "
        f"{shape}; expected {(None, n_classes)}: one probability for each class."
    )


def with_loss_scaling(optimizer, model):
    """Return an optimizer that scales the loss under float16, as Keras's `compile`."""
    scaling = keras.optimizers.LossScaleOptimizer
    if model.dtype_policy.name != "mixed_float16" or isinstance(optimizer, scaling):
        return optimizer
    return scaling(optimizer, name="loss_scale_optimizer")


def learning_rate_position(optimizer):
    """Return where the learning rate is among an optimizer's variables.

    None with a schedule.
    """
    variable = learning_rate_variable(optimizer)
    ids = [id(each) for each in optimizer.variables]
    return None if variable is None else ids.index(id(variable))


def learning_rate_variable(optimizer):
    """Return the variable that holds the learning rate; None with a schedule.

    None for a MultiOptimizer as well, whose optimizers have one each.
    """
    # A LossScaleOptimizer has a rate without effect before that of the one inside.
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if hasattr(inner, "optimizers"):
        return None
    return next((v for v in inner.variables if v.name == "learning_rate"), None)


def first_layer(model):
    """Return the first layer of a network, also inside a nested one; None without."""
    for layer in model.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            return first_layer(layer) if isinstance(layer, keras.Model) else layer
    return None


def has_one_unit(model):
    """Return whether a network has been extended from one unit to two outputs."""
    return _BOTH in [layer.name for layer in getattr(model, "layers", ())]


def _check_unit(model, builder):
    """Raise ValueError if a network with one unit cannot be extended to two outputs."""
    last = next(reversed(getattr(model, "layers", None) or [model]))
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if activation in ("linear", "relu", "tanh"):
        raise ValueError(
            f"The builder {named(builder)} returned a network that ends in one unit "
            f"with activation={activation!r}, which is no probability. End it with "
            "activation='sigmoid', and use a loss with from_logits=False."
        )
    if overrides_training(model):
        raise ValueError(
            f"The builder {named(builder)} returned a {type(model).__name__}, which "
            "overrides Keras's training and ends in one unit. End it with one unit per "
            "class, activation='softmax'."
        )


def overrides_training(model):
    """Return whether a network overrides Keras's training or test step."""
    steps = "train_step", "test_step", "compute_loss", "compute_metrics"
    return overrides(model, *steps, "metrics")


def overrides(model, *names):
    """Return whether a network's class overrides one of these methods of Keras's."""
    return any(
        getattr(type(model), name) is not getattr(keras.Model, name) for name in names
    )


def _check_input(model, given, builder):
    """Raise ValueError if a network does not take samples of a shape."""
    expected = getattr(model, "input_shape", None)
    if isinstance(expected, list):
        raise ValueError(
            f"The builder {named(builder)} returned a network with {len(expected)} "
            f"inputs; expected one, of shape {given}. Split it inside the network, for "
            "example by slicing a keras.Input."
        )
    if not isinstance(expected, tuple):
        return  # unknown
    sides = zip(expected[1:], given, strict=False)
    if len(expected) != len(given) + 1 or any(
        side not in (None, actual) for side, actual in sides
    ):
        advice = 'size the network by meta["X_shape_"][1:], or set image_shape'
        if has_channels_first(given):
            advice = "channels go to the end, by X.transpose(0, 2, 3, 1)"
        raise ValueError(
            f"The builder {named(builder)} returned a network for samples of shape "
            f"{expected[1:]}, but the samples have shape {given}: {advice}."
        )


def _are_equal(first, second):
    """Return whether two optimizers or losses are one, or of one configuration."""
    if first is second or inspect.isfunction(first) or inspect.isfunction(second):
        return first is second
    return str(_configuration(first)) == str(_configuration(second))


def _configuration(part):
    """Return the configuration of an optimizer or loss without its name."""
    try:
        config = keras.saving.serialize_keras_object(part)
    except Exception:  # a user's class may fail in any way here
        return type(part)
    if isinstance(config, dict) and isinstance(config.get("config"), dict):
        config["config"].pop("name", None)
    return config


def named(builder):
    """Return what messages call a builder."""
    return getattr(builder, "__name__", None) or type(builder).__name__
