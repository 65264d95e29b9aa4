"""Mixers that keep the groups' rules, with numpy alone: what moves a group among its levels.

    complete   every pair of bits     B = 2 (1 + (A - top) / gap)
    pairs      one after the other    exp(-i beta B) = prod_pairs exp(-i beta (X X + Y Y) / n)
    ring       neighbouring bits      exp(-i beta B) = prod_pairs exp(-i beta (X X + Y Y) / 2)

A is the sum of (X_i X_j + Y_i Y_j) / 2 over all pairs, which exchanges the bits i and j where they
differ; its largest eigenvalue ``top`` belongs to the uniform superposition, and ``gap`` is how much
lower the next one is. So one beta does to every group what it does to a free bit, whose X + 1 has
the eigenvalues 2 and 0 too. Constants are of no effect. In formulas:

    bit, exactly one of n    B = 2 |u><u|, |u> uniform: the complete graph has top n - 1, gap n
    exactly k of n           the Johnson graph, which has eigenvalues top - j (n + 1 - j), gap n

``pairs`` is a circuit's first order Trotter step of the complete mixer, which is another unitary:
its factors do not commute. The pairs of a ring are turned one after the other too: bits 0 and 1, 2
and 3 and so on, then 1 and 2, 3 and 4, then the last with the first. The uniform superposition is
no eigenstate of a ring where k > 1.

States come in shape (left, levels, right). Source: Wang, Rubin, Dominy, Rieffel, arXiv:1904.09314.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces.groups import Group

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]
Levels = NDArray[np.intp]
Mixer = Literal["complete", "pairs", "ring"]


class Turn(Protocol):
    """One factor exp(-i beta B) of a mixer, and its B."""

    def apply(self, beta: float, states: Complex) -> None:
        """Multiply states by exp(-i beta B), in place."""

    def image(self, states: Complex) -> Complex:
        """Return B times the states."""


def turns_of(group: Group, mixer: Mixer) -> Sequence[Turn]:
    """Return the factors of a group's mixer in the order in which they act."""
    n, ones = len(group.bits), group.ones
    if group.n_levels == 1:
        return ()
    if ones is not None and mixer != "complete":
        pairs, scale = exchanges(n, mixer)
        return [Exchange(*exchanged(group, *pair), scale) for pair in pairs]
    if ones in (None, 1, n - 1):
        return (Reflection(),)
    return (Johnson(n, ones),)


def exchanges(n: int, mixer: Mixer) -> tuple[list[tuple[int, int]], float]:
    """Return the pairs that a mixer of n bits turns in order, and the angle of each for a beta.

    A pair turns by exp(-i angle (X X + Y Y) / 2).
    """
    return (ring(n), 1.0) if mixer == "ring" else (rounds(n), 2 / n)


def rounds(n: int) -> list[tuple[int, int]]:
    """Return all pairs of n bits in rounds of pairs that share none: those of a tournament.

    >>> rounds(3), rounds(4)
    ([(1, 2), (0, 2), (0, 1)], [(0, 3), (1, 2), (0, 2), (1, 3), (0, 1), (2, 3)])
    """
    places, found = [*range(n), *([-1] if n % 2 else [])], []
    for _ in range(len(places) - 1):
        met = zip(places, reversed(places[len(places) // 2 :]), strict=False)
        found += [(min(pair), max(pair)) for pair in met if min(pair) >= 0]
        places = [places[0], places[-1], *places[1:-1]]
    return found


def ring(n: int) -> list[tuple[int, int]]:
    """Return the pairs of neighbours among n bits in a ring, in the order of their turns.

    >>> ring(2), ring(5)
    ([(0, 1)], [(0, 1), (2, 3), (1, 2), (3, 4), (4, 0)])
    """
    inner = [(i, i + 1) for start in (0, 1) for i in range(start, n - 1, 2)]
    return inner + [(n - 1, 0)] * (n > 2)


def exchanged(group: Group, i: int, j: int) -> tuple[Levels, Levels]:
    """Return the levels where bit i of a group is 1 and j is 0, and those with both exchanged.

    >>> exchanged(Group((0, 1, 2), 1), 0, 2)
    (array([0]), array([2]))
    """
    first, second = group.patterns[:, i], group.patterns[:, j]
    # Levels descend as binary numbers, and so do those of either kind by their other bits.
    return np.flatnonzero(first > second), np.flatnonzero(first < second)


class Reflection:
    """B = 2 |u><u|, with the uniform superposition |u> of all levels. Cost: O(states)."""

    def apply(self, beta: float, states: Complex) -> None:
        """Multiply states by exp(-i beta B) = 1 + (exp(-2 i beta) - 1) |u><u|, in place."""
        states += (np.exp(-2j * beta) - 1) * states.mean(axis=1, keepdims=True)

    def image(self, states: Complex) -> Complex:
        """Return B times the states."""
        return np.broadcast_to(2 * states.mean(axis=1, keepdims=True), states.shape)


class Exchange:
    """B = scale sum |a><b| + |b><a| over pairs of levels, each level in one pair at most."""

    def __init__(self, here: Levels, there: Levels, scale: float = 1.0) -> None:
        self._a, self._b, self._scale = here, there, scale

    def apply(self, beta: float, states: Complex) -> None:
        """Multiply states by exp(-i beta B), in place: cosines, and -i times sines across."""
        a, b = states[:, self._a], states[:, self._b]
        beta *= self._scale
        states[:, self._a] = np.cos(beta) * a - 1j * np.sin(beta) * b
        states[:, self._b] = np.cos(beta) * b - 1j * np.sin(beta) * a

    def image(self, states: Complex) -> Complex:
        """Return B times the states."""
        image = np.zeros_like(states)
        image[:, self._a], image[:, self._b] = states[:, self._b], states[:, self._a]
        return self._scale * image


class Johnson:
    """The complete mixer of exactly k of n bits.

    The sum over all pairs is A = S+ S- - k, where S- takes a 1 away and S+ puts one anywhere. As B
    has no more than m + 1 eigenvalues, m = min(k, n - k), its exponential is a polynomial of degree
    m: that of Newton through them. Cost: O(states k m).
    """

    def __init__(self, n: int, ones: int) -> None:
        self.scale, self.shift = 2 / n, 2 - 2 * ones * (n - ones + 1) / n
        self.more, self.fewer = _neighbours(n, ones)
        moved = np.arange(min(ones, n - ones) + 1)
        self.eigenvalues = _spread(2 - 2 * moved * (n + 1 - moved) / n)

    def apply(self, beta: float, states: Complex) -> None:
        """Multiply states by exp(-i beta B), in place."""
        first, *others = newton(self.eigenvalues, beta).tolist()
        term = states.copy()
        states *= first
        for eigenvalue, coefficient in zip(self.eigenvalues.tolist(), others, strict=False):
            term = self.image(term) - eigenvalue * term
            states += coefficient * term

    def image(self, states: Complex) -> Complex:
        """Return B times the states."""
        lowered = np.take(states, self.more, axis=1).sum(axis=2)
        image: Complex = np.take(lowered, self.fewer, axis=1).sum(axis=2)
        return self.scale * image + self.shift * states


def newton(points: Real, beta: float) -> Complex:
    """Return the divided differences of exp(-i beta x) at points, shape (points,)."""
    table: Complex = np.exp(-1j * beta * points)
    for order in range(1, len(points)):
        steps = points[order:] - points[:-order]
        table[order:] = (table[order:] - table[order - 1 : -1]) / steps
    return table


def _spread(points: Real) -> Real:
    """Return points in Leja's order, each as far from those before as can be: nothing cancels."""
    order = [0]
    while len(order) < len(points):
        distances = np.abs(points[:, None] - points[order]).prod(axis=1)
        order.append(int(distances.argmax()))
    spread: Real = points[order]
    return spread


def _neighbours(n: int, ones: int) -> tuple[Levels, Levels]:
    """Return the levels of k of n over each of k - 1, and those of k - 1 under each of k.

    Shapes (binomial(n, k - 1), n - k + 1) and (binomial(n, k), k).
    """
    number = {chosen: at for at, chosen in enumerate(combinations(range(n), ones - 1))}
    fewer = np.empty((comb(n, ones), ones), dtype=np.intp)
    for level, chosen in enumerate(combinations(range(n), ones)):
        fewer[level] = [number[chosen[:i] + chosen[i + 1 :]] for i in range(ones)]
    order = np.argsort(fewer.ravel(), kind="stable")
    return (order // ones).reshape(len(number), -1), fewer
