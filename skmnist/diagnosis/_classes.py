"""The error of each class, and which classes are proven worse than the others."""

import numpy as np
import pandas as pd

from skmnist._estimate import percent
from skmnist.diagnosis import _intervals as intervals
from skmnist.diagnosis._tables import confusion_table

# Of classes named in a sentence.
_MOST_NAMED = 5


def per_class_table(evidence, classes):
    """Tabulate the error of each class, out of fold.

    A class is proven worse if its error exceeds that of all other samples together, at
    95 % for all classes at once (Bonferroni).

    Parameters
    ----------
    evidence : Evidence
    classes : ndarray of shape (n_classes,)
        The labels.

    Returns
    -------
    per_class : DataFrame
        A row per class, in the order of the labels: class, n (samples), error
        (1 − recall) with its 95 % interval in low and high, precision, and worse. The
        error is NaN without samples, the precision without predictions of the class.
    """
    errors = evidence.validation_error
    tested = np.flatnonzero(~np.isnan(errors))
    codes = evidence.codes[tested]
    n_present = len(np.unique(codes))

    def part(rows):
        groups = None if evidence.groups is None else evidence.groups[rows]
        return {"errors": errors[rows], "groups": groups}

    confusion = confusion_table(evidence)
    n_predicted = confusion.sum(axis=0)
    table = []
    for code, label in enumerate(classes):
        inside, others = tested[codes == code], tested[codes != code]
        row = {"class": label, "n": len(inside)}
        row |= dict.fromkeys(["error", "low", "high", "precision"], np.nan)
        row["worse"] = False
        if len(inside):
            error = intervals.proportion(**part(inside), training=evidence.paired)
            row |= {"error": error.value, "low": error.low, "high": error.high}
        if n_predicted[code]:
            row["precision"] = confusion[code, code] / n_predicted[code]
        if len(inside) and len(others):
            excess = intervals.least_excess(
                part(inside),
                part(others),
                n_comparisons=n_present,
                training=evidence.paired,
            )
            row["worse"] = excess > 0
        table.append(row)
    return pd.DataFrame(table)


def per_class_sentence(per_class, error):
    """Name the classes that are proven worse than the others, the worst first.

    Parameters
    ----------
    per_class : DataFrame
        Of `per_class_table`.
    error : float
        Of all classes together.

    Returns
    -------
    sentence : str
        Empty if no class is proven worse.
    """
    worse = per_class[per_class["worse"]]
    worse = worse.sort_values("error", ascending=False, kind="stable")
    if worse.empty:
        return ""
    named = [_named(row) for row in worse.head(_MOST_NAMED).to_dict("records")]
    if len(worse) > _MOST_NAMED:
        named.append(f"and {len(worse) - _MOST_NAMED} more")
    return (
        f"Proven worse than the other classes: {', '.join(named)}. The error of all "
        f"classes together is {percent(error)}."
    )


def _named(row):
    name = f"class {row['class']}"
    if row["error"] < 1:
        return f"{name} (error {percent(row['error'])})"
    samples = "its only sample" if row["n"] == 1 else f"all {row['n']:,} samples"
    return f"{name} (never recognised: {samples} misclassified)"
