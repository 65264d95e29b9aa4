"""The circuit that a device gets, and a run whose samples are measured there."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from braket.devices import LocalSimulator
from werkzeug.wrappers import Response

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from hybrid_job.on_device.compilation.logical import qaoa_circuit
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.ising.statevector import Qaoa
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import OptimisationResult, verify
from quantum_pipeline.runs import RUN_ID_TAG
from tests.job.braket_job import prepared_on, tasks_of
from tests.local.braket.server import Server

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


def solved(prepared: PreparedRun, folder: Path) -> OptimisationResult:
    with closing(Journal(folder, prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    assert isinstance(result, OptimisationResult)
    return result


def on_sv1(run_id: str, **request: Any) -> PreparedRun:
    return prepared_on("sv1", run_id, **request)


def test_run_on_a_device_reports_its_shots_and_its_bill(braket: Server, tmp_path: Path) -> None:
    prepared = on_sv1("r1", shots=500, algorithm={"depth": 1, "starts": 1})
    result = solved(prepared, tmp_path)

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
    assert told["tags"][RUN_ID_TAG] == "r1"
    assert told["outputS3Directory"].startswith("jobs/1/tasks/")


def test_resumed_job_waits_for_its_task_instead_of_paying_again(
    braket: Server, tmp_path: Path
) -> None:
    prepared = on_sv1("r2", algorithm={"depth": 1, "starts": 1})
    results, n_tasks = [], []
    for _ in range(2):
        results.append(solved(prepared, tmp_path))
        n_tasks.append(len(tasks_of(braket, "r2")))
    assert results[0].counts == results[1].counts
    assert results[0].tasks == results[1].tasks
    assert n_tasks == [1, 1]


def test_resumed_job_that_would_end_at_other_angles_reads_the_samples_it_paid_for(
    braket: Server, tmp_path: Path
) -> None:
    prepared = on_sv1("r3", algorithm={"depth": 1, "starts": 1})
    paid = solved(prepared, tmp_path)
    (path,) = tmp_path.glob("journal-*")
    # What it evaluated is lost, and it is to start elsewhere.
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [line for line in lines if line["kind"] != "evaluation"]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    given = {"gammas": (0.1,), "betas": (0.1,), "optimizer": "none"}
    algorithm = prepared.request.algorithm.model_copy(update=given)
    request = prepared.request.model_copy(update={"algorithm": algorithm})
    with closing(Journal(tmp_path, prepared.request)) as journal:
        changed = prepared.model_copy(update={"request": request})
        resumed = solve(changed, journal, time.monotonic())
    assert isinstance(resumed, OptimisationResult)
    assert resumed.tasks == paid.tasks
    assert resumed.gammas == paid.gammas


def test_answers_that_are_cut_off_are_asked_for_again_and_nothing_is_paid_twice(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, cut = braket.service, []

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        asked = environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/")[1]
        response = Response.from_app(service, environ)
        if asked not in cut:
            cut.append(asked)
            response.set_data(response.get_data()[:9])
        return response(environ, start_response)

    monkeypatch.setattr(braket, "service", answer)
    prepared = on_sv1("cut", algorithm={"depth": 1, "starts": 1})
    verify(solved(prepared, tmp_path), prepared)
    assert {("POST", "quantum-task"), ("GET", "quantum-task")} <= set(cut)
    monkeypatch.undo()
    assert len(tasks_of(braket, "cut")) == 1
