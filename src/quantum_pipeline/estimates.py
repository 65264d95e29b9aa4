"""What a request will take, before anything is submitted: qubits, memory, time and cost."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from quantum_pipeline import costs, devices
from quantum_pipeline.costs import Cost, InstancePrice
from quantum_pipeline.requests import ResolvedRequest

BYTES_PER_AMPLITUDE = 112
"""Measured peak of the whole job at 20 and 23 qubits: state, adjoint, scratch, costs, samples."""


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
    device, _ = devices.choose(request.device, n_qubits=n, shots=request.shots, region=region)
    cost = costs.estimate(request, device, n, instance)
    return Estimate(
        problem_type=request.problem.type,
        n_qubits=n,
        algorithm=because,
        device=device.name,
        memory_bytes=BYTES_PER_AMPLITUDE * 2**n,
        max_evaluations=request.algorithm.max_evaluations,
        job_seconds=costs.job_seconds(request, device, n),
        cost=cost,
        total_usd=cost.total_usd,
        max_cost_usd=request.limits.max_cost_usd,
    )
