"""
How do I use my own Keras network?
==================================

Which form does a Keras network need to take part in a Pipeline and a grid search? A
function that returns it, uncompiled, is enough: its keyword arguments are then
parameters of the classifier. A convolutional network of 2,400 weights is right on about
96 % of new digits.
"""

import keras
import matplotlib.pyplot as plt
from keras import layers
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmnist import KerasImageClassifier, PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)


# %%
# The builder
# -----------
# ``meta`` describes the data: the shape of ``X`` as the network gets it, and the number
# of classes. The last layer returns a probability for each class.
def build_cnn(meta, filters=4, activation="relu"):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Conv2D(filters, 5, strides=2, activation=activation),
            layers.Conv2D(2 * filters, 3, strides=2, activation=activation),
            layers.Flatten(),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


# %%
# ``image_shape`` says how the flat rows of ``X`` become images.
clf = KerasImageClassifier(
    build_cnn, image_shape=(28, 28, 1), learning_rate=3e-3, epochs=8, random_state=0
)
pipe = make_pipeline(PixelScaler(), clf)

# %%
# Search over its arguments
# -------------------------
# Arguments of the builder are named ``model__...``, after the name of the step;
# parameters of the training, such as ``learning_rate``, have no such prefix.
grid = {"kerasimageclassifier__model__filters": [2, 4, 8]}
cv = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(pipe, grid, cv=cv).fit(X, y)
scores = search.cv_results_["mean_test_score"]
for params, score in zip(search.cv_results_["params"], scores, strict=True):
    print(params, f"accuracy {score:.3f}")

# %%
# The fitted network
# ------------------
# ``model_`` is the Keras model with the fitted weights:
pipe.set_params(kerasimageclassifier__model__filters=4).fit(X, y)
model = pipe[-1].model_
model.summary()

# %%
# The kernels of its first layer, with positive weights in blue and negative ones in
# red, and their outputs for a digit, which have fewer rows and columns because of the
# strides:
kernels = model.layers[0].get_weights()[0]
image = pipe[:-1].transform(X[5:6]).reshape(1, 28, 28, 1)
maps = keras.Model(model.inputs, model.layers[0].output).predict(image, verbose=0)

fig, axes = plt.subplots(2, 5, figsize=(8, 3.4), layout="constrained")
axes[0, 0].axis("off")
axes[1, 0].imshow(image[0, :, :, 0], cmap="gray_r")
axes[1, 0].set_title("Digit")
limit = abs(kernels).max()
for number in range(4):
    top, bottom = axes[:, number + 1]
    top.imshow(kernels[:, :, 0, number], cmap="RdBu", vmin=-limit, vmax=limit)
    top.set_title(f"Kernel {number + 1}")
    bottom.imshow(maps[0, :, :, number], cmap="gray_r")
    bottom.set_title("Output")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
