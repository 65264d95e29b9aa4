"""Estimates and bills what a run costs: the job's instance and the device, itemised, in USD.

Prices of devices are in the catalogue with their date. The price of the job's instance is a
parameter of the stack with its own date, since Braket's API does not report it.

In an estimate, tasks and shots are upper bounds. Seconds are allowances: they rest on the assumed
rates below. The only bound on time is the limit at which Braket ends the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.chemistry.excitations import n_excitations
from quantum_pipeline.devices.catalogue import Device, catalogue
from quantum_pipeline.devices.states import DeviceState
from quantum_pipeline.errors import BudgetExceeded, InvalidRequest
from quantum_pipeline.planning import instances, tables
from quantum_pipeline.planning.forms import space_of
from quantum_pipeline.planning.plan import Most, Plan, Work, least_use
from quantum_pipeline.planning.reasons import Reason, Why
from quantum_pipeline.planning.tables import SettledClassifier
from quantum_pipeline.planning.tasks import SAMPLES, Purpose
from quantum_pipeline.problems import Chemistry, Classification, FormProblem
from quantum_pipeline.requests.algorithm import (
    SettledCut,
    SettledDivide,
    SettledKernel,
    SettledQaoa,
)
from quantum_pipeline.requests.request import RUNTIME, Limits, ResolvedRequest, SettledLimits

STARTUP_SECONDS = 180
"""Allowance: an instance is billed while it starts, loads the image and uploads the results."""

SECONDS_PER_AMPLITUDE_AND_LAYER = 1e-6
"""Allowance for one energy with its gradient, per amplitude of the state and per layer."""

SECONDS_PER_LAYER = 2e-4
"""Allowance for a layer in addition, however few the amplitudes are."""

SECONDS_PER_SHOT = 1e-6
"""Allowance for sampling one shot from the state, where energies are estimated from shots."""

MOLECULE_SECONDS = 120
"""Allowance for the integrals of all geometries, Hartree-Fock, and the Hamiltonian."""

COMPILE_SECONDS = {"qpu": 150, "simulator": 60}
"""Allowance for what a job on a device does besides its tasks: loading libraries, compiling."""

SECONDS_PER_BLOCK = 3
"""Allowance for compiling the circuit of a block for a QPU."""

SECONDS_PER_ENTRY = 0.2
"""Allowance for compiling the circuit of an entry of a kernel, on qubits that are chosen."""

QUEUE_SECONDS = {"qpu": 600, "simulator": 120}
"""Allowance for all queues of a run on a device, unless limits.max_runtime_seconds is given."""

USD_PER_GIB_HOUR = 0.05
"""Assumed where the price of an instance is unknown; above that of general-purpose instances."""

USD_PER_HOUR = 20.0
"""Assumed where the instance itself is unknown."""

LONGEST = 432_000
"""Seconds after which Braket ends any job."""

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
        return sum(item.usd for item in self.items)


def compute_seconds(work: Work) -> float | None:
    """Return the seconds allowed for what the job itself computes, None where no figure is known.

    An allowance, not a bound: every evaluation that QAOA or VQE may use, at the assumed rates
    above. An evaluation of VQE applies its excitations one after the other; one of a classifier is
    a setting, tried on every fold.
    """
    problem, algorithm = work.problem, work.algorithm
    if isinstance(problem, Chemistry):
        sector = problem.sector
        state = SECONDS_PER_LAYER + sector.dimension * SECONDS_PER_AMPLITUDE_AND_LAYER
        return MOLECULE_SECONDS + algorithm.max_evaluations * n_excitations(sector) * state
    if isinstance(problem, Classification) and isinstance(algorithm, SettledClassifier):
        return tables.counted_seconds(problem, algorithm)
    if isinstance(algorithm, SettledDivide):
        return _divide_seconds(problem.n_qubits, algorithm)
    if not isinstance(algorithm, SettledQaoa) or isinstance(algorithm, SettledCut):
        return None
    if algorithm.train_on == "device":
        return 0.0
    layer = SECONDS_PER_LAYER + n_states(work) * SECONDS_PER_AMPLITUDE_AND_LAYER
    shots = (algorithm.shots_per_evaluation or 0) * SECONDS_PER_SHOT
    return algorithm.max_evaluations * (algorithm.deepest * layer + shots)


def _divide_seconds(n: int, algorithm: SettledDivide) -> float:
    """Return the seconds allowed for all blocks of all rounds, and for what they are compared with.

    Blocks that are grown are more than those of the partition, for the last ones are small.
    """
    blocks = 1.5 * n / algorithm.block_size * (algorithm.max_rounds + 1)
    layer = SECONDS_PER_LAYER + 2.0**algorithm.block_size * SECONDS_PER_AMPLITUDE_AND_LAYER
    return 3 * blocks * algorithm.depth * algorithm.max_evaluations * layer


def n_states(work: Work) -> int:
    """Return how many states QAOA has of a problem: of its bits, or those of its form."""
    problem = work.problem
    if isinstance(problem, FormProblem):
        return space_of(problem, work).n_states
    states: int = 2**problem.n_qubits
    return states


def settle_runtime(
    asked: Limits, work: Work, device: Device, planned: Plan
) -> tuple[SettledLimits, Reason]:
    """Return the limits with the job's time limit filled in, and the reason for it.

    On a device, unless the request sets it: the allowance for what the job computes, at most
    RUNTIME; its tasks; and the allowances for compiling and for queues.

    Raises:
        InvalidRequest: the request gives less than the run is assumed to take on its device.
    """
    seconds, words, why = asked.max_runtime_seconds, "as asked", Why.ASKED
    if seconds is not None:
        _check_runtime(asked, device, planned)
    elif device.kind == "local":
        seconds, words, why = RUNTIME, "the default", Why.USUAL
    else:
        computed = compute_seconds(work)
        own = RUNTIME if computed is None else min(computed, RUNTIME)
        compiling, queue = _compile_seconds(work, device, planned), QUEUE_SECONDS[device.kind]
        needed, tasks = ceil(own + planned.seconds + compiling + queue), round(planned.seconds)
        seconds, why = min(LONGEST, needed), Why.DEVICE_TIME
        words = (
            f"{needed - tasks - queue} s to compute and compile, {tasks} s of tasks, "
            f"{queue} s allowed for their queue"
        ) + (f"; Braket ends a job after {LONGEST} s" if needed > LONGEST else "")
    limits = SettledLimits(**asked.model_dump() | {"max_runtime_seconds": seconds})
    return limits, Reason(why=why, words=words)


def _compile_seconds(work: Work, device: Device, planned: Plan) -> float:
    """Return the seconds allowed for compiling: of divide and kernels many circuits."""
    each = 0.0
    if device.kind == "qpu" and isinstance(work.algorithm, SettledDivide):
        each = SECONDS_PER_BLOCK
    elif device.kind == "qpu" and isinstance(work.algorithm, SettledKernel):
        each = SECONDS_PER_ENTRY
    circuits = sum(use.executables for use in planned.uses)
    return COMPILE_SECONDS[device.kind] + each * circuits


def job_seconds(request: ResolvedRequest, device: Device) -> float:
    """Return the billed seconds of the job that an estimate counts, its start included.

    Without a device, the allowance for every evaluation, at most the time limit. For recursive
    QAOA, and on a device, whose queue is billed too, the whole time limit.
    """
    limit = request.limits.max_runtime_seconds
    computed = compute_seconds(request)
    if device.kind != "local" or computed is None:
        return STARTUP_SECONDS + limit
    return STARTUP_SECONDS + min(computed, limit)


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
    return sum(item.usd for use in uses for item in _items(device, use))


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


def _check_runtime(limits: Limits, device: Device, planned: Plan) -> None:
    """Refuse a time limit below what a run is assumed to take on its device, queues left out.

    A run that may stop early needs time for its last purpose only, the samples.

    Raises:
        InvalidRequest: states the fewest seconds that would be accepted.
    """
    limit = limits.max_runtime_seconds
    if limit is None or device.kind == "local":
        return
    tasks = planned.uses[-1].seconds if limits.allow_partial else planned.seconds
    least = ceil(COMPILE_SECONDS[device.kind] + tasks)
    if limit < least:
        raise InvalidRequest.of(
            "limits.max_runtime_seconds",
            limit,
            f"{least} or more on {device.name}: {COMPILE_SECONDS[device.kind]} to compile, "
            f"{tasks:.0f} for its tasks, and what their queue takes",
        )


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
