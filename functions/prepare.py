"""State Prepare: turns a request into a prepared run, or refuses it before anything is paid for.

Of a pack each run is prepared, or refused alone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from quantum_pipeline import runs
from quantum_pipeline.aws import devices, packs, storage, stored
from quantum_pipeline.aws.ends import end_of
from quantum_pipeline.aws.learning import Earlier
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import PrepareSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.devices.catalogue import LOCAL, find
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.device import candidates
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.pack import PackOutline, StoredPack, parse_outline
from quantum_pipeline.requests.request import ProblemReference, Request
from quantum_pipeline.runs import ExecutionArn, ExecutionName


class Event(EventModel):
    """The execution's name and ARN, and its input."""

    run_id: ExecutionName
    execution_arn: ExecutionArn
    request: Any


@stage(Event.read, uses=("s3", "braket"))
def handler(event: Event) -> dict[str, Any]:
    """Store the prepared run, or pack; return what the next states and the reader need."""
    started = time.perf_counter()
    settings = PrepareSettings.read()
    _check_unused(settings, event)
    asked = parse_outline(event.request)
    if isinstance(asked, Request):
        return _prepare_run(event, asked, settings, started)
    return _prepare_pack(event, asked, settings)


def _prepare_run(
    event: Event, asked: Request, settings: PrepareSettings, started: float
) -> dict[str, Any]:
    request, _ = stored.with_problem(asked, settings.input_bucket)
    states = devices.states(candidates(request))
    found = prepare(
        request,
        states,
        instance=settings.instance_price,
        region=settings.aws_region,
        now=datetime.now(UTC),
        learning=Earlier(settings.catalogue_table).learning(request, states),
    )
    now = datetime.now(UTC)
    settings.budget.reserve({event.run_id: found.cost.total_usd}, now)
    prepared = PreparedRun.of(
        found,
        run_id=event.run_id,
        execution_arn=event.execution_arn,
        problem_uri=asked.problem.uri if isinstance(asked.problem, ProblemReference) else None,
        created_at=now,
        prepare_seconds=time.perf_counter() - started,
        asked=asked,
    )
    storage.write_model(settings.output_bucket, runs.key(event.run_id, runs.PREPARED), prepared)
    record({"RunsStarted": 1, "EstimatedCost": found.cost.total_usd})
    return {
        "run_id": event.run_id,
        "attempt": prepared.attempt,
        "waits": 0,
        "n_runs": 1,
        "problem_type": prepared.request.problem.type,
        "n_qubits": prepared.request.problem.n_qubits,
        "device": found.device.arn,
        "estimated_usd": round(found.cost.total_usd, 6),
    }


def _prepare_pack(
    event: Event, asked: PackOutline | StoredPack, settings: PrepareSettings
) -> dict[str, Any]:
    """Store the records of a pack and its runs, unless an earlier try of this very call has."""
    bucket, pack_id = settings.output_bucket, event.run_id
    found = packs.read(bucket, pack_id)
    if found is None or not packs.is_stored(bucket, pack_id):
        now = datetime.now(UTC) if found is None else found.created_at
        preparing = packs.Preparing(
            _with_runs(asked, settings.input_bucket),
            pack_id=pack_id,
            execution_arn=event.execution_arn,
            buckets=(settings.input_bucket, bucket),
            instance=settings.instance_price,
            region=settings.aws_region,
            earlier=Earlier(settings.catalogue_table),
        )
        found = preparing.prepare(settings.budget, now)
        record({"RunsStarted": len(found.runs), "EstimatedCost": found.estimate.total_usd})
    return {
        "run_id": event.run_id,
        "attempt": 1,
        "waits": 0,
        "n_runs": len(found.names),
        "n_refused": len(found.refused),
        "device": find(LOCAL).arn,
        "estimated_usd": round(found.estimate.total_usd, 6),
    }


def _with_runs(asked: PackOutline | StoredPack, bucket: str) -> PackOutline:
    return stored.with_runs(asked, bucket) if isinstance(asked, StoredPack) else asked


def _check_unused(settings: PrepareSettings, event: Event) -> None:
    """Refuse a name that a run has: one that has ended, or one of a pack that may go on."""
    bucket, run_id = settings.output_bucket, runs.check_run_id(event.run_id)
    if end_of(bucket, run_id) is not None or packs.pack_of(bucket, run_id) is not None:
        raise InvalidRequest.of(
            "name of the execution", run_id, "a name that no earlier run of this stack had"
        )
