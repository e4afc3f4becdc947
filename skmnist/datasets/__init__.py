"""Loaders for labelled images: embedded digits, MNIST, and IDX files."""

from skmnist.datasets._digits import load_digits28
from skmnist.datasets._idx import read_idx, write_idx
from skmnist.datasets._mnist import fetch_mnist

__all__ = ["fetch_mnist", "load_digits28", "read_idx", "write_idx"]
