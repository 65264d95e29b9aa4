"""A form as a circuit can turn it: one polynomial over the bits of groups, and bits of slack.

The diagonal of the exact engine, a penalty that is cut off, is no short polynomial. A circuit turns

    C = objective + weight sum_constraints P

and is measured in the same energies as the exact engine's, so that angles are trained for what is
wanted: what turns and what is measured are two diagonals. P is 0 exactly where a constraint holds:

    square    ==               (a.x - bound)^2
    product   few bits         the violation itself, as a sum of products of its bits
    slack     <=, integers     (a.x + s - bound)^2,  s = sum_k w_k y_k  of bits y_k of its own
                               with weights 1, 2, 4, ..., and the last one such that s reaches the
                               most that a.x can fall short of the bound

or, without a bit more, nearly so:

    unbalanced    l1 h + l2 h^2,  h = bound - a.x, the parabola nearest to what the exact engine
                  adds, by least squares over all states; its best state need not be a best answer

Source: A. Lucas, Front. Phys. 2, 5 (2014); J. Montanez-Barrera et al., Quantum Sci. Technol. 9,
025022 (2024), arXiv:2211.13914, for the parabola, whose coefficients are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from math import gcd, lcm
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces import statevector
from quantum_pipeline.spaces.form import Constraint, Form
from quantum_pipeline.spaces.groups import Group, Space
from quantum_pipeline.spaces.landscape import Landscape, Weighing
from quantum_pipeline.spaces.mixers import Mixer
from quantum_pipeline.spaces.polynomial import Polynomial

Real = NDArray[np.float64]
Terms = Iterator[tuple[tuple[int, ...], float]]
Way = Literal["square", "product", "slack", "unbalanced"]
Inequality = Literal["auto", "slack", "unbalanced"]

FEW_BITS = 4
"""Bits of a constraint whose violation is written as a sum of products: at most 2^4."""


@dataclass(frozen=True)
class Encoding:
    """A form's constraints in bits of a circuit.

    ``ways`` says how each is kept, ``slack`` has the weights of its own bits, which follow those of
    the form, constraint by constraint.
    """

    form: Form
    ways: tuple[Way, ...]
    slack: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, form: Form, asked: Inequality = "auto") -> Self:
        """Return the encoding of a form, in which inequalities are kept as asked.

        What cannot have slack, for its numbers are no multiples of one unit or reach too far, has
        the parabola.
        """
        spare = [_slack_of(each) for each in form.constraints]
        ways = tuple(
            _way(each, asked, can_slack=weights is not None)
            for each, weights in zip(form.constraints, spare, strict=True)
        )
        slack = tuple(
            weights if way == "slack" and weights else ()
            for way, weights in zip(ways, spare, strict=True)
        )
        return cls(form, ways, slack)

    @property
    def n_slack(self) -> int:
        """Bits of slack."""
        return sum(map(len, self.slack))

    @cached_property
    def space(self) -> Space:
        """The states of the circuit: those of the form, each with all values of the slack."""
        first = self.form.space.n_bits
        loose = (Group((bit,)) for bit in range(first, first + self.n_slack))
        return Space((*self.form.space.groups, *loose))

    @cached_property
    def _equalities(self) -> tuple[Constraint, ...]:
        """The constraints, those with slack as equalities over the bits of the circuit."""
        first, found = self.form.space.n_bits, []
        for each, way, weights in zip(self.form.constraints, self.ways, self.slack, strict=True):
            if way != "slack":
                found.append(each)
                continue
            unit, sign = _unit(each), -1 if each.sense == ">=" else 1
            own = tuple((first + k, float(sign * unit * w)) for k, w in enumerate(weights))
            bound = float(unit * _floor(each)) * sign
            found.append(Constraint(each.name, (*each.coefficients, *own), "==", bound))
            first += len(weights)
        return tuple(found)

    def distance(self) -> Real:
        """Return the sum of all P at all states, shape (n_states,); of parabolas the violation.

        0 is exact: where a constraint holds there is no rounding.
        """
        total = np.zeros(self.space.shape)
        for each, way in zip(self._equalities, self.ways, strict=True):
            violation = each.violations(self.space)
            total += violation**2 if way in ("square", "slack") else violation
        return total.ravel()

    def cost(self, weight: float, parabolas: tuple[tuple[float, float], ...]) -> Polynomial:
        """Return C over spins, less what is 0 or constant in every state of the space.

        Args:
            weight: of each P.
            parabolas: l1 and l2 of each constraint that has one, in their order.
        """
        objective = self.form.objective
        given = ((each.variables, each.coefficient) for each in objective.monomials)
        if objective.spins and not self.form.constraints:
            return Polynomial(objective.monomials, 0.0, spins=True)
        penalties = Polynomial.of(self._penalties(weight, iter(parabolas)))
        if objective.spins:
            inside = ((each.variables, each.coefficient) for each in penalties.in_spins().monomials)
            return Polynomial.of([*given, *inside], spins=True)
        rest = ((each.variables, each.coefficient) for each in penalties.monomials)
        kept = [each for each in (*given, *rest) if not self._never(each[0])]
        return Polynomial(Polynomial.of(kept).in_spins().monomials, 0.0, spins=True)

    def _never(self, variables: tuple[int, ...]) -> bool:
        """Return whether two of some bits are of one group of which exactly one is 1."""
        single = [set(group.bits) for group in self.space.groups if group.ones == 1]
        return any(len(bits.intersection(variables)) > 1 for bits in single)

    def _penalties(self, weight: float, parabolas: Iterator[tuple[float, float]]) -> Terms:
        for each, way in zip(self._equalities, self.ways, strict=True):
            if way == "product":
                yield from ((bits, weight * a) for bits, a in _violation_in_products(each))
            elif way == "unbalanced":
                straight, curved = next(parabolas)
                yield from _parabola(each, straight, curved)
            else:
                yield from _parabola(each, 0.0, weight)


def _way(constraint: Constraint, asked: Inequality, *, can_slack: bool) -> Way:
    if constraint.sense == "==":
        return "square"
    if asked == "auto" and len(constraint.coefficients) <= FEW_BITS:
        return "product"
    return "slack" if asked == "slack" and can_slack else "unbalanced"


def _unit(constraint: Constraint) -> Fraction:
    """Return the largest number that all coefficients are multiples of."""
    written = [Fraction(repr(a)) for _, a in constraint.coefficients]
    whole = lcm(*(each.denominator for each in written))
    return Fraction(gcd(*(int(each * whole) for each in written)), whole) or Fraction(1)


def _floor(constraint: Constraint) -> int:
    """Return the bound of a.x, or of -a.x, in whole units: what is kept is the same."""
    sign = -1 if constraint.sense == ">=" else 1
    return int(sign * Fraction(repr(constraint.bound)) / _unit(constraint) // 1)


MOST_SLACK = 24
"""Bits of slack of a constraint, beyond which it has none."""


def _slack_of(constraint: Constraint) -> tuple[int, ...] | None:
    """Return weights of bits whose sums are all that an inequality may leave; None: too many.

    >>> _slack_of(Constraint("", ((0, 3.0), (1, 2.0)), "<=", 6.0))
    (1, 2, 3)
    """
    sign, unit = -1 if constraint.sense == ">=" else 1, _unit(constraint)
    least = sum(min(0, int(sign * Fraction(repr(a)) / unit)) for _, a in constraint.coefficients)
    most = _floor(constraint) - least
    if most >= 1 << MOST_SLACK:
        return None
    weights: list[int] = []
    while most > 0:
        weights.append(min(1 << len(weights), most))
        most -= weights[-1]
    return tuple(weights)


def _parabola(constraint: Constraint, straight: float, curved: float) -> Terms:
    """Yield straight h + curved h^2, h = bound - a.x, in products of bits, less its constant."""
    slope = -straight - 2 * curved * constraint.bound
    for i, a in constraint.coefficients:
        yield (i,), a * (slope + curved * a)
    for (i, a), (j, b) in combinations(constraint.coefficients, 2):
        yield (i, j), 2 * curved * a * b


def _violation_in_products(constraint: Constraint) -> Terms:
    """Yield the violation in products of its bits: differences over their subsets, exactly."""
    bits = [i for i, _ in constraint.coefficients]
    alone = Constraint(
        constraint.name,
        tuple((k, a) for k, (_, a) in enumerate(constraint.coefficients)),
        constraint.sense,
        constraint.bound,
    )
    for chosen in product((0, 1), repeat=len(bits)):
        inside = product(*((0, 1) if bit else (0,) for bit in chosen))
        coefficient = sum(
            (-1) ** (sum(chosen) - sum(each)) * alone.violation(each) for each in inside
        )
        if coefficient and any(chosen):
            yield tuple(b for b, bit in zip(bits, chosen, strict=True) if bit), float(coefficient)


@dataclass(frozen=True)
class Encoded:
    """The diagonals of a form's circuit: what turns, and what is measured.

    ``weighing`` is that of the energies that are measured, as on the exact engine; ``weight`` and
    ``least`` are those of P, found by looking at all states of the circuit; ``rank`` is how many of
    its states are lower in C than the best answer.
    """

    encoding: Encoding
    landscape: Landscape
    weighing: Weighing
    weight: float
    least: float
    cost: Polynomial
    rank: int

    @classmethod
    def of(cls, encoding: Encoding, landscape: Landscape, asked: float | None) -> Self:
        """Return the diagonals of an encoding; ``asked`` weighs a unit of violation, or of P."""
        weighing = landscape.weighing(asked)
        extended = Landscape(
            Form(encoding.space, encoding.form.objective, encoding.form.constraints),
            np.repeat(landscape.objective, 1 << encoding.n_slack),
            encoding.distance(),
        )
        own = extended.weighing(asked)
        parabolas = _fitted(encoding, landscape, weighing)
        cost = encoding.cost(own.weight, parabolas)
        values = cost.over(encoding.space).ravel()
        inside = values.reshape(landscape.objective.size, -1)
        best = float(inside[landscape.best].min())
        rounding = 1e-9 * float(np.ptp(values))
        rank = int(np.count_nonzero(values < best - rounding))
        return cls(encoding, landscape, weighing, own.weight, own.least, cost, rank)

    @property
    def observable(self) -> Real:
        """E at all states of the circuit, less the objective's constant, shape (n_states,)."""
        energies = self.landscape.energies(self.weighing)
        return np.repeat(energies, 1 << self.encoding.n_slack)

    @property
    def turned(self) -> Real:
        """C at all states of the circuit, shape (n_states,)."""
        return self.cost.over(self.encoding.space).ravel()

    def circuit(self, mixer: Mixer) -> statevector.Circuit:
        """Return the circuit on the states, with numpy."""
        space = self.encoding.space
        return statevector.circuit_of(space, self.turned, self.observable, mixer=mixer)

    def of_answers(self, probabilities: Real) -> Real:
        """Return the probabilities of the form's states, whatever the slack is."""
        found: Real = probabilities.reshape(self.landscape.objective.size, -1).sum(axis=1)
        return found


def _fitted(
    encoding: Encoding, landscape: Landscape, weighing: Weighing
) -> tuple[tuple[float, float], ...]:
    """Return l1 and l2 of each parabola: together they are nearest to what violations cost."""
    curved = [
        each
        for each, way in zip(encoding.form.constraints, encoding.ways, strict=True)
        if way == "unbalanced"
    ]
    if not curved:
        return ()
    columns = [np.ones(landscape.objective.size)]
    target = np.zeros(landscape.objective.size)
    for each in curved:
        line = Polynomial.of([((i,), -a) for i, a in each.coefficients], each.bound)
        h = (line.over(encoding.form.space) + each.bound).ravel()
        columns += [h, h**2]
        target += weighing.weight * each.violations(encoding.form.space).ravel()
    if weighing.ceiling is not None:
        ceiling = weighing.ceiling - landscape.form.objective.constant
        target = np.minimum(target, np.maximum(ceiling - landscape.objective, 0.0))
    matrix = np.stack(columns, axis=1)
    found = np.linalg.lstsq(matrix.T @ matrix, matrix.T @ target, rcond=None)[0][1:].tolist()
    return tuple(zip(found[::2], found[1::2], strict=True))
