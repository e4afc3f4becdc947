"""Tests of `compare_fits`."""

import json
import math
import re

import numpy as np
import pytest
import sklearn
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import KFold, RepeatedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skmnist import FitComparison, compare_fits, diagnose_fit
from skmnist.diagnosis._intervals import paired_difference, quantile
from skmnist.diagnosis._scatter import drift_variance
from skmnist.report._comparison import render_comparison


class ScriptedClassifier(ClassifierMixin, BaseEstimator):
    """Classifier whose wrong predictions are given for each split.

    Parameters
    ----------
    wrong : ndarray of bool of shape (n_splits, n_rows)
        Whether the classifier of a split errs on a row.
    splits : list of (train, test)
        Row numbers, which X contains.
    """

    def __init__(self, wrong, splits):
        self.wrong = wrong
        self.splits = splits

    def fit(self, X, y):
        trained_on = [np.array_equal(X[:, 0], train) for train, _ in self.splits]
        self.wrong_ = self.wrong[trained_on.index(True)]
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return true_labels(X[:, 0]) ^ self.wrong_[X[:, 0]]


def true_labels(rows):
    return rows % 2


def interleaved(n_splits, n_rows):
    """Return splits of which each tests every n-th row."""
    rows = np.arange(n_rows)
    return [
        (rows[rows % n_splits != k], rows[rows % n_splits == k])
        for k in range(n_splits)
    ]


def wrong_on(*rows, n=100):
    wrong = np.zeros(n, dtype=bool)
    wrong[list(rows)] = True
    return wrong


def diagnose_scripted(
    test_wrong, *, splits=None, train_wrong=None, X=None, y=None, **options
):
    """Diagnose a classifier with known errors.

    Parameters
    ----------
    test_wrong : ndarray of bool of shape (n_rows,) or (n_splits, n_rows)
        Whether the classifier errs on a test row.
    splits : list of (train, test), default=None
        None makes five interleaved folds.
    train_wrong : ndarray of bool of shape (n_splits, n_rows), default=None
        The same of its training rows. None makes no errors.
    X : ndarray of int of shape (n_rows, n_features), default=None
        Row numbers in the first column.
    y : ndarray of int of shape (n_rows,), default=None
        None makes the labels that the classifier takes for right.
    **options
        Arguments of `diagnose_fit`.
    """
    test_wrong = np.asarray(test_wrong)
    n = test_wrong.shape[-1]
    splits = interleaved(5, n) if splits is None else splits
    wrong = np.zeros((len(splits), n), dtype=bool)
    if train_wrong is not None:
        wrong |= train_wrong
    for errors, each, (_, test) in zip(
        wrong, np.broadcast_to(test_wrong, wrong.shape), splits, strict=True
    ):
        errors[test] = each[test]
    X = np.arange(n)[:, None] if X is None else X
    y = true_labels(X[:, 0]) if y is None else y
    clf = ScriptedClassifier(wrong, splits)
    return diagnose_fit(clf, X, y, cv=splits, reference=0.0, **options)


def assert_interval(difference, first, second, instability):
    """Check a difference against that of errors by sample and an added variance."""
    errors = first.astype(float), second.astype(float)
    expected = paired_difference(*errors, instability=instability)
    for end in ("value", "low", "high"):
        assert getattr(difference, end) == pytest.approx(getattr(expected, end))


def width(comparison):
    return comparison.difference.high - comparison.difference.low


@pytest.fixture(scope="module")
def comparison(small):
    X, y = small
    models = DecisionTreeClassifier(max_depth=1, random_state=0), GaussianNB()
    return compare_fits(
        *(diagnose_fit(model, X, y, reference=0.1) for model in models),
        names=("stump", "naive Bayes"),
    )


def test_discordant_samples_and_mcnemar_test():
    first, second = wrong_on(*range(12)), wrong_on(*range(10, 15))
    comparison = compare_fits(diagnose_scripted(first), diagnose_scripted(second))
    assert comparison.n_samples == 100
    assert (comparison.n_first_wrong, comparison.n_second_wrong) == (10, 3)
    assert comparison.p_value == pytest.approx(2 * binom.cdf(3, 13, 0.5))
    assert [error.value for error in comparison.errors] == pytest.approx([0.12, 0.05])
    assert comparison.difference.value == pytest.approx(0.07)
    assert comparison.difference.low < 0.07 < comparison.difference.high


def test_better_is_named_only_if_proven():
    many = diagnose_scripted(wrong_on(*range(30)))
    few = diagnose_scripted(wrong_on(29, 40))
    for order, names in (((many, few), ("a", "b")), ((few, many), ("b", "a"))):
        comparison = compare_fits(*order, names=names)
        assert comparison.better == "b"
        assert comparison.sentence.startswith("b is better")
        assert re.search(r"lower by 28\.0 % \(95 % interval \d", comparison.sentence)
    one = diagnose_scripted(wrong_on(29))
    comparison = compare_fits(few, one, names=("a", "b"))
    assert comparison.better is None
    assert comparison.sentence.startswith("No difference is proven")
    for text in ("a has a validation error of 2.0 %, b of 1.0 %", "p = 1)"):
        assert text in comparison.sentence


def test_equal_predictions_show_no_difference():
    diagnosis = diagnose_scripted(wrong_on(1, 2))
    comparison = compare_fits(diagnosis, diagnosis)
    assert comparison.p_value == 1
    assert comparison.better is None
    assert comparison.difference.value == 0
    assert comparison.difference.low < 0 < comparison.difference.high


def test_repeated_predictions_count_once_in_mcnemar_test():
    rows = np.arange(40)
    splits = list(RepeatedKFold(n_splits=4, n_repeats=2, random_state=0).split(rows))
    repetition = np.arange(8)[:, None] // 4
    # Each errs on row 0 in one repetition of two, the second on row 1 as well.
    first = (rows == 0) & (repetition == 0)
    second = (rows <= 1) & (repetition == 1)
    comparison = compare_fits(
        diagnose_scripted(first, splits=splits),
        diagnose_scripted(second, splits=splits),
    )
    assert comparison.n_samples == 40
    assert (comparison.n_first_wrong, comparison.n_second_wrong) == (1, 0)
    assert comparison.difference.value == pytest.approx(-0.5 / 40)


def test_swapped_diagnoses_negate_the_difference():
    one = diagnose_scripted(wrong_on(*range(20)))
    other = diagnose_scripted(wrong_on(*range(15, 25)))
    difference = compare_fits(one, other).difference
    swapped = compare_fits(other, one).difference.negated()
    for end in ("value", "low", "high"):
        expected = pytest.approx(getattr(difference, end), abs=1e-9)
        assert getattr(swapped, end) == expected


def test_hold_out_is_compared_on_its_samples():
    splits = [(np.arange(60), np.arange(60, 100))]
    first = diagnose_scripted(wrong_on(*range(60, 72)), splits=splits)
    second = diagnose_scripted(wrong_on(*range(70, 75)), splits=splits)
    comparison = compare_fits(first, second)
    assert comparison.n_samples == 40
    assert (comparison.n_first_wrong, comparison.n_second_wrong) == (10, 3)
    assert comparison.difference.value == pytest.approx(7 / 40)


@pytest.mark.parametrize(
    "other",
    [
        {"test_wrong": wrong_on(1, n=55)},
        {"splits": interleaved(3, 60)},
        {"splits": list(KFold(5).split(np.arange(60)))},
        {"splits": interleaved(5, 60)[::-1]},
        {"splits": [(np.arange(50), np.arange(50, 60))]},
        {"X": np.stack([np.arange(60), np.arange(60)], axis=1)},
        {"y": true_labels(np.arange(60)) ^ wrong_on(1, n=60)},
        {"groups": np.arange(60) // 2},
    ],
    ids=[
        "fewer samples",
        "fewer splits",
        "other splits",
        "other order of splits",
        "hold-out",
        "other X",
        "other y",
        "groups",
    ],
)
def test_other_samples_or_splits_are_refused(other):
    diagnosis = diagnose_scripted(wrong_on(1, n=60))
    different = diagnose_scripted(**{"test_wrong": wrong_on(1, n=60)} | other)
    with pytest.raises(ValueError, match=r"same samples and splits.*give both the"):
        compare_fits(diagnosis, different)


@pytest.mark.parametrize("names", [("a", "a"), ("a",), ("a", "b", "c"), (1, "1")])
def test_equal_or_missing_names_are_refused(names):
    diagnosis = diagnose_scripted(wrong_on(1))
    with pytest.raises(ValueError, match="names should be two different names"):
        compare_fits(diagnosis, diagnosis, names=names)


def test_groups_widen_the_interval():
    """A group of ten equal samples counts as one: the interval is √10 times as wide."""
    group_of = np.arange(400) // 10
    # Whole groups in each fold, and as many wrong ones, so that only groups scatter.
    splits = [
        (np.flatnonzero(group_of % 5 != k), np.flatnonzero(group_of % 5 == k))
        for k in range(5)
    ]
    plain, grouped = (
        compare_fits(
            diagnose_scripted(group_of < 10, splits=splits, groups=groups),
            diagnose_scripted(
                (group_of >= 10) & (group_of < 15), splits=splits, groups=groups
            ),
        )
        for groups in (None, group_of)
    )
    assert grouped.difference.value == plain.difference.value == pytest.approx(0.125)
    assert grouped.p_value == plain.p_value
    # Student's quantile and the variance have 39 in place of 399 degrees of freedom.
    expected = math.sqrt(10 * 40 / 39) * quantile(39) / quantile(399)
    assert width(grouped) / width(plain) == pytest.approx(expected, rel=0.05)
    assert plain.better is not None
    assert grouped.better is None


def test_scatter_of_differences_between_splits_widens_the_interval():
    even = wrong_on(*range(40), n=400)  # eight errors in each split
    in_one_split = wrong_on(*interleaved(5, 400)[0][1][:40], n=400)
    none = wrong_on(n=400)
    # Error rates of 0.5, 0, 0, 0 and 0 scatter more than 80 samples explain.
    excess = (np.var([0.5, 0, 0, 0, 0], ddof=1) - 0.1 * 0.9 / 80) / 5
    for wrong, instability, better in (
        (even, 0.0, "second"),
        (in_one_split, excess, None),
    ):
        comparison = compare_fits(diagnose_scripted(wrong), diagnose_scripted(none))
        assert comparison.difference.value == 0.1
        assert_interval(comparison.difference, wrong, none, instability)
        assert comparison.better == better


def test_errors_that_scatter_alike_do_not_widen_the_interval():
    splits = interleaved(5, 400)
    common = splits[0][1][:40]
    first = diagnose_scripted(wrong_on(*common, *range(1, 400, 40), n=400))
    second = diagnose_scripted(wrong_on(*common, n=400))
    without = diagnose_scripted(wrong_on(*range(1, 400, 40), n=400))
    nothing = diagnose_scripted(wrong_on(n=400))
    # Both fail on the same samples of the first split, which cancels in the difference.
    paired = compare_fits(first, second)
    assert width(paired) == pytest.approx(width(compare_fits(without, nothing)))


def test_drift_that_classifiers_do_not_share_widens_the_interval():
    wrong = wrong_on(*range(20), n=400), wrong_on(*range(20, 25), n=400)
    # The models of the splits err on 1 to 9 % of all training rows alike.
    order = np.random.default_rng(0).permutation(400)
    train_wrong = order < 400 * np.array([0.01, 0.03, 0.05, 0.07, 0.09])[:, None]
    steady = [diagnose_scripted(each) for each in wrong]
    drifting = [diagnose_scripted(each, train_wrong=train_wrong) for each in wrong]
    drifts = [
        drift_variance(each.evidence.scatter.deviations, each.evidence.folds)
        for each in drifting
    ]
    assert min(drifts) > 0.0005
    for pair, instability in (
        (steady, 0.0),
        ((drifting[0], steady[1]), drifts[0]),
        (drifting, 0.0),  # alike, so it cancels
    ):
        assert_interval(compare_fits(*pair).difference, *wrong, instability)


@pytest.mark.slow
def test_interval_covers_the_true_difference():
    n, n_experiments = 200, 150
    X, y = make_classification(
        24_000, n_informative=8, n_redundant=4, n_classes=3, random_state=0
    )
    X_new, y_new, X, y = X[:4000], y[:4000], X[4000:], y[4000:]
    models = LinearDiscriminantAnalysis(), GaussianNB()
    rng = np.random.default_rng(0)
    differences, true = [], []
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for _ in range(n_experiments):
            rows = rng.choice(len(X), n, replace=False)
            diagnoses = [diagnose_fit(m, X[rows], y[rows], reference=0) for m in models]
            differences.append(compare_fits(*diagnoses).difference)
            # A fold trains on four fifths of the samples.
            fitted = [m.fit(X[rows[:160]], y[rows[:160]]) for m in models]
            scores = [each.score(X_new, y_new) for each in fitted]
            true.append(scores[1] - scores[0])
    covered = [each.contains(np.mean(true)) for each in differences]
    assert np.mean(covered) >= 0.88
    # The coverage does not come from intervals that are too wide.
    half = np.mean([each.high - each.low for each in differences]) / 2
    assert half <= 1.7 * 1.96 * np.std([each.value for each in differences])


def test_better_sentence_and_repr(comparison):
    assert isinstance(comparison, FitComparison)
    assert comparison.better == "naive Bayes"
    assert comparison.difference.low > 0
    assert str(comparison) == comparison.sentence
    assert comparison.sentence.startswith("naive Bayes is better: stump has a valid")
    assert f"On {comparison.n_first_wrong} samples only stump errs" in str(comparison)
    assert repr(comparison) == (
        "FitComparison(names=('stump', 'naive Bayes'), better='naive Bayes')"
    )


def test_names_default_to_first_and_second():
    diagnosis = diagnose_scripted(wrong_on(1))
    assert compare_fits(diagnosis, diagnosis).names == ("first", "second")
    assert compare_fits(diagnosis, diagnosis, names=[1, 2]).names == ("1", "2")


def test_comparison_is_frozen(comparison):
    with pytest.raises(AttributeError):
        comparison.p_value = 0.0


def test_to_frame(comparison):
    frame = comparison.to_frame()
    assert frame.index.tolist() == ["stump", "naive Bayes"]
    assert frame.index.name == "model"
    estimates = ("reference_error", "train_error", "validation_error", "bias", "gap")
    expected = [name + end for name in estimates for end in ("", "_low", "_high")]
    assert frame.columns.tolist() == ["verdict", *expected]
    for name, diagnosis in zip(comparison.names, comparison.diagnoses, strict=True):
        row = frame.loc[name]
        assert row["verdict"] == diagnosis.verdict
        assert row["validation_error"] == diagnosis.errors["validation"].value
        assert row["train_error_low"] == diagnosis.errors["train"].low
        assert row["gap_high"] == diagnosis.gap.high


def test_to_dict_is_json(comparison):
    record = comparison.to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["names"] == ["stump", "naive Bayes"]
    assert record["better"] == "naive Bayes"
    assert record["difference"]["low"] == comparison.difference.low
    assert record["errors"][0]["value"] == comparison.errors[0].value
    assert record["p_value"] == comparison.p_value
    assert record["verdicts"]["stump"] == comparison.diagnoses[0].verdict
    assert record["sentence"] == comparison.sentence
    counts = (comparison.n_samples, comparison.n_first_wrong, comparison.n_second_wrong)
    names = ("n_samples", "n_first_wrong", "n_second_wrong")
    assert tuple(record[name] for name in names) == counts


def test_plot(comparison):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    ax = comparison.plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["stump", "naive Bayes"]
    errors = sorted(
        diagnosis.errors[side].value
        for diagnosis in comparison.diagnoses
        for side in ("train", "validation")
    )
    drawn = sorted(line.get_xdata()[0] for line in ax.lines)
    assert drawn == pytest.approx(errors)
    _, given = pyplot.subplots()
    assert comparison.plot(ax=given) is given
    pyplot.close("all")


def test_to_html_is_self_contained(comparison, tmp_path):
    path = tmp_path / "comparison.html"
    comparison.to_html(path)
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "stump" in page
    assert "naive Bayes is better" in page
    # Pictures and styles are in the page, and it has no links to other files.
    links = re.findall(r"""(?:src|href|srcset)=["']?([^"'\s>]*)""", page)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "url(" not in page
    assert "@import" not in page
    assert [file.name for file in tmp_path.iterdir()] == ["comparison.html"]


def test_page_names_both_models_and_the_result_is_its_heading(comparison):
    names = ("<b>a</b>", "b")
    page = render_comparison(compare_fits(*comparison.diagnoses, names=names))
    assert comparison.diagnoses[0].verdict in page
    assert "<b>a</b>" not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert re.findall("<h1>(.*)</h1>", page) == ["b is better"]
    assert re.search(r"<dt><bdi>b</bdi></dt><dd>GaussianNB\(.*\)</dd>", page)
    assert re.search(r"<time datetime=.*>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC<", page)


def test_page_of_a_table_says_samples(comparison):
    page = render_comparison(comparison).partition("</style>")[2]
    text = re.sub(r"<[^>]*>", " ", page)
    assert "image" not in text.lower()


def test_notebook_shows_a_card_and_the_sentence_as_text(comparison):
    bundle = comparison._repr_mimebundle_()
    assert bundle["text/plain"] == comparison.sentence
    card = bundle["text/html"]
    assert "naive Bayes is better" in card
    assert card.count("<img") == 1
    assert "<html" not in card
