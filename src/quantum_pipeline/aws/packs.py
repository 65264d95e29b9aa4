"""The runs of a pack in S3: their records, what is refused of them, and how each of them ends.

runs/PACK/pack.json          its runs, its limits and its estimate, once it can start
runs/PACK/inputs/            what its job reads: pack.json, and NAME/prepared.json of each run
runs/PACK/checkpoints/NAME/  what the job leaves of a run
runs/PACK/cancelled/NAME     a run that its user has cancelled
runs/PACK.NAME/              a run, as any other
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from quantum_pipeline import runs
from quantum_pipeline.aws import ends, storage, stored
from quantum_pipeline.aws.budget import MonthlyBudget
from quantum_pipeline.aws.ends import Failure
from quantum_pipeline.aws.learning import Earlier
from quantum_pipeline.errors import ERRORS, InvalidRequest, InvalidResult, JobFailed, PipelineError
from quantum_pipeline.planning.costs import InstancePrice
from quantum_pipeline.planning.pack_record import PackRecord
from quantum_pipeline.planning.packs import PackedRun, PreparedPack, affordable, prepare_packed
from quantum_pipeline.planning.prepared import Preparation, PreparedRun, RunHeader
from quantum_pipeline.requests.pack import PackOutline, RunOutline, of_run
from quantum_pipeline.requests.request import MAX_OBJECT_BYTES, ProblemReference, Request
from quantum_pipeline.results.packed import PackedResult


def read(bucket: str, pack_id: str) -> PackRecord | None:
    """Return the record of a pack that could start; None where there is none."""
    return storage.read_model(bucket, runs.key(pack_id, runs.PACK), PackRecord)


_STORED = f"{runs.INPUTS}{runs.PACK}"


def is_stored(bucket: str, pack_id: str) -> bool:
    """Return whether all that the job of a pack reads is there: its own record comes last."""
    return storage.exists(bucket, runs.key(pack_id, _STORED))


def pack_of(bucket: str, run_id: str) -> PackRecord | None:
    """Return the pack that a run is of, None where it is of none; only names with dots are."""
    found = runs.pack_and_name(run_id)
    record = None if found is None else read(bucket, found[0])
    return record if record and found and found[1] in record.names else None


class Preparing:
    """Prepares the runs of a pack; what is refused of one refuses it alone."""

    def __init__(
        self,
        outline: PackOutline,
        *,
        pack_id: str,
        execution_arn: str,
        buckets: tuple[str, str],
        instance: InstancePrice,
        region: str,
        earlier: Earlier,
    ) -> None:
        """Take a pack; ``buckets`` are those of inputs and outputs, runs learn from ``earlier``.

        Raises:
            InvalidRequest: a run's id would be too long, or is that of another run.
        """
        self._outline, self._pack_id, self._execution_arn = outline, pack_id, execution_arn
        self._inputs, self._outputs = buckets
        self._instance, self._region, self._earlier = instance, region, earlier
        self._bytes_left = MAX_OBJECT_BYTES
        self._asked: dict[str, Request] = {}
        self._seconds: dict[str, float] = {}
        self._ids = {run.name: runs.packed_run_id(pack_id, run.name) for run in outline.pack}
        self._check_unused()

    def prepare(self, budget: MonthlyBudget, now: datetime) -> PackRecord:
        """Store the records of the pack and of its runs; return that of the pack.

        Raises:
            BudgetExceeded: the pack may not cost what it could, or the month has no room for it.
            PipelineError: none of its runs can start; the error of the first.
        """
        prepared, refused = dict[str, Preparation](), dict[str, PipelineError]()
        for run in self._outline.pack:
            try:
                prepared[run.name] = self._prepared(run)
            except PipelineError as error:
                refused[run.name] = error
        name, limits = self._outline.name, self._outline.limits
        found, above = affordable(name, limits, prepared, self._instance)
        refused |= above
        if found is not None:
            return self._store(found, refused, budget, now)
        first, because = next(iter(refused.items()))
        with of_run(first):
            raise because

    def _prepared(self, run: RunOutline) -> Preparation:
        started = time.perf_counter()
        packed = run.read()
        problem, size = stored.with_problem(packed.request, self._inputs, self._bytes_left)
        self._bytes_left -= size
        filled = packed.model_copy(update={"request": problem})
        now = datetime.now(UTC)
        found = prepare_packed(
            filled,
            instance=self._instance,
            region=self._region,
            now=now,
            learning=self._earlier.learning(problem, {}),
        )
        self._asked[run.name] = packed.request
        self._seconds[run.name] = time.perf_counter() - started
        return found

    def _store(
        self,
        found: PreparedPack,
        refused: Mapping[str, PipelineError],
        budget: MonthlyBudget,
        now: datetime,
    ) -> PackRecord:
        """Store what was found: first the pack's record, by which Cancel knows the runs."""
        record = PackRecord.of(
            found,
            pack_id=self._pack_id,
            execution_arn=self._execution_arn,
            created_at=now,
            refused=refused,
        )
        storage.write_model(self._outputs, runs.key(self._pack_id, runs.PACK), record)
        budget.reserve({self._ids[run.name]: run.share.total_usd for run in found.runs}, now)
        for run in found.runs:
            prepared = self._record(run, record)
            for key in (
                runs.key(prepared.run_id, runs.PREPARED),
                runs.key(self._pack_id, f"{runs.INPUTS}{run.name}/{runs.PREPARED}"),
            ):
                storage.write_model(self._outputs, key, prepared)
        for name, error in refused.items():
            failure = failed(record, name, error=type(error).__name__, cause=str(error))
            ends.publish(self._outputs, failure.run_id, end(self._outputs, record, failure))
        storage.write_model(self._outputs, runs.key(self._pack_id, _STORED), record)
        return record

    def _record(self, run: PackedRun, pack: PackRecord) -> PreparedRun:
        asked = self._asked[run.name]
        reference = asked.problem
        return PreparedRun.of(
            replace(run.found, cost=run.share),
            run_id=self._ids[run.name],
            execution_arn=self._execution_arn,
            problem_uri=reference.uri if isinstance(reference, ProblemReference) else None,
            created_at=pack.created_at,
            prepare_seconds=self._seconds[run.name],
            asked=asked,
            pack=self._pack_id,
        )

    def _check_unused(self) -> None:
        """Refuse a pack of which a run would have the id of one that another execution has."""
        taken = {key.split("/")[1] for key in _keys_of_runs(self._outputs, self._pack_id)}
        for run_id in self._ids.values():
            if run_id in taken and self._execution_of(run_id) != self._execution_arn:
                allowed = f"one of which no earlier run has the name {run_id}"
                raise InvalidRequest.of("name of the execution", self._pack_id, allowed)

    def _execution_of(self, run_id: str) -> str | None:
        try:
            prepared = storage.read_model(self._outputs, runs.key(run_id, runs.PREPARED), RunHeader)
            claim = None if prepared else ends.read(self._outputs, run_id)
        except InvalidResult:
            return None
        if prepared is not None:
            return prepared.execution_arn
        return None if claim is None else claim.end.get("execution_arn")


def _keys_of_runs(bucket: str, pack_id: str) -> Iterator[str]:
    """Yield the keys of all that is in the folders of a pack's runs; a call for each thousand."""
    prefix = runs.key(f"{pack_id}.", "").removesuffix("/")
    return (key for key, _ in storage.listed(bucket, prefix))


def has_staged(bucket: str, pack_id: str) -> bool:
    """Return whether a report of one of its runs was staged that nobody will publish."""
    return any(key.split("/")[2] == runs.STAGED for key in _keys_of_runs(bucket, pack_id))


def left(bucket: str, pack: PackRecord, name: str) -> PackedResult | None:
    """Return what the job has left of a run; None where it has left nothing that can be read."""
    found = runs.key(pack.pack_id, f"{runs.CHECKPOINTS}/{name}/{runs.PACKED_END}")
    with suppress(ValueError, ValidationError):  # too large, or none of ours
        content = storage.read(bucket, found, MAX_OBJECT_BYTES)
        return None if content is None else PackedResult.model_validate_json(content)
    return None


def result(name: str, found: PackedResult | None) -> dict[str, Any]:
    """Return the result of a run, which is yet to be verified.

    Raises:
        InvalidResult: the job has left nothing of it.
        PipelineError: the error that the run has ended with.
    """
    if found is None:
        raise InvalidResult(f"{name}/{runs.PACKED_END}: missing, or none; a job leaves one of each")
    if found.result is None:
        raise ERRORS.get(found.error or "", JobFailed)(found.cause)
    return found.result


def is_cancelled(bucket: str, pack: PackRecord, name: str) -> bool:
    """Return whether a run's user has cancelled it."""
    return storage.exists(bucket, runs.key(pack.pack_id, f"{runs.CANCEL_MARKERS}{name}"))


def failed(
    pack: PackRecord,
    name: str,
    *,
    error: str = "JobFailed",
    cause: str = "",
    job_arn: str | None = None,
    billable_seconds: float | None = None,
    cancelled: bool = False,
) -> Failure:
    """Return how a run of a pack ends without a result; seconds are its part of the bill."""
    return Failure(
        run_id=pack.run_id(name),
        execution_arn=pack.execution_arn,
        pack=pack.pack_id,
        status="CANCELLED" if cancelled else "FAILED",
        error="Stopped" if cancelled else error,
        cause="cancelled by its user; the others of its pack went on" if cancelled else cause,
        ended_at=datetime.now(UTC),
        job_arn=job_arn,
        billable_seconds=billable_seconds,
    )


def end(bucket: str, pack: PackRecord, failure: Failure) -> ends.Claim:
    """End a run of a pack as it failed, unless it has ended; return the claim that stands."""
    return ends.fail(bucket, failure, kind="run of a pack", study=pack.study)


def end_all(bucket: str, pack: PackRecord) -> None:
    """End the runs of a pack that have no end as the pack has, if that was not a success.

    A run that its user has cancelled ends so.
    """
    stands = ends.read(bucket, pack.pack_id)
    if stands is None or stands.record == runs.COMPLETED:
        return
    prefix = runs.key(pack.pack_id, runs.CANCEL_MARKERS)
    cancelled = {key.removeprefix(prefix) for key, _ in storage.listed(bucket, prefix)}
    of_all = Failure.model_validate(stands.end)
    for name in pack.names:
        own = of_all.model_copy(update={"run_id": pack.run_id(name), "pack": pack.pack_id})
        end(bucket, pack, failed(pack, name, cancelled=True) if name in cancelled else own)
