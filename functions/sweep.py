"""Finds, every few minutes, what an ended run has left, and has Cancel see to it.

What is left: a job or quantum task of a run that has ended, or its ticket in the line for a job; an
end that nobody has claimed, published or told; a report that was staged and came too late; of an
execution of a study, runs that go on. The functions that end a run or a study see to all of it
themselves; here is what they could not, since they died, were refused for long, or their event was
lost. Cancel, or StopRuns, is called as by EventBridge, so that there is one function that cancels
and one way to end a run half-way.

The work is bounded. Each run is looked at from its end until nothing of it is left, for a day at
most; each job from its creation until it has ended; what is older, ``sweep.json`` says. The list of
executions goes back as far as one may run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from quantum_pipeline import runs
from quantum_pipeline.aws import ends, executions, jobs, packs, storage, studies, tasks, tickets
from quantum_pipeline.aws.clients import client
from quantum_pipeline.aws.executions import Execution
from quantum_pipeline.aws.jobs import FoundJob
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import SweepSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import RunHeader
from quantum_pipeline.runs import SubmittedJob

GRACE_SECONDS = 120.0
"""How long a run's end is left to those who end it; by then no Submit of it is alive."""

LONGEST = timedelta(days=15)
"""More than an execution may take."""

LONGEST_STUDY = timedelta(days=29)
"""More than an execution of a study may take."""

GIVE_UP = timedelta(days=1)
"""How long the runs that have ended are looked at: by then an alarm has rung for long."""

SHOWN = timedelta(minutes=30)
"""Assumed: how late a search may show a job that was created, and be the only one to know it."""

MOST_RUNS = 1000
"""Ended runs that one call looks at, the oldest first; the next goes on."""


SOURCE = "quantum-pipeline.sweep"


class Event(EventModel):
    """What EventBridge Scheduler sends, which is nothing; by hand, a sweep without a grace."""

    grace_seconds: Annotated[float, Field(strict=True, ge=0, le=86_400, allow_inf_nan=False)] = (
        GRACE_SECONDS
    )


class Swept(BaseModel):
    """``sweep.json``: nothing is left of runs that ended, and of jobs that were created, before."""

    runs_since: datetime
    jobs_since: datetime


@dataclass(frozen=True)
class Ended(Execution):
    """An execution that has ended."""

    stopped_at: datetime


@stage(Event.read, uses=("s3", "braket", "stepfunctions", "lambda"))
def handler(event: Event) -> dict[str, Any]:
    """Call Cancel for each run that has left something; return their ids.

    Jobs are searched for before executions are listed: so a job's execution is in the list, unless
    it ended long ago or was another state machine's.
    """
    settings, now = SweepSettings.read(), datetime.now(UTC)
    bucket, quiet = settings.output_bucket, now - timedelta(seconds=event.grace_seconds)
    before = storage.read_model(bucket, runs.SWEPT, Swept) or Swept(
        runs_since=now - GIVE_UP, jobs_since=now - LONGEST
    )
    found = jobs.of_stack(settings.stack, before.jobs_since)
    started = executions.started_since(settings.state_machine_arn, now - LONGEST)
    listed = {each.arn: each for each in started}
    ended = _ended(listed.values(), before.runs_since, quiet)
    left = [each for each in ended[:MOST_RUNS] if _has_left_something(bucket, each, found)]
    in_line = {each.run_id for each in tickets.waiting(bucket)}
    gone = [each for each in listed.values() if each.name in in_line and each.ended_by(quiet)]
    over = [job for job in found if job.alive and _is_over(bucket, job, listed, quiet)]
    names = {each.arn: each.name for each in (*left, *gone)} | {
        job.execution_arn: job.run_id for job in over
    }
    for arn, name in names.items():
        _hand_over(settings.cancel_function_arn, arn, name, known=arn in listed)
    of_studies = _left_of_studies(settings, now, quiet)
    for each in of_studies:
        _hand_over(settings.stop_runs_function_arn, each.arn, each.name, known=True)
    looked_until = quiet if len(ended) <= MOST_RUNS else ended[MOST_RUNS].stopped_at
    not_done = [job.created_at for job in found if job.alive or job.execution_arn in names]
    after = Swept(
        runs_since=max(now - GIVE_UP, min([looked_until, *(each.stopped_at for each in left)])),
        jobs_since=min([now - SHOWN, *not_done]),
    )
    storage.write_model(bucket, runs.SWEPT, after)
    found_left = sorted([*names.values(), *(each.name for each in of_studies)])
    record({"RunsSwept": len(found_left)})
    return {"looked_at": min(len(ended), MOST_RUNS), "left": found_left}


def _ended(listed: Iterable[Execution], since: datetime, until: datetime) -> list[Ended]:
    """Return the executions that ended in that time, the first to end first."""
    found = [
        Ended(each.arn, each.name, each.status, each.stopped_at)
        for each in listed
        if each.stopped_at is not None and since <= each.stopped_at <= until
    ]
    return sorted(found, key=lambda each: each.stopped_at)


def _has_left_something(bucket: str, run: Ended, found: Iterable[FoundJob]) -> bool:
    """Return whether the end of a run is unfinished, or a task of its jobs waits for a device."""
    try:
        claim = ends.read(bucket, run.name)
        prepared = storage.read_model(bucket, runs.key(run.name, runs.PREPARED), RunHeader)
        submitted = storage.read_model(bucket, runs.key(run.name, runs.JOB), SubmittedJob)
    except InvalidResult:
        return True  # Cancel fails on it too, and the queue of what it could not do names the run
    if claim is None:
        return run.status != "SUCCEEDED"
    if ends.is_left(bucket, run.name, claim):
        return True
    if claim.kind == "pack":  # which is told of once all its runs are finished
        return packs.has_staged(bucket, run.name)
    if prepared is None or prepared.device.kind == "local":
        return False
    recorded = submitted.all_jobs if submitted else ()
    shown = (job.arn for job in found if job.execution_arn == run.arn)
    return tasks.any_waiting({*recorded, *shown})


def _is_over(bucket: str, job: FoundJob, listed: Mapping[str, Execution], quiet: datetime) -> bool:
    """Return whether the run of a job that goes on has ended, and long enough ago."""
    execution = listed.get(job.execution_arn)
    if execution is not None and execution.stopped_at is not None:
        return execution.ended_by(quiet)
    try:
        claim = ends.read(bucket, job.run_id)
    except InvalidResult:
        return True  # it is there, whatever it says
    return claim is not None and (claim.ended_at is None or claim.ended_at <= quiet)


def _left_of_studies(settings: SweepSettings, now: datetime, quiet: datetime) -> list[Ended]:
    """Return the executions of studies that have left runs running, or their end untold."""
    started = executions.started_since(settings.study_machine_arn, now - LONGEST_STUDY)
    ended = _ended(started, now - GIVE_UP, quiet)
    return [each for each in ended if studies.is_left(settings.output_bucket, each.arn)]


def _hand_over(function_arn: str, execution_arn: str, run_id: str, *, known: bool) -> None:
    """Hand an execution over to the function that sees to its end, as EventBridge does."""
    detail: dict[str, Any] = {"executionArn": execution_arn, "name": run_id, "status": "UNKNOWN"}
    event = {"source": SOURCE, "detail": executions.describe(execution_arn) if known else detail}
    client("lambda").invoke(
        FunctionName=function_arn, InvocationType="Event", Payload=json.dumps(event)
    )
