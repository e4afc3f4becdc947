"""What the findings advise, followed on cases of the battery."""

from typing import NamedTuple

import numpy as np
from _battery_cases import CASES
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skmnist import diagnose_fit
from skmnist.cli._advice import AUGMENTATION


class Followed(NamedTuple):
    """A piece of advice, and the case on which it is followed.

    Attributes
    ----------
    code : str
        Of the finding.
    advice : str
        As its sentence names it.
    case : str
    changes : dict
        Parameters of the classifier.
    quantity : str
        What is to fall: "training error", "validation error", "gap", "validation loss",
        "overconfidence" or "balanced error".
    """

    code: str
    advice: str
    case: str
    changes: dict
    quantity: str


FOLLOWED = (
    Followed(
        "FIT01",
        "class_weight='balanced'",
        "blind to a 1 % minority",
        {"class_weight": "balanced"},
        "balanced error",
    ),
    Followed(
        "FIT02",
        "hidden_layer_sizes",
        "tiny MLP",
        {"hidden_layer_sizes": (4,)},
        "training error",
    ),
    Followed(
        "FIT02", "epochs", "MLP after an epoch, MNIST", {"epochs": 2}, "training error"
    ),
    Followed(
        "FIT02",
        "learning_rate",
        "MLP after an epoch, MNIST",
        {"learning_rate": 0.002},
        "training error",
    ),
    Followed("FIT02", "l2", "MLP, heavy L2", {"l2": 0.01}, "training error"),
    Followed("FIT03", "augmentation", "MLP, 400 digits", AUGMENTATION, "gap"),
    Followed("FIT03", "augmentation", "MLP, MNIST", AUGMENTATION, "validation error"),
    Followed("FIT03", "dropout", "MLP, MNIST", {"dropout": 0.5}, "gap"),
    Followed("FIT03", "l2", "MLP, MNIST", {"l2": 0.01}, "gap"),
    Followed(
        "FIT04", "epochs", "reference MLP, 5 epochs", {"epochs": 10}, "validation error"
    ),
    Followed("FIT05", "epochs", "MLP, MNIST", {"epochs": 10}, "validation loss"),
    Followed(
        "FIT05",
        "early_stopping=True",
        "MLP, MNIST",
        {
            "early_stopping": True,
            "validation_fraction": 0.1,
            "n_iter_no_change": 3,
        },
        "validation loss",
    ),
    Followed(
        "FIT06",
        "label_smoothing=0.02",
        "MLP, MNIST",
        {"label_smoothing": 0.02},
        "overconfidence",
    ),
    Followed("FIT06", "epochs", "MLP, MNIST", {"epochs": 5}, "overconfidence"),
    Followed("FIT07", "augmentation", "MLP, MNIST", AUGMENTATION, "validation error"),
)


def follow(followed, seed, cv=5):
    """Diagnose a case before and after the advice is followed.

    Parameters
    ----------
    followed : Followed
    seed : int
    cv : int, default=5

    Returns
    -------
    before, after : tuple of (quantity, verdict, codes)
        Its value is a fraction; the loss is in nats.
    """
    case = CASES[followed.case]
    X, y, _, _ = case.source(case.n, 0, seed)
    outcomes = []
    for changes in ({}, followed.changes):
        model = case.recipe(seed)
        model[-1].set_params(**changes)
        diagnosis = diagnose_fit(
            model,
            X,
            y,
            cv=StratifiedKFold(cv),  # samples are in a random order already
            # One strong reference; reference="auto" compares several, which takes
            # most of the time.
            reference=make_pipeline(*case.recipe(seed)[:-1], SVC(C=10)),
            tolerance=case.tolerance,
            learning_curve=followed.code == "FIT07" and not changes,
            random_state=seed,
        )
        codes = [finding.code for finding in diagnosis.findings]
        value = _measure(diagnosis, followed.quantity)
        outcomes.append((value, diagnosis.verdict, codes))
    return tuple(outcomes)


def _measure(diagnosis, quantity):
    if quantity == "gap":
        return diagnosis.gap.value
    if quantity == "validation loss":
        return float(diagnosis.summary.loc["validation_loss", "mean"])
    if quantity == "overconfidence":
        table = diagnosis.calibration
        excess = table["probability"] - table["accuracy"]
        return float(np.average(excess, weights=table["n"]))
    if quantity == "balanced error":
        return 1 - float(diagnosis.summary.loc["validation_balanced_accuracy", "mean"])
    side = {"training error": "train", "validation error": "validation"}[quantity]
    return diagnosis.errors[side].value
