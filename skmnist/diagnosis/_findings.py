"""The findings of a diagnosis. Each is one function of the evidence, in `CHECKS`."""

import numpy as np

from skmnist._estimate import percent
from skmnist.diagnosis import _advice
from skmnist.diagnosis._extrapolation import more_data_in_words
from skmnist.diagnosis._finding import Finding, value_of
from skmnist.diagnosis._finding import record as _record
from skmnist.diagnosis._finding import written_loss as _loss
from skmnist.diagnosis._learning_rate import unsuitable_rate
from skmnist.diagnosis._mistakes import MOST_SHOWN
from skmnist.diagnosis._shift import shifted

# A loss that decreased by a smaller fraction at the end counts as converged.
_NEGLIGIBLE_FALL = 0.05


def find(evidence):
    """Return the findings that the evidence proves, in the order of their codes.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    findings : list of Finding
    """
    checked = (check(evidence) for check in CHECKS.values())
    return [finding for finding in checked if finding is not None]


def no_better_than_chance(evidence):
    """FIT01: the model is not better than predicting the most frequent class."""
    advantage = evidence.advantage
    if advantage.low > 0:
        return None
    others = ""
    if (
        evidence.reference_advantage is not None
        and evidence.reference_advantage.low <= 0
    ):
        others = (
            f" Neither is the reference ({evidence.reference_name}): these features "
            "may not tell the classes apart, or a class may have too few samples."
        )
    return Finding(
        "FIT01",
        "No better than chance",
        "The model is not proven better than always predicting the most frequent "
        "class: with all classes weighted equally, its error on new samples is lower "
        f"by {advantage}.{others}",
        _record(advantage=advantage),
        "Check that labels and samples belong together and that the input is scaled. "
        f"If a class is rare, {_advice.against_rare_classes(evidence.parameters)}.",
    )


def avoidable_bias(evidence):
    """FIT02: the training error is higher than the achievable error."""
    if not evidence.decisive["bias"].low > evidence.tolerance:
        return None
    errors = evidence.errors
    other = f"that of the reference ({evidence.reference_name}) on new ones"
    if evidence.known:
        other = "the known error"
    return Finding(
        "FIT02",
        "Avoidable bias",
        f"The error on the training samples, {value_of(errors['train'])}, exceeds "
        f"{other}, {value_of(errors['reference'])}, by {evidence.bias}: more than the "
        f"tolerance of {_limit(evidence, 'bias')}.",
        _record(bias=evidence.bias, reference=errors["reference"])
        | {"reference_name": evidence.reference_name},
        _advice.against_bias(evidence.parameters),
    )


def generalisation_gap(evidence):
    """FIT03: the error on new samples is higher than the training error."""
    if not evidence.decisive["gap"].low > evidence.tolerance:
        return None
    record = _record(gap=evidence.gap)
    harm = ""
    advice = _advice.against_gap(evidence.parameters)
    if evidence.early_stop is not None:
        epoch, saved = evidence.early_stop
        harmful = saved.low > 0
        record |= _record(early_stop_saves=saved) | {"harmful": harmful}
        if harmful:
            harm = (
                f" The gap is harmful: around epoch {epoch} the validation loss was "
                f"lower than at the end, by {_loss(saved)}."
            )
            record["epoch"] = epoch
            advice = f"Stop earlier, around epoch {epoch} (early_stopping=True)."
        else:
            harm = " No earlier epoch was proven better."
            advice += " Stopping earlier would not help."
    candidates = evidence.candidates
    if candidates is not None and candidates.better is not None:
        value, gain = candidates.better
        record |= _record(simpler_saves=gain) | {"harmful": True, "simpler": str(value)}
        harm += (
            f" The gap is harmful: the simpler {value} has a lower error, by {gain}."
        )
        advice = f"Use the simpler {value}, or {_advice.simpler(evidence.parameters)}."
    return Finding(
        "FIT03",
        "Generalisation gap",
        f"The error on new samples exceeds {gap_baseline(evidence)} by "
        f"{evidence.gap}: more than the tolerance of {_limit(evidence, 'gap')}."
        f"{harm}",
        record,
        advice,
    )


def undertrained(evidence):
    """FIT04: the validation loss was still falling when the training ended.

    A decrease counts if it is beyond noise and not negligible: at least a twentieth of
    the loss, and worth a quarter of the tolerance if the error decreases by the same
    fraction. Both are needed because a loss can keep falling long after the last
    prediction has changed.
    """
    if evidence.final_loss_decrease is None:
        return None
    start, fall = evidence.final_loss_decrease
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
    """FIT05: the validation loss was lower at an earlier epoch.

    Each split is evaluated at the epoch that the other splits choose.
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
        f"Stop around epoch {epoch}, or let early_stopping=True find it.",
    )


def overconfident(evidence):
    """FIT06: predicted probabilities exceed the accuracy."""
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
        "On new samples the mean probability of the predicted class exceeds the "
        f"accuracy by {excess}; the expected calibration error is {percent(error)}."
        f"{rise}",
        _record(overconfidence=excess) | {"calibration_error": error},
        "If probabilities matter, "
        f"{_advice.against_overconfidence(evidence.parameters)}.",
        severity="tip",
    )


def more_data_helps(evidence):
    """FIT07: trained on half the data, the error on the same new samples is higher.

    A smaller difference than a quarter of the tolerance is not worth twice the samples.
    It is the lower end that has to exceed this limit: where the true decrease is near
    0, an estimate that is proven positive is nearly always far above the limit.
    """
    limit = evidence.tolerance / 4
    if evidence.more_data is None or not evidence.more_data.low > limit:
        return None
    said, more, numbers = more_data_in_words(evidence)
    return Finding(
        "FIT07",
        "More data helps",
        "From half the training samples to all of them the error on the same new "
        f"samples fell by {evidence.more_data}.{said}",
        _record(fall=evidence.more_data) | numbers,
        f"Collect more samples{more}.{_advice.augmentation(evidence.parameters)}",
        severity="tip",
    )


def unstable_splits(evidence):
    """FIT08: splits lack classes, or one has another error, beyond chance."""
    share, splits = evidence.unseen_classes
    if share > evidence.tolerance / 4:
        return _classes_not_trained(share, splits)
    if not evidence.splits_differ:
        return None
    place, p = evidence.outlier_split
    fold = evidence.folds[place]
    error = float(np.mean(fold.test_wrong))
    return Finding(
        "FIT08",
        "Unstable splits",
        f"Split {fold.number} has an error of {percent(error)} on its new samples, all "
        f"splits together {value_of(evidence.errors['validation'])}: by chance this "
        f"would happen in {percent(p)} of cross-validations.",
        {"split": fold.number, "error": error, "p_value": p},
        _after_unstable_splits(evidence.shuffled),
    )


def _classes_not_trained(share, splits):
    """Return FIT08 for validation samples of classes that no model can know."""
    which = ", ".join(map(str, splits))
    return Finding(
        "FIT08",
        "Unstable splits",
        f"{percent(share)} of the validation samples are of classes that the training "
        f"samples of their split lack, so that no model can predict them right "
        f"(split{'s' * (len(splits) > 1)} {which}). They are part of the gap.",
        {"share_of_unseen_classes": share, "splits": splits},
        "Draw splits that all have every class: StratifiedKFold(5, shuffle=True), or "
        "StratifiedGroupKFold with groups. If time orders the samples, leave out the "
        "first splits.",
    )


def _after_unstable_splits(shuffled):
    shuffle = "shuffle them first (StratifiedKFold(5, shuffle=True))."
    if shuffled is False:
        return f"The splits were not shuffled: {shuffle}"
    inspect = (
        "Inspect the samples of that split: if they have another source or writer, "
        "split by groups. A failed training is another possible cause."
    )
    return (
        inspect
        if shuffled
        else f"If the order of the samples has no meaning, {shuffle} {inspect}"
    )


def edge_of_the_grid(evidence):
    """FIT09: the best value of a parameter is the lowest or highest one tried."""
    if evidence.candidates is None or not evidence.candidates.edges:
        return None
    words = [
        f"{name}={value:g} is the {side} of {', '.join(f'{v:g}' for v in values)}"
        for name, value, side, values in evidence.candidates.edges
    ]
    return Finding(
        "FIT09",
        "Best value at the edge",
        f"A better value may lie outside the grid: {'; '.join(words)}.",
        {name: value for name, value, _, _ in evidence.candidates.edges},
        "Search again with values beyond that edge, if there are any.",
        severity="tip",
    )


def simpler_will_do(evidence):
    """FIT10: a simpler candidate is not worse than the best by the tolerance."""
    if evidence.candidates is None or evidence.candidates.simpler is None:
        return None
    found = evidence.candidates.simpler
    name, value, best = (found[k] for k in ("parameter", "value", "best_value"))
    # Fewer epochs and more of them cannot both be advised.
    if name.rpartition("__")[2] == "epochs" and undertrained(evidence) is not None:
        return None
    if "scoring" in found:
        words = (
            f"{name}={value} scores {found['score']:.3g} ({found['scoring']}), the "
            f"best, {best}, {found['best_score']:.3g}: within one standard error "
            f"({found['standard_error']:.2g})."
        )
    else:
        words = (
            f"{name}={value} has an error of {percent(found['error'])}, the best, "
            f"{best}, {percent(found['best_error'])}. It is worse by at most "
            f"{percent(found['difference_high'])} (upper end of the 95 % interval of "
            "the difference), within the tolerance."
        )
    return Finding(
        "FIT10",
        "A simpler model will do",
        words,
        {name: _plain(value) for name, value in found.items()},
        f"Prefer {name}={value}: it trains faster and is less likely to overfit.",
        severity="tip",
    )


def negative_gap(evidence):
    """FIT11: the error on new samples is lower than the training error."""
    if not evidence.difference.high < 0:
        return None
    return Finding(
        "FIT11",
        "Negative gap",
        "The error on new samples is below the training error by "
        f"{evidence.difference.negated()}.",
        _record(gap=evidence.difference),
        "Check whether the validation samples are easier than the training samples, or "
        "were used in training. Strong regularisation or augmentation is another "
        "possible cause.",
    )


def duplicates_across_splits(evidence):
    """FIT12: validation samples are identical to training samples of their split.

    It is raised if these samples err less than the others, by enough to lower the error
    by a quarter of the tolerance; and if most samples are copies, which leaves too few
    others to compare with. Samples that are identical by chance, because there are only
    few possible ones, are no copies: new samples will be identical to them, too.
    """
    count, gain = evidence.twins
    share = count / evidence.n_samples
    record = {"n_duplicates": count, "share": share}
    matters = gain is not None and gain.low > 0 and not evidence.duplicates.by_chance
    if matters and share * gain.value >= evidence.tolerance / 4:
        effect = f"The error of the others is higher by {gain}."
        record |= _record(gain=gain)
    elif share > 0.5 and evidence.duplicates.equally_many:
        effect = "There are too few others to say by how much this lowers the error."
    else:
        return None
    return Finding(
        "FIT12",
        "Duplicates across splits",
        f"{count:,} of {evidence.n_samples:,} validation samples ({percent(share)}) "
        "are identical to a training sample of their split, so their error does not "
        f"measure generalisation. {effect}",
        record,
        "Remove the duplicates, or give identical samples the same group and split by "
        "groups.",
    )


def suspect_labels(evidence):
    """FIT13: labels contradict the classifier and the nearest neighbours."""
    suspects = evidence.suspect_labels
    if suspects is None:
        return None
    share, count = suspects.share, len(suspects.table)
    advice = "Inspect the samples in suspect_labels; correct or remove wrong labels."
    if not (evidence.known and evidence.reference >= share.low):
        advice += (
            f" No model can be expected to err on fewer: reference={share.value:.2g} "
            "measures bias and gap from there."
        )
    return Finding(
        "FIT13",
        "Suspect labels",
        f"An estimated {share} of the labels are wrong: labels differ from those of "
        "their neighbours as often where the neighbours agree as elsewhere. "
        f"{count:,} samples have a label that the model and the neighbours contradict.",
        {"n_suspects": count}
        | _record(share=share)
        | {"rows": suspects.table["row"].head(MOST_SHOWN).tolist()},
        advice,
    )


#: Every check by the code of its finding: a function of the evidence that returns a
#: Finding or None.
CHECKS = {
    "FIT01": no_better_than_chance,
    "FIT02": avoidable_bias,
    "FIT03": generalisation_gap,
    "FIT04": undertrained,
    "FIT05": trained_too_long,
    "FIT06": overconfident,
    "FIT07": more_data_helps,
    "FIT08": unstable_splits,
    "FIT09": edge_of_the_grid,
    "FIT10": simpler_will_do,
    "FIT11": negative_gap,
    "FIT12": duplicates_across_splits,
    "FIT13": suspect_labels,
    "FIT14": unsuitable_rate,
    "FIT15": shifted,
}


def gap_baseline(evidence):
    """Return in words what the gap is measured from."""
    if evidence.above_known:
        return f"the known error of {percent(evidence.reference)}"
    return "the training error"


def _limit(evidence, name):
    """Return the tolerance, and the confidence if the 95 % interval contains it."""
    estimate, tolerance = getattr(evidence, name), evidence.tolerance
    if estimate.low > tolerance:
        return percent(tolerance)
    return f"{percent(tolerance)}, with {confidence(estimate, tolerance)}"


def confidence(estimate, limit):
    """Write the one-sided confidence that an estimate exceeds a limit, or does not."""
    above = estimate.confidence_above(limit)
    return f"a confidence of {100 * max(above, 1 - above):.0f} %"


def _plain(value):
    """Return a number as it is, and anything else as text."""
    return float(value) if isinstance(value, int | float) else str(value)
