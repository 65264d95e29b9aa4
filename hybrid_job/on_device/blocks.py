"""Solves blocks on the run's devices: each measured, and paid for, once.

The blocks of a measurement are shared among the devices, each going where it is done first. Who
got which is a decision of the journal, taken before anything is paid for: an attempt that starts
again sends the same circuits to the same devices, and finds their tasks. So is that a device is
lost. What it leaves goes to the others, once it is sure that it will not do it after all.

Of a block's shots the best one counts, whose energy is computed from its bits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np

from hybrid_job.dividing.blocks import angles_of, one_of_the_best
from hybrid_job.dividing.system import Block, Real
from hybrid_job.job import DivideJob
from hybrid_job.journal import Kept as Record
from hybrid_job.limits import LimitReached
from hybrid_job.on_device.compilation import QaoaCompiler, compiler_for
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.kept import Kept
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.spending import CapReached
from hybrid_job.on_device.tasks import COMPLETED
from hybrid_job.on_device.waiting import TimeReached
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import DeviceUnavailable, JobFailed, PipelineError
from quantum_pipeline.ising import energies, spins_of
from quantum_pipeline.planning.blocks import Room, spread
from quantum_pipeline.planning.tasks import SAMPLES, Purpose
from quantum_pipeline.quantities import Entries, Number, Text
from quantum_pipeline.requests.mitigation import Noise
from quantum_pipeline.results import Compilation, QuantumTask
from quantum_pipeline.results.divided import DeviceShare

LOOK_SECONDS = 5.0
"""Time between two looks whether a device that is waited for is still there."""

HANDS = 16
"""Times that a block is sent at most: each of eight devices may be lost before it, or in it."""


class _Sent(Record):
    """Which blocks of a measurement each device has, by its place among those of the run."""

    places: Entries[Entries[Number]]


class _Lost(Record):
    """Why a device takes no more blocks, and how many of its own others had to take."""

    why: Text
    handed_over: Number = 0


class _Compiled(Record):
    """How the widest block was compiled that a device had until then."""

    width: Number
    compilation: Compilation | None


@dataclass
class _Lane:
    """A device of the run; ``executor`` is None where it is not there."""

    device: Device
    executor: Executor | None
    lost: _Lost | None
    compiled: _Compiled
    looked: float = field(default_factory=time.monotonic)

    @property
    def there(self) -> Executor:
        assert self.executor is not None
        return self.executor

    def gone(self) -> PipelineError | None:
        """Return that the device went offline, looking at it every LOOK_SECONDS."""
        if time.monotonic() < self.looked + LOOK_SECONDS:
            return None
        self.looked = time.monotonic()
        return _offline(self.device, self.there.now().status)


class DeviceBlocks:
    """Solves blocks on devices until a time of ``time.monotonic``."""

    def __init__(self, job: DivideJob, deadline: float) -> None:
        """Reach all devices of the run.

        Raises:
            DeviceUnavailable: none of them takes tasks.
            PipelineError: by name, as ``Executor`` raises.
        """
        self._job, self._deadline = job, deadline
        self._lanes = [self._lane(device) for device in job.prepared.devices]
        self._several = len(self._lanes) > 1
        self._check_any()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close, unless a service failed, as ``Executor`` does."""
        self._first.__exit__(kind, error, at)

    def close(self) -> None:
        """Cancel every task of the run that has not ended."""
        self._first.close()

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks that are billed, of all devices and attempts."""
        return self._first.tasks

    @property
    def emulated(self) -> str | None:
        """What stands in for the first device that is there."""
        return self._first.state.emulated

    @property
    def compilation(self) -> Compilation | None:
        """How the widest block of the first device was compiled; None on simulators."""
        return self._lanes[0].compiled.compilation

    @property
    def shares(self) -> tuple[DeviceShare, ...]:
        """What each device did, in all attempts."""
        done: Counter[str] = Counter()
        for batch in self._job.journal.batches.values():
            if batch.status == COMPLETED:
                done[batch.device or self._job.prepared.device.name] += batch.executables
        return tuple(
            DeviceShare(
                device=each.device.name,
                blocks=done[each.device.name],
                handed_over=each.lost.handed_over if each.lost else 0,
                lost=each.lost.why if each.lost else None,
            )
            for each in self._lanes
        )

    def __call__(self, blocks: Sequence[Block], place: tuple[int, ...]) -> list[Real]:
        """Return the best spins of each block's shots.

        Raises:
            LimitReached: time or money ended first.
            DeviceUnavailable: no device is left.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        found: list[Counts | None] = [None] * len(blocks)
        try:
            for hand in range(HANDS):
                if all(counts is not None for counts in found):
                    break
                self._measure(blocks, found, _ordinal(place, hand))
        except (CapReached, TimeReached) as error:
            raise LimitReached(error.limit, str(error)) from error
        rng = np.random.default_rng([self._job.prepared.request.seed, 3, *place])
        return [
            _best(block, counts or {}, rng) for block, counts in zip(blocks, found, strict=True)
        ]

    def _measure(self, blocks: Sequence[Block], found: list[Counts | None], ordinal: int) -> None:
        """Send the blocks that have no counts, and take in those that are measured."""
        sent = self._sent(blocks, found, ordinal)
        work = [
            (lane, places, self._compiled(lane, [blocks[k] for k in places], ordinal))
            for lane, places in zip(self._lanes, sent, strict=True)
            if places and lane.executor is not None
        ]
        if not work:
            return
        self._check_affordable([(lane, circuits) for lane, _, circuits in work], ordinal)
        with ThreadPoolExecutor(len(work)) as threads:
            measured = [
                threads.submit(self._counts, lane, circuits, ordinal) for lane, _, circuits in work
            ]
        for (_, places, _), each in zip(work, measured, strict=True):
            for k, counts in zip(places, each.result(), strict=True):
                found[k] = counts

    def _counts(self, lane: _Lane, circuits: list[Compiled], ordinal: int) -> list[Counts | None]:
        """Return the counts of circuits on a device; None of what it did not do and never will."""
        executor, batch = lane.there, self._batch(circuits)
        if lane.lost is None:
            lost = lane.gone if self._several else None
            try:
                done = executor.run(*batch, deadline=self._deadline, ordinal=ordinal, lost=lost)
                return list(done)
            except (TimeReached, CapReached):
                raise
            except (DeviceUnavailable, JobFailed) as error:
                if not self._several:
                    raise
                found = executor.finished(*batch, ordinal)  # raises where it would be lost
                self._lose(lane, str(error), found.count(None))
                return found
        return executor.finished(*batch, ordinal)

    def _batch(self, circuits: list[Compiled]) -> tuple[list[Compiled], int, Purpose]:
        return circuits, self._job.prepared.request.shots, SAMPLES

    def _sent(
        self, blocks: Sequence[Block], found: list[Counts | None], ordinal: int
    ) -> list[list[int]]:
        """Return the places of the blocks that each device has, as an earlier attempt decided."""
        purpose, journal = f"blocks {ordinal}", self._job.journal
        left = [k for k, counts in enumerate(found) if counts is None]
        made = journal.decision(purpose, _Sent)
        if made is None:
            shared = self._shared([blocks[k].fields.size for k in left])
            made = _Sent(places=tuple(tuple(left[k] for k in places) for places in shared))
            journal.record_decision(purpose, made)
        with journal.checked(purpose):
            if len(made.places) != len(self._lanes) or sorted(sum(made.places, ())) != left:
                raise ValueError(f"places: allowed: each of {len(left)} blocks once")
        return [list(places) for places in made.places]

    def _shared(self, widths: Sequence[int]) -> list[list[int]]:
        """Return which of the blocks each device takes, as the queues are now."""
        if not self._several:
            return [list(range(len(widths)))]
        shots, rooms = self._job.prepared.request.shots, {}
        for k, lane in enumerate(self._lanes):
            if lane.lost is not None:
                continue
            state = lane.there.now()
            offline = _offline(lane.device, state.status)
            if offline is None:
                rooms[k] = Room.of(lane.device, state, shots)
            else:
                self._lose(lane, str(offline))
        self._check_any()
        taken = dict(zip(rooms, spread(widths, list(rooms.values())), strict=True))
        return [taken.get(k, []) for k in range(len(self._lanes))]

    def _check_affordable(self, work: list[tuple[_Lane, list[Compiled]]], ordinal: int) -> None:
        """Refuse what all devices could not pay for together: one would not know of the others.

        Raises:
            NotAffordable: names it and the limit.
        """
        if len(work) == 1:
            return
        shots, cost, unpaid = self._job.prepared.request.shots, 0.0, 0
        for lane, circuits in work:
            count = lane.there.unpaid(circuits, shots, SAMPLES, ordinal)
            if count and lane.lost is None:
                cost += lane.there.spending.worst_case(count, shots)
                unpaid += count
        if unpaid:
            self._first.spending.check(cost, f"{unpaid} circuits of {shots} shots")

    def _compiled(self, lane: _Lane, blocks: Sequence[Block], ordinal: int) -> list[Compiled]:
        """Return the circuits of blocks for a device, as an earlier attempt sent them."""
        request, state = self._job.prepared.request, lane.there.state
        kept = Kept(self._job.journal, state)
        algorithm, compilers = self._job.algorithm, dict[int, QaoaCompiler]()
        angles: dict[int, Real] = {}

        def circuit(k: int) -> Compiled:
            model, noise = blocks[k].model, request.noise or Noise()
            compilers[k] = compiler_for(model, state, noise=noise, seed=request.seed)
            angles[k] = angles_of(model, algorithm.depth, algorithm.evaluations)
            return compilers[k].compile(angles[k])

        shapes = np.array([number for each in blocks for number in _shape(each)], dtype=np.float64)
        made = kept.circuits(
            f"blocks {ordinal}", shapes, lambda: list(map(circuit, range(len(blocks))))
        )
        widest = max(compilers, key=lambda k: int(blocks[k].fields.size), default=None)
        if widest is not None and blocks[widest].fields.size > lane.compiled.width:
            summary = compilers[widest].summary(angles[widest])
            width = int(blocks[widest].fields.size)
            lane.compiled = _Compiled(width=width, compilation=summary)
            self._job.journal.record_decision(f"compiled {lane.device.name}", lane.compiled)
        return made

    def _lane(self, device: Device) -> _Lane:
        """Return a device of the run, as an earlier attempt found it or as it is now."""
        journal, nothing = self._job.journal, _Compiled(width=0, compilation=None)
        lost = journal.decision(f"lost {device.name}", _Lost)
        compiled = journal.decision(f"compiled {device.name}", _Compiled) or nothing
        try:
            return _Lane(device, Executor(self._job, device), lost, compiled)
        except DeviceUnavailable as error:
            if not self._job.prepared.others:
                raise
            lane = _Lane(device, None, lost, compiled)
            self._lose(lane, str(error))
            return lane

    def _lose(self, lane: _Lane, why: str, blocks: int = 0) -> None:
        lane.lost = _Lost(why=why, handed_over=blocks)
        self._job.journal.record_decision(f"lost {lane.device.name}", lane.lost)
        print(f"{lane.device.name} takes no more blocks: {why}", flush=True)

    def _check_any(self) -> None:
        if all(lane.lost is not None for lane in self._lanes) and self._several:
            raise DeviceUnavailable("; ".join(lane.lost.why for lane in self._lanes if lane.lost))

    @property
    def _first(self) -> Executor:
        return next(each.executor for each in self._lanes if each.executor is not None)


def _ordinal(place: tuple[int, ...], hand: int) -> int:
    """Return the number of a measurement: none of a run has the same.

    >>> _ordinal((0, 1), 0), _ordinal((2, 1, 0), 1)
    (16, 2097153)
    """
    number, at = (0, place[1]) if place[0] == 0 else place[1:]
    return (number * 2**17 + at) * HANDS + hand


def _shape(block: Block) -> Iterator[int]:
    """Yield what tells a block from others but for its numbers: its size, and who is coupled."""
    yield block.fields.size
    for i, j in zip(*np.nonzero(np.triu(block.couplings, 1)), strict=True):
        yield int(i)
        yield int(j)


def _best(block: Block, counts: Counts, rng: np.random.Generator) -> Real:
    seen = sorted(counts)
    spins = spins_of(seen)
    chosen = one_of_the_best(block.model, energies(block.model, spins), rng)
    return np.asarray(spins[chosen], dtype=np.float64)


def _offline(device: Device, status: str) -> DeviceUnavailable | None:
    if status == "ONLINE":
        return None
    return DeviceUnavailable(f"device: {device.name} is {status} since the run was prepared")
