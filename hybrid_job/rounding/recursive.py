"""Recursive QAOA: the strongest correlation fixes a variable, again and again until none is left.

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
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid_job.correlations.exact import (
    Correlations,
    State,
    exact_correlations,
    exact_or_shallower,
)
from hybrid_job.correlations.lightcone import LightCones
from hybrid_job.optimising import optimiser
from quantum_pipeline.ising import IsingModel, energy_of
from quantum_pipeline.ising.cones import Cone
from quantum_pipeline.ising.reduced import ENUMERATED
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.requests.limits import Limit
from quantum_pipeline.results import Elimination
from quantum_pipeline.results.fixing import Fixing, strongest_first

Real = NDArray[np.float64]

Kept = Callable[[Callable[[], optimiser.Optimum | None]], optimiser.Optimum | None]
"""Gives the outcome of an optimisation: None where nothing was left to optimise with."""

EVERY = 4
"""Rounds from one optimisation of the angles to the next; correlations are new in every round."""

AT_ONCE = 500
"""Variables for each of which a round fixes one more than the first: so thousands end in time."""

ROUND = 2.0**21
"""Most numbers of one energy after the first round, a tenth of a second: else depth is less."""


@dataclass
class Rounding:
    """The solution of recursive QAOA and how it came to be; energies include the offset.

    ``angles``, shape (2, depth), and ``mean_energy`` are those of the whole problem. ``history``
    has (optimisation, energy) of each evaluation: the first optimisation is of the whole problem,
    each further one of what is left. ``stopped_by`` is the limit that ended one of them.
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
    stopped_by: Limit | None


@dataclass
class _Angles:
    """Angles by depth, optimised from where the last ones were, within one budget."""

    max_evaluations: int
    deadline: float
    progress: Callable[[float], None]
    starts: dict[int, list[Real]]
    kept: Kept
    history: list[tuple[int, float]] = field(default_factory=list)
    optima: list[optimiser.Optimum] = field(default_factory=list)
    stopped: str = ""
    stopped_by: Limit | None = None

    def optimise(self, engine: Correlations, model: IsingModel, offset: float) -> None:
        """Find the angles of what is left; where the budget is used up its start is kept."""
        unit = optimiser.typical_field(model)
        starts = self.starts.get(engine.depth)
        if starts is None:
            starts = optimiser.starting_points(engine.depth, 1, unit, np.random.default_rng(0))
        found = self.kept(lambda: self._minimised(engine, starts, unit, offset))
        if found is None:
            self.starts[engine.depth] = starts[:1]
            return
        self.optima.append(found)
        number = len(self.optima)
        self.history += [(number, offset + energy) for _, energy in found.history]
        self.starts[engine.depth] = [found.angles]
        if found.stopped_by is not None:
            self.stopped, self.stopped_by = f" ({found.stop_reason})", found.stopped_by

    def _minimised(
        self, engine: Correlations, starts: list[Real], unit: float, offset: float
    ) -> optimiser.Optimum | None:
        left = self.max_evaluations - len(self.history)
        if self.history and (left < 1 or time.monotonic() > self.deadline):
            return None
        return optimiser.minimise(
            self._told(engine, offset),
            starts,
            unit=unit,
            max_evaluations=left,
            deadline=self.deadline,
        )

    def _told(self, engine: Correlations, offset: float) -> optimiser.Evaluate:
        """Return the engine's energies, each of which is logged."""

        def told(angles: Real) -> tuple[float, Real]:
            energy, gradient = engine.energy_and_gradient(angles)
            self.progress(offset + energy)
            return energy, gradient

        return told

    def in_words(self) -> str:
        """Return what was optimised, and what stopped it."""
        times = f"{len(self.optima)} time{'s' * (len(self.optima) > 1)}"
        return f"angles optimised {times} in {len(self.history)} evaluations{self.stopped}"


class Step(Protocol):
    """What a round does once its angles are there."""

    def __call__(self, fixing: Fixing, state: Correlations, angles: Real, /) -> None:
        """Fix variables of what is left, by correlations of the state at these angles."""


class _Exactly:
    """Fixes by exact correlations, after the deadline all but the last variables.

    It knows the means of light cones at the last angles: an elimination changes few of them.
    """

    def __init__(self, enumerated: int, deadline: float) -> None:
        self._enumerated, self._deadline = enumerated, deadline
        self._at = b""
        self._known: dict[Cone, float] = {}

    def __call__(self, fixing: Fixing, state: Correlations, angles: Real) -> None:
        means, pairs = self.correlations(state, angles)
        names = fixing.reduced.variables
        fixing.eliminate(strongest_first(names, means, pairs), self._goal(len(names)))

    def _goal(self, n: int) -> int:
        """Return how many of n variables a round leaves: after the deadline only the last ones."""
        if time.monotonic() > self._deadline:
            return self._enumerated
        return max(self._enumerated, n - 1 - n // AT_ONCE)

    def correlations(
        self, state: Correlations, angles: Real
    ) -> tuple[Real, dict[tuple[int, int], float]]:
        """Return <Z_i> of each variable, and <Z_i Z_j> of each coupled pair."""
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
    step: Step | None = None,
    kept: Kept = lambda make: make(),
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
        step: fixes the variables of a round; by default by exact correlations.
        kept: returns what an earlier attempt found in an optimisation, or has it made and kept.

    Raises:
        InvalidRequest: neither the whole state nor light cones fit.
    """
    angles = _Angles(max_evaluations, deadline, progress, {depth: list(starts)}, kept)
    step = step or _Exactly(enumerated, deadline)
    rounds = _Rounds(model, depth, engine, angles, step, every=every)
    rounds.play()
    while len(rounds.fixing.reduced.variables) > enumerated:
        rounds.play()
    left = len(rounds.fixing.reduced.variables)
    rounds.fixing.reduced.enumerate_rest()
    bitstring, first = rounds.fixing.reduced.bitstring(), angles.optima[0]
    return Rounding(
        bitstring=bitstring,
        energy=energy_of(model, bitstring),
        angles=first.angles,
        mean_energy=model.offset + first.energy,
        eliminations=rounds.fixing.eliminations,
        enumerated=left,
        history=angles.history,
        converged=first.converged,
        stopped_by=angles.stopped_by,
        sentence=f"{rounds.in_words()}, the last {left} enumerated; {angles.in_words()}"
        f"{rounds.shallower_in_words()}",
    )


class _Rounds:
    """One round after the other: correlations of what is left, and the variables that they fix."""

    def __init__(
        self,
        model: IsingModel,
        depth: int,
        engine: Callable[[Real], State],
        angles: _Angles,
        step: Step,
        *,
        every: int,
    ) -> None:
        self._depth, self._engine, self._angles = depth, engine, angles
        self._step, self._every = step, every
        self._played = self._shallower = 0
        self.fixing = Fixing(model)

    def play(self) -> None:
        """Fix the variables of one round."""
        left = self.fixing.reduced.model()
        state = self._correlations(left)
        self._shallower += state.depth < self._depth
        if self._played % self._every == 0 or state.depth not in self._angles.starts:
            self._angles.optimise(state, left, self.fixing.reduced.offset)
        self._played += 1
        self._step(self.fixing, state, self._angles.starts[state.depth][0])

    def in_words(self) -> str:
        """Return what was fixed, and how."""
        fixed = len(self.fixing.eliminations)
        return (
            f"recursive QAOA: {fixed} variables were fixed by correlations at depth {self._depth} "
            f"in {self._played} rounds"
        )

    def shallower_in_words(self) -> str:
        """Return in how many rounds depth was less; nothing where it never was."""
        if not self._shallower:
            return ""
        return f"; depth was less in {self._shallower} rounds, where it took too much"

    def _correlations(self, left: IsingModel) -> Correlations:
        """Return the engine of a round: after the first, of no more depth than is fast."""
        if self._played:
            return exact_or_shallower(left, self._depth, self._engine, ROUND)
        return exact_correlations(left, self._depth, self._engine)
