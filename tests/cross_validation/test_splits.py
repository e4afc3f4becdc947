"""What `cv` means: the splits of an integer, and whether splits are shuffled."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from skmnist._cross_validation._splits import is_shuffled, rows_of_splits


@pytest.mark.parametrize(("random_state", "seed"), [(None, 0), (0, 0), (7, 7)])
@pytest.mark.parametrize("cv", [5, None])
def test_integer_cv_means_shuffled_stratified_folds(cv, random_state, seed):
    X, y = np.zeros((120, 2)), np.arange(120) % 3
    groups = np.arange(120) // 4
    for grouped, kind in (None, StratifiedKFold), (groups, StratifiedGroupKFold):
        expected = kind(5, shuffle=True, random_state=seed).split(X, y, grouped)
        splits = rows_of_splits(cv, X, y, grouped, random_state)
        for split, wanted in zip(splits, expected, strict=True):
            np.testing.assert_array_equal(split[0], wanted[0])
            np.testing.assert_array_equal(split[1], wanted[1])


@pytest.mark.parametrize(
    ("cv", "shuffled"),
    [
        (5, True),
        (KFold(), False),
        (StratifiedKFold(3, shuffle=True), True),
        (RepeatedStratifiedKFold(), True),
        (GroupShuffleSplit(), True),
        (TimeSeriesSplit(), None),
        (GroupKFold(), None),
        ([([0], [1])], None),
    ],
    ids=str,
)
def test_it_is_known_whether_splits_are_shuffled(cv, shuffled):
    assert is_shuffled(cv) is shuffled
