"""Estimates what a request takes before it is submitted: qubits, memory, time and cost."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import Cost
from quantum_pipeline.planning.memory import memory_bytes
from quantum_pipeline.planning.plan import Plan
from quantum_pipeline.planning.prepared import Preparation
from quantum_pipeline.planning.tasks import TRAINING


class Estimate(BaseModel):
    """Upper bounds for one run on AWS, and whether it would start.

    ``least_usd`` is the cost of its smallest part that is of use.
    """

    model_config = ConfigDict(frozen=True)

    problem_type: str
    n_qubits: int
    algorithm: str
    device: str
    device_because: str
    emulated: str | None
    mitigation: str | None
    reserved: bool
    memory_bytes: int
    max_evaluations: int
    max_runtime_seconds: int
    runtime_because: str
    job_seconds: float
    plan: Plan
    cost: Cost
    total_usd: float
    least_usd: float
    max_cost_usd: float
    allow_partial: bool

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return what a person wants to read of it."""
        yield "problem", f"{self.problem_type}, {self.n_qubits} qubits"
        yield "algorithm", self.algorithm
        yield "device", f"{self.device}: {self.device_because}"
        if self.emulated is not None:
            yield "emulated", "on this machine: a rehearsal; sources with --json"
        if self.mitigation is not None:
            yield "mitigation", self.mitigation
        yield "memory", f"{self.memory_bytes / 2**20:.3g} MiB"
        started = self.job_seconds - costs.STARTUP_SECONDS
        trained = any(use.purpose == TRAINING for use in self.plan.uses)
        computed = "" if trained else f", for {self.max_evaluations} evaluations"
        yield "time", f"at most {costs.STARTUP_SECONDS} s to start + {ceil(started)} s{computed}"
        yield "time limit", f"{self.max_runtime_seconds} s for the job: {self.runtime_because}"
        for use in self.plan.uses:
            (shots,) = {batch.shots for batch in self.plan.batches if batch.purpose == use.purpose}
            measured = "evaluation" if use.purpose == TRAINING else "circuit"
            yield (
                use.purpose,
                f"{_counted(use.executables, measured)} of {shots} shots in "
                f"{_counted(use.tasks, 'task')}, at most {max(use.seconds, 0.1):.1f} s",
            )
        for item in self.cost.items:
            unit = "task" if (item.quantity, item.unit) == (1, "tasks") else item.unit
            yield "cost", f"{item.usd:.4f} USD  {item.what}, {item.quantity:.6g} {unit}"
        if self.reserved:
            yield "reserved", "billed by its hours and apart: tasks and shots in it have no fees"
        yield "total", f"{self.total_usd:.4f} USD on AWS, {self._verdict()}"
        yield "prices", self.cost.prices_as_of
        yield "beside", costs.BESIDE

    def _verdict(self) -> str:
        """Return what would happen, with the limit of the cost."""
        limit = f"limits.max_cost_usd = {self.max_cost_usd:g}"
        if self.total_usd <= self.max_cost_usd:
            return f"within {limit}"
        if self.allow_partial and self.least_usd <= self.max_cost_usd:
            return f"ABOVE {limit}: would start, and stop below it"
        return f"ABOVE {limit}: refused"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def estimate(found: Preparation) -> Estimate:
    """Return the estimate of a run on AWS."""
    request = found.request
    return Estimate(
        problem_type=request.problem.type,
        n_qubits=request.problem.n_qubits,
        algorithm=found.reasons.algorithm.words,
        device=found.device.name,
        device_because=found.reasons.device.words,
        emulated=None if found.state is None else found.state.emulated,
        mitigation=found.reasons.mitigation and found.reasons.mitigation.words,
        reserved=request.reservation_arn is not None,
        memory_bytes=memory_bytes(request),
        max_evaluations=request.algorithm.max_evaluations,
        max_runtime_seconds=request.limits.max_runtime_seconds,
        runtime_because=found.reasons.runtime.words,
        job_seconds=costs.job_seconds(request, found.device),
        plan=found.plan,
        cost=found.cost,
        total_usd=found.cost.total_usd,
        least_usd=found.least.total_usd,
        max_cost_usd=request.limits.max_cost_usd,
        allow_partial=request.limits.allow_partial,
    )
