"""Measure how a network trained on MNIST reads photographs of digits.

Test digits of MNIST are drawn into artificial photographs: dark on light, of another
size, off centre, under uneven light, and with noise; each situation adds one change.
The network predicts them reduced to 28×28 pixels, reduced and inverted, and brought
into MNIST's format by MNISTFormatter.

Usage::

    skmnist train --model lenet --data mnist --epochs 5 --out lenet.skmnist
    python examples/benchmarks/bench_photographs.py lenet.skmnist
"""

import argparse
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from skmnist import MNISTFormatter, fetch_mnist, load

options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
options.add_argument("model", help="a file that `skmnist train` saved")
options.add_argument("--digits", type=int, default=1_000, help="default: %(default)s")
options.add_argument("--seed", type=int, default=0, help="default: %(default)s")
options.add_argument("--save", help="PNG file for the first photographs")
args = options.parse_args()

# What is changed, and the changes that it is made with.
SITUATIONS = {
    "MNIST's own images": set(),
    "dark on light": {"ink"},
    "other size": {"ink", "size"},
    "off centre": {"ink", "size", "place"},
    "uneven light": {"ink", "size", "place", "light"},
    "noise": {"ink", "size", "place", "light", "noise"},
}


def photograph(digit, changes, rng):
    """Draw a digit of MNIST into an image of another kind.

    Parameters
    ----------
    digit : ndarray of shape (28, 28), uint8
    changes : set of str
    rng : numpy.random.Generator

    Returns
    -------
    photo : ndarray of shape (height, width), uint8
    """
    scale = rng.uniform(2, 10) if "size" in changes else 1
    side = round(28 * scale)
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    ink = np.asarray(large, float) / 255
    if "size" in changes:
        ink = gaussian_filter(ink, rng.uniform(0, scale / 4))
    if "place" in changes:
        height, width = rng.integers(side + 10, int(2.5 * side) + 20, 2)
        top = rng.integers(0, height - side + 1)
        left = rng.integers(0, width - side + 1)
        page = np.zeros((height, width))
        page[top : top + side, left : left + side] = ink
        ink = page
    if "ink" not in changes:
        return np.rint(255 * ink.clip(0, 1)).astype(np.uint8)
    paper, pen = rng.uniform(170, 245), rng.uniform(10, 90)
    photo = paper + (pen - paper) * ink
    if "light" in changes:
        height, width = ink.shape
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        slope = rng.uniform(-25, 25, 2)
        photo += slope[0] * x + slope[1] * y - rng.uniform(0, 25) * (x**2 + y**2) / 2
    if "noise" in changes:
        photo += rng.normal(0, rng.uniform(0, 8), ink.shape)
    return np.rint(photo.clip(0, 255)).astype(np.uint8)


def reduced(photo):
    """Return a photograph at 28×28 pixels."""
    return np.asarray(Image.fromarray(photo).resize((28, 28)))


def accuracy(pipeline, images, y):
    """Return the percentage of images that are recognised."""
    with warnings.catch_warnings():
        # The classifier warns of the light background, which is the point here.
        warnings.simplefilter("ignore", UserWarning)
        return 100 * np.mean(pipeline.predict(images) == y)


pipeline = load(args.model)
test = fetch_mnist(subset="test")
chosen = np.random.default_rng(args.seed).permutation(len(test.target))[: args.digits]
digits, y = test.images[chosen], test.target[chosen]
header = ("reduced", "reduced, inverted", "MNISTFormatter")
print(f"Accuracy in % on {len(y):,} digits")
print(f"{'':20}" + "".join(f"{name:>20}" for name in header))
sheet = []
for name, changes in SITUATIONS.items():
    rng = np.random.default_rng(args.seed)
    photos = [photograph(digit, changes, rng) for digit in digits]
    small = np.stack([reduced(photo) for photo in photos])
    formatted = np.stack([MNISTFormatter().fit_transform(p[None])[0] for p in photos])
    scores = [accuracy(pipeline, X, y) for X in (small, 255 - small, formatted)]
    print(f"{name:20}" + "".join(f"{score:20.1f}" for score in scores))
    shown = [np.asarray(Image.fromarray(p).resize((112, 112))) for p in photos[:10]]
    sheet.append(np.hstack(shown))
    sheet.append(np.hstack(formatted[:10]).repeat(4, axis=0).repeat(4, axis=1))
if args.save:
    Image.fromarray(np.vstack(sheet)).save(args.save)
