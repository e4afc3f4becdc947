"""The rule that turns estimates into a verdict."""

import pytest

from skmnist._estimate import Estimate
from skmnist.diagnosis._verdict import decide, samples_needed

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
        # A classifier no better than chance underfits, whatever else is found.
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
        (BETTER, HIGH, {"beats_chance": False, "undertrained": True}, "underfit"),
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
