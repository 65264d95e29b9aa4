"""Means with their confidence intervals: of groups of values, and of two that are held together.

Intervals are Student's, at 95 %: of values that spread like a normal distribution; those of shares
end within 0 and 1. One value has no interval, and says so by None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, fsum, pi, sin, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

LEVEL = 0.95
"""Confidence of an interval."""

CLOSE = 1e-9
"""Means that differ by a smaller part of themselves are one: what is left is rounding."""

_MANY = 200
"""Degrees of freedom from which an expansion around the normal distribution has ten digits."""

Method = Literal["paired", "unpaired", "one run each"]


class Part(BaseModel):
    """A part of a summary: immutable, finite numbers, no field unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(Part):
    """The mean of ``n`` values, and where it lies at 95 %; None of a single value."""

    mean: float
    low: float | None
    high: float | None
    n: int


class Difference(Part):
    """A mean difference of ``n`` pairs, or of the means of two samples of ``n`` values at least."""

    mean: float
    low: float | None
    high: float | None
    n: int
    method: Method

    @property
    def is_told(self) -> bool:
        """Whether 0 lies outside the interval."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0


def of_share(found: Estimate) -> Estimate:
    """Return the mean of shares with the interval that no share can leave.

    Its ends are the shares m of which the mean p is no further than Student's half width h, as it
    would be at m: (p - m)² = h² m (1 - m) / (p (1 - p)), for shares near an end scatter less. With
    the h of n rows it is Wilson's interval; in the middle, or of small h, it is Student's. Means
    that are no share, and those at an end, stay as they are.

    Sources: E. B. Wilson, JASA 22, 209 (1927); R. Wedderburn, Biometrika 61, 439 (1974).

    >>> of_share(Estimate(mean=0.9, low=0.7, high=1.1, n=3))
    Estimate(mean=0.9, low=0.569..., high=0.983..., n=3)
    """
    if found.low is None or found.high is None or not 0 < found.mean < 1:
        return found
    half = (found.high - found.low) / 2
    scale = half**2 / (found.mean * (1 - found.mean))
    middle, spread = found.mean + scale / 2, sqrt(half**2 + scale**2 / 4)
    low, high = (max(0.0, min(1.0, (middle + sign * spread) / (1 + scale))) for sign in (-1, 1))
    return Estimate(mean=found.mean, low=low, high=high, n=found.n)


@dataclass(frozen=True)
class Spread:
    """A mean, its standard error and the degrees of freedom of that; no error of a single value."""

    mean: float
    n: int
    standard_error: float | None
    degrees: int

    def interval(self) -> tuple[float | None, float | None]:
        """Return where the mean lies at 95 %: mean +- t(degrees) * standard error."""
        if self.standard_error is None:
            return None, None
        half = quantile(0.5 + LEVEL / 2, self.degrees) * self.standard_error
        return self.mean - half, self.mean + half

    def is_above_zero(self, confidence: float) -> bool:
        """Return whether the mean is above 0, by a one-sided test."""
        if self.standard_error is None:
            return False
        return self.mean > quantile(confidence, self.degrees) * self.standard_error


def pooled(groups: Collection[Sequence[float]]) -> Spread:
    """Return the mean of the groups' means, each of which counts alike.

    Groups are what was chosen, values in them what chance did: so the error is that within groups,
    s/G sqrt(sum 1/n_g) with the pooled variance s² of degrees sum (n_g - 1). Where no group has two
    values, it is the spread of the groups themselves.

    >>> pooled([[1.0, 2.0], [11.0, 12.0]])
    Spread(mean=6.5, n=4, standard_error=0.3535..., degrees=2)
    """
    means = [fsum(each) / len(each) for each in groups]
    mean, n = fsum(means) / len(means), sum(map(len, groups))
    degrees = n - len(means)
    if degrees == 0:
        return _of_values(means) if n > 1 else Spread(mean, n, None, 0)
    squares = fsum(
        (value - middle) ** 2 for each, middle in zip(groups, means, strict=True) for value in each
    )
    parts = fsum(1 / len(each) for each in groups)
    return Spread(mean, n, sqrt(squares / degrees * parts) / len(means), degrees)


def _of_values(values: Sequence[float]) -> Spread:
    mean, degrees = fsum(values) / len(values), len(values) - 1
    squares = fsum((value - mean) ** 2 for value in values)
    return Spread(mean, len(values), sqrt(squares / degrees / len(values)), degrees)


def apart(first: Spread, second: Spread) -> Spread:
    """Return the difference of two means that have nothing in common, with Welch's error.

    Its degrees of freedom are rounded down. Source: B. Welch, Biometrika 34, 28 (1947).
    """
    mean, n = first.mean - second.mean, min(first.n, second.n)
    if first.standard_error is None or second.standard_error is None:
        return Spread(mean, n, None, 0)
    variances = first.standard_error**2, second.standard_error**2
    least = min(first.degrees, second.degrees)
    below = variances[0] ** 2 / first.degrees + variances[1] ** 2 / second.degrees
    degrees = max(least, int(sum(variances) ** 2 / below)) if below else least
    return Spread(mean, n, sqrt(sum(variances)), degrees)


def estimate(groups: Collection[Sequence[float]]) -> Estimate | None:
    """Return the mean of groups of values with its interval; None without any value.

    >>> estimate([[1.0, 2.0, 3.0]])
    Estimate(mean=2.0, low=-0.484..., high=4.484..., n=3)
    """
    filled = [each for each in groups if each]
    if not filled:
        return None
    found = pooled(filled)
    low, high = found.interval()
    return Estimate(mean=found.mean, low=low, high=high, n=found.n)


def mean_of(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are known; None without any."""
    found = [value for value in values if value is not None]
    return fsum(found) / len(found) if found else None


def are_one(first: float, second: float) -> bool:
    """Return whether two means differ by no more than rounding."""
    return abs(first - second) <= CLOSE * max(abs(first), abs(second))


@lru_cache(maxsize=4096)
def quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution, for probabilities from a half to 1.

    By bisection of the distribution function, which is a finite sum for whole degrees of freedom;
    for many of them by an expansion. Source: M. Abramowitz, I. Stegun, Handbook of Mathematical
    Functions (1964), 26.7.3 to 26.7.5.

    >>> round(quantile(0.975, 4), 6), round(quantile(0.975, 1000), 6)
    (2.776445, 1.962339)
    """
    if degrees > _MANY:
        return _expanded(NormalDist().inv_cdf(probability), degrees)
    inside, low, high = 2 * probability - 1, 0.0, pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < inside else (low, middle)
    return sqrt(degrees) * sin(low) / cos(low)


def _within(angle: float, degrees: int) -> float:
    """Return the probability of |T| <= t, where t = sqrt(degrees) tan(angle)."""
    if degrees == 1:
        return 2 * angle / pi
    odd = degrees % 2
    k = np.arange(1, (degrees - 1) // 2 if odd else degrees // 2)
    factors = (2 * k) / (2 * k + 1) if odd else (2 * k - 1) / (2 * k)
    terms = np.concatenate([[1.0], np.cumprod(factors * cos(angle) ** 2)])
    if odd:
        return float(2 / pi * (angle + sin(angle) * cos(angle) * terms.sum()))
    return float(sin(angle) * terms.sum())


def _expanded(x: float, degrees: int) -> float:
    orders = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + fsum(each / degrees**power for power, each in enumerate(orders, 1))
