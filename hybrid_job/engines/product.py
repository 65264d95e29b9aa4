"""QAOA on the states of a space with compiled loops: complete mixers alone.

The circuit and its derivatives are those of ``quantum_pipeline.spaces.statevector``, which the
tests compare this to. The last groups, as many as a tile holds, are mixed in one pass with the
phases; each group before takes a pass of its own. The order does not matter, for groups' mixers
commute. A gradient keeps two states: layers are undone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from hybrid_job.engines import product_kernels as kernels
from quantum_pipeline.spaces import mixers
from quantum_pipeline.spaces.groups import Space

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

TILE = 2**13
"""Most states of a tile: two of them, of 128 KiB, stay in the second cache."""


class Qaoa:
    """The QAOA circuit of one cost diagonal C on a space, measured in C.

    ``cost`` has the states' order, shape (n_states,).

    Memory: two vectors of n_states complex numbers, three of reals, and of a group of exactly k
    two vectors of complex numbers more.
    """

    def __init__(self, space: Space, cost: Real) -> None:
        self._values, index = np.unique(cost.ravel(), return_inverse=True)
        self._index = index.astype(np.uint32)
        self._psi, self._bra = np.empty((2, 2 * space.n_states))
        reflected, self._others = _turns(space)
        self._tile, tiled = _tile(space.n_states, reflected)
        self._low = np.array(reflected[len(reflected) - tiled :], dtype=np.int64).reshape(-1, 2)
        self._high = reflected[: len(reflected) - tiled]

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (n_states,); valid until the next call."""
        self._evolve(angles)
        psi: Complex = self._psi.view(np.complex128)
        return psi

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each state, shape (n_states,)."""
        psi = self.state(angles)
        probabilities: Real = psi.real**2
        probabilities += psi.imag**2
        return probabilities

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|C|psi> and its derivatives, shape (2, depth)."""
        self._evolve(angles)
        return self._value_and_gradient(angles, self._values)

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return CVaR, the mean of C over the lowest ``alpha`` of the probability, and derivatives.

        As in ``quantum_pipeline.ising.statevector``.
        """
        self._evolve(angles)
        masses = np.zeros(len(self._values))
        kernels.weigh(self._psi, self._index, masses)
        below = np.cumsum(masses)
        quantile = self._values[np.searchsorted(below, alpha * below[-1] * (1 - 1e-12))]
        tail = quantile - np.maximum(quantile - self._values, 0) / alpha
        return self._value_and_gradient(angles, tail)

    def _evolve(self, angles: Real) -> None:
        psi = self._psi
        psi[::2], psi[1::2] = (2 / psi.size) ** 0.5, 0.0
        for gamma, beta in angles.T:
            low, high = self._factors(beta, self._low), self._factors(beta, self._high)
            kernels.forward(psi, self._index, self._phases(gamma), self._tile, self._low, low)
            for (levels, width), (real, imaginary) in zip(self._high, high, strict=True):
                kernels.reflect(psi, levels, width, real, imaginary)
            for shape, turn in self._others:
                turn.apply(beta, psi.view(np.complex128).reshape(shape))

    def _value_and_gradient(self, angles: Real, observable: Real) -> tuple[float, Real]:
        psi, bra = self._psi, self._bra
        value = kernels.measure(psi, bra, self._index, observable)
        gradient = np.zeros_like(angles)
        for layer in reversed(range(angles.shape[1])):
            gamma, beta = angles[:, layer]
            gradient[:, layer] = 2 * self._undo(gamma, beta)
        return value, gradient

    def _undo(self, gamma: float, beta: float) -> Real:
        """Undo a layer in both states; return Im <bra|C|psi> and Im <bra|B|psi> before each."""
        psi, bra, slopes = self._psi, self._bra, np.zeros(2)
        for shape, turn in self._others:
            ket, image = (each.view(np.complex128).reshape(shape) for each in (psi, bra))
            slopes[1] += np.vdot(image, turn.image(ket)).imag
            turn.apply(-beta, ket)
            turn.apply(-beta, image)
        low, high = self._factors(-beta, self._low), self._factors(-beta, self._high)
        for (levels, width), (real, imaginary) in zip(self._high, high, strict=True):
            product = kernels.reflect_both(psi, bra, levels, width, real, imaginary)
            slopes[1] += 2 / levels * product
        kernels.backward(
            psi, bra, self._index, self._values, self._phases(-gamma), self._tile, self._low, low,
            slopes,
        )  # fmt: skip
        return slopes

    def _phases(self, gamma: float) -> Real:
        phases = np.empty((len(self._values), 2))
        phases[:, 0], phases[:, 1] = np.cos(gamma * self._values), -np.sin(gamma * self._values)
        return phases.ravel()

    @staticmethod
    def _factors(beta: float, groups: Sequence[Sequence[int]] | NDArray[np.int64]) -> Real:
        """Return (exp(-2 i beta) - 1) / levels of each group, as pairs of reals."""
        turned = math.cos(2 * beta) - 1, -math.sin(2 * beta)
        return np.array([[part / levels for part in turned] for levels, _ in groups]).reshape(-1, 2)


Groups = list[tuple[int, int]]
"""Levels, and reals to each level, of groups that are reflected."""


def _turns(space: Space) -> tuple[Groups, list[tuple[tuple[int, int, int], Johnson]]]:
    """Return the groups that are reflected, in their order, and the others with their shapes."""
    reflected, others = [], []
    for at, group in enumerate(space.groups):
        left, levels, right = prod(space.shape[:at]), space.shape[at], prod(space.shape[at + 1 :])
        for turn in mixers.turns_of(group, "complete"):
            if isinstance(turn, mixers.Johnson):
                others.append(((left, levels, right), Johnson(len(group.bits), group.ones or 0)))
            else:
                reflected.append((levels, 2 * right))
    return reflected, others


def _tile(n_states: int, reflected: Groups) -> tuple[int, int]:
    """Return the states of a tile, and how many of the last groups it holds."""
    tile, count = 1, 0
    for levels, width in reversed(reflected):
        if levels * width // 2 > TILE:
            break
        tile, count = levels * width // 2, count + 1
    return (tile if count else n_states), count


class Johnson(mixers.Johnson):
    """The complete mixer of exactly k of n bits, its sums of neighbours compiled."""

    def image(self, states: Complex) -> Complex:
        """Return B times the states."""
        return np.stack([self._image(slab) for slab in states])

    def _image(self, slab: Complex) -> Complex:
        lowered = np.empty((len(self.more), slab.shape[1]), dtype=np.complex128)
        image = np.empty_like(slab)
        width = 2 * slab.shape[1]
        for source, neighbours, into in ((slab, self.more, lowered), (lowered, self.fewer, image)):
            kernels.sum_neighbours(_row(source), width, neighbours, _row(into))
        image *= self.scale
        image += self.shift * slab
        return image


def _row(states: Complex) -> Real:
    return np.ascontiguousarray(states).reshape(-1).view(np.float64)
