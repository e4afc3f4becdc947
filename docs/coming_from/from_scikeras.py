"""A SciKeras classifier, and the same classifier of skmnist.

The page from_scikeras.rst shows the parts of this file between the markers.
"""

# [builder]
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

X, y = load_breast_cancer(return_X_y=True)
X = scale(X).astype(np.float32)
y = np.array(["malignant", "benign"])[y]


def build(meta, units=16):
    return keras.Sequential(
        [
            keras.Input(meta["X_shape_"][1:]),
            layers.Dense(units, "relu", kernel_initializer=seeded(1)),
            layers.Dense(1, "sigmoid", kernel_initializer=seeded(2)),
        ]
    )


def seeded(seed):
    return keras.initializers.GlorotUniform(seed)


# [scikeras]
from scikeras.wrappers import KerasClassifier

theirs = KerasClassifier(
    build,
    model__units=16,
    optimizer="adam",
    optimizer__learning_rate=0.01,
    loss="binary_crossentropy",
    metrics=["accuracy"],
    batch_size=len(X),
    epochs=10,
    verbose=0,
)
theirs.fit(X, y)
their_probabilities = theirs.predict_proba(X)
grid = {"model__units": [8, 16], "optimizer__learning_rate": [0.01]}
search = GridSearchCV(theirs, grid, cv=2)

# [skmnist]
from skmnist import KerasImageClassifier

ours = KerasImageClassifier(
    build,
    {"units": 16},
    optimizer="adam",
    learning_rate=0.01,
    loss="binary_crossentropy",
    batch_size=len(X),
    epochs=10,
)
ours.fit(X, y)
our_probabilities = ours.predict_proba(X)
grid = {"model__units": [8, 16], "learning_rate": [0.01]}
search = GridSearchCV(ours, grid, cv=2)

# [back]
back = ours.to_scikeras()  # a fitted scikeras.wrappers.KerasClassifier
# [end]
