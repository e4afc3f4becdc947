"""Checks of parameters, weights, classes and pixel scale, beyond scikit-learn's own."""

import math
import warnings
from numbers import Integral

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from skmnist._engine._placeholder import Placeholder
from skmnist.classifiers._keywords import routed_advice

# A root mean square outside this range is far from unit scale. MNIST has 0.33 if scaled
# to [0, 1] and 85 if not; standardised data has 1.
_SCALE = (0.01, 4)
# Flat rows of fewer than 8 × 8 values are rather those of a table, even if their number
# is a square.
SMALLEST_SIDE = 8


def as_python(value):
    """Return a value with NumPy scalars converted to Python numbers, also if nested.

    scikit-learn's searches sample NumPy scalars, which Keras does not accept.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {name: as_python(entry) for name, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(as_python, value))
    return value


def check_weight(sample_weight, X, name="sample_weight"):
    """Validate sample weights; `name` is theirs in error messages.

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        float64. All ones if `sample_weight` is None.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or if all are zero.
    """
    if sample_weight is not None and not np.asarray(sample_weight).any():
        raise ValueError(
            f"{name} is zero for every sample; at least one weight must be positive."
        )
    return _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )


def combine_weights(sample_weight, class_weight, y):
    """Return the product of sample weights and the weights of their classes.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_samples,)
    class_weight : dict, "balanced" or None
        A label that y does not contain has no effect, and a label that the dict does
        not contain has weight 1, as in scikit-learn's classifiers.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    weight : ndarray of shape (n_samples,)
        float64, a copy.
    """
    if class_weight is None:
        return sample_weight.copy()
    if isinstance(class_weight, dict):
        return sample_weight * [class_weight.get(label, 1.0) for label in y.tolist()]
    return sample_weight * compute_sample_weight("balanced", y)


def warn_of_unknown_classes(class_weight, classes):
    """Warn if `class_weight` names labels that are no classes, but not every class.

    scikit-learn's classifiers refuse such weights, which are probably a mistake. A fold
    may lack a class, though.
    """
    if not isinstance(class_weight, dict):
        return
    classes = classes.tolist()
    unknown = [label for label in class_weight if label not in classes]
    unlisted = [label for label in classes if label not in class_weight]
    if unknown and unlisted:
        warnings.warn(
            f"class_weight has keys that are no class of y and have no effect: "
            f"{_some(unknown)}. Classes that it does not name have weight 1: "
            f"{_some(unlisted)}.",
            UserWarning,
            stacklevel=7,  # as in `warn_if_unscaled`
        )


def _some(labels):
    shown = ", ".join(map(repr, labels[:5]))
    return f"{shown}, ..." if len(labels) > 5 else shown


def check_training_weight(weight, train, class_weight):
    """Raise ValueError if all training samples have weight 0."""
    if not weight[train].any():
        raise ValueError(
            f"sample_weight and class_weight={class_weight!r} give all training "
            "samples weight 0; at least one must have a positive weight."
        )


def check_held_out_weight(weight, held_out):
    """Raise ValueError if all held-out samples have weight 0."""
    if len(held_out) and not weight[held_out].any():
        raise ValueError(
            "sample_weight is zero for all held-out samples, so there is no validation "
            "loss. Change validation_fraction or random_state, or remove samples of "
            "weight 0."
        )


def check_routed_names(clf, params):
    """Raise ValueError for names that SciKeras would route to a Keras object."""
    for name in params:
        advice = routed_advice(name)
        if advice is not None:
            raise ValueError(
                f"Invalid parameter {name!r} for {type(clf).__name__}: {advice}."
            )


def as_list(callbacks):
    """Return callbacks as a list, whether one, several or none were given."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def check_parameters(clf, has_validation_set):
    """Raise ValueError if parameters of a classifier cannot be combined."""
    validates = clf.validation_fraction or has_validation_set
    _check_learning_rate(clf)
    if getattr(clf, "batch_normalization", False) and clf.batch_size == 1:
        raise ValueError(
            "batch_normalization=True normalises over the samples of a batch, and "
            "batch_size=1 leaves nothing to normalise over. Set batch_size to 2 at "
            "least; 16 and more are usual."
        )
    for callback in as_list(clf.callbacks):
        if isinstance(callback, type):
            raise ValueError(
                f"callbacks contains the class {callback.__name__}, but should contain "
                f"instances: write {callback.__name__}()."
            )
        if not hasattr(callback, "on_epoch_end"):
            raise ValueError(
                f"callbacks contains {callback!r}, which is not a Keras callback: it "
                "should be an instance of a subclass of keras.callbacks.Callback."
            )
    if clf.early_stopping and not validates:
        raise ValueError(
            "early_stopping=True monitors the validation loss, but "
            "validation_fraction=0.0 holds out no samples. Set validation_fraction, "
            "e.g. to 0.1, or pass X_val and y_val to fit."
        )
    if clf.save_best is not None and clf.checkpoint_dir is None:
        raise ValueError(
            f"save_best={clf.save_best!r} requires a directory to write to: set "
            "checkpoint_dir."
        )
    if str(clf.save_best).startswith("val_") and not validates:
        raise ValueError(
            f"save_best={clf.save_best!r} monitors held-out samples, but "
            "validation_fraction=0.0 holds out none. Set validation_fraction, e.g. to "
            "0.1, or pass X_val and y_val to fit."
        )
    if clf.checkpoint_dir is None:
        return
    # Without a fixed seed a second fit would be another training, and find no state.
    if not isinstance(clf.random_state, Integral):
        raise ValueError(
            "checkpoint_dir requires an integer random_state, which identifies the fit "
            f"to resume; got random_state={clf.random_state!r}."
        )
    if clf.callbacks:
        raise ValueError(
            "checkpoint_dir cannot be combined with callbacks, because their state is "
            f"not saved; got callbacks={clf.callbacks!r}. Set one of them to None."
        )


def _check_learning_rate(clf):
    """Raise ValueError for what is no schedule, or for two schedules."""
    schedule = clf.learning_rate_schedule
    if callable(clf.learning_rate) and not _is_schedule(clf.learning_rate):
        raise ValueError(
            "learning_rate should be a number or an instance of "
            "keras.optimizers.schedules.LearningRateSchedule, got "
            f"{clf.learning_rate!r}."
        )
    if callable(clf.learning_rate) and schedule != "constant":
        raise ValueError(
            f"learning_rate={type(clf.learning_rate).__name__}(...) is a schedule, and "
            f"learning_rate_schedule={schedule!r} another one. Set "
            "learning_rate_schedule='constant' to follow the first, or learning_rate "
            "to a number to follow the second."
        )


def _is_schedule(value):
    """Return whether a value is a Keras schedule, without importing Keras."""
    names = [cls.__name__ for cls in type(value).__mro__]
    return "LearningRateSchedule" in names or isinstance(value, Placeholder)


def check_takes_smooth_labels(network):
    """Raise ValueError if a loss does not take targets between 0 and 1."""
    if not network.takes_smooth_labels():
        raise ValueError(
            f"loss={network.trained_with.loss!r} takes class codes, or targets of "
            "exactly 0 and 1, which label_smoothing cannot change. Set "
            "label_smoothing=0, or use a loss of one-hot targets, such as "
            "'categorical_crossentropy'."
        )


def check_no_placeholder(classifier):
    """Raise ValueError if a parameter is a placeholder for code not in the loaded file.

    Training needs the code; prediction does not.
    """
    params = classifier.get_params(deep=False)
    nested = params.get("model_params")
    if isinstance(nested, dict):
        params |= {f"model__{name}": value for name, value in nested.items()}
    missing = {n: v for n, v in params.items() if isinstance(v, Placeholder)}
    if missing:
        names = ", ".join(f"{name} ({value.name})" for name, value in missing.items())
        call = ", ".join(f"{name}=..." for name in missing)
        raise ValueError(
            f"This {type(classifier).__name__} was loaded from a file, and saved files "
            f"contain no user code. Missing: {names}. The classifier can still "
            f"predict; to train it, call set_params({call}) first."
        )


def check_same_classes(classes, fitted):
    """Raise ValueError if `classes` differs from the first call to partial_fit."""
    if not np.array_equal(np.unique(classes), fitted):
        raise ValueError(
            f"classes={np.unique(classes).tolist()} is not the same as on the first "
            f"call to partial_fit, was: {fitted.tolist()}."
        )


def check_warm_start_classes(y, fitted):
    """Raise ValueError if y has other classes than in the fit that is continued."""
    classes = np.unique(y)
    if not np.array_equal(classes, fitted):
        raise ValueError(
            "warm_start=True needs a y with the same classes as in the previous fit, "
            f"which were {fitted.tolist()}; y has {classes.tolist()}. Call partial_fit "
            "to train on some of the classes."
        )


def root_mean_square(X):
    """Return the root mean square of X, estimated from about 1,000 rows."""
    some = X[:: max(1, len(X) // 1000)].astype(np.float64)
    return float(np.sqrt(np.mean(np.square(some))))


def warn_if_unscaled(X, input_scale):
    """Warn if values are far from unit scale when they enter the first layer.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    input_scale : float or None
        Factor by which the network rescales its input. None disables the check, for
        networks that normalise the input themselves.
    """
    if input_scale is None:
        return
    rms = root_mean_square(X) * abs(input_scale)
    if rms > _SCALE[1] or 0 < rms < _SCALE[0]:
        what, scaler = "features", "StandardScaler"
        if _seems_to_be_images(X):
            what, scaler = "pixels", "PixelScaler"
        warnings.warn(
            f"The {what} are far from unit scale (root mean square {rms:.3g}), which "
            "slows down or prevents convergence. Scale them first: "
            f"make_pipeline({scaler}(), classifier).",
            UserWarning,
            stacklevel=7,  # `_train`, `_fit`, `fit` and two wrappers lie in between
        )


def warn_if_scale_changed(X, fitted_rms):
    """Warn if the scale of X differs from that in fit by more than a factor of 10."""
    rms = root_mean_square(X)
    # All-zero samples have no scale to compare.
    if rms and fitted_rms and not 0.1 <= rms / fitted_rms <= 10:
        warnings.warn(
            f"X has a root mean square of {rms:.3g}, but the X passed to fit had "
            f"{fitted_rms:.3g}. Scale both in the same way: put the scaler and the "
            "classifier in one Pipeline.",
            UserWarning,
            stacklevel=4,  # `check_predict_data` and e.g. `predict_proba`
        )


def find_background(X):
    """Return what tells a light from a dark background, from about 1,000 rows of X.

    Returns
    -------
    background : tuple of float or None
        Lowest and highest pixel, and the mean of the outermost pixels. None if X is a
        table. A plain tuple, so that pickles do not depend on a private class.
    """
    some = X[:: max(1, len(X) // 1000)]
    border = _border_mean(some)
    return None if border is None else (float(some.min()), float(some.max()), border)


def warn_if_inverted(X, fitted):
    """Warn if images are dark on light and those in fit light on dark, or vice versa.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    fitted : tuple of float or None
        The background of the X passed to fit.
    """
    border = None if fitted is None else _border_mean(X[:: max(1, len(X) // 1000)])
    if border is None:
        return
    *limits, fitted_border = fitted
    # A photograph of paper is not as light as paper that is drawn.
    now = background_level(*limits, border, margin=0.4)
    levels = now, background_level(*limits, fitted_border)
    if None not in levels and levels[0] != levels[1]:
        warnings.warn(
            "The images in X have a {} background, but those passed to fit had a {} "
            "one, so most predictions are probably wrong. Convert X in the same way as "
            "the images passed to fit: MNISTFormatter makes every image light on "
            "dark.".format(*levels),
            UserWarning,
            stacklevel=4,  # `check_predict_data` and e.g. `predict_proba`
        )


def background_level(low, high, border, margin=0.25):
    """Return "dark" or "light" for a border near an end of the range, else None.

    A border far beyond the range has another scale, which says nothing of its level.
    """
    level = (border - low) / ((high - low) or 1)
    if not -0.5 <= level <= 1.5:
        return None
    return "dark" if level < margin else "light" if level > 1 - margin else None


def _border_mean(X):
    """Return the mean of the outermost pixels of images; None if X is a table."""
    if X.ndim == 2:
        side = math.isqrt(X.shape[1])
        if side < SMALLEST_SIDE or side**2 != X.shape[1]:
            return None
        X = X.reshape(-1, side, side)
    if min(X.shape[1:3]) < SMALLEST_SIDE:
        return None
    sides = X[:, 0], X[:, -1], X[:, 1:-1, 0], X[:, 1:-1, -1]
    total = sum(float(pixels.sum(dtype=np.float64)) for pixels in sides)
    return total / sum(pixels.size for pixels in sides)


def _seems_to_be_images(X):
    """Return whether samples have the shape or the dtype of images, flat or not."""
    n_values = math.prod(X.shape[1:])
    is_square = n_values >= SMALLEST_SIDE**2 and math.isqrt(n_values) ** 2 == n_values
    return X.ndim > 2 or X.dtype == np.uint8 or is_square
