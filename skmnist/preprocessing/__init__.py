"""Transformers that reshape images, scale pixels, and encode labels as one-hot."""

from skmnist.preprocessing._images import ImageFlattener, ImageReshaper
from skmnist.preprocessing._labels import OneHotLabelEncoder
from skmnist.preprocessing._pixels import PixelScaler

__all__ = ["ImageFlattener", "ImageReshaper", "OneHotLabelEncoder", "PixelScaler"]
