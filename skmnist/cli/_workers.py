"""Where fits run: in threads of this process, or on the workers of a Dask cluster."""

import threading
from contextlib import contextmanager
from multiprocessing.dummy import DummyProcess


@contextmanager
def fits_in_threads():
    """Run the fits of a search of scikit-learn in threads, and end them on Ctrl-C."""
    from joblib import parallel_config

    from skmnist._interrupt import ungrouped

    others = _pool_threads()
    try:
        with parallel_config("threading"):
            yield
    except BaseException:
        # joblib does not wait for threads whose results are not needed any more.
        with ungrouped.stopped():
            for thread in _pool_threads() - others:
                thread.join()
        raise


def _pool_threads():
    """Return the running threads of joblib's pools.

    Threads that a callback or a backend of Keras has started may never end.
    """
    return {t for t in threading.enumerate() if isinstance(t, DummyProcess)}


@contextmanager
def fits_on_cluster(address, *data):
    """Run fits on the workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of the scheduler, such as "tcp://10.0.0.1:8786".
    *data : ndarray
        Arguments of many fits. Each is sent to the scheduler once, and lives there, so
        that it is not lost with a worker.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If no scheduler answers within ten seconds.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--scheduler needs Dask, here and on the workers: "
            "pip install dask distributed."
        ) from None
    import dask
    from joblib import parallel_config

    # The data are part of the first tasks, and Dask would warn of large ones.
    quiet = dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"})
    with quiet, Client(address, timeout=10, set_as_default=False) as client:
        if not client.ncores():
            raise OSError(f"The scheduler at {address} has no workers.")
        with parallel_config("dask", client=client) as config:
            # joblib would scatter them: Dask cannot recover scattered data, as it can
            # the results of tasks.
            config["backend"].data_futures |= {
                id(array): client.submit(_same, array, pure=False) for array in data
            }
            yield


def _same(array):
    return array
