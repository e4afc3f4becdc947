"""What a finding is, and how its numbers are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skmnist._estimate import percent

if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True)
class Finding:
    """An observation about a fit, with its numbers and advice.

    Attributes
    ----------
    code : str
        Stable: "FIT01", "FIT02", ...
    title : str
        A few words.
    sentence : str
        The finding with its numbers.
    evidence : dict of str to float, int, str, bool or list of int
        Numbers by name; errors and intervals are fractions.
    advice : str
        What to try.
    severity : {"issue", "tip"}, default="issue"
        Something is wrong with the fit, the data or the splits; or nothing is, and
        something may be gained.
    """

    __module__ = "skmnist.diagnosis"

    code: str
    title: str
    sentence: str
    evidence: dict[str, Any]
    advice: str
    severity: str = "issue"


def value_of(estimate):
    """Write the value of an estimate, without its interval."""
    return percent(estimate.value)


def written_loss(estimate):
    """Write an estimate of a loss or of a difference of losses."""
    low, high = f"{estimate.low:.2g}", f"{estimate.high:.2g}"
    return f"{estimate.value:.2g} (95 % interval {low} to {high})"


def record(**estimates):
    """Return estimates as plain numbers under `name`, `name_low` and `name_high`."""
    numbers = {}
    for name, estimate in estimates.items():
        numbers[name] = float(estimate.value)
        numbers[f"{name}_low"] = float(estimate.low)
        numbers[f"{name}_high"] = float(estimate.high)
    return numbers
