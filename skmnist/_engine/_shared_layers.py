"""Networks whose variables belong to them alone, whatever a builder returns.

A builder may use layers, or return a whole network, that were made before it was
called, as Keras's guides do with pretrained networks and augmentation. Training in them
would change what the next fit begins with, and what earlier fits predict.
"""

import contextlib
import inspect
import weakref

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._built import named, uncompiled
from skmnist._engine._key import is_foreign_code

# Variables of the networks built so far, by id. One that a later build returns again
# was made outside of it. No fit trains the network of the first build of its builder,
# so such a variable still has the value that its maker gave it.
_known = weakref.WeakValueDictionary()


def with_private_variables(model, builder):
    """Return a network without variables of networks that were built before.

    Parameters
    ----------
    model : keras.Model
        Built.
    builder : callable

    Returns
    -------
    model : keras.Model
        The model itself, or a copy in which layers with such variables are replaced.
        The model itself, too, if these layers cannot be copied but are frozen.

    Raises
    ------
    TypeError
        If these layers can neither be copied nor are frozen.
    """
    shared = shared_variables(model)
    if shared:
        try:
            model = _copied(model, shared)
        except Exception as error:  # code of the user's layers may fail in any way
            if not shared.isdisjoint(map(id, model.trainable_variables)):
                reason = " ".join(str(error).strip().partition("\n\n")[0].split())
                raise TypeError(
                    f"The builder {named(builder)} returned layers that were made "
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
    layers = zip(model._flatten_layers(), copy._flatten_layers(), strict=True)
    for old, new in layers:
        _copy_settings(old, new)
    for old, new in zip(model.variables, copy.variables, strict=True):
        new.assign(old.value)
        new.trainable = old.trainable
        new.regularizer, new.constraint = old.regularizer, old.constraint
    for layer in copy._flatten_layers():
        if hasattr(layer, "finalize_state"):  # of a layer with `adapt`
            layer.finalize_state()
    with _seeds_kept(model), _seeds_kept(copy):
        _check_equal(model, copy, shared)
    return copy


def _copy_settings(old, new):
    """Set what the configuration of a layer leaves out: settings, and user functions.

    Keras writes functions by name, and finds its own function of that name first.
    """
    for name, value in vars(old).items():
        if name.startswith("_") or name == "build":  # which Keras wraps for each layer
            continue
        is_function = inspect.isfunction(value) and is_foreign_code(value)
        if is_function or isinstance(value, bool | int | float | str | None):
            setattr(new, name, value)


@contextlib.contextmanager
def _seeds_kept(model):
    """Restore the states of random generators: some layers draw in inference mode."""
    states = [
        (v, keras.ops.convert_to_numpy(v.value))
        for v in model.variables
        if not keras.backend.is_float_dtype(v.dtype)
    ]
    try:
        yield
    finally:
        for variable, state in states:
            variable.assign(state)


def _check_equal(model, copy, shared):
    """Raise ValueError if a copy shares variables, or computes something else."""
    if not shared.isdisjoint(map(id, copy.variables)):
        raise ValueError("a copy has the same variables")
    if trained_positions(model) != trained_positions(copy):
        raise ValueError("a copy trains other variables")
    rng = np.random.default_rng(0)
    shape = (2, *(side or 8 for side in model.input_shape[1:]))
    samples = [rng.random(shape, np.float32), 10 * rng.normal(size=shape)]
    for X in samples:
        try:
            expected = keras.ops.convert_to_numpy(model(X, training=False))
        except Exception:  # an embedding of codes, for example, takes no negative one
            continue
        computed = keras.ops.convert_to_numpy(copy(X, training=False))
        if not np.array_equal(expected, computed, equal_nan=True):
            raise ValueError("a copy computes other outputs")


def trained_positions(model):
    """Return the positions of the variables that are trained."""
    trained = {id(v) for v in model.trainable_variables}
    return [i for i, v in enumerate(model.variables) if id(v) in trained]
