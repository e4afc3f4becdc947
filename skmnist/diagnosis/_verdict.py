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
        Whether the validation loss was still falling at the end. Ignored if the gap is
        proven, and the training error is proven to be below the reference.
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
    # A loss can fall while the error does not, so proven differences in error decide.
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
    reason, stated = _reason(verdict, evidence, found)
    reason = reason[0].lower() + reason[1:].rstrip(".")
    others = ", ".join(
        f"{name} {getattr(evidence, name)}"
        for name in ("bias", "gap")
        if name not in stated
    )
    parts = [reason, *([others] if others else []), _errors(evidence)]
    return verdict, f"{verdict}: {'; '.join(parts)}."


def _reason(verdict, evidence, found):
    """Return the reason for a verdict, and which of bias and gap it states."""
    both = ["bias", "gap"]
    if verdict == "underfit":
        first = next(code for code in ("FIT01", "FIT04", "FIT02") if code in found)
        return found[first].sentence, ["bias"] if first == "FIT02" else []
    if verdict == "overfit":
        return found["FIT03"].sentence, ["gap"]
    if verdict == "both":
        sentences = found["FIT02"].sentence, found["FIT03"].sentence
        return " ".join(sentences), both
    if verdict == "good":
        sides = [f"{words}, {getattr(evidence, k)}," for k, words in _sides(evidence)]
        limit = percent(evidence.tolerance)
        reason = f"Neither {' nor '.join(sides)} exceeds the tolerance of {limit}."
        return reason, both
    return _undecided(evidence)


def _sides(evidence):
    """Return bias and gap in words, each after its name."""
    excess = f"the excess of the error on new samples over {gap_baseline(evidence)}"
    return ("bias", "the distance to the reference"), ("gap", excess)


def _undecided(evidence):
    """Return what the intervals leave undecided and what would decide it, and which."""
    tolerance = evidence.tolerance
    parts, needed, names = [], [], []
    for name, words in _sides(evidence):
        estimate = getattr(evidence, name)
        if estimate.low <= tolerance < estimate.high:
            names.append(name)
            parts.append(f"{words}, {estimate}")
            needed.append(samples_needed(estimate, tolerance, evidence.n_samples))
    exceed = "exceeds" if len(parts) == 1 else "exceed"
    if None in needed:
        remedy = "no number of samples would decide it, so close is it to the tolerance"
    else:
        remedy = f"about {max(needed):,} samples would decide it"
    return (
        f"{evidence.n_samples:,} samples do not decide whether {' and '.join(parts)}, "
        f"{exceed} the tolerance of {percent(tolerance)}; {remedy}.",
        names,
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
