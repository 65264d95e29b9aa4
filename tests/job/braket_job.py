"""A job on a device of the Braket on this machine, reached as the job's container reaches it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from braket.circuits import Circuit

from hybrid_job.job import Job
from hybrid_job.journal import Journal
from hybrid_job.on_device.executor import Executor
from hybrid_job.on_device.measurement import Compiled
from quantum_pipeline.devices.catalogue import find
from quantum_pipeline.local.braket import BraketError
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.runs import RUN_ID_TAG
from tests.local.braket.server import BUCKET, Server
from tests.unit.finished_run import prepared_run

COIN = Compiled(Circuit().h(0).h(1), (0, 1))
"""A circuit whose counts are by chance."""

EDGES = [[0, 1], [1, 2], [0, 2, 0.5]]


def prepared_on(device: str, run_id: str, **request: Any) -> PreparedRun:
    """Return a run on a device, whose tasks are its own by its id."""
    run = prepared_run({"type": "maxcut", "edges": EDGES}, **request)
    change = {"run_id": run_id, "execution_arn": f"{run.execution_arn}-{run_id}"}
    return run.model_copy(update={"device": find(device), **change})


@contextmanager
def executor_of(prepared: PreparedRun, folder: Path, started: float = 0.0) -> Iterator[Executor]:
    """An executor of a job that started ``started`` seconds ago, with its journal in a folder."""
    with closing(Journal(folder, prepared.request)) as journal:
        yield Executor(Job(prepared, journal, time.monotonic() - started))


def enter(monkeypatch: pytest.MonkeyPatch, server: Server, attempt: int = 1) -> None:
    """Set the environment of a job's container."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AMZN_BRAKET_TASK_RESULTS_S3_URI", f"s3://{BUCKET}/jobs/{attempt}/tasks")


def tasks_of(server: Server, run_id: str) -> list[dict[str, Any]]:
    """Return the tasks that Braket has of a run, oldest first."""
    pages = server.client("braket").get_paginator("search_quantum_tasks").paginate(filters=[])
    return [
        task
        for page in pages
        for task in page["quantumTasks"]
        if task["tags"].get(RUN_ID_TAG) == run_id
    ][::-1]


def flipped(*qubits: int, of: tuple[int, ...]) -> Compiled:
    """Return a circuit that brings some of its qubits to 1."""
    circuit = Circuit()
    for qubit in sorted(of):
        circuit.x(qubit) if qubit in qubits else circuit.i(qubit)
    return Compiled(circuit, of)


def refuse(server: Server, operation: str, code: str, times: int = 10**6) -> list[str]:
    """Make Braket refuse an operation so many times; return what it refused, as it happens."""
    refused: list[str] = []

    def intercept(name: str, _: dict[str, Any]) -> None:
        if name == operation and len(refused) < times:
            refused.append(name)
            raise BraketError(code, "not now")

    server.service.intercept = intercept
    return refused


SET = "braket.ir.openqasm.program_set"
NO_SETS = {"capabilities": {"action": {SET: {"maximumExecutables": 1}}}}
AS_IT_WAS = {
    "status": "ONLINE",
    "waiting": 0,
    "windows": [("Everyday", "00:00:00", "23:59:59")],
    "capabilities": {"action": {SET: {"maximumExecutables": 100}}},
}


@contextmanager
def changed(server: Server, prepared: PreparedRun, **change: Any) -> Iterator[None]:
    """Change a run's device for a while."""
    server.service.devices.set(prepared.device.arn, **change)
    try:
        yield
    finally:
        server.service.devices.set(prepared.device.arn, **AS_IT_WAS)  # type: ignore[arg-type]


def planned_on(device: str, run_id: str, problem: dict[str, Any], **request: Any) -> PreparedRun:
    """A run on a device, whose tasks are its own by its id."""
    run = prepared_run(problem, device=device, seed=3, **request)
    assert run.state_summary is not None
    change = {
        "run_id": run_id,
        "execution_arn": f"{run.execution_arn}-{run_id}",
        "state_summary": run.state_summary.model_copy(update={"emulated": "on this machine"}),
    }
    return run.model_copy(update=change)
