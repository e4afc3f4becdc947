"""TensorFlow's log stays off standard error, and everybody else's text stays on it."""

import os
import subprocess
import sys

import pytest

from skmnist._engine._log import without_tensorflow_log

INFORMATION = b"I0000 00:00:1795705122.676435    3500 cudart_stub.cc:31] No drivers.\n"
ERROR = b"E0000 00:00:1795705127.217276 3500 cuda_platform.cc:52] failed call\n"
FATAL = b"F0000 00:00:1795705127.217276 3500 status.cc:12] Check failed\n"
OLD_WARNING = (
    b"2026-01-02 03:04:05.678901: W tensorflow/core/util/port.cc:153] oneDNN is on.\n"
)
ABSL = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to "
    b"STDERR\n"
)


@pytest.fixture
def stderr(capfd):
    """Return a function that returns what file descriptor 2 has received."""
    return lambda: capfd.readouterr().err.encode()


def test_records_are_removed_and_other_text_is_kept(stderr, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    before = os.fstat(2)
    with without_tensorflow_log():
        os.write(2, b"one\n" + ABSL + INFORMATION + b"tw")
        os.write(2, b"o\n" + OLD_WARNING + ERROR + FATAL)
        os.write(2, b"I0000 is no record\nno newline")
    assert os.path.samestat(before, os.fstat(2))
    os.write(2, b", after\n")
    kept = b"one\ntwo\n" + FATAL + b"I0000 is no record\nno newline, after\n"
    assert stderr() == kept


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("0", INFORMATION + OLD_WARNING + ERROR),
        ("1", OLD_WARNING + ERROR),
        ("2", ERROR),
        ("3", b""),
        ("no level", INFORMATION + OLD_WARNING + ERROR),
    ],
)
def test_log_level_of_the_user_wins(stderr, monkeypatch, level, kept):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    with without_tensorflow_log():
        os.write(2, INFORMATION + OLD_WARNING + ERROR)
    assert stderr() == kept


def test_stderr_is_restored_after_an_error(stderr, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    before = os.fstat(2)

    def fail():
        with without_tensorflow_log():
            os.write(2, b"said before\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert os.path.samestat(before, os.fstat(2))
    assert stderr() == b"said before\n"


def test_text_of_a_child_process_that_ends_later_is_kept(stderr, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    code = "import os; os.read(0, 1); os.write(2, b'late\\n')"
    with without_tensorflow_log():
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert stderr() == b""
    child.communicate(b"x")
    assert child.returncode == 0
    said = b""
    while not said:  # a thread passes it on
        said = stderr()
    assert said == b"late\n"


@pytest.mark.slow
@pytest.mark.parametrize("first", ["pass", "import keras"])
def test_first_fit_prints_nothing_and_keeps_text_of_other_threads(first):
    """Without a log level, also where the user has imported Keras, which logs."""
    code = f"""
import logging, os, sys, threading
{first}
from skmnist import KerasMLPClassifier

def state():
    handlers = [*logging.root.handlers], logging.root.level
    stat = os.fstat(2)
    return dict(os.environ), handlers, (stat.st_dev, stat.st_ino), sys.stderr

def talk():
    count = 0
    while not ended.wait(0.01):
        count += 1
        os.write(2, b"line %d\\n" % count)
    counts.append(count)

os.write(2, b"start\\n")
before, counts, ended = state(), [], threading.Event()
thread = threading.Thread(target=talk)
thread.start()
KerasMLPClassifier(epochs=1).fit([[0.0, 1.0], [1.0, 0.0]] * 4, [0, 1] * 4)
ended.set()
thread.join()
assert state() == before
print(counts[0])
"""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    said = lines[lines.index("start") + 1 :]
    assert said == [f"line {i}" for i in range(1, int(done.stdout) + 1)]
    assert said
