"""Transformers that reshape and format images, scale pixels, and encode labels."""

from skmnist.preprocessing._images import ImageFlattener, ImageReshaper
from skmnist.preprocessing._labels import OneHotLabelEncoder
from skmnist.preprocessing._mnist_format import MNISTFormatter
from skmnist.preprocessing._pixels import PixelScaler

__all__ = [
    "ImageFlattener",
    "ImageReshaper",
    "MNISTFormatter",
    "OneHotLabelEncoder",
    "PixelScaler",
]
