"""The process: imports that leave it as it was, and forks after a first use."""

import contextlib
import multiprocessing
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


def worker_threads():
    """Return the number of cores that a worker process has for its tasks together.

    loky and Dask tell OpenMP and BLAS how many threads to use, but not TensorFlow,
    which would start as many as the machine has cores in every worker.

    Returns
    -------
    n_threads : int or None
        None if this is no worker of loky or Dask.
    """
    name = multiprocessing.current_process().name
    if not name.startswith(("Loky", "Dask Worker")):
        return None
    # OpenMP takes a number, or one for each level of nesting.
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    n_threads = int(first) if first.isdigit() and int(first) else None
    if name.startswith("Loky"):
        return n_threads
    from distributed import get_worker

    try:
        # Each thread of a worker runs a task.
        return get_worker().state.nthreads * (n_threads or 1)
    except ValueError:  # a thread that a task has started
        return n_threads


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
