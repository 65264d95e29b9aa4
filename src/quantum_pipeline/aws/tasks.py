"""Quantum tasks of a job: none is left behind in a device's queue when its run ends."""

from __future__ import annotations

from botocore.exceptions import ClientError

from quantum_pipeline.aws.clients import client, error_code

WAITING = frozenset({"CREATED", "QUEUED", "RUNNING"})


def cancel_all(job_arn: str) -> int:
    """Cancel all quantum tasks of a job that have not ended; return how many there were.

    Cancelling a job ends its process, not what it has put into the queue of a device.
    """
    filters = [{"name": "jobArn", "operator": "EQUAL", "values": [job_arn]}]
    pages = client("braket").get_paginator("search_quantum_tasks").paginate(filters=filters)
    waiting = [
        task["quantumTaskArn"]
        for page in pages
        for task in page["quantumTasks"]
        if task["status"] in WAITING
    ]
    return sum(_cancel(arn) for arn in waiting)


def _cancel(arn: str) -> bool:
    try:
        client("braket").cancel_quantum_task(quantumTaskArn=arn)
    except ClientError as error:
        if error_code(error) == "ConflictException":  # it ended in between
            return False
        raise
    return True
