"""State Monitor: looks at the job once, and decides how long to wait before the next look."""

from __future__ import annotations

from typing import Any

from quantum_pipeline.aws import jobs, polling
from quantum_pipeline.aws.settings import MonitorSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.runs import Attempt, JobArn, NumberOfRuns, Polls, RunId


class Event(EventModel):
    """The job, and how often it was looked at."""

    run_id: RunId
    attempt: Attempt
    job_arn: JobArn
    polls: Polls
    n_runs: NumberOfRuns = 1


@stage(Event.read, uses=("braket",))
def handler(event: Event) -> dict[str, Any]:
    """Return the job's status; a job that failed or was cancelled is an error."""
    job, polls = jobs.look(event.job_arn), event.polls + 1
    if job.status in ("FAILED", "CANCELLED"):
        raise jobs.failure(job)
    return {
        "run_id": event.run_id,
        "attempt": event.attempt,
        "n_runs": event.n_runs,
        "job_arn": event.job_arn,
        "status": job.status,
        "polls": polls,
        "wait_seconds": polling.wait_seconds(
            job.age_seconds,
            polls,
            MonitorSettings.read().polls_at_once,
            polling.longest(event.n_runs),
        ),
    }
