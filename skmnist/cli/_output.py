"""Output of the command line: tables and sentences on standard output."""

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
    for finding in diagnosis.findings:
        console.print()
        console.print(Text(f"{finding.code} {finding.title}: {finding.sentence}"))
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


def print_paths(paths, *, open_report=False):
    """Print the paths of a report's files, the page last, and perhaps open it.

    Parameters
    ----------
    paths : list of pathlib.Path
        The page first.
    open_report : bool, default=False
        Whether to open the page in the browser.
    """
    console = output_console()
    page, *others = paths
    names = ", ".join(str(path.relative_to(page.parent)) for path in others)
    # Not wrapped, so that a path can be copied.
    console.print(Text(f"Beside it: {names}"), soft_wrap=True)
    link = Style(link=page.resolve().as_uri())
    console.print(Text.assemble("Report: ", (str(page), link)), soft_wrap=True)
    if open_report and not open_in_browser(page):
        print_error(f"No browser could be opened: open {page} in one.")


def print_scores(parts, pipeline):
    """Print loss and accuracy of a fitted pipeline on parts of the data.

    Parameters
    ----------
    parts : dict of str to tuple of (ndarray, ndarray)
        Images and labels by the name of the part.
    pipeline : estimator object
        A fitted classifier with `predict_proba`.

    Raises
    ------
    ValueError
        If the data have labels that the classifier was not trained on.
    """
    from sklearn.metrics import accuracy_score, log_loss

    table = Table()
    table.add_column("Part")
    for title in ("Images", "Loss", "Accuracy (%)"):
        table.add_column(title, justify="right")
    known = pipeline.classes_
    for part, (images, y) in parts.items():
        unknown = sorted(set(y.tolist()) - set(known.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"The data have the labels {unknown}, but the model was trained on "
                f"{known.tolist()}: evaluate it on data with the same classes."
            )
        probabilities = pipeline.predict_proba(images)
        loss = log_loss(y, probabilities, labels=known)
        accuracy = accuracy_score(y, known[probabilities.argmax(axis=1)])
        table.add_row(part, f"{len(y):,}", f"{loss:.4f}", f"{100 * accuracy:.2f}")
    print_table(output_console(), table)


def _cells(scores):
    return [
        f"{100 * scores[name]:.2f}" if "accuracy" in name else f"{scores[name]:.4f}"
        for name in _SCORES
    ]
