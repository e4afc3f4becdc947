"""What a loader returns: a Bunch as scikit-learn's loaders make it."""

import math

import numpy as np
from sklearn.utils import Bunch


def make_bunch(images, target, descr, return_X_y, as_frame):
    """Return what scikit-learn's loaders return."""
    side = math.isqrt(images.shape[1])
    if images.ndim == 2 and side**2 == images.shape[1]:
        images = images.reshape(-1, side, side)
    data, frame = images.reshape(len(images), -1), None
    feature_names = [
        "_".join(map(str, ("pixel", *index))) for index in np.ndindex(images.shape[1:])
    ]
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
