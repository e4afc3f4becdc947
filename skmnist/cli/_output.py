"""Output of the command line: tables and sentences on standard output."""

import typer
from rich.style import Style
from rich.table import Table
from rich.text import Text

from skmnist.cli._app import print_error
from skmnist.cli._terminal import open_in_browser, output_console, print_table
from skmnist.search._values import written_value

_SCORES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


def print_diagnosis(diagnosis, name=None):
    """Print the table of folds, the verdict and the findings."""
    console = output_console()
    of = f" of {name}" if name else ""
    table = Table(title=f"Loss and accuracy (%) of each fold{of}")
    table.add_column("Fold")
    for score in _SCORES:
        table.add_column(score.replace("_", " ").capitalize(), justify="right")
    for fold in diagnosis.folds.to_dict("records"):
        table.add_row(str(fold["fold"]), *_cells(fold))
    table.add_section()
    summary = diagnosis.summary
    table.add_row("Mean", *_cells(summary["mean"]), style="bold")
    table.add_row("Low (95 %)", *_cells(summary["low"]))
    table.add_row("High (95 %)", *_cells(summary["high"]))
    print_table(console, table)
    console.print()
    sentence = diagnosis.sentence[:1].upper() + diagnosis.sentence[1:]
    console.print(Text(sentence, style="bold"))
    if diagnosis.per_class_sentence:
        console.print()
        console.print(Text(diagnosis.per_class_sentence))
    for finding in diagnosis.findings:
        console.print()
        title = f"{finding.code} {finding.title} ({finding.severity})"
        console.print(Text(f"{title}: {finding.sentence}"))
        if finding.advice:
            console.print(Text(f"Advice: {finding.advice}"))
    console.print()


def print_comparison(comparison):
    """Print the result of a comparison of two models."""
    console = output_console()
    console.print(Text(comparison.sentence, style="bold"))
    console.print()


def print_search(diagnosis):
    """Print the best candidates of a search, and what to take from it."""
    console = output_console()
    results = diagnosis.to_frame()
    if "round" in results:
        results = results[results["round"] == results["round"].max()]
    table = Table(title="The best candidates")
    names = list(diagnosis.labelled(diagnosis.best))
    for name in names:
        table.add_column(name)
    for title in ("Train accuracy (%)", "Validation accuracy (%)", "Fit time (s)"):
        table.add_column(title, justify="right")
    for row in results.head(10).to_dict("records"):
        table.add_row(
            *(written_value(row[name]) for name in names),
            f"{100 * row['train_accuracy']:.2f}",
            f"{100 * row['validation_accuracy']:.2f}",
            f"{row['fit_time']:.2f}",
        )
    print_table(console, table)
    console.print()
    for sentence in diagnosis.sentences:
        console.print(Text(sentence, style="bold"))
    console.print()


def print_paths(paths):
    """Print the paths of a report's files, the page last.

    Parameters
    ----------
    paths : list of pathlib.Path
        The page first.
    """
    console = output_console()
    page, *others = paths
    names = ", ".join(str(path.relative_to(page.parent)) for path in others)
    # Not wrapped, so that a path can be copied.
    console.print(Text(f"Beside it: {names}"), soft_wrap=True)
    link = Style(link=page.resolve().as_uri())
    console.print(Text.assemble("Report: ", (str(page), link)), soft_wrap=True)


def open_report(page):
    """Open the page of a report in the browser, or say that there is none."""
    if not open_in_browser(page):
        print_error(f"No browser could be opened: open {page} in one.")


def print_advice(advice):
    """Print the commands to type next.

    Parameters
    ----------
    advice : list of Advice
    """
    console = output_console()
    for purpose, command in advice:
        console.print(Text(f"Next, {purpose}:"))
        # Not wrapped, so that a command can be copied.
        console.print(Text(f"  {command}"), soft_wrap=True)
    console.print()


def print_json(result, paths, advice):
    """Print a result as JSON, with the path of its page and what to type next.

    Parameters
    ----------
    result : FitDiagnosis, FitComparison or SearchDiagnosis
    paths : list of pathlib.Path
        The page first.
    advice : list of Advice
    """
    steps = [step._asdict() for step in advice]
    print_record({**result.to_dict(), "report": str(paths[0]), "next": steps})


def print_record(record):
    """Print plain Python objects as JSON."""
    from skmnist.report._provenance import as_json, as_plain

    typer.echo(as_json(as_plain(record)).decode(), nl=False)


def score(parts, pipeline):
    """Return loss and accuracy of a fitted pipeline on parts of the data.

    Parameters
    ----------
    parts : dict of str to Data
        Images and labels by the name of the part.
    pipeline : estimator object
        A fitted classifier with `predict_proba`.

    Returns
    -------
    scores : dict of str to dict
        "images", "loss" and "accuracy" by the name of the part.

    Raises
    ------
    ValueError
        If the data have labels that the classifier was not trained on.
    """
    from sklearn.metrics import accuracy_score, log_loss

    scores, known = {}, pipeline.classes_
    for part, data in parts.items():
        unknown = sorted(set(data.y.tolist()) - set(known.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"The data of {data.name} have the labels {unknown}, but the model was "
                f"trained on {known.tolist()}: evaluate it on data with the same "
                "classes."
            )
        probabilities = pipeline.predict_proba(data.images)
        scores[part] = {
            "images": len(data.y),
            "loss": log_loss(data.y, probabilities, labels=known),
            "accuracy": accuracy_score(data.y, known[probabilities.argmax(axis=1)]),
        }
    return scores


def print_scores(scores):
    """Print the result of `score`."""
    table = Table()
    table.add_column("Part")
    for title in ("Samples", "Loss", "Accuracy (%)"):
        table.add_column(title, justify="right")
    for part, values in scores.items():
        loss, accuracy = values["loss"], values["accuracy"]
        table.add_row(
            part, f"{values['images']:,}", f"{loss:.4f}", f"{100 * accuracy:.2f}"
        )
    print_table(output_console(), table)


def _cells(scores):
    return [
        f"{100 * scores[name]:.2f}" if "accuracy" in name else f"{scores[name]:.4f}"
        for name in _SCORES
    ]
