"""
How do I flatten, scale and one-hot encode images?
==================================================

What happens to images and labels before a network sees them? Images become rows of 784
pixels, pixels become numbers from 0 to 1, and labels become rows with a single 1. Every
step can be undone. A classifier of skmnist needs only the scaling: it takes images as
well as rows, and encodes the labels itself.
"""

import matplotlib.pyplot as plt
import numpy as np

from skmnist import ImageFlattener, OneHotLabelEncoder, PixelScaler, load_digits28

digits = load_digits28()
images, labels = digits.images, digits.target
print("images", images.shape, images.dtype, images.min(), "to", images.max())

# %%
# Flattening
# ----------
# Each image becomes one row, in the order in which text is read. ``inverse_transform``
# restores the images.
flattener = ImageFlattener()
rows = flattener.fit_transform(images)
print("rows  ", rows.shape, rows.dtype)
print("names ", *flattener.get_feature_names_out()[[0, 1, 28, 783]])
print("undone", np.array_equal(flattener.inverse_transform(rows), images))

# %%
# Scaling
# -------
# Pixels are divided by the largest value that a pixel can have, not by the largest in
# the data, so that training and test images are scaled alike. A larger value is an
# error.
scaled = PixelScaler(max_value=255).fit_transform(rows)
print("scaled", scaled.dtype, scaled.min(), "to", scaled.max())

# %%
# One-hot encoding
# ----------------
# A network has one output per class, and learns from rows that are 1 for the class of
# the image and 0 elsewhere. The classifiers do this themselves, because a Pipeline does
# not transform ``y``; the encoder is for a Keras model of your own.
encoder = OneHotLabelEncoder()
one_hot = encoder.fit_transform(labels)
print("label ", labels[5], "is", one_hot[5])
print("undone", np.array_equal(encoder.inverse_transform(one_hot), labels))

# %%
# The same digit at each step, from the left: the image, its row of scaled pixels, and
# its encoded label.
fig, (left, middle, right) = plt.subplots(
    1, 3, figsize=(9, 2.8), layout="constrained", width_ratios=[1, 2, 1]
)
left.imshow(images[5], cmap="gray_r")
left.set(title="Image, 28×28", xticks=[0, 27], yticks=[0, 27])
middle.plot(scaled[5], linewidth=0.8)
middle.set(title="Row of 784 scaled pixels", xlabel="Column", yticks=[0, 1])
right.bar(encoder.classes_, one_hot[5])
right.set(title=f"Label {labels[5]}, encoded", xlabel="Class", yticks=[0, 1])
right.set_xticks(encoder.classes_)
