"""What the reports of all problems share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime

from quantum_pipeline import __version__
from quantum_pipeline.planning.costs import Cost
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports.device_parts import (
    CostPart,
    DevicePart,
    MitigationPart,
    cost_part,
    device_part,
    mitigation_part,
)
from quantum_pipeline.reports.evaluation import Analysis
from quantum_pipeline.reports.jobs_word import JobsWord
from quantum_pipeline.reports.learning import LearningPart, learning_part
from quantum_pipeline.reports.part import Part
from quantum_pipeline.requests.limits import Limit, RunLimit
from quantum_pipeline.requests.request import ResolvedRequest
from quantum_pipeline.results import Compilation, Evaluation, JobResult
from quantum_pipeline.runs import SubmittedJob

__all__ = [
    "Artifacts",
    "Convergence",
    "Moment",
    "Outcome",
    "Part",
    "Provenance",
    "Report",
    "Timing",
    "common_parts",
]


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]
"""A time in UTC, to the second; ISO 8601 in JSON."""


class Convergence(Part):
    """Each evaluation of the mean energy, how the optimiser ended, and by which limit if by one."""

    history: tuple[Evaluation, ...]
    converged: bool
    stop_reason: str
    stopped_by: Limit | None


class Timing(Part):
    """Where the time went, in seconds."""

    prepare_seconds: float
    queue_seconds: float
    job_seconds: float
    post_process_seconds: float
    polls: int


class Provenance(Part):
    """What it takes to run it again: the code's hash, versions, seed."""

    source_sha256: str
    versions: dict[str, str]
    seed: int
    execution_arn: str
    job_arn: str


class Artifacts(Part):
    """Files beside report.json, by their names in the run's folder.

    ``in_page`` are pictures that the page has, and no file: those of a run of a pack. ``model`` is
    the fitted model of a classification, None of other problems.
    """

    report_html: str
    plots: tuple[str, ...]
    in_page: tuple[str, ...] = ()
    model: str | None = None

    @property
    def pictures(self) -> tuple[str, ...]:
        """All pictures, by the names that they have as files."""
        return (*self.plots, *self.in_page)

    @property
    def thrifty(self) -> Artifacts:
        """The same with the page as the only file."""
        return self.model_copy(update={"plots": (), "in_page": self.pictures})


class Outcome(Part):
    """What is known of a job beside its result: its times, its bill, and when it was reported."""

    job: SubmittedJob
    timing: Timing
    actual: Cost
    completed_at: datetime


class Report(Part, ABC):
    """What every ``report.json`` has.

    ``learning`` is None where the request did not ask for it.
    ``partial`` is set where the run was cut short, and its result is the best until then.
    ``jobs_word`` has the figures that were not recomputed.
    """

    schema_version: Literal[2] = 2
    run_id: str
    name: str | None
    status: Literal["SUCCEEDED"] = "SUCCEEDED"
    partial: bool
    created_at: Moment
    completed_at: Moment
    request: dict[str, Any]
    warnings: tuple[str, ...]
    device: DevicePart
    compilation: Compilation | None
    mitigation: MitigationPart | None
    learning: LearningPart | None
    convergence: Convergence
    analysis: Analysis
    timing: Timing
    cost: CostPart
    provenance: Provenance
    jobs_word: tuple[JobsWord, ...]
    recommendations: tuple[str, ...]
    artifacts: Artifacts

    @property
    @abstractmethod
    def objective(self) -> float | None:
        """The one figure that the run was made for; None where there is no answer."""

    @property
    def ratios(self) -> tuple[float | None, float | None]:
        """Approximation ratio of the solution and of the mean energy, where there are any."""
        return None, None

    @property
    def noise_free_energy(self) -> float | None:
        """Energy of the measured circuit without any noise, None where it is unknown."""
        return None


def _sendable(request: ResolvedRequest) -> dict[str, Any]:
    """Return a request as it can be sent again: where a circuit is cut is decided anew."""
    return request.model_dump(mode="json", by_alias=True, exclude={"algorithm": {"parts"}})


def _is_partial(result: JobResult) -> bool:
    """Return whether a limit of the request ended the optimisation, or cut what was measured."""
    run = result.device_run
    return result.stopped_by in get_args(RunLimit) or (run is not None and bool(run.cut_short_by))


def common_parts(prepared: PreparedRun, outcome: Outcome, result: JobResult) -> dict[str, Any]:
    """Return the parts of a report that do not depend on the problem."""
    request, job, run = prepared.request, outcome.job, result.device_run
    return {
        "run_id": prepared.run_id,
        "name": request.name,
        "created_at": prepared.created_at,
        "completed_at": outcome.completed_at,
        "request": _sendable(request),
        "warnings": request.problem.warnings,
        "partial": _is_partial(result),
        "device": device_part(prepared, result),
        "compilation": None if run is None else run.compilation,
        "mitigation": mitigation_part(prepared, result),
        "learning": learning_part(prepared, result),
        "convergence": Convergence(
            history=result.history,
            converged=result.converged,
            stop_reason=result.stop_reason,
            stopped_by=result.stopped_by,
        ),
        "timing": outcome.timing,
        "cost": cost_part(prepared, outcome.actual, result),
        "provenance": Provenance(
            source_sha256=job.source_sha256,
            versions={"quantum-pipeline": __version__, **result.versions},
            seed=request.seed,
            execution_arn=prepared.execution_arn,
            job_arn=job.job_arn,
        ),
    }
