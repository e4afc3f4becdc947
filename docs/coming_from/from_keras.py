"""A network trained by a plain Keras script, and the same network trained by skmnist.

The page from_keras.rst shows the parts of this file between the markers.
"""

# [data]
import keras
import numpy as np
from keras import layers

from skmnist import load_digits28

X, y = load_digits28(return_X_y=True)  # (1797, 784), uint8, and labels 0 to 9
X_train, X_test, y_train, y_test = X[:900], X[900:], y[:900], y[900:]

# [keras]
keras.utils.set_random_seed(0)
x_train = X_train.astype("float32") / 255
x_test = X_test.astype("float32") / 255

model = keras.Sequential(
    [
        keras.Input((784,)),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.1),
        layers.Dense(10, activation="softmax"),
    ]
)
adam = keras.optimizers.Adam(0.003)
model.compile(adam, "categorical_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
history = model.fit(
    x_train,
    keras.utils.to_categorical(y_train),
    batch_size=64,
    epochs=5,
    validation_split=0.1,
    callbacks=[stop],
    verbose=0,
)
val_accuracy = history.history["val_accuracy"]
test_targets = keras.utils.to_categorical(y_test)
loss, accuracy = model.evaluate(x_test, test_targets, verbose=0)
probabilities = model.predict(x_test, verbose=0)
labels = probabilities.argmax(axis=1)
model.save("digits.keras")

# [skmnist]
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skmnist import KerasImageClassifier, PixelScaler, load, save


def build(meta, units=64, dropout=0.1):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(units, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )


clf = KerasImageClassifier(
    build,
    learning_rate=0.003,
    batch_size=64,
    epochs=5,
    validation_fraction=0.1,
    early_stopping=True,
    n_iter_no_change=3,
    random_state=0,
)
pipe = make_pipeline(PixelScaler(), clf).fit(X_train, y_train)
clf_val_accuracy = clf.history_["val_accuracy"]
clf_accuracy = pipe.score(X_test, y_test)
clf_probabilities = pipe.predict_proba(X_test)
clf_labels = pipe.predict(X_test)  # labels, not codes
save(pipe, "digits.skmnist")
loaded = load("digits.skmnist")

scores = cross_val_score(pipe, X_train, y_train, cv=2)

# [same numbers]
scaled = X_train.astype("float32") / 255
network = build({"n_features_in_": 784, "n_classes_": 10}, dropout=0)
initial_weights = network.get_weights()


def build_from_weights(meta):
    own = keras.models.clone_model(network)
    own.set_weights(initial_weights)
    return own


same = KerasImageClassifier(build_from_weights, batch_size=900, epochs=5)
same.fit(scaled, y_train)

network.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
targets = keras.utils.to_categorical(y_train)
keras_history = network.fit(scaled, targets, batch_size=900, epochs=5, verbose=0)
np.testing.assert_allclose(
    same.history_["loss"], keras_history.history["loss"], rtol=1e-4
)
# [end]
