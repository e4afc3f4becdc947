"""The rule that turns estimates into a verdict."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.tree import DecisionTreeClassifier

from skmnist import diagnose_fit
from skmnist._estimate import Estimate
from skmnist.diagnosis._evidence import DECISION
from skmnist.diagnosis._findings import avoidable_bias, generalisation_gap
from skmnist.diagnosis._verdict import conclude, decide, samples_needed

LOW, UNDECIDED, HIGH = (0.0, -0.01, 0.01), (0.02, 0.01, 0.03), (0.05, 0.03, 0.07)
BETTER = (-0.05, -0.07, -0.03)
EVEN, MORE_BIAS, MORE_GAP = (
    (0.0, -0.02, 0.02),
    (0.05, 0.03, 0.07),
    (-0.05, -0.07, -0.03),
)


@pytest.mark.parametrize(
    ("bias", "gap", "evidence", "verdict"),
    [
        (LOW, LOW, {}, "good"),
        (HIGH, LOW, {}, "underfit"),
        (HIGH, UNDECIDED, {}, "underfit"),
        (LOW, HIGH, {}, "overfit"),
        (UNDECIDED, HIGH, {}, "overfit"),
        (UNDECIDED, LOW, {}, "inconclusive"),
        (LOW, UNDECIDED, {}, "inconclusive"),
        (UNDECIDED, UNDECIDED, {}, "inconclusive"),
        (HIGH, HIGH, {"bias_minus_gap": EVEN}, "both"),
        (HIGH, HIGH, {"bias_minus_gap": MORE_BIAS}, "underfit"),
        (HIGH, HIGH, {"bias_minus_gap": MORE_GAP}, "overfit"),
        (HIGH, HIGH, {}, "both"),
        (LOW, HIGH, {"bias_minus_gap": EVEN}, "overfit"),
        # A classifier no better than chance underfits.
        (LOW, LOW, {"beats_chance": False}, "underfit"),
        (LOW, HIGH, {"beats_chance": False}, "underfit"),
        (HIGH, HIGH, {"beats_chance": False, "bias_minus_gap": MORE_GAP}, "underfit"),
        # An undertrained one underfits as well.
        (LOW, LOW, {"undertrained": True}, "underfit"),
        (LOW, HIGH, {"undertrained": True}, "underfit"),
        (BETTER, LOW, {"undertrained": True}, "underfit"),
        (BETTER, UNDECIDED, {"undertrained": True}, "underfit"),
        # Not if it is better in training than the reference, with a proven gap.
        (BETTER, HIGH, {"undertrained": True}, "overfit"),
        (BETTER, HIGH, {"beats_chance": False}, "overfit"),
        (BETTER, HIGH, {"beats_chance": False, "undertrained": True}, "overfit"),
        (BETTER, UNDECIDED, {"beats_chance": False}, "underfit"),
        (HIGH, HIGH, {"undertrained": True, "bias_minus_gap": EVEN}, "underfit"),
        (UNDECIDED, UNDECIDED, {"undertrained": True}, "underfit"),
        # An interval that ends at the tolerance.
        ((0.01, 0.0, 0.02), (0.01, 0.0, 0.02), {}, "good"),
        ((0.03, 0.02, 0.04), LOW, {}, "inconclusive"),
        # Better in training than the reference, and better on new samples.
        (BETTER, (-0.02, -0.03, -0.01), {}, "good"),
    ],
)
def test_decide(bias, gap, evidence, verdict):
    if "bias_minus_gap" in evidence:
        evidence = evidence | {"bias_minus_gap": Estimate(*evidence["bias_minus_gap"])}
    assert decide(Estimate(*bias), Estimate(*gap), 0.02, **evidence) == verdict


def test_samples_needed_grows_with_squared_interval():
    assert samples_needed(Estimate(0.01, -0.01, 0.03), 0.02, 100) == 400
    assert samples_needed(Estimate(0.04, 0.0, 0.08), 0.02, 1234) == 5000
    assert samples_needed(Estimate(0.0199, 0.0, 0.04), 0.02, 100) is None


def evidence_of(bias, gap, **others):
    """Return what `conclude` reads of an evidence with these intervals."""
    exact = Estimate(0.1, 0.1, 0.1)
    estimates = {"bias": Estimate(*bias), "gap": Estimate(*gap)}
    difference = Estimate(bias[0] - gap[0], -1.0, 1.0)
    decisive = estimates | {"bias_minus_gap": difference}
    attributes = {
        "decisive": {k: e.at_confidence(DECISION) for k, e in decisive.items()},
        "tolerance": 0.02,
        "n_samples": 500,
        "errors": dict.fromkeys(("train", "validation", "reference"), exact),
        "reference_name": "SVC",
        "reference_rows": None,
        "behind_reference": Estimate(0.03, 0.01, 0.05),
        "known": False,
        "above_known": False,
        "paired": True,
        "repeated": False,
        "groups": None,
        "parameters": frozenset({"max_depth"}),
        "early_stop": None,
        "unseen_classes": (0.0, []),
        "candidates": None,
    }
    return SimpleNamespace(**estimates | attributes | others)


def concluded(evidence):
    checks = avoidable_bias, generalisation_gap
    found = [finding for check in checks if (finding := check(evidence)) is not None]
    return conclude(evidence, found)


def test_90_percent_of_confidence_decide_and_are_told():
    proven, likely, open_ = (0.05, 0.03, 0.07), (0.05, 0.015, 0.085), (0.03, 0.0, 0.06)
    for gap, expected in ((proven, "overfit"), (likely, "overfit"), (open_, None)):
        verdict, leaning, sentence = concluded(evidence_of(LOW, gap))
        assert verdict == (expected or "inconclusive")
        assert leaning == (None if expected else "overfit")
        assert ("with a confidence of 95 %" in sentence) == (gap == likely)
        assert "95 % interval" in sentence
    assert "that it does, with a confidence of 74 %" in sentence
    verdict, _, sentence = concluded(evidence_of(LOW, (0.0, -0.03, 0.03)))
    assert verdict == "good"
    assert "exceeds the tolerance of 2.0 %, with a confidence of 90 %" in sentence


def test_inconclusive_says_what_to_try():
    gap = (0.036, 0.006, 0.066)
    _, _, sentence = concluded(evidence_of(LOW, gap))
    assert sentence.startswith("inconclusive, leaning to overfit: ")
    assert "three repetitions of the folds would probably decide it" in sentence
    assert "and about 760 samples would" in sentence
    assert "Until more is known: try more data" in sentence
    assert "max_depth" in sentence
    for changed in ({"repeated": True}, {"paired": False}, {"groups": np.arange(9)}):
        _, _, sentence = concluded(evidence_of(LOW, gap, **changed))
        assert "repetitions" not in sentence
        assert "about 760 samples would decide it" in sentence
    _, _, sentence = concluded(evidence_of(LOW, (0.0205, 0.0, 0.04)))
    assert "the gap is as large as the tolerance" in sentence


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ((0.03, 0.01, 0.05), "the reference (SVC) is better on new samples, by 3.0 %"),
        ((0.01, -0.01, 0.03), "no better model is known: on new samples the reference"),
        ((-0.03, -0.05, -0.01), "(SVC) errs more on new samples"),
    ],
)
def test_sentence_says_first_whether_anything_better_is_known(behind, said):
    evidence = evidence_of(LOW, HIGH, behind_reference=Estimate(*behind))
    sentence = concluded(evidence)[2]
    assert sentence.index(said) < sentence.index("the error on new samples exceeds")
    assert str(evidence.bias) in sentence
    assert str(evidence.gap) in sentence


def test_confidence_of_an_interval():
    estimate = Estimate(0.03, 0.01, 0.06)
    assert estimate.confidence_above(0.03) == 0.5
    assert estimate.confidence_above(0.01) == pytest.approx(0.975)
    assert estimate.confidence_above(0.06) == pytest.approx(0.025)
    same = estimate.at_confidence(0.95)
    assert (same.low, same.high) == pytest.approx((0.01, 0.06))
    narrow = estimate.at_confidence(0.8)
    assert narrow.high - 0.03 == pytest.approx(0.03 * norm.ppf(0.9) / norm.ppf(0.975))
    assert Estimate(0.1, 0.1, 0.1).confidence_above(0.05) == 1


def test_a_simpler_candidate_that_is_better_is_known():
    better = SimpleNamespace(better=(3, Estimate(0.02, 0.01, 0.03)))
    evidence = evidence_of(
        LOW,
        HIGH,
        behind_reference=Estimate(-0.03, -0.05, -0.01),
        candidates=better,
    )
    sentence = concluded(evidence)[2]
    assert sentence.startswith("overfit: the simpler 3 is better on new samples")
    assert "no better model" not in sentence


def test_an_error_below_a_known_one_is_said_so():
    below = {"known": True, "behind_reference": Estimate(-0.01, -0.02, 0.0)}
    sentence = concluded(evidence_of(LOW, LOW, **below))[2]
    assert "below the known error by 1.0 %" in sentence


def test_few_samples_are_not_said_to_decide_for_practical_purposes():
    y = np.repeat([0, 1], 5)
    X = (np.arange(10) + 10 * y)[:, None]
    clf = DecisionTreeClassifier(max_depth=1)
    diagnosis = diagnose_fit(clf, X, y, cv=2, reference=0.0, random_state=0)
    assert diagnosis.errors["validation"].value == 0
    assert "practical purposes" not in diagnosis.sentence
    assert "more than 1,000 samples would be needed" in diagnosis.sentence
