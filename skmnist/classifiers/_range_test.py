"""Learning-rate range test of a classifier."""

import numpy as np

from skmnist.classifiers._data import check_fit_data


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
    # The user may pass a validation set to `fit`, so early stopping is no error here.
    X, y = check_fit_data(classifier, X, y, reset=True, has_validation_set=True)
    task = classifier._prepare(X, y, None, resume=False)
    weight = task.data[2]
    return measure(
        task.network,
        task.training,
        task.data,
        task.rows[weight[task.rows] > 0],  # a batch without weight has no loss
        np.asarray(rates, float),
        batch_size=int(classifier.batch_size),
        augmentation=task.augmentation,
        jit_compile=classifier.jit_compile,
    )
