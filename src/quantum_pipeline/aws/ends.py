"""Ends a run exactly once, in one of completed.json, failure.json, cancelled.json, and tells of it.

The order of an end, whoever makes it:

    stage      a report and its pictures, in a folder of this attempt alone
    claim      the end: ``end.json`` where there is none, with the record and what is staged for it
    publish    what is staged, by copying it, and then the record
    catalogue  the run, in one item, made of what is published by then
    budget     of the month, in which its bill takes the place of what was reserved for it
    tell       the topic and the metrics
    mark       the claim, as told, with all that its record has

Whoever finds a claim that is not marked does what is left: a call that is tried again, a copy of it
that runs at the same time, Cancel, and the sweep through it. So a report never lies beside a
failure, and what is published is not written again.

Whatever else is to know of an end comes between publish and tell: the record is there by then, and
who finishes an end does it again. So whoever is told of a run finds it in the catalogue, and an end
waits for a catalogue that does not answer.

Cancel claims the end before it looks for a job, and Submit looks for a claim after it has created
one: in whichever order the two run, one of them sees the other.

A run of a pack ends in the same order, but nobody is told of it: the pack is, once all of its runs
have ended. A pack is no run, and has no item in the catalogue. Of runs and packs of a study nobody
is told either: the study is.

A claim and a record are made exactly once, and a notification is sent at least once, all but always
once: see ``telling``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel, Field, RootModel

from quantum_pipeline import runs
from quantum_pipeline.aws import catalogue, notifications, storage, telling
from quantum_pipeline.aws.budget import MonthlyBudget
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.telling import ToBeTold
from quantum_pipeline.catalogue.sources import EndHeader, ReportHeader, record_of
from quantum_pipeline.error_codes import Meaning, meaning_of
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.budget import counted_usd, month_of
from quantum_pipeline.planning.prepared import RunHeader


class End(BaseModel):
    """What the record of every end has."""

    announced: ClassVar[tuple[str, ...]] = ()
    """Fields of it that the topic is told, beside run and status."""

    run_id: str
    status: str
    ended_at: datetime
    job_arn: str | None = None


class Failure(End):
    """How a run ended: ``failure.json``, or ``cancelled.json`` where a user stopped it.

    ``pack`` is what it is a run of.
    """

    announced = ("error", "cause", "job_arn")

    execution_arn: str
    status: Literal["FAILED", "CANCELLED"]
    error: str
    cause: str
    job_status: str | None = None
    billable_seconds: float | None = None
    pack: str | None = None

    @property
    def record(self) -> str:
        """The name of the record."""
        return runs.CANCELLED if self.status == "CANCELLED" else runs.FAILURE


class Completed(End):
    """The record of a run that succeeded; but for time and job, what the state returns."""

    announced = ("objective", "approximation_ratio", "actual_usd", "report", "report_html")

    status: Literal["SUCCEEDED"]
    report: str
    report_html: str
    objective: float | None
    approximation_ratio: float | None
    expected_ratio: float | None
    actual_usd: float


class CompletedPack(End):
    """The record of a pack of which every run has an end; ``actual_usd`` is the bill of its job."""

    announced = ("succeeded", "failed", "cancelled", "actual_usd")

    execution_arn: str
    status: Literal["SUCCEEDED"] = "SUCCEEDED"
    succeeded: int
    failed: int
    cancelled: int
    actual_usd: float


Kind = Literal["run", "run of a pack", "pack"]


class Claim(ToBeTold):
    """How a run ends, and how far its end has come.

    ``end`` is the record, ``staged`` the names of what is published with it, ``study`` what the run
    or the pack is of: nobody is told of it then. Releases before this
    one wrote ``record`` alone: such a claim has no ``claimant``, and nothing is left to do for it.
    """

    record: str
    kind: Kind = "run"
    claimant: str = ""
    end: dict[str, Any] = Field(default_factory=dict)
    staged: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    metrics: dict[str, float | None] = Field(default_factory=dict)
    dimensions: dict[str, str] = Field(default_factory=dict)
    study: str | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.told or not self.claimant

    @property
    def ended_at(self) -> datetime | None:
        """When the run ended; None in claims of earlier releases."""
        return datetime.fromisoformat(self.end["ended_at"]) if self.end else None


Header = TypeVar("Header", bound=BaseModel)


class _Record(RootModel[dict[str, Any]]):
    """The record of an end, of whichever kind."""


@dataclass(frozen=True)
class Staged:
    """Files that wait to be published, in the folder of one attempt."""

    claimant: str
    names: tuple[str, ...]


def stage(bucket: str, run_id: str, files: Mapping[str, tuple[bytes, str]]) -> Staged:
    """Write files, each content with its type, where nobody else writes or reads."""
    staged = Staged(secrets.token_hex(8), tuple(files))
    for name, (content, content_type) in files.items():
        storage.write(bucket, _folder(run_id, staged.claimant) + name, content, content_type)
    return staged


def read(bucket: str, run_id: str) -> Claim | None:
    """Return the claim to a run's end, None while it goes on."""
    return storage.read_model(bucket, runs.key(run_id, runs.END), Claim)


def end_of(bucket: str, run_id: str) -> str | None:
    """Return the name of the record that ends a run, None while it goes on."""
    found = read(bucket, run_id)
    return found.record if found else None


def claim(
    bucket: str,
    name: str,
    end: End,
    *,
    kind: Kind = "run",
    study: str | None = None,
    staged: Staged | None = None,
    metrics: Mapping[str, float | None],
    **dimensions: str,
) -> Claim:
    """End a run in this way unless it has ended; return the claim that stands.

    What was staged for an end that came too late is removed.
    """
    asked = Claim(
        record=name,
        kind=kind,
        study=study,
        claimant=staged.claimant if staged else secrets.token_hex(8),
        end=end.model_dump(mode="json"),
        staged=staged.names if staged else (),
        announced=end.announced,
        metrics=dict(metrics),
        dimensions=dimensions,
    )
    if storage.write_once(bucket, runs.key(end.run_id, runs.END), asked):
        return asked
    stands = storage.need_model(bucket, runs.key(end.run_id, runs.END), Claim)
    if staged and stands.claimant != asked.claimant:  # else the answer to our own write was lost
        storage.remove(bucket, _folder(end.run_id, staged.claimant))
    return stands


def fail(bucket: str, failure: Failure, *, kind: Kind = "run", study: str | None = None) -> Claim:
    """End a run as it failed, or was cancelled, unless it has ended; return the claim that stands.

    Of a pack, the runs count.
    """
    counted = {} if kind == "pack" else {"RunsFailed": 1}
    return claim(
        bucket,
        failure.record,
        failure,
        kind=kind,
        study=study,
        metrics=counted,
        ErrorName=failure.error,
    )


def is_left(bucket: str, run_id: str, stands: Claim) -> bool:
    """Return whether an end is unfinished, or has something staged that nobody will publish."""
    return not stands.finished or storage.is_there(bucket, runs.key(run_id, f"{runs.STAGED}/"))


def finish(bucket: str, run_id: str, table: str, budget: MonthlyBudget, **known: object) -> None:
    """Do what is left of a run's end, in the order of an end. Nothing is done without a claim.

    ``known`` has fields of the record that the claim could not know yet.
    """
    stands = read(bucket, run_id)
    if stands is not None:
        publish(bucket, run_id, stands, **known)
        remember(bucket, run_id, table, budget, stands)
        tell(bucket, run_id, budget.topic_arn)


def publish(bucket: str, run_id: str, stands: Claim, **known: object) -> None:
    """Copy what is staged to where it belongs, then write the record, unless that was done.

    What other attempts have staged is removed: it comes too late, and they may have died over it.
    """
    key = runs.key(run_id, stands.record)
    if not stands.finished and not storage.exists(bucket, key):
        _copy(bucket, run_id, stands)
        missing = {name for name, value in stands.end.items() if value is None}
        more = {name: value for name, value in known.items() if name in missing}
        storage.write_once(bucket, key, _Record(stands.end | more))
    storage.remove(bucket, runs.key(run_id, f"{runs.STAGED}/"))


def _copy(bucket: str, run_id: str, stands: Claim) -> None:
    for name in stands.staged:
        source = _folder(run_id, stands.claimant) + name
        try:
            storage.copy(bucket, source, runs.key(run_id, name))
        except ClientError as error:
            gone = meaning_of(error.response) is Meaning.NO_OBJECT
            if not gone or not storage.exists(bucket, runs.key(run_id, stands.record)):
                raise
            return  # another call has published it all meanwhile


def remember(bucket: str, run_id: str, table: str, budget: MonthlyBudget, stands: Claim) -> None:
    """Put the run into the catalogue and its bill into the budget, unless its end is finished.

    Raises:
        ClientError: a table refuses, and is to be asked again before anybody is told.
    """
    if stands.finished or stands.kind == "pack":
        return
    end = storage.need_model(bucket, runs.key(run_id, stands.record), EndHeader)
    prepared = _readable(bucket, run_id, runs.PREPARED, RunHeader)
    has_report = stands.record == runs.COMPLETED
    report = _readable(bucket, run_id, runs.REPORT, ReportHeader) if has_report else None
    catalogue.put_once(table, record_of(end, prepared, report))
    began = end.ended_at if prepared is None else prepared.created_at
    budget.settle(run_id, month_of(began), _counted_usd(end, prepared, report))


def _counted_usd(end: EndHeader, prepared: RunHeader | None, report: ReportHeader | None) -> float:
    estimated = 0.0 if prepared is None else prepared.estimate.total_usd
    return counted_usd(estimated, None if report is None else report.cost.actual_usd, end.job_arn)


def _readable(bucket: str, run_id: str, name: str, model: type[Header]) -> Header | None:
    """Return one of the run's records; None where there is none, or none of ours."""
    try:
        return storage.read_model(bucket, runs.key(run_id, name), model)
    except InvalidResult:  # a record without it is better than none, and than to tell nobody
        return None


def tell(bucket: str, run_id: str, topic_arn: str) -> None:
    """Notify the topic, count the end and mark it, unless somebody else has, or may be doing so.

    Of a run of a pack or a study the topic is not told. A topic that refuses gives the lease back:
    the next call tells.
    """

    def say(stands: Claim) -> Claim:
        end = storage.need_model(bucket, runs.key(run_id, stands.record), _Record).root
        if stands.kind != "run of a pack" and stands.study is None:
            details = {name: end.get(name) for name in stands.announced}
            notifications.publish(topic_arn, run_id, end["status"], details)
        record(stands.metrics, **stands.dimensions)
        return stands.model_copy(update={"end": end})  # as the record has it by now

    telling.once(bucket, runs.key(run_id, runs.END), Claim, say)


def _folder(run_id: str, claimant: str) -> str:
    return runs.key(run_id, f"{runs.STAGED}/{claimant}/")
