"""Puts blocks together, and improves what they make in rounds.

    start   every block of the partition alone, then which of them to turn over: the same problem
            with a spin a block, divided again where it is too wide
    round   blocks grown around the spins that are cheapest to turn over, each solved with all
            others as fields on it; what it finds counts unless it makes the whole worse

A round's blocks are solved in waves, each of which sees what the ones before have changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil

import numpy as np

from hybrid_job.dividing import kernels
from hybrid_job.dividing.blocks import Solver
from hybrid_job.dividing.partition import partition
from hybrid_job.dividing.system import Places, Real, System
from hybrid_job.dividing.workers import Workers

WAVES, FEWEST = 8, 8
"""Waves of a round, and blocks of one at least."""

TIE = 1e-12
"""Energy, in parts of all that it is a sum of, that is rounding."""


@dataclass(frozen=True)
class Round:
    """What a round did: its blocks, how many of them lowered the energy, and the energy then."""

    number: int
    blocks: int
    improved: int
    energy: float
    spins: Real


@dataclass(frozen=True)
class Dividing:
    """How a system is divided: its partition, the solver of blocks, their size, and the seed.

    ``parts`` are the blocks that it starts from, each of at most ``size`` variables.
    """

    system: System
    parts: list[Places]
    solver: Solver
    size: int
    workers: Workers
    seed: tuple[int, ...]

    def start(self) -> Round:
        """Return what blocks make that are solved alone and merged."""
        spins = _merged(self, self.system, self.parts, level=0)
        count = len(self.parts)
        return Round(0, count, count, self.system.energy(spins), spins)

    def round(self, number: int, spins: Real) -> Round:
        """Return what a round makes of some spins."""
        system, spins = self.system, spins.copy()
        forces = system.forces(spins)
        blocks = self._grown(np.random.default_rng([*self.seed, 1, number]), spins, forces)
        improved, at_once = 0, max(FEWEST, ceil(len(blocks) / WAVES))
        tie = TIE * float(abs(system.fields).sum() + abs(system.matrix.data).sum() / 2)
        for wave in range(0, len(blocks), at_once):
            members = blocks[wave : wave + at_once]
            models = [system.block(each, spins, forces) for each in members]
            found = self.workers.solve(self.solver, models, (*self.seed, 2, number, wave))
            for each, new in zip(members, found, strict=True):
                changed = each[new != spins[each]]
                cost = system.cost(changed, spins, forces) if changed.size else 0.0
                if changed.size and cost <= tie:
                    system.turn(changed, spins, forces)
                    improved += cost < -tie
        return Round(number, len(blocks), improved, system.energy(spins), spins)

    def _grown(self, rng: np.random.Generator, spins: Real, forces: Real) -> list[Places]:
        system = self.system
        noise = system.unit * rng.random((2, system.n))
        order = np.argsort(-2 * spins * forces + 2 * noise[0])
        members, ends = np.empty(system.n, dtype=np.int64), np.empty(system.n, dtype=np.int64)
        count = kernels.grow(*system.rows, spins, forces, order, noise[1], self.size, members, ends)
        return np.split(members, ends[: count - 1])


def _merged(dividing: Dividing, system: System, parts: list[Places], level: int) -> Real:
    """Return spins of a system: its parts solved alone, then whole ones of them turned over."""
    alone = np.zeros(system.n)
    models = [system.block(each, alone, system.fields) for each in parts]
    found = dividing.workers.solve(dividing.solver, models, (*dividing.seed, 0, level))
    spins = np.empty(system.n)
    for each, of_block in zip(parts, found, strict=True):
        spins[each] = of_block
    if len(parts) == 1:
        return spins
    flips_of = system.flips_of(parts, spins)
    wider = partition(flips_of, dividing.size, seed=dividing.seed[0])
    for each, flip in zip(parts, _merged(dividing, flips_of, wider, level + 1), strict=True):
        spins[each] *= flip
    return spins


Remember = Callable[[int, Callable[[], Round]], Round]
"""From the number of a round and what makes it to the round, as an earlier attempt may have it."""


def refined(
    dividing: Dividing, *, rounds: int, patience: int, deadline: float, remember: Remember
) -> Iterator[Round]:
    """Yield the start, as round 0, and each round after it; none is higher than the one before.

    It ends after ``rounds``, after ``patience`` rounds in a row that lower nothing, or at the time
    of ``time.monotonic`` from which on no further one may begin.
    """
    latest = remember(0, dividing.start)
    yield latest
    in_vain = 0
    for number in range(1, rounds + 1):
        if in_vain == patience or time.monotonic() > deadline:
            return
        latest = remember(number, partial(dividing.round, number, latest.spins))
        in_vain = 0 if latest.improved else in_vain + 1
        yield latest
