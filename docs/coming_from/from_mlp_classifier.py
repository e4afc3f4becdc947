"""scikit-learn's MLPClassifier, and the same network of skmnist.

The page from_mlp_classifier.rst shows the parts of this file between the markers.
"""

# [data]
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmnist import PixelScaler, load_digits28

X, y = load_digits28(return_X_y=True)
X, X_test, y, y_test = X[:900], X[900:], y[:900], y[900:]

# [scikit-learn]
from sklearn.neural_network import MLPClassifier

mlp = MLPClassifier(
    hidden_layer_sizes=(64, 32),
    activation="relu",
    solver="adam",
    learning_rate_init=0.003,
    alpha=0.001,
    batch_size=100,
    max_iter=20,
    early_stopping=True,
    validation_fraction=0.1,
    n_iter_no_change=5,
    random_state=0,
)
theirs = make_pipeline(PixelScaler(), mlp).fit(X, y)
grid = {"mlpclassifier__learning_rate_init": [0.001, 0.003]}

# [skmnist]
from skmnist import KerasMLPClassifier

clf = KerasMLPClassifier(
    hidden_layer_sizes=(64, 32),
    activation="relu",
    bias_initializer="zeros",
    optimizer="adam",
    learning_rate=0.003,
    l2=0.001 / (2 * 100),  # alpha / (2 * batch_size)
    batch_size=100,
    epochs=20,
    early_stopping=True,
    validation_fraction=0.1,
    n_iter_no_change=5,
    random_state=0,
)
ours = make_pipeline(PixelScaler(), clf).fit(X, y)
grid = {"kerasmlpclassifier__learning_rate": [0.001, 0.003]}
search = GridSearchCV(ours, grid, cv=2)
# [end]
