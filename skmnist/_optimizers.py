"""Optimizers inside optimizers, and what a configuration of Keras leaves out of them.

`exclude_from_weight_decay` is called on an optimizer that exists, and is no part of the
configuration that Keras copies and pickles optimizers by. Nothing here imports Keras.
"""

_EXCLUDED = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")


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
