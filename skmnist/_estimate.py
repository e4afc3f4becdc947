"""A value with its 95 % confidence interval, and how it is written."""

from dataclasses import dataclass


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

    def __str__(self):
        return (
            f"{percent(self.value)} (95 % interval {percent(self.low)} to "
            f"{percent(self.high)})"
        )

    def shift(self, amount):
        """Return the estimate with an exactly known amount added."""
        return Estimate(self.value + amount, self.low + amount, self.high + amount)

    def not_negative(self):
        """Return the estimate with a negative value or upper end replaced by 0.

        The lower end is kept, because it shows how far below 0 the interval reaches.
        """
        return Estimate(max(self.value, 0.0), self.low, max(self.high, 0.0))

    def negated(self):
        """Return the estimate of the quantity with the opposite sign."""
        return Estimate(-self.value, -self.high, -self.low)

    def contains(self, value):
        """Return whether a value lies in the interval."""
        return self.low <= value <= self.high


def percent(fraction):
    """Write a fraction as a percentage, such as "2.3 %".

    Percentages below 0.95 have two decimals, the others one.
    """
    number = 100 * fraction
    digits = 2 if 0.005 <= abs(number) < 0.95 else 1
    return f"{number:.{digits}f} %".replace("-0.0 %", "0.0 %").replace("-", "−")
