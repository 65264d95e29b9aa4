"""Estimates what a pack takes before it is submitted, and what of it each of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.planning import costs
from quantum_pipeline.planning.costs import Cost
from quantum_pipeline.planning.estimates import expected_words
from quantum_pipeline.planning.expected import expected_seconds
from quantum_pipeline.planning.packs import PackedRun, PreparedPack
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS
from quantum_pipeline.wording import digits, memory_size


class ShareEstimate(BaseModel):
    """What one run of a pack is expected to take of the job; ``usd`` is its share of the cost."""

    model_config = ConfigDict(frozen=True)

    name: str
    problem_type: str
    n_qubits: int
    algorithm: str
    memory_bytes: int
    seconds: float
    max_runtime_seconds: int
    usd: float
    max_cost_usd: float

    @classmethod
    def of(cls, run: PackedRun) -> ShareEstimate:
        """Return the estimate of a run that can start."""
        request = run.found.request
        return cls(
            name=run.name,
            problem_type=request.problem.type,
            n_qubits=request.problem.n_qubits,
            algorithm=run.found.reasons.algorithm.words,
            memory_bytes=run.demand.memory_bytes,
            seconds=run.demand.seconds,
            max_runtime_seconds=request.limits.max_runtime_seconds,
            usd=run.share.total_usd,
            max_cost_usd=request.limits.max_cost_usd,
        )

    @property
    def line(self) -> str:
        """What a person wants to read of it."""
        above = self.usd > self.max_cost_usd
        verdict = f", ABOVE its limit of {digits(self.max_cost_usd)}: refused" if above else ""
        return (
            f"{self.name}: {self.problem_type}, {self.n_qubits} qubits, "
            f"{memory_size(self.memory_bytes)}, up to {ceil(self.seconds):,} s, "
            f"{self.usd:.6f} USD{verdict}"
        )


class PackEstimate(BaseModel):
    """What a pack is expected to take on AWS, and whether it would start.

    Seconds are allowances, as ``planning.costs`` has them; ``at_once`` is how many of its runs the
    job's instance takes at the same time.
    """

    model_config = ConfigDict(frozen=True)

    runs: tuple[ShareEstimate, ...]
    at_once: int
    max_runtime_seconds: int
    job_seconds: float
    expected_seconds: float | None
    cost: Cost
    total_usd: float
    max_cost_usd: float

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return what a person wants to read of it."""
        yield "pack", f"{len(self.runs)} runs in one job, {self.at_once} at once"
        for run in self.runs:
            yield "run", run.line
        computing = ceil(self.job_seconds - STARTUP_SECONDS)
        yield "expected", expected_words(self.expected_seconds)
        yield "counted", f"{STARTUP_SECONDS} s to start + {computing:,} s (allowance)"
        yield "time limit", f"{self.max_runtime_seconds:,} s for the job"
        for item in self.cost.items:
            yield "cost", f"{item.usd:.4f} USD  {item.what}, {item.amount}"
        within = self.total_usd <= self.max_cost_usd
        limit = f"limits.max_cost_usd = {digits(self.max_cost_usd)}"
        verdict = f"within {limit}" if within else f"ABOVE {limit}: refused"
        yield "total", f"{self.total_usd:.4f} USD on AWS, {verdict}"
        yield "prices", self.cost.prices_as_of
        yield "beside", costs.BESIDE


def _expected_seconds(found: PreparedPack) -> float | None:
    """Return the seconds that all runs should take, as many at once as there is room for."""
    seconds = [
        expected_seconds(each.request, each.device, each.plan)
        for each in (run.found for run in found.runs)
    ]
    known = [each for each in seconds if each is not None]
    return sum(known) / found.at_once if len(known) == len(seconds) else None


def estimate_pack(found: PreparedPack) -> PackEstimate:
    """Return the estimate of a pack on AWS."""
    return PackEstimate(
        runs=tuple(map(ShareEstimate.of, found.runs)),
        at_once=found.at_once,
        max_runtime_seconds=found.limits.max_runtime_seconds,
        job_seconds=found.job_seconds,
        expected_seconds=_expected_seconds(found),
        cost=found.cost,
        total_usd=found.cost.total_usd,
        max_cost_usd=found.limits.max_cost_usd,
    )
