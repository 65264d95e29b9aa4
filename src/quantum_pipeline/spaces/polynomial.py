"""Polynomials of any order over bits or spins: at one assignment, and at all states of a space.

    f(v) = constant + sum_m coefficient_m prod_{i in m} v_i

Over bits v = x in {0, 1}; over spins v = s = 1 - 2 x in {+1, -1}, as in ``ising``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import combinations
from math import lcm, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces.groups import Space

Real = NDArray[np.float64]


class Monomial(NamedTuple):
    """A product of different variables, in ascending order, and its coefficient."""

    variables: tuple[int, ...]
    coefficient: float


@dataclass(frozen=True)
class Polynomial:
    """A sum of monomials, each set of variables once, and a constant."""

    monomials: tuple[Monomial, ...]
    constant: float = 0.0
    spins: bool = False

    @classmethod
    def of(
        cls,
        monomials: Iterable[tuple[Iterable[int], float]],
        constant: float = 0.0,
        *,
        spins: bool = False,
    ) -> Polynomial:
        """Return a sum of products as it was written: v v is v of a bit and 1 of a spin.

        Products of the same variables add up, each sum exact and rounded once; zeros are left out.

        >>> Polynomial.of([((1, 0, 1), 2.0), ((0, 1), 0.5), ((2, 2), 1.0)]).monomials
        (Monomial(variables=(0, 1), coefficient=2.5), Monomial(variables=(2,), coefficient=1.0))
        >>> Polynomial.of([((2, 2), 1.0)], spins=True).constant
        1.0
        """
        sums: defaultdict[tuple[int, ...], Fraction] = defaultdict(Fraction)
        sums[()] += Fraction(constant)
        for variables, coefficient in monomials:
            sums[_reduced(variables, spins=spins)] += Fraction(coefficient)
        total = float(sums.pop(()))
        kept = (Monomial(each, float(value)) for each, value in sorted(sums.items()) if value)
        return cls(tuple(kept), total, spins)

    def in_spins(self) -> Polynomial:
        """Return the same polynomial over spins, x = (1 - s) / 2.

        A product of r bits becomes 2^r products of spins.

        >>> Polynomial.of([((0, 1), 4.0)]).in_spins().monomials[-1]
        Monomial(variables=(1,), coefficient=-1.0)
        """
        if self.spins:
            return self
        products = (
            (chosen, (-1) ** r * coefficient / 2 ** len(variables))
            for variables, coefficient in self.monomials
            for r in range(len(variables) + 1)
            for chosen in combinations(variables, r)
        )
        return Polynomial.of(products, self.constant, spins=True)

    @property
    def order(self) -> int:
        """Most variables of one product; 0 of a constant."""
        return max((len(each.variables) for each in self.monomials), default=0)

    def value(self, bits: Sequence[int]) -> Fraction:
        """Return f at one assignment, exactly; coefficients are the decimals that were written.

        >>> Polynomial.of([((0, 1), 0.1), ((1,), 0.2)]).value([1, 1])
        Fraction(3, 10)
        """
        values = [1 - 2 * bit for bit in bits] if self.spins else list(bits)
        products = (
            Fraction(repr(coefficient)) * prod(values[i] for i in variables)
            for variables, coefficient in self.monomials
        )
        return sum(products, Fraction(repr(self.constant)))

    def at(self, bits: Sequence[int] | str) -> float:
        """Return f at one assignment, its exact sum rounded once; never -0."""
        return float(self.value([int(bit) for bit in bits])) + 0.0

    def numerators(self, bits: NDArray[np.int8]) -> NDArray[np.object_]:
        """Return f less its constant at many assignments, exactly, times one number for all.

        Args:
            bits: shape (assignments, n).

        Returns:
            Python's integers, shape (assignments,).

        >>> f = Polynomial.of([((0,), 0.1), ((1,), 0.2), ((2,), 0.3)])
        >>> f.numerators(np.array([[1, 1, 0], [0, 0, 1]], dtype=np.int8)).tolist()
        [3, 3]
        """
        decimals = [Fraction(repr(each.coefficient)) for each in self.monomials]
        unit = lcm(*(each.denominator for each in decimals))
        values = 1 - 2 * bits if self.spins else bits
        total = np.zeros(len(bits), dtype=object)
        for (variables, _), decimal in zip(self.monomials, decimals, strict=True):
            products = values[:, list(variables)].prod(axis=1, dtype=np.int64)
            total += int(decimal * unit) * products.astype(object)
        return total

    def over(self, space: Space) -> Real:
        """Return f less its constant at all states, shape ``space.shape``, as floats.

        Products of the same groups are summed before they are spread over the others. Cost: one
        pass over the states for each set of groups that share a product.
        """
        place = {
            bit: (g, k) for g, group in enumerate(space.groups) for k, bit in enumerate(group.bits)
        }
        by_groups: dict[tuple[int, ...], Real] = {}
        for variables, coefficient in self.monomials:
            of_group: defaultdict[int, list[int]] = defaultdict(list)
            for variable in variables:
                g, k = place[variable]
                of_group[g].append(k)
            involved = tuple(sorted(of_group))
            factors = [_levels(space, g, of_group[g], spins=self.spins) for g in involved]
            product = reduce(np.multiply.outer, factors) * coefficient
            by_groups[involved] = (
                by_groups[involved] + product if involved in by_groups else product
            )
        total = np.zeros(space.shape)
        for involved, values in by_groups.items():
            total += values.reshape([n if g in involved else 1 for g, n in enumerate(space.shape)])
        return total


def _reduced(variables: Iterable[int], *, spins: bool) -> tuple[int, ...]:
    found: set[int] = set()
    for variable in variables:
        if spins:
            found ^= {variable}
        else:
            found.add(variable)
    return tuple(sorted(found))


def _levels(space: Space, group: int, columns: Sequence[int], *, spins: bool) -> Real:
    """Return the product of some of a group's bits, or spins, at each of its levels."""
    patterns = space.groups[group].patterns[:, columns].astype(np.float64)
    found: Real = (1 - 2 * patterns if spins else patterns).prod(axis=1)
    return found
