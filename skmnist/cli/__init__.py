"""The command ``skmnist``: diagnose, train, evaluate and predict from a shell."""

from skmnist.cli._commands import app, main

__all__ = ["app", "main"]
