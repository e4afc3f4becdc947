from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from skmnist._estimate import Estimate
from skmnist.diagnosis._comparison import compare


def diagnosis(y_pred, *, split=None, rows=None, data="a"):
    n = len(y_pred)
    table = pd.DataFrame(
        {"y_true": 0, "y_pred": y_pred, "split": 1 if split is None else split},
        index=pd.Index(range(n) if rows is None else rows, name="row"),
    )
    error = float(np.mean(np.array(y_pred) != 0))
    return SimpleNamespace(
        out_of_fold=table,
        data=data,
        errors={"validation": Estimate(error, error - 0.01, error + 0.01)},
    )


def wrong_on(*rows, n=100):
    predicted = np.zeros(n, dtype=int)
    predicted[list(rows)] = 1
    return predicted


def test_samples_on_which_one_errs_alone_are_counted_and_tested():
    first, second = wrong_on(*range(12)), wrong_on(*range(10, 15))
    comparison = compare(("a", "b"), diagnosis(first), diagnosis(second))
    assert (comparison.n_first_wrong, comparison.n_second_wrong) == (10, 3)
    assert comparison.p_value == pytest.approx(2 * binom.cdf(3, 13, 0.5))
    assert comparison.difference.value == pytest.approx(0.07)
    assert comparison.difference.low < 0.07 < comparison.difference.high


def test_sentence_names_the_better_only_where_it_is_proven():
    many, few = wrong_on(*range(30)), wrong_on(29, 40)
    for order, names in (((many, few), ("a", "b")), ((few, many), ("b", "a"))):
        comparison = compare(names, *map(diagnosis, order))
        assert comparison.sentence.startswith("b is better")
    close = compare(("a", "b"), diagnosis(few), diagnosis(wrong_on(29)))
    assert close.sentence.startswith("No difference is proven")


def test_equal_predictions_show_no_difference():
    same = diagnosis(wrong_on(1, 2))
    comparison = compare(("a", "b"), same, same)
    assert comparison.p_value == 1
    assert comparison.difference.contains(0)
    assert comparison.difference.high > 0


def test_repeated_predictions_of_a_sample_count_once_in_the_test():
    rows, split = [0, 0, 1, 1], [1, 3, 2, 4]
    first = diagnosis([1, 0, 0, 0], rows=rows, split=split)
    second = diagnosis([0, 1, 0, 1], rows=rows, split=split)
    comparison = compare(("a", "b"), first, second)
    assert comparison.n_samples == 2
    assert (comparison.n_first_wrong, comparison.n_second_wrong) == (1, 0)
    assert comparison.difference.value == pytest.approx(-0.25)


@pytest.mark.parametrize(
    "other",
    [
        {"y_pred": [0, 0]},
        {"y_pred": [0, 0, 0], "split": 2},
        {"y_pred": [0, 0, 0], "rows": [1, 2, 3]},
        {"y_pred": [0, 0, 0], "data": "b"},
    ],
)
def test_other_samples_or_splits_are_refused(other):
    with pytest.raises(ValueError, match="same samples and splits"):
        compare(("a", "b"), diagnosis([0, 0, 1]), diagnosis(**other))
