"""The findings of a diagnosis: each is one function of the evidence, in `CHECKS`."""

from dataclasses import dataclass

import numpy as np

from skmnist._estimate import percent

# A loss that fell by less than this fraction at the end has as good as converged.
_NEGLIGIBLE_FALL = 0.05
# Splits differ if chance would do so less often, all splits counted.
_SIGNIFICANT = 0.01


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

    __module__ = "skmnist.diagnosis"

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
    other = f"that of the reference ({evidence.reference_name}) on new ones"
    if evidence.known:
        other = "the known error"
    return Finding(
        "FIT02",
        "Avoidable bias",
        f"The error on the model's own training samples, {value_of(errors['train'])}, "
        f"lies above {other}, {value_of(errors['reference'])}, by {evidence.bias}: "
        f"more than the tolerance of {percent(evidence.tolerance)}.",
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
    candidates = evidence.candidates
    if candidates is not None and candidates.better is not None:
        value, gain = candidates.better
        record |= _record(simpler_saves=gain) | {"harmful": True, "simpler": str(value)}
        harm += f" The gap does harm: the simpler {value} errs less by {gain}."
        advice = f"Take the simpler {value}, or regularise (dropout, l2)."
    return Finding(
        "FIT03",
        "Generalisation gap",
        f"The error on new samples lies above {gap_is_above(evidence)} by "
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
    end = start.value - fall.value
    if n_epochs == 1:
        said = (
            f"A second epoch lowers the validation loss from {start.value:.3g} to "
            f"{end:.3g}, a fall of {_loss(fall)}."
        )
        record = _record(loss=start, fall=fall)
    else:
        said = (
            f"After {n_epochs} epochs the validation loss was still falling: from "
            f"{start.value:.3g} at three quarters of the training to {end:.3g} at its "
            f"end, a fall of {_loss(fall)}."
        )
        record = _record(loss_at_three_quarters=start, fall=fall)
    return Finding(
        "FIT04",
        "Undertrained",
        said,
        record | {"n_epochs": n_epochs},
        f"Train longer: {2 * n_epochs} epochs, say, or many with early_stopping=True.",
    )


def trained_too_long(evidence):
    """FIT05: the validation loss had been lower at an earlier epoch.

    Each split is judged at the epoch that the others choose.
    """
    if evidence.early_stop is None or undertrained(evidence) is not None:
        return None
    epoch, saved = evidence.early_stop
    last = evidence.last_loss
    if not saved.low > 0 or saved.value < _NEGLIGIBLE_FALL * last.value:
        return None
    return Finding(
        "FIT05",
        "Trained too long",
        f"The validation loss was lowest around epoch {epoch} and {last.value:.3g} at "
        f"the end, higher by {_loss(saved)}.",
        _record(loss=last, early_stop_saves=saved) | {"epoch": epoch},
        f"Stop around epoch {epoch}, or let early_stopping=True find it; more "
        "regularisation (dropout, l2) allows for longer training.",
    )


def overconfident(evidence):
    """FIT06: the probabilities promise more than the predictions keep."""
    excess = evidence.overconfidence
    if excess is None or not excess.low > evidence.tolerance / 2:
        return None
    sure, right, count = evidence.calibration
    error = float(np.average(np.abs(sure - right), weights=count))
    rise = ""
    if evidence.early_stop is not None and evidence.early_stop[1].low > 0:
        epoch, saved = evidence.early_stop
        rise = f" Since epoch {epoch} the validation loss has risen by {_loss(saved)}."
    return Finding(
        "FIT06",
        "Overconfident",
        "On new samples the probability of the predicted class exceeds how often it is "
        f"right by {excess}; the expected calibration error is {percent(error)}.{rise}",
        _record(overconfidence=excess) | {"calibration_error": error},
        "Where probabilities matter, calibrate them (CalibratedClassifierCV), stop "
        "earlier, or regularise (dropout, l2).",
    )


def more_data_helps(evidence):
    """FIT07: with half the data the error on the same new samples was higher."""
    if evidence.more_data is None or not evidence.more_data.low > 0:
        return None
    return Finding(
        "FIT07",
        "More data helps",
        "From half the training samples to all of them the error on the same new "
        f"samples fell by {evidence.more_data}.",
        _record(fall=evidence.more_data),
        "Collect more samples, or make some by augmentation: another doubling should "
        "bring a part of that again.",
    )


def unstable_splits(evidence):
    """FIT08: one split errs otherwise than chance among equal splits allows."""
    if evidence.odd_split is None or evidence.odd_split[1] >= _SIGNIFICANT:
        return None
    place, p = evidence.odd_split
    fold = evidence.folds[place]
    error = float(np.mean(fold.test_codes != evidence.codes[fold.test]))
    return Finding(
        "FIT08",
        "Unstable splits",
        f"Split {fold.number} errs on {percent(error)} of its new samples, all splits "
        f"together on {value_of(evidence.errors['validation'])}: chance would do that "
        f"in {percent(p)} of cross-validations.",
        {"split": fold.number, "error": error, "p_value": p},
        "If the splits were not shuffled, shuffle them first (StratifiedKFold(5, "
        "shuffle=True)). Then look at the samples of that split: another source or "
        "writer? Split by groups. A training that failed there does it, too.",
    )


def edge_of_the_grid(evidence):
    """FIT09: the best value of a parameter is the last that was tried."""
    if evidence.candidates is None or not evidence.candidates.edges:
        return None
    words = [
        f"{name}={value:g} is the {side} of {', '.join(f'{v:g}' for v in values)}"
        for name, value, side, values in evidence.candidates.edges
    ]
    return Finding(
        "FIT09",
        "Best value at the edge",
        f"The search may have stopped short: {'; '.join(words)}.",
        {name: value for name, value, _, _ in evidence.candidates.edges},
        "Search again with values beyond that edge, if there are any.",
    )


def simpler_will_do(evidence):
    """FIT10: a simpler candidate lies within one standard error of the best."""
    if evidence.candidates is None or evidence.candidates.simpler is None:
        return None
    found = evidence.candidates.simpler
    name, value, best = (found[k] for k in ("parameter", "value", "best_value"))
    if "scoring" in found:
        words = (
            f"{name}={value} scores {found['score']:.3g} ({found['scoring']}), the "
            f"best, {best}, {found['best_score']:.3g}: within one standard error "
            f"({found['standard_error']:.2g})."
        )
    else:
        words = (
            f"{name}={value} errs on {percent(found['error'])}, the best, {best}, on "
            f"{percent(found['best_error'])}: within one standard error "
            f"({percent(found['standard_error'])})."
        )
    return Finding(
        "FIT10",
        "A simpler model will do",
        words,
        {name: _plain(value) for name, value in found.items()},
        f"Prefer {name}={value}: it trains faster and is less likely to overfit.",
    )


def negative_gap(evidence):
    """FIT11: new samples are easier than those trained on."""
    if not evidence.difference.high < 0:
        return None
    return Finding(
        "FIT11",
        "Negative gap",
        "The error on new samples lies below that on the training samples by "
        f"{evidence.difference.negated()}.",
        _record(gap=evidence.difference),
        "Check whether the validation samples are easier, or leak into the training; "
        "strong regularisation or augmentation in training can do it, too.",
    )


def duplicates_across_splits(evidence):
    """FIT12: samples to validate on stand among those to train on as well."""
    if evidence.twins is None or not evidence.twins.any():
        return None
    count, share = int(evidence.twins.sum()), float(evidence.twins.sum())
    share /= evidence.n_samples
    # Fewer cannot move the error by anything that matters.
    if share < evidence.tolerance / 4:
        return None
    return Finding(
        "FIT12",
        "Duplicates across splits",
        f"{count:,} of {evidence.n_samples:,} validation samples ({percent(share)}) "
        "are identical to a training sample of their split: on them the model is not "
        "tested, but remembers.",
        {"n_duplicates": count, "share": share},
        "Remove the duplicates, or give them one group each and split by groups.",
    )


#: Every check: a function of the evidence that returns a Finding or None.
CHECKS = (
    no_better_than_chance,
    avoidable_bias,
    generalisation_gap,
    undertrained,
    trained_too_long,
    overconfident,
    more_data_helps,
    unstable_splits,
    edge_of_the_grid,
    simpler_will_do,
    negative_gap,
    duplicates_across_splits,
)


def gap_is_above(evidence):
    """Say in words what the gap is measured from."""
    if evidence.above_known:
        return f"the known error of {percent(evidence.reference)}"
    return "that on the training samples"


def value_of(estimate):
    return percent(estimate.value)


def _plain(value):
    """Return a number as it is, and anything else as text."""
    return float(value) if isinstance(value, int | float) else str(value)


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
