"""Progress on standard error: the bar, and the fits of a cross-validation."""

import threading
from functools import partial
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

# Seconds over which the speed is averaged: an epoch may take longer than rich's 30.
_SPEED_PERIOD = 3600
#: What a bar says before the first epoch or fit is done.
STARTING = "Starting"


class Bar:
    """A bar with a description and the time left, removed at its end.

    A context manager, which shows nothing if standard error is not a terminal, or one
    that cannot move its cursor.

    Attributes
    ----------
    console : rich.console.Console
        Of standard error.
    is_shown : bool
    """

    def __init__(self):
        self.console = Console(stderr=True)
        self.is_shown = self.console.is_interactive
        narrow = self.console.width < 100
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column()),
            # Without wrapping, so that a narrow terminal wraps the description.
            BarColumn(20 if narrow else 40, table_column=Column(no_wrap=True)),
            TimeRemainingColumn(
                elapsed_when_finished=True, table_column=Column(no_wrap=True)
            ),
            console=self.console,
            transient=True,
            speed_estimate_period=_SPEED_PERIOD,
        )

    def __enter__(self):
        if self.is_shown:
            self._progress.start()
        return self

    def __exit__(self, *error):
        if self.is_shown:
            self._progress.stop()

    def start(self, description, total, completed=0):
        """Show the bar; what is completed already does not count for the speed."""
        self._task = self._progress.add_task(
            description, total=total, completed=completed
        )

    def update(self, description, completed):
        """Show another state."""
        self._progress.update(self._task, description=description, completed=completed)


class FitProgress:
    """A progress bar over all fits of a diagnosis, shown if stderr is a terminal.

    A context manager. It first prints the number of fits, and how long they will take
    once two epochs or a fit are done. Several threads may report to it.

    Parameters
    ----------
    tell_plan : bool, default=False
        Whether to print both also if stderr is not a terminal.
    name : str, default=""
        Which of several estimators is diagnosed.
    """

    def __init__(self, tell_plan=False, name=""):
        self._bar = Bar()
        self._tell_plan = tell_plan or self._bar.console.is_terminal
        self._prefix = f"{name}: " if name else ""
        self._lock = threading.Lock()
        self._done = {}
        self._first_epochs = {}
        self._n_full_fits = None

    def __enter__(self):
        self._bar.__enter__()
        return self

    def __exit__(self, *error):
        self._bar.__exit__(*error)

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
        self._start = perf_counter()
        total = sum(n_fits.values())
        stages = ", ".join(f"{n} {stage}" for stage, n in n_fits.items() if n)
        if self._tell_plan:
            self._print(f"{total} fits ({stages}).")
        self._bar.start(self._prefix + STARTING, total)

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
        epochs = f", epoch {epoch} of {n_epochs}" if n_epochs > 1 else ""
        words = f"Fold {fit}{epochs}" if stage == "folds" else stage.capitalize()
        with self._lock:
            self._done[stage, done + fit] = epoch / n_epochs
            # Fits of the learning curve have fewer samples.
            is_full = stage == "folds"
            if is_full and self._tell_plan and self._n_full_fits is not None:
                self._print_time(done + fit, epoch, n_epochs)
            self._bar.update(self._prefix + words, sum(self._done.values()))

    def _print_time(self, fit, epoch, n_epochs):
        """Print how long all fits will take, from the time of the first epochs."""
        now = perf_counter()
        if epoch == 1 < n_epochs:
            # Not counted: it includes compilation.
            self._first_epochs[fit] = now
            return
        in_epochs = fit in self._first_epochs
        fit_time = now - self._first_epochs.get(fit, self._start)
        if in_epochs:
            fit_time *= n_epochs / (epoch - 1)
        total = fit_time * max(1.0, self._n_full_fits / self._n_jobs)
        self._n_full_fits = None
        self._print(
            f"About {duration(total)}, estimated from the first "
            f"{'epochs' if in_epochs else 'fit'}, without the reference."
        )

    def _print(self, sentence):
        self._bar.console.print(
            self._prefix + sentence, highlight=False, markup=False, soft_wrap=True
        )


def duration(seconds):
    """Write a time: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
