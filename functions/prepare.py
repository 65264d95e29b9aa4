"""State Prepare: turns a request into a prepared run, or refuses it before anything is paid for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from quantum_pipeline import runs
from quantum_pipeline.aws import devices, storage
from quantum_pipeline.aws.ends import end_of
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import PrepareSettings
from quantum_pipeline.aws.stage import EventModel, stage
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.device import candidates
from quantum_pipeline.planning.preparation import prepare
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.requests.json_text import MAX_VALUES, parse_json
from quantum_pipeline.requests.pack import parse_input, to_be_run
from quantum_pipeline.requests.request import (
    MAX_OBJECT_BYTES,
    ProblemReference,
    Request,
    parse_problem,
)
from quantum_pipeline.runs import ExecutionArn, ExecutionName


class Event(EventModel):
    """The execution's name and ARN, and its input."""

    run_id: ExecutionName
    execution_arn: ExecutionArn
    request: Any


@stage(Event.read, uses=("s3", "braket"))
def handler(event: Event) -> dict[str, Any]:
    """Store the prepared run; return what the next states and the execution's reader need."""
    started = time.perf_counter()
    settings = PrepareSettings.read()
    _check_unused(settings, runs.check_run_id(event.run_id))
    asked = to_be_run(parse_input(event.request))
    request = _with_problem(asked, settings.input_bucket)
    found = prepare(
        request,
        devices.states(candidates(request)),
        instance=settings.instance_price,
        region=settings.aws_region,
        now=datetime.now(UTC),
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
        "problem_type": prepared.request.problem.type,
        "n_qubits": prepared.request.problem.n_qubits,
        "device": found.device.arn,
        "estimated_usd": round(found.cost.total_usd, 6),
    }


def _check_unused(settings: PrepareSettings, run_id: str) -> None:
    if end_of(settings.output_bucket, run_id) is not None:
        raise InvalidRequest.of(
            "name of the execution", run_id, "a name that no earlier run of this stack had"
        )


def _with_problem(request: Request, bucket: str) -> Request:
    reference = request.problem
    if not isinstance(reference, ProblemReference):
        return request
    if reference.bucket != bucket:
        raise InvalidRequest.of("problem.uri", reference.uri, f"an object below s3://{bucket}/")
    try:
        content = storage.read(bucket, reference.key, MAX_OBJECT_BYTES)
    except ValueError as error:
        raise InvalidRequest(f"problem.uri: {reference.uri} has {error}") from error
    if content is None:
        raise InvalidRequest.of("problem.uri", reference.uri, "an object that exists")
    data = parse_json(content, f"problem.uri: {reference.uri}", max_values=MAX_VALUES)
    return request.model_copy(update={"problem": parse_problem(data)})
