"""MNIST's download against a server on this machine that misbehaves."""

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
    """A server of a small MNIST, the only place where it can be found."""
    import keras  # noqa: F401  its import makes the folder of KERAS_HOME

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


def left(tmp_path):
    """Return the names of all files and folders but the test's own."""
    kept = ("home", "home/datasets", "origin.npz", "tmp")
    paths = (str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    return sorted(path for path in paths if path not in kept)


def test_what_is_nowhere_is_downloaded_once_and_kept(server, tmp_path):
    assert len(fetch_mnist(subset="test").target) == 20
    assert len(fetch_mnist().target) == 30
    assert server.served == 1
    assert left(tmp_path) == ["home/datasets/mnist.npz"]


@pytest.mark.parametrize("sent", [0, 1000, -1])
def test_a_cut_connection_leaves_nothing_and_the_next_try_succeeds(
    server, tmp_path, sent
):
    server.sent = sent
    with pytest.raises(OSError, match=r"could not download MNIST.*data_home"):
        fetch_mnist()
    assert left(tmp_path) == []
    server.sent = len(server.content)
    assert len(fetch_mnist().target) == 30


def test_other_content_is_refused_by_its_checksum(server, tmp_path):
    server.content = server.content[:-1] + b"\xff"
    with pytest.raises(OSError, match="corrupted file detected"):
        fetch_mnist()
    assert left(tmp_path) == []


def test_no_server_is_an_os_error(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_mnist, "_ORIGIN", "http://127.0.0.1:1/mnist.npz")
    with pytest.raises(OSError, match=r"URL fetch failure.*data_home"):
        fetch_mnist()
    assert left(tmp_path) == []


def test_two_downloads_at_once_both_succeed(server, tmp_path):
    # Neither is served before both have asked.
    server.barrier = threading.Barrier(2)
    # Forked, so that they know this server.
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
    assert left(tmp_path) == ["home/datasets/mnist.npz"]


def test_a_full_disk_is_an_os_error_and_leaves_nothing(server, tmp_path, monkeypatch):
    retrieve = urllib.request.urlretrieve

    def fill_the_disk(url, path, reporthook):
        retrieve(url, path)
        os.truncate(path, 100)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", fill_the_disk)
    with pytest.raises(OSError, match=r"No space left on device.*data_home"):
        fetch_mnist()
    assert left(tmp_path) == []


def test_ctrl_c_leaves_nothing(server, tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch_mnist()
    assert left(tmp_path) == []


def test_a_home_that_cannot_be_written_still_gives_the_data(server, tmp_path):
    # A file in the place of the folder: permissions do not hold back root.
    (tmp_path / "home").write_text("")
    assert len(fetch_mnist().target) == 30
    assert left(tmp_path) == []


@pytest.mark.parametrize("damage", [lambda c: c[:-30], lambda c: b"", lambda c: b"no"])
def test_a_damaged_file_in_the_cache_is_named(server, tmp_path, damage):
    cached = tmp_path / "home" / "datasets" / "mnist.npz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(damage(server.content))
    with pytest.raises(ValueError, match=r"mnist\.npz cannot be read as an npz file"):
        fetch_mnist()
    assert server.served == 0
