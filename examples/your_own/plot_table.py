"""
How do I train a network on the rows of a table?
================================================

Does the package need images? No: :class:`~skmnist.KerasImageClassifier` gives your
network the rows of a table as they are. On 30 measurements of tumours, a small network
is right on about 98 % of new rows, as often as a logistic regression, which is simpler.
"""

import keras
import matplotlib.pyplot as plt
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import KerasImageClassifier, diagnose_search

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
print(X.iloc[:3, :5])


# %%
# The network has one input for each column, and one sigmoid output, because there are
# two classes.
def build_network(meta, units=16):
    return keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            layers.Dense(units, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


clf = KerasImageClassifier(
    build_network,
    loss="binary_crossentropy",
    learning_rate=0.01,
    epochs=10,
    random_state=0,
)

# %%
# The columns have different units. ``StandardScaler`` in the Pipeline learns their
# scales from the training rows of each fold.
pipe = make_pipeline(StandardScaler(), clf)
linear = make_pipeline(StandardScaler(), LogisticRegression(random_state=0))
cv = StratifiedKFold(5, shuffle=True, random_state=0)
print(f"network             {cross_val_score(pipe, X, y, cv=cv).mean():.3f}")
print(f"logistic regression {cross_val_score(linear, X, y, cv=cv).mean():.3f}")

# %%
# Would another size or learning rate be better? A network of 4 units is within one
# standard error of the best one, which has 64.
step = "kerasimageclassifier"
grid = {f"{step}__model__units": [4, 16, 64], f"{step}__learning_rate": [0.003, 0.01]}
search = GridSearchCV(pipe, grid, cv=3).fit(X, y)
capacity = {f"{step}__model__units": [4, 16, 64]}
diagnosis = diagnose_search(search, capacity=capacity)
print(diagnosis)
print(diagnosis.heat_map.round(3))

# %%
# Probabilities have one column per class, also with a single sigmoid output. The ROC
# curve of each model, from probabilities of rows that it was not trained on:
fig, ax = plt.subplots(layout="constrained")
for name, model in {"Network": pipe, "Logistic regression": linear}.items():
    scores = cross_val_predict(model, X, y, cv=cv, method="predict_proba")[:, 1]
    RocCurveDisplay.from_predictions(y, scores, name=name, ax=ax)
ax.set(title="Breast cancer, five folds", xlim=(-0.01, 0.3), ylim=(0.7, 1.01))
