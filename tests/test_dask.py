"""A Dask cluster of two workers on this machine runs the fits."""

import os
import signal
import threading
import time
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from typer.testing import CliRunner

from skmnist import KerasMLPClassifier, diagnose_fit
from skmnist._engine._process import worker_threads
from skmnist.cli import app
from skmnist.cli._workers import fits_on_cluster

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

MLP = KerasMLPClassifier(hidden_layer_sizes=(8,), epochs=2, random_state=0)
GRID = {"learning_rate": [0.003, 0.01, 0.03, 0.1], "batch_size": [16, 32]}


@pytest.fixture(scope="module")
def client():
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        "silence_logs": "CRITICAL",
    }
    cluster = distributed.LocalCluster(**options)
    with cluster, distributed.Client(cluster) as client:
        yield client


def run_everywhere(client, function):
    """Call a function in a task of each worker; return the results by worker."""
    workers = list(client.scheduler_info()["workers"])
    futures = [client.submit(function, pure=False, workers=[w]) for w in workers]
    return dict(zip(workers, client.gather(futures), strict=True))


def thread_counts():
    import tensorflow as tf

    from skmnist._engine import _backend  # noqa: F401 - sizes the thread pools

    threading = tf.config.threading
    return (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )


@pytest.mark.tensorflow
def test_tensorflow_takes_the_share_of_a_worker(client):
    counts = run_everywhere(client, thread_counts)
    assert list(counts.values()) == [(1, 1), (1, 1)]


def test_diagnosis_on_workers_equals_that_of_this_process(client, digits):
    def diagnose():
        return diagnose_fit(
            MLP, *digits, cv=3, reference=0.05, learning_curve=True, random_state=0
        )

    with parallel_config("dask"):
        remote = diagnose()
    own = diagnose()
    assert remote.verdict == own.verdict
    assert remote.gap.value == pytest.approx(own.gap.value, abs=0.01)
    np.testing.assert_allclose(
        remote.summary.loc[["train_loss", "validation_loss"], "mean"],
        own.summary.loc[["train_loss", "validation_loss"], "mean"],
        rtol=1e-3,
    )


def test_worker_threads_understand_what_openmp_does(monkeypatch):
    process = SimpleNamespace(name="LokyProcess-1")
    monkeypatch.setattr("multiprocessing.current_process", lambda: process)
    for value, n_threads in {"3": 3, "2,1": 2, "": None, "many": None}.items():
        monkeypatch.setenv("OMP_NUM_THREADS", value)
        assert worker_threads() == n_threads
    process.name = "Dask Worker process (from Nanny)"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert worker_threads() == 2  # in a thread that is no task's
    process.name = "MainProcess"
    assert worker_threads() is None


def test_samples_are_sent_once_for_all_fits(client, digits, monkeypatch):
    X, y = digits
    scatter, sent = distributed.Client.scatter, []

    def count(self, data, **options):
        sent.append(data is X)
        return scatter(self, data, **options)

    monkeypatch.setattr(distributed.Client, "scatter", count)
    with parallel_config("dask"):
        diagnose_fit(MLP, X, y, cv=3, reference=0.05, learning_curve=True)
    assert sum(sent) == 1


def test_search_survives_the_loss_of_a_worker(client, digits):
    splits = list(StratifiedKFold(3).split(*digits))
    search = GridSearchCV(MLP, GRID, cv=splits, refit=False, error_score="raise")
    expected = search.fit(*digits).cv_results_["mean_test_score"]
    pids = run_everywhere(client, os.getpid)

    def kill_one():
        while not any(client.processing().values()):
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(pids[min(pids)], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    address = client.scheduler.address
    with fits_on_cluster(address, *digits, *chain(*splits)):
        search.fit(*digits)
    killer.join()
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], expected, atol=0.011
    )
    client.wait_for_workers(2)
    assert pids != run_everywhere(client, os.getpid)


@pytest.mark.parametrize(
    "command",
    [
        ["search", "--grid", "epochs=1,2"],
        ["diagnose", "--epochs", "1", "--reference", "0.1"],
    ],
    ids=["search", "diagnose"],
)
def test_commands_run_on_a_scheduler(client, tmp_path, command):
    out = tmp_path / "out"
    address = client.scheduler.address
    command += ["--samples", "300", "--cv", "2", "--out", str(out)]
    done = CliRunner().invoke(app, [*command, "--scheduler", address])
    assert done.exit_code == 0, done.output
    assert (out / "report.html").exists()


def test_unreachable_scheduler_is_an_error_in_one_sentence(monkeypatch, tmp_path):
    command = ["search", "--grid", "epochs=1,2", "--samples", "100", "--cv", "2"]
    command += ["--out", str(tmp_path / "out"), "--scheduler", "tcp://127.0.0.1:9"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "127.0.0.1:9" in done.output
    assert not (tmp_path / "out").exists()
