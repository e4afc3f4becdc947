"""The process: imports that leave it as it was, and forks after a first use."""

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


_started_in = None


def check_not_forked():
    """Raise an error in a process forked from one that has used the backend.

    The backend's threads do not exist in a forked process, so it would wait for them
    for ever.

    Raises
    ------
    RuntimeError
    """
    global _started_in
    if _started_in is None:
        _started_in = os.getpid()
    elif _started_in != os.getpid():
        raise RuntimeError(
            "This process was forked from one that had used Keras, whose backend does "
            "not work after a fork. Start processes with "
            "multiprocessing.get_context('spawn') or 'forkserver', or use joblib with "
            "its default backend, loky."
        )
