"""Optimizers inside optimizers, and what a configuration of Keras leaves out of them.

`exclude_from_weight_decay` is called on an optimizer that exists, and is no part of the
configuration that Keras copies and pickles optimizers by. Nothing here imports Keras.
"""

_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")

_BACKENDS = ("keras", "tensorflow", "jax", "jaxlib", "torch")


def with_inner_optimizers(optimizer):
    """Return an optimizer and the optimizers that it applies."""
    inner = [optimizer.inner_optimizer] if hasattr(optimizer, "inner_optimizer") else []
    inner += getattr(optimizer, "optimizers", [])
    return [
        optimizer,
        *(part for one in inner for part in with_inner_optimizers(one)),
    ]


def exclusions(value):
    """Return what an optimizer excludes from weight decay.

    Parameters
    ----------
    value : object

    Returns
    -------
    excluded : list of dict
        Attributes of the optimizer and of those inside it. Empty if the value excludes
        nothing, or is no optimizer.
    """
    if not hasattr(value, "exclude_from_weight_decay"):
        return []
    excluded = [
        {name: vars(part)[name] for name in _EXCLUDED if vars(part).get(name)}
        for part in with_inner_optimizers(value)
    ]
    return excluded if any(excluded) else []


def exclude(optimizer, excluded):
    """Exclude from weight decay what `exclusions` has returned; return the optimizer.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Of the same configuration, changed in place.
    excluded : list of dict
    """
    if excluded:
        for part, attributes in zip(
            with_inner_optimizers(optimizer), excluded, strict=True
        ):
            vars(part).update(attributes)
    return optimizer


def copy_of(optimizer, config=None):
    """Return a new optimizer that excludes the same from weight decay.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
    config : dict, optional
        Its configuration, perhaps with other values. None is its own.
    """
    config = optimizer.get_config() if config is None else config
    return exclude(type(optimizer).from_config(config), exclusions(optimizer))


def added_attributes(optimizer):
    """Return the attributes of an optimizer that Keras's class does not give it.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Of a user's class.

    Returns
    -------
    attributes : dict of str to object
        In containers without Keras's tracking. Without what training made: variables,
        and what is excluded from weight decay, for which see `exclusions`.
    """
    base = next(cls for cls in type(optimizer).__mro__ if _package(cls) == "keras")
    given = vars(base.from_config(base.get_config(optimizer)))
    return {
        name: _untracked(value)
        for name, value in vars(optimizer).items()
        if name not in given
        and not name.startswith(_EXCLUDED[0])  # also the cache of what is excluded
        and not _is_of_backend(value)
    }


def _package(cls):
    return cls.__module__.partition(".")[0]


def _untracked(value):
    """Return plain containers in place of those by which Keras tracks variables."""
    if _package(type(value)) not in _BACKENDS:
        return value
    if isinstance(value, dict):
        return {name: _untracked(entry) for name, entry in value.items()}
    plain = list if isinstance(value, list) else set
    return plain(_untracked(entry) for entry in value)


def _is_of_backend(value):
    """Return whether a value is an object of Keras or its backend, or contains one."""
    if isinstance(value, dict):
        return any(_is_of_backend(entry) for entry in value.values())
    if isinstance(value, list | tuple | set):
        return any(_is_of_backend(entry) for entry in value)
    return _package(type(value)) in _BACKENDS


def unknown_exclusions(optimizer, variables):
    """Return whether variables are excluded that are not among those given."""
    keys = {optimizer._var_key(v) for v in variables}
    return any(
        not keys.issuperset(attributes.get(_EXCLUDED[0], ()))
        for attributes in exclusions(optimizer)
    )


def excluded_positions(optimizer, variables):
    """Return by optimizer, from the outside in, where excluded variables are.

    Empty if nothing is excluded.
    """
    return exclusions(optimizer) and [
        [i for i, v in enumerate(variables) if not part._use_weight_decay(v)]
        for part in with_inner_optimizers(optimizer)
    ]
