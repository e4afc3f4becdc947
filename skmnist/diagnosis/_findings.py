"""The findings of a diagnosis, and the rule that turns them into a verdict.

A finding is one function of the evidence, listed in `CHECKS`.
"""

import math
from dataclasses import dataclass

from skmnist.diagnosis._intervals import percent

# A loss that fell by less than this fraction at the end has as good as converged.
_NEGLIGIBLE_FALL = 0.05


@dataclass(frozen=True)
class Finding:
    """Something about a fit that is worth knowing.

    Attributes
    ----------
    code : str
        Stable: "FIT01", "FIT02", ...
    title : str
        A few words.
    sentence : str
        The finding with its numbers.
    evidence : dict of str to float, int, str or bool
        The numbers; errors and intervals are fractions.
    advice : str
        What to try.
    """

    code: str
    title: str
    sentence: str
    evidence: dict
    advice: str


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
    >>> from skmnist.diagnosis._findings import decide
    >>> from skmnist.diagnosis._intervals import Estimate
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


def find(evidence):
    """Return the findings that the evidence proves, in the order of their codes.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    findings : list of Finding
    """
    return [finding for check in CHECKS if (finding := check(evidence)) is not None]


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
            f"Neither the distance to the reference, {evidence.bias}, nor the gap to "
            f"new samples, {evidence.gap}, exceeds the tolerance of "
            f"{percent(evidence.tolerance)}."
        )
    else:
        reason = _what_is_open(evidence)
    reason = reason[0].lower() + reason[1:].rstrip(".")
    return verdict, f"{verdict}: {reason}; {_errors(evidence)}."


def no_better_than_chance(evidence):
    """FIT01: always guessing the most frequent class does as well."""
    advantage = evidence.advantage
    if advantage.low > 0:
        return None
    return Finding(
        "FIT01",
        "No better than chance",
        "The model is not proven better than always guessing the most frequent class: "
        "with all classes weighed alike, its error on new samples is lower by "
        f"{advantage}.",
        _record(advantage=advantage),
        "Check that labels and samples belong together and that the input is scaled. "
        "Where a class is rare, weigh the classes (class_weight='balanced').",
    )


def avoidable_bias(evidence):
    """FIT02: the model errs on its own training data more than it would have to."""
    if not evidence.bias.low > evidence.tolerance:
        return None
    errors = evidence.errors
    return Finding(
        "FIT02",
        "Avoidable bias",
        f"The error on the model's own training samples, {_value(errors['train'])}, "
        f"lies above that of the reference ({evidence.reference_name}) on new ones, "
        f"{_value(errors['reference'])}, by {evidence.bias}: more than the tolerance "
        f"of {percent(evidence.tolerance)}.",
        _record(bias=evidence.bias, reference=errors["reference"])
        | {"reference_name": evidence.reference_name},
        "Try a larger network, more epochs, a higher learning rate, or less "
        "regularisation (dropout, l2).",
    )


def generalisation_gap(evidence):
    """FIT03: the model errs on new samples more than on those it was trained on."""
    if not evidence.gap.low > evidence.tolerance:
        return None
    record = _record(gap=evidence.gap)
    harm = ""
    advice = "Try more data, augmentation, or regularisation (dropout, l2)."
    if evidence.early_stop is not None:
        epoch, saved = evidence.early_stop
        harmful = saved.low > 0
        record |= _record(early_stop_saves=saved) | {"harmful": harmful}
        if harmful:
            harm = (
                f" The gap does harm: around epoch {epoch} the validation loss was "
                f"lower than at the end, by {_loss(saved)}."
            )
            record["epoch"] = epoch
            advice = (
                f"Stop earlier, around epoch {epoch} (early_stopping=True), or "
                "regularise (dropout, l2)."
            )
        else:
            harm = " No earlier epoch was proven better."
            advice += " Stopping earlier would not help."
    return Finding(
        "FIT03",
        "Generalisation gap",
        "The error on new samples lies above that on the training samples by "
        f"{evidence.gap}: more than the tolerance of {percent(evidence.tolerance)}."
        f"{harm}",
        record,
        advice,
    )


def undertrained(evidence):
    """FIT04: the validation loss was still falling when the training ended.

    A fall counts if it is beyond noise and not negligible: at least a twentieth of the
    loss, and, should the error follow the loss by the same fraction once more, worth a
    quarter of the tolerance. A loss may go on falling long after the last prediction
    changed.
    """
    if evidence.late_fall is None:
        return None
    start, fall = evidence.late_fall
    fraction = fall.value / start.value
    worth = fraction * evidence.errors["validation"].value
    negligible = fraction < _NEGLIGIBLE_FALL or worth < evidence.tolerance / 4
    if not fall.low > 0 or negligible:
        return None
    n_epochs = max(len(fold.curves.sample_loss) for fold in evidence.folds)
    plural = "epoch" if n_epochs == 1 else "epochs"
    return Finding(
        "FIT04",
        "Undertrained",
        f"After {n_epochs} {plural} the validation loss was still falling: from "
        f"{start.value:.3g} at three quarters of the training to "
        f"{start.value - fall.value:.3g} at its end, a fall of {_loss(fall)}.",
        _record(loss_at_three_quarters=start, fall=fall) | {"n_epochs": n_epochs},
        f"Train longer: {2 * n_epochs} epochs, say, or many with early_stopping=True.",
    )


#: Every check: a function of the evidence that returns a Finding or None.
CHECKS = (no_better_than_chance, avoidable_bias, generalisation_gap, undertrained)


def _what_is_open(evidence):
    sides = [
        (f"the distance to the reference ({evidence.reference_name})", evidence.bias),
        ("the gap between new and training samples", evidence.gap),
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
        f"training error {_value(errors['train'])}, validation error "
        f"{_value(errors['validation'])}, error of the reference "
        f"({evidence.reference_name}) {_value(errors['reference'])}{luck}"
    )


def _value(estimate):
    return percent(estimate.value)


def _loss(estimate):
    low, high = f"{estimate.low:.2g}", f"{estimate.high:.2g}"
    return f"{estimate.value:.2g} (95 % interval {low} to {high})"


def _record(**estimates):
    """Return estimates as plain numbers under `name`, `name_low` and `name_high`."""
    record = {}
    for name, estimate in estimates.items():
        record[name] = float(estimate.value)
        record[f"{name}_low"] = float(estimate.low)
        record[f"{name}_high"] = float(estimate.high)
    return record
