"""Progress on standard error: the bar, and the fits of a cross-validation."""

import threading
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from skmnist.diagnosis._duration import OWN, Duration

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
            _TimeLeftColumn(
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

    def update(self, description, completed, end=None):
        """Show another state.

        Parameters
        ----------
        description : str or None
            None leaves it as it is.
        completed : float
        end : float, default=None
            When everything will be done, by `perf_counter`; None takes it from the
            speed so far.
        """
        self._progress.update(
            self._task, description=description, completed=completed, end=end
        )


class _TimeLeftColumn(TimeRemainingColumn):
    """The time left, by the speed so far or by the time of the end, if it is known."""

    def render(self, task):
        end = task.fields.get("end")
        if end is None:
            return super().render(task)
        minutes, seconds = divmod(max(0, round(end - perf_counter())), 60)
        hours, minutes = divmod(minutes, 60)
        text = f"{hours:d}:{minutes:02d}:{seconds:02d}"
        return Text(text, style="progress.remaining")


class FitProgress:
    """A progress bar over all fits of a diagnosis, shown if stderr is a terminal.

    A context manager. It first prints the number of fits, and how long they will take
    once two epochs or a fit of the classifier and the first ones of the reference are
    done. Several threads may report to it.

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
        self._duration = None
        self._told = False

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
        self._duration = Duration(n_fits, n_full_fits)
        self._n_workers = min(n_jobs, sum(n_fits.get(stage, 0) for stage in OWN))
        self._start = perf_counter()
        total = sum(n_fits.values())
        stages = ", ".join(f"{n} {stage}" for stage, n in n_fits.items() if n)
        if self._tell_plan:
            self._print(f"{total} fits ({stages}).")
        self._bar.start(self._prefix + STARTING, 1)

    def stage(self, name, done=0):
        """Return what a stage reports to.

        Parameters
        ----------
        name : str
        done : int, default=0
            The number of fits of the stage that were made before.

        Returns
        -------
        report : StageProgress
        """
        return StageProgress(self, name, done)

    def report(self, stage, fit, epoch, n_epochs):
        """Take note of an epoch of a fit, all counted from 1."""
        epochs = f", epoch {epoch} of {n_epochs}" if n_epochs > 1 else ""
        words = f"Fold {fit}{epochs}" if stage == "folds" else stage.capitalize()
        with self._lock:
            now = perf_counter()
            self._duration.add_epoch(stage, fit, epoch, n_epochs, now)
            self._update(now, self._prefix + words)

    def took(self, stage, fit, seconds):
        """Take note of how long a fit took, with its predictions."""
        with self._lock:
            self._duration.add_fit(stage, fit, seconds)
            self._update(perf_counter())

    def _update(self, now, description=None):
        """Show what is left, and print once how long everything will take."""
        remaining = self._duration.remaining()
        if remaining is None:
            self._bar.update(description, self._duration.fraction)
            return
        elapsed, left = now - self._start, remaining / self._n_workers
        self._bar.update(description, elapsed / (elapsed + left or 1), now + left)
        if self._tell_plan and not self._told:
            first = "epochs" if self._duration.from_epochs else "fit"
            self._print(
                f"About {duration(elapsed + left)}, estimated from the first {first}."
            )
        self._told = True

    def _print(self, sentence):
        self._bar.console.print(
            self._prefix + sentence, highlight=False, markup=False, soft_wrap=True
        )


class StageProgress:
    """What a stage of fits reports to.

    Parameters
    ----------
    progress : FitProgress
    name : str
        Of the stage.
    done : int
        The number of fits of the stage that were made before.
    """

    def __init__(self, progress, name, done):
        self._progress, self._name, self._done = progress, name, done

    def __call__(self, fit, epoch, n_epochs):
        """Report an epoch of a fit, all counted from 1."""
        self._progress.report(self._name, self._done + fit, epoch, n_epochs)

    def took(self, fit, seconds):
        """Report how long a fit took, with its predictions."""
        self._progress.took(self._name, self._done + fit, seconds)


def duration(seconds):
    """Write a time: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
