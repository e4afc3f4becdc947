"""
How do I train on my own image files?
=====================================

How do pictures in folders, and photographs of digits, get into a network?
:func:`~skmnist.load_images` reads a folder with a subfolder for each class.
:class:`~skmnist.MNISTFormatter` turns photographs into the format of the training
images. The network below recognises 12 % of photographed digits without it, and 94 %
with it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import (
    KerasMLPClassifier,
    MNISTFormatter,
    PixelScaler,
    load_digits28,
    load_images,
)

# %%
# A folder of PNG files
# ---------------------
# For this example, the digits are written to ``0/0000.png``, ``1/0001.png`` and so on.
# A folder of your own looks alike; the names of its subfolders are the labels.
digits = load_digits28()
with TemporaryDirectory() as folder:
    for number, image in enumerate(digits.images):
        path = Path(folder, str(digits.target[number]), f"{number:04}.png")
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    own = load_images(folder)
print("images", own.images.shape, own.images.dtype)
print("labels", own.target.dtype, *np.unique(own.target))

# %%
# From here on they are arrays like any others.
X_train, X_test, y_train, y_test = train_test_split(
    own.data, own.target, test_size=0.25, stratify=own.target, random_state=0
)
pipe = make_pipeline(PixelScaler(), KerasMLPClassifier(epochs=10, random_state=0))
pipe.fit(X_train, y_train)
print(f"accuracy on new files {pipe.score(X_test, y_test):.3f}")


# %%
# Photographs
# -----------
# A photograph is larger, dark on light, and unevenly lit. These are artificial ones:
# test digits somewhere on a sheet of paper, with a shadow and noise.
def photograph(image, rng):
    ink = np.array(Image.fromarray(image).resize((90, 90))) / 255
    paper = np.linspace(170, 240, 160) + rng.normal(0, 4, (200, 160))
    top, left = rng.integers(10, 100), rng.integers(10, 60)
    paper[top : top + 90, left : left + 90] -= 140 * ink
    return paper.clip(0, 255).astype(np.uint8)


rng = np.random.default_rng(0)
photos = np.stack([photograph(row.reshape(28, 28), rng) for row in X_test[:200]])

# %%
# Reducing them to 28×28 pixels is not enough. ``255 -`` makes the ink light, as it is
# in the training images.
small = [Image.fromarray(photo).resize((28, 28)) for photo in photos]
small = 255 - np.stack([np.array(image) for image in small])
print(f"only reduced {pipe.score(small.reshape(-1, 784), y_test[:200]):.3f}")

# %%
# The formatter also removes the background, and scales and centres the digit.
formatted = MNISTFormatter().fit_transform(photos)
print(f"formatted    {pipe.score(formatted.reshape(-1, 784), y_test[:200]):.3f}")

# %%
# Photographs, the same only reduced, and as the formatter returns them:
fig, axes = plt.subplots(3, 5, figsize=(7, 5), layout="constrained")
names = "Photograph", "Reduced", "Formatted"
for line, name, images in zip(axes, names, (photos, small, formatted), strict=True):
    line[0].set_ylabel(name)
    for ax, image in zip(line, images, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
