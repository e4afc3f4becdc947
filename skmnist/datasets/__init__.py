"""Loaders for labelled images: embedded digits, MNIST, and files of many kinds."""

from skmnist.datasets._digits import load_digits28
from skmnist.datasets._files import load_images
from skmnist.datasets._idx import read_idx, write_idx
from skmnist.datasets._mnist import fetch_mnist

__all__ = ["fetch_mnist", "load_digits28", "load_images", "read_idx", "write_idx"]
