"""The card that a notebook shows of a result: the verdict, numbers, a picture."""

from skmnist.report._comparison import drawing_of, headline_of
from skmnist.report._figures import drawings_of, noun_of
from skmnist.report._page import render, verdict_sentence


def render_card(
    headline,
    *,
    kind="",
    sentences=(),
    numbers=None,
    note="",
    figure=None,
    findings=(),
    header=(),
    rows=(),
):
    """Render a card: a part of a page that takes the colours of the notebook around it.

    Parameters
    ----------
    headline : str
    kind : str, default=""
        A verdict, for the colour of the card's edge.
    sentences : sequence of str, default=()
    numbers : dict of str to Estimate, default=None
        Errors, as fractions, by what they are called.
    note : str, default=""
        A sentence about the data.
    figure : Drawing, default=None
    findings : sequence of Finding, default=()
    header, rows : sequences, default=()
        Of a table.

    Returns
    -------
    html : str
    """
    return render(
        "card.html",
        headline=headline,
        kind=kind,
        sentences=sentences,
        numbers=numbers or {},
        note=note,
        figure=figure,
        findings=findings,
        header=header,
        rows=rows,
    )


def render_diagnosis_card(diagnosis):
    """Render the card of a diagnosis.

    Parameters
    ----------
    diagnosis : FitDiagnosis

    Returns
    -------
    html : str
    """
    noun, errors = noun_of(diagnosis), diagnosis.errors
    ignored = ", ".join(diagnosis.ignore)
    return render_card(
        diagnosis.verdict,
        kind=diagnosis.verdict,
        sentences=[verdict_sentence(diagnosis)],
        numbers={
            f"Training error, on {noun}s the model was trained on": errors["train"],
            f"Validation error, on new {noun}s": errors["validation"],
            **(
                {f"Test error, on the test {noun}s": errors["test"]}
                if "test" in errors
                else {}
            ),
            f"Reference, {diagnosis.reference}": errors["reference"],
        },
        note=(
            f"{diagnosis.n_samples:,} {noun}s, {len(diagnosis.classes)} classes. Each "
            "error is followed by its 95 % interval."
            + (f" Findings that were not to be listed: {ignored}." if ignored else "")
        ),
        figure=drawings_of(diagnosis)["error_budget"],
        findings=diagnosis.findings,
    )


def render_comparison_card(comparison):
    """Render the card of a comparison.

    Parameters
    ----------
    comparison : FitComparison

    Returns
    -------
    html : str
    """
    first, second = comparison.names
    noun = noun_of(comparison.diagnoses[0])
    return render_card(
        headline_of(comparison),
        kind="" if comparison.better is None else "good",
        sentences=[comparison.sentence],
        numbers={
            f"Validation error of {first}": comparison.errors[0],
            f"Validation error of {second}": comparison.errors[1],
            f"Difference, {first} minus {second}": comparison.difference,
        },
        note=(
            f"{comparison.n_samples:,} {noun}s. Each number is followed by its 95 % "
            "interval."
        ),
        figure=drawing_of(comparison),
    )
