"""The one place that uses SciKeras: it resolves a builder and what compile needs.

Importing SciKeras patches Keras's classes for the whole process; the patches are taken
back at once.
"""

import functools
import inspect

from skmnist._engine._backend import keras, process_left_as_it_was

_PATCHED = [
    (keras.Model, "__reduce__"),
    (keras.Model, "__deepcopy__"),
    (keras.losses.Loss, "__reduce__"),
    (keras.metrics.Metric, "__reduce__"),
    (keras.optimizers.Optimizer, "__reduce__"),
]
_originals = [vars(owner).get(name) for owner, name in _PATCHED]
with process_left_as_it_was():
    from scikeras.wrappers import KerasClassifier
for (_owner, _name), _original in zip(_PATCHED, _originals, strict=True):
    if _original is not None:
        setattr(_owner, _name, _original)
    elif _name in vars(_owner):
        delattr(_owner, _name)


def resolve(builder, builder_params, meta, optimizer, learning_rate, loss):
    """Build a network and its optimizer by SciKeras's conventions.

    Parameters
    ----------
    builder : callable
        May take ``meta``, ``compile_kwargs`` and ``params`` beside its own keywords.
    builder_params : dict
        The builder's own keywords.
    meta : dict
        What the data told: ``X_shape_``, ``n_classes_`` and so on.
    optimizer : str, type or keras.optimizers.Optimizer
        Never changed: an instance is copied.
    learning_rate : float or None
        None leaves the optimizer's own.
    loss : str, callable or keras.losses.Loss

    Returns
    -------
    model : keras.Model
        As the builder returned it.
    optimizer : keras.optimizers.Optimizer
        A fresh one.
    """
    wrapper = wrap(builder, builder_params, optimizer, learning_rate, loss)
    vars(wrapper).update(meta)
    wrapper._random_state = None
    model = wrapper._build_keras_model()
    return model, wrapper._get_compile_kwargs()["optimizer"]


def wrap(builder, builder_params, optimizer, learning_rate, loss, **params):
    """Return a SciKeras classifier for a builder, unfitted."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        config = optimizer.get_config()
        if learning_rate is not None:
            config["learning_rate"] = learning_rate
        optimizer = type(optimizer).from_config(config)
    elif learning_rate is not None:
        params["optimizer__learning_rate"] = learning_rate
    if not inspect.isfunction(builder):
        # SciKeras knows functions and partials alone, not other callables.
        builder = functools.partial(builder)
    return KerasClassifier(
        model=builder,
        optimizer=optimizer,
        loss=loss,
        **{f"model__{name}": value for name, value in builder_params.items()},
        **params,
    )
