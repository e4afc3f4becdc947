"""Types in annotations. Type checkers import this module, the package never does."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from keras import Model
from numpy.typing import ArrayLike

Activation = str | Callable[..., Any]
# A Bunch, or a tuple with return_X_y=True.
BunchOrTuple = Any
# An integer, a splitter, or pairs of training and test indices.
CV = Any
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None
# scikit-learn has no type of classifiers, and a Pipeline is one, too.
Estimator = Any
# Objects of Keras, whose types are unknown: its classes depend on the backend.
Callbacks = Any
Initializer = str | Any
LearningRate = float | Any | None
Loss = str | Callable[..., Any]
Optimizer = str | Any
PathLike = str | os.PathLike[str]
Quantity = Literal["accuracy", "loss"]
RandomState = int | np.random.RandomState | None
Schedule = Literal["constant", "cosine", "one_cycle"]
Score = Literal["loss", "accuracy", "val_loss", "val_accuracy"]
Shape = Sequence[int]
Sizes = int | ArrayLike

__all__ = [
    "CV",
    "Activation",
    "ArrayLike",
    "BunchOrTuple",
    "Callbacks",
    "ClassWeight",
    "Estimator",
    "Initializer",
    "LearningRate",
    "Loss",
    "Model",
    "Optimizer",
    "PathLike",
    "Quantity",
    "RandomState",
    "Schedule",
    "Score",
    "Shape",
    "Sizes",
]
