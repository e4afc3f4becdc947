"""Output of the command line: progress on stderr, tables and sentences on stdout."""

import threading
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from skmnist.diagnosis._progress import bar
from skmnist.search._values import written_value

_SCORES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


@contextmanager
def epoch_progress(network):
    """Show epoch and time left while a network is fitted.

    Parameters
    ----------
    network : KerasImageClassifier, KerasMLPClassifier or LeNetClassifier
        Not fitted. Inside the context it has a callback, afterwards none.
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
        Its length is the number of finished fits.
    n_fits : int
        The number of all fits.
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
    """Print the table of folds, the verdict and the findings."""
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
    """Print the result of a comparison of two models."""
    console = Console()
    console.print(Text(comparison.sentence, style="bold"))
    console.print()


def print_search(diagnosis):
    """Print the best candidates of a search, and what to take from it."""
    console = Console()
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
    console.print(table)
    console.print()
    for sentence in diagnosis.sentences:
        console.print(Text(sentence, style="bold"))
    console.print()


def print_paths(paths):
    """Print the paths of a report's files, the page first."""
    console = Console()
    # Not wrapped, so that a path can be copied.
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
    Console().print(table)


def _cells(scores):
    return [
        f"{100 * scores[name]:.2f}" if "accuracy" in name else f"{scores[name]:.4f}"
        for name in _SCORES
    ]
