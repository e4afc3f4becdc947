"""A skorch classifier, and the same network of skmnist.

The page from_skorch.rst shows the parts of this file between the markers.
"""

# [data]
import numpy as np
from sklearn.model_selection import GridSearchCV

from skmnist import load_digits28

X, y = load_digits28(return_X_y=True)
X, y = X[:900].astype(np.float32) / 255, y[:900]

# [skorch]
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping
from skorch.dataset import ValidSplit


class Network(torch.nn.Module):
    def __init__(self, units=64, dropout=0.1):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(784, units),
            torch.nn.ReLU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(units, 10),
            torch.nn.Softmax(dim=-1),
        )

    def forward(self, X):
        return self.layers(X)


net = NeuralNetClassifier(
    Network,
    module__units=64,
    criterion=torch.nn.NLLLoss,
    optimizer=torch.optim.Adam,
    lr=0.003,
    batch_size=64,
    max_epochs=5,
    iterator_train__shuffle=True,
    train_split=ValidSplit(0.1, stratified=True, random_state=0),
    callbacks=[EarlyStopping(patience=3, load_best=True)],
    verbose=0,
)
torch.manual_seed(0)
net.fit(X, y.astype(np.int64))
valid_loss = net.history[:, "valid_loss"]
net.save_params("digits.pt")
grid = {"module__units": [32, 64], "lr": [0.001, 0.003]}

# [skmnist]
import keras
from keras import layers

from skmnist import KerasImageClassifier, save


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
    {"units": 64},
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    learning_rate=0.003,
    batch_size=64,
    epochs=5,
    validation_fraction=0.1,
    early_stopping=True,
    n_iter_no_change=3,
    random_state=0,
)
clf.fit(X, y)
val_loss = clf.history_["val_loss"]
save(clf, "digits.skmnist")
grid = {"model__units": [32, 64], "learning_rate": [0.001, 0.003]}
search = GridSearchCV(clf, grid, cv=2)
# [end]
