"""Confidence intervals for errors and for differences between errors, at 95 %."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta
from scipy.stats import t as student

from skmnist._estimate import Estimate

CONFIDENCE = 0.95
# Chosen by simulation, on the populations and models of the study "chosen" of
# docs/studies/coverage.py: what another training adds to the variance over samples and
# over models (see `paired_difference`), a factor of the variance between splits, and
# the level at which splits scatter beyond chance (both in _scatter.py).
BETWEEN_SAMPLES = 1.4
_BETWEEN_MODELS = 0.25
DRIFT = 2.0
BEYOND_CHANCE = 0.99


def quantile(degrees_of_freedom):
    """Return Student's two-sided 95 % quantile."""
    return float(student.ppf((1 + CONFIDENCE) / 2, max(1, degrees_of_freedom)))


def proportion(errors, *, training=True, instability=0.0, groups=None):
    """Estimate an error from the errors of each sample, after Wilson.

    The score interval (Wilson, JASA 22, 1927) never has width zero, and keeps its
    coverage if errors are few. It is computed with the effective number of samples, as
    in `paired_difference`.

    Parameters
    ----------
    errors : ndarray of shape (n,)
        Error of each sample in [0, 1]: the mean over all models that predicted it.
    training : bool, default=True
        Whether to allow for the variation between trainings.
    instability : float, default=0.0
        Variance added to the mean by splits that scatter beyond chance.
    groups : ndarray of shape (n,), default=None
        Samples of one group are not independent.

    Returns
    -------
    error : Estimate
    """
    p = float(np.mean(errors))
    size, df = _effective_size(errors, p * (1 - p), training, instability, groups)
    low, high = _wilson(p, size, quantile(df))
    return Estimate(p, min(low, p), max(high, p))


def paired_difference(first, second, *, instability=0.0, groups=None):
    """Estimate the difference of two errors on the same samples, after Tango.

    Let b be the probability that only the first errs on a sample, and c that only the
    second does. The difference is b − c, and its interval is the score interval of
    matched proportions (Tango, Statistics in Medicine 17, 1998). A sample predicted by
    several models contributes first · (1 − second) to b.

    n is replaced by an effective number of samples,
    n (V + W) / (1.4 V + 0.25 W + n · `instability`). V is the variance of the
    differences over the samples, and W the mean variance over models of one sample's
    difference. V/n alone is the variance for a fixed prediction rule; it covers 66 to
    94 % instead of 95, because another data set would train other models. No unbiased
    estimator of that part exists (Bengio and Grandvalet, JMLR 5, 2004), so 1.4 and 0.25
    were chosen by simulation. docs/coverage.rst shows the coverage reached.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Errors of each sample, in [0, 1].
    instability : float, default=0.0
        Variance added to the difference by splits that scatter beyond chance.
    groups : ndarray of shape (n,), default=None
        Samples of one group are not independent.

    Returns
    -------
    difference : Estimate
        Mean of first − second.
    """
    b = float(np.mean(first * (1 - second)))
    c = float(np.mean(second * (1 - first)))
    total = b + c - (b - c) ** 2
    size, df = _effective_size(first - second, total, True, instability, groups)
    low, high = _tango(b, c, size, quantile(df))
    return Estimate(b - c, low, high)


def two_sample_difference(first, second, *, groups=(None, None)):
    """Estimate the difference of two errors on different samples, after Newcombe.

    Method 10 of Newcombe (Statistics in Medicine 17, 1998): the Wilson limits of the
    two errors, combined by squares. The variation between trainings is not included,
    because a single training does not show it.

    Parameters
    ----------
    first, second : ndarray of shape (n_first,) and (n_second,)
        Errors of each sample, in [0, 1].
    groups : tuple of two ndarrays or None, default=(None, None)
        Of the same samples: those of one group are not independent.

    Returns
    -------
    difference : Estimate
        Mean of first − mean of second.
    """
    a, b = (
        proportion(errors, training=False, groups=of_errors)
        for errors, of_errors in zip((first, second), groups, strict=True)
    )
    return a.plus(b.negated())


def least_excess(first, second, *, n_comparisons, training=True):
    """Return the lower limit of how much one error exceeds another, of many at once.

    The limits of the two errors are exact (Clopper and Pearson) with the effective
    number of samples (Korn and Graubard, Survey Methodology 24, 1998), because a class
    may have very few samples, and are combined by squares, as in
    `two_sample_difference`. Each is at 95 % after Bonferroni.

    Parameters
    ----------
    first, second : dict
        "errors", an ndarray of the errors of each sample, in [0, 1], and "groups".
    n_comparisons : int
        How many such limits hold at the same time.
    training : bool, default=True
        Whether to allow for the variation between trainings.

    Returns
    -------
    low : float
        Of the mean of first − the mean of second.
    """
    tail = (1 - CONFIDENCE) / 2 / n_comparisons
    (value, low, _), (other, _, high) = (
        _exact_limits(**part, tail=tail, training=training) for part in (first, second)
    )
    return value - other - math.hypot(value - low, high - other)


def _exact_limits(errors, groups, tail, training):
    """Return the mean of errors, and its limits with a probability beyond each."""
    p = float(np.mean(errors))
    size, df = _effective_size(errors, p * (1 - p), training, 0.0, groups)
    # Fewer degrees of freedom, of groups, need a wider interval.
    independent = student.ppf(tail, max(1, len(errors) - 1))
    size *= (independent / student.ppf(tail, max(1, df))) ** 2
    size = min(size, len(errors))
    wrong = p * size
    low = beta.ppf(tail, wrong, size - wrong + 1) if wrong > 0 else 0.0
    high = beta.isf(tail, wrong + 1, size - wrong) if wrong < size else 1.0
    return p, min(low, p), max(high, p)


def mean(values, *, training=True, instability=0.0, groups=None):
    """Estimate a mean with Student's interval.

    Parameters
    ----------
    values : ndarray of shape (n,)
    training : bool, default=True
        Whether to allow for the variation between trainings.
    instability : float, default=0.0
        Variance added to the mean by splits that scatter beyond chance.
    groups : ndarray of shape (n,), default=None
        Samples of one group are not independent: the variance is that of the groups'
        sums, with groups − 1 degrees of freedom.

    Returns
    -------
    mean : Estimate
    """
    value = float(np.mean(values))
    variance, df = _variance_of_mean(values, groups)
    variance *= BETWEEN_SAMPLES if training else 1
    half = quantile(df) * math.sqrt(variance + instability)
    return Estimate(value, value - half, value + half)


def class_mean(values, codes, n_classes, *, groups=None):
    """Estimate the mean over classes of each class's mean.

    One half is added to each cell of a class's table of matched outcomes (Agresti and
    Min, Statistics in Medicine 24, 2005), so that a few samples without an error are
    not taken for certainty.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Errors of each sample, or differences of errors, in [−1, 1].
    codes : ndarray of int of shape (n,)
        Class of each sample.
    n_classes : int
    groups : ndarray of shape (n,), default=None
        Samples of one group are not independent: the variance is that of the groups'
        sums, with groups − 1 degrees of freedom, where that is larger.

    Returns
    -------
    mean : Estimate
        Over the classes that have samples.
    """
    n = len(values)
    count = np.bincount(codes, minlength=n_classes)
    total = np.bincount(codes, values, n_classes)[count > 0]
    square = np.bincount(codes, values**2, n_classes)[count > 0]
    count = count[count > 0]
    variance = (square + 1) / (count + 2) - (total / (count + 2)) ** 2
    value = float(np.mean(total / count))
    variance, df = np.sum(variance / count) / len(count) ** 2, n - 1
    if groups is not None:
        # With these weights the mean over samples equals the mean over classes.
        size = np.bincount(codes)[codes]
        centred = values - np.bincount(codes, values)[codes] / size
        # Estimating a class's mean costs one of its groups as a degree of freedom.
        pairs = np.unique(
            np.stack([codes, np.unique(groups, return_inverse=True)[1]]), axis=1
        )
        n_groups = np.bincount(pairs[0])[codes]
        centred *= np.sqrt(n_groups / np.maximum(n_groups - 1, 1))
        clustered, df = _variance_of_mean(n / len(count) / size * centred, groups)
        variance = max(variance, clustered)
    half = quantile(df) * math.sqrt(BETWEEN_SAMPLES * variance)
    # With two or three groups the quantile is large, but no difference exceeds 100 %.
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0))


def _variance_of_mean(values, groups):
    """Return the variance of a mean over groups, and its degrees of freedom."""
    n = len(values)
    if groups is None:
        return (float(np.var(values, ddof=1)) / n if n > 1 else 0.0), n - 1
    _, codes = np.unique(groups, return_inverse=True)
    sums = np.bincount(codes, values - np.mean(values))
    m = len(sums)
    return (float(np.sum(sums**2)) / n**2 * m / (m - 1) if m > 1 else 0.0), m - 1


def _effective_size(values, total, training, instability, groups):
    """Return the effective number of independent samples, and the degrees of freedom.

    `total` is the variance of one sample predicted by one model.
    """
    n = len(values)
    between = float(np.var(values))
    within = max(0.0, total - between)
    # One error is the smallest number that n samples can distinguish from none.
    total = max(total, 1 / n)
    clustered, df = _variance_of_mean(values, groups)
    if groups is not None:
        # Groups without scatter still count as one sample each.
        between = n * clustered if clustered > 0 else total * n / (df + 1)
    elif between == 0:
        between = total
    if training:
        between, within = BETWEEN_SAMPLES * between, _BETWEEN_MODELS * within
    return n * total / (between + within + n * instability), df


def _wilson(p, n, z):
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def _tango(b, c, n, z):
    """Return the score interval of b − c, two probabilities of discordant pairs."""

    def excess(delta):
        # The maximum-likelihood c if the difference is delta.
        linear = -b - c + (2 - b + c) * delta
        root = math.sqrt(max(0.0, linear**2 + 8 * c * delta * (1 - delta)))
        c_0 = max((root - linear) / 4, 0.0, -delta)
        variance = 2 * c_0 + delta * (1 - delta)
        return (b - c - delta) ** 2 - z**2 * variance / n

    def limit(end):
        start = b - c + math.copysign(1e-9, end)
        if abs(start) >= 1 or excess(start) >= 0:
            return b - c
        return brentq(excess, start, end)

    return limit(-1.0), limit(1.0)
