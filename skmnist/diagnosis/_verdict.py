"""The rule that turns estimates into a verdict, and the verdict as a sentence."""

import math

from skmnist._estimate import Estimate, percent
from skmnist.diagnosis import _advice
from skmnist.diagnosis._findings import confidence, gap_baseline, value_of

# Mean width of an interval with three repetitions of the folds, as a fraction of that
# with one (docs/studies/coverage.py, both studies).
_REPEATED_WIDTH = {"bias": 0.87, "gap": 0.77}


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
        Whether the validation loss was still falling at the end. Both are ignored if
        the gap is proven, and the training error is proven to be below the reference.
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
    # A loss can fall while the error does not, and a model that has memorised its
    # training samples can be no better than chance. More capacity or training would
    # help neither, so proven differences in error decide.
    memorises = gaping and bias.high < 0
    if (not beats_chance or undertrained) and not memorises:
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
    """Return the verdict, where it leans, and a sentence that states it with numbers.

    Parameters
    ----------
    evidence : Evidence
    findings : list of Finding
        The result of `find`.

    Returns
    -------
    verdict : str
    leaning : str or None
        What the values say without their intervals, if the verdict is inconclusive.
    sentence : str
    """
    found = {finding.code: finding for finding in findings}
    verdict = decide(
        evidence.decisive["bias"],
        evidence.decisive["gap"],
        evidence.tolerance,
        beats_chance="FIT01" not in found,
        undertrained="FIT04" in found,
        bias_minus_gap=evidence.decisive["bias_minus_gap"],
    )
    leaning = None
    if verdict == "inconclusive":
        exact = [_exact(evidence.bias), _exact(evidence.gap)]
        leaning = decide(*exact, evidence.tolerance)
    if "good" in (verdict, leaning) and "FIT12" in found:
        # Duplicates hide a gap.
        verdict, leaning = "inconclusive", None
    elif _is_of_the_splits(verdict, evidence):
        verdict, leaning = "inconclusive", None
    reason, stated = _reason(verdict, leaning, evidence, found)
    reason = reason[0].lower() + reason[1:].rstrip(".")
    others = ", ".join(
        f"{name} {getattr(evidence, name)}"
        for name in ("bias", "gap")
        if name not in stated
    )
    parts = [_better_known(evidence), reason, others, _errors(evidence)]
    said = verdict if leaning is None else f"{verdict}, leaning to {leaning}"
    sentence = f"{said}: {'; '.join(part for part in parts if part)}."
    if leaning is not None:
        sentence += _meanwhile(leaning, evidence)
    return verdict, leaning, sentence


def _is_of_the_splits(verdict, evidence):
    """Return whether only classes that splits lack may have led to a verdict."""
    share, _ = evidence.unseen_classes
    if share <= evidence.tolerance / 4 or verdict == "good":
        return False
    return evidence.decisive["gap"].low - share <= evidence.tolerance


def _exact(estimate):
    return Estimate(estimate.value, estimate.value, estimate.value)


def _meanwhile(leaning, evidence):
    """Return what to try while the verdict is not decided."""
    if leaning == "good":
        return ""
    against = _advice.against_gap if leaning == "overfit" else _advice.against_bias
    advice = against(evidence.parameters)
    return f" Until more is known: {advice[0].lower()}{advice[1:]}"


def _better_known(evidence):
    """Return whether a model with a lower error on new samples is known.

    Nothing if the gap is measured from a known error, and says it.
    """
    candidates = evidence.candidates
    if candidates is not None and candidates.better is not None:
        value, gain = candidates.better
        return f"the simpler {value} is better on new samples, by {gain}"
    if evidence.above_known:
        return ""
    behind = evidence.behind_reference
    if evidence.known and behind.value < 0:
        return (
            f"the error on new samples is below the known error by {behind.negated()}"
        )
    if evidence.known:
        return f"the error on new samples is above the known error by {behind}"
    name = f"the reference ({evidence.reference_name}"
    if evidence.reference_rows is not None:
        rows, of = evidence.reference_rows
        name += f", trained on {rows:,} of {of:,} samples"
    name += ")"
    if behind.low > 0:
        return f"{name} is better on new samples, by {behind}"
    if behind.high >= 0:
        return (
            f"no better model is known: on new samples {name} errs about as often, the "
            f"difference being {behind}"
        )
    said = f"no better model is known: {name} errs more on new samples"
    if evidence.bias.value <= 0:
        said += ", and cannot show an avoidable bias"
    return f"{said}; the difference is {behind.negated()}"


def _reason(verdict, leaning, evidence, found):
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
        return _within_tolerance(evidence), both
    if leaning is None:
        code = "FIT12" if "FIT12" in found else "FIT08"
        return found[code].sentence, []
    return _undecided(evidence)


def _within_tolerance(evidence):
    tolerance = evidence.tolerance
    sides = [f"{words}, {getattr(evidence, k)}," for k, words in _sides(evidence)]
    reason = f"Neither {' nor '.join(sides)} exceeds the tolerance of "
    largest = max(
        evidence.bias, evidence.gap, key=lambda e: e.confidence_above(tolerance)
    )
    if largest.high <= tolerance:
        return f"{reason}{percent(tolerance)}."
    return f"{reason}{percent(tolerance)}, with {confidence(largest, tolerance)}."


def _sides(evidence):
    """Return bias and gap in words, each after its name."""
    excess = f"the excess of the error on new samples over {gap_baseline(evidence)}"
    return ("bias", "the distance to the reference"), ("gap", excess)


def _undecided(evidence):
    """Return what the intervals leave undecided and what would decide it, and which."""
    tolerance = evidence.tolerance
    parts, open_sides = [], []
    for name, words in _sides(evidence):
        estimate, decisive = getattr(evidence, name), evidence.decisive[name]
        if decisive.low <= tolerance < decisive.high:
            open_sides.append(name)
            does = "does" if estimate.value > tolerance else "does not"
            parts.append(
                f"whether {words}, {estimate}, exceeds the tolerance of "
                f"{percent(tolerance)} (that it {does}, with "
                f"{confidence(estimate, tolerance)})"
            )
    return (
        f"{evidence.n_samples:,} samples do not decide {' or '.join(parts)}; "
        f"{_remedy(evidence, open_sides)}.",
        open_sides,
    )


def _remedy(evidence, open_sides):
    """Return what would decide a verdict: repeated folds, samples, or nothing."""
    n, tolerance = evidence.n_samples, evidence.tolerance
    needed = {
        name: samples_needed(evidence.decisive[name], tolerance, n)
        for name in open_sides
    }
    if None in needed.values():
        name = next(name for name in open_sides if needed[name] is None)
        if abs(getattr(evidence, name).value - tolerance) > tolerance / 4:
            return f"more than {100 * n:,} samples would be needed"
        return f"the {name} is as large as the tolerance for practical purposes"
    samples = f"about {max(needed.values()):,} samples would decide it"
    repeatable = evidence.paired and evidence.groups is None and not evidence.repeated
    if repeatable and all(
        count <= n / _REPEATED_WIDTH[name] ** 2 for name, count in needed.items()
    ):
        return (
            "three repetitions of the folds would probably decide it "
            "(cv=RepeatedStratifiedKFold(n_splits=5, n_repeats=3)), and "
            f"{samples}"
        )
    return samples


def _errors(evidence):
    errors = evidence.errors
    parts = [
        f"training error {value_of(errors['train'])}, validation error "
        f"{value_of(errors['validation'])}, error of the reference "
        f"({evidence.reference_name}) {value_of(errors['reference'])}"
    ]
    if "test" in errors:
        parts.append(f"error on the test samples {errors['test']}")
    if not evidence.paired:
        parts.append(
            "the variation between trainings is not included, as there is one split"
        )
    return "; ".join(parts)
