"""The circuit that a device gets, and the task it becomes, through the real SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from braket.devices import LocalSimulator

from hybrid_job.job import Job
from hybrid_job.journal import Journal
from hybrid_job.qaoa_solver import solve
from hybrid_job.quantum_task import measure, qaoa_circuit
from hybrid_job.statevector import Qaoa
from quantum_pipeline.devices import find
from quantum_pipeline.errors import (
    DeviceUnavailable,
    JobFailed,
    PipelineError,
    QuotaExceeded,
    ServiceUnavailable,
)
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.local.braket import BraketError
from quantum_pipeline.results import verify
from quantum_pipeline.runs import RUN_ID_TAG, PreparedRun
from tests.local.braket.server import BUCKET, Server
from tests.unit.finished_run import prepared_run

ANGLES = np.array([[0.3, -0.8], [0.5, 0.2]])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_circuit_prepares_the_state_of_the_engine(n: int) -> None:
    rng = np.random.default_rng(n)
    couplings = [(i, j, rng.normal()) for i in range(n) for j in range(i)]
    model = IsingModel.from_spins([*rng.normal(size=n - 1), 0.0], couplings)

    circuit = qaoa_circuit(model, ANGLES).state_vector()
    state = LocalSimulator().run(circuit, shots=0).result().values[0]

    overlap = np.vdot(state, Qaoa(all_energies(model)).state(ANGLES))
    assert abs(overlap) == pytest.approx(1, abs=1e-12)


def test_warm_started_circuit_on_braket_is_the_engines_state() -> None:
    rng = np.random.default_rng(4)
    model = IsingModel.from_spins(
        rng.normal(size=4).tolist(), [(0, 1, 1.0), (1, 3, -0.7), (2, 3, 0.4)]
    )
    tilts = rng.uniform(0.2, 2.9, 4).tolist()

    circuit = qaoa_circuit(model, ANGLES, tilts).state_vector()
    state = LocalSimulator().run(circuit, shots=0).result().values[0]

    overlap = np.vdot(state, Qaoa(all_energies(model), tilts=tilts).state(ANGLES))
    assert abs(overlap) == pytest.approx(1, abs=1e-12)


def test_device_counts_have_variable_0_on_the_left() -> None:
    # A field turns its own qubit from |+> to |1> at these angles, the others stay in |+>.
    model = IsingModel.from_spins([1.0, 0.0, 0.0], [])
    angles = np.array([[-np.pi / 4], [np.pi / 4]])
    engine = np.abs(Qaoa(all_energies(model)).state(angles)) ** 2
    result = LocalSimulator().run(qaoa_circuit(model, angles), shots=500).result()
    expected = {format(k, "03b") for k in np.flatnonzero(engine > 1e-9)}
    assert set(result.measurement_counts) == expected == {"100", "101", "110", "111"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("braket"))
    yield server
    server.close()


@pytest.fixture
def braket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Our Braket, reached as the job's container reaches the real one."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AMZN_BRAKET_TASK_RESULTS_S3_URI", f"s3://{BUCKET}/jobs/j1/tasks")
    yield server
    server.service.intercept = None


def on_sv1(**request: Any) -> PreparedRun:
    edges = [[0, 1], [1, 2], [0, 2, 0.5]]
    run = prepared_run({"type": "maxcut", "edges": edges}, **request)
    return run.model_copy(update={"device": find("sv1")})


def task_arns(braket: Server) -> list[str]:
    found = braket.client("braket").search_quantum_tasks(filters=[])
    return [task["quantumTaskArn"] for task in found["quantumTasks"]]


def test_run_on_a_device_reports_its_shots_and_its_bill(braket: Server, tmp_path: Path) -> None:
    prepared = on_sv1(shots=500, algorithm={"depth": 1, "starts": 1})
    with closing(Journal(tmp_path, prepared.request)) as journal:
        result = solve(Job(prepared, journal, time.monotonic()))

    verify(result, prepared)
    assert not result.mean_energy_exact
    assert result.probability_of_best is None
    exact = min(each.energy for each in result.history)
    assert result.standard_error is not None
    assert abs(result.mean_energy - exact) < 5 * result.standard_error
    (task,) = result.tasks
    assert task.shots == 500
    assert task.billed_minutes >= 3 / 60
    told = braket.client("braket").get_quantum_task(quantumTaskArn=task.arn)
    assert told["tags"] == {RUN_ID_TAG: "r1"}
    assert told["outputS3Directory"].startswith("jobs/j1/tasks/")


def test_resumed_job_waits_for_its_task_instead_of_paying_again(
    braket: Server, tmp_path: Path
) -> None:
    prepared = on_sv1(algorithm={"depth": 1, "starts": 1})
    results, n_tasks = [], []
    for _ in range(2):
        with closing(Journal(tmp_path, prepared.request)) as journal:
            results.append(solve(Job(prepared, journal, time.monotonic())))
        n_tasks.append(len(task_arns(braket)))
    assert results[0].counts == results[1].counts
    assert results[0].tasks == results[1].tasks
    assert n_tasks[0] == n_tasks[1]


def test_resumed_job_that_would_end_at_other_angles_waits_for_its_task_all_the_same(
    braket: Server, tmp_path: Path
) -> None:
    prepared = on_sv1(algorithm={"depth": 1, "starts": 1})
    with closing(Journal(tmp_path, prepared.request)) as journal:
        paid = solve(Job(prepared, journal, time.monotonic()))
    entry = json.loads(journal.path.read_text().splitlines()[-1])
    entry["angles"][0][0] += 1e-12
    journal.path.write_text(json.dumps(entry) + "\n")
    with closing(Journal(tmp_path, prepared.request)) as journal:
        resumed = solve(Job(prepared, journal, time.monotonic()))
    assert resumed.tasks == paid.tasks
    assert resumed.gammas == (entry["angles"][0][0],)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("DeviceOfflineException", DeviceUnavailable),
        ("DeviceRetiredException", DeviceUnavailable),
        ("ServiceQuotaExceededException", QuotaExceeded),
        ("ThrottlingException", ServiceUnavailable),
        ("InternalServiceException", ServiceUnavailable),
        ("AccessDeniedException", JobFailed),
    ],
)
def test_refusal_of_braket_has_its_name(
    braket: Server, monkeypatch: pytest.MonkeyPatch, code: str, error: type[PipelineError]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def refuse(operation: str, _: dict[str, Any]) -> None:
        if operation == "CreateQuantumTask":
            raise BraketError(code, "not now")

    braket.service.intercept = refuse
    with pytest.raises(error, match="not now"):
        measure(on_sv1(), ANGLES, task_arn=None, created=lambda arn: None, timeout_seconds=5)


def slow_on_sv1() -> PreparedRun:
    """A run whose task takes seconds: it is still running when its time is up."""
    run = prepared_run({"type": "ising", "fields": [0.1] * 22})
    return run.model_copy(update={"device": find("sv1")})


def test_task_that_is_not_done_in_time_is_cancelled(braket: Server) -> None:
    created: list[str] = []
    with pytest.raises(JobFailed, match=r"limits\.max_runtime_seconds"):
        measure(slow_on_sv1(), ANGLES, task_arn=None, created=created.append, timeout_seconds=0)
    told = braket.client("braket").get_quantum_task(quantumTaskArn=created[0])
    assert told["status"] in {"CANCELLING", "CANCELLED"}


def test_task_that_is_done_just_before_it_is_cancelled_is_used(braket: Server) -> None:
    client = braket.client("braket")
    late: list[str] = []

    def wait_until_done(operation: str, params: dict[str, Any]) -> None:
        if operation == "CancelQuantumTask":
            late.append(params["quantumTaskArn"])
            while client.get_quantum_task(quantumTaskArn=late[0])["status"] != "COMPLETED":
                time.sleep(0.02)

    braket.service.intercept = wait_until_done
    prepared = on_sv1()
    counts, task = measure(
        prepared, ANGLES, task_arn=None, created=lambda arn: None, timeout_seconds=0
    )
    assert set(late) <= {task.arn}  # none, where it was done even before it was looked at
    assert sum(counts.values()) == prepared.request.shots


def test_task_that_was_cancelled_fails_the_job(braket: Server) -> None:
    created: list[str] = []
    with pytest.raises(JobFailed):
        measure(slow_on_sv1(), ANGLES, task_arn=None, created=created.append, timeout_seconds=0)
    with pytest.raises(JobFailed, match=f"{created[0]} ended CANCELLED"):
        measure(
            slow_on_sv1(), ANGLES, task_arn=created[0], created=created.append, timeout_seconds=9
        )
