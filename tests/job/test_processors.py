"""What a job of one processor computed is verified, and gone on with, by those of others.

Their linear algebra is that of OPENBLAS_CORETYPE, their vector code and functions what numpy and
the C library may use. All of that is read when a process starts; this one leaves it to the machine.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from hybrid_job.journal import Journal
from hybrid_job.main import solve
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import FORM_TYPES, PROBLEM_TYPES
from quantum_pipeline.results import AnyResult, MoleculeResult, OptimisationResult, read_result
from quantum_pipeline.runs import BATCH_TAG
from tests.job.attempts import CREATE, Machine, Point
from tests.job.braket_job import tasks_of
from tests.job.job_processes import JobProcesses
from tests.local.braket.server import Server
from tests.unit.finished_run import PETERSEN, prepared_run

PROCESSORS = {
    "haswell": {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1"},
    "sandybridge": {
        "OPENBLAS_CORETYPE": "Sandybridge",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": (
            "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
        ),
    },
    "zen": {"OPENBLAS_CORETYPE": "Zen", "OPENBLAS_NUM_THREADS": "1"},
}
ON_DEVICES = "haswell"
"""The one that runs jobs on devices: importing the SDK takes seconds."""

SOLVERS = ("hybrid_job.solvers.kernel", "hybrid_job.solvers.reuploading")
"""What jobs on tables import when they start, seconds of scikit-learn, here once a processor."""

SQUARE = [[0, 1, 1.0], [1, 2, 0.9], [2, 3, 1.1], [0, 3, 1.0]]
LITHIUM_HYDRIDE = {"type": "chemistry", "molecule": "LiH", "bond_length_angstrom": 1.57}
VALENCE = {**LITHIUM_HYDRIDE, "active_electrons": 2, "active_orbitals": 4}
"""Two of the orbitals are a pair: of Haswell's integrals most other processors make other groups
than Haswell does."""

ADAPT = {"problem": LITHIUM_HYDRIDE, "algorithm": {"ansatz": "adapt"}}
TILTED = {"problem": PETERSEN, "algorithm": {"depth": 3, "warm_start": "relaxed"}}
"""Without fields: a solution and its opposite are as good, and tilt qubits the other way."""

REQUESTS = Path(__file__).resolve().parents[2] / "events" / "requests"
EXAMPLES = {
    path.stem: json.loads(path.read_bytes())
    for path in sorted(REQUESTS.glob("*.json"))
    if not path.stem.startswith(("invalid_", "pack_"))
}
ON_FORMS = {"constrained": "bits and groups", "knapsack": "bits", "portfolio": "one group"}
"""Types of those that are solved on the states of a form, which is all that a job knows of them."""


def thinned(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request with a fifth of its table's rows, few settings of its models, two folds."""
    problem = request["problem"]
    if "rows" not in problem:
        return request
    algorithm = request.get("algorithm", {}) | {"max_evaluations": 2, "folds": 2}
    return request | {"problem": problem | {"rows": problem["rows"][::5]}, "algorithm": algorithm}


ALONE = {
    name: thinned(request)
    for name, request in EXAMPLES.items()
    if "device" not in request
    and "uri" not in request["problem"]
    and request["problem"]["type"] not in set(FORM_TYPES) - set(ON_FORMS)
}
"""Examples whose job needs nothing but its processor: every kind of problem."""


def answered(folder: Path) -> dict[str, Any]:
    """Return what a job has written."""
    written = json.loads((folder / "results" / "results.json").read_text())
    return dict(written["dataDictionary"])


def on(device: str, run_id: str, **request: Any) -> PreparedRun:
    """Return a run on a device of this machine, whose tasks are its own by its id."""
    run = prepared_run(device=device, **request)
    assert run.state_summary is not None
    change = {
        "run_id": run_id,
        "execution_arn": f"{run.execution_arn}-{run_id}",
        "state_summary": run.state_summary.model_copy(update={"emulated": "on this machine"}),
    }
    return run.model_copy(update=change)


def half_forgotten(folder: Path) -> None:
    """Leave of an attempt what it had kept when half of it was written."""
    [journal] = (folder / "checkpoints").iterdir()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))


@pytest.fixture(scope="module")
def processors() -> Iterator[dict[str, JobProcesses]]:
    with ExitStack() as running:
        yield {
            name: running.enter_context(
                JobProcesses(
                    variables,
                    imported=(*SOLVERS, "hybrid_job.on_device.qaoa")
                    if name == ON_DEVICES
                    else SOLVERS,
                )
            )
            for name, variables in PROCESSORS.items()
        }


@pytest.fixture(scope="module")
def machine(server: Server, processors: dict[str, JobProcesses]) -> Machine:
    return Machine(server, processors["haswell"])


def test_examples_have_every_kind_of_problem() -> None:
    kinds = set(PROBLEM_TYPES) - set(FORM_TYPES) | set(ON_FORMS)
    assert {request["problem"]["type"] for request in ALONE.values()} == kinds


@pytest.mark.parametrize(
    ("case", "processor"), list(zip(ALONE, itertools.cycle(PROCESSORS), strict=False))
)
def test_what_any_processor_computed_is_right_on_this_one(
    machine: Machine,
    processors: dict[str, JobProcesses],
    tmp_path: Path,
    case: str,
    processor: str,
) -> None:
    prepared = prepared_run(**ALONE[case])
    assert machine.attempt(prepared, tmp_path, processes=processors[processor]) == 0
    read_result(answered(tmp_path), prepared)


@pytest.mark.parametrize(
    "request_", [TILTED, ALONE["chemistry_lih"], ADAPT], ids=["tilted", "uccsd", "adapt"]
)
def test_a_job_goes_on_with_what_another_processor_began(
    machine: Machine,
    processors: dict[str, JobProcesses],
    tmp_path: Path,
    request_: dict[str, Any],
) -> None:
    prepared = prepared_run(**request_)
    assert machine.attempt(prepared, tmp_path, processes=processors["haswell"]) == 0
    half_forgotten(tmp_path)
    assert machine.attempt(prepared, tmp_path, processes=processors["sandybridge"]) == 0
    result = read_result(answered(tmp_path), prepared)
    if isinstance(result, OptimisationResult):
        lowest = min(each.energy for each in result.history)
        assert result.mean_energy == pytest.approx(lowest, abs=1e-9)


def solved_here(prepared: PreparedRun, folder: Path, machine: Machine) -> AnyResult:
    """Return the result of an attempt in this process, verified."""
    machine.watched.point = Point()
    with closing(Journal(folder / "checkpoints", prepared.request)) as journal:
        result = solve(prepared, journal, time.monotonic())
    return read_result(result.model_dump(mode="json"), prepared)


def test_what_is_measured_of_a_molecule_is_paid_for_once_and_right_on_any_processor(
    machine: Machine, processors: dict[str, JobProcesses], tmp_path: Path, braket: Server
) -> None:
    prepared = on("sv1", "processors", problem=VALENCE, shots=20)
    assert machine.attempt(prepared, tmp_path, processes=processors[ON_DEVICES]) == 0
    result = read_result(answered(tmp_path), prepared)
    assert isinstance(result, MoleculeResult)
    assert len(result.groups) == 6

    again = solved_here(prepared, tmp_path, machine)
    assert isinstance(again, MoleculeResult)
    assert (again.groups, again.pair_counts) == (result.groups, result.pair_counts)
    assert machine.paid(prepared) == [("COMPLETED", 7 * 20)]


@pytest.mark.parametrize("number", [2, 4])
def test_circuits_that_are_paid_for_on_a_qpu_are_taken_over_by_any_processor(
    machine: Machine,
    processors: dict[str, JobProcesses],
    tmp_path: Path,
    braket: Server,
    number: int,
) -> None:
    """The attempt dies with its training, or with its samples, paid for and not yet measured."""
    prepared = on(
        "garnet",
        f"processors-{number}",
        problem={"type": "maxcut", "edges": SQUARE},
        shots=100,
        algorithm={
            "depth": 1, "train_on": "device", "optimizer": "nft",
            "max_evaluations": 6, "shots_per_evaluation": 100,
        },
        mitigation={"readout": True, "symmetry": True, "zne": "linear", "scales": [1.0, 3.0]},
        limits={"max_cost_usd": 100.0},
    )  # fmt: skip
    where = Point(CREATE, number, answered=True)
    assert machine.attempt(prepared, tmp_path, where, processes=processors[ON_DEVICES]) < 0
    solved_here(prepared, tmp_path, machine)
    tags = [each["tags"][BATCH_TAG].split(" ") for each in tasks_of(braket, prepared.run_id)]
    assert sorted((purpose, place) for _, place, *_, purpose in tags) == [
        ("samples", "0"), ("training", "0"), ("training", "1"), ("training", "2"),
    ]  # fmt: skip
