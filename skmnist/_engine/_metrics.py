"""Metrics of a builder's network, and compiling a network with them.

A trainer reports the loss and the accuracy. A builder may compile its model with other
metrics, and a layer or a subclassed network may hold metrics of its own: Keras computes
them batch by batch (`_batches`).
"""

import inspect
from typing import NamedTuple

from skmnist._engine._backend import keras
from skmnist._engine._built import (
    has_one_unit,
    named,
    overrides,
    overrides_training,
    uncompiled,
)


class BuilderMetrics(NamedTuple):
    """Names of the metrics that a network reports in Keras besides the loss.

    Attributes
    ----------
    as_accuracy : tuple of str
        Other names that the builder gives to the accuracy.
    others : tuple of str
        Metrics that are not the accuracy.
    """

    as_accuracy: tuple = ()
    others: tuple = ()


def take_metrics(returned, model, builder):
    """Give a network the metrics of the one that a builder has returned.

    Parameters
    ----------
    returned : keras.Model
    model : keras.Model
        The network that is trained in its place: itself, extended, or a copy.
    builder : callable

    Returns
    -------
    metrics : BuilderMetrics

    Raises
    ------
    ValueError
        If the model is a copy that lacks what a `compile` of its own has set.
    """
    one_unit = has_one_unit(model)
    if model is not returned:
        if not one_unit and returned.compiled and overrides(returned, "compile"):
            raise ValueError(
                f"The builder {named(builder)} returned layers that were made outside "
                f"of it, in a {type(model).__name__} that overrides compile and cannot "
                "be copied with what its compile has set. Make these layers inside the "
                "builder."
            )
        model.run_eagerly = returned.run_eagerly
    # Set on the object, as Keras would report the metrics as the network's own.
    object.__setattr__(model, "metrics_of_builder", _given_metrics(returned))
    if overrides(returned, "metrics"):
        return BuilderMetrics()  # its training step alone decides what is reported
    names = {True: [], False: []}
    for metric in [each for part in model.metrics_of_builder for each in part]:
        names[_is_accuracy(metric, one_unit)].append(_name(metric))
    with uncompiled(returned):
        names[False] += [metric.name for metric in returned.metrics]
    aliases = [name for name in names[True] if name != "accuracy"]
    return BuilderMetrics(tuple(aliases), tuple(names[False]))


def other_metrics(model):
    """Return the metrics with which a builder compiles its model besides the accuracy.

    Parameters
    ----------
    model : keras.Model
        A network that `Network.build` returns.

    Returns
    -------
    metrics : dict
        Keywords of ``keras.Model.compile``. The metrics take the model's outputs, also
        if it has been extended from one unit to two outputs.
    """
    one_unit = has_one_unit(model)
    found = []
    for metrics in model.metrics_of_builder:
        others = [each for each in metrics if not _is_accuracy(each, one_unit)]
        copies = map(_copied, others)
        found.append([_OfUnit(each) if one_unit else each for each in copies])
    return dict(zip(("metrics", "weighted_metrics"), found, strict=True))


def compile_model(model, optimizer, loss, *, by_builder, builder):
    """Compile a network as its builder does, for use outside of a trainer.

    Parameters
    ----------
    model : keras.Model
        A network that `Network.build` returns.
    optimizer : keras.optimizers.Optimizer
    loss : str, callable or keras.losses.Loss
    by_builder : bool
        Whether the builder has compiled the model. What its own `compile` has set then
        stays as it is.
    builder : callable

    Raises
    ------
    ValueError
        If the model has a `compile` of its own, which the builder has not called, and
        which takes other arguments than Keras's.
    """
    metrics, weighted = ([], []) if has_one_unit(model) else model.metrics_of_builder
    if not overrides_training(model) or not metrics + weighted:
        metrics = ["accuracy", *(m for m in metrics if _name(m) != "accuracy")]
    keywords = {
        "optimizer": optimizer,
        "loss": loss,
        "metrics": list(map(_copied, metrics)),
        "weighted_metrics": list(map(_copied, weighted)),
    }
    if by_builder or type(model).compile is keras.Model.compile:
        run_eagerly = model.run_eagerly
        keras.Model.compile(model, **keywords, run_eagerly=run_eagerly)
        return
    del keywords["weighted_metrics"]
    try:
        inspect.signature(model.compile).bind(**keywords)
    except TypeError as error:
        raise ValueError(
            f"The builder {named(builder)} returns a "
            f"{type(model).__name__}, whose compile takes other arguments than "
            f"keras.Model.compile ({error}). Compile the model in the builder; its "
            "optimizer, loss and metrics are then used."
        ) from error
    model.compile(**keywords)


class _OfUnit(keras.metrics.Metric):
    """A metric of the probability of the second class of two."""

    def __init__(self, metric):
        if isinstance(metric, str):
            name, metric = metric, keras.metrics.get(metric)
        else:
            name = _name(metric)
        super().__init__(name=name)
        if not isinstance(metric, keras.metrics.Metric):
            metric = keras.metrics.MeanMetricWrapper(metric, name)
        self._metric = metric
        # Keras's callbacks read from it whether the metric is to be maximised.
        if hasattr(metric, "_direction"):
            self._direction = metric._direction

    def update_state(self, y_true, y_pred, sample_weight=None):
        second = y_true[:, 1:], y_pred[:, 1:]
        return self._metric.update_state(*second, sample_weight=sample_weight)

    def result(self):
        return self._metric.result()

    def reset_state(self):
        self._metric.reset_state()


def _given_metrics(model):
    """Return the lists `metrics` and `weighted_metrics` that a model is compiled with.

    Empty if it is not.
    """
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None:
        return [], []
    given = compiled._user_metrics, compiled._user_weighted_metrics
    return tuple(keras.tree.flatten(part or []) for part in given)


def _is_accuracy(metric, one_unit):
    """Return whether a metric is the accuracy, under any name."""
    if str(metric).lower() in ("accuracy", "acc"):
        return True
    if isinstance(metric, str):
        try:
            metric = keras.metrics.get(metric)
        except ValueError:  # Keras raises it again when the model is compiled
            return False
    kinds = {
        keras.metrics.CategoricalAccuracy: keras.metrics.categorical_accuracy,
        keras.metrics.SparseCategoricalAccuracy: (
            keras.metrics.sparse_categorical_accuracy
        ),
    }
    if one_unit:
        kinds = {keras.metrics.BinaryAccuracy: keras.metrics.binary_accuracy}
        if getattr(metric, "_fn_kwargs", {}).get("threshold", 0.5) != 0.5:
            return False
    return type(metric) in kinds or any(metric is each for each in kinds.values())


def _name(metric):
    """Return the name under which Keras reports a metric."""
    if isinstance(metric, str):
        return metric
    return getattr(metric, "name", None) or getattr(metric, "__name__", repr(metric))


def _copied(metric):
    """Return a copy of a metric of Keras's own, which networks may share.

    User code is not copied, because its configuration may lack something.
    """
    if not type(metric).__module__.startswith("keras.") or (
        type(metric) is keras.metrics.MeanMetricWrapper
    ):
        return metric
    return type(metric).from_config(metric.get_config())
