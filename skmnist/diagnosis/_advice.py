"""What to try after a finding: advice names parameters that the estimator has."""

from skmnist._cross_validation._scores import final_step

_AUGMENTATION = "random_rotation=0.03, random_translation=0.07, random_zoom=0.1"
_PENALTIES = (
    "dropout",
    "hidden_dropout",
    "l2",
    "alpha",
    "l2_regularization",
    "reg_param",
)
_TREES = "max_depth", "max_leaf_nodes", "min_samples_leaf", "ccp_alpha"
# What makes a model fit its training samples better, and what makes it less flexible:
# words, and the parameters to list behind them unless the words name the first already.
_CLOSER_FIT = (
    ("a larger network", ("hidden_layer_sizes", "filters", "model")),
    ("more epochs", ("epochs",)),
    ("a higher learning_rate (LearningRateDisplay names a range)", ("learning_rate",)),
    ("larger trees", _TREES),
    ("fewer neighbours", ("n_neighbors",)),
    ("a larger C", ("C",)),
    ("a larger gamma", ("gamma",)),
    ("less regularisation", _PENALTIES),
)
_LESS_FLEXIBLE = (
    ("smaller trees", _TREES),
    ("more neighbours", ("n_neighbors",)),
    ("a smaller C", ("C",)),
    ("a smaller gamma", ("gamma",)),
    ("more regularisation", _PENALTIES),
)
# Parameters that have no effect if another one of the same estimator has these values.
_WITHOUT_EFFECT = (
    ("gamma", "kernel", ("linear", "knn")),
    ("n_neighbors", "kernel", ("rbf",)),
    ("alpha", "penalty", (None,)),
    ("C", "penalty", (None,)),
)


def parameter_names(estimator):
    """Return the names of the parameters of a classifier, and of those inside it.

    Parameters
    ----------
    estimator : classifier
        Of a Pipeline, the last step counts.

    Returns
    -------
    names : frozenset of str
        Without the names of the estimators that they belong to, and without those that
        have no effect with the values of others.
    """
    params = final_step(estimator).get_params()
    without_effect = {
        f"{prefix}__{name}".removeprefix("__")
        for name, switch, values in _WITHOUT_EFFECT
        for prefix in {param.rpartition("__")[0] for param in params}
        if params.get(f"{prefix}__{switch}".removeprefix("__"), switch) in values
    }
    return frozenset(
        param.rpartition("__")[2] for param in params if param not in without_effect
    )


def against_bias(names):
    """Return what to try for a lower training error."""
    if "epochs" not in names:
        names -= {"learning_rate"}  # of boosting, which LearningRateDisplay cannot test
    options = _options(_CLOSER_FIT, names) or ["other features"]
    if len(options) == 1:  # which may not be enough, as for a linear model
        options.insert(0, "a more flexible model")
    return f"Try {_either(options)}."


def against_gap(names):
    """Return what to try for a narrower gap."""
    more = "Try more data"
    if "random_rotation" in names:
        more += f", or augmentation of images ({_AUGMENTATION})"
    return (
        f"{more}. The gap narrows with {simpler(names)}, but the error on new samples "
        "may not fall: compare values in a search."
    )


def simpler(names):
    """Return what makes a model less flexible."""
    return _either(_options(_LESS_FLEXIBLE, names) or ["a simpler model"])


def against_rare_classes(names):
    """Return what to try if a class is rare."""
    if "class_weight" in names:
        return "weight the classes (class_weight='balanced')"
    return "resample the training samples (imbalanced-learn)"


def against_overconfidence(names):
    """Return what to try if probabilities are too high."""
    options = ["calibrate them (CalibratedClassifierCV)"]
    if "label_smoothing" in names:
        options.append("set label_smoothing=0.02")
    if {"epochs", "early_stopping"} <= names:
        options.append("stop earlier (epochs, early_stopping=True)")
    return _either(options)


def augmentation(names):
    """Return a sentence on augmentation, or nothing if the classifier has none."""
    if "random_rotation" not in names:
        return ""
    return f" Of images, augmentation ({_AUGMENTATION}) generates some."


def _options(table, names):
    """Return the words of a table, with those parameters that there are."""
    options = []
    for words, params in table:
        found = [name for name in params if name in names]
        if found and found[0] in words.split():
            options.append(words)
        elif found:
            options.append(f"{words} ({', '.join(found)})")
    return options


def _either(options):
    if len(options) == 1:
        return options[0]
    comma = "," if len(options) > 2 else ""
    return f"{', '.join(options[:-1])}{comma} or {options[-1]}"
