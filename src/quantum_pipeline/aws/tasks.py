"""Cancels a job's quantum tasks, so that none stays in a device's queue after its run ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from botocore.exceptions import ClientError

from quantum_pipeline.aws import jobs
from quantum_pipeline.aws.clients import client
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import ServiceUnavailable

WAITING = frozenset({"CREATED", "QUEUED", "RUNNING"})
SECONDS_BETWEEN_LOOKS = 1.0


def cancel_all(job_arns: Iterable[str]) -> int:
    """Cancel all quantum tasks of jobs that have not ended; return how many there were.

    Cancelling a job ends its process, not what it has put into the queue of a device.
    """
    return sum(_cancel(task) for arn in job_arns for task in _waiting(arn))


def cancel_until_ended(job_arns: Sequence[str], seconds: float) -> int:
    """Cancel tasks of cancelled jobs until all these have ended; return how many there were.

    Until its process has ended, a cancelled job may create another task.

    Raises:
        ServiceUnavailable: one has not ended in so many seconds; a later call goes on.
    """
    deadline = time.monotonic() + seconds
    cancelled = 0
    while True:
        alive = [arn for arn in job_arns if jobs.look(arn).status not in jobs.ENDED]
        cancelled += cancel_all(job_arns)  # after the look: what has ended creates no more
        if not alive:
            return cancelled
        if time.monotonic() >= deadline:
            raise ServiceUnavailable(f"{alive[-1]}: cancelled, but not ended in {seconds:g} s")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def any_waiting(job_arns: Iterable[str]) -> bool:
    """Return whether a quantum task of these jobs has not ended."""
    return any(_waiting(arn) for arn in job_arns)


def _waiting(job_arn: str) -> list[str]:
    filters = [{"name": "jobArn", "operator": "EQUAL", "values": [job_arn]}]
    pages = client("braket").get_paginator("search_quantum_tasks").paginate(filters=filters)
    return [
        task["quantumTaskArn"]
        for page in pages
        for task in page["quantumTasks"]
        if task["status"] in WAITING
    ]


def _cancel(arn: str) -> bool:
    try:
        client("braket").cancel_quantum_task(quantumTaskArn=arn)
    except ClientError as error:
        if meaning_of(error.response) is Meaning.CONFLICT:  # it ended in between
            return False
        raise
    return True
