"""Fixes variables of an Ising problem by the signs of correlations, the strongest first.

The job rounds so, and what it says of that is verified by doing it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.cutting.reconstruction import Expectation, Reconstruction
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.reduced import Reduced
from quantum_pipeline.results.optimisation import Elimination

Real = NDArray[np.float64]

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


def strongest_first(
    names: Sequence[int], means: Real, pairs: Mapping[tuple[int, int], float]
) -> list[Term]:
    """Return all correlations, the largest first; ``names`` are those of the variables."""
    terms: list[Term] = [(value, (names[i], names[j])) for (i, j), value in pairs.items()]
    terms += [(value, (v,)) for v, value in zip(names, means.tolist(), strict=True)]
    return _ranked([(abs(value), (value, variables)) for value, variables in terms])


def measured_terms(names: Sequence[int], model: IsingModel, found: Reconstruction) -> list[Term]:
    """Return the correlations of a model that counts are put together to, the surest first.

    They go by their size less their standard error: of two as large, the better known one counts.
    Put together from shots, one may be larger than any is: it is as sure as can be. Without fields
    all <Z_i> are 0, whatever was measured, and come last.
    """
    measured: dict[tuple[int, ...], Expectation] = {
        (names[i], names[j]): each for (i, j), each in found.correlations().items()
    }
    terms: list[tuple[float, Term]] = []
    if any(model.fields):
        measured |= {(v,): each for v, each in zip(names, found.means(), strict=True)}
    else:
        terms += [(-math.inf, (0.0, (v,))) for v in names]
    for variables, each in measured.items():
        value = min(1.0, max(-1.0, each.value))
        terms.append((abs(value) - each.error, (value, variables)))
    return _ranked(terms)


def _ranked(terms: list[tuple[float, Term]]) -> list[Term]:
    """Return terms by their ranks' figures, the largest first; of equals by their variables."""
    terms.sort(key=lambda each: -each[0])
    falls = (one[0] - next_[0] > TIE for one, next_ in pairwise(terms))
    ranks = accumulate(falls, initial=0)  # equals share one, wherever their last digits end
    ordered = zip(ranks, (term for _, term in terms), strict=True)
    return [term for _, term in sorted(ordered, key=lambda each: (each[0], each[1][1]))]
