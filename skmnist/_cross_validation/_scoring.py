"""Scores of the user's choice, on both sides of a split."""

import warnings
from collections.abc import Mapping

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring, get_scorer

#: What the tables show of every diagnosis.
SHOWN = ("loss", "accuracy", "balanced_accuracy")


class Scoring:
    """Scorers of scikit-learn's, called on both sides of a split.

    Parameters
    ----------
    scoring : str, callable, list of str, or dict of str to str or callable
        As `cross_validate` takes it. A callable may return a dict. "accuracy" and
        "balanced_accuracy" are left out, because the tables have them in any case.
    estimator : classifier
        Not fitted.
    y : ndarray of shape (n_samples,)
        Labels, which names of scorers are tried on.

    Raises
    ------
    ValueError
        If a scorer is unknown, is not a scorer, cannot score these labels, or has a
        name that the tables have already.
    """

    def __init__(self, scoring, estimator, y):
        if isinstance(scoring, str):
            scoring = [scoring]
        if isinstance(scoring, list | tuple | set):
            scoring = {name: name for name in scoring}
        if isinstance(scoring, Mapping):
            scoring = {k: v for k, v in scoring.items() if k != v or k not in SHOWN}
            _check_names(scoring)
            texts = [value for value in scoring.values() if isinstance(value, str)]
            _try_on_labels(texts, y)
        # Errors are returned as text, so that a message can name the scorer.
        self._score = (
            check_scoring(estimator, scoring, raise_exc=False) if scoring else None
        )

    def __call__(self, fitted, sides, number):
        """Score both sides of a split.

        Parameters
        ----------
        fitted : classifier
        sides : dict of str to tuple of (X, y)
            "train" and "validation".
        number : int
            Of the split, for messages.

        Returns
        -------
        scores : dict of str to float
            By the names of columns: "train_f1", "validation_f1".

        Raises
        ------
        ValueError
            If a scorer raises an error, or does not return a number.
        """
        if self._score is None:
            return {}
        scores = {}
        for side, (X, y) in sides.items():
            words = "training" if side == "train" else side
            where = f"on the {words} samples of split {number}"
            try:
                found = self._score(fitted, X, y)
            except Exception as error:
                raise ValueError(f"scoring failed {where}: {error}") from error
            found = found if isinstance(found, dict) else {"score": found}
            _check_names(found)
            for name, score in found.items():
                scores[f"{side}_{name}"] = _number(score, name, where)
        return scores


def _check_names(names):
    for name in names:
        if name in SHOWN:
            raise ValueError(
                f"scoring names {name!r}, which the tables have already: choose "
                "another name."
            )


def _try_on_labels(names, y):
    """Call scorers once, so that one that cannot score the labels fails early."""
    no_features = np.zeros((len(y), 1))
    dummy = DummyClassifier(strategy="prior").fit(no_features, y)
    for name in names:
        scorer = get_scorer(name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scorer(dummy, no_features, y)
        except Exception as error:
            raise ValueError(
                f"scoring={name!r} cannot score these labels: {error}"
            ) from error


def _number(score, name, where):
    if isinstance(score, str):  # the traceback of an error
        raise ValueError(
            f"scoring {name!r} failed {where}: {score.strip().splitlines()[-1]}"
        )
    try:
        return float(score)
    except (TypeError, ValueError):
        raise ValueError(
            f"scoring {name!r} should return a number, got {score!r} {where}."
        ) from None
