"""State Prepare: a request becomes a prepared run, or is refused before anything is paid for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from quantum_pipeline import runs
from quantum_pipeline.aws import devices, storage
from quantum_pipeline.aws.ends import end_of
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import PrepareSettings
from quantum_pipeline.aws.stage import stage
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.preparation import candidates, prepare
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.requests.request import (
    MAX_OBJECT_BYTES,
    ProblemReference,
    Request,
    parse_json,
    parse_problem,
    parse_request,
)
from quantum_pipeline.runs import PreparedRun, StateSummary


class Event(BaseModel):
    """The execution's name and ARN, and its input."""

    run_id: str
    execution_arn: str
    request: Any


@stage(Event.model_validate, uses=("s3", "braket"))
def handler(event: Event) -> dict[str, Any]:
    """Store the prepared run; return what the next states and the execution's reader need."""
    started = time.perf_counter()
    settings = PrepareSettings.read()
    _check_unused(settings, runs.check_run_id(event.run_id))
    asked = parse_request(event.request)
    request = _with_problem(asked, settings.input_bucket)
    found = prepare(
        request,
        devices.states(candidates(request)),
        instance=settings.instance_price,
        region=settings.aws_region,
        now=datetime.now(UTC),
    )
    problem = found.request.problem
    prepared = PreparedRun(
        run_id=event.run_id,
        execution_arn=event.execution_arn,
        created_at=datetime.now(UTC),
        request=found.request,
        problem_uri=asked.problem.uri if isinstance(asked.problem, ProblemReference) else None,
        model=problem.ising() if isinstance(problem, BinaryProblem) else None,
        device=found.device,
        algorithm_because=found.algorithm_because,
        device_because=found.device_because,
        mitigation_because=found.mitigation_because,
        state_summary=None if found.state is None else StateSummary.of(found.state),
        plan=found.plan,
        instance=settings.instance_price,
        estimate=found.cost,
        prepare_seconds=time.perf_counter() - started,
    )
    storage.write_model(settings.output_bucket, runs.key(event.run_id, runs.PREPARED), prepared)
    record("RunsStarted", 1)
    record("EstimatedCost", found.cost.total_usd)
    return {
        "run_id": event.run_id,
        "attempt": prepared.attempt,
        "problem_type": problem.type,
        "n_qubits": problem.n_qubits,
        "device": found.device.arn,
        "estimated_usd": found.cost.total_usd,
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
    prefix = f"s3://{bucket}/"
    if not reference.uri.startswith(prefix):
        raise InvalidRequest.of("problem.uri", reference.uri, f"an object below {prefix}")
    try:
        content = storage.read(bucket, reference.uri.removeprefix(prefix), MAX_OBJECT_BYTES)
    except ValueError as error:
        raise InvalidRequest(f"problem.uri: {reference.uri} has {error}") from error
    if content is None:
        raise InvalidRequest.of("problem.uri", reference.uri, "an object that exists")
    return request.model_copy(
        update={"problem": parse_problem(parse_json(content, f"problem.uri: {reference.uri}"))}
    )
