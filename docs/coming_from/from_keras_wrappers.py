"""Keras's wrappers for scikit-learn, and the same classifier of skmnist.

The page from_keras_wrappers.rst shows the parts of this file between the markers.
"""

# [data]
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import scale

X, y = load_iris(return_X_y=True)
X = scale(X)


# [model]
def dynamic_model(X, y, units=16):
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            layers.Dense(units, "relu", kernel_initializer=seeded(1)),
            layers.Dense(y.shape[1], "softmax", kernel_initializer=seeded(2)),
        ]
    )
    optimizer = keras.optimizers.Adam(0.01)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def seeded(seed):
    return keras.initializers.GlorotUniform(seed)


# [wrapper]
from keras.wrappers import SKLearnClassifier

theirs = SKLearnClassifier(
    dynamic_model,
    model_kwargs={"units": 16},
    fit_kwargs={"batch_size": 150, "epochs": 10, "verbose": 0},
)
theirs.fit(X, y)
their_probabilities = theirs.decision_function(X)
grid = {"model_kwargs": [{"units": 8}, {"units": 16}]}


# [adapted]
def build(meta, units=16):
    X = np.empty(meta["X_shape_"])
    y = np.empty((len(X), meta["n_classes_"]))
    return dynamic_model(X, y, units=units)


# [skmnist]
from skmnist import KerasImageClassifier

ours = KerasImageClassifier(build, {"units": 16}, batch_size=150, epochs=10)
ours.fit(X, y)
our_probabilities = ours.predict_proba(X)
grid = {"model__units": [8, 16], "epochs": [5, 10]}
search = GridSearchCV(ours, grid, cv=2)


# [old builder]
def create_model(units=12, optimizer="adam"):
    model = keras.Sequential()
    model.add(layers.Dense(units, input_dim=4, activation="relu"))
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(
        loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"]
    )
    return model


# [old ours]
old = KerasImageClassifier(create_model, {"units": 16}, epochs=3, batch_size=10)
scores = cross_val_score(old, X, y, cv=2)
old_grid = {"model__units": [8, 16], "model__optimizer": ["adam", "rmsprop"]}
# [end]
