"""Files that are there as a whole or as they were before."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Open a file for writing that takes its place only once it is complete.

    It is written beside its name, flushed to the disk, and renamed in one step, of
    which the folder is flushed too. After a failure or an interrupt nothing of it is
    left; after a kill or a loss of power at most the half file beside.

    Parameters
    ----------
    path : path-like
        The file. One that exists is replaced.

    Yields
    ------
    file : binary file
        To write to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush_folder(folder):
    """Write a folder's entries to the disk, where the system opens folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
