"""The rule that turns estimates into a verdict, and the verdict as a sentence."""

import math

from skmnist._estimate import percent
from skmnist.diagnosis._findings import gap_baseline, value_of


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
        Largest bias or gap regarded as negligible.
    beats_chance : bool, default=True
        Whether the classifier is proven better than the dummy.
    undertrained : bool, default=False
        Whether the validation loss was still falling at the end. It does not count if a
        gap is proven, and a training error below the reference, too.
    bias_minus_gap : Estimate, default=None
        Decides which of the two is larger if both are proven. None gives "both".

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
    biased, gaping = bias.low > tolerance, gap.low > tolerance
    # A loss can fall without an effect on the error: what is proven of errors counts.
    if not beats_chance or (undertrained and not (gaping and bias.high < 0)):
        return "underfit"
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
    """Return the number of samples that would separate a value from the tolerance.

    Intervals narrow as 1/√n. With h the half-width of the interval on the side of the
    tolerance, the number is n · (h / |value − tolerance|)².

    Parameters
    ----------
    estimate : Estimate
    tolerance : float
    n_samples : int
        The number of samples behind the estimate.

    Returns
    -------
    n : int or None
        Rounded up to two digits; None if more than a hundred times as many samples
        would be needed.
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
    """Return the verdict, and a sentence that states it with its numbers.

    Parameters
    ----------
    evidence : Evidence
    findings : list of Finding
        The result of `find`.

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
    unstated = {}
    both = {"bias": evidence.bias, "gap": evidence.gap}
    if verdict == "underfit":
        first = next(code for code in ("FIT01", "FIT04", "FIT02") if code in found)
        reason = found[first].sentence
        unstated = {"gap": evidence.gap} if first == "FIT02" else both
    elif verdict == "overfit":
        reason = found["FIT03"].sentence
        unstated = {"bias": evidence.bias}
    elif verdict == "both":
        reason = f"{found['FIT02'].sentence} {found['FIT03'].sentence}"
    elif verdict == "good":
        (of_bias, _), (of_gap, _) = _sides(evidence)
        reason = (
            f"Neither {of_bias}, {evidence.bias}, nor {of_gap}, {evidence.gap}, "
            f"exceeds the tolerance of {percent(evidence.tolerance)}."
        )
    else:
        reason = _undecided(evidence)
        unstated = {k: v for k, v in both.items() if not _is_open(evidence, v)}
    reason = reason[0].lower() + reason[1:].rstrip(".")
    others = ", ".join(f"{name} {estimate}" for name, estimate in unstated.items())
    parts = [reason, *([others] if others else []), _errors(evidence)]
    return verdict, f"{verdict}: {'; '.join(parts)}."


def _sides(evidence):
    """Return what bias and gap are in words, each with its estimate."""
    excess = f"the excess of the error on new samples over {gap_baseline(evidence)}"
    return ("the distance to the reference", evidence.bias), (excess, evidence.gap)


def _is_open(evidence, estimate):
    return estimate.low <= evidence.tolerance < estimate.high


def _undecided(evidence):
    """Return what the intervals leave undecided, and what would decide it."""
    tolerance = evidence.tolerance
    parts, needed = [], []
    for name, estimate in _sides(evidence):
        if _is_open(evidence, estimate):
            parts.append(f"{name}, {estimate}")
            needed.append(samples_needed(estimate, tolerance, evidence.n_samples))
    exceed = "exceeds" if len(parts) == 1 else "exceed"
    if None in needed:
        remedy = "no number of samples would decide it, so close is it to the tolerance"
    else:
        remedy = f"about {max(needed):,} samples would decide it"
    return (
        f"{evidence.n_samples:,} samples do not decide whether {' and '.join(parts)}, "
        f"{exceed} the tolerance of {percent(tolerance)}; {remedy}."
    )


def _errors(evidence):
    errors = evidence.errors
    reference = evidence.reference_name
    if evidence.reference_rows is not None:
        rows, of = evidence.reference_rows
        reference += f", trained on {rows:,} of {of:,} samples"
    notes = []
    worse = errors["reference"].value > errors["validation"].value
    if worse and not evidence.known and evidence.bias.value <= 0:
        notes.append(
            "the reference errs more on new samples than the model, so that it cannot "
            "show an avoidable bias"
        )
    if not evidence.paired:
        notes.append(
            "the variation between trainings is not included, as there is one split"
        )
    return "; ".join(
        [
            f"training error {value_of(errors['train'])}, validation error "
            f"{value_of(errors['validation'])}, error of the reference ({reference}) "
            f"{value_of(errors['reference'])}",
            *notes,
        ]
    )
