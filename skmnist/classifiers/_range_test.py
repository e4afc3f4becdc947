"""Learning-rate range test of a classifier."""

import numpy as np

from skmnist._seed import draw_seed
from skmnist.classifiers._augmentation import augmentation_of
from skmnist.classifiers._checks import check_weight
from skmnist.classifiers._data import (
    check_fit_data,
    fit_label_encoder,
    smooth_labels,
    weigh_and_split,
)


def losses_at_rates(classifier, X, y, rates):
    """Train a classifier for one step at each learning rate.

    Parameters
    ----------
    classifier : BaseKerasClassifier
        Gets the attributes of validated data, but is not fitted.
    X : array-like of shape (n_samples, n_features) or (n_samples, h, w[, channels])
    y : array-like of shape (n_samples,)
    rates : ndarray of shape (n_steps,)

    Returns
    -------
    losses : ndarray of shape (n_done,)
        Of the batches; fewer than the rates if training diverged.
    """
    from skmnist._engine._range_test import losses_at_rates as measure

    classifier._validate_params()
    X, y = check_fit_data(classifier, X, y, reset=True, has_validation_set=True)
    encoder = fit_label_encoder(classifier, y)
    seed = draw_seed(classifier.random_state)
    weight, rows, _ = weigh_and_split(
        y,
        check_weight(None, y),
        classifier.class_weight,
        classifier.validation_fraction,
        seed,
    )
    network, training = classifier._start(X, encoder.classes_, seed)
    targets = smooth_labels(encoder.transform(y), classifier.label_smoothing)
    return measure(
        network,
        training,
        (X.reshape(-1, *classifier.image_shape_), targets, weight),
        rows,
        np.asarray(rates, float),
        batch_size=int(classifier.batch_size),
        augmentation=augmentation_of(classifier),
        jit_compile=classifier.jit_compile,
    )
