"""Imports that leave the process as it was."""

import contextlib
import os
import random
import warnings

import numpy as np


@contextlib.contextmanager
def preserved_process_state():
    """Restore on exit what heavy imports change for the whole process.

    These are environment variables, warning filters, and the states of Python's and
    NumPy's global generators, which some packages draw from while they are imported.
    """
    environment = dict(os.environ)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
