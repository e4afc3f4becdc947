"""Samples whose labels are probably wrong, and the share of wrong labels."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skmnist._estimate import Estimate
from skmnist.diagnosis import _intervals as intervals

# Factor of the log-odds of a label that differs from its neighbours', from the middle
# third of the samples to the surest. Overlapping classes have a larger one.
_LEAST_GROWTH = 1.5
# Neighbours that recognise less of a class say nothing about its labels.
_LEAST_RECALL = 0.5


@dataclass(frozen=True, eq=False)
class SuspectLabels:
    """Labels that the classifier and the neighbours contradict.

    Attributes
    ----------
    share : Estimate
        Of wrong labels.
    table : DataFrame
        The suspects, the most suspect first: row, code (given class), suggested
        (class), probability_given, probability_suggested, split.
    """

    share: Estimate
    table: pd.DataFrame


def find_suspect_labels(evidence):
    """Return the suspect labels, or None if wrong labels are not proven.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    suspects : SuspectLabels or None
    """
    share = _share_of_wrong_labels(evidence)
    if share is None:
        return None
    table = contradicted_labels(evidence)
    return None if table.empty else SuspectLabels(share, table)


def _share_of_wrong_labels(evidence):
    """Return the share of wrong labels, or None if none are proven.

    Where classes overlap, the nearest neighbours of a sample are divided in the places
    in which labels differ from the majority: with the agreement of the neighbours, such
    labels become rare quickly. Wrong labels are as frequent where all neighbours agree
    as elsewhere. So the odds of a label that differs are compared between the third of
    the samples whose neighbours agree most, and the next third. Overlap multiplies the
    log-odds by more than 1.5 (docs/labels.rst); wrong labels leave them as they are.
    """
    neighbours = evidence.neighbours
    if neighbours is None or evidence.calibration is None:
        return None
    rows = np.flatnonzero(neighbours.majority >= 0)
    differs = neighbours.majority[rows] != evidence.codes[rows]
    # The samples of a rare class that nobody finds look like wrong labels.
    count = np.bincount(evidence.codes[rows], minlength=evidence.n_classes)
    found = np.bincount(evidence.codes[rows], ~differs, evidence.n_classes)
    known = (found >= _LEAST_RECALL * count)[evidence.codes[rows]]
    rows, differs = rows[known], differs[known]
    if not len(rows):
        return None
    share = neighbours.share[rows]
    order = np.argsort(-share, kind="stable")
    first = _end_of_level(share[order], 0)
    second = _end_of_level(share[order], first)
    if second == first:
        return None
    sure, middle = (
        _error(evidence, rows, differs, part)
        for part in (order[:first], order[first:second])
    )
    if not sure.low > 0 or middle.high >= 0.5:
        return None
    growth = _log_odds(sure.value) - _LEAST_GROWTH * _log_odds(middle.value)
    below = np.hypot(
        _log_odds(sure.value) - _log_odds(sure.low),
        _LEAST_GROWTH * (_log_odds(middle.high) - _log_odds(middle.value)),
    )
    return sure if growth > below else None


def _end_of_level(shares, start):
    """Return the end of a third of sorted shares, without dividing equal ones."""
    end = min(len(shares), start + -(-len(shares) // 3))
    return int(np.searchsorted(-shares, -shares[end - 1], side="right"))


def _error(evidence, rows, differs, part):
    groups = None if evidence.groups is None else evidence.groups[rows[part]]
    return intervals.proportion(
        differs[part].astype(float), training=False, groups=groups
    )


def _log_odds(p):
    return np.log(p / (1 - p))


def contradicted_labels(evidence):
    """Return the labels that the classifier and the neighbours contradict.

    The classifier contradicts a label if it predicts another class, with a probability
    of at least the mean that this class has for the samples labelled with it (the
    threshold of confident learning: Northcutt, Jiang and Chuang, JAIR 70, 2021).
    Neighbours contradict it if the same other class is their most frequent one.

    Parameters
    ----------
    evidence : Evidence
        With probabilities and neighbours.

    Returns
    -------
    table : DataFrame
        Of `SuspectLabels`.
    """
    given = evidence.by_row((f.test, np.exp(-f.test_loss)) for f in evidence.folds)
    tested = ~np.isnan(given)
    count = np.bincount(evidence.codes[tested], minlength=evidence.n_classes)
    total = np.bincount(evidence.codes[tested], given[tested], evidence.n_classes)
    threshold = total / np.maximum(count, 1)
    tables = []
    for fold in evidence.folds:
        votes = evidence.neighbours.majority[fold.test]
        chosen = (
            fold.test_wrong
            & (fold.probability >= threshold[fold.test_codes])
            & (fold.test_codes == votes)
        )
        rows = fold.test[chosen]
        tables.append(
            pd.DataFrame(
                {
                    "row": rows,
                    "code": evidence.codes[rows],
                    "suggested": fold.test_codes[chosen],
                    "probability_given": np.exp(-fold.test_loss[chosen]),
                    "probability_suggested": fold.probability[chosen],
                    "split": fold.number,
                    "agreement": evidence.neighbours.share[rows],
                }
            )
        )
    table = pd.concat(tables)
    # With repetitions, most of the models have to contradict a label.
    n_tests = np.zeros(len(evidence.codes))
    for fold in evidence.folds:
        n_tests[fold.test] += 1
    times = table.groupby("row")["row"].transform("size")
    table = table[2 * times.to_numpy() > n_tests[table["row"]]]
    margin = table["probability_suggested"] - table["probability_given"]
    table = table.assign(margin=margin).sort_values(
        ["margin", "agreement"], ascending=False, kind="stable"
    )
    table = table.drop_duplicates("row").drop(columns=["margin", "agreement"])
    return table.reset_index(drop=True)
