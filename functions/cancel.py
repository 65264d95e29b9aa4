"""State Cancel: records the end of a run that failed or was stopped, and leaves no job running.

Called by the state machine's Catch, and by EventBridge for executions that end without one: those
that were stopped or timed out.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

from quantum_pipeline import runs
from quantum_pipeline.aws import jobs, notifications, storage, tasks
from quantum_pipeline.aws.ends import End, claim, mark_told
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import CancelSettings
from quantum_pipeline.aws.stage import stage
from quantum_pipeline.planning.prepared import RunHeader
from quantum_pipeline.runs import SubmittedJob

SECONDS_TO_END = 30.0
"""How long a call waits for jobs to end that it has cancelled; beyond, it is to be called again."""


class Failure(End):
    """How a run ended: ``failure.json``, or ``cancelled.json`` where a user stopped it."""

    execution_arn: str
    status: Literal["FAILED", "CANCELLED"]
    error: str
    cause: str
    job_status: str | None = None
    billable_seconds: float | None = None


def read_event(event: dict[str, Any]) -> Failure:
    """Return the end that an event reports: the state machine's error, or EventBridge's status."""
    if "detail" in event:
        detail = event["detail"]
        stopped = detail["status"] == "ABORTED"
        return Failure(
            run_id=detail["name"],
            execution_arn=detail["executionArn"],
            status="CANCELLED" if stopped else "FAILED",
            error=detail.get("error") or f"Execution{detail['status'].title().replace('_', '')}",
            cause=_message(detail.get("cause") or f"the execution was {detail['status']}"),
            ended_at=datetime.now(UTC),
        )
    return Failure(
        run_id=event["run_id"],
        execution_arn=event["execution_arn"],
        status="FAILED",
        error=event["error"]["Error"],
        cause=_message(event["error"].get("Cause", "")),
        ended_at=datetime.now(UTC),
    )


def _message(cause: str) -> str:
    """Return the message of a Lambda's error, which Step Functions passes on as JSON."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause


@stage(read_event, uses=("s3", "braket", "sns"))
def handler(failure: Failure) -> dict[str, Any]:
    """Claim the end of the run, then cancel its jobs and their tasks: in this order (ends).

    The end is announced before the jobs of a device are waited for. If one of them takes longer and
    this call is retried, nothing is announced twice.
    """
    settings = CancelSettings.read()
    bucket = settings.output_bucket
    name = runs.CANCELLED if failure.status == "CANCELLED" else runs.FAILURE
    to_tell = claim(bucket, name, failure)
    found, has_tasks = _find_jobs(bucket, failure)
    newest = found[-1] if found else None
    cancelled = [jobs.cancel(arn) for arn in found]
    tasks_cancelled = tasks.cancel_all(found) if has_tasks else 0
    if to_tell:
        _tell(settings, failure, newest)
        mark_told(bucket, name, _with_job(failure, jobs.look(newest)) if newest else failure)
    if has_tasks:
        tasks_cancelled += tasks.cancel_until_ended(found, SECONDS_TO_END)
    return {
        "run_id": failure.run_id,
        "error": failure.error,
        "cause": failure.cause,
        "job_cancelled": any(cancelled),
        "quantum_tasks_cancelled": tasks_cancelled,
    }


def _tell(settings: CancelSettings, failure: Failure, job_arn: str | None) -> None:
    notifications.publish(
        settings.notification_topic_arn,
        failure.run_id,
        failure.status,
        {"error": failure.error, "cause": failure.cause, "job_arn": job_arn},
    )
    record({"RunsFailed": 1}, ErrorName=failure.error)


def _find_jobs(bucket: str, failure: Failure) -> tuple[list[str], bool]:
    """Return the run's jobs, the newest last, and whether they can have created quantum tasks.

    Braket is asked as well as the record: the newest job may have no record yet, and the search may
    not show what has just been made.
    """
    prepared = storage.read_model(bucket, runs.key(failure.run_id, runs.PREPARED), RunHeader)
    if prepared is None:
        return [], False  # nothing was prepared, so nothing was submitted
    submitted = storage.read_model(bucket, runs.key(failure.run_id, runs.JOB), SubmittedJob)
    recorded = (*submitted.earlier, submitted.job_arn) if submitted else ()
    shown = jobs.find_all(failure.execution_arn, prepared.created_at)
    return list(dict.fromkeys((*recorded, *shown))), prepared.device.kind != "local"


def _with_job(failure: Failure, job: jobs.JobState) -> Failure:
    return failure.model_copy(
        update={
            "job_arn": job.arn,
            "job_status": job.status,
            "billable_seconds": job.billable_seconds,  # not known before the job has ended
        }
    )
