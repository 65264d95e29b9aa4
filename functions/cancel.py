"""State Cancel: a run that ended badly leaves its mark and no job behind.

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
from quantum_pipeline.runs import PreparedRun, SubmittedJob


class Failure(End):
    """How a run ended: ``failure.json``, or ``cancelled.json`` where a user stopped it."""

    execution_arn: str
    status: Literal["FAILED", "CANCELLED"]
    error: str
    cause: str
    job_status: str | None = None
    billable_seconds: float | None = None


def read_event(event: dict[str, Any]) -> Failure:
    """Return the end that an event tells of: the state machine's error, or EventBridge's status."""
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
    """Claim the end of the run, then cancel its job and the job's tasks: in this order (ends)."""
    settings = CancelSettings.read()
    bucket = settings.output_bucket
    name = runs.CANCELLED if failure.status == "CANCELLED" else runs.FAILURE
    to_tell = claim(bucket, name, failure)
    arn = _find_job(bucket, failure)
    cancelled = arn is not None and jobs.cancel(arn)
    tasks_cancelled = tasks.cancel_all(arn) if arn is not None else 0
    if to_tell:
        _tell(settings, failure, arn)
        mark_told(bucket, name, failure if arn is None else _with_job(failure, jobs.look(arn)))
    return {
        "run_id": failure.run_id,
        "error": failure.error,
        "cause": failure.cause,
        "job_cancelled": cancelled,
        "quantum_tasks_cancelled": tasks_cancelled,
    }


def _tell(settings: CancelSettings, failure: Failure, job_arn: str | None) -> None:
    notifications.publish(
        settings.notification_topic_arn,
        failure.run_id,
        failure.status,
        {"error": failure.error, "cause": failure.cause, "job_arn": job_arn},
    )
    record("RunsFailed", 1, ErrorName=failure.error)


def _find_job(bucket: str, failure: Failure) -> str | None:
    submitted = storage.read_model(bucket, runs.key(failure.run_id, runs.JOB), SubmittedJob)
    if submitted is not None:
        return submitted.job_arn
    prepared = storage.read_model(bucket, runs.key(failure.run_id, runs.PREPARED), PreparedRun)
    if prepared is None:
        return None  # nothing was prepared, so nothing was submitted
    return jobs.find(failure.execution_arn, prepared.created_at)


def _with_job(failure: Failure, job: jobs.JobState) -> Failure:
    return failure.model_copy(
        update={
            "job_arn": job.arn,
            "job_status": job.status,
            "billable_seconds": job.billable_seconds,  # not known before the job has ended
        }
    )
