"""The findings of a diagnosis: each is one function of the evidence, in `CHECKS`."""

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
        f"The error on the model's own training samples, {value_of(errors['train'])}, "
        f"lies above that of the reference ({evidence.reference_name}) on new ones, "
        f"{value_of(errors['reference'])}, by {evidence.bias}: more than the tolerance "
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


def value_of(estimate):
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
