"""Shares circuits among the run's devices, which measure at the same time: each paid for once.

Who got which is a decision of the journal, taken before anything is paid for: an attempt that
starts again sends the same circuits to the same devices, and finds their tasks. So is that a device
is lost. What it leaves goes to the others, once it is sure that it will not do it after all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from hybrid_job.job import Job
from hybrid_job.journal import Kept as Record
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.measurement import Compiled, Counts
from hybrid_job.on_device.spending import CapReached
from hybrid_job.on_device.tasks import CANCELLED, COMPLETED, FAILED
from hybrid_job.on_device.waiting import TimeReached
from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.errors import DeviceUnavailable, JobFailed, PipelineError
from quantum_pipeline.planning.blocks import Room
from quantum_pipeline.planning.tasks import SAMPLES
from quantum_pipeline.quantities import Entries, Number, Text
from quantum_pipeline.results import Compilation, DeviceShare, QuantumTask

LOOK_SECONDS = 5.0
"""Time between two looks whether a device that is waited for is still there."""

HANDS = 16
"""Times that a circuit is sent at most: each of eight devices may be lost before it, or in it."""


class _Sent(Record):
    """Which circuits of a measurement each device has, by its place among those of the run."""

    places: Entries[Entries[Number]]


class _Lost(Record):
    """Why a device takes no more circuits, and how many of its own others had to take."""

    why: Text
    handed_over: Number = 0


class _Compiled(Record):
    """How the widest circuit was compiled that a device had until then."""

    width: Number
    compilation: Compilation | None


@dataclass
class Lane:
    """A device of the run; ``executor`` is None where it is not there."""

    device: Device
    executor: Executor | None
    lost: _Lost | None
    compiled: _Compiled
    looked: float = field(default_factory=time.monotonic)

    @property
    def there(self) -> Executor:
        """What runs circuits on a device that is there."""
        assert self.executor is not None
        return self.executor

    def gone(self) -> PipelineError | None:
        """Return that the device went offline, looking at it every LOOK_SECONDS."""
        if time.monotonic() < self.looked + LOOK_SECONDS:
            return None
        self.looked = time.monotonic()
        return _offline(self.device, self.there.now().status)


class Measurement(Protocol):
    """Circuits that are measured together, each by its place among them."""

    @property
    def what(self) -> str:
        """What its circuits are called: its name in the journal."""

    @property
    def shots(self) -> int:
        """Shots of each circuit."""

    @property
    def size(self) -> int:
        """How many circuits there are."""

    def shared(self, places: Sequence[int], rooms: Mapping[str, Room]) -> Mapping[str, list[int]]:
        """Return which of some circuits each device takes, of those that are there by their names.

        Raises:
            DeviceUnavailable: a circuit fits none of them.
        """

    def compiled(self, lane: Lane, places: Sequence[int], ordinal: int) -> list[Compiled]:
        """Return some of its circuits for a device, as an earlier attempt sent them."""


class Lanes:
    """Measures circuits on all devices of a run until a time of ``time.monotonic``."""

    def __init__(self, job: Job, deadline: float) -> None:
        """Reach all devices of the run.

        Raises:
            DeviceUnavailable: none of them takes tasks.
            PipelineError: by name, as ``Executor`` raises.
        """
        self._job, self._deadline = job, deadline
        self.every = [self._lane(device) for device in job.prepared.devices]
        self._several = len(self.every) > 1
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
        self.first.__exit__(kind, error, at)

    def close(self) -> None:
        """Cancel every task of the run that has not ended."""
        self.first.close()

    @property
    def first(self) -> Executor:
        """What runs circuits on the first device that is there."""
        return next(each.executor for each in self.every if each.executor is not None)

    @property
    def tasks(self) -> tuple[QuantumTask, ...]:
        """Tasks that are billed, of all devices and attempts."""
        return self.first.tasks

    @property
    def emulated(self) -> str | None:
        """What stands in for the first device that is there."""
        return self.first.state.emulated

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
                circuits=done[each.device.name],
                handed_over=each.lost.handed_over if each.lost else 0,
                lost=each.lost.why if each.lost else None,
            )
            for each in self.every
        )

    def measure(self, wanted: Measurement, ordinal: Callable[[int], int]) -> list[Counts | None]:
        """Return the counts of each circuit, None of one that no device did in HANDS tries.

        Args:
            wanted: the circuits.
            ordinal: the number of each try among all measurements of the run.

        Raises:
            CapReached, TimeReached: money or time ended first.
            DeviceUnavailable: no device is left.
            PipelineError: by name, as ``Executor.run`` raises.
        """
        found: list[Counts | None] = [None] * wanted.size
        for hand in range(HANDS):
            if all(counts is not None for counts in found):
                break
            self._measure(wanted, found, ordinal(hand))
        return found

    def affordable_shots(self, circuits: Mapping[str, int], shots: int) -> int:
        """Return the most shots, up to ``shots``, of a measurement that the limit leaves.

        It is the last of its run, and the only one. What an earlier attempt has paid for of it has
        the shots that it was paid for with. ``circuits`` counts those of each device; what one has
        that is not there goes to the first. It is 0 where not even the fewest shots fit.
        """
        for batch in self._job.journal.batches.values():
            if batch.arn is not None and batch.status not in (FAILED, CANCELLED):
                return min(batch.shots, shots)
        there = [lane for lane in self.every if lane.executor is not None]
        counts = [circuits.get(lane.device.name, 0) for lane in there]
        counts[0] += sum(circuits.values()) - sum(counts)
        (first, count), *others = zip((lane.there for lane in there), counts, strict=True)

        def cost(each: int) -> float:
            beside = sum(other.spending.worst_case(count, each) for other, count in others)
            return first.spending.last_batch(count, each) + beside

        states = [lane.there.state for lane in there]
        least = max(state.min_shots for state in states)
        most = min(shots, *(state.max_shots for state in states))
        return first.spending.most_shots(least, most, cost)

    def note(self, lane: Lane, width: int, summary: Callable[[], Compilation | None]) -> None:
        """Keep how a circuit was compiled that is wider than what its device had until then."""
        if width > lane.compiled.width:
            lane.compiled = _Compiled(width=width, compilation=summary())
            self._job.journal.record_decision(f"compiled {lane.device.name}", lane.compiled)

    def _measure(self, wanted: Measurement, found: list[Counts | None], ordinal: int) -> None:
        """Send the circuits that have no counts, and take in those that are measured."""
        sent = self._sent(wanted, found, ordinal)
        work = [
            (lane, places, wanted.compiled(lane, places, ordinal))
            for lane, places in zip(self.every, sent, strict=True)
            if places and lane.executor is not None
        ]
        if not work:
            return
        shots = wanted.shots
        self._check_affordable([(lane, circuits) for lane, _, circuits in work], shots, ordinal)
        with ThreadPoolExecutor(len(work)) as threads:
            measured = [
                threads.submit(self._counts, lane, circuits, shots, ordinal)
                for lane, _, circuits in work
            ]
        for (_, places, _), each in zip(work, measured, strict=True):
            for k, counts in zip(places, each.result(), strict=True):
                found[k] = counts

    def _counts(
        self, lane: Lane, circuits: list[Compiled], shots: int, ordinal: int
    ) -> list[Counts | None]:
        """Return the counts of circuits on a device; None of what it did not do and never will."""
        executor = lane.there
        if lane.lost is None:
            lost = lane.gone if self._several else None
            try:
                done = executor.run(
                    circuits,
                    shots,
                    SAMPLES,
                    deadline=self._deadline,
                    ordinal=ordinal,
                    lost=lost,
                )
                return list(done)
            except (TimeReached, CapReached):
                raise
            except (DeviceUnavailable, JobFailed) as error:
                if not self._several:
                    raise
                found = executor.finished(
                    circuits, shots, SAMPLES, ordinal
                )  # raises where it would be lost
                self._lose(lane, str(error), found.count(None))
                return found
        return executor.finished(circuits, shots, SAMPLES, ordinal)

    def _sent(
        self, wanted: Measurement, found: list[Counts | None], ordinal: int
    ) -> list[list[int]]:
        """Return the circuits that each device has, as an earlier attempt decided."""
        purpose, journal = f"{wanted.what} {ordinal}", self._job.journal
        left = [k for k, counts in enumerate(found) if counts is None]
        made = journal.decision(purpose, _Sent)
        if made is None:
            made = _Sent(places=tuple(map(tuple, self._shared(wanted, left))))
            journal.record_decision(purpose, made)
        with journal.checked(purpose):
            if len(made.places) != len(self.every) or sorted(sum(made.places, ())) != left:
                raise ValueError(f"places: allowed: each of {len(left)} circuits once")
        return [list(places) for places in made.places]

    def _shared(self, wanted: Measurement, left: list[int]) -> list[list[int]]:
        """Return which of the circuits each device takes, as the queues are now."""
        if not self._several:
            return [left]
        rooms = {}
        for lane in self.every:
            if lane.lost is not None:
                continue
            state = lane.there.now()
            offline = _offline(lane.device, state.status)
            if offline is None:
                rooms[lane.device.name] = Room.of(lane.device, state, wanted.shots)
            else:
                self._lose(lane, str(offline))
        self._check_any()
        taken = wanted.shared(left, rooms)
        return [taken.get(lane.device.name, []) for lane in self.every]

    def _check_affordable(
        self, work: list[tuple[Lane, list[Compiled]]], shots: int, ordinal: int
    ) -> None:
        """Refuse what all devices could not pay for together: one would not know of the others.

        Raises:
            NotAffordable: names it and the limit.
        """
        if len(work) == 1:
            return
        cost, unpaid = 0.0, 0
        for lane, circuits in work:
            count = lane.there.unpaid(circuits, shots, SAMPLES, ordinal)
            if count and lane.lost is None:
                cost += lane.there.spending.worst_case(count, shots)
                unpaid += count
        if unpaid:
            self.first.spending.check(cost, f"{unpaid} circuits of {shots} shots")

    def _lane(self, device: Device) -> Lane:
        """Return a device of the run, as an earlier attempt found it or as it is now."""
        journal, nothing = self._job.journal, _Compiled(width=0, compilation=None)
        lost = journal.decision(f"lost {device.name}", _Lost)
        compiled = journal.decision(f"compiled {device.name}", _Compiled) or nothing
        try:
            return Lane(device, Executor(self._job, device), lost, compiled)
        except DeviceUnavailable as error:
            if not self._job.prepared.others:
                raise
            lane = Lane(device, None, lost, compiled)
            self._lose(lane, str(error))
            return lane

    def _lose(self, lane: Lane, why: str, circuits: int = 0) -> None:
        lane.lost = _Lost(why=why, handed_over=circuits)
        self._job.journal.record_decision(f"lost {lane.device.name}", lane.lost)
        print(f"{lane.device.name} takes no more circuits: {why}", flush=True)

    def _check_any(self) -> None:
        if all(lane.lost is not None for lane in self.every) and self._several:
            raise DeviceUnavailable("; ".join(lane.lost.why for lane in self.every if lane.lost))


def _offline(device: Device, status: str) -> DeviceUnavailable | None:
    if status == "ONLINE":
        return None
    return DeviceUnavailable(f"device: {device.name} is {status} since the run was prepared")
