"""What the reports of all problems have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from quantum_pipeline import __version__
from quantum_pipeline.costs import Cost, CostItem
from quantum_pipeline.evaluation import Analysis
from quantum_pipeline.results import Evaluation, JobResult
from quantum_pipeline.runs import PreparedRun, SubmittedJob


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]
"""A time in UTC, to the second; ISO 8601 in JSON."""


class Part(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DevicePart(Part):
    """Where the samples came from."""

    name: str
    arn: str
    chosen_because: str


class Convergence(Part):
    """Each evaluation of the mean energy, and how the optimiser ended."""

    history: tuple[Evaluation, ...]
    converged: bool
    stop_reason: str


class Timing(Part):
    """Where the time went, in seconds."""

    prepare_seconds: float
    queue_seconds: float
    job_seconds: float
    post_process_seconds: float
    polls: int


class CostPart(Part):
    """The bill in USD: what was estimated, what it came to."""

    estimated_usd: float
    actual_usd: float
    breakdown: tuple[CostItem, ...]
    prices_as_of: str


class Provenance(Part):
    """What it takes to run it again: the code's hash, versions, seed."""

    source_sha256: str
    versions: dict[str, str]
    seed: int
    execution_arn: str
    job_arn: str


class Artifacts(Part):
    """Files beside report.json, by their names in the run's folder."""

    report_html: str
    plots: tuple[str, ...]


class Outcome(Part):
    """What is known of a job beside its result: its times, its bill, and when it was reported."""

    job: SubmittedJob
    timing: Timing
    actual: Cost
    completed_at: datetime


class Report(Part, ABC):
    """What every ``report.json`` has."""

    schema_version: Literal[2] = 2
    run_id: str
    name: str | None
    status: Literal["SUCCEEDED"] = "SUCCEEDED"
    created_at: Moment
    completed_at: Moment
    request: dict[str, Any]
    device: DevicePart
    convergence: Convergence
    analysis: Analysis
    timing: Timing
    cost: CostPart
    provenance: Provenance
    recommendations: tuple[str, ...]
    artifacts: Artifacts

    @property
    @abstractmethod
    def objective(self) -> float:
        """The one figure that the run was made for."""

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Approximation ratio of the solution and of the mean energy, where there are any."""
        return None, None


def common_parts(prepared: PreparedRun, outcome: Outcome, result: JobResult) -> dict[str, Any]:
    """Return the parts of a report that do not depend on the problem."""
    request, job, actual = prepared.request, outcome.job, outcome.actual
    return {
        "run_id": prepared.run_id,
        "name": request.name,
        "created_at": prepared.created_at,
        "completed_at": outcome.completed_at,
        "request": request.model_dump(mode="json", by_alias=True),
        "device": DevicePart(
            name=prepared.device.name,
            arn=prepared.device.arn,
            chosen_because=prepared.device_because,
        ),
        "convergence": Convergence(
            history=result.history, converged=result.converged, stop_reason=result.stop_reason
        ),
        "timing": outcome.timing,
        "cost": CostPart(
            estimated_usd=prepared.estimate.total_usd,
            actual_usd=actual.total_usd,
            breakdown=actual.items,
            prices_as_of=actual.prices_as_of,
        ),
        "provenance": Provenance(
            source_sha256=job.source_sha256,
            versions={"quantum-pipeline": __version__, **result.versions},
            seed=request.seed,
            execution_arn=prepared.execution_arn,
            job_arn=job.job_arn,
        ),
    }
