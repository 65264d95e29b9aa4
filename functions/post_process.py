"""State PostProcess: recomputes, evaluates and reports the job's result."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from quantum_pipeline import pages, runs
from quantum_pipeline.aws import jobs, notifications, storage, tasks
from quantum_pipeline.aws.ends import End, claim, end_of, mark_told
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import PostProcessSettings
from quantum_pipeline.aws.stage import stage
from quantum_pipeline.errors import JobFailed
from quantum_pipeline.planning import costs
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.reports import Outcome, Report, Timing, build_report
from quantum_pipeline.results import JobResult, read_result
from quantum_pipeline.runs import SubmittedJob


class Event(BaseModel):
    """The run and its job, which has completed."""

    run_id: str
    attempt: int
    job_arn: str
    polls: int


class Completed(End):
    """The mark of a run that succeeded."""

    objective: float
    actual_usd: float


@stage(Event.model_validate, uses=("s3", "braket", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Write the report and its pictures; return where they are and the main figures."""
    started = time.perf_counter()
    settings = PostProcessSettings.read()
    bucket = settings.output_bucket
    _check_wanted(bucket, event.run_id)
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
    folder = runs.key(event.run_id, "")
    for name, content in pages.render(made).items():
        storage.write(bucket, folder + name, content, _content_type(name))
    storage.write_model(bucket, folder + "report.json", made)
    attempts = (*submitted.earlier, job.arn)
    _finish(made, settings, folder, attempts if prepared.device.kind != "local" else ())
    return {
        "run_id": event.run_id,
        "status": made.status,
        "report": f"s3://{bucket}/{folder}report.json",
        "report_html": f"s3://{bucket}/{folder}{made.artifacts.report_html}",
        "objective": made.objective,
        "approximation_ratio": made.ratios[0],
        "expected_ratio": made.ratios[1],
        "actual_usd": made.cost.actual_usd,
    }


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


def _check_wanted(bucket: str, run_id: str) -> None:
    end = end_of(bucket, run_id)
    if end not in (None, runs.COMPLETED):
        raise JobFailed(f"{run_id}: the run has ended ({end}); no report is made of it")


def _finish(
    made: Report, settings: PostProcessSettings, folder: str, with_tasks: tuple[str, ...]
) -> None:
    """Claim the end of the run, leave no task of these jobs in a queue, then announce it.

    A job cancels what it waits for no longer, but that call may have been refused.
    """
    bucket = settings.output_bucket
    completed = Completed(
        run_id=made.run_id,
        ended_at=made.completed_at,
        job_arn=made.provenance.job_arn,
        objective=made.objective,
        actual_usd=made.cost.actual_usd,
    )
    if not claim(bucket, runs.COMPLETED, completed):
        _check_wanted(bucket, made.run_id)
        return
    tasks.cancel_all(with_tasks)
    notifications.publish(
        settings.notification_topic_arn,
        made.run_id,
        made.status,
        {
            "objective": made.objective,
            "approximation_ratio": made.ratios[0],
            "actual_usd": made.cost.actual_usd,
            "report": f"s3://{bucket}/{folder}{made.artifacts.report_html}",
        },
    )
    _publish(made)
    mark_told(bucket, runs.COMPLETED, completed)


def _publish(made: Report) -> None:
    record(
        {
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
    )


def _content_type(name: str) -> str:
    return "text/html; charset=utf-8" if name.endswith(".html") else "image/png"
