"""
How do I save a model, and get at the Keras model inside?
=========================================================

Can a fitted Pipeline be stored in a file, and what is its network?
:func:`~skmnist.save` writes the whole Pipeline, and the loaded one predicts the same to
the last bit. ``model_`` is an ordinary ``keras.Model`` with the fitted weights. Its
hidden layers separate the digits, which a picture of their outputs shows.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skmnist import KerasMLPClassifier, PixelScaler, load, load_digits28, save

X, y = load_digits28(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)
clf = KerasMLPClassifier((64, 32), activation="relu", epochs=15, random_state=0)
pipe = make_pipeline(PixelScaler(), clf).fit(X_train, y_train)

# %%
# Save and load
# -------------
# The file contains the scaler, the weights and the parameters. Unlike a pickle, it is
# loaded without executing code from it. (``pickle`` and ``joblib`` work as well.)
with TemporaryDirectory() as folder:
    path = Path(folder) / "digits.skmnist"
    save(pipe, path)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    loaded = load(path)
same = np.array_equal(loaded.predict_proba(X_test), pipe.predict_proba(X_test))
print("same probabilities:", same)

# %%
# The Keras model
# ---------------
# ``model_`` is a copy: what you do to it does not change the classifier. It takes what
# the classifier gets from the scaler.
model = pipe[-1].model_
model.summary()

# %%
# With Keras's own means, a model of its input and its last hidden layer returns what
# that layer has made of each digit: 32 numbers. Two principal components of the pixels
# and of these numbers, for the test digits:
hidden = keras.Model(model.inputs, model.layers[-2].output)
pixels = pipe[:-1].transform(X_test)
outputs = hidden.predict(pixels, verbose=0)

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, features, title in zip(
    axes,
    (pixels, outputs),
    ("784 pixels", "32 outputs of the last hidden layer"),
    strict=True,
):
    points = PCA(2, random_state=0).fit_transform(features)
    scatter = ax.scatter(*points.T, c=y_test, cmap="tab10", s=10)
    ax.set(
        title=title, xticks=[], yticks=[], xlabel="Component 1", ylabel="Component 2"
    )
fig.legend(*scatter.legend_elements(), loc="outside right center", title="Digit")

# %%
# On the left, most digits overlap; on the right, more of them form groups of their own.
# The share of variance between the digits, of all variance, says the same without a
# projection:
for name, features in {"pixels": pixels, "hidden layer": outputs}.items():
    means = np.array([features[y_test == digit].mean(axis=0) for digit in y_test])
    print(f"{name:12} {means.var(axis=0).sum() / features.var(axis=0).sum():.0%}")
