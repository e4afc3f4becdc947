"""A value with its 95 % confidence interval, and how it is written."""

from dataclasses import dataclass
from math import hypot
from statistics import NormalDist

_NORMAL = NormalDist()
_QUANTILE = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % confidence interval.

    Attributes
    ----------
    value, low, high : float
        Errors and their differences are fractions, not percent.

    Examples
    --------
    >>> from skmnist.diagnosis import Estimate
    >>> print(Estimate(0.023, 0.016, 0.031))
    2.3 % (95 % interval 1.6 % to 3.1 %)
    """

    __module__ = "skmnist.diagnosis"

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{percent(self.value)} (95 % interval {percent(self.low)} to "
            f"{percent(self.high)})"
        )

    def shift(self, amount: float) -> "Estimate":
        """Return the estimate with an exactly known amount added."""
        return Estimate(self.value + amount, self.low + amount, self.high + amount)

    def not_negative(self) -> "Estimate":
        """Return the estimate with a negative value or upper end replaced by 0.

        The lower end is kept, because it shows how far below 0 the interval reaches.
        """
        return Estimate(max(self.value, 0.0), self.low, max(self.high, 0.0))

    def plus(self, other: "Estimate") -> "Estimate":
        """Return the sum with another estimate.

        The distances of the limits from the values are combined by squares, as for
        independent estimates (Newcombe, Statistics in Medicine 17, 1998, method 10).
        """
        value = self.value + other.value
        return Estimate(
            value,
            value - hypot(self.value - self.low, other.value - other.low),
            value + hypot(self.high - self.value, other.high - other.value),
        )

    def times(self, factor: float) -> "Estimate":
        """Return the estimate multiplied by an exactly known positive factor."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def negated(self) -> "Estimate":
        """Return the estimate of the quantity with the opposite sign."""
        return Estimate(-self.value, -self.high, -self.low)

    def at_confidence(self, level: float) -> "Estimate":
        """Return the estimate with the interval of another two-sided confidence.

        Each side is multiplied by the ratio of the quantiles of a normal distribution.
        """
        share = _NORMAL.inv_cdf((1 + level) / 2) / _QUANTILE
        return Estimate(
            self.value,
            self.value - share * (self.value - self.low),
            self.value + share * (self.high - self.value),
        )

    def confidence_above(self, limit: float) -> float:
        """Return the one-sided confidence that the quantity exceeds a limit.

        0.975 if the interval begins at the limit, 0.5 if the value equals it.
        """
        side = self.value - self.low if self.value > limit else self.high - self.value
        if side == 0:
            return float(self.value > limit)
        return _NORMAL.cdf(_QUANTILE * (self.value - limit) / side)

    def contains(self, value: float) -> bool:
        """Return whether a value lies in the interval."""
        return self.low <= value <= self.high


def percent(fraction):
    """Write a fraction as a percentage, such as "2.3 %".

    Percentages below 0.95 have two decimals, the others one.
    """
    number = 100 * fraction
    digits = 2 if 0.005 <= abs(number) < 0.95 else 1
    return f"{number:.{digits}f} %".replace("-0.0 %", "0.0 %").replace("-", "−")
