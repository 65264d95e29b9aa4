"""Decides how the runs of a pack share one job: what runs at the same time, and who pays for what.

Runs start in the order of ``order``, the longest first; ``startable`` says which is next. The plan
and the job both go by it, the plan with the seconds that are allowed, the job with what comes.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, fsum

from quantum_pipeline.devices.catalogue import LOCAL, find
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest, PipelineError
from quantum_pipeline.planning import costs, instances
from quantum_pipeline.planning.costs import Cost, InstancePrice
from quantum_pipeline.planning.device import needs_device
from quantum_pipeline.planning.learning import Learning
from quantum_pipeline.planning.memory import BASE_BYTES, USABLE, memory_bytes
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.runtimes import LONGEST, STARTUP_SECONDS, compute_seconds
from quantum_pipeline.requests.pack import (
    Pack,
    PackedRequest,
    PackLimits,
    SettledPackLimits,
    of_run,
)
from quantum_pipeline.requests.request import RUNTIME, ResolvedRequest
from quantum_pipeline.wording import memory_size


@dataclass(frozen=True)
class Demand:
    """What a run takes of a job: seconds of a processor that it is allowed, and memory."""

    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Room:
    """What a job has for runs: as many at once as processors, and so much memory in all."""

    processors: int
    memory_bytes: float

    @classmethod
    def of(cls, instance_type: str) -> Room:
        """Return the room on an instance; where it is unknown, that of one run at a time."""
        there = instances.memory_bytes(instance_type)
        if there is None:
            return cls(1, float("inf"))
        return cls.with_memory(instances.processors(instance_type) or 1, there)

    @classmethod
    def with_memory(cls, processors: int, memory_bytes: float) -> Room:
        """Return the room on a machine: its usable memory, less the job's process."""
        return cls(processors, USABLE * memory_bytes - BASE_BYTES)


@dataclass(frozen=True)
class PackedRun:
    """A run of a pack that can start, and its share of what the pack is estimated to cost."""

    name: str
    found: Preparation
    demand: Demand
    share: Cost


@dataclass(frozen=True)
class PreparedPack:
    """A pack that can start: its runs, its limits, how many run at once, and what it will cost."""

    name: str | None
    runs: tuple[PackedRun, ...]
    limits: SettledPackLimits
    at_once: int
    job_seconds: float
    cost: Cost


def prepare_pack(
    pack: Pack, *, instance: InstancePrice, region: str, now: datetime, within_budget: bool = True
) -> PreparedPack:
    """Return the pack with all of its runs prepared; their problems are read.

    Raises:
        InvalidRequest: a run cannot be done as it is asked, needs a device, or has no room in the
            job; names the run.
        BudgetExceeded: the pack, or the share of a run that is named, could cost more than it may.
    """
    prepared = {}
    for run in pack.pack:
        with of_run(run.name):
            prepared[run.name] = prepare_packed(run, instance=instance, region=region, now=now)
    made = shared(pack.name, pack.limits, prepared, instance)
    if within_budget:
        check_budgets(made)
    return made


def shared(
    name: str | None,
    asked: PackLimits,
    prepared: Mapping[str, Preparation],
    instance: InstancePrice,
) -> PreparedPack:
    """Return the pack of runs that are prepared, each with its share of the estimate."""
    room = Room.of(instance.instance_type)
    demands = [demand_of(found.request) for found in prepared.values()]
    limits = _settled(asked, demands, room)
    seconds, at_once = course(demands, room)
    billed = STARTUP_SECONDS + min(seconds, limits.max_runtime_seconds)
    each = shares(billed, STARTUP_SECONDS, [demand.seconds for demand in demands])
    runs = tuple(
        PackedRun(run, found, needs, cost_of(share, instance))
        for (run, found), needs, share in zip(prepared.items(), demands, each, strict=True)
    )
    return PreparedPack(name, runs, limits, at_once, billed, cost_of(billed, instance))


def affordable(
    name: str | None,
    asked: PackLimits,
    prepared: Mapping[str, Preparation],
    instance: InstancePrice,
) -> tuple[PreparedPack | None, dict[str, PipelineError]]:
    """Return the pack of the runs whose shares they may cost, and the refusals of the others.

    With each run that has no part in the job, those of the others grow.

    Raises:
        BudgetExceeded: the pack could cost more than it may.
    """
    left, refused = dict(prepared), dict[str, PipelineError]()
    while left:
        found = shared(name, asked, left, instance)
        above = {run.name: error for run in found.runs if (error := _above(run))}
        if not above:
            costs.check_budget(found.cost, found.limits.of_cost)
            return found, refused
        refused |= above
        left = {run: each for run, each in left.items() if run not in above}
    return None, refused


def _above(run: PackedRun) -> BudgetExceeded | None:
    try:
        costs.check_budget(run.share, run.found.request.limits)
    except BudgetExceeded as error:
        return error
    return None


def check_budgets(found: PreparedPack) -> None:
    """Refuse a pack above its limit, or with a run whose share is above its own.

    Raises:
        BudgetExceeded: names the run, if it is one.
    """
    costs.check_budget(found.cost, found.limits.of_cost)
    for run in found.runs:
        with of_run(run.name):
            costs.check_budget(run.share, run.found.request.limits)


def prepare_packed(
    run: PackedRequest,
    *,
    instance: InstancePrice,
    region: str,
    now: datetime,
    learning: Learning | None = None,
) -> Preparation:
    """Return a run of a pack that can start; its problem is read, its share not known yet.

    Raises:
        InvalidRequest: it cannot be done as it is asked, needs a device, or has no room in the job.
    """
    if needs_device(run.request):
        asked, allowed = run.request.device, "local in a pack: runs on devices have jobs alone"
        raise InvalidRequest.of("device", asked, allowed)
    found = prepare(
        run.request,
        {},
        instance=instance,
        region=region,
        now=now,
        within_budget=False,
        learning=learning,
    )
    needed, room = memory_bytes(found.request), Room.of(instance.instance_type)
    if needed > room.memory_bytes:
        raise InvalidRequest(
            f"problem: {found.request.problem.n_qubits} qubits need {memory_size(needed)}; "
            f"allowed: up to {memory_size(room.memory_bytes)} beside a pack's own process on "
            f"{instance.instance_type}, or a run by itself"
        )
    return found


def demand_of(request: ResolvedRequest) -> Demand:
    """Return what a run takes of the job: all its time limit where no allowance is known."""
    limit = request.limits.max_runtime_seconds
    computed = compute_seconds(request)
    return Demand(limit if computed is None else min(computed, limit), memory_bytes(request))


def _settled(asked: PackLimits, demands: Sequence[Demand], room: Room) -> SettledPackLimits:
    """Return the limits with the job's time limit filled in: the default, or what runs may take."""
    needed = max(RUNTIME, ceil(course(demands, room)[0]))
    chosen = asked.max_runtime_seconds or min(LONGEST, needed)
    return SettledPackLimits(**asked.model_dump() | {"max_runtime_seconds": chosen})


def cost_of(seconds: float, instance: InstancePrice) -> Cost:
    """Return the cost of so many seconds of a job that uses no device."""
    return costs.bill(instance_seconds=seconds, instance=instance, device=find(LOCAL), tasks=())


def order(demands: Sequence[Demand]) -> list[int]:
    """Return the order in which runs start, by their places: the longest first.

    >>> order([Demand(1.0, 1), Demand(3.0, 1), Demand(2.0, 1)])
    [1, 2, 0]
    """
    return sorted(range(len(demands)), key=lambda place: -demands[place].seconds)


def startable(
    waiting: Sequence[int], running: Sequence[int], demands: Sequence[Demand], room: Room
) -> int | None:
    """Return which of the waiting starts beside those that run: the first that fits.

    What fits nowhere starts alone: whether that goes well, only it can tell.

    >>> demands = [Demand(1.0, 3), Demand(1.0, 2), Demand(1.0, 1)]
    >>> startable([1, 2], [0], demands, Room(processors=2, memory_bytes=4))
    2
    """
    if not running:
        return waiting[0] if waiting else None
    if len(running) >= room.processors:
        return None
    free = room.memory_bytes - sum(demands[place].memory_bytes for place in running)
    return next((place for place in waiting if demands[place].memory_bytes <= free), None)


def course(demands: Sequence[Demand], room: Room) -> tuple[float, int]:
    """Return the seconds that all runs take, and how many of them run at once at most.

    >>> course([Demand(2.0, 1), Demand(3.0, 1), Demand(2.0, 1)], Room(2, 10))
    (4.0, 2)
    """
    waiting, ends, now, most = order(demands), list[tuple[float, int]](), 0.0, 0
    while waiting or ends:
        place = startable(waiting, [running for _, running in ends], demands, room)
        if place is None:
            now, _ = heapq.heappop(ends)
            continue
        waiting.remove(place)
        heapq.heappush(ends, (now + demands[place].seconds, place))
        most = max(most, len(ends))
    return now, most


def shares(billed: float, start: float, used: Sequence[float]) -> list[float]:
    """Return each run's part of the seconds that a job is billed; the parts add up to it.

    The start is divided equally, at most all that is billed; what follows by the seconds of a
    processor that each run used, equally if none is known.

    >>> shares(100.0, 40.0, [1.0, 2.0])
    [40.0, 60.0]
    """
    n, total, start = len(used), fsum(used), min(billed, start)
    parts = [each / total if total else 1 / n for each in used]
    return [start / n + (billed - start) * part for part in parts]
