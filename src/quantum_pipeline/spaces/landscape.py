"""The energies of a form's states: objective, penalty, ceiling, and which states are best.

    E = min(objective + weight violation, ceiling)

An infeasible state costs its violation, and no state more than the worst feasible one or, if that
is more, the median of all: what is hopeless alike turns alike, and sets no scale for what is not.
The weight is chosen by looking at all states: the ``least`` with which no infeasible one is as low
as the best feasible one, times MARGIN.

Which objectives are lower is decided exactly where floats are too near to each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.spaces.form import Form
from quantum_pipeline.spaces.groups import Space
from quantum_pipeline.spaces.polynomial import Polynomial

Real = NDArray[np.float64]
Places = NDArray[np.intp]

MARGIN = 2.0
"""Weight in units of the least one."""

ROUNDING = 1e-9
"""Of a weight, in parts of a usual one."""


@dataclass(frozen=True)
class Weighing:
    """The weight of a unit of violation, the least that will do, and the most that a state costs.

    ``ceiling`` is an objective, constant included, None where there is none.
    """

    weight: float
    least: float
    ceiling: float | None


@dataclass(frozen=True)
class Landscape:
    """Objective and violation of all states of a form, each of shape (n_states,).

    ``objective`` is minimised, and less the polynomial's constant.
    """

    form: Form
    objective: Real = field(repr=False)
    violation: Real = field(repr=False)

    @classmethod
    def of(cls, form: Form) -> Self:
        """Return a form's landscape. Cost: some passes over the states for each constraint."""
        return cls(form, form.objective.over(form.space).ravel(), form.violations().ravel())

    @cached_property
    def feasible(self) -> NDArray[np.bool_]:
        """Which states break no constraint."""
        feasible: NDArray[np.bool_] = self.violation == 0.0
        return feasible

    @cached_property
    def best(self) -> Places:
        """The best feasible states, all that are exactly equal; none where none is feasible."""
        return self.lowest(np.flatnonzero(self.feasible))

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest objective of feasible states, constant included."""
        places = np.flatnonzero(self.feasible)
        highest = places[self.objective[places].argmax()]
        lowest, highest = self.form.space.bits([int(self.best[0]), int(highest)]).tolist()
        return self.form.objective.at(lowest), self.form.objective.at(highest)

    def lowest(self, places: Places) -> Places:
        """Return those of lowest objective, exactly; none of none."""
        polynomial = self.form.objective
        if not len(places):
            return places
        values = self.objective[places]
        rounding = _rounding(polynomial)
        near: Places = places[values <= values.min() + 2 * rounding]
        if rounding and len(near) > 1:
            numerators = polynomial.numerators(self.form.space.bits(near))
            near = near[numerators == numerators.min()]
        return near

    def weighing(self, asked: float | None = None) -> Weighing:
        """Return the weight of violations: as asked, or chosen.

        The least is the largest (best - objective) / violation of infeasible states. Where that is
        0, but for rounding, the objective by itself leads to no infeasible state: then the largest
        violation costs the objective's range, or, of a constant one, each unit costs 1.
        """
        if not self.form.constraints:
            return Weighing(0.0, 0.0, None)
        broken, (lowest, highest) = ~self.feasible, self.ends
        if not broken.any():
            return Weighing(1.0 if asked is None else asked, 0.0, None)
        best = self.objective[self.best[0]]
        gains = (best - self.objective[broken]) / self.violation[broken]
        least = max(0.0, float(gains.max()))
        span = float(np.ptp(self.objective))
        usual = span / float(self.violation.max()) if span else 1.0
        chosen = MARGIN * least if least > ROUNDING * usual else usual
        weight = chosen if asked is None else asked
        if highest == lowest:
            return Weighing(weight, least, None)
        median = float(np.median(self.objective + weight * self.violation))
        return Weighing(weight, least, max(highest, self.form.objective.constant + median))

    def energies(self, weighing: Weighing) -> Real:
        """Return E of all states, less the polynomial's constant."""
        if not self.form.constraints:
            return self.objective
        penalised = self.objective + weighing.weight * self.violation
        if weighing.ceiling is None:
            return penalised
        return np.minimum(penalised, weighing.ceiling - self.form.objective.constant)


def typical_field(space: Space, energies: Real) -> float:
    """Return the unit of gammas: the standard deviation of E along a group, root mean square.

    Of free bits it is that of ``ising.typical_field``. Exactly k of n counts as min(k, n - k)
    groups, for so many exchanges take any level to any other. It is 1 where E is constant.

    Args:
        space: the states.
        energies: E of all states, shape (n_states,).
    """
    grid, square, moves = energies.reshape(space.shape), 0.0, 0
    for axis, group in enumerate(space.groups):
        square += float(grid.var(axis=axis).mean())
        moves += 1 if group.ones is None else min(group.ones, len(group.bits) - group.ones)
    return math.sqrt(square / moves) if square else 1.0


def _rounding(polynomial: Polynomial) -> float:
    """Return how far a float of the polynomial may be off; 0 where all its sums are integers."""
    coefficients = [each.coefficient for each in polynomial.monomials]
    total = sum(map(abs, coefficients))
    if total < 2**53 and all(each.is_integer() for each in coefficients):
        return 0.0
    return float((len(coefficients) + 4) * np.finfo(np.float64).eps * total)
