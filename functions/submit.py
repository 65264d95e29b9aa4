"""State Submit: publishes the job's source and creates one job per attempt.

Where Braket's quota of concurrent jobs is full, runs wait in line (`aws.tickets`). As many of the
first as there are slots try to create their job; all others only look where they stand.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic import AwareDatetime, Field

from quantum_pipeline import runs
from quantum_pipeline.aws import jobs, polling, source, storage, tickets
from quantum_pipeline.aws.clients import named_errors
from quantum_pipeline.aws.ends import end_of
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import SubmitSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.errors import BudgetExceeded, JobFailed, QuotaExceeded
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.prepared import RunHeader
from quantum_pipeline.planning.runtimes import STARTUP_SECONDS
from quantum_pipeline.runs import Attempt, NumberOfRuns, Polls, RunId, SubmittedJob

LEAST_SECONDS = 60
"""Assumed: what a next attempt takes, beside its start, to go on from the checkpoint and end."""

TRIES = 3
"""CreateJobs of one call while the quota is full."""

SECONDS_BETWEEN_TRIES = 1.0
"""Braket takes one CreateJob a second."""


class Event(EventModel):
    """What was prepared, and which attempt at it this is; when it started, how often it has waited.

    Executions that began before there was a line do not say when: they are tried again by the state
    machine.
    """

    run_id: RunId
    attempt: Attempt
    started_at: AwareDatetime | None = Field(
        default=None, json_schema_extra={"allowed": "a time with its zone, as in ISO 8601"}
    )
    waits: Polls = 0
    n_runs: NumberOfRuns = 1


@stage(Event.read, uses=("s3", "braket"))
def handler(event: Event) -> dict[str, Any]:
    """Return the run's job, made now or by an earlier try of this very call; else its wait."""
    settings = SubmitSettings.read()
    bucket, job_key = settings.output_bucket, runs.key(event.run_id, runs.JOB)
    submitted = storage.read_model(bucket, job_key, SubmittedJob)
    if submitted is None or submitted.attempt != event.attempt:
        _check_wanted(bucket, event.run_id, None)
        earlier = () if submitted is None else submitted.all_jobs
        place = _place(event, bucket)
        submitted = _submit(event, settings, earlier, place)
        if submitted is None:
            return _wait(event, settings, place)
        storage.write_model(bucket, job_key, submitted)
    _check_wanted(bucket, event.run_id, submitted.job_arn)
    if event.started_at is not None:
        tickets.give_back(bucket, event.run_id, event.started_at)
    return {
        "run_id": event.run_id,
        "attempt": event.attempt,
        "n_runs": event.n_runs,
        "job_arn": submitted.job_arn,
        "status": "QUEUED",
        "polls": 0,
        "wait_seconds": polling.wait_seconds(0, 0, settings.polls_at_once),
    }


def _place(event: Event, bucket: str) -> int | None:
    """Return how many wait before the run; None where nobody waits, and it takes no ticket."""
    if event.started_at is None or (not event.waits and not any(tickets.waiting(bucket))):
        return None
    return tickets.renew(bucket, event.run_id, event.started_at)


def _wait(event: Event, settings: SubmitSettings, place: int | None) -> dict[str, Any]:
    """Return how long the run waits before it looks at the line again."""
    if place is None:
        assert event.started_at is not None
        place = tickets.renew(settings.output_bucket, event.run_id, event.started_at)
    slots, longest = settings.concurrent_jobs, polling.longest(event.n_runs)
    wait_seconds = polling.line_wait_seconds(place, slots, event.waits, longest)
    return {
        "run_id": event.run_id,
        "attempt": event.attempt,
        "n_runs": event.n_runs,
        "status": "WAITING",
        "place": place,
        "waits": event.waits + 1,
        "wait_seconds": wait_seconds,
    }


def _submit(
    event: Event, settings: SubmitSettings, earlier: tuple[str, ...], place: int | None
) -> SubmittedJob | None:
    """Create the attempt's job; None where it is not the run's turn, or the quota is full."""
    if place is not None and place >= settings.concurrent_jobs:
        return None
    wanted = _wanted(event, settings.output_bucket)
    seconds = _runtime(wanted, earlier)
    published = source.publish(settings.code_bucket)
    try:
        tries = 1 if place is None else TRIES
        arn = _create(wanted, published, settings, seconds, tries)
    except QuotaExceeded:
        if event.started_at is None:
            raise
        return None
    record({"JobsSubmitted": 1}, DeviceType=wanted.device.kind, ProblemType=wanted.problem_type)
    return SubmittedJob(
        run_id=event.run_id,
        attempt=event.attempt,
        job_arn=arn,
        earlier=earlier,
        job_name=runs.job_name(wanted.execution_arn, event.attempt),
        source_uri=published.uri,
        source_sha256=published.sha256,
        instance_type=settings.job_instance_type,
    )


def _wanted(event: Event, bucket: str) -> jobs.Wanted:
    """Return what the job is to be created for, by the record of the run or the pack."""
    if event.n_runs == 1:
        run = storage.need_model(bucket, runs.key(event.run_id, runs.PREPARED), RunHeader)
        return jobs.Wanted.of_run(run, event.attempt)
    pack = storage.need_model(bucket, runs.key(event.run_id, runs.PACK), PackRecord)
    return jobs.Wanted.of_pack(pack, event.attempt)


def _create(
    wanted: jobs.Wanted,
    published: source.Source,
    settings: SubmitSettings,
    seconds: int,
    tries: int,
) -> str:
    """Create the job as soon as a slot is free, within so many tries.

    Raises:
        QuotaExceeded: none is.
    """
    while True:
        try:
            with named_errors():
                return jobs.create(wanted, published, settings, seconds)
        except QuotaExceeded:
            tries -= 1
            if not tries:
                raise
        time.sleep(SECONDS_BETWEEN_TRIES)


def _runtime(wanted: jobs.Wanted, earlier: tuple[str, ...]) -> int:
    """Return the seconds that the job may run.

    A next attempt has what the instances of those before, and its own start, have left of
    limits.max_cost_usd. Quantum tasks are not known here: the job counts them, in all attempts.

    Raises:
        BudgetExceeded: too little is left for the attempt to be of use.
    """
    asked, price = wanted.max_runtime_seconds, wanted.instance.counted_usd_per_hour
    if not earlier or not price:
        return asked
    paid = sum(jobs.look(arn).paid_seconds for arn in earlier)
    left = wanted.max_cost_usd * 3600 / price - paid - STARTUP_SECONDS
    if left < min(asked, LEAST_SECONDS):
        raise BudgetExceeded(
            f"limits.max_cost_usd: attempt {wanted.attempt} would begin after {paid:.0f} s of "
            f"the job's instance are paid for, {paid * price / 3600:.4f} USD, and needs "
            f"{STARTUP_SECONDS + LEAST_SECONDS} s more; allowed: up to {wanted.max_cost_usd:.4f}"
        )
    return min(asked, int(left))


def _check_wanted(bucket: str, run_id: str, job_arn: str | None) -> None:
    """Refuse a run that has ended meanwhile, and leave no job behind for it."""
    end = end_of(bucket, run_id)
    if end is None:
        return
    if job_arn is not None:
        jobs.cancel(job_arn)
    raise JobFailed(f"{run_id}: the run has ended ({end}); no job is kept for it")
