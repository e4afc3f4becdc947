"""Progress of a cross-validation on standard error: fits done and time left."""

from functools import partial
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class FitProgress:
    """A progress bar over all fits of a diagnosis, shown if stderr is a terminal.

    A context manager. It first prints the number of fits, and how long they will take
    once two epochs or a fit are done.

    Parameters
    ----------
    tell_plan : bool, default=False
        Whether to print both also if stderr is not a terminal.
    """

    def __init__(self, tell_plan=False):
        self._console = Console(stderr=True)
        self._tell_plan = tell_plan or self._console.is_terminal
        self._done = {}
        self._bar = None
        self._n_full_fits = None

    def __enter__(self):
        if self._console.is_terminal:
            self._bar = bar(self._console)
            self._bar.start()
        return self

    def __exit__(self, *error):
        if self._bar is not None:
            self._bar.stop()

    def plan(self, n_fits, n_full_fits, n_jobs=1):
        """Announce the fits.

        Parameters
        ----------
        n_fits : dict of str to int
            The number of fits by stage.
        n_full_fits : float
            The cost of the classifier's fits, in fits on all rows of a split.
        n_jobs : int, default=1
            The number of fits at once.
        """
        self._n_full_fits, self._n_jobs = n_full_fits, n_jobs
        self._start = self._first_epoch = perf_counter()
        total = sum(n_fits.values())
        stages = ", ".join(f"{n} {stage}" for stage, n in n_fits.items() if n)
        if self._tell_plan:
            self._console.print(f"{total} fits ({stages}).", highlight=False)
        if self._bar is not None:
            self._task = self._bar.add_task("", total=total)

    def stage(self, name, done=0):
        """Return a function to call with fit, epoch and number of epochs, from 1.

        Parameters
        ----------
        name : str
        done : int, default=0
            The number of fits of the stage that were made before.
        """
        return partial(self._report, name, done)

    def _report(self, stage, done, fit, epoch, n_epochs):
        self._done[stage, done + fit] = epoch / n_epochs
        if self._tell_plan and self._n_full_fits is not None:
            self._print_time(epoch, n_epochs)
        if self._bar is None:
            return
        epochs = f", epoch {epoch} of {n_epochs}" if n_epochs > 1 else ""
        words = f"Fold {fit}{epochs}" if stage == "folds" else stage.capitalize()
        self._bar.update(
            self._task,
            description=words,
            completed=sum(self._done.values()),
        )

    def _print_time(self, epoch, n_epochs):
        """Print how long all fits will take, from the time of the first epochs."""
        now = perf_counter()
        if epoch == 1 < n_epochs:
            # Not counted: it includes compilation.
            self._first_epoch = now
            return
        in_epochs = self._first_epoch > self._start
        fit_time = now - self._first_epoch
        if in_epochs:
            fit_time *= n_epochs / (epoch - 1)
        total = fit_time * max(1.0, self._n_full_fits / self._n_jobs)
        self._n_full_fits = None
        self._console.print(
            f"About {duration(total)}, estimated from the first "
            f"{'epochs' if in_epochs else 'fit'}, without the reference.",
            highlight=False,
        )


def duration(seconds):
    """Write a time: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def bar(console):
    """Return a progress bar that is removed at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    )
