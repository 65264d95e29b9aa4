"""The report's parts on the device: which it was, what mitigation changed, what it all cost.

Money in USD. ``mitigation_usd`` is what the tasks cost beyond those that the raw energy takes. A
mitigated error below its standard error counts as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from quantum_pipeline.devices.catalogue import Device
from quantum_pipeline.planning.costs import Cost, CostItem
from quantum_pipeline.planning.plan import Plan
from quantum_pipeline.planning.prepared import PreparedRun, StateSummary
from quantum_pipeline.planning.tasks import TRAINING, Purpose, task_sizes
from quantum_pipeline.reports.part import Part
from quantum_pipeline.requests.limits import RunLimit
from quantum_pipeline.requests.mitigation import Form
from quantum_pipeline.results import (
    Check,
    DeviceShare,
    Estimated,
    JobResult,
    MitigationOutcome,
    QuantumTask,
    ScaledEnergy,
)
from quantum_pipeline.wording import TOGETHER


class DevicePart(Part):
    """Where the samples came from; ``emulated`` says what stood in for it, None on the real one.

    Of several devices it has the names of all, and is else about the first.
    ``n_qubits`` are all that the device had, None where it reported none. ``qubits_used`` are those
    that the compiled circuit acts on, empty where none was compiled.
    """

    name: str
    arn: str
    kind: Literal["local", "simulator", "qpu", "analog"]
    emulated: str | None
    n_qubits: int | None
    qubits_used: tuple[int, ...]
    chosen_because: str


class DeviceDone(Part):
    """What one device of a run did of what was planned there; money in USD.

    ``queue`` counts the tasks that waited there when the run was prepared, None where that was not
    told. ``circuits`` are those that it measured, one for a block, some of each circuit of a part.
    ``lost`` says why it took no more from some time on, None where it did to the end;
    ``handed_over`` are those of its own that others took then.
    """

    name: str
    queue: int | None
    planned_circuits: int
    circuits: int
    tasks: int
    shots: int
    usd: float
    handed_over: int
    lost: str | None


class MitigationPart(Part):
    """Raw and mitigated energy, and which of them counts.

    ``error_factor`` is the raw error over the mitigated one, both against the energy without noise.
    The mitigated error is floored at its standard error: an energy closer than that is so by
    chance, and the factor takes no credit for it. None where the energy without noise is unknown,
    or where the mitigated error and its standard error are both 0.
    """

    methods: tuple[str, ...]
    extrapolation: str
    extrapolation_used: tuple[Form, ...]
    chosen_because: str | None
    raw: Estimated
    mitigated: Estimated
    scaled: tuple[ScaledEnergy, ...]
    checks: tuple[Check, ...]
    kept: Literal["raw", "mitigated"]
    kept_because: str
    error_factor: float | None
    extra_shots: int


class TaskPart(Part):
    """A quantum task that was paid for."""

    arn: str
    device: str
    purpose: Purpose
    executables: int
    shots: int
    usd: float


class CostPart(Part):
    """The bill in USD: what was estimated line by line, what it came to, and for which tasks.

    ``cut_short_by`` has the limits for which the run was cut short, none of a whole run.
    """

    estimated_usd: float
    actual_usd: float
    estimate_ratio: float | None
    breakdown: tuple[CostItem, ...]
    estimate: tuple[CostItem, ...]
    tasks: tuple[TaskPart, ...]
    mitigation_usd: float | None
    assumed_price: str | None
    cut_short: str | None
    cut_short_by: tuple[RunLimit, ...]
    prices_as_of: str

    @property
    def has_instance(self) -> bool:
        """Whether the job's instance is in the estimate; on this machine it is free, and is not."""
        return any(item.kind == "instance" for item in self.estimate)


def device_part(prepared: PreparedRun, result: JobResult) -> DevicePart:
    """Return what the report says about the device itself."""
    device, run, summary = prepared.device, result.device_run, prepared.state_summary
    emulated = None if run is None else run.emulated
    if emulated is None and summary is not None:
        emulated = summary.emulated
    compiled = None if run is None else run.compilation
    touched: set[int] = set()
    if compiled is not None:
        touched = {*compiled.qubits, *(qubit for pair in compiled.used for qubit in pair)}
    return DevicePart(
        name=TOGETHER.join(each.name for each in prepared.devices),
        arn=device.arn,
        kind=device.kind,
        emulated=emulated,
        n_qubits=None if summary is None else summary.n_qubits,
        qubits_used=tuple(sorted(touched)),
        chosen_because=prepared.reasons.device.words,
    )


def devices_done(
    prepared: PreparedRun, result: JobResult, shares: Sequence[DeviceShare]
) -> tuple[DeviceDone, ...]:
    """Return what each device did that has a share, its money by its own prices."""
    planned = [(prepared.state_summary, prepared.plan)]
    planned += [(each.state_summary, each.plan) for each in prepared.others]
    known = {
        device.name: (device, *of) for device, of in zip(prepared.devices, planned, strict=True)
    }
    return tuple(_done(*known[share.device], result, share) for share in shares)


def _done(
    device: Device,
    state: StateSummary | None,
    plan: Plan,
    result: JobResult,
    share: DeviceShare,
) -> DeviceDone:
    tasks = [task for task in result.tasks if (task.device or device.name) == device.name]
    return DeviceDone(
        name=device.name,
        queue=None if state is None else state.queue,
        planned_circuits=sum(use.executables for use in plan.uses),
        circuits=share.circuits,
        tasks=len(tasks),
        shots=sum(task.shots for task in tasks),
        usd=sum(task_usd(device, task) for task in tasks),
        handed_over=share.handed_over,
        lost=share.lost,
    )


def device_plots(result: JobResult) -> list[str]:
    """Return the names of the pictures of what ran on the device."""
    run = result.device_run
    if run is None:
        return []
    scales = set() if run.mitigation is None else {each.scale for each in run.mitigation.scaled}
    extrapolated = len(scales) > 1
    drawn = {"layout": run.compilation is not None, "mitigation": extrapolated}
    return [name for name, wanted in drawn.items() if wanted]


def mitigation_part(prepared: PreparedRun, result: JobResult) -> MitigationPart | None:
    """Return raw and mitigated energy beside each other; None where nothing was mitigated."""
    run = result.device_run
    if run is None or run.mitigation is None:
        return None
    outcome = run.mitigation
    return MitigationPart(
        methods=outcome.methods,
        extrapolation=outcome.extrapolation,
        extrapolation_used=outcome.extrapolation_used,
        chosen_because=prepared.reasons.mitigation and prepared.reasons.mitigation.words,
        raw=outcome.raw,
        mitigated=outcome.mitigated,
        scaled=outcome.scaled,
        checks=outcome.checks,
        kept=outcome.kept,
        kept_because=outcome.kept_because,
        error_factor=_error_factor(outcome, run.trained_energy),
        extra_shots=outcome.extra_shots,
    )


def _error_factor(outcome: MitigationOutcome, exact: float | None) -> float | None:
    if exact is None:
        return None
    left = max(abs(outcome.mitigated.energy - exact), outcome.mitigated.standard_error)
    return abs(outcome.raw.energy - exact) / left if left else None


def cost_part(prepared: PreparedRun, actual: Cost, result: JobResult) -> CostPart:
    """Return the bill beside the estimate."""
    run, estimated = result.device_run, prepared.estimate.total_usd
    device, named = prepared.device, {each.name: each for each in prepared.devices}
    mitigated = None if run is None else run.mitigation
    instance = prepared.instance
    return CostPart(
        estimated_usd=estimated,
        actual_usd=actual.total_usd,
        estimate_ratio=actual.total_usd / estimated if estimated else None,
        breakdown=actual.items,
        estimate=prepared.estimate.items,
        tasks=tuple(
            TaskPart(
                arn=task.arn,
                purpose=task.purpose,
                executables=task.executables,
                shots=task.shots,
                device=task.device or device.name,
                usd=task_usd(named.get(task.device or "", device), task),
            )
            for task in result.tasks
        ),
        mitigation_usd=(
            None if mitigated is None else _extra_usd(device, result.tasks, mitigated.extra_shots)
        ),
        assumed_price=(
            f"job instance {instance.instance_type}: {instance.source}"
            if instance.is_unknown
            else None
        ),
        cut_short=None if run is None else run.cut_short,
        cut_short_by=() if run is None else run.cut_short_by,
        prices_as_of=actual.prices_as_of,
    )


def task_usd(device: Device, task: QuantumTask) -> float:
    """Return what a task costs on its device."""
    return _usd(device, 1, task.shots, task.billed_minutes)


def _usd(device: Device, tasks: int, shots: float, minutes: float) -> float:
    paid_shots, paid_minutes = shots * device.usd_per_shot, minutes * device.usd_per_minute
    return tasks * device.usd_per_task + paid_shots + paid_minutes


def _extra_usd(device: Device, tasks: tuple[QuantumTask, ...], extra_shots: int) -> float:
    """Return what mitigation cost: fees of tasks, shots and minutes beyond those of the raw energy.

    All circuits have as many shots, so the raw energy's part of the shots is its part of the
    circuits; they fill tasks as the largest of them was filled.
    """
    measured = [task for task in tasks if task.purpose != TRAINING]
    shots = sum(task.shots for task in measured)
    if not shots:
        return 0.0
    extra = extra_shots / shots
    circuits = [task.executables for task in measured]
    raw = max(1, round((1 - extra) * sum(circuits)))
    raw_tasks = len(task_sizes(raw, shots // sum(circuits), max_executables=max(circuits)))
    minutes = extra * sum(task.billed_minutes for task in measured)
    return _usd(device, max(0, len(measured) - raw_tasks), extra_shots, minutes)
