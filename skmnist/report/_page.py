"""The report of a diagnosis as one HTML page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from skmnist.displays._fit_diagnosis import has_known_error
from skmnist.report._explanations import FINDINGS, VERDICTS
from skmnist.report._figures import drawings_of, noun_of
from skmnist.report._matrices import has_counts, label_step, numbered_classes
from skmnist.report._provenance import origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skmnist.diagnosis import FitDiagnosis


# Of the confused pairs of classes; more if the figure does not show the counts.
_MOST_PAIRS = 10
_MOST_PAIRS_OF_MANY_CLASSES = 20
# Of the classes with the highest error, if there are too many to list.
_MOST_CLASSES = 20
# Of samples whose label is probably wrong: as many as a diagnosis keeps the pixels of.
_MOST_SUSPECTS = 24
# Characters of a model in the head of a page; the configuration has all.
_MODEL_WIDTH = 200


def render_html(
    diagnosis: FitDiagnosis,
    *,
    command: str | None = None,
    configuration: Mapping[str, str] | None = None,
) -> str:
    """Render the report of a diagnosis as one HTML page.

    The page is self-contained: figures are embedded, and nothing is loaded from the
    network. It follows the reader's choice of a light or dark theme.

    Parameters
    ----------
    diagnosis : FitDiagnosis
        The result of `diagnose_fit`.
    command : str, default=None
        The command that makes this report.
    configuration : dict, default=None
        Settings by name.

    Returns
    -------
    html : str
        The page.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmnist import diagnose_fit
    >>> from skmnist.report import render_html
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> diagnosis = diagnose_fit(tree, X, y, reference=0.02, random_state=0)
    >>> render_html(diagnosis).startswith("<!DOCTYPE html>")
    True
    """
    made = origin(command, configuration or diagnosis.configuration)
    return render_page(diagnosis, drawings_of(diagnosis), made)


def render(template, **values):
    """Render a page from a template of this package; text is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skmnist.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["evidence"] = _evidence
    environment.filters["whole"] = lambda text: text.replace(" %", "\N{NBSP}%")
    environment.globals["embed"] = lambda png: base64.b64encode(png).decode()
    return environment.get_template(template).render(values)


def render_page(diagnosis, drawings, made):
    """Render the page of a diagnosis.

    Parameters
    ----------
    diagnosis : FitDiagnosis
    drawings : dict of str to Drawing
    made : dict
        Of `origin`.

    Returns
    -------
    html : str
    """
    noun = noun_of(diagnosis)
    return render(
        "report.html",
        title=f"Fit report: {diagnosis.verdict}",
        head=describe(made["configuration"], diagnosis.data, noun),
        diagnosis=diagnosis,
        sentence=verdict_sentence(diagnosis),
        known_error=has_known_error(diagnosis),
        went_back=_restored_an_epoch(diagnosis),
        explanation=VERDICTS[diagnosis.verdict].replace("image", noun),
        explanations={
            code: words.replace("image", noun) for code, words in FINDINGS.items()
        },
        image=noun,
        images=f"{noun}s",
        figures=drawings,
        pairs=_confused_pairs(diagnosis),
        per_class=_worst_classes(diagnosis),
        numbered=numbered_classes(diagnosis.classes),
        has_counts=has_counts(len(diagnosis.classes)),
        label_step=label_step(len(diagnosis.classes)),
        mistakes=_pictured(diagnosis.mistakes, diagnosis.mistake_images),
        suspects=_suspects(diagnosis),
        miscalibration=_miscalibration(diagnosis.calibration),
        folds=diagnosis.folds.to_dict("records"),
        summary=diagnosis.summary.to_dict("index"),
        columns=_columns(diagnosis.folds),
        data=diagnosis.data,
        **made,
    )


def _columns(folds):
    """Return the scores of the table of folds: name, title, and whether in percent."""
    shown = [
        (f"{side}_{score}", f"{word} {title}", score != "loss")
        for score, title in (
            ("loss", "loss"),
            ("accuracy", "accuracy, %"),
            ("balanced_accuracy", "balanced accuracy, %"),
        )
        for side, word in (("train", "Training"), ("validation", "Validation"))
    ]
    if "test_accuracy" in folds:
        shown.append(("test_accuracy", "Test accuracy, %", True))
    known = {name for name, _, _ in shown}
    own = [
        (name, f"{word} {name.removeprefix(f'{side}_')}", False)
        for name in folds
        for side, word in (("train", "Training"), ("validation", "Validation"))
        if name.startswith(f"{side}_") and name not in known
    ]
    return shown + own


def describe(configuration, data, noun):
    """Return the lines of a page's head about model and data.

    Parameters
    ----------
    configuration : dict of str to str
        With "Model" or "estimator", and "data" if the data have a name.
    data : dict of str to dict
        Fingerprints.
    noun : {"image", "sample"}

    Returns
    -------
    head : dict of str to str
    """
    head = {}
    model = configuration.get("Model", configuration.get("estimator"))
    if model is not None:
        head["Model"] = shorten_model(model)
    if "X" in data:
        n_samples, *shape = data["X"]["shape"]
        parts = [f"{n_samples:,} {noun}s"]
        if shape:
            unit = "pixels" if noun == "image" else "values"
            flat = f" {unit}" if len(shape) == 1 else ""
            parts[0] += f" of {' × '.join(map(str, shape))}{flat}"
        if "X_val" in data:
            parts.append(f"{data['X_val']['shape'][0]:,} for validation")
        if "X_test" in data:
            parts.append(f"{data['X_test']['shape'][0]:,} test {noun}s")
        name = configuration.get("data")
        named = "" if name is None else f" ({name})"
        head["Data"] = ", ".join([*parts, data["X"]["dtype"]]) + named
    return head


def shorten_model(model):
    """Return a model's text without the middle of a very long one."""
    text, half = str(model), _MODEL_WIDTH // 2
    return text if len(text) <= _MODEL_WIDTH else f"{text[:half]} … {text[-half:]}"


def verdict_sentence(diagnosis):
    """Return the sentence of a diagnosis without the verdict before it."""
    sentence = diagnosis.sentence.removeprefix(f"{diagnosis.verdict}: ")
    return sentence[:1].upper() + sentence[1:]


def _restored_an_epoch(diagnosis):
    """Return whether the scores are those of an earlier epoch than the last."""
    if diagnosis.epochs is None:
        return False
    last = diagnosis.epochs.groupby("fold")["validation_loss"].last()
    kept = diagnosis.folds.set_index("fold")["validation_loss"]
    return not np.allclose(kept, last.loc[kept.index], rtol=1e-4, equal_nan=True)


def _confused_pairs(diagnosis):
    """Return the pairs of classes that are confused most, and what they are of all.

    Returns
    -------
    pairs : dict
        "shown": labels, predictions, counts and shares, the most frequent first;
        "n_pairs" of classes confused at all, and "share" of the mistakes that are
        shown.
    """
    counts = np.array(diagnosis.confusion_matrix)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    n_pairs = np.count_nonzero(counts)
    most = _MOST_PAIRS if has_counts(len(counts)) else _MOST_PAIRS_OF_MANY_CLASSES
    order = np.argsort(-counts, axis=None, kind="stable")[: min(most, n_pairs)]
    shown = []
    for true, predicted in zip(*np.unravel_index(order, counts.shape), strict=True):
        count = int(counts[true, predicted])
        shown.append(
            {
                "true": diagnosis.classes[true],
                "predicted": diagnosis.classes[predicted],
                "count": count,
                "share": count / totals[true],
                "of_all": count / counts.sum(),
            }
        )
    share = sum(pair["of_all"] for pair in shown)
    return {"shown": shown, "n_pairs": n_pairs, "share": share}


def _worst_classes(diagnosis):
    """Return the rows of the classes; of many classes, those with the highest error."""
    per_class = diagnosis.per_class
    if per_class is None:
        return []
    if not has_counts(len(per_class)):
        per_class = per_class.sort_values(
            ["worse", "error"], ascending=False, kind="stable"
        ).head(_MOST_CLASSES)
    return per_class.to_dict("records")


def _suspects(diagnosis):
    """Return the first samples whose label is probably wrong."""
    table = diagnosis.suspect_labels
    if table is None:
        return []
    return _pictured(table.head(_MOST_SUSPECTS), diagnosis.suspect_images)


def _pictured(table, images):
    """Return the rows of a table of samples, with images if there are."""
    rows = table.to_dict("records")
    if images is None:
        return [{**row, "png": None} for row in rows]
    return [
        {**row, "png": _picture(image)} for row, image in zip(rows, images, strict=True)
    ]


def _picture(image):
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _miscalibration(calibration):
    """Return the mean probability and the accuracy of the predictions."""
    if calibration is None:
        return None
    weights = calibration["n"] / calibration["n"].sum()
    return {
        "probability": float(weights @ calibration["probability"]),
        "accuracy": float(weights @ calibration["accuracy"]),
        "lowest": calibration.iloc[0].to_dict(),
    }


def _percent(fraction):
    return f"{100 * fraction:.2f}".replace("-", "\N{MINUS SIGN}")


def _evidence(value):
    """Write a value of a finding's evidence with four digits."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_evidence, value))
    return str(value)
