"""Examples in events/requests that run as they are, each to its optimum.

Of problems on forms two go the whole way; tests/job/test_constrained_reports.py solves all. Tables
have no optimum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.problems import FORM_TYPES, BinaryProblem, FormProblem
from tests.planned import planned
from tests.stack import Stack

REQUESTS = Path(__file__).resolve().parents[2] / "events" / "requests"
NEEDS_A_BUCKET = ("classification_from_s3", "maxcut_from_s3")
ON_FORMS = ("constrained_bakery", "portfolio_four_of_ten_sectors")
ALL = {
    path.stem: json.loads(path.read_bytes())
    for path in sorted(REQUESTS.glob("*.json"))
    if not path.stem.startswith(("invalid_", "pack_")) and path.stem not in NEEDS_A_BUCKET
}
EXAMPLES = {
    name: request
    for name, request in ALL.items()
    if request["problem"]["type"] not in (*FORM_TYPES, "classification") or name in ON_FORMS
}


Ends = dict[str, Future[dict[str, Any]]]


@pytest.fixture(scope="module")
def ends(stack: Stack) -> Iterator[Ends]:
    """How each example ends: some run at a time, more would but start more processes."""

    def end(name: str) -> dict[str, Any]:
        return stack.ended(stack.start(EXAMPLES[name], name))

    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(end, name) for name in EXAMPLES}


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
    "ising_torus_divided": -86,  # proven by exact reduction
}
CHEMICAL_ACCURACY = 0.0016


def best_objective(name: str) -> float:
    """Return the best objective of all bitstrings, by the problem's own definition of it."""
    request = planned(EXAMPLES[name]).request
    problem = request.problem
    if name in BY_HAND:
        return BY_HAND[name]
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
    ends: Ends, name: str
) -> None:
    ended = ends[name].result()
    assert ended["status"] == "SUCCEEDED", ended
    energy = json.loads(ended["output"])["objective"]
    assert EXACT[name] - 1e-6 < energy < EXACT[name] + CHEMICAL_ACCURACY


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - EXACT.keys()))
def test_an_example_runs_to_its_optimum(ends: Ends, name: str) -> None:
    ended = ends[name].result()
    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["objective"] == pytest.approx(best_objective(name))
