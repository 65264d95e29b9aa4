"""State StopRuns: records why an execution of a study failed, and leaves none of its runs running.

Called by the state machine's Catch, by EventBridge for executions that end without one (those that
were stopped or timed out), and by the sweep for what these have left half-way.

The Map of an execution that was stopped may start a run even then. So for a while after the stop
this looks, tells of the end, and raises: it is called again.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from quantum_pipeline.aws import executions, studies
from quantum_pipeline.aws.reported import Outcome, StateError, status_in
from quantum_pipeline.aws.settings import StopRunsSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.aws.studies import StudyEnd
from quantum_pipeline.errors import ServiceUnavailable
from quantum_pipeline.runs import STUDY, ExecutionArn

SECONDS_TO_END = 20.0
"""How long a call waits for executions to end that it has stopped."""

LATE_SECONDS = 60.0
"""Assumed: how long after its stop an execution's Map may start another run."""


class Event(BaseModel):
    """An execution, how it failed, and when it was cut off, if so."""

    execution_arn: str
    outcome: Outcome | None
    cut_off_at: datetime | None = None


class FailedState(EventModel):
    """What the state machine calls with: the error of the state that failed."""

    execution_arn: ExecutionArn
    error: StateError


def read_event(event: Any) -> Event:
    """Return what an event reports: the state machine's error, or an execution's status.

    Raises:
        InvalidRequest: it is neither; names each field that is wrong.
    """
    if (status := status_in(event)) is not None:
        return Event(
            execution_arn=status.execution_arn,
            outcome=status.outcome,
            cut_off_at=status.cut_off_at,
        )
    found = FailedState.read(event)
    return Event(execution_arn=found.execution_arn, outcome=found.error.outcome)


@stage(read_event, uses=("s3", "stepfunctions", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Record the end, stop what runs, and tell: whether or not all of it could be stopped."""
    settings = StopRunsSettings.read()
    bucket, arn = settings.output_bucket, event.execution_arn
    study = _study(arn)
    if event.outcome is not None:
        studies.end(bucket, _end(study, event, event.outcome))
    stopped = _stop(event, study, settings)
    studies.tell(bucket, arn, settings.notification_topic_arn)
    _check_all_ended(event, stopped)
    studies.mark_quiet(bucket, arn)
    return {"study": study, "stopped": len(stopped)}


def _study(execution_arn: str) -> str | None:
    """Return the study of an execution by its input; None of one that names none."""
    with suppress(ValueError, KeyError, TypeError):
        name = json.loads(executions.input_of(execution_arn))["name"]
        if re.fullmatch(STUDY, name):
            return str(name)
    return None


def _end(study: str | None, event: Event, outcome: Outcome) -> StudyEnd:
    return StudyEnd(
        study=study,
        execution_arn=event.execution_arn,
        ended_at=datetime.now(UTC),
        **outcome._asdict(),
    )


def _stop(event: Event, study: str | None, settings: StopRunsSettings) -> tuple[str, ...]:
    """Stop the runs of an execution that goes on with the study; return what was stopped."""
    lease = None if study is None else studies.lease_of(settings.output_bucket, study)
    if study is None or lease is None or lease.execution_arn != event.execution_arn:
        return ()  # it never had the study, or another has it now and sees to that itself
    return studies.stop_children(
        settings.output_bucket, study, settings.state_machine_arn, "its study was stopped"
    )


def _check_all_ended(event: Event, stopped: tuple[str, ...]) -> None:
    """Wait for what was stopped.

    Raises:
        ServiceUnavailable: some of it goes on, or more of it may yet start.
    """
    waited = time.monotonic() + SECONDS_TO_END
    left = list(stopped)
    while left and time.monotonic() < waited:
        left = [arn for arn in left if executions.status(arn) == "RUNNING"]
        time.sleep(1.0 if left else 0.0)
    if left:
        raise ServiceUnavailable(f"{left[0]}: it was stopped, and goes on")
    if event.cut_off_at is None:
        return
    until = event.cut_off_at + timedelta(seconds=LATE_SECONDS)
    if datetime.now(UTC) < until:
        raise ServiceUnavailable(f"until {until:%H:%M:%S} another of its runs may start")
