"""Loaders of images and labels: embedded digits, MNIST, and files of one's own."""

from skmnist.datasets._digits import load_digits28
from skmnist.datasets._idx import read_idx, write_idx
from skmnist.datasets._mnist import fetch_mnist

__all__ = ["fetch_mnist", "load_digits28", "read_idx", "write_idx"]
