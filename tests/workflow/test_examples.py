"""Examples in events/requests that run as they are, each to its optimum.

One of each solver and device goes the whole way, but those that tests/e2e runs. The others are
solved, recomputed and reported in this process; those of problems on forms are
tests/job/test_constrained_reports.py's. Tables have no optimum.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from hybrid_job.main import solve_in
from quantum_pipeline.pages import render
from quantum_pipeline.problems import FORM_TYPES, BinaryProblem, FormProblem
from quantum_pipeline.reports import build_report
from quantum_pipeline.results import read_result
from tests.planned import planned
from tests.stack import Stack
from tests.unit.finished_run import outcome_of, prepared_run

REQUESTS = Path(__file__).resolve().parents[2] / "events" / "requests"
NEEDS_A_BUCKET = ("classification_from_s3", "maxcut_from_s3")
ON_A_FORM = "constrained_bakery"
LONG = "maxcut_in_parts_recursively"
"""Emulates eighteen noisy qubits in its second round; ``tests/job`` runs the same on fewer."""
ALL = {
    path.stem: json.loads(path.read_bytes())
    for path in sorted(REQUESTS.glob("*.json"))
    if not path.stem.startswith(("invalid_", "pack_")) and path.stem not in NEEDS_A_BUCKET
}
EXAMPLES = {
    name: request
    for name, request in ALL.items()
    if name != LONG
    and (request["problem"]["type"] not in (*FORM_TYPES, "classification") or name == ON_A_FORM)
}
WHOLE = {"ising_torus_divided", ON_A_FORM}
WHOLE |= {name for name, request in EXAMPLES.items() if "device" in request}

Objectives = dict[str, Future[float]]

DRAWN = True


@pytest.fixture(scope="module")
def whole(stack: Stack) -> Iterator[Objectives]:
    """What runs on a stack end with: some at a time, more would but start more processes."""

    def run(name: str) -> float:
        ended = stack.ended(stack.start(EXAMPLES[name], name))
        assert ended["status"] == "SUCCEEDED", ended
        return float(json.loads(ended["output"])["objective"])

    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(run, name) for name in sorted(WHOLE)}


def objective(request: pytest.FixtureRequest, name: str, folder: Path) -> float:
    """Return what a run of an example ends with."""
    if name in WHOLE:
        whole: Objectives = request.getfixturevalue("whole")
        return whole[name].result()
    prepared = prepared_run(**EXAMPLES[name])
    result = solve_in(prepared, folder, time.monotonic())
    found = read_result(json.loads(result.model_dump_json()), prepared)
    report = build_report(prepared, outcome_of(prepared, found.tasks), found)
    assert report.artifacts.report_html in render(report)
    assert report.objective is not None
    return report.objective


EXACT = {  # hartree, by exact diagonalisation of others' integrals
    "chemistry_h2": -1.137284,  # PySCF
    "chemistry_hydrogen_on_dm1": -1.137284,  # the state's; what is measured of it has errors
    "chemistry_lih": -7.882762,  # PySCF
    "chemistry_h2_bond_scan": -1.137117,  # PennyLane, at 0.75 angstrom
    "chemistry_water_active_space": -75.991217,  # PennyLane
    "chemistry_hydroxyl_radical": -74.387185,  # ours: PennyLane has no open shells
}
BY_HAND = {
    "maxcut_moebius_ladder": 88,  # of 90: its odd rings leave two uncut
    "maxcut_in_parts_on_garnet": 25,  # every edge: two even rings and a bridge
    "maxcut_in_parts_on_two_devices": 25,
    "ising_torus_divided": -86,  # proven by exact reduction
}
CHEMICAL_ACCURACY = 0.0016


def best_objective(name: str) -> float:
    """Return the best objective of all bitstrings, by the problem's own definition of it."""
    if name in BY_HAND:
        return BY_HAND[name]
    problem = planned(EXAMPLES[name]).request.problem
    assert isinstance(problem, BinaryProblem | FormProblem)
    assert problem.n_qubits <= 16, "too many bitstrings to try"
    ways = product((0, 1), repeat=problem.n_qubits)
    best = max if problem.sense == "maximise" else min
    if isinstance(problem, FormProblem):
        kept = (bits for bits in ways if problem.space.holds(bits) and not problem.check(bits))
        return best(map(problem.objective, kept))
    return best(map(problem.objective, ways))


@pytest.mark.parametrize("name", EXACT)
def test_a_molecule_runs_to_chemical_accuracy_and_never_below_the_exact_energy(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    energy = objective(request, name, tmp_path)
    assert EXACT[name] - 1e-6 < energy < EXACT[name] + CHEMICAL_ACCURACY


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - EXACT.keys()))
def test_an_example_runs_to_its_optimum(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    assert objective(request, name, tmp_path) == pytest.approx(best_objective(name))
