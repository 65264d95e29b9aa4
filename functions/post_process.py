"""State PostProcess: recomputes the job's result as far as that can be done, and reports it.

What only the job could know is held to bounds, and the report names it: see ``results``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from quantum_pipeline import pages, runs
from quantum_pipeline.aws import ends, jobs, storage, tasks
from quantum_pipeline.aws.clients import named_errors
from quantum_pipeline.aws.ends import Claim, End
from quantum_pipeline.aws.settings import PostProcessSettings
from quantum_pipeline.aws.stage import EventModel, logger, stage
from quantum_pipeline.errors import JobFailed, PipelineError, ServiceUnavailable
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.prepared import PreparedRun, RunHeader
from quantum_pipeline.reports import (
    MoleculeReport,
    OptimisationReport,
    Outcome,
    Report,
    Timing,
    build_report,
)
from quantum_pipeline.results import JobResult, read_result
from quantum_pipeline.runs import Attempt, JobArn, Polls, RunId, SubmittedJob

PATIENCE_SECONDS = 600.0
"""How long after its end a run waits for services that refuse what is left; then the sweep does."""


class Event(EventModel):
    """The run and its job, which has completed."""

    run_id: RunId
    attempt: Attempt
    job_arn: JobArn
    polls: Polls


class Completed(End):
    """The record of a run that succeeded; but for time and job, what the state returns."""

    announced = ("objective", "approximation_ratio", "actual_usd", "report", "report_html")

    status: Literal["SUCCEEDED"]
    report: str
    report_html: str
    objective: float
    approximation_ratio: float | None
    expected_ratio: float | None
    actual_usd: float


@stage(Event.read, uses=("s3", "braket", "dynamodb", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Write the report and its pictures; return where they are and the main figures.

    The run has ended once its end is claimed. What comes then is tried again for a while where it
    fails, and left to the sweep in the end: it makes no failure of a run whose report is there.
    """
    started = time.perf_counter()
    settings = PostProcessSettings.read()
    bucket, run_id = settings.output_bucket, event.run_id
    stands = ends.read(bucket, run_id) or _claim(event, settings, started)
    if stands.record != runs.COMPLETED:
        raise JobFailed(f"{run_id}: the run has ended ({stands.record}); no report is made of it")
    ends.publish(bucket, run_id, stands)
    waits_for = _waits_for(stands)
    _cancel_tasks(bucket, run_id, waits_for)
    with _left_to_the_sweep(but=waits_for):
        ends.remember(bucket, run_id, settings.catalogue_table, settings.budget, stands)
        with _left_to_the_sweep():
            ends.tell(bucket, run_id, settings.notification_topic_arn)
    return {
        name: value for name, value in stands.end.items() if name not in ("ended_at", "job_arn")
    }


def _claim(event: Event, settings: PostProcessSettings, started: float) -> Claim:
    """Make the report, stage it, and claim the run's end with it."""
    bucket = settings.output_bucket
    prepared = storage.need_model(bucket, runs.key(event.run_id, runs.PREPARED), PreparedRun)
    submitted = storage.need_model(bucket, runs.key(event.run_id, runs.JOB), SubmittedJob)
    job = jobs.look(event.job_arn)
    result = read_result(jobs.read_output(job), prepared)
    outcome = Outcome(
        job=submitted,
        timing=Timing(
            prepare_seconds=prepared.prepare_seconds,
            queue_seconds=job.queue_seconds,
            job_seconds=job.job_seconds,
            post_process_seconds=time.perf_counter() - started,
            polls=event.polls,
        ),
        actual=_bill(prepared, result, [*map(jobs.look, submitted.earlier), job], settings),
        completed_at=datetime.now(UTC),
    )
    made = build_report(prepared, outcome, result)
    return ends.claim(
        bucket,
        runs.COMPLETED,
        _completed(made, f"s3://{bucket}/{runs.key(event.run_id, '')}"),
        staged=ends.stage(bucket, event.run_id, dict(_files(made))),
        metrics=_metrics(made),
    )


def _completed(made: Report, folder: str) -> Completed:
    return Completed(
        run_id=made.run_id,
        status=made.status,
        ended_at=made.completed_at,
        job_arn=made.provenance.job_arn,
        report=f"{folder}{runs.REPORT}",
        report_html=f"{folder}{made.artifacts.report_html}",
        objective=made.objective,
        approximation_ratio=made.ratios[0],
        expected_ratio=made.ratios[1],
        actual_usd=made.cost.actual_usd,
    )


def _files(made: OptimisationReport | MoleculeReport) -> Iterator[tuple[str, tuple[bytes, str]]]:
    """Yield each file of a report: its name, its content and the type of that."""
    for name, content in pages.render(made).items():
        yield name, (content, _content_type(name))
    yield runs.REPORT, (made.model_dump_json(by_alias=True).encode(), "application/json")


def _bill(
    prepared: PreparedRun,
    result: JobResult,
    attempts: list[jobs.JobState],
    settings: PostProcessSettings,
) -> costs.Cost:
    return costs.bill(
        instance_seconds=sum(job.paid_seconds for job in attempts),
        instance=settings.instance_price,
        device=prepared.device,
        tasks=result.tasks,
    )


def _waits_for(stands: Claim) -> tuple[type[PipelineError], ...]:
    """Return the errors for which this state is tried again, since its run has just ended."""
    ended_at, now = stands.ended_at, datetime.now(UTC)
    just = ended_at is not None and now - ended_at < timedelta(seconds=PATIENCE_SECONDS)
    return (ServiceUnavailable,) if just else ()


def _cancel_tasks(bucket: str, run_id: str, waits_for: tuple[type[PipelineError], ...]) -> None:
    """Leave no task of the run's jobs in a queue.

    A job cancels what it waits for no longer, but that call may have been refused.

    Raises:
        PipelineError: one of those that are waited for; it may not come when it is tried again.
    """
    prepared = storage.need_model(bucket, runs.key(run_id, runs.PREPARED), RunHeader)
    if prepared.device.kind == "local":
        return
    submitted = storage.need_model(bucket, runs.key(run_id, runs.JOB), SubmittedJob)
    with _left_to_the_sweep(but=waits_for):
        tasks.cancel_all(submitted.all_jobs)


@contextmanager
def _left_to_the_sweep(but: tuple[type[PipelineError], ...] = ()) -> Iterator[None]:
    """Log an error that is to make no failure of the run."""
    try:
        with named_errors():
            yield
    except but:
        raise
    except PipelineError:
        logger.exception("left to the sweep")


def _metrics(made: Report) -> dict[str, float | None]:
    return {
        "RunsSucceeded": 1,
        "QueueSeconds": made.timing.queue_seconds,
        "JobSeconds": made.timing.job_seconds,
        "Polls": made.timing.polls,
        "ActualCost": made.cost.actual_usd,
        "CostRatio": made.cost.estimate_ratio,
        "ApproximationRatio": made.ratios[0],
        "ExpectedRatio": made.ratios[1],
        "FinalEnergy": made.analysis.final_energy,
        "ConvergenceRate": made.analysis.convergence_rate,
        "Efficiency": made.analysis.efficiency,
    }


def _content_type(name: str) -> str:
    return "text/html; charset=utf-8" if name.endswith(".html") else "image/png"
