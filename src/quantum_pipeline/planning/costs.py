"""Estimates and bills what a run costs: the job's instance and the device, itemised, in USD.

Prices of devices are in the catalogue with their date. The price of the job's instance is a
parameter of the stack with its own date, since Braket's API does not report it.

In an estimate, tasks and shots are upper bounds; seconds are the allowances of ``runtimes``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.devices.catalogue import Device, catalogue
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.planning import instances
from quantum_pipeline.planning.plan import Most, Plan, least_use
from quantum_pipeline.planning.runtimes import (
    COMPILE_SECONDS,
    QUEUE_SECONDS,
    STARTUP_SECONDS,
    job_seconds,
)
from quantum_pipeline.planning.tasks import SAMPLES, Purpose
from quantum_pipeline.requests.request import Limits, ResolvedRequest

USD_PER_GIB_HOUR = 0.05
"""Assumed where the price of an instance is unknown; above that of general-purpose instances."""

USD_PER_HOUR = 20.0
"""Assumed where the instance itself is unknown."""

FREE = "free: this machine bills nothing"
"""The only source whose price of 0 is taken as free; from any other, 0 means unknown."""

BESIDE = "S3, Lambda, Step Functions and CloudWatch: below 0.01 USD a run, not counted"


class InstancePrice(BaseModel):
    """Price of the job's instance, with the day and source it was read; 0 where it is unknown."""

    model_config = ConfigDict(frozen=True)

    instance_type: str
    usd_per_hour: float
    as_of: str

    @property
    def is_unknown(self) -> bool:
        """Whether no price was given."""
        return self.usd_per_hour == 0 and self.as_of != FREE

    @property
    def counted_usd_per_hour(self) -> float:
        """USD an hour that estimates and bills count: the price, or one assumed in its place."""
        if not self.is_unknown:
            return self.usd_per_hour
        memory = instances.memory_bytes(self.instance_type)
        return USD_PER_HOUR if memory is None else USD_PER_GIB_HOUR * memory / 2**30

    @property
    def source(self) -> str:
        """What the price rests on."""
        if not self.is_unknown:
            return self.as_of
        return f"unknown, assumed as {self.counted_usd_per_hour:g} USD an hour"


class Billed(Protocol):
    """A quantum task to be paid for, as the job's result records it."""

    @property
    def purpose(self) -> Purpose:
        """What it was for."""

    @property
    def shots(self) -> int:
        """Shots of all its circuits."""

    @property
    def billed_minutes(self) -> float:
        """Minutes billed by a simulator."""

    @property
    def device(self) -> str | None:
        """The name of its device, None of the run's only one."""


class CostItem(BaseModel):
    """One line of a bill: its kind, and its purpose, which the job's instance has not.

    ``what`` states both in words, with the name of the instance or the device.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    kind: Literal["instance", "tasks", "shots", "time"]
    purpose: Purpose | None
    quantity: float
    unit: str
    usd: float

    @property
    def amount(self) -> str:
        """The quantity with its unit: to the whole from 10 on, below to two digits."""
        counted = self.unit in ("tasks", "shots")
        unit = self.unit[:-1] if counted and self.quantity == 1 else self.unit
        return f"{self.quantity:{',.0f' if self.quantity >= 10 else '.2g'}} {unit}"


class Cost(BaseModel):
    """A bill, estimated or actual."""

    model_config = ConfigDict(frozen=True)

    items: tuple[CostItem, ...]
    prices_as_of: str

    @property
    def total_usd(self) -> float:
        """Sum of the items."""
        return math.fsum(item.usd for item in self.items)


def estimate(
    request: ResolvedRequest,
    instance: InstancePrice,
    shares: Sequence[tuple[Device, Plan]],
    most: Most | None = None,
) -> Cost:
    """Return the estimate of a resolved request: all tasks planned, and the job's instance.

    ``shares`` has what is planned on each of its devices. Where there are several, ``most`` bounds
    what all do together: what circuits that go elsewhere may cost beyond the shares is an item.
    """
    uses = [
        (device, _Use(use.purpose, use.tasks, use.shots, use.billed_minutes))
        for device, planned in shares
        for use in planned.uses
    ]
    found = _cost(job_seconds(request, shares[0][0]), instance, uses)
    if most is None or len(shares) == 1:
        return found
    return found.model_copy(update={"items": (*found.items, _elsewhere(shares, most))})


def _elsewhere(shares: Sequence[tuple[Device, Plan]], most: Most) -> CostItem:
    """Return what all circuits would cost at the highest prices, beyond what the shares cost."""
    fee, price = (
        max(getattr(device, name) for device, _ in shares)
        for name in ("usd_per_task", "usd_per_shot")
    )
    planned = sum(
        plan.tasks * device.usd_per_task + plan.shots * device.usd_per_shot
        for device, plan in shares
    )
    return CostItem(
        what="circuits that go to another device than planned, at most",
        kind="shots",
        purpose=SAMPLES,
        quantity=most.shots,
        unit="shots",
        usd=max(0.0, most.tasks * fee + most.shots * price - planned),
    )


def measured_usd(device: Device, planned: Plan) -> float:
    """Return what all that is planned on a device costs there, the job's instance left out."""
    uses = (
        _Use(each.purpose, each.tasks, each.shots, each.billed_minutes) for each in planned.uses
    )
    return math.fsum(item.usd for use in uses for item in _items(device, use))


def minimum(
    request: ResolvedRequest, device: Device, instance: InstancePrice, state: DeviceState | None
) -> Cost:
    """Return the cost of the smallest useful run: its circuits, mostly one, of the fewest shots.

    On a device it includes the instance while the job compiles and the task may be queued.
    """
    if device.kind == "local":
        return _cost(STARTUP_SECONDS, instance, ())
    use = least_use(request, device, state)
    beside = COMPILE_SECONDS[device.kind] + QUEUE_SECONDS[device.kind]
    job = STARTUP_SECONDS + min(use.seconds + beside, request.limits.max_runtime_seconds)
    each = _Use(SAMPLES, use.tasks, use.shots, use.billed_minutes)
    return _cost(job, instance, [(device, each)])


def bill(
    *,
    instance_seconds: float,
    instance: InstancePrice,
    device: Device,
    tasks: Iterable[Billed],
    others: Iterable[Device] = (),
) -> Cost:
    """Return the bill for the instance and for what ran on the devices, without free items.

    A task that names no device ran on the first one.
    """
    devices = {each.name: each for each in (device, *others)}
    uses: dict[tuple[str, Purpose], _Use] = {}
    for task in tasks:
        place = task.device or device.name, task.purpose
        before = uses.get(place, _Use(task.purpose, 0, 0, 0.0))
        uses[place] = _Use(
            task.purpose,
            before.tasks + 1,
            before.shots + task.shots,
            before.minutes + task.billed_minutes,
        )
    by_device = ((devices[name], use) for (name, _), use in uses.items())
    return _cost(instance_seconds, instance, by_device)


class _Use(NamedTuple):
    purpose: Purpose
    tasks: int
    shots: int
    minutes: float


def _cost(seconds: float, instance: InstancePrice, uses: Iterable[tuple[Device, _Use]]) -> Cost:
    own = CostItem(
        what=f"job instance {instance.instance_type}",
        kind="instance",
        purpose=None,
        quantity=seconds,
        unit="s",
        usd=seconds * _second(instance),
    )
    on_device = (item for device, use in uses for item in _items(device, use))
    return Cost(
        items=tuple(item for item in (own, *on_device) if item.usd),
        prices_as_of=f"devices {catalogue().prices_as_of}; instance {instance.source}",
    )


def _items(device: Device, use: _Use) -> Iterator[CostItem]:
    lines: tuple[tuple[Literal["tasks", "shots", "time"], float, str, float], ...] = (
        ("tasks", use.tasks, "tasks", device.usd_per_task),
        ("shots", use.shots, "shots", device.usd_per_shot),
        ("time", use.minutes, "min", device.usd_per_minute),
    )
    for kind, quantity, unit, usd_each in lines:
        yield CostItem(
            what=f"{kind} on {device.name}, {use.purpose}",
            kind=kind,
            purpose=use.purpose,
            quantity=quantity,
            unit=unit,
            usd=quantity * usd_each,
        )


def _second(instance: InstancePrice) -> float:
    return instance.counted_usd_per_hour / 3600


def check_budget(cost: Cost, limits: Limits, least: Cost | None = None) -> None:
    """Refuse a run whose estimate is above limits.max_cost_usd.

    A run with limits.allow_partial is refused only if ``least``, the cost of the smallest useful
    run, is above the limit too.

    Raises:
        BudgetExceeded: names the estimate, its largest item, the limit, and what would pass.
    """
    limit = limits.max_cost_usd
    if cost.total_usd <= limit:
        return
    if not limits.allow_partial or least is None:
        largest = max(cost.items, key=lambda item: item.usd)
        ways = ["fewer shots"] if largest.kind == "shots" else []
        if least is not None and least.total_usd <= limit and len(cost.items) > 1:
            ways.append("limits.allow_partial, to stop below it")
        raise BudgetExceeded(
            f"limits.max_cost_usd: the estimate is {cost.total_usd:.4f} USD, of which "
            f"{largest.usd:.4f} for {largest.what}; "
            f"allowed: {', '.join((f'up to {limit:.4f}', *ways[:-1]))}"
            f"{f', or {ways[-1]}' if ways else ''}"
        )
    if least.total_usd > limit:
        raise BudgetExceeded(
            f"limits.max_cost_usd: the smallest run of use, one task of the fewest shots, is "
            f"{least.total_usd:.4f} USD; allowed: up to {limit:.4f}"
        )
