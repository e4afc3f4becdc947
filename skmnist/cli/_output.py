"""What the command line shows: progress on stderr, tables and sentences on stdout."""

import threading
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from skmnist.cli._grid import written_value
from skmnist.diagnosis._progress import bar

_SCORES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


@contextmanager
def epoch_progress(network):
    """Show epoch and time left while a network is fitted.

    Parameters
    ----------
    network : KerasImageClassifier, KerasMLPClassifier or LeNetClassifier
        Not fitted. Has a callback of ours within the context, and none after.
    """
    with _shown_bar() as shown:
        if shown is None:
            yield
            return
        import keras

        n_epochs = network.epochs
        task = shown.add_task("Training", total=n_epochs)

        def show(epoch, logs=None):
            done = epoch + 1
            words = f"Epoch {done} of {n_epochs}"
            shown.update(task, description=words, completed=done)

        network.set_params(
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=show)]
        )
        try:
            yield
        finally:
            network.set_params(callbacks=None)


@contextmanager
def _shown_bar():
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with bar(console) as shown:
        yield shown


@contextmanager
def fit_progress(done, n_fits):
    """Show how many fits of a search are done, and the time left.

    Parameters
    ----------
    done : sized
        Its length is the number of fits done.
    n_fits : int
        The number to come.
    """
    with _shown_bar() as shown:
        if shown is None:
            yield
            return
        task = shown.add_task("Searching", total=n_fits)
        ended = threading.Event()

        def follow():
            while not ended.wait(0.5):
                words = f"Fit {len(done)}"
                shown.update(task, description=words, completed=len(done))

        follower = threading.Thread(target=follow)
        follower.start()
        try:
            yield
        finally:
            ended.set()
            follower.join()


def print_diagnosis(diagnosis, name=None):
    """Print the table of folds, the verdict and the findings, of a named model."""
    console = Console()
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
    console.print(table)
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
    """Print which of two models errs less."""
    console = Console()
    console.print(Text(comparison.sentence, style="bold"))
    console.print()


def print_search(result, sentences):
    """Print the best points of a search, and what to take."""
    console = Console()
    results = result.results
    if "round" in results:
        results = results[results["round"] == results["round"].max()]
    table = Table(title="The best points of the grid")
    for name in result.best:
        table.add_column(name)
    for title in ("Train accuracy (%)", "Validation accuracy (%)", "Fit time (s)"):
        table.add_column(title, justify="right")
    for row in results.sort_values("rank", kind="stable").head(10).to_dict("records"):
        table.add_row(
            *(written_value(row[name]) for name in result.best),
            f"{100 * row['train_accuracy']:.2f}",
            f"{100 * row['validation_accuracy']:.2f}",
            f"{row['fit_time']:.2f}",
        )
    console.print(table)
    console.print()
    for sentence in sentences:
        console.print(Text(sentence, style="bold"))
    console.print()


def print_paths(paths):
    """Print where the files of a report are, the page first."""
    console = Console()
    # Paths are for copying: never wrapped.
    console.print(Text(f"Report: {paths[0]}"), soft_wrap=True)
    others = ", ".join(str(path.relative_to(paths[0].parent)) for path in paths[1:])
    console.print(Text(f"Beside it: {others}"), soft_wrap=True)


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
        If there are labels that the classifier does not know.
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
                f"The data has the labels {unknown}, but the model knows "
                f"{known.tolist()}: evaluate it on data of the same classes."
            )
        probabilities = pipeline.predict_proba(images)
        loss = log_loss(y, probabilities, labels=known)
        accuracy = accuracy_score(y, known[probabilities.argmax(axis=1)])
        table.add_row(part, f"{len(y):,}", f"{loss:.4f}", f"{100 * accuracy:.2f}")
    Console().print(table)


def _cells(scores):
    return [
        f"{100 * scores[name]:.2f}" if "accuracy" in name else f"{scores[name]:.4f}"
        for name in _SCORES
    ]
