"""How far a cross-validation is: fits done and time left, on stderr."""

from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class FitProgress:
    """A bar over all fits of a diagnosis, shown only where stderr is a terminal.

    A context manager. It says first how many fits there will be.

    Parameters
    ----------
    tell_plan : bool, default=False
        Whether to say so where stderr is no terminal, too.
    """

    def __init__(self, tell_plan=False):
        self._console = Console(stderr=True)
        self._tell_plan = tell_plan or self._console.is_terminal
        self._done = {}
        self._bar = None

    def __enter__(self):
        if self._console.is_terminal:
            self._bar = bar(self._console)
            self._bar.start()
        return self

    def __exit__(self, *error):
        if self._bar is not None:
            self._bar.stop()

    def plan(self, n_fits):
        """Say what is to come.

        Parameters
        ----------
        n_fits : dict of str to int
            Fits by stage.
        """
        total = sum(n_fits.values())
        stages = ", ".join(f"{n} {stage}" for stage, n in n_fits.items() if n)
        if self._tell_plan:
            self._console.print(f"{total} fits ({stages}).", highlight=False)
        if self._bar is not None:
            self._task = self._bar.add_task("", total=total)

    def stage(self, name, done=0):
        """Return a function of fit, epoch and number of epochs, all counted from 1.

        Parameters
        ----------
        name : str
        done : int, default=0
            Fits of the stage before the first that the function is told of.
        """
        return partial(self._tell, name, done)

    def _tell(self, stage, done, fit, epoch, n_epochs):
        self._done[stage, done + fit] = epoch / n_epochs
        if self._bar is None:
            return
        epochs = f", epoch {epoch} of {n_epochs}" if n_epochs > 1 else ""
        words = f"Fold {fit}{epochs}" if stage == "folds" else stage.capitalize()
        self._bar.update(
            self._task,
            description=words,
            completed=sum(self._done.values()),
        )


def bar(console):
    """Return a progress bar that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    )
