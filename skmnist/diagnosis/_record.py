"""A diagnosis as plain Python objects, for JSON."""

from dataclasses import asdict

from skmnist.report._provenance import as_plain

#: Raised if an entry is removed or changes its type or meaning, not if one is added.
#: ``report/diagnosis.schema.json`` describes the format, and names the version, too.
VERSION = 1


def record_of(diagnosis):
    """Return everything but `out_of_fold` and pixels.

    Parameters
    ----------
    diagnosis : FitDiagnosis

    Returns
    -------
    record : dict
    """
    tables = ("learning_curve", "capacity_curve", "calibration")
    tables += ("mistakes", "suspect_labels")
    errors = diagnosis.errors.items()
    excess, separation = diagnosis.test_excess, diagnosis.test_separation
    extrapolated = diagnosis.extrapolation and diagnosis.extrapolation.to_frame()
    record = {
        "version": VERSION,
        "verdict": diagnosis.verdict,
        "leaning": diagnosis.leaning,
        "sentence": diagnosis.sentence,
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "ignore": diagnosis.ignore,
        "bias": asdict(diagnosis.bias),
        "gap": asdict(diagnosis.gap),
        "tolerance": diagnosis.tolerance,
        "resolution": diagnosis.resolution,
        "reference": diagnosis.reference,
        "errors": {name: asdict(error) for name, error in errors},
        "test_excess": excess and asdict(excess),
        "test_separation": separation and asdict(separation),
        "n_samples": diagnosis.n_samples,
        "classes": diagnosis.classes,
        "folds": diagnosis.folds.to_dict("records"),
        "epochs": _as_lists(diagnosis.epochs),
        "summary": diagnosis.summary.to_dict("index"),
        "confusion_matrix": diagnosis.confusion_matrix,
        "per_class": _as_lists(diagnosis.per_class),
        "per_class_sentence": diagnosis.per_class_sentence,
        **{name: _as_lists(getattr(diagnosis, name)) for name in tables},
        "extrapolation": _as_lists(extrapolated),
        "data": diagnosis.data,
        "configuration": diagnosis.configuration,
    }
    return as_plain(record)


def _as_lists(table):
    return None if table is None else table.to_dict("list")
