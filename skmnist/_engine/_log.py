"""TensorFlow's C++ log: kept off standard error while TensorFlow starts.

TensorFlow reports missing GPU drivers, CPU features and its first compilation to the
file descriptor of standard error. These records bypass Python's logging, and
``TF_CPP_MIN_LOG_LEVEL`` suppresses only some of them.
"""

import contextlib
import os
import re
import secrets
import threading

# Severities that each level suppresses: information, warnings, errors.
_SUPPRESSED = ("", "I", "IW", "IWE")

# "I0000 00:00:1795705122.676435    3500 file.cc:31] ...", in older versions
# "2026-01-02 03:04:05.678901: I tensorflow/file.cc:31] ...".
_RECORD = re.compile(
    rb"(?:([IWEF])0000 00:00:[\d.]+ +\d+ |\d{4}-\d\d-\d\d [\d:.]+: ([IWEF]) )"
    rb"\S+\.(?:cc|h):\d+\] "
)
# Lines of a log record without a severity of their own.
_FURTHER = (
    b"WARNING: All log messages before absl::InitializeLog() is called",
    b"To enable the following instructions:",
)

# File descriptors belong to the whole process, so only one thread redirects at a time.
_redirecting = threading.RLock()


def log_level():
    """Return the user's ``TF_CPP_MIN_LOG_LEVEL``, 0 to 3, or None if it is not set."""
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    if level is None:
        return None
    return min(int(level), 3) if level.isdecimal() else 0


@contextlib.contextmanager
def without_tensorflow_log():
    """Remove TensorFlow's log records from standard error, and nothing else.

    Meanwhile standard error is a pipe, whose other lines are passed on as soon as they
    are complete. The user's log level 1, 2 or 3 removes information, warnings or errors
    as well; without one, all three are removed. With 0 there is no pipe.
    """
    level = log_level()
    suppressed = _SUPPRESSED[3 if level is None else level]
    with _redirecting, contextlib.ExitStack() as stack:
        # Without a standard error there is nothing to remove.
        with contextlib.suppress(OSError):
            if suppressed:
                stack.enter_context(_redirected(os.dup(2), suppressed))
        yield


@contextlib.contextmanager
def _redirected(stderr, suppressed):
    read, write = os.pipe()
    end = b"\0" + secrets.token_hex(16).encode()
    ended = threading.Event()
    # A thread, not a file that is read afterwards: child processes may keep the pipe as
    # their standard error for longer than this process does.
    forwarding = threading.Thread(
        target=_forward, args=(read, stderr, suppressed, end, ended), daemon=True
    )
    forwarding.start()
    os.dup2(write, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.write(write, end)
        os.close(write)
        ended.wait()


def _forward(read, stderr, suppressed, end, ended):
    """Copy lines from a pipe to a file descriptor, without log records; close both.

    At the marker `end`, all that has arrived is copied and `ended` is set. What comes
    later is from child processes.
    """
    rest = b""
    while data := os.read(read, 65536):
        rest += data
        before, marker, after = rest.partition(end)
        if marker:
            _write(stderr, before.splitlines(keepends=True), suppressed)
            ended.set()
            rest = after
        *lines, rest = rest.split(b"\n")
        _write(stderr, [line + b"\n" for line in lines], suppressed)
    _write(stderr, [rest], suppressed)
    ended.set()
    os.close(read)
    os.close(stderr)


def _write(descriptor, lines, suppressed):
    for line in lines:
        record = _RECORD.match(line)
        severity = (record[1] or record[2]).decode() if record else ""
        if line.startswith(_FURTHER) or (severity and severity in suppressed):
            continue
        with contextlib.suppress(OSError):  # nobody reads standard error any more
            os.write(descriptor, line)
