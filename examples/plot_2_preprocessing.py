"""
Flattening, scaling and one-hot encoding step by step
=====================================================

Show what a Pipeline does to the pixels, and what a classifier does to the labels.
"""

import numpy as np

from skmnist import ImageFlattener, OneHotLabelEncoder, PixelScaler, load_digits28

digits = load_digits28()
images, labels = digits.images, digits.target
print("images  ", images.shape, images.dtype, images.min(), images.max())

# %%
# Flatten each image to one row of 784 pixels, and invert the transformation.
flattener = ImageFlattener()
rows = flattener.fit_transform(images)
print("rows    ", rows.shape, rows.dtype)
print("names   ", flattener.get_feature_names_out()[[0, 1, 28, 783]])
assert np.array_equal(flattener.inverse_transform(rows), images)

# %%
# Scale the pixels to float32 in [0, 1]. A pixel above 255 would raise an error.
scaled = PixelScaler(max_value=255).fit_transform(rows)
print("scaled  ", scaled.dtype, scaled.min(), scaled.max())

# %%
# Encode the labels as one-hot rows. The classifiers do this themselves, because a
# Pipeline does not transform y.
encoder = OneHotLabelEncoder()
one_hot = encoder.fit_transform(labels)
print("label   ", labels[5], "is", one_hot[5])
assert np.array_equal(encoder.inverse_transform(one_hot), labels)
