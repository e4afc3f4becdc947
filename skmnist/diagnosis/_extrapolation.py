"""Extrapolate a learning curve to up to four times the data, with a band."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from skmnist._estimate import Estimate, percent
from skmnist.diagnosis._finding import record
from skmnist.diagnosis._intervals import BETWEEN_SAMPLES

if TYPE_CHECKING:
    import pandas as pd


#: How many times the data a curve is extrapolated to.
MOST_TIMES = 4
# Parts smaller than this fraction of the data follow another law.
_LEAST_FRACTION = 0.24
_N_DRAWS = 1000
# The exponents c that are tried, all equally probable before the points are seen. With
# larger ones a curve would be flat from the start, which was too pessimistic.
_EXPONENTS = np.linspace(0.05, 1.0, 20)
# An interval at twice the data that is wider than so many times the error says nothing.
_WIDEST = 1.5
# Fewer times as many samples are not worth a sentence.
_RELEVANT = 1.1
# The fall beyond the data is multiplied by a random factor, whose logarithm has this
# standard deviation: curves bend from their law both ways. Chosen, as the exponents
# and the factor above, on the smaller data sets of docs/studies/extrapolation.py.
_STRETCH = 0.4
# A curve that no power law fits is not extrapolated.
_SIGNIFICANT = 0.01


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """A learning curve extrapolated to four times the data.

    The error after training on n samples is taken to be a + b · n^−c, the form that
    fits most learning curves best [1]_, with a, b ≥ 0. Its parameters are fitted to
    many curves of resampled validation samples, the same for every part of the data
    (a paired bootstrap). Where the points leave the exponent open, it is drawn by its
    likelihood, so that the band shows what they do not determine. As curves bend from
    any law, the fall beyond the data is also multiplied by a random factor.

    Attributes
    ----------
    n_train : float
        The number of samples trained on, a mean over the splits.
    error : Estimate
        The error after training on them, according to the curve.

    References
    ----------
    .. [1] T. Viering and M. Loog, The shape of learning curves: a review. IEEE
       Transactions on Pattern Analysis and Machine Intelligence 45, 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skmnist import diagnose_fit
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = KNeighborsClassifier()
    >>> diagnosis = diagnose_fit(
    ...     clf, X[:500], y[:500], reference=0.02, learning_curve=True, random_state=0
    ... )
    >>> curve = diagnosis.extrapolation
    >>> curve.n_train
    400.0
    >>> curve.at(800).value < curve.at(400).value
    True
    """

    __module__ = "skmnist.diagnosis"

    n_train: float
    error: Estimate = field(init=False)
    _a: np.ndarray = field(repr=False)
    _b: np.ndarray = field(repr=False)
    _c: np.ndarray = field(repr=False)
    _stretch: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", self.at_times(1))

    def at(self, n_train: float) -> Estimate:
        """Estimate the error after training on a number of samples.

        Parameters
        ----------
        n_train : float
            From a quarter of those trained on to four times as many.

        Returns
        -------
        error : Estimate

        Raises
        ------
        ValueError
            If the number lies outside that range.
        """
        return self.at_times(n_train / self.n_train)

    def at_times(self, times: float) -> Estimate:
        """Estimate the error as `at`, for a multiple of the samples trained on."""
        if not 1 / MOST_TIMES <= times <= MOST_TIMES:
            raise ValueError(
                f"The curve is drawn from {self.n_train / MOST_TIMES:,.0f} to "
                f"{MOST_TIMES * self.n_train:,.0f} training samples, a quarter of "
                f"those there are to four times as many; got "
                f"{times * self.n_train:,.0f}."
            )
        fall = self._b * (1 - times**-self._c)
        if times > 1:
            fall = fall * self._stretch
        return _estimate(np.maximum(self._a + self._b - fall, 0))

    def samples_for(self, error: float) -> Estimate | None:
        """Estimate how many training samples would bring the error to a value.

        Parameters
        ----------
        error : float
            The error to reach, a fraction.

        Returns
        -------
        n_train : Estimate or None
            Numbers of samples. An upper end beyond four times those trained on is
            infinite. None if the value itself lies beyond, or the error is reached.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = 1 - (self._a + self._b - error) / (self._b * self._stretch)
            times = np.where(left > 0, left ** (-1 / self._c), np.inf)
        value, low, high = np.quantile(times, [0.5, 0.025, 0.975], method="nearest")
        if not 1 < value <= MOST_TIMES:
            return None
        high = high if high <= MOST_TIMES else math.inf
        return SampleCount(*(float(t * self.n_train) for t in (value, low, high)))

    def to_frame(self) -> pd.DataFrame:
        """Return the curve as a table.

        Returns
        -------
        frame : DataFrame
            Columns train_size, error, low and high.
        """
        import pandas as pd

        times = np.geomspace(1 / MOST_TIMES, MOST_TIMES, 33)
        errors = [self.at_times(t) for t in times]
        return pd.DataFrame(
            {
                "train_size": times * self.n_train,
                "error": [error.value for error in errors],
                "low": [error.low for error in errors],
                "high": [error.high for error in errors],
            }
        )


def extrapolate(errors, sizes, groups=None):
    """Extrapolate a learning curve.

    Parameters
    ----------
    errors : array-like of shape (n_parts, n_samples)
        Mean error of each validation sample after training on parts of the data, all
        of them last.
    sizes : array-like of shape (n_parts,)
        The numbers of samples trained on.
    groups : ndarray of shape (n_samples,), default=None
        Samples of one group are not independent.

    Returns
    -------
    extrapolation : Extrapolation or None
        None if the points do not determine the curve: fewer than three from a quarter
        of the data on, no error at all, no power law near them, or an interval at
        twice the data that is more than 1.5 times as wide as the error.
    """
    errors, sizes = np.asarray(errors, float), np.asarray(sizes, float)
    used = sizes >= _LEAST_FRACTION * sizes[-1]
    if used.sum() < 3 or not errors[-1].any():
        return None
    errors, sizes = errors[used], sizes[used]
    draws = _resampled_means(errors, groups)
    covariance = np.cov(draws.T)
    # A sample less or more that is wrong cannot be told from noise.
    covariance += np.eye(len(sizes)) / errors.shape[1] ** 2
    covariance *= BETWEEN_SAMPLES  # another training set gives another model
    mean = errors.mean(axis=1)
    draws = mean + math.sqrt(BETWEEN_SAMPLES) * (draws - mean)
    scale = np.linalg.inv(np.linalg.cholesky(covariance))
    _, _, misfit = _fit(mean[None], sizes / sizes[-1], scale)
    if misfit.min() > chi2.ppf(1 - _SIGNIFICANT, max(1, len(sizes) - 2)):
        return None
    a, b, misfit = _fit(draws, sizes / sizes[-1], scale)
    chosen = _drawn(misfit)
    rows = np.arange(len(draws))
    stretch = np.exp(_STRETCH * np.random.default_rng(2).normal(size=len(rows)))
    found = Extrapolation(
        float(sizes[-1]), a[rows, chosen], b[rows, chosen], _EXPONENTS[chosen], stretch
    )
    twice = found.at_times(2)
    return found if twice.high - twice.low <= _WIDEST * found.error.value else None


def more_data_in_words(evidence):
    """Return what FIT07 says of more data.

    Returns
    -------
    sentence : str
        What twice the samples bring, after a space; empty if that is not determined.
    advice : str
        How many more samples to collect, to be written after "Collect more samples".
    numbers : dict of str to float
    """
    curve = evidence.extrapolation
    if curve is None:
        again = ": doubling the number again should bring part of this decrease again"
        return "", again, {}
    twice = curve.at_times(2)
    sentence = f" Twice the samples should bring the error to {twice}."
    numbers = record(error_at_twice=twice)
    target = evidence.errors["reference"].value + evidence.tolerance
    needed = curve.samples_for(target)
    if needed is None or needed.value < _RELEVANT * curve.n_train:
        return sentence, "", numbers
    least = SampleCount(needed.value, max(needed.low, curve.n_train), needed.high)
    advice = (
        f": training on about {least} in place of {curve.n_train:,.0f} should bring "
        f"the error to {percent(target)}, that of the reference and the tolerance"
    )
    return sentence, advice, numbers | {"target": target, "samples": needed.value}


@dataclass(frozen=True)
class SampleCount(Estimate):
    """A number of samples with its 95 % confidence interval."""

    def __str__(self) -> str:
        to = f"to {_rounded(self.high)}" if math.isfinite(self.high) else "or more"
        return f"{_rounded(self.value)} (95 % interval {_rounded(self.low)} {to})"


def _rounded(number):
    """Write a number of samples with two digits."""
    digits = 1 - math.floor(math.log10(number))
    return f"{round(number, digits):,.0f}"


def _estimate(values):
    value, low, high = np.quantile(values, [0.5, 0.025, 0.975])
    return Estimate(float(value), float(low), float(high))


def _resampled_means(errors, groups):
    """Return mean errors of resampled samples, one row for each resampling.

    The weights of the Bayesian bootstrap (Rubin, Annals of Statistics 9, 1981), which
    leaves no sample out, so that a few errors do not vanish.
    """
    rng = np.random.default_rng(0)
    sums, counts = errors, np.ones(errors.shape[1])
    if groups is not None:
        _, codes = np.unique(groups, return_inverse=True)
        sums = np.array([np.bincount(codes, row) for row in errors])
        counts = np.bincount(codes)
    weights = rng.exponential(size=(_N_DRAWS, len(counts)))
    return weights @ sums.T / (weights @ counts)[:, None]


def _fit(points, times, scale):
    """Fit a + b · t^−c for every exponent, with a, b ≥ 0.

    Parameters
    ----------
    points : ndarray of shape (n_draws, n_parts)
    times : ndarray of shape (n_parts,)
    scale : ndarray of shape (n_parts, n_parts)
        Inverse of the Cholesky factor of the points' covariance.

    Returns
    -------
    a, b, misfit : ndarray of shape (n_draws, n_exponents)
        The misfit is χ².
    """
    target = points @ scale.T
    one = scale.sum(axis=1)
    results = []
    for exponent in _EXPONENTS:
        power = scale @ times**-exponent
        # Normal equations of two columns; an edge of the quarter plane if they leave
        # it.
        matrix = np.array([[one @ one, one @ power], [one @ power, power @ power]])
        right = np.stack([target @ one, target @ power])
        a, b = np.linalg.solve(matrix, right)
        outside = (a < 0) | (b < 0)
        only_a, only_b = right[0] / matrix[0, 0], right[1] / matrix[1, 1]
        gain_a = np.where(only_a > 0, only_a * right[0], 0)
        gain_b = np.where(only_b > 0, only_b * right[1], 0)
        flat = gain_a > gain_b
        a = np.where(outside, np.where(flat, only_a, 0), a)
        b = np.where(outside, np.where(flat, 0, only_b), b)
        rest = target - a[:, None] * one - b[:, None] * power
        results.append((a, b, (rest**2).sum(axis=1)))
    return np.array(results).transpose(1, 2, 0)


def _drawn(misfit):
    """Draw an exponent for each row by its likelihood; return positions."""
    weights = np.exp(-(misfit - misfit.min(axis=1, keepdims=True)) / 2)
    cumulated = weights.cumsum(axis=1)
    drawn = np.random.default_rng(1).random((len(misfit), 1)) * cumulated[:, -1:]
    return np.minimum((cumulated < drawn).sum(axis=1), misfit.shape[1] - 1)
