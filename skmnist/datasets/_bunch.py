"""Build the Bunch that the loaders return, in the format of scikit-learn's."""

import numpy as np
from sklearn.utils import Bunch


def make_bunch(images, target, descr, return_X_y, as_frame, feature_names=None):
    """Return a Bunch, or ``(data, target)``, as scikit-learn's loaders do.

    Parameters
    ----------
    images : ndarray of shape (n_samples, ...)
        Images, or rows of a table.
    target : ndarray of shape (n_samples,)
        Labels.
    descr : str
        Description of the data set.
    return_X_y : bool
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool
        If True, return pandas objects.
    feature_names : list of str, default=None
        Names of the columns of a table; pixels are numbered otherwise.

    Returns
    -------
    bunch : sklearn.utils.Bunch
        With the attributes documented in `fetch_mnist`.
    (data, target) : tuple
        If ``return_X_y=True``.
    """
    # A view: data and images share memory unless as_frame copies it.
    data, frame = images.reshape(len(images), -1), None
    if feature_names is None or images.ndim > 2:
        indices = np.ndindex(images.shape[1:])
        feature_names = ["_".join(map(str, ("pixel", *index))) for index in indices]
    target_names = np.unique(target)
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=feature_names)
        target = pd.Series(target, name="target")
        frame = pd.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=target_names,
        images=images,
        DESCR=descr,
    )
