"""Wrong arguments of a constructor or of `fit`, answered by what to pass instead."""

import difflib
import functools
import inspect
from collections.abc import Iterable, Sequence

#: Names of other packages, by what is set here instead.
_PARAMETERS = {
    "build_fn": "model",
    "validation_split": "validation_fraction",
    "patience": "n_iter_no_change",
    "learning_rate_init": "learning_rate",
    "lr": "learning_rate",
    "max_iter": "epochs",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "solver": "optimizer",
    "hidden_layers": "hidden_layer_sizes",
}
_SENTENCES = {
    "validation_data": "pass the validation set to fit, as X_val and y_val",
    "metrics": (
        "loss and accuracy are recorded in history_; compute other metrics with "
        "scikit-learn's scoring, or add them to the logs in a callback"
    ),
    "shuffle": "the samples are shuffled in every epoch, by random_state",
    "initial_epoch": "set warm_start=True to continue a training",
}
_ROUTED = {"optimizer": "optimizers", "loss": "losses", "callbacks": "callbacks"}


def explain_keywords(method):
    """Raise a TypeError that says what to pass instead of an unknown keyword.

    Parameters
    ----------
    method : function
        ``__init__`` or a method that trains.

    Returns
    -------
    method : function
        Of the same signature.
    """
    signature = inspect.signature(method)
    known = list(signature.parameters)

    @functools.wraps(method)
    def explained(self, *args, **kwargs):
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            check_no_batches(args[0] if args else kwargs.get("X"))
            # Python's own message names the class that defines the method.
            where = type(self).__name__
            if method.__name__ != "__init__":
                where += f".{method.__name__}"
            unknown = [name for name in kwargs if name not in known]
            if not unknown:
                raise TypeError(f"{where}(): {error}") from None
            raise TypeError(
                f"{where}() got an unexpected keyword argument {unknown[0]!r}: "
                f"{_advice(self, method, unknown[0], known, args, kwargs)}."
            ) from None
        return method(self, *args, **kwargs)

    return explained


def check_no_batches(X):
    """Raise TypeError if X yields samples, as a `tf.data.Dataset` does.

    Parameters
    ----------
    X : object
    """
    is_array = hasattr(X, "shape") or hasattr(X, "__array__")
    if isinstance(X, Iterable) and not (is_array or isinstance(X, Sequence)):
        raise TypeError(
            f"X should be an array of samples, got a {type(X).__name__}. Collect its "
            "samples and labels in arrays first, for example by numpy.concatenate. "
            "Arrays larger than the memory can be memory-mapped: numpy.load(path, "
            "mmap_mode='r')."
        )


def routed_advice(name):
    """Return what to set instead of a name that SciKeras routes to a Keras object.

    None for any other name.
    """
    owner, routed, keyword = name.partition("__")
    if not routed or owner not in _ROUTED:
        return None
    if (owner, keyword) == ("optimizer", "learning_rate"):
        return "set learning_rate instead of it"
    return f"set {owner}=..., an object of keras.{_ROUTED[owner]}, instead of it"


def _advice(clf, method, name, known, args, kwargs):
    cls = type(clf).__name__
    parameters = clf._get_param_names()
    if name in _SENTENCES and name not in parameters:
        return _SENTENCES[name]
    if method.__name__ == "__init__":
        routed = routed_advice(name)
        if routed is not None:
            return routed
        if "model" in known and name not in _PARAMETERS:
            keyword = name.removeprefix("model__")
            builder = args[0] if args else kwargs.get("model")
            if name != keyword or keyword in _keywords_of(builder):
                return (
                    "keyword arguments of the builder are set by "
                    f"model_params={{{keyword!r}: ...}}, and in grids as "
                    f"model__{keyword}"
                )
    instead = _PARAMETERS.get(name, name)
    if instead in parameters:
        if method.__name__ == "__init__":
            return f"set {instead} instead"
        return f"it is a parameter of the classifier: {cls}({instead}=...)"
    close = difflib.get_close_matches(name, known[1:], 1, 0.7)
    if close:
        return f"did you mean {close[0]}"
    return f"it takes {', '.join(known[1:])}"


def _keywords_of(builder):
    try:
        return inspect.signature(builder).parameters
    except (TypeError, ValueError):
        return ()
