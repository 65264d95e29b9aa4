"""How an execution ended, as functions are told: by a state machine's Catch, or by EventBridge."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from quantum_pipeline.aws.stage import EventModel
from quantum_pipeline.runs import ExecutionArn, ExecutionName


class Outcome(NamedTuple):
    """An end that is no success."""

    status: Literal["FAILED", "CANCELLED"]
    error: str
    cause: str


class StateError(BaseModel):
    """What the state machine's Catch has of an error."""

    error: str = Field(alias="Error")
    cause: str = Field("", alias="Cause")

    @property
    def outcome(self) -> Outcome:
        """The end of the execution: the error of the state that failed."""
        return Outcome("FAILED", self.error, _message(self.cause))


class Status(BaseModel):
    """How an execution has ended; times are milliseconds since 1970."""

    name: ExecutionName
    execution_arn: ExecutionArn = Field(alias="executionArn")
    status: str
    stop_date: Annotated[float, Field(strict=True, ge=0, le=1e14)] | None = Field(
        None, alias="stopDate"
    )
    error: str | None = None
    cause: str | None = None

    @property
    def outcome(self) -> Outcome | None:
        """The end of the execution; None of one that has succeeded, or goes on."""
        if self.status not in ("FAILED", "ABORTED", "TIMED_OUT"):
            return None
        return Outcome(
            "CANCELLED" if self.status == "ABORTED" else "FAILED",
            self.error or f"Execution{self.status.title().replace('_', '')}",
            _message(self.cause or f"the execution was {self.status}"),
        )

    @property
    def cut_off_at(self) -> datetime | None:
        """When it was cut off; None of one that was not: FAILED is a state's end."""
        if self.status not in ("ABORTED", "TIMED_OUT") or self.stop_date is None:
            return None
        return datetime.fromtimestamp(self.stop_date / 1000, UTC)


class StatusChange(EventModel):
    """What EventBridge, or the sweep, calls with."""

    detail: Status


def status_in(event: Any) -> Status | None:
    """Return the status that a function is called with, None where the state machine calls it.

    Raises:
        InvalidRequest: names each field that is wrong.
    """
    is_change = isinstance(event, dict) and "detail" in event
    return StatusChange.read(event).detail if is_change else None


def _message(cause: str) -> str:
    """Return the message of a Lambda's error, which Step Functions passes on as JSON."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):  # it is the message
        cause = str(json.loads(cause)["errorMessage"])
    return cause.encode("utf-8", "replace").decode()  # half a character could not be recorded
