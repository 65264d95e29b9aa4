"""Puts blocks together, and improves what they make in rounds.

    start   every block of the partition alone, then which of them to turn over: the same problem
            with a spin a block, divided again where it is too wide
    round   blocks grown around the spins that are cheapest to turn over, each solved with all
            others as fields on it; what it finds counts unless it makes the whole worse
    cooling rounds with random fields added to those of all spins, smaller in each round: what was
            stuck leaves, and comes to rest lower. The best so far is what they come to

A round's blocks are solved in waves, each of which sees what the ones before have changed.

Source of random fields that fade: I. Charon, O. Hudry, the noising method, Operations Research
Letters 14, 133 (1993).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf

import numpy as np

from hybrid_job.dividing import kernels
from hybrid_job.dividing.partition import partition
from hybrid_job.dividing.system import Block, Places, Real, System
from hybrid_job.limits import LimitReached
from quantum_pipeline.planning.blocks import WAVES, waves

Solve = Callable[[Sequence[Block], tuple[int, ...]], list[Real]]
"""From blocks, and the place of them all among those of the run, to the spins of each."""

TIE = 1e-12
"""Energy, in parts of all that it is a sum of, that is rounding."""

GAIN = 1e-4
"""Part of the energy that is not worth the rounds that lower it by so much."""

COOLING = 30
"""Rounds of the first cooling. One in vain is followed by one twice as long, twice as hot."""

HOTTEST, COLDEST, HEATS = 0.2, 0.02, 3
"""Scale of the random fields of the first cooling, as it begins and ends, in those of a spin; and
coolings in vain after which there is no hotter one."""

AT_REST = 0.1
"""Part of a cooling, its last, without random fields."""


@dataclass(frozen=True)
class Round:
    """What a round did: its blocks, how many of them lowered the energy, and the energy then.

    The energy is without random fields. ``reached`` is the limit at which it was broken off, with
    the blocks until then.
    """

    number: int
    blocks: int
    improved: int
    energy: float
    spins: Real
    reached: LimitReached | None = None


@dataclass(frozen=True)
class Dividing:
    """How a system is divided: its partition, what solves blocks, their size, and the seed.

    ``parts`` are the blocks that it starts from, each of at most ``size`` variables. A round has as
    many at most, and ``waves``: of those that grow, the last have no room left to, and rarely gain.
    """

    system: System
    parts: list[Places]
    solve: Solve
    size: int
    seed: int
    waves: int = WAVES

    def start(self) -> Round:
        """Return what blocks make that are solved alone and merged.

        Raises:
            LimitReached: before all of them were solved.
        """
        spins = _merged(self, self.system, self.parts, level=0)
        count = len(self.parts)
        return Round(0, count, count, self.system.energy(spins), spins)

    def round(self, number: int, spins: Real, heat: float = 0.0) -> Round:
        """Return what a round makes of some spins, with random fields of a scale on them."""
        system, spins = self.system, spins.copy()
        noise: Real = np.zeros(system.n)
        if heat:
            drawn = np.random.default_rng([self.seed, 3, number]).logistic(size=system.n)
            noise = heat * system.unit / 2 * drawn  # a spin alone would be as at that temperature
        forces = system.forces(spins) + noise
        blocks = self._grown(np.random.default_rng([self.seed, 1, number]), spins, forces)
        done, improved, reached = 0, 0, None
        tie = TIE * float(abs(system.fields).sum() + abs(system.matrix.data).sum() / 2)
        for size in waves(len(blocks), self.waves):
            members = blocks[done : done + size]
            models = [system.block(each, spins, forces) for each in members]
            try:
                found = self.solve(models, (2, number, done))
            except LimitReached as limit:
                reached = limit
                break
            done += size
            for each, new in zip(members, found, strict=True):
                changed = each[new != spins[each]]
                cost = system.cost(changed, spins, forces) if changed.size else 0.0
                if changed.size and cost <= tie:
                    cost += 2 * float(noise[changed] @ spins[changed])  # that of the problem itself
                    system.turn(changed, spins, forces)
                    improved += cost < -tie
        return Round(number, done, improved, system.energy(spins), spins, reached)

    def _grown(self, rng: np.random.Generator, spins: Real, forces: Real) -> list[Places]:
        system = self.system
        noise = system.unit * rng.random((2, system.n))
        order = np.argsort(-2 * spins * forces + 2 * noise[0])
        members, ends = np.empty(system.n, dtype=np.int64), np.empty(system.n, dtype=np.int64)
        count = kernels.grow(*system.rows, spins, forces, order, noise[1], self.size, members, ends)
        return np.split(members, ends[: count - 1])[: len(self.parts)]


def _merged(dividing: Dividing, system: System, parts: list[Places], level: int) -> Real:
    """Return spins of a system: its parts solved alone, then whole ones of them turned over."""
    alone = np.zeros(system.n)
    models = [system.block(each, alone, system.fields) for each in parts]
    found = dividing.solve(models, (0, level))
    spins = np.empty(system.n)
    for each, of_block in zip(parts, found, strict=True):
        spins[each] = of_block
    if len(parts) == 1:
        return spins
    flips_of = system.flips_of(parts, spins)
    wider = partition(flips_of, dividing.size, seed=dividing.seed)
    for each, flip in zip(parts, _merged(dividing, flips_of, wider, level + 1), strict=True):
        spins[each] *= flip
    return spins


Remember = Callable[[int, Callable[[], Round]], Round]
"""From the number of a round and what makes it to the round, as an earlier attempt may have it."""


def refined(
    dividing: Dividing, *, rounds: int, patience: int, deadline: float, remember: Remember
) -> Iterator[Round]:
    """Yield the start, as round 0, and each round after it; none is higher than the one before.

    It ends after ``rounds``, after ``patience`` rounds that together lower the energy by no more
    than GAIN of it, at the time of ``time.monotonic`` from which on no further one may begin, or
    with one that reached a limit.
    """
    latest = remember(0, dividing.start)
    yield latest
    course = [latest.energy]
    for number in range(1, rounds + 1):
        gained = course[-1 - patience] - course[-1] if len(course) > patience else inf
        if gained <= GAIN * abs(course[-1]) or time.monotonic() > deadline:
            return
        latest = remember(number, partial(dividing.round, number, latest.spins))
        course.append(latest.energy)
        yield latest
        if latest.reached is not None:
            return


def cooled(
    dividing: Dividing, *, rounds: int, deadline: float, remember: Remember
) -> Iterator[Round]:
    """Yield the start, as round 0, and each round after it with the best spins until then.

    Rounds are those of coolings, each from the best so far. It ends after ``rounds``, after HEATS
    coolings in a row that lower the energy by no more than GAIN of it, or at the time of
    ``time.monotonic`` from which on no further round may begin.
    """
    best = remember(0, dividing.start)
    yield best
    number = in_vain = 0
    while number < rounds and in_vain < HEATS:
        latest, before = best, best.energy
        for heat in _heats(COOLING << in_vain, rounds - number, 2.0**in_vain):
            if time.monotonic() > deadline:
                return
            number += 1
            latest = remember(number, partial(dividing.round, number, latest.spins, heat))
            if latest.energy <= best.energy:
                best = latest
            yield replace(latest, energy=best.energy, spins=best.spins)
        in_vain = in_vain + 1 if before - best.energy <= GAIN * abs(best.energy) else 0


def _heats(count: int, left: int, times: float) -> list[float]:
    """Return the scales of a cooling's rounds: all that are left, where no other would follow."""
    count = count if left >= count + COOLING else left
    fading = count - ceil(AT_REST * count)
    heats = times * np.linspace(HOTTEST, COLDEST, fading)
    return [*heats.tolist(), *[0.0] * (count - fading)]
