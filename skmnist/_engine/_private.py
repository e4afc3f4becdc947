"""Networks whose variables belong to them alone, whatever a builder returns.

A builder may use layers, or return a whole network, that were made before it was
called, as Keras's guides do with pretrained networks and augmentation. Training in them
would change what the next fit begins with, and what earlier fits predict.
"""

import weakref

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._built import uncompiled

# Variables of the networks built so far, by id. One that a later build returns again
# was made outside of it. No fit trains the network of the first build of its builder,
# so such a variable still has the value that its maker gave it.
_known = weakref.WeakValueDictionary()


def with_private_variables(model, builder_name):
    """Return a network without variables of networks that were built before.

    Parameters
    ----------
    model : keras.Model
        Built.
    builder_name : str

    Returns
    -------
    model : keras.Model
        The model itself, or a copy in which layers with such variables are replaced.
        The model itself, too, if these layers cannot be copied but are frozen.

    Raises
    ------
    ValueError
        If these layers can neither be copied nor are frozen.
    """
    shared = shared_variables(model)
    if shared:
        try:
            model = _copied(model, shared)
        except Exception as error:  # code of the user's layers may fail in any way
            if not shared.isdisjoint(map(id, model.trainable_variables)):
                reason = " ".join(str(error).strip().partition("\n\n")[0].split())
                raise ValueError(
                    f"The builder {builder_name} returned layers that were made "
                    "outside of it. Every fit trains layers of its own: make these "
                    "layers inside the builder, or freeze them (trainable = False). "
                    f"They cannot be copied: {reason}"
                ) from error
    for variable in model.variables:
        _known[id(variable)] = variable
    return model


def shared_variables(model):
    """Return the ids of a model's variables that networks built before have."""
    return {id(v) for v in model.variables if _known.get(id(v)) is v}


def _copied(model, shared):
    """Return a model that computes the same, with copies of layers that are shared."""
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise TypeError(f"{type(model).__name__} is not sequential or functional")

    def copied(layer):
        if shared.isdisjoint(map(id, layer.variables)):
            return layer
        return type(layer).from_config(layer.get_config())

    # Keras would compile the copy with copies of loss and metrics, which may fail.
    with uncompiled(model):
        copy = keras.models.clone_model(model, clone_function=copied, recursive=True)
    if type(copy) is not type(model):
        raise TypeError(f"{type(model).__name__} becomes a {type(copy).__name__}")
    for old, new in zip(model.variables, copy.variables, strict=True):
        new.assign(old.value)
        new.trainable = old.trainable
    for layer in copy._flatten_layers():
        if hasattr(layer, "finalize_state"):  # of a layer with `adapt`
            layer.finalize_state()
    _check_equal(model, copy, shared)
    return copy


def _check_equal(model, copy, shared):
    """Raise ValueError if a copy shares variables, or computes something else."""
    if not shared.isdisjoint(map(id, copy.variables)):
        raise ValueError("a copy has the same variables")
    if _trained(model) != _trained(copy):
        raise ValueError("a copy trains other variables")
    X = np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)
    outputs = [
        keras.ops.convert_to_numpy(each(X, training=False)) for each in (model, copy)
    ]
    if not np.array_equal(*outputs, equal_nan=True):
        raise ValueError("a copy computes other outputs")


def _trained(model):
    """Return the positions of the variables that are trained."""
    trained = {id(v) for v in model.trainable_variables}
    return [i for i, v in enumerate(model.variables) if id(v) in trained]
