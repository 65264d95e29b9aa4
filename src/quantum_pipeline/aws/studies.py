"""A study in S3: who goes on with it, its rounds and rows, and how its executions end.

One execution at a time goes on with a study: the one that its lease names. Another takes the lease
once that has ended. What a round starts is written once and read from then on; so are the rows of
its runs, when all of them have ended. So whoever is called twice, or late, changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from quantum_pipeline import runs
from quantum_pipeline.aws import ends, executions, notifications, packs, storage, telling
from quantum_pipeline.aws.storage import Tagged
from quantum_pipeline.errors import InvalidRequest, InvalidResult, ServiceUnavailable
from quantum_pipeline.studies import places
from quantum_pipeline.studies.lifecycle import Course, not_started
from quantum_pipeline.studies.rounds import Child, PlannedRun, Round
from quantum_pipeline.studies.rows import RunRow, row_of
from quantum_pipeline.studies.study import Study

READERS = 16
"""Objects that are read at once."""

Item = TypeVar("Item")
Found = TypeVar("Found")


class Lease(BaseModel):
    """The execution that goes on with a study, and the first round that it has planned."""

    execution_arn: str
    first_round: int


class RowsOfRound(BaseModel):
    """How the runs of a round have ended."""

    rows: tuple[RunRow, ...]


class StudyEnd(telling.ToBeTold):
    """How an execution of a study has ended; ``quiet`` once nothing that it has started goes on.

    ``study`` is None where its input names none.
    """

    study: str | None
    execution_arn: str
    status: Literal["SUCCEEDED", "FAILED", "CANCELLED"]
    error: str | None = None
    cause: str | None = None
    ended_at: datetime
    summary: str | None = None
    quiet: bool = False


# What was asked ----------------------------------------------------------------------------------


def record_plan(bucket: str, study: Study) -> None:
    """Write what a study asks, once.

    Raises:
        InvalidRequest: another study had this name before.
    """
    key = places.key(study.name, places.STUDY_FILE)
    if storage.write_once(bucket, key, study):
        return
    if not storage.need_model(bucket, key, Study).asks_the_same(study):
        raise InvalidRequest.of(
            "name",
            study.name,
            "a name that no other study had; the same is started again, limits apart, as it is",
        )


def record_limits(bucket: str, study: Study) -> None:
    """Write the limits that a study goes on with: for whoever has its lease."""
    if read_plan(bucket, study.name) != study:
        storage.write_model(bucket, places.key(study.name, places.STUDY_FILE), study)


def read_plan(bucket: str, name: str) -> Study:
    """Return what a study asks.

    Raises:
        InvalidResult: there is no such study.
    """
    return storage.need_model(bucket, places.key(name, places.STUDY_FILE), Study)


# Who goes on with it -----------------------------------------------------------------------------


def lease_of(bucket: str, study: str) -> Lease | None:
    """Return who goes on with a study, None before anybody has."""
    return storage.read_model(bucket, places.key(study, places.LEASE), Lease)


def check_lease(bucket: str, study: str, execution_arn: str) -> Lease:
    """Return the lease of an execution.

    Raises:
        InvalidRequest: another goes on with the study by now.
    """
    lease = lease_of(bucket, study)
    if lease is None or lease.execution_arn != execution_arn:
        holder = "nobody" if lease is None else lease.execution_arn
        raise InvalidRequest.of("execution", execution_arn, f"{holder}, who goes on with {study}")
    return lease


def take_lease(bucket: str, study: str, execution_arn: str) -> Lease:
    """Return the lease of a study, taken now or by an earlier try of this very call.

    Raises:
        InvalidRequest: another execution goes on with it.
    """
    key = places.key(study, places.LEASE)
    found = storage.read_tagged(bucket, key, Lease)
    if found is not None and found.record.execution_arn == execution_arn:
        return found.record
    if found is not None and executions.status(found.record.execution_arn) == "RUNNING":
        raise _goes_on(study, found.record)
    asked = Lease(execution_arn=execution_arn, first_round=1 + count_rounds(bucket, study))
    if found is None:
        taken = storage.write_once(bucket, key, asked)
    else:
        taken = storage.replace(bucket, key, Tagged(asked, found.tag)) is not None
    now_there = asked if taken else storage.need_model(bucket, key, Lease)
    if now_there.execution_arn != execution_arn:
        raise _goes_on(study, now_there)
    return now_there


def _goes_on(study: str, lease: Lease) -> InvalidRequest:
    allowed = f"a study that no execution goes on with; this one has {lease.execution_arn}"
    return InvalidRequest.of("name", study, allowed)


# Its rounds --------------------------------------------------------------------------------------


def count_rounds(bucket: str, study: str) -> int:
    """Return how many rounds a study has."""
    prefix = places.key(study, "rounds/")
    return sum(not key.endswith(".items.json") for key, _ in storage.listed(bucket, prefix))


def read_course(bucket: str, study: Study, *, rounds: int, first_round: int) -> Course:
    """Return what a study has done in so many rounds, of which all runs have ended."""
    numbers = range(1, rounds + 1)
    return Course(
        study=study,
        rounds=tuple(_each(lambda number: need_round(bucket, study.name, number), numbers)),
        rows=tuple(
            each.rows
            for each in _each(
                lambda number: storage.need_model(
                    bucket, places.rows_key(study.name, number), RowsOfRound
                ),
                numbers,
            )
        ),
        first_round=first_round,
    )


def read_round(bucket: str, study: str, number: int) -> Round | None:
    """Return a round; None before it is planned."""
    return storage.read_model(bucket, places.round_key(study, number), Round)


def need_round(bucket: str, study: str, number: int) -> Round:
    """Return a round that was planned."""
    return storage.need_model(bucket, places.round_key(study, number), Round)


def plan_round(bucket: str, study: str, number: int, children: Sequence[Child]) -> Round:
    """Return the round of this number: this one, unless there is one already."""
    asked = Round(number=number, children=tuple(children))
    if storage.write_once(bucket, places.round_key(study, number), asked):
        return asked
    return need_round(bucket, study, number)


def write_items(bucket: str, study: str, planned: Round) -> str:
    """Write what the Map reads of a round; return its key."""
    items = [{"name": child.name, "input": child.input} for child in planned.children]
    key = places.items_key(study, planned.number)
    storage.write(bucket, key, json.dumps(items).encode(), "application/json")
    return key


def keep_input(bucket: str, study: str, content: bytes) -> str:
    """Store JSON under a name made of its content; return its URI."""
    name = f"inputs/{hashlib.sha256(content).hexdigest()[:32]}.json"
    key = places.key(study, name)
    storage.write(bucket, key, content, "application/json")
    return f"s3://{bucket}/{key}"


# How its runs have ended -------------------------------------------------------------------------


class Ended(NamedTuple):
    """Of a round: the rows of the runs that have ended; the executions that others are of."""

    rows: tuple[RunRow, ...]
    running: tuple[str, ...]
    never_started: tuple[str, ...]
    ending: tuple[str, ...]
    """Those that have ended while an end of theirs is not recorded yet."""


def look(bucket: str, study: Study, planned: Round, pipeline_arn: str) -> Ended:
    """Return how the runs of a round have ended, by their records; by executions where none is."""
    todo = [(child, run) for child in planned.children for run in child.runs]
    found = _each(lambda each: _row(bucket, study, *each), todo)
    without = {child.name: child for (child, _), row in zip(todo, found, strict=True) if not row}
    status = {name: executions.status(executions.arn_of(pipeline_arn, name)) for name in without}
    return Ended(
        tuple(row for row in found if row is not None),
        tuple(name for name in without if status[name] == "RUNNING"),
        tuple(name for name in without if status[name] is None),
        tuple(name for name in without if status[name] not in ("RUNNING", None)),
    )


def close_round(bucket: str, study: str, planned: Round, ended: Ended) -> None:
    """Write the rows of a round, once; runs of executions that never started have such a row."""
    missing = set(ended.never_started)
    more = [
        not_started(run)
        for child in planned.children
        if child.name in missing
        for run in child.runs
    ]
    rows = RowsOfRound(rows=(*ended.rows, *more))
    storage.write_once(bucket, places.rows_key(study, planned.number), rows)


def has_rows(bucket: str, study: str, number: int) -> bool:
    """Return whether the rows of a round are there."""
    return storage.exists(bucket, places.rows_key(study, number))


def _row(bucket: str, study: Study, child: Child, run: PlannedRun) -> RunRow | None:
    """Return the row of a run, None while it has no end; of a pack that was refused, the pack's."""
    claim = ends.read(bucket, run.run_id)
    if claim is None and run.run_id != child.name and packs.read(bucket, child.name) is None:
        claim = ends.read(bucket, child.name)
    if claim is None:
        return None
    if claim.study != study.name:
        return _taken(run, claim.end.get("execution_arn"))
    report = None
    if claim.record == runs.COMPLETED:
        content = storage.read(bucket, runs.key(run.run_id, runs.REPORT))
        if content is None:
            return None  # it is published soon
        report = _json(content, run.run_id)
    return row_of(run.setting, run.run_id, report, claim.end, study.objective)


def _taken(run: PlannedRun, execution_arn: str | None) -> RunRow:
    """Return the row of a run whose name somebody has given to another."""
    error = InvalidRequest.of("name of the execution", run.run_id, "a name that no other run has")
    return RunRow(
        setting=run.setting,
        run_id=run.run_id,
        status="FAILED",
        error=type(error).__name__,
        cause=f"{error}; it is that of {execution_arn or 'another run'}",
    )


def _json(content: bytes, run_id: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise InvalidResult(f"{run_id}/{runs.REPORT}: {error}") from None
    return found


# Its end -----------------------------------------------------------------------------------------


def stop_children(bucket: str, study: str, pipeline_arn: str, why: str) -> tuple[str, ...]:
    """Stop the executions of the newest round that run; return their ARNs."""
    number = count_rounds(bucket, study)
    if not number:
        return ()
    names = {child.name for child in need_round(bucket, study, number).children}
    running = [each.arn for each in executions.running(pipeline_arn) if each.name in names]
    for arn in running:
        executions.stop(arn, "Stopped", why)
    return tuple(running)


def end(bucket: str, asked: StudyEnd) -> None:
    """Record how an execution of a study has ended, unless that is there."""
    storage.write_once(bucket, places.end_key(asked.execution_arn), asked)


def is_left(bucket: str, execution_arn: str) -> bool:
    """Return whether the end of an execution is not recorded or told, or runs of it may go on."""
    found = storage.read_model(bucket, places.end_key(execution_arn), StudyEnd)
    return found is None or not found.told or not found.quiet


def mark_quiet(bucket: str, execution_arn: str) -> None:
    """Record that nothing that an execution has started goes on."""
    key = places.end_key(execution_arn)
    while (found := storage.read_tagged(bucket, key, StudyEnd)) and not found.record.quiet:
        quiet = found.record.model_copy(update={"quiet": True})
        if storage.replace(bucket, key, Tagged(quiet, found.tag)):
            return


def tell(bucket: str, execution_arn: str, topic_arn: str) -> None:
    """Notify the topic how an execution of a study has ended, once."""

    def say(stands: StudyEnd) -> None:
        name = stands.study or execution_arn.rpartition(":")[2]
        details = {"error": stands.error, "cause": stands.cause, "report": stands.summary}
        notifications.publish_study(topic_arn, name, stands.status, details)

    telling.once(bucket, places.end_key(execution_arn), StudyEnd, say)


def _each(read: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, items))


def check_ended(ended: Ended) -> None:
    """Wait for ends that are not recorded yet: Cancel, or the sweep, records them.

    Raises:
        ServiceUnavailable: there are some.
    """
    if ended.ending:
        raise ServiceUnavailable(
            f"{ended.ending[0]}: it has ended, and its end is not recorded yet"
        )
