"""SciKeras: calls a builder, and resolves the optimizer. No other module uses it.

Importing SciKeras patches Keras's classes for the whole process. The patches are
reverted at once, so that an import of skmnist does not change how Keras objects are
pickled.
"""

import functools
import inspect

import numpy as np

from skmnist._engine._backend import keras
from skmnist._engine._log import without_tensorflow_log
from skmnist._engine._losses import loss_in_layout
from skmnist._engine._process import preserved_process_state
from skmnist._optimizers import copy_of

_PATCHED = [
    (keras.Model, "__reduce__"),
    (keras.Model, "__deepcopy__"),
    (keras.losses.Loss, "__reduce__"),
    (keras.metrics.Metric, "__reduce__"),
    (keras.optimizers.Optimizer, "__reduce__"),
]
_originals = [vars(owner).get(name) for owner, name in _PATCHED]
with preserved_process_state(), without_tensorflow_log():
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
        Description of the data: ``X_shape_``, ``n_classes_`` and so on.
    optimizer : str, type or keras.optimizers.Optimizer
        An instance is copied, never changed.
    learning_rate : float or None
        None keeps the optimizer's own.
    loss : str, callable or keras.losses.Loss

    Returns
    -------
    model : keras.Model
        The result of the builder.
    optimizer : keras.optimizers.Optimizer
        A new optimizer.
    """
    wrapper = wrap(builder, builder_params, optimizer, learning_rate, loss)
    vars(wrapper).update(meta)
    wrapper._random_state = None
    model = wrapper._build_keras_model()
    return model, wrapper._get_compile_kwargs()["optimizer"]


@keras.saving.register_keras_serializable("skmnist")
class LossOfCodes(keras.losses.Loss):
    """Loss of class codes that encodes them as the loss it wraps expects.

    SciKeras passes one-hot targets to the categorical cross-entropy of three and more
    classes only, and class codes, of shape (n_samples, 1), to every other loss.

    Parameters
    ----------
    loss : str, callable or keras.losses.Loss
    n_classes : int
    """

    def __init__(self, loss, n_classes):
        super().__init__()
        self.loss = loss
        self.n_classes = n_classes

    def call(self, codes, y_pred):
        """Return one loss per sample; y_pred may be p instead of 1 - p and p."""
        examples = np.eye(2, self.n_classes, dtype=np.float32)
        one_unit = y_pred.shape[-1] == 1
        loss = loss_in_layout(self.loss, examples, one_unit=one_unit)
        if one_unit:
            y_pred = keras.ops.concatenate([1 - y_pred, y_pred], axis=-1)
        codes = keras.ops.cast(keras.ops.reshape(codes, (-1,)), "int32")
        targets = keras.ops.one_hot(codes, self.n_classes, dtype=y_pred.dtype)
        return loss(targets, y_pred)

    def __reduce__(self):
        # Copied and pickled without a configuration, which a user's loss may lack.
        return type(self), (self.loss, self.n_classes)

    def get_config(self):
        """Return the arguments, serialized."""
        loss = keras.saving.serialize_keras_object(self.loss)
        return {"loss": loss, "n_classes": self.n_classes}

    @classmethod
    def from_config(cls, config):
        """Return the loss of a configuration."""
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(loss, config["n_classes"])


def routed(optimizer):
    """Return the class of an optimizer, and its parameters as SciKeras routes them.

    SciKeras would compile every new network with the same instance, which Keras
    refuses.
    """
    params = {
        f"optimizer__{name}": keras.saving.deserialize_keras_object(value)
        if isinstance(value, dict)
        else value
        for name, value in optimizer.get_config().items()
    }
    return type(optimizer), params


def wrap(builder, builder_params, optimizer, learning_rate, loss, **params):
    """Return a SciKeras classifier for a builder, unfitted."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer = _copied(optimizer, learning_rate)
    elif learning_rate is not None:
        params["optimizer__learning_rate"] = learning_rate
    if not inspect.isfunction(builder):
        # SciKeras accepts functions and partials, but no other callables.
        builder = functools.partial(builder)
    return KerasClassifier(
        model=builder,
        optimizer=optimizer,
        loss=loss,
        **{f"model__{name}": value for name, value in builder_params.items()},
        **params,
    )


def _copied(optimizer, learning_rate):
    """Return a copy of an optimizer with another learning rate, unless that is None."""
    config = optimizer.get_config()
    if learning_rate is not None:
        # A LossScaleOptimizer has the learning rate of the one that it wraps.
        own = config.get("inner_optimizer", {"config": config})["config"]
        if "optimizer_map" in own:
            raise ValueError(
                f"learning_rate={learning_rate!r} cannot be combined with a "
                "MultiOptimizer: set the learning rate of each optimizer in its map, "
                "and leave learning_rate=None."
            )
        own["learning_rate"] = learning_rate
    return copy_of(optimizer, config)
