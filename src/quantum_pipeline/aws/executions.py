"""Lists the executions of a state machine, reads how one of them ended, and stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from quantum_pipeline.aws.clients import client


@dataclass(frozen=True)
class Execution:
    """An execution as a list shows it; ``stopped_at`` is None while it runs."""

    arn: str
    name: str
    status: str
    stopped_at: datetime | None

    def ended_by(self, time: datetime) -> bool:
        """Return whether it has ended, then or earlier."""
        return self.stopped_at is not None and self.stopped_at <= time


def started_since(state_machine_arn: str, since: datetime) -> Iterator[Execution]:
    """Yield the executions that have started since then, the newest first."""
    pages = client("stepfunctions").get_paginator("list_executions")
    for page in pages.paginate(stateMachineArn=state_machine_arn):
        for each in page["executions"]:
            if each["startDate"] < since:
                return
            yield Execution(
                each["executionArn"], each["name"], each["status"], each.get("stopDate")
            )


def describe(arn: str) -> dict[str, Any]:
    """Return what EventBridge says of an execution's status: the ``detail`` of its event.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    found = client("stepfunctions").describe_execution(executionArn=arn)
    stopped = found.get("stopDate")
    return {
        "executionArn": arn,
        "name": arn.rpartition(":")[2],
        "status": found["status"],
        "stopDate": None if stopped is None else int(stopped.timestamp() * 1000),
        "error": found.get("error"),
        "cause": found.get("cause"),
    }


def arn_of(state_machine_arn: str, name: str) -> str:
    """Return the ARN of the execution of that name, whether or not there is one.

    >>> arn_of("arn:aws:states:us-east-1:1:stateMachine:m", "r1")
    'arn:aws:states:us-east-1:1:execution:m:r1'
    """
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def status(arn: str) -> str | None:
    """Return the status of an execution, None where there is none."""
    try:
        return str(client("stepfunctions").describe_execution(executionArn=arn)["status"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return None


def input_of(arn: str) -> str:
    """Return the input of an execution, as JSON."""
    return str(client("stepfunctions").describe_execution(executionArn=arn).get("input", "{}"))


def running(state_machine_arn: str) -> Iterator[Execution]:
    """Yield the executions that run."""
    pages = client("stepfunctions").get_paginator("list_executions")
    for page in pages.paginate(stateMachineArn=state_machine_arn, statusFilter="RUNNING"):
        for each in page["executions"]:
            yield Execution(each["executionArn"], each["name"], each["status"], None)


def stop(arn: str, error: str, cause: str) -> None:
    """End an execution as ABORTED; nothing where it has ended."""
    client("stepfunctions").stop_execution(executionArn=arn, error=error, cause=cause)
