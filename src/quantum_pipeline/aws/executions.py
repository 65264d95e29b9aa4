"""Lists the executions of the stack's state machine, and reads how one of them ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
