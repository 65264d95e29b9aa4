"""Fixes variables of an Ising problem by the signs of correlations, the strongest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_job.classical.reduced import Reduced
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.results import Elimination

Real = NDArray[np.float64]

ENUMERATED = 12
"""Variables left at the end, to be enumerated."""

TIE = 1e-9
"""Difference of equal correlations, which is rounding: of those the first variables are taken."""

Term = tuple[float, tuple[int, ...]]
"""A correlation, and the one or two variables that it is of."""


class Fixing:
    """A problem whose variables are fixed, and how each was."""

    def __init__(self, model: IsingModel) -> None:
        self.reduced, self.eliminations = Reduced.of(model), list[Elimination]()

    def eliminate(self, terms: Iterable[Term], goal: int) -> None:
        """Fix variables by the terms, in their order, and those that no energy depends on."""
        for value, variables in terms:
            if len(self.reduced.variables) <= goal:
                break
            self._fix(value, variables)
        for v in self.reduced.free():
            self.reduced.fix(v, 1)
            self.eliminations.append(Elimination(variable=v, partner=None, correlation=0.0))

    def _fix(self, value: float, variables: tuple[int, ...]) -> None:
        """Fix the last variable of a term by its sign, unless earlier terms have decided that."""
        ends = [self.reduced.standing(v) for v in variables]
        variable, sign = ends[-1]
        partner, relative = ends[0] if len(ends) == 2 else (None, 1)
        if variable is None or variable == partner or (len(ends) == 2 and partner is None):
            return
        correlation = value * sign * relative
        self.reduced.fix(variable, -1 if correlation < -TIE else 1, partner)
        self.eliminations.append(
            Elimination(variable=variable, partner=partner, correlation=correlation)
        )


class Rounded(NamedTuple):
    """A bitstring, what was fixed on the way, and how many variables were enumerated at last."""

    bitstring: str
    eliminations: tuple[Elimination, ...]
    enumerated: int


def rounded(
    model: IsingModel,
    means: Real,
    pairs: Mapping[tuple[int, int], float],
    enumerated: int = ENUMERATED,
) -> Rounded:
    """Return what correlations round to that are measured but once, of the whole problem.

    Args:
        model: the problem.
        means: <Z_i> of each variable, shape (n,).
        pairs: <Z_i Z_j> of each coupled pair.
        enumerated: variables to leave for the end, whose best bits are enumerated.
    """
    fixing = Fixing(model)
    fixing.eliminate(strongest_first(range(model.n_variables), means, pairs), enumerated)
    left = len(fixing.reduced.variables)
    fixing.reduced.enumerate_rest()
    return Rounded(fixing.reduced.bitstring(), tuple(fixing.eliminations), left)


def strongest_first(
    names: Sequence[int], means: Real, pairs: Mapping[tuple[int, int], float]
) -> list[Term]:
    """Return all correlations, the largest first; ``names`` are those of the variables."""
    terms: list[Term] = [(value, (names[i], names[j])) for (i, j), value in pairs.items()]
    terms += [(value, (v,)) for v, value in zip(names, means.tolist(), strict=True)]
    terms.sort(key=lambda term: -abs(term[0]))
    falls = (abs(one[0]) - abs(next_[0]) > TIE for one, next_ in pairwise(terms))
    ranks = accumulate(falls, initial=0)  # equals share one, wherever their last digits end
    ranked = sorted(zip(ranks, terms, strict=True), key=lambda each: (each[0], each[1][1]))
    return [term for _, term in ranked]
