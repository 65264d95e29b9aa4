"""What a request will take, before anything is submitted: qubits, memory, time and cost."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from quantum_pipeline import cones
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning import costs, instances, memory, vqe
from quantum_pipeline.planning.costs import Cost
from quantum_pipeline.planning.plan import TRAINING, Plan
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import SettledQaoa
from quantum_pipeline.requests.request import ResolvedRequest

if TYPE_CHECKING:
    from quantum_pipeline.planning.preparation import Preparation

BASE_BYTES = 300 * 2**20
"""What the job takes for the smallest problem: Python, numpy, scipy, the kernels' compiler."""

USABLE = 0.9
"""Part of an instance's memory that the job may have; the container has the rest."""


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
        algorithm=found.algorithm_because,
        device=found.device.name,
        device_because=found.device_because,
        emulated=None if found.state is None else found.state.emulated,
        mitigation=found.mitigation_because,
        reserved=request.reservation_arn is not None,
        memory_bytes=memory_bytes(request),
        max_evaluations=request.algorithm.max_evaluations,
        max_runtime_seconds=request.limits.max_runtime_seconds,
        job_seconds=costs.job_seconds(request, found.device),
        plan=found.plan,
        cost=found.cost,
        total_usd=found.cost.total_usd,
        least_usd=found.least.total_usd,
        max_cost_usd=request.limits.max_cost_usd,
        allow_partial=request.limits.allow_partial,
    )


def memory_bytes(request: ResolvedRequest) -> int:
    """Return the most memory that the job takes, computed before any is allocated."""
    problem, algorithm = request.problem, request.algorithm
    if isinstance(problem, Chemistry):
        return BASE_BYTES + vqe.memory_bytes(problem)
    n = problem.n_qubits
    if not isinstance(algorithm, SettledQaoa):
        state = memory.reference_bytes(n) if n <= cones.EXACT else 0
        return BASE_BYTES + max(state, CONE_ARRAYS * memory.AMPLITUDE * cones.LARGEST)
    if algorithm.warm_start != "none":
        return BASE_BYTES + memory.run_bytes(n, 1, symmetric=False) + memory.reference_bytes(n)
    symmetric = not any(problem.ising().fields)
    return BASE_BYTES + memory.run_bytes(n, algorithm.deepest, symmetric=symmetric)


CONE_ARRAYS = 6
"""Arrays of a light cone's largest size that live at once."""


def check_memory(request: ResolvedRequest, instance_type: str) -> None:
    """Refuse a run whose job would not fit the memory of its instance.

    Raises:
        InvalidRequest: names what it needs, what there is, and what would fit.
    """
    there, needed = instances.memory_bytes(instance_type), memory_bytes(request)
    if there is not None and needed > USABLE * there:
        raise InvalidRequest(
            f"problem: {request.problem.n_qubits} qubits need {needed / 2**30:.3g} GiB in the job; "
            f"allowed: up to {USABLE * there / 2**30:.3g} GiB on {instance_type}, or a stack with "
            "a JobInstanceType of more memory"
        )
