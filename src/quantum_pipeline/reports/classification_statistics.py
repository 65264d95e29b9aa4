"""Statistics of predictions on tested rows: shares, areas under curves, and pairs of models.

Classes are numbers from 0. Intervals are at 95 %. Closed forms and whole numbers: no scipy.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import n_scores
from quantum_pipeline.reports.part import Part

Classes = NDArray[np.int64]
Scores = NDArray[np.float64]

LEVEL = 0.05
"""Chance of a difference that is none, below which one is said to be shown."""

Z = NormalDist().inv_cdf(1 - LEVEL / 2)


class Interval(Part):
    """Where a figure lies at 95 %."""

    low: float
    high: float


class Area(Part):
    """Area under the ROC curve, of more than two classes the mean of one against the rest each."""

    value: float
    interval: Interval


class Paired(NamedTuple):
    """Rows that one model alone got right, and the other alone; the p-value of that."""

    first_only: int
    second_only: int
    p_value: float


def wilson(right: int, n: int) -> Interval:
    """Return the interval of a share of n rows: E. B. Wilson, JASA 22, 209 (1927).

        (p + z²/2n ± z sqrt(p (1 - p)/n + z²/4n²)) / (1 + z²/n),  p = right / n

    >>> round(wilson(10, 10).low, 3), wilson(10, 10).high
    (0.722, 1.0)
    """
    share, least = right / n, Z * Z / n
    middle = share + least / 2
    spread = Z * sqrt(share * (1 - share) / n + least / (4 * n))
    low = 0.0 if right == 0 else (middle - spread) / (1 + least)
    return Interval(low=low, high=1.0 if right == n else (middle + spread) / (1 + least))


def confusion(labels: Classes, predicted: Classes, n_classes: int) -> Classes:
    """Return how many rows of each class (row) were said to be of each (column)."""
    found = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(found, (labels, predicted), 1)
    return found


def balanced_accuracy(matrix: Classes) -> float:
    """Return the mean, over the classes that have tested rows, of the share that was recognised."""
    rows = matrix.sum(1)
    return float((matrix.diagonal()[rows > 0] / rows[rows > 0]).mean())


def against_the_rest(
    labels: Classes, scores: Scores, n_classes: int
) -> dict[int, tuple[NDArray[np.bool_], Scores]]:
    """Return, of each class with a curve, which rows are its own, and their scores for it.

    Of two classes that is the second, which the one column of scores is of. A class has a curve
    where there are rows of it and rows that are not.
    """
    of = dict(enumerate(range(n_scores(n_classes)), n_classes - n_scores(n_classes)))
    own = {c: labels == c for c in of}
    return {c: (own[c], scores[:, k]) for c, k in of.items() if 0 < own[c].sum() < labels.size}


def roc_curve(own: NDArray[np.bool_], scores: Scores) -> tuple[Scores, Scores]:
    """Return the shares of other rows and of own ones that are above each threshold, from 0 to 1.

    Rows of equal scores are passed at once, so that the area is that of ``area``.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, [True])
    right, wrong = np.cumsum(own[order])[last], np.cumsum(~own[order])[last]
    return np.append([0.0], wrong / wrong[-1]), np.append([0.0], right / right[-1])


def area(own: NDArray[np.bool_], scores: Scores) -> float:
    """Return the chance that a row of the class scores above another; a tie counts one half.

    The Mann-Whitney statistic. Cost: O(n log n).
    """
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    m = int(own.sum())
    return float((rank[own].sum() - m * (m + 1) / 2) / (m * (own.size - m)))


def area_interval(value: float, m: int, n: int) -> Interval:
    """Return the interval of an area A of m rows of a class and n others.

    The areas a of which A is no more than z standard errors away, with the variance of Hanley and
    McNeil at a itself, so that A = 1 has an interval too:

        V(a) = a (1 - a) (1 + ((m + n)/2 - 1) ((1 - a)/(2 - a) + a/(1 + a))) / (m n)

    Sources: J. Hanley and B. McNeil, Radiology 143, 29 (1982); R. Newcombe, Stat. Med. 25, 559
    (2006), method 5.
    """

    def is_outside(a: float) -> bool:
        more = ((m + n) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        return (value - a) * (value - a) > Z * Z * a * (1 - a) * (1 + more) / (m * n)

    return Interval(
        low=_edge(is_outside, 0.0, value) if value else 0.0,
        high=_edge(is_outside, 1.0, value) if value < 1 else 1.0,
    )


def _edge(is_outside: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return where what is outside ends, by halves."""
    for _ in range(60):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if is_outside(middle) else (outside, middle)
    return inside


def roc_area(labels: Classes, scores: Scores, n_classes: int) -> Area | None:
    """Return the area under the ROC curve, the mean over classes; None where there is no curve.

    Its interval is the mean of theirs: wide enough even if they err together.
    """
    curves = against_the_rest(labels, scores, n_classes).values()
    if not curves:
        return None
    found = [(area(own, column), int(own.sum()), int((~own).sum())) for own, column in curves]
    intervals = [area_interval(*each) for each in found]
    return Area(
        value=float(np.mean([value for value, _, _ in found])),
        interval=Interval(
            low=float(np.mean([each.low for each in intervals])),
            high=float(np.mean([each.high for each in intervals])),
        ),
    )


def paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Paired:
    """Return the exact test of McNemar of two models on the same rows, by which each got right.

    Of the b + c rows that one alone got right each is as likely to be either's if they are alike:

        p = min(1, 2 sum_{k <= min(b, c)} binomial(b + c, k) / 2^(b + c))

    Source: Q. McNemar, Psychometrika 12, 153 (1947).
    """
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    return Paired(b, c, p_value(b, c))


def p_value(b: int, c: int) -> float:
    """Return the p-value of b rows that one model alone got right, and c the other.

    >>> p_value(5, 0), p_value(6, 0), p_value(3, 3)
    (0.0625, 0.03125, 1.0)
    """
    n = b + c
    at_most = sum(comb(n, k) for k in range(min(b, c) + 1))
    return min(1.0, float(Fraction(2 * at_most, 2**n)))


def least_disagreements(level: float = LEVEL) -> int:
    """Return how many rows one model alone has to get right, and the other none, to be better.

    >>> least_disagreements(), least_disagreements(0.01)
    (6, 8)
    """
    rows = 1
    while p_value(rows, 0) >= level:
        rows += 1
    return rows


def detectable(n: int, level: float = LEVEL) -> float | None:
    """Return the smallest difference of accuracies that n tested rows can show at all.

    >>> detectable(60), detectable(5)
    (0.1, None)
    """
    rows = least_disagreements(level)
    return rows / n if rows <= n else None
