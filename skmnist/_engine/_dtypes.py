"""Dtype policies, and the label encoder that goes with each."""

import numpy as np

from skmnist.preprocessing import OneHotLabelEncoder

#: The Keras dtype policies that classifiers accept.
DTYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "mixed_float16",
    "mixed_bfloat16",
)


def data_dtype(policy):
    """Return the dtype of inputs and targets under a policy, as ndarrays."""
    return np.dtype("float64" if policy == "float64" else "float32")


def fit_encoder(labels, policy):
    """Return a one-hot encoder of labels for networks of a dtype policy."""
    encoder = OneHotLabelEncoder(dtype=data_dtype(policy).type).fit(labels)
    # An array, whatever transform_output is set globally.
    return encoder.set_output(transform="default")
