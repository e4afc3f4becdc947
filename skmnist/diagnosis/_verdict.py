"""The rule that turns findings into a verdict, and the sentence that says it."""

import math

from skmnist._estimate import percent
from skmnist.diagnosis._findings import gap_is_above, value_of


def decide(
    bias,
    gap,
    tolerance,
    *,
    beats_chance=True,
    undertrained=False,
    bias_minus_gap=None,
):
    """Return the verdict.

    Parameters
    ----------
    bias, gap : Estimate
        Of the training error above the reference, and of the validation error above the
        training error.
    tolerance : float
        What bias or gap does not matter.
    beats_chance : bool, default=True
        Whether the classifier is proven better than the dummy.
    undertrained : bool, default=False
        Whether the validation loss was still falling at the end.
    bias_minus_gap : Estimate, default=None
        Names the larger where both are proven; None cannot.

    Returns
    -------
    verdict : {"underfit", "overfit", "both", "good", "inconclusive"}

    Examples
    --------
    >>> from skmnist.diagnosis._verdict import decide
    >>> from skmnist._estimate import Estimate
    >>> decide(Estimate(0.0, -0.01, 0.01), Estimate(0.05, 0.04, 0.06), 0.02)
    'overfit'
    """
    if not beats_chance or undertrained:
        return "underfit"
    biased, gaping = bias.low > tolerance, gap.low > tolerance
    if biased and gaping:
        if bias_minus_gap is None or bias_minus_gap.contains(0):
            return "both"
        return "underfit" if bias_minus_gap.value > 0 else "overfit"
    if biased:
        return "underfit"
    if gaping:
        return "overfit"
    if bias.high <= tolerance and gap.high <= tolerance:
        return "good"
    return "inconclusive"


def samples_needed(estimate, tolerance, n_samples):
    """Return how many samples would tell a value from the tolerance.

    Intervals narrow as 1/√n, so with h the half of the interval that faces the
    tolerance it takes n · (h / |value − tolerance|)² of them.

    Parameters
    ----------
    estimate : Estimate
    tolerance : float
    n_samples : int
        Samples that gave the estimate.

    Returns
    -------
    n : int or None
        To two digits; None where even a hundred times as many would not do.
    """
    distance = abs(estimate.value - tolerance)
    below = estimate.value < tolerance
    half = estimate.high - estimate.value if below else estimate.value - estimate.low
    if distance <= half / 10:
        return None
    needed = n_samples * max(1.0, (half / distance) ** 2)
    digit = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return math.ceil(needed / digit) * digit


def conclude(evidence, findings):
    """Return the verdict and the sentence that says it with its numbers.

    Parameters
    ----------
    evidence : Evidence
    findings : list of Finding
        What `find` gave.

    Returns
    -------
    verdict, sentence : str
    """
    found = {finding.code: finding for finding in findings}
    verdict = decide(
        evidence.bias,
        evidence.gap,
        evidence.tolerance,
        beats_chance="FIT01" not in found,
        undertrained="FIT04" in found,
        bias_minus_gap=evidence.bias_minus_gap,
    )
    if verdict == "underfit":
        first = next(code for code in ("FIT01", "FIT04", "FIT02") if code in found)
        reason = found[first].sentence
    elif verdict == "overfit":
        reason = found["FIT03"].sentence
    elif verdict == "both":
        reason = f"{found['FIT02'].sentence} {found['FIT03'].sentence}"
    elif verdict == "good":
        reason = (
            f"Neither the distance to the reference, {evidence.bias}, nor the excess "
            f"of the error on new samples over {gap_is_above(evidence)}, "
            f"{evidence.gap}, exceeds the tolerance of {percent(evidence.tolerance)}."
        )
    else:
        reason = _what_is_open(evidence)
    reason = reason[0].lower() + reason[1:].rstrip(".")
    return verdict, f"{verdict}: {reason}; {_errors(evidence)}."


def _what_is_open(evidence):
    sides = [
        (f"the distance to the reference ({evidence.reference_name})", evidence.bias),
        (
            f"the excess of the error on new samples over {gap_is_above(evidence)}",
            evidence.gap,
        ),
    ]
    tolerance = evidence.tolerance
    parts, needed = [], []
    for name, estimate in sides:
        if estimate.low <= tolerance < estimate.high:
            parts.append(f"{name}, {estimate}")
            needed.append(samples_needed(estimate, tolerance, evidence.n_samples))
    exceed = "exceeds" if len(parts) == 1 else "exceed"
    if None in needed:
        remedy = "no number of samples would settle it, so close to the tolerance it is"
    else:
        remedy = f"about {max(needed):,} samples would settle it"
    return (
        f"{evidence.n_samples:,} samples leave open whether {' and '.join(parts)}, "
        f"{exceed} the tolerance of {percent(tolerance)}; {remedy}."
    )


def _errors(evidence):
    errors = evidence.errors
    luck = "" if evidence.paired else "; one split cannot show the luck of training"
    return (
        f"training error {value_of(errors['train'])}, validation error "
        f"{value_of(errors['validation'])}, error of the reference "
        f"({evidence.reference_name}) {value_of(errors['reference'])}{luck}"
    )
