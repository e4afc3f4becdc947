"""The command ``skmnist``: diagnose, search, train, evaluate and predict in a shell."""

# Each adds its commands to the application, in the order that --help shows.
from skmnist.cli import _diagnose, _search, _train  # isort: skip # noqa: F401
from skmnist.cli._app import app, main

__all__ = ["app", "main"]
