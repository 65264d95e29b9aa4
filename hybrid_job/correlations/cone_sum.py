"""Sums over all histories of a light cone: the mean of its term, and the gradient.

It goes variable by variable, in the order of ``cones.plan``: all factors with the variable are
multiplied, and the product is summed over its histories. The gradient is the same walked backwards.
Cones of one shape go side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.correlations.histories import (
    Histories,
    Phases,
    coupling_phases,
    field_phases,
    product,
    spins,
)
from quantum_pipeline.ising.cones import Numbers, Shape, index_size, plan

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]


class Operand(NamedTuple):
    """A factor, by its place in the list of all, and the axes that it lacks in the product."""

    factor: int
    missing: tuple[int, ...]


class Step(NamedTuple):
    """Operands to multiply, the smallest first, and the axis to sum over."""

    operands: tuple[Operand, ...]
    axis: int

    def arrays(self, factors: Sequence[Complex]) -> list[Complex]:
        """Return the operands with all axes of the product."""
        return [np.expand_dims(factors[each.factor], each.missing) for each in self.operands]


class Sum(NamedTuple):
    """The steps, each of which appends its result to the factors, and the last results."""

    steps: tuple[Step, ...]
    ends: tuple[int, ...]


@cache
def steps_of(shape: Shape) -> Sum:
    """Return the sum of a shape; factors are its variables, its couplings, and then results."""
    scopes: list[tuple[int, ...]] = [(v,) for v in range(len(shape.distances))]
    scopes += shape.couplings
    sizes = [index_size(shape.depth, distance) for distance in shape.distances]
    alive = set(range(len(scopes)))
    steps = []
    for variable, neighbours in plan(shape).steps:
        whole = sorted((*neighbours, variable))
        used = [number for number in alive if variable in scopes[number]]
        used.sort(key=lambda number: (np.prod([sizes[v] for v in scopes[number]]), number))
        operands = (
            Operand(n, tuple(at for at, v in enumerate(whole, 1) if v not in scopes[n]))
            for n in used
        )
        steps.append(Step(tuple(operands), 1 + whole.index(variable)))
        alive -= set(used)
        alive.add(len(scopes))
        scopes.append(neighbours)
    return Sum(tuple(steps), tuple(sorted(alive)))


class ConeSum:
    """Cones of one shape: arrays have shape (cones, histories of a variable, of another, ...)."""

    def __init__(self, shape: Shape, numbers: Sequence[Numbers]) -> None:
        self.shape, self.numbers = shape, numbers
        self._fields = np.array([each.fields for each in numbers])
        self._couplings = np.array([each.couplings for each in numbers])
        lengths = (len(values) for each in numbers for values in each.pendants)
        most = max(lengths, default=0)  # a cone that ends early has no such variable
        # A coupling of size 0 makes no difference: cos(0) = 1.
        self._pendants = np.array(
            [[v + (0.0,) * (most - len(v)) for v in each.pendants] for each in numbers]
        )
        self._sum = steps_of(shape)

    def means(self, histories: Histories) -> Real:
        """Return <O> of each cone, shape (cones,)."""
        factors = self._factors(histories)
        for step in self._sum.steps:
            first, *others = step.arrays(factors)
            factors.append(product(others, first).sum(axis=step.axis))
        return self._product(factors)

    def means_and_gradient(self, histories: Histories, weights: Real) -> tuple[Real, Real]:
        """Return <O> of each cone, and the derivatives of sum(weights * <O>), shape (2, depth).

        The measured variables must be connected within the cone.
        """
        factors = self._factors(histories)
        products = []
        for step in self._sum.steps:
            first, *others = step.arrays(factors)
            products.append([first])
            for array in others:
                products[-1].append(products[-1][-1] * array)
            factors.append(products[-1][-1].sum(axis=step.axis))
        slopes: list[Complex] = [np.empty(0, np.complex128)] * len(factors)
        (end,) = self._sum.ends  # the terms of an energy have connected cones
        slopes[end] = _like(factors[end], weights.astype(np.complex128))
        result = len(factors)
        for step, partial in zip(reversed(self._sum.steps), reversed(products), strict=True):
            result -= 1
            slope: Complex = np.expand_dims(slopes[result], step.axis)
            slope = np.broadcast_to(slope, partial[-1].shape)
            arrays = step.arrays(factors)
            for at in range(len(arrays) - 1, -1, -1):
                operand = step.operands[at]
                before = slope * partial[at - 1] if at else slope
                slopes[operand.factor] = _like(arrays[at], before).squeeze(operand.missing)
                if at:
                    slope = _like(partial[at - 1], slope * arrays[at])
        return self._product(factors), self._gradient(histories, factors, slopes)

    def _product(self, factors: list[Complex]) -> Real:
        ones = np.ones(len(self.numbers), np.complex128)
        return product((factors[end] for end in self._sum.ends), ones).real

    def _factors(self, histories: Histories) -> list[Complex]:
        factors = []
        for v, distance in enumerate(self.shape.distances):
            factors.append(histories.mixers(distance)[0] * self._others(v, histories))
        for e, (a, b) in enumerate(self.shape.couplings):
            phases = self._phases(a, b)
            factors.append(_turned(histories, phases, self._couplings[:, e]))
        return factors

    def _others(self, v: int, histories: Histories) -> Complex:
        """Return what f_v has beside the mixers, shape (cones or 1, histories)."""
        depth, distance = self.shape.depth, self.shape.distances[v]
        others: Complex = np.ones((1, index_size(depth, distance)), np.complex128)
        if distance < depth and self._fields[:, v].any():
            others = _turned(histories, field_phases(depth, distance), self._fields[:, v])
        if distance == depth - 1 and self._pendants.shape[-1]:
            dephased = _dephasing(histories, self._pendants_of(v))[0]
            others = others * np.where(_differ(depth, distance), dephased[:, None], 1.0)
        return others

    def _pendants_of(self, v: int) -> Real:
        pendants: Real = self._pendants[:, v - self.shape.distances.index(self.shape.depth - 1)]
        return pendants

    def _phases(self, a: int, b: int) -> Phases:
        near, far = self.shape.distances[a], self.shape.distances[b]
        return coupling_phases(self.shape.depth, near, far)

    def _gradient(
        self, histories: Histories, factors: list[Complex], slopes: list[Complex]
    ) -> Real:
        depth = self.shape.depth
        gradient = np.zeros((2, depth))
        for v, distance in enumerate(self.shape.distances):
            if distance == depth:
                continue
            layers = slice(depth - distance)
            mixers, turns = histories.mixers(distance)
            slope = slopes[v] * self._others(v, histories)
            gradient[1, layers] += (turns @ slope.sum(axis=0)).real
            if self._fields[:, v].any():
                phases = field_phases(depth, distance)
                gradient[0, layers] += _slopes(phases, self._fields[:, v], slope * mixers)
            if distance == depth - 1 and self._pendants.shape[-1]:
                ratio = _dephasing(histories, self._pendants_of(v))[1]
                differ = (slope * mixers).real @ _differ(depth, distance)
                gradient[0, 0] += differ @ ratio
        for e, (a, b) in enumerate(self.shape.couplings):
            number = len(self.shape.distances) + e
            layers = slice(depth - self.shape.distances[a])
            along = slopes[number] * factors[number]
            gradient[0, layers] += _slopes(self._phases(a, b), self._couplings[:, e], along)
        return gradient


def _turned(histories: Histories, phases: Phases, strengths: Real) -> Complex:
    """Return exp(-i strength sum_k gamma_k delta_k(x)), shape (cones, *x)."""
    layers = len(phases.distinct)
    angles = np.outer(strengths, histories.gammas[:layers] @ phases.distinct)
    table = np.cos(angles) - 1j * np.sin(angles)
    turned: Complex = table[:, phases.which]
    return turned


def _slopes(phases: Phases, strengths: Real, along: Complex) -> Real:
    """Return the sum of d/d(gamma_k) over cones and histories, shape (layers,)."""
    per_history = np.tensordot(strengths, along.imag, 1)
    counts = np.bincount(
        phases.which.ravel(), per_history.ravel(), minlength=phases.distinct.shape[1]
    )
    slopes: Real = phases.distinct @ counts
    return slopes


def _dephasing(histories: Histories, pendants: Real) -> tuple[Real, Real]:
    """Return prod_b cos(2 gamma_1 J_b) of each cone, and its derivative over itself."""
    cosines = np.cos(2 * histories.gammas[0] * pendants)
    sines = np.sin(2 * histories.gammas[0] * pendants)
    cosines[cosines == 0] = 1e-150  # so that value times ratio is still the derivative
    return cosines.prod(axis=1), -(2 * pendants * sines / cosines).sum(axis=1)


@cache
def _differ(depth: int, distance: int) -> NDArray[np.bool_]:
    ket, bra = spins(depth, distance)
    differ: NDArray[np.bool_] = ket[0] != bra[0]
    return differ


def _like(array: Complex, slope: Complex) -> Complex:
    """Return the slope summed over the axes along which ``array`` is the same for all."""
    axes = tuple(
        axis
        for axis, (size, of_slope) in enumerate(zip(array.shape, slope.shape, strict=True))
        if size == 1 and of_slope > 1
    )
    return slope.sum(axis=axes, keepdims=True) if axes else slope
