"""The command ``skmnist``: diagnose, search, train, evaluate and predict."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skmnist.cli._app import make_app
from skmnist.cli._diagnose import diagnose
from skmnist.cli._evaluate import evaluate
from skmnist.cli._predict import predict
from skmnist.cli._search import search
from skmnist.cli._terminal import set_encoding_errors
from skmnist.cli._train import train

if TYPE_CHECKING:
    from typer import Typer

__all__ = ["app", "main"]

app: Typer = make_app([diagnose, search, train, evaluate, predict])


def main() -> None:
    """Run the command line.

    TensorFlow's C++ log is turned off unless ``TF_CPP_MIN_LOG_LEVEL`` is set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    set_encoding_errors()
    app()
