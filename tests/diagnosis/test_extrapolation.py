"""Tests of extrapolated learning curves."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit
from skmnist._estimate import Estimate
from skmnist.diagnosis._extrapolation import extrapolate, more_data_in_words
from skmnist.report import render_html
from skmnist.report._figures import drawings_of

SIZES = (100, 250, 500, 750, 1000)


def errors_of(law, n_samples=4000, seed=0):
    """Draw errors of nested parts: a sample that is hard stays hard."""
    difficulty = np.random.default_rng(seed).random(n_samples)
    return np.array([difficulty < law(n) for n in SIZES])


def power_law(n):
    return 0.02 + 3.0 * n**-0.5


@pytest.fixture(scope="module")
def diagnosis():
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))[:600]
    return diagnose_fit(
        KNeighborsClassifier(),
        X[rows],
        y[rows],
        reference=0.0,
        tolerance=0.01,
        learning_curve=True,
        random_state=0,
    )


def test_intervals_contain_a_power_law_and_narrow_with_samples():
    widths = []
    for n_samples in (1000, 30_000):
        curve = extrapolate(errors_of(power_law, n_samples), SIZES)
        for times in (1, 2, 4):
            assert curve.at_times(times).contains(power_law(1000 * times))
        widths.append(curve.at(1000).high - curve.at(1000).low)
    assert widths[1] < widths[0] / 2
    assert curve.n_train == 1000


def test_error_falls_and_uncertainty_grows_with_samples():
    curve = extrapolate(errors_of(power_law), SIZES).to_frame()
    beyond = curve[curve["train_size"] >= 1000]
    assert (np.diff(curve["error"]) < 0).all()
    relative = (beyond["high"] - beyond["low"]) / beyond["error"]
    assert relative.iloc[-1] > relative.iloc[0]
    assert curve["train_size"].iloc[-1] == pytest.approx(4000)


def test_number_of_samples_for_an_error_has_an_interval():
    curve = extrapolate(errors_of(power_law, 30_000), SIZES)
    needed = curve.samples_for(power_law(2000))
    assert needed.low < 2000 < needed.high
    assert 1000 < needed.value < 4000
    # The estimate is where the curve has that error.
    assert curve.at(needed.value).value == pytest.approx(power_law(2000), rel=0.02)
    assert re.fullmatch(
        r"[\d,]+ \(95 % interval [\d,]+ (to [\d,]+|or more)\)", str(needed)
    )
    assert curve.samples_for(power_law(1000) * 1.5) is None  # reached
    assert curve.samples_for(0.001) is None  # beyond four times the data
    assert curve.samples_for(curve.at(3500).value).high == math.inf


@pytest.mark.parametrize("size", [249, 4001])
def test_curve_is_refused_beyond_four_times_the_data(size):
    curve = extrapolate(errors_of(power_law), SIZES)
    with pytest.raises(ValueError, match=r"from 250 to 4,000 training samples"):
        curve.at(size)


@pytest.mark.parametrize(
    ("errors", "sizes"),
    [
        (errors_of(power_law, 40), SIZES),  # too few samples
        (errors_of(power_law)[3:], SIZES[3:]),  # too few points
        (np.zeros((5, 500), bool), SIZES),  # no error
        (errors_of(lambda n: 0.2 + 0.1 * (n == 500), 4000), SIZES),  # no power law
        (errors_of(lambda n: 0.05 + n / 2000), SIZES),  # rises
    ],
)
def test_curve_that_is_not_determined_is_not_extrapolated(errors, sizes):
    assert extrapolate(errors, sizes) is None


def test_groups_widen_the_band():
    errors = errors_of(power_law, 2000)
    errors = np.repeat(errors[:, ::4], 4, axis=1)
    groups = np.arange(2000) // 4
    alone, grouped = (extrapolate(errors, SIZES, g).at_times(1) for g in (None, groups))
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_more_data_helps_names_the_error_at_twice_the_samples(diagnosis):
    twice = diagnosis.extrapolation.at_times(2)
    (finding,) = [f for f in diagnosis.findings if f.code == "FIT07"]
    assert f"Twice the samples should bring the error to {twice}." in finding.sentence
    assert finding.evidence["error_at_twice"] == twice.value
    assert finding.evidence["error_at_twice_high"] == twice.high
    assert diagnosis.extrapolation.n_train == 480


def test_advice_names_the_samples_for_the_reference(diagnosis):
    target = (diagnosis.extrapolation.at_times(2.5)).value
    evidence = SimpleNamespace(
        extrapolation=diagnosis.extrapolation,
        errors={"reference": Estimate(target - 0.01, 0, 1)},
        tolerance=0.01,
    )
    _, advice, numbers = more_data_in_words(evidence)
    assert numbers["samples"] == pytest.approx(2.5 * 480, rel=0.01)
    assert "training on about 1,200 (95 % interval" in advice
    assert "in place of 480" in advice
    evidence.errors["reference"] = Estimate(0.0, 0, 1)
    evidence.tolerance = 0.001
    assert "samples" not in more_data_in_words(evidence)[2]


def test_curve_is_on_the_page_and_in_the_record(diagnosis):
    page = render_html(diagnosis)
    assert "training on twice the images brings the error to" in page
    record = diagnosis.to_dict()["extrapolation"]
    assert record["train_size"][-1] == pytest.approx(4 * 480)
    assert record["low"][-1] < record["error"][-1] < record["high"][-1]
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    drawings_of(diagnosis)["learning_curve"].draw(ax)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "Extrapolated; hatched: its 95 % interval" in labels
    assert ax.get_lines()[2].get_xdata()[-1] == pytest.approx(4 * 480)


def test_nothing_is_extrapolated_without_a_determined_curve(small):
    X, y = small
    tree = DecisionTreeClassifier(random_state=0)
    assert diagnose_fit(tree, X, y, reference=0.1).extrapolation is None
    diagnosis = diagnose_fit(
        tree, X[:60], y[:60], reference=0.1, learning_curve=True, random_state=0
    )
    assert diagnosis.extrapolation is None
    assert diagnosis.to_dict()["extrapolation"] is None
    assert "training on twice" not in render_html(diagnosis)


def test_extrapolation_uses_the_same_samples_of_every_part(diagnosis):
    evidence = replace(diagnosis.evidence, parts={0.5: diagnosis.evidence.parts[0.5]})
    assert evidence.extrapolation is None  # two points
    assert set(diagnosis.evidence.parts) == {0.1, 0.25, 0.5, 0.75}
