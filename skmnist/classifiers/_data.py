"""Samples and labels of a fit: validation, shape, label encoding and hold-out split."""

import contextlib
import math

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from skmnist._engine._dtypes import fit_encoder
from skmnist._rows import Rows
from skmnist.classifiers._checks import (
    check_held_out_weight,
    check_no_placeholder,
    check_parameters,
    check_training_weight,
    check_weight,
    combine_weights,
    warn_if_inverted,
    warn_if_scale_changed,
)
from skmnist.classifiers._keywords import check_no_batches

# Dtypes that networks accept without conversion; images have up to 4 dimensions.
DTYPES_OF_X = [np.float32, np.float64, np.uint8]
_CHECKS = {"dtype": DTYPES_OF_X, "allow_nd": True}


@contextlib.contextmanager
def unchanged_on_failure(classifier):
    """Restore what validation has set if a fit fails before it sets a new network."""
    names = ("n_features_in_", "feature_names_in_", "image_shape_", "_sample_shape")
    before = {name: v for name, v in vars(classifier).items() if name in names}
    training = vars(classifier).get("_training")
    try:
        yield
    except BaseException:
        if vars(classifier).get("_training") is training:
            for name in names:
                vars(classifier).pop(name, None)
            vars(classifier).update(before)
        raise


def check_fit_data(classifier, X, y, *, reset, has_validation_set=False):
    """Validate the parameters and the training data of a classifier.

    Parameters
    ----------
    classifier : BaseKerasClassifier
        `n_features_in_`, `feature_names_in_` and `image_shape_` are set if `reset`.
    X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
    y : array-like of shape (n_samples,)
    reset : bool
        Whether X defines the sample shape, or must match the one already set.
    has_validation_set : bool
        Whether `fit` was given a validation set.

    Returns
    -------
    X : ndarray of shape (n_samples, *image_shape_)
        uint8, float32 or float64.
    y : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If a parameter, X or y is invalid.
    """
    check_no_placeholder(classifier)
    # scikit-learn would report one-hot labels as an unsupported target type, without
    # saying what to pass instead.
    is_table = isinstance(y, np.ndarray | list) or hasattr(y, "iloc")
    if is_table and np.ndim(y) == 2 and np.shape(y)[1] > 1:
        raise ValueError(
            f"y should be a 1d array of labels, got an array of shape {np.shape(y)} "
            "instead. Labels are one-hot encoded internally; convert one-hot rows to "
            "labels with OneHotLabelEncoder.inverse_transform."
        )
    check_parameters(classifier, has_validation_set)
    X, y = _validate(classifier, X, y, reset=reset)
    check_classification_targets(y)
    return _reshape(classifier, X, reset=reset), y


def check_predict_data(classifier, X):
    """Validate samples that a fitted classifier predicts.

    Returns
    -------
    X : ndarray of shape (n_samples, *image_shape_)
        uint8, float32 or float64.

    Raises
    ------
    ValueError
        If X is invalid, or its samples do not have the shape of those in `fit`.

    Warns
    -----
    UserWarning
        If the scale of X differs from that in `fit` by more than a factor of 10, or
        images are dark on light and those in `fit` were light on dark, or vice versa.
    """
    X = _validate(classifier, X, reset=False)
    X = _reshape(classifier, X, reset=False)
    warn_if_scale_changed(X, classifier._rms)
    warn_if_inverted(X, classifier._background)
    return X


def _validate(classifier, X, *y, reset):
    """Return validated X, or X and y; `Rows` are not copied."""
    check_no_batches(X)
    if not isinstance(X, Rows):
        return validate_data(classifier, X, *y, reset=reset, **_CHECKS)
    # The first row has the shape and the dtype of all of them.
    validate_data(classifier, X[:1], reset=reset, **_CHECKS)
    if X.dtype.kind == "f":
        for block in X.blocks():
            assert_all_finite(
                block, estimator_name=type(classifier).__name__, input_name="X"
            )
    if not y:
        return X
    (labels,) = (validate_data(classifier, y=labels) for labels in y)
    check_consistent_length(X, labels)
    return X, labels


def _reshape(classifier, X, *, reset):
    """Return X in the shape that the network expects."""
    sample_shape = X.shape[1:]
    if not 1 <= len(sample_shape) <= 3 or not math.prod(sample_shape):
        raise ValueError(
            f"Expected X of shape (n_samples, n_features) or (n_samples, height, "
            f"width[, channels]), got {X.shape}."
        )
    if reset:
        classifier.image_shape_ = classifier._layout(sample_shape)
        classifier._sample_shape = sample_shape
    elif sample_shape != classifier._sample_shape:
        # validate_data compared n_features_in_ alone, the first dimension of a sample.
        raise ValueError(
            f"X has samples of shape {sample_shape}, but "
            f"{type(classifier).__name__} was fitted on samples of shape "
            f"{classifier._sample_shape}."
        )
    return X.reshape(len(X), *classifier.image_shape_)


def fit_label_encoder(classifier, y, classes=None):
    """Return a one-hot encoder fitted on `classes`, or on y if `classes` is None.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    encoder = fit_encoder(y if classes is None else classes, classifier.dtype)
    if len(encoder.classes_) < 2:
        raise ValueError(
            f"{type(classifier).__name__} needs samples of at least 2 classes in the "
            "data, but the data contains only one class: "
            f"{encoder.classes_.tolist()[0]!r}."
        )
    return encoder


def smooth_labels(targets, fraction):
    """Spread a fraction of one-hot targets evenly over all classes.

    As the `label_smoothing` of Keras's losses.
    """
    if not fraction:
        return targets
    fraction = float(fraction)  # a scalar of NumPy would promote the targets
    return targets * (1 - fraction) + fraction / targets.shape[1]


def check_validation_set(classifier, X_val, y_val, sample_weight_val):
    """Validate the validation set that is passed to `fit`.

    Returns
    -------
    validation : tuple of (X, y, sample_weight) or None
        Samples of shape (n_samples, *image_shape_), labels and float64 weights; None
        if there is no validation set.

    Raises
    ------
    ValueError
        If a part is missing or invalid, or if `validation_fraction` is set as well.
    """
    if X_val is None and y_val is None and sample_weight_val is None:
        return None
    if X_val is None or y_val is None:
        missing, given = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
        if X_val is None and y_val is None:
            given = "sample_weight_val"
        raise ValueError(
            f"{given} was passed without {missing}: a validation set needs X_val and "
            "y_val."
        )
    if classifier.validation_fraction:
        raise ValueError(
            "X_val cannot be combined with "
            f"validation_fraction={classifier.validation_fraction}, which holds out "
            "another validation set. Set validation_fraction=0 to use X_val."
        )
    X = validate_data(classifier, X_val, reset=False, **_CHECKS)
    X = _reshape(classifier, X, reset=False)
    y = column_or_1d(y_val, warn=True)
    check_consistent_length(X, y)
    return X, y, check_weight(sample_weight_val, X, "sample_weight_val")


def weigh_and_split(y, sample_weight, class_weight, fraction, seed):
    """Weigh samples, and split them into those to train on and those to validate with.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,)
    class_weight : dict, "balanced" or None
    fraction : float
        Fraction of the samples to hold out.
    seed : int

    Returns
    -------
    weight : ndarray of shape (n_samples,)
    train, held_out : ndarray of int
        Sorted row indices.
    """
    train, held_out = hold_out(y, fraction, seed)
    weight = combine_weights(sample_weight, class_weight, y)
    # As in Keras, class weights count in training only.
    weight[held_out] = sample_weight[held_out]
    check_training_weight(weight, train, class_weight)
    check_held_out_weight(weight, held_out)
    return weight, train, held_out


def hold_out(y, validation_fraction, seed):
    """Split row indices into training and validation rows, stratified by class.

    Returns
    -------
    train, held_out : ndarray of int
        Sorted row indices. `held_out` is empty if `validation_fraction` is 0.

    Raises
    ------
    ValueError
        If the samples are too few for both parts to contain every class.
    """
    rows = np.arange(len(y))
    if not validation_fraction:
        return rows, rows[:0]
    try:
        train, held_out = train_test_split(
            rows, test_size=validation_fraction, stratify=y, random_state=seed
        )
    except ValueError as error:
        raise ValueError(
            f"validation_fraction={validation_fraction} cannot split {len(y)} samples "
            "so that both parts contain every class. Change validation_fraction, or "
            f"add samples. ({error})"
        ) from error
    return np.sort(train), np.sort(held_out)
