"""Atomic replacement of files."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Open a file for writing and replace `path` with it atomically on exit.

    The data is written to a temporary file in the same folder, flushed to disk and
    renamed to `path`. If writing fails or is interrupted, the temporary file is removed
    and `path` is unchanged. If the process is killed or power is lost, `path` is either
    unchanged or complete, but the temporary file may remain.

    Parameters
    ----------
    path : path-like
        File to write. An existing file is replaced.

    Yields
    ------
    file : binary file
        Temporary file, open for writing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    # In the same folder, as os.replace is atomic within one file system only.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            # Without fsync a power failure could leave an empty file at `path`.
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _fsync_folder(path.parent)
    except BaseException:  # including KeyboardInterrupt
        temporary.unlink(missing_ok=True)
        raise


def _fsync_folder(folder):
    """Flush the entries of a folder to disk, so that a rename survives power loss."""
    # Windows cannot open folders as files.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
