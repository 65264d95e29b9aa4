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

from hybrid_job import optimiser
from hybrid_job.correlations import Correlations, State, exact_correlations, exact_or_shallower
from hybrid_job.lightcone import LightCones
from hybrid_job.statevector import Qaoa
from quantum_pipeline.cones import Cone
from quantum_pipeline.ising import IsingModel, all_energies, energy_of
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


class Reduced:
    """An Ising model some of whose spins are fixed, for good or relative to others."""

    def __init__(self, model: IsingModel) -> None:
        self._model = model
        self._fields = dict(enumerate(model.fields))
        self._near: dict[int, dict[int, float]] = {v: {} for v in self._fields}
        for i, j, coupling in model.couplings:
            self._near[i][j] = self._near[j][i] = coupling
        self.offset = model.offset
        self._links: dict[int, tuple[int | None, int]] = {}
        self._zero = 1e-12 * optimiser.typical_field(model)

    @property
    def variables(self) -> list[int]:
        """Variables that are left."""
        return list(self._fields)

    def model(self) -> IsingModel:
        """Return the problem that is left, without its offset: variable k is variables[k]."""
        at = {v: k for k, v in enumerate(self._fields)}
        couplings = (
            (at[i], at[j], coupling)
            for i, near in self._near.items()
            for j, coupling in near.items()
            if i < j
        )
        return IsingModel.from_spins(list(self._fields.values()), couplings)

    def free(self) -> list[int]:
        """Return the variables on which no energy depends any more."""
        return [v for v, near in self._near.items() if not near and not self._fields[v]]

    def standing(self, v: int) -> tuple[int | None, int]:
        """Return the variable left that v follows, None where it is fixed, and its sign."""
        sign = 1
        while v in self._links:
            following, relative = self._links[v]
            sign *= relative
            if following is None:
                return None, sign
            v = following
        return v, sign

    def fix(self, v: int, sign: int, partner: int | None = None) -> None:
        """Set s_v = sign, or s_v = sign * s_partner; both must be left."""
        strength, near = self._fields.pop(v), self._near.pop(v)
        self._links[v] = partner, sign
        if partner is None:
            self.offset += sign * strength
        else:
            self._fields[partner] = self._cleaned(self._fields[partner] + sign * strength)
        for u, coupling in near.items():
            del self._near[u][v]
            if partner is None:
                self._fields[u] = self._cleaned(self._fields[u] + sign * coupling)
            elif u == partner:
                self.offset += sign * coupling
            else:
                self._couple(u, partner, sign * coupling)

    def _couple(self, u: int, v: int, coupling: float) -> None:
        total = self._cleaned(self._near[u].get(v, 0.0) + coupling)
        if total:
            self._near[u][v] = self._near[v][u] = total
        else:
            self._near[u].pop(v, None)
            self._near[v].pop(u, None)

    def _cleaned(self, value: float) -> float:
        """Return 0 for what is left of couplings that cancel but for rounding."""
        return value if abs(value) > self._zero else 0.0

    def enumerate_rest(self) -> None:
        """Fix what is left at its lowest energy."""
        left = self.variables
        lowest = int(all_energies(self.model()).argmin()) if left else 0
        for k, v in enumerate(left):
            self.fix(v, 1 - 2 * (lowest >> (len(left) - 1 - k) & 1))

    def bitstring(self) -> str:
        """Return the bits of all variables, none of which may be left."""
        signs = (self.standing(v)[1] for v in range(self._model.n_variables))
        return "".join("0" if sign > 0 else "1" for sign in signs)


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
