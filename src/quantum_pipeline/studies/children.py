"""Makes the executions of a round: runs that need no device share jobs, others have theirs alone.

A run that will be refused, of a setting that lies between those looked at before the study began,
is started alone all the same: it ends in a failure of its own, and the others go on. A device that
is away ends the study instead: started again once the device is back, it loses nothing.

What is large goes to the bucket of inputs, and executions name it by URI.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import packs
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.packs import Room
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS
from quantum_pipeline.requests.pack import MOST, PackLimits
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES
from quantum_pipeline.studies.lifecycle import CHILDREN_OF_SLOT, split
from quantum_pipeline.studies.places import child_name
from quantum_pipeline.studies.plans import Plans, Prepare
from quantum_pipeline.studies.requests import request_of
from quantum_pipeline.studies.rounds import Child, PlannedRun
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study

INLINE_BYTES = 8192
"""A problem up to this size stays in the input of a run that has its job alone."""

SPARE = 2.0
"""A pack's limit, in its estimates: an attempt that goes on after an interruption is paid too."""

Store = Callable[[bytes], str]
"""Stores JSON where executions can read it, the same under the same name; returns its URI."""


@dataclass(frozen=True)
class _Run:
    """A run: what it asks, and what it takes, None where it will be refused."""

    setting: Setting
    attempt: int
    request: dict[str, Any]
    found: Preparation | None
    alone: bool

    @property
    def n_bytes(self) -> int:
        return len(json.dumps(self.request))


def children(
    study: Study,
    settings: Sequence[Setting],
    *,
    tries: Mapping[int, int],
    prepare: Prepare,
    store: Store,
    instance: InstancePrice,
) -> tuple[Child, ...]:
    """Return the executions that try these settings; of very many, those of the first.

    Args:
        tries: how often each setting was planned before, by its number.
        prepare: plans a request.
        store: keeps what is large.
        instance: what jobs run on, and its price.

    Raises:
        DeviceUnavailable: a device that was there is away.
    """
    room, plan = Room.of(instance.instance_type), Plans(study, prepare)
    runs = [_run(study, each, tries, plan, room) for each in settings]
    together = [run for run in runs if not run.alone]
    jobs = [[run] for run in runs if run.alone]
    if together:
        jobs += _shared(together, study.limits.concurrency, room)
    jobs.sort(key=lambda job: job[0].setting.number)
    kept = jobs[: CHILDREN_OF_SLOT * study.limits.concurrency]
    return tuple(_child(study, job, store, instance) for job in kept)


def _run(study: Study, setting: Setting, tries: Mapping[int, int], plan: Plans, room: Room) -> _Run:
    request = request_of(study, setting) | {"study": study.name}
    attempt = tries.get(setting.number, 0) + 1
    try:
        found = plan.of(setting)
    except InvalidRequest:  # as its own execution says
        return _Run(setting, attempt, request, None, alone=True)
    no_room = packs.demand_of(found.request).memory_bytes > room.memory_bytes
    return _Run(setting, attempt, request, found, found.device.kind != "local" or no_room)


def _shared(runs: Sequence[_Run], concurrency: int, room: Room) -> Iterator[list[_Run]]:
    """Yield the runs of each job."""
    by_number = {run.setting.number: run for run in runs}
    seconds = {
        number: packs.demand_of(run.found.request).seconds / room.processors
        for number, run in by_number.items()
        if run.found is not None
    }
    fit = MAX_OBJECT_BYTES // (2 * max(run.n_bytes for run in runs))
    for job in split(seconds, concurrency, STARTUP_SECONDS, max(1, min(MOST, fit))):
        yield [by_number[number] for number in job]


def _child(study: Study, job: Sequence[_Run], store: Store, instance: InstancePrice) -> Child:
    first = job[0]
    name = child_name(study.name, first.setting.number, first.attempt)
    if len(job) == 1:
        return Child(
            name=name,
            input=_less_problem(first.request, store),
            runs=(PlannedRun(run_id=name, setting=first.setting),),
            estimated_usd=first.found.cost.total_usd if first.found else 0.0,
        )
    names = [str(run.setting.number) for run in job]
    found = {str(run.setting.number): run.found for run in job if run.found is not None}
    estimated = packs.shared(None, PackLimits(), found, instance).cost.total_usd
    pack = [
        {"name": number, "request": run.request} for number, run in zip(names, job, strict=True)
    ]
    limit = ceil(SPARE * estimated * 1e6) / 1e6
    return Child(
        name=name,
        input={
            "name": study.name,
            "pack": {"uri": store(json.dumps(pack).encode())},
            "limits": {"max_cost_usd": limit},
        },
        runs=tuple(
            PlannedRun(run_id=f"{name}.{number}", setting=run.setting)
            for number, run in zip(names, job, strict=True)
        ),
        estimated_usd=estimated,
    )


def _less_problem(request: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return a request whose problem, if it is large, is stored."""
    problem = json.dumps(request["problem"]).encode()
    if len(problem) <= INLINE_BYTES:
        return request
    return request | {"problem": {"uri": store(problem)}}
