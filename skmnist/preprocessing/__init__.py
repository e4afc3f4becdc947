"""Transformers between flat rows, images, pixels in [0, 1] and one-hot labels."""

from skmnist.preprocessing._images import ImageFlattener, ImageReshaper
from skmnist.preprocessing._labels import OneHotLabelEncoder
from skmnist.preprocessing._pixels import PixelScaler

__all__ = ["ImageFlattener", "ImageReshaper", "OneHotLabelEncoder", "PixelScaler"]
