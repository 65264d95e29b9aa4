"""Solves a block: by QAOA, or by what a classical computer would do in its place.

Every solver returns one of the best that it has seen, by lot among equals: of a block that is
already solved, another answer as good moves the boundary that the next one starts from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from hybrid_job.dividing.system import Block, Places, Real
from hybrid_job.engines import compiled
from hybrid_job.engines.sampling import draws
from hybrid_job.optimising import optimiser
from hybrid_job.optimising.angles import starting
from quantum_pipeline.ising import IsingModel, all_energies, typical_field

Solver = Callable[[Block, np.random.Generator], Real]
"""From a block and a source of random numbers to its spins, shape (n,), -1 or +1."""

TIE = 1e-12
"""Difference of energies, in parts of all that they are sums of, that is rounding."""


@dataclass(frozen=True)
class ByQaoa:
    """QAOA of a depth at angles known to be good, and the best of its shots.

    With ``evaluations`` the angles of each block are optimised from there, in so many at most.
    """

    depth: int
    shots: int
    evaluations: int = 0

    def __call__(self, block: Block, rng: np.random.Generator) -> Real:
        """Return the best of the shots."""
        model = block.model
        energies = all_energies(model)
        angles = angles_of(model, self.depth, self.evaluations)
        shots = draws(_engine(energies).probabilities(angles), self.shots, rng)
        seen = shots >> _spare(model.n_variables)
        best = np.unique(seen[_lowest(model, energies[seen])])
        return _spins(rng.choice(best), model.n_variables)


def angles_of(model: IsingModel, depth: int, evaluations: int) -> Real:
    """Return the angles of a block's circuit, shape (2, depth): known ones, or optimised ones.

    They are optimised on the exact state, in ``evaluations`` at most; 0 leaves them as they are.
    """
    angles = starting(model, depth).angles
    if not evaluations:
        return angles
    return optimiser.minimise(
        _engine(all_energies(model)).energy_and_gradient,
        [angles],
        unit=typical_field(model),
        max_evaluations=evaluations,
        deadline=math.inf,
    ).angles


def by_enumeration(block: Block, rng: np.random.Generator) -> Real:
    """Return an optimum: all bitstrings are looked at."""
    model = block.model
    energies = all_energies(model)
    return _spins(one_of_the_best(model, energies, rng), model.n_variables)


def by_descent(block: Block, rng: np.random.Generator) -> Real:
    """Return where single flips end that start from random spins: the best flip, while one pays."""
    spins = rng.choice([-1.0, 1.0], size=block.fields.size)
    forces = block.fields + block.couplings @ spins
    while True:
        costs = -2 * spins * forces
        chosen = int(costs.argmin())
        if costs[chosen] >= -TIE * block.model.scale:
            return spins
        spins[chosen] *= -1
        forces += 2 * spins[chosen] * block.couplings[chosen]


def _engine(energies: Real) -> compiled.Qaoa:
    """Return the circuit of a block's energies; the next call for as many qubits overwrites it.

    Beside the few spins of a small block are others that nothing is coupled to.
    """
    n = energies.size.bit_length() - 1
    engine = _engine_of(n + _spare(n))
    engine.replace(np.repeat(energies, 1 << _spare(n)))
    return engine


@cache
def _engine_of(n_qubits: int) -> compiled.Qaoa:
    """Return this process's engine for all blocks of a size: to set one up takes longer than it."""
    return compiled.Qaoa(np.zeros(1 << n_qubits), lasting=False)


def _spare(n: int) -> int:
    return max(0, compiled.FEWEST_QUBITS - n)


def one_of_the_best(model: IsingModel, energies: Real, rng: np.random.Generator) -> int:
    """Return the place of one of the lowest energies, by lot among equals."""
    return int(rng.choice(_lowest(model, energies)))


def _lowest(model: IsingModel, energies: Real) -> Places:
    return np.flatnonzero(energies <= energies.min() + TIE * model.scale)


def _spins(state: int, n: int) -> Real:
    return np.array([1.0 - 2.0 * (int(state) >> (n - 1 - k) & 1) for k in range(n)])
