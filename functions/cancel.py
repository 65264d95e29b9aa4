"""State Cancel: records the end of a run that failed or was stopped, and leaves no job running.

Of a pack, every run that has no end ends so; of one run of a pack that run alone, and the job goes
on.

Called by the state machine's Catch, by EventBridge for executions that end without one (those that
were stopped or timed out), and by the sweep for runs that these have left half-way.

A Submit that runs while its execution is stopped runs on, for as long as a function may. It looks
for an end after it has created its job, and ends the job then; if it dies first, or Braket refuses
that, the job is Cancel's. Cancel may have come before the job. So, where a Submit may be alive and
no job of it is found, Cancel tells of the end and raises: Lambda calls it again after one and after
two minutes, when none is alive any more, and then puts the event into the dead-letter queue. A job
that even then is found too late is the sweep's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from quantum_pipeline import runs
from quantum_pipeline.aws import ends, jobs, packs, storage, tasks, tickets
from quantum_pipeline.aws.ends import Failure
from quantum_pipeline.aws.reported import Outcome, StateError, Status, status_in
from quantum_pipeline.aws.settings import CancelSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.errors import InvalidRequest, InvalidResult, ServiceUnavailable
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.prepared import RunHeader
from quantum_pipeline.runs import ExecutionArn, ExecutionName, SubmittedJob
from quantum_pipeline.studies import places

SECONDS_TO_END = 30.0
"""How long a call waits for jobs to end that it has cancelled; beyond, it is to be called again."""


SUBMIT_SECONDS = 90.0
"""How long a Submit may be alive after its execution was stopped: its start, its time-out, more."""


class Event(BaseModel):
    """A run; how it fails, None if that is not to be said; when it was cut off, if so.

    ``number`` is that of a run of a pack, whose id is ``run_id`` then.
    """

    run_id: str
    execution_arn: str
    failure: Failure | None
    number: int | None = None
    cut_off_at: datetime | None = None


class FailedState(EventModel):
    """What the state machine calls with: the run, and the error of the state that failed.

    Of a pack with the number of a run, from 0, it is the run's own.
    """

    run_id: ExecutionName
    execution_arn: ExecutionArn
    error: StateError
    number: Annotated[int, Field(strict=True, ge=0, lt=runs.MOST_PACKED)] | None = None


def read_event(event: Any) -> Event:
    """Return what an event reports: the state machine's error, or an execution's status.

    Raises:
        InvalidRequest: it is neither; names each field that is wrong.
    """
    if (status := status_in(event)) is not None:
        return _of_status(status)
    found = FailedState.read(event)
    failure = _failure(found.run_id, found.execution_arn, found.error.outcome)
    return Event(
        run_id=found.run_id,
        execution_arn=found.execution_arn,
        failure=failure,
        number=found.number,
    )


def _of_status(detail: Status) -> Event:
    """Return what is said of an execution that has ended."""
    run_id, arn, outcome = detail.name, detail.execution_arn, detail.outcome
    if outcome is None:  # the sweep's: it has an end, which is not finished
        return Event(run_id=run_id, execution_arn=arn, failure=None)
    failure = _failure(run_id, arn, outcome)  # only what was cut off leaves a Submit that runs on
    return Event(run_id=run_id, execution_arn=arn, failure=failure, cut_off_at=detail.cut_off_at)


def _failure(run_id: str, execution_arn: str, outcome: Outcome) -> Failure:
    return Failure(
        run_id=run_id,
        execution_arn=execution_arn,
        ended_at=datetime.now(UTC),
        **outcome._asdict(),
    )


@stage(read_event, uses=("s3", "braket", "dynamodb", "sns"))
def handler(event: Event) -> dict[str, Any]:
    """Claim the end of the run, then cancel its jobs and their tasks: in this order (ends).

    The end is remembered and told whether or not the jobs could be cancelled, and before those of a
    device are waited for. If that takes longer and this call is retried, nothing is told twice. A
    run that waited in line for a job leaves it.
    """
    settings = CancelSettings.read()
    bucket, run_id = settings.output_bucket, event.run_id
    if event.number is not None:
        return _end_one_of_pack(event, event.number, settings)
    if _is_another(bucket, event):
        return _answer(event, cancelled=False, n_tasks=0)
    found = _Found.of(bucket, run_id)
    if event.failure is not None:
        kind: ends.Kind = "run" if found.pack is None else "pack"
        ends.fail(bucket, event.failure, kind=kind, study=found.study or _study(bucket, run_id))
    known: dict[str, object] = {}
    try:
        arns = found.jobs(bucket, event)
        cancelled = [jobs.cancel(arn) for arn in reversed(arns)]  # what runs is the newest
        tasks_cancelled = tasks.cancel_all(arns) if found.has_tasks else 0
        newest = jobs.look(arns[-1]) if arns else None
        known = _facts(newest)
    finally:
        if found.pack is not None:
            _finish_runs(found.pack, settings, known)
        ends.finish(bucket, run_id, settings.catalogue_table, settings.budget, **known)
    tickets.remove(bucket, run_id)
    if found.has_tasks:
        tasks_cancelled += tasks.cancel_until_ended(arns, SECONDS_TO_END)
    if found.created_at:
        _check_no_job_follows(event, newest, len(arns))
    return _answer(event, cancelled=any(cancelled), n_tasks=tasks_cancelled)


def _answer(event: Event, *, cancelled: bool, n_tasks: int) -> dict[str, Any]:
    return {
        "run_id": event.run_id,
        "error": event.failure and event.failure.error,
        "cause": event.failure and event.failure.cause,
        "job_cancelled": cancelled,
        "quantum_tasks_cancelled": n_tasks,
    }


def _is_another(bucket: str, event: Event) -> bool:
    """Return whether the name is that of a run of a pack, and not of this execution.

    Prepare has refused it then, and its end is none of that run's.
    """
    pack = packs.pack_of(bucket, event.run_id)
    return pack is not None and pack.execution_arn != event.execution_arn


def _end_one_of_pack(event: Event, number: int, settings: CancelSettings) -> dict[str, Any]:
    """End one run of a pack, which PostProcess could not."""
    bucket, failure = settings.output_bucket, event.failure
    pack = storage.need_model(bucket, runs.key(event.run_id, runs.PACK), PackRecord)
    if failure is None or number >= len(pack.names):
        raise InvalidRequest.of("number", number, f"up to {len(pack.names) - 1}")
    failed = packs.failed(pack, pack.names[number], error=failure.error, cause=failure.cause)
    packs.end(bucket, pack, failed)
    ends.finish(bucket, failed.run_id, settings.catalogue_table, settings.budget)
    return {"run_id": failed.run_id, "error": failed.error, "cause": failed.cause}


def _finish_runs(pack: PackRecord, settings: CancelSettings, known: Mapping[str, object]) -> None:
    """End the runs of a pack that have no end, then finish all of their ends."""
    bucket, seconds = settings.output_bucket, known.get("billable_seconds")
    share = seconds / len(pack.runs) if isinstance(seconds, float | int) else None
    of_each = {**known, "billable_seconds": share}
    packs.end_all(bucket, pack)
    for name in pack.names:
        table, budget = settings.catalogue_table, settings.budget
        ends.finish(bucket, pack.run_id(name), table, budget, **of_each)


@dataclass(frozen=True)
class _Found:
    """What was prepared of a run: its record, or its pack's; neither, of one that was refused.

    What cannot be read is known to be there: the run's end is claimed before anybody fails on it.
    """

    run: RunHeader | None = None
    pack: PackRecord | None = None
    unreadable: InvalidResult | None = None

    @classmethod
    def of(cls, bucket: str, run_id: str) -> Self:
        """Return what there is; only where there is no run, a pack is looked for."""
        try:
            run = storage.read_model(bucket, runs.key(run_id, runs.PREPARED), RunHeader)
            return cls(run, None if run else packs.read(bucket, run_id))
        except InvalidResult as error:
            return cls(unreadable=error)

    @property
    def created_at(self) -> datetime | None:
        """When it was prepared; None of what was refused."""
        prepared = self.run or self.pack
        return prepared.created_at if prepared else None

    @property
    def study(self) -> str | None:
        """The study that it is of; not known of what was refused."""
        if self.run is not None:
            return self.run.request.study
        return None if self.pack is None else self.pack.study

    @property
    def has_tasks(self) -> bool:
        """Whether its jobs may create quantum tasks."""
        return self.run is not None and self.run.device.kind != "local"

    def jobs(self, bucket: str, event: Event) -> list[str]:
        """Return its jobs, the newest last.

        Braket is asked as well as the record: the newest job may have no record yet, and the search
        may not show what has just been made.
        """
        if self.unreadable:
            raise self.unreadable
        if self.created_at is None:
            return []  # none was submitted
        submitted = storage.read_model(bucket, runs.key(event.run_id, runs.JOB), SubmittedJob)
        recorded = submitted.all_jobs if submitted else ()
        searched = jobs.find_all(event.execution_arn, self.created_at)
        return list(dict.fromkeys((*recorded, *searched)))


def _study(bucket: str, run_id: str) -> str | None:
    """Return the study of a run that was refused, which its name alone tells."""
    study = places.study_of(run_id)
    there = study and storage.exists(bucket, places.key(study, places.STUDY_FILE))
    return study if there else None


def _check_no_job_follows(event: Event, newest: jobs.JobState | None, n_found: int) -> None:
    """See that no Submit is alive that has yet to create the job of its attempt.

    Raises:
        ServiceUnavailable: one may be; a later call finds its job.
    """
    follows = newest is None or (newest.status == "FAILED" and n_found < runs.MAX_ATTEMPTS)
    if event.cut_off_at is None or not follows:
        return
    until = event.cut_off_at + timedelta(seconds=SUBMIT_SECONDS)
    if datetime.now(UTC) < until:
        raise ServiceUnavailable(
            f"{event.run_id}: until {until:%H:%M:%S} a Submit that was running may create a job"
        )


def _facts(newest: jobs.JobState | None) -> dict[str, object]:
    """Return what the record of a failure says of the run's newest job."""
    if newest is None:
        return {}
    return {
        "job_arn": newest.arn,
        "job_status": newest.status,
        "billable_seconds": newest.billable_seconds,  # not known before the job has ended
    }
