"""What a request will take, before anything is submitted: qubits, memory, time and cost."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from quantum_pipeline import cones, costs, devices, instances, memory, vqe
from quantum_pipeline.algorithms import SettledQaoa
from quantum_pipeline.costs import Cost, InstancePrice
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests import ResolvedRequest

BASE_BYTES = 300 * 2**20
"""What the job takes for the smallest problem: Python, numpy, scipy, the kernels' compiler."""

USABLE = 0.9
"""Part of an instance's memory that the job may have; the container has the rest."""


class Estimate(BaseModel):
    """Upper bounds for one run on AWS."""

    model_config = ConfigDict(frozen=True)

    problem_type: str
    n_qubits: int
    algorithm: str
    device: str
    memory_bytes: int
    max_evaluations: int
    job_seconds: float
    cost: Cost
    total_usd: float
    max_cost_usd: float

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return what a person wants to read of it."""
        yield "problem", f"{self.problem_type}, {self.n_qubits} qubits"
        yield "algorithm", self.algorithm
        yield "device", self.device
        yield "memory", f"{self.memory_bytes / 2**20:.3g} MiB"
        yield "time", f"at most {self.job_seconds:.0f} s, {self.max_evaluations} evaluations"
        for item in self.cost.items:
            yield "cost", f"{item.usd:.4f} USD  {item.what}, {item.quantity:.6g} {item.unit}"
        verdict = "within" if self.total_usd <= self.max_cost_usd else "ABOVE"
        limit = f"{verdict} limits.max_cost_usd = {self.max_cost_usd:g}"
        yield "total", f"{self.total_usd:.4f} USD on AWS, {limit}"
        yield "prices", self.cost.prices_as_of


def estimate(
    request: ResolvedRequest, because: str, instance: InstancePrice, region: str
) -> Estimate:
    """Return the estimate of a resolved request on AWS; ``because`` is what ``resolve`` gave.

    Raises:
        InvalidRequest, DeviceUnavailable: as prepare would refuse it.
    """
    n = request.problem.n_qubits
    check_memory(request, instance.instance_type)
    device, _ = devices.choose(request.device, n_qubits=n, shots=request.shots, region=region)
    cost = costs.estimate(request, device, n, instance)
    return Estimate(
        problem_type=request.problem.type,
        n_qubits=n,
        algorithm=because,
        device=device.name,
        memory_bytes=memory_bytes(request),
        max_evaluations=request.algorithm.max_evaluations,
        job_seconds=costs.job_seconds(request, device, n),
        cost=cost,
        total_usd=cost.total_usd,
        max_cost_usd=request.limits.max_cost_usd,
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
