"""How long a diagnosis takes, estimated from its first fits."""

import math

#: The stages whose fits are of the diagnosed classifier.
OWN = ("folds", "capacity", "learning curve")


class Duration:
    """The work of the fits of a diagnosis, in seconds of one worker.

    Fits on parts of a split count by their share of its rows, others of the classifier
    as one on all of its rows. Of several candidates for the reference, it is not known
    at first which ones are dropped after the first split.

    Parameters
    ----------
    n_fits : dict of str to int
        The number of fits by stage; "reference at most" for the reference.
    n_full_fits : float
        The cost of the classifier's fits, in fits on all rows of a split.
    """

    def __init__(self, n_fits, n_full_fits):
        self._n_fits = sum(n_fits.values())
        self._n_splits = n_fits["folds"]
        self._n_full_fits = n_full_fits
        self._n_parts = n_fits.get("learning curve", 0)
        self._n_candidates = n_fits.get("reference at most", 0) // self._n_splits
        n_whole = self._n_splits + n_fits.get("capacity", 0)
        parts = (n_full_fits - n_whole) / self._n_parts if self._n_parts else 0
        self._shares = {"folds": 1, "capacity": 1, "learning curve": parts}
        self._first_epochs = {}
        self._by_epochs = None
        self._seconds = {}
        self._done = {}

    def add_epoch(self, stage, fit, epoch, n_epochs, now):
        """Take note of an epoch of a fit, all counted from 1.

        Parameters
        ----------
        now : float
            The time in seconds.
        """
        self._done[stage, fit] = epoch / n_epochs
        if stage != "folds" or n_epochs == 1:
            return
        if epoch == 1:
            # Not counted: it includes compilation.
            self._first_epochs[fit] = now
        elif self._by_epochs is None and fit in self._first_epochs:
            epoch_time = (now - self._first_epochs[fit]) / (epoch - 1)
            self._by_epochs = epoch_time * n_epochs

    def add_fit(self, stage, fit, seconds):
        """Take note of how long a fit took, with its predictions."""
        self._done[stage, fit] = 1
        self._seconds[stage, fit] = seconds

    @property
    def from_epochs(self):
        """Whether the classifier's fits are known from their epochs."""
        return self._by_epochs is not None

    @property
    def fraction(self):
        """The fraction of the fits that are done, whatever they cost."""
        return sum(self._done.values()) / self._n_fits

    def remaining(self):
        """Return the work that is left; None if too little is known yet."""
        fit, candidates = self._fit_seconds(), self._candidate_seconds()
        if fit is None or candidates is None:
            return None
        own = self._n_full_fits - sum(
            self._shares[stage] * part
            for (stage, _), part in self._done.items()
            if stage in OWN
        )
        return max(own, 0) * fit + self._reference_remaining(candidates)

    def _fit_seconds(self):
        """Return the seconds of a fit on all rows of a split, or None."""
        fits = [s for (stage, _), s in self._seconds.items() if stage == "folds"]
        if self._by_epochs is None or len(fits) > 1:
            # The first fit of a network compiles it.
            later = fits[1:] or fits
            return sum(later) / len(later) if later else None
        return self._by_epochs

    def _candidate_seconds(self):
        """Return the seconds of each candidate on the first split, or None."""
        seconds = [
            self._seconds.get(("reference", number * self._n_splits + 1))
            for number in range(self._n_candidates)
        ]
        return None if None in seconds else seconds

    def _reference_remaining(self, candidates):
        """Return the work that is left of the reference."""
        rest = self._n_splits - 1
        fits = [fit for stage, fit in self._done if stage == "reference"]
        if len(candidates) < 2 or len(fits) > len(candidates):
            # Fits that are not needed are reported as done.
            done = [
                sum((f - 1) // self._n_splits == k for f in fits)
                for k in range(len(candidates))
            ]
            return sum(
                seconds * (self._n_splits - n)
                for seconds, n in zip(candidates, done, strict=True)
            )
        # At least the fastest one is trained on the other splits, and at most all are:
        # the geometric mean errs by the same factor on either side.
        first = sum(candidates)
        least, most = first + rest * min(candidates), first * self._n_splits
        return math.sqrt(least * most) - first
