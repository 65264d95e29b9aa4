"""Recursive QAOA: the strongest correlation of the state fixes a variable, and again, to the end.

At the best angles the largest of |<Z_i Z_j>| over the couplings and |<Z_i>| over the variables says
that s_j = sgn(<Z_i Z_j>) s_i, or s_i = sgn(<Z_i>). With that the problem is an Ising model of one
variable less, whose energies are those of the problem under all that was fixed. What is left at the
end is enumerated. Only correlations are needed, so the problem may be far too large to sample.

Source: Bravyi, Kliesch, Koenig, Tang, arXiv:1910.08980.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hybrid_job.correlations.exact import (
    Correlations,
    State,
    exact_correlations,
    exact_or_shallower,
)
from hybrid_job.correlations.lightcone import LightCones
from hybrid_job.engines.statevector import Qaoa
from hybrid_job.optimising import optimiser
from hybrid_job.rounding.reduced import Reduced
from quantum_pipeline.cones import Cone
from quantum_pipeline.ising import IsingModel, energy_of
from quantum_pipeline.results import Elimination

Real = NDArray[np.float64]

ENUMERATED = 12
"""Variables left at the end, to be enumerated."""

EVERY = 4
"""Rounds from one optimisation of the angles to the next; correlations are new in every round."""

AT_ONCE = 500
"""Variables for each of which a round fixes one more than the first: so thousands end in time."""

ROUND = 2.0**21
"""Most numbers of one energy after the first round, a tenth of a second: else depth is less."""

TIE = 9
"""Decimals to which equal correlations are equal: of those the first variables are taken."""


@dataclass
class Rounding:
    """The solution of recursive QAOA and how it came to be; energies include the offset.

    ``angles``, shape (2, depth), and ``mean_energy`` are those of the whole problem. ``history``
    has (optimisation, energy) of each evaluation: the first optimisation is of the whole problem,
    each further one of what is left.
    """

    bitstring: str
    energy: float
    angles: Real
    mean_energy: float
    eliminations: list[Elimination]
    enumerated: int
    history: list[tuple[int, float]]
    converged: bool
    sentence: str


@dataclass
class _Angles:
    """Angles by depth, optimised from where the last ones were, within one budget."""

    max_evaluations: int
    deadline: float
    progress: Callable[[float], None]
    starts: dict[int, list[Real]]
    history: list[tuple[int, float]] = field(default_factory=list)
    optimisations: int = 0
    stopped: str = ""

    def optimise(self, engine: Correlations, model: IsingModel, offset: float) -> optimiser.Optimum:
        """Return the optimum of what is left, or its start where the budget is used up."""
        unit = optimiser.typical_field(model)
        starts = self.starts.get(engine.depth)
        if starts is None:
            starts = optimiser.starting_points(engine.depth, 1, unit, np.random.default_rng(0))
        left = self.max_evaluations - len(self.history)
        if self.history and (left < 1 or time.monotonic() > self.deadline):
            self.starts[engine.depth] = starts[:1]
            return optimiser.Optimum(starts[0])
        self.optimisations += 1

        def evaluate(angles: Real) -> tuple[float, Real]:
            energy, gradient = engine.energy_and_gradient(angles)
            self.history.append((self.optimisations, offset + energy))
            self.progress(offset + energy)
            return energy, gradient

        found = optimiser.minimise(
            evaluate, starts, unit=unit, max_evaluations=left, deadline=self.deadline
        )
        self.starts[engine.depth] = [found.angles]
        if found.stop_reason.startswith(("algorithm.", "limits.")):
            self.stopped = f" ({found.stop_reason})"
        return found

    def in_words(self) -> str:
        """Return what was optimised, and what stopped it."""
        times = f"{self.optimisations} time{'s' * (self.optimisations > 1)}"
        return f"angles optimised {times} in {len(self.history)} evaluations{self.stopped}"


class _Memory:
    """The means of light cones at the last angles: an elimination changes few of them."""

    def __init__(self) -> None:
        self._at = b""
        self._known: dict[Cone, float] = {}

    def correlations(
        self, state: Correlations, angles: Real
    ) -> tuple[Real, dict[tuple[int, int], float]]:
        if not isinstance(state, LightCones):
            return state.correlations(angles)
        if angles.tobytes() != self._at:
            self._at, self._known = angles.tobytes(), {}
        return state.correlations(angles, known=self._known)


def solve(
    model: IsingModel,
    depth: int,
    starts: Sequence[Real],
    *,
    max_evaluations: int,
    deadline: float,
    progress: Callable[[float], None] = lambda _: None,
    engine: Callable[[Real], State] = Qaoa,
    enumerated: int = ENUMERATED,
    every: int = EVERY,
) -> Rounding:
    """Return the solution that the correlations of QAOA lead to.

    Args:
        model: the problem; its state vector or its light cones must fit at ``depth``.
        depth: layers. In rounds where the cones of what is left do not fit, fewer are used.
        starts: angles to start the first optimisation from, in the problem's units.
        max_evaluations: of energy and gradient, over all rounds; then angles stay as they are.
        deadline: time of ``time.monotonic`` after which the last correlations fix all.
        progress: called with each energy, offset included.
        engine: makes the engine of whole states from their energies, shape (2^n,).
        enumerated: variables to leave for the end.
        every: rounds from one optimisation to the next.

    Raises:
        InvalidRequest: neither the whole state nor light cones fit.
    """
    reduced, eliminations = Reduced(model), list[Elimination]()
    angles = _Angles(max_evaluations, deadline, progress, {depth: list(starts)})
    memory = _Memory()
    first = None
    rounds, shallower = 0, 0
    while first is None or len(reduced.variables) > enumerated:
        left = reduced.model()
        state = (
            exact_or_shallower(left, depth, engine, ROUND)
            if first
            else exact_correlations(left, depth, engine)
        )
        shallower += state.depth < depth
        if rounds % every == 0 or state.depth not in angles.starts:
            found = angles.optimise(state, left, reduced.offset)
            first = first or found
        rounds += 1
        _eliminate(
            reduced,
            *memory.correlations(state, angles.starts[state.depth][0]),
            enumerated=enumerated,
            at_once=0 if time.monotonic() > deadline else 1 + len(reduced.variables) // AT_ONCE,
            eliminations=eliminations,
        )
    enumerated = len(reduced.variables)
    reduced.enumerate_rest()
    bitstring = reduced.bitstring()
    return Rounding(
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        angles=first.angles,
        mean_energy=model.offset + first.energy,
        eliminations=eliminations,
        enumerated=enumerated,
        history=angles.history,
        converged=first.converged,
        sentence=(
            f"recursive QAOA: {len(eliminations)} variables were fixed by correlations at depth "
            f"{depth} in {rounds} rounds, the last {enumerated} enumerated; {angles.in_words()}"
            + (
                f"; depth was less in {shallower} rounds, where it took too much"
                if shallower
                else ""
            )
        ),
    )


def _eliminate(
    reduced: Reduced,
    means: Real,
    pairs: dict[tuple[int, int], float],
    *,
    enumerated: int,
    at_once: int,
    eliminations: list[Elimination],
) -> None:
    """Fix the variables of the strongest correlations, ``at_once`` or, if 0, all but the last."""
    names = reduced.variables
    terms: list[tuple[float, tuple[int, ...]]] = [
        (value, (names[i], names[j])) for (i, j), value in pairs.items()
    ]
    terms += [(value, (v,)) for v, value in zip(names, means.tolist(), strict=True)]
    terms.sort(key=lambda term: (-round(abs(term[0]), TIE), term[1]))
    goal = max(enumerated, len(names) - at_once if at_once else 0)
    for value, variables in terms:
        if len(reduced.variables) <= goal:
            break
        ends = [reduced.standing(v) for v in variables]
        variable, sign = ends[-1]
        partner, relative = ends[0] if len(ends) == 2 else (None, 1)
        if variable is None or variable == partner or (len(ends) == 2 and partner is None):
            continue
        correlation = value * sign * relative
        reduced.fix(variable, 1 if correlation >= 0 else -1, partner)
        eliminations.append(
            Elimination(variable=variable, partner=partner, correlation=correlation)
        )
    for v in reduced.free():
        reduced.fix(v, 1)
        eliminations.append(Elimination(variable=v, partner=None, correlation=0.0))
