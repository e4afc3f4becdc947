"""Checks of weights, classes and pixel scale, beside scikit-learn's own."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from skmnist._engine._placeholder import Placeholder

# A root mean square beyond these is far from unit scale: MNIST has 0.33 when scaled and
# 85 when not, standardised data 1.
_SCALE = (0.01, 4)


def as_python(value):
    """Return NumPy's numbers, which searches draw and Keras refuses, as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {name: as_python(entry) for name, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(as_python, value))
    return value


def check_weight(sample_weight, X):
    """Return non-negative weights, not all zero, float64 of shape (n_samples,)."""
    weight = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError(
            "sample_weight is zero for every sample: nothing to learn from."
        )
    return weight


def combine_weights(sample_weight, class_weight, y, classes):
    """Return the weight of each sample, its class's included, float64 (n_samples,)."""
    weight = check_weight(sample_weight, y)
    if class_weight is None:
        return weight
    if isinstance(class_weight, dict):
        unknown = [label for label in class_weight if label not in classes]
        if unknown:
            raise ValueError(
                f"class_weight names the labels {unknown}, which are none of the "
                f"classes {classes.tolist()}."
            )
        by_label = {label: class_weight.get(label, 1.0) for label in classes.tolist()}
        return weight * np.array([by_label[label] for label in y.tolist()])
    return weight * compute_sample_weight("balanced", y)


def check_settings(clf):
    """Refuse parameters of a classifier that do not go together."""
    if clf.early_stopping and not clf.validation_fraction:
        raise ValueError(
            "early_stopping=True watches the loss on held-out rows, but "
            "validation_fraction=0.0 holds none out: set it to 0.1, say."
        )
    if clf.save_best is not None and clf.checkpoint_dir is None:
        raise ValueError(
            f"save_best={clf.save_best!r} needs a folder to write to: set "
            "checkpoint_dir."
        )
    if str(clf.save_best).startswith("val_") and not clf.validation_fraction:
        raise ValueError(
            f"save_best={clf.save_best!r} watches held-out rows, but "
            "validation_fraction=0.0 holds none out: set it to 0.1, say."
        )
    if clf.checkpoint_dir is None:
        return
    if not isinstance(clf.random_state, Integral):
        raise ValueError(
            "checkpoint_dir needs an integer random_state, so that a training can be "
            f"known again; got random_state={clf.random_state!r}."
        )
    if clf.callbacks:
        raise ValueError(
            "checkpoint_dir cannot restore what callbacks keep to themselves: use one "
            f"or the other, got callbacks={clf.callbacks!r}."
        )


def refuse_left_out(classifier):
    """Raise ValueError if a parameter was left out of the file it was loaded from."""
    params = classifier.get_params(deep=False)
    nested = params.get("model_params")
    if isinstance(nested, dict):
        params |= {f"model__{name}": value for name, value in nested.items()}
    left_out = {n: v for n, v in params.items() if isinstance(v, Placeholder)}
    if left_out:
        was = ", ".join(f"{name} ({value.name})" for name, value in left_out.items())
        again = ", ".join(f"{name}=..." for name in left_out)
        raise ValueError(
            f"This {type(classifier).__name__} was loaded from a file, which holds no "
            f"code of one's own, and its {was} was left out. It predicts; to train it, "
            f"set that first: set_params({again})."
        )


def check_same_classes(classes, fitted):
    """Refuse classes that are not those of the first call to partial_fit."""
    if not np.array_equal(np.unique(classes), fitted):
        raise ValueError(
            f"classes={np.unique(classes).tolist()} are not those of the first call to "
            f"partial_fit: {fitted.tolist()}."
        )


def root_mean_square(X):
    """Return the root mean square of the pixels, from about a thousand rows."""
    some = X[:: max(1, len(X) // 1000)].astype(np.float64)
    return float(np.sqrt(np.mean(np.square(some))))


def warn_of_scale(X, input_scale):
    """Warn if the pixels, times what the network rescales by, are far from 1."""
    if input_scale is None:
        return
    rms = root_mean_square(X) * abs(input_scale)
    if rms > _SCALE[1] or 0 < rms < _SCALE[0]:
        warnings.warn(
            f"The pixels are far from unit scale (root mean square {rms:.3g}), where "
            "networks learn badly. Put a PixelScaler in front: "
            "make_pipeline(PixelScaler(), classifier).",
            UserWarning,
            stacklevel=5,
        )


def warn_of_another_scale(X, fitted_rms):
    """Warn if the pixels have quite another scale than those of fit."""
    rms = root_mean_square(X)
    if rms and fitted_rms and not 0.1 <= rms / fitted_rms <= 10:
        warnings.warn(
            f"These pixels have a root mean square of {rms:.3g}, those of fit had "
            f"{fitted_rms:.3g}. Scale both alike: put a PixelScaler and the classifier "
            "in one Pipeline.",
            UserWarning,
            stacklevel=4,
        )
