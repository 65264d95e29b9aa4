"""State Prepare: a request becomes a prepared run, or is refused before anything is paid for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from quantum_pipeline import costs, devices, runs
from quantum_pipeline.aws import storage
from quantum_pipeline.aws.devices import check_online
from quantum_pipeline.aws.ends import end_of
from quantum_pipeline.aws.metrics import record
from quantum_pipeline.aws.settings import PrepareSettings
from quantum_pipeline.aws.stage import stage
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.estimates import check_memory
from quantum_pipeline.problems import BinaryProblem
from quantum_pipeline.requests import (
    MAX_OBJECT_BYTES,
    ProblemReference,
    Request,
    parse_json,
    parse_problem,
    parse_request,
    resolve,
)
from quantum_pipeline.runs import PreparedRun


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
    request, because = resolve(_with_problem(asked, settings.input_bucket))
    problem = request.problem
    n = problem.n_qubits
    device, device_because = devices.choose(
        request.device, n_qubits=n, shots=request.shots, region=settings.aws_region
    )
    request = request.model_copy(update={"device": device.name})
    check_memory(request, settings.instance_price.instance_type)
    estimate = costs.estimate(request, device, n, settings.instance_price)
    costs.check_budget(estimate, request)
    check_online(device, n)
    prepared = PreparedRun(
        run_id=event.run_id,
        execution_arn=event.execution_arn,
        created_at=datetime.now(UTC),
        request=request,
        problem_uri=asked.problem.uri if isinstance(asked.problem, ProblemReference) else None,
        model=problem.ising() if isinstance(problem, BinaryProblem) else None,
        device=device,
        algorithm_because=because,
        device_because=device_because,
        estimate=estimate,
        prepare_seconds=time.perf_counter() - started,
    )
    storage.write_model(settings.output_bucket, runs.key(event.run_id, runs.PREPARED), prepared)
    record("RunsStarted", 1)
    record("EstimatedCost", estimate.total_usd)
    return {
        "run_id": event.run_id,
        "attempt": prepared.attempt,
        "problem_type": request.problem.type,
        "n_qubits": n,
        "device": device.arn,
        "estimated_usd": estimate.total_usd,
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
