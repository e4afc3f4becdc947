"""A saved model as the argument of a command."""

from pathlib import Path
from typing import Annotated

import typer

from skmnist.cli._app import load_backend

ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A file that `skmnist train` saved.")
]


def load_model(path):
    """Load the Pipeline of a network.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If `skmnist train` did not write it.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The file {path} does not exist: `skmnist train --out {path}` makes one."
        )
    load_backend()
    from skmnist.persistence import load

    return load(path)
