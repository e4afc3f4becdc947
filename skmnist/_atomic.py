"""Files that are there as a whole or as they were before."""

import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
    """Open a file for writing that takes its place only once it is complete.

    It is written beside its name, flushed to the disk, and renamed in one step. After
    a failure or an interrupt nothing of it is left.

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
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
