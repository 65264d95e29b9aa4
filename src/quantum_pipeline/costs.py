"""What a run costs: the job's instance and the device, itemised. Money in USD.

Prices of devices are in the catalogue with their date. The price of the job's instance is a
parameter of the stack with its own date: Braket's API does not tell it. S3, Lambda and Step
Functions cost well below a cent a run and are left out.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.algorithms import SettledQaoa
from quantum_pipeline.devices import Device, catalogue
from quantum_pipeline.errors import BudgetExceeded
from quantum_pipeline.requests import ResolvedRequest

STARTUP_SECONDS = 180
"""Assumed: an instance is billed while it starts, loads the image and uploads the results."""

SECONDS_PER_AMPLITUDE_AND_LAYER = 1e-6
"""Upper bound of one energy and gradient, per amplitude of the state and layer of the circuit."""

SECONDS_PER_LAYER = 2e-4
"""The same, of a layer however few the amplitudes are."""

SECONDS_PER_SHOT = 1e-6
"""Upper bound of one shot, where evaluations are from shots: it is searched for in the state."""

SIMULATOR_SECONDS = 60.0
"""Assumed: what an on-demand simulator takes for one task of the widest circuit we send it."""


class InstancePrice(BaseModel):
    """Price of the job's instance, with the day and source it was read."""

    model_config = ConfigDict(frozen=True)

    instance_type: str
    usd_per_hour: float
    as_of: str


class CostItem(BaseModel):
    """One line of a bill."""

    model_config = ConfigDict(frozen=True)

    what: str
    quantity: float
    unit: str
    usd: float


class Cost(BaseModel):
    """A bill, estimated or actual."""

    model_config = ConfigDict(frozen=True)

    items: tuple[CostItem, ...]
    prices_as_of: str

    @property
    def total_usd(self) -> float:
        """Sum of the items."""
        return sum(item.usd for item in self.items)


def job_seconds(request: ResolvedRequest, device: Device, n_qubits: int) -> float:
    """Return an upper bound of the job's billed seconds, its start included.

    For QAOA on the exact engine that is every evaluation used, or the time limit; a job that waits
    for a device waits in its queue as well, for as long as the time limit lets it, and so does
    what other algorithms take.
    """
    algorithm, limit = request.algorithm, request.limits.max_runtime_seconds
    if device.kind != "local" or not isinstance(algorithm, SettledQaoa):
        return STARTUP_SECONDS + limit
    layer = SECONDS_PER_LAYER + float(2**n_qubits) * SECONDS_PER_AMPLITUDE_AND_LAYER
    shots = (algorithm.shots_per_evaluation or 0) * SECONDS_PER_SHOT
    compute = algorithm.max_evaluations * (algorithm.deepest * layer + shots)
    return STARTUP_SECONDS + min(compute, limit)


def estimate(
    request: ResolvedRequest, device: Device, n_qubits: int, instance: InstancePrice
) -> Cost:
    """Return what a resolved request will cost at most."""
    return bill(
        instance_seconds=job_seconds(request, device, n_qubits),
        instance=instance,
        device=device,
        tasks=0 if device.kind == "local" else 1,
        shots=request.shots,
        simulator_minutes=max(device.minimum_seconds, SIMULATOR_SECONDS) / 60,
    )


def bill(
    *,
    instance_seconds: float,
    instance: InstancePrice,
    device: Device,
    tasks: int,
    shots: int,
    simulator_minutes: float,
) -> Cost:
    """Return the bill of an instance's time and of what ran on the device, without what is free."""
    lines = [
        (
            f"job instance {instance.instance_type}",
            instance_seconds,
            "s",
            instance.usd_per_hour / 3600,
        )
    ]
    if tasks:
        lines += [
            (f"tasks on {device.name}", tasks, "tasks", device.usd_per_task),
            (f"shots on {device.name}", shots, "shots", device.usd_per_shot),
            (f"time on {device.name}", simulator_minutes, "min", device.usd_per_minute),
        ]
    return Cost(
        items=tuple(
            CostItem(what=what, quantity=quantity, unit=unit, usd=quantity * usd_each)
            for what, quantity, unit, usd_each in lines
            if usd_each
        ),
        prices_as_of=f"devices {catalogue().prices_as_of}; instance {instance.as_of}",
    )


def check_budget(cost: Cost, request: ResolvedRequest) -> None:
    """Refuse a run that could cost more than it may.

    Raises:
        BudgetExceeded: names the estimate, its largest item and the limit.
    """
    limit = request.limits.max_cost_usd
    if cost.total_usd > limit:
        largest = max(cost.items, key=lambda item: item.usd)
        raise BudgetExceeded(
            f"limits.max_cost_usd: the estimate is {cost.total_usd:.4f} USD, of which "
            f"{largest.usd:.4f} for {largest.what}; allowed: up to {limit:.4f}"
        )
