"""The form of a problem with constraints: what is minimised, where, and what must hold.

A constraint is linear,  sum_i a_i x_i  <=, >= or ==  bound;  its violation is by how much it fails:

    <=   max(0, a.x - bound)        >=   max(0, bound - a.x)        ==   |a.x - bound|

Constraints that groups keep by themselves (exactly one, exactly k of n) are not among them: no
state of the space breaks those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces.groups import Space
from quantum_pipeline.spaces.polynomial import Monomial, Polynomial

Real = NDArray[np.float64]
Sense = Literal["<=", ">=", "=="]


@dataclass(frozen=True)
class Constraint:
    """A linear constraint on bits, by the user's name of it."""

    name: str
    coefficients: tuple[tuple[int, float], ...]
    sense: Sense
    bound: float

    def violation(self, bits: Sequence[int]) -> Fraction:
        """Return by how much an assignment breaks it, exactly; 0 where it holds.

        >>> Constraint("weight", ((0, 0.1), (1, 0.2)), "<=", 0.25).violation([1, 1])
        Fraction(1, 20)
        """
        parts = (Fraction(repr(a)) * bits[i] for i, a in self.coefficients)
        excess = sum(parts, -Fraction(repr(self.bound)))
        return abs(excess) if self.sense == "==" else max(Fraction(0), excess * self._sign)

    def kept(self, bits: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return of each assignment, a row of ``bits``, whether it holds, exactly.

        >>> tenths = Constraint("weight", ((0, 0.1), (1, 0.2), (2, 0.4)), "<=", 0.3)
        >>> tenths.kept(np.array([[1, 1, 0], [0, 0, 1]], dtype=np.int8)).tolist()
        [True, False]
        """
        written = [*(Fraction(repr(a)) for _, a in self.coefficients), Fraction(repr(self.bound))]
        unit = lcm(*(each.denominator for each in written))
        *whole, bound = (int(each * unit) for each in written)
        excess = np.full(len(bits), -bound, dtype=object)
        for (i, _), coefficient in zip(self.coefficients, whole, strict=True):
            excess += coefficient * bits[:, i].astype(object)
        broken = excess != 0 if self.sense == "==" else excess * self._sign > 0
        kept: NDArray[np.bool_] = ~broken.astype(np.bool_)
        return kept

    def violations(self, space: Space) -> Real:
        """Return the violation at all states, shape ``space.shape``, as floats.

        What differs from 0 by the rounding of its sum alone is 0.
        """
        total = Polynomial(tuple(Monomial((i,), a) for i, a in self.coefficients if a)).over(space)
        excess = total - self.bound
        excess = np.abs(excess) if self.sense == "==" else excess * self._sign
        scale = sum(abs(a) for _, a in self.coefficients) + abs(self.bound)
        rounding = (len(self.coefficients) + 2) * np.finfo(np.float64).eps * scale
        return np.where(excess > rounding, excess, 0.0)

    @property
    def _sign(self) -> int:
        return -1 if self.sense == ">=" else 1


@dataclass(frozen=True)
class Form:
    """Minimise ``objective`` over the states of ``space`` that break none of ``constraints``.

    Of a problem that is maximised, ``objective`` is its negative.
    """

    space: Space
    objective: Polynomial
    constraints: tuple[Constraint, ...] = ()

    def feasible(self, bits: Sequence[int]) -> bool:
        """Return whether an assignment keeps the groups' rules and all constraints, exactly."""
        return self.space.holds(bits) and not any(each.violation(bits) for each in self.constraints)

    def kept(self, bits: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return of each assignment that keeps the groups' rules whether it is feasible, exactly.

        ``bits`` has a row for each.
        """
        kept = np.ones(len(bits), dtype=np.bool_)
        for each in self.constraints:
            kept &= each.kept(bits)
        return kept

    def best_of(self, bitstrings: Iterable[str]) -> str | None:
        """Return the best feasible one of some bitstrings, of equals the lowest as a number.

        None where none is feasible. What breaks a group's rule is not.
        """
        names = np.array(sorted(bitstrings))
        rows = np.array([[int(bit) for bit in each] for each in names], dtype=np.int8)
        feasible = (self.space.numbers(rows) >= 0) & self.kept(rows)
        if not feasible.any():
            return None
        return str(names[feasible][self.objective.numerators(rows[feasible]).argmin()])

    def violations(self) -> Real:
        """Return the sum of all violations at all states, shape ``space.shape``."""
        return sum(
            (each.violations(self.space) for each in self.constraints), np.zeros(self.space.shape)
        )
