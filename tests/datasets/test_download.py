"""Test the download of MNIST from a local server that simulates failures."""

import errno
import hashlib
import multiprocessing
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from skmnist import fetch_mnist
from skmnist.datasets import _mnist
from skmnist.datasets._idx import idx_header


class Server(ThreadingHTTPServer):
    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.sent, self.served = content, len(content), 0
        self.barrier = threading.Barrier(1)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.served += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.server.barrier.wait(30)
        self.wfile.write(self.server.content[: self.server.sent])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Local server of a small MNIST, with no MNIST in other locations."""
    import keras  # noqa: F401  importing Keras creates the folder KERAS_HOME

    rng = np.random.default_rng(0)
    arrays, checksums = {}, {}
    for part, n in ("train", 30), ("test", 20):
        pair = rng.integers(0, 256, (n, 28, 28), np.uint8), np.arange(n, dtype=np.uint8)
        arrays |= {f"x_{part}": pair[0], f"y_{part}": pair[1]}
        checksums[part] = [
            hashlib.sha256(idx_header(a) + a.tobytes()).hexdigest() for a in pair
        ]
    np.savez(tmp_path / "origin.npz", **arrays)
    content = (tmp_path / "origin.npz").read_bytes()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(_mnist, "_MNIST_SHA256", checksums)
    monkeypatch.setattr(_mnist, "_NPZ_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.delenv("SKMNIST_MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    origin = f"http://127.0.0.1:{server.server_port}/mnist.npz"
    monkeypatch.setattr(_mnist, "_ORIGIN", origin)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def created_files(tmp_path):
    """Return the paths of all files and folders not created by the fixtures."""
    kept = ("home", "home/datasets", "origin.npz", "tmp")
    paths = (str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    return sorted(path for path in paths if path not in kept)


def test_missing_mnist_is_downloaded_once_and_cached(server, tmp_path):
    assert len(fetch_mnist(subset="test").target) == 20
    assert len(fetch_mnist().target) == 30
    assert server.served == 1
    assert created_files(tmp_path) == ["home/datasets/mnist.npz"]


@pytest.mark.parametrize("sent", [0, 1000, -1])
def test_interrupted_download_leaves_no_files_and_can_be_retried(
    server, tmp_path, sent
):
    server.sent = sent
    with pytest.raises(OSError, match=r"could not download MNIST.*data_home"):
        fetch_mnist()
    assert created_files(tmp_path) == []
    server.sent = len(server.content)
    assert len(fetch_mnist().target) == 30


def test_download_with_wrong_checksum_is_refused(server, tmp_path):
    server.content = server.content[:-1] + b"\xff"
    with pytest.raises(OSError, match="corrupted file detected"):
        fetch_mnist()
    assert created_files(tmp_path) == []


def test_unreachable_server_is_an_os_error(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_mnist, "_ORIGIN", "http://127.0.0.1:1/mnist.npz")
    with pytest.raises(OSError, match=r"URL fetch failure.*data_home"):
        fetch_mnist()
    assert created_files(tmp_path) == []


@pytest.mark.tensorflow
def test_concurrent_downloads_succeed(server, tmp_path):
    # The server answers only after it has received both requests.
    server.barrier = threading.Barrier(2)
    # Forked processes inherit the monkeypatched address of the server.
    processes = multiprocessing.get_context("fork")
    sizes = processes.Queue()
    both = [
        processes.Process(target=lambda: sizes.put(len(fetch_mnist().target)))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert ([sizes.get(), sizes.get()], server.served) == ([30, 30], 2)
    assert created_files(tmp_path) == ["home/datasets/mnist.npz"]


def test_full_disk_is_an_os_error_and_leaves_no_files(server, tmp_path, monkeypatch):
    retrieve = urllib.request.urlretrieve

    def fail_with_full_disk(url, path, reporthook):
        retrieve(url, path)
        os.truncate(path, 100)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", fail_with_full_disk)
    with pytest.raises(OSError, match=r"No space left on device.*data_home"):
        fetch_mnist()
    assert created_files(tmp_path) == []


def test_keyboard_interrupt_leaves_no_files(server, tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_mnist()
    assert created_files(tmp_path) == []


def test_data_is_loaded_if_cache_is_not_writeable(server, tmp_path):
    # A file instead of a folder, because permissions do not restrict root.
    (tmp_path / "home").write_text("")
    assert len(fetch_mnist().target) == 30
    assert created_files(tmp_path) == []


@pytest.mark.parametrize("corrupt", [lambda c: c[:-30], lambda c: b"", lambda c: b"no"])
def test_corrupted_cache_file_is_an_error_with_the_path(server, tmp_path, corrupt):
    cached = tmp_path / "home" / "datasets" / "mnist.npz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(corrupt(server.content))
    with pytest.raises(ValueError, match=r"mnist\.npz cannot be read as an npz file"):
        fetch_mnist()
    assert server.served == 0
