"""The job's result of a molecule: what is read, and that nothing tampered with passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.verification import DIAGONALISED
from quantum_pipeline.errors import InvalidResult
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.results import MoleculeResult, OptimisationResult, read_result, verify
from tests.unit.finished_molecule import (
    H2,
    MITIGATION,
    NOISE,
    SCAN,
    measured_molecule,
    prepared_molecule,
    report_of_molecule,
    solved_molecule,
)
from tests.unit.finished_run import TRIANGLE, prepared_run, refusal_of

PREPARED = prepared_molecule(SCAN, shots=100, seed=3)
ADAPT = prepared_molecule(H2, algorithm={"ansatz": "adapt"})

Data = dict[str, Any]


@cache
def honest() -> MoleculeResult:
    return solved_molecule(PREPARED)


def written(result: MoleculeResult | None = None) -> Data:
    """Return a result as the job writes it, by default the honest one."""
    data: Data = json.loads((result or honest()).model_dump_json())
    return data


def refused(data: object, prepared: PreparedRun = PREPARED) -> str:
    return refusal_of(data, prepared)


def test_an_honest_result_is_read_and_survives_json() -> None:
    result = read_result(written(), PREPARED)
    assert isinstance(result, MoleculeResult)
    assert MoleculeResult.model_validate_json(result.model_dump_json()) == result
    assert result.lowest.bond_length_angstrom == 0.7
    assert sum(result.counts.values()) == 100


def test_the_result_of_another_kind_of_problem_is_refused() -> None:
    assert "algorithm: got " in refused(written(), prepared_run(TRIANGLE))
    assert OptimisationResult.model_fields["algorithm"] != MoleculeResult.model_fields["algorithm"]


def at(data: Data, path: str) -> tuple[Any, int | str]:
    """Return the object that a dotted path leads into, and its last step."""
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    inner: Any = data
    for step in steps:
        inner = inner[step]
    return inner, last


TAMPERED: list[tuple[str, Any, str]] = [
    ("run_id", "r2", 'run_id: got "r2"; the run has "r1"'),
    ("algorithm", "qaoa", 'algorithm: got "qaoa"; allowed: "vqe"'),
    ("ansatz", "adapt", 'ansatz: got "adapt"; the run has "uccsd"'),
    ("converged", False, "converged: got false; the run has true"),
    (
        "stopped_by",
        "limits.max_cost_usd",
        'stopped_by: got "limits.max_cost_usd"; the run has null',
    ),
    ("stopped_by", "shots", 'stopped_by: got "shots"; allowed'),
    ("points.1.stopped_by", "algorithm.max_evaluations", "points.1.stopped_by: got "),
    ("points", [], "points: got []; allowed: a list of one or more"),
    ("history", [], "history: got []; allowed: a list of one or more"),
    ("history.2.evaluation", 7, "history: evaluations: got [1, 2, 7"),
    ("history.2.start", 4, "history: starts: got [1, 4"),
    ("history.0.energy", -1.2, "points.0.energy: got -1.05515"),
    ("points.1.bond_length_angstrom", 0.71, "bond lengths of points: got [0.5, 0.71"),
    ("points.1.evaluations", 99, "points.1.evaluations: got 99; the run has"),
    ("points.1.energy", -1.2, "points.1.energy: got -1.2; recomputed it is -1.13618"),
    ("points.1.ground", -1.0, "points.1.energy: got -1.13618"),
    ("points.1.ground", -1.3, "points.1.ground: got -1.3; recomputed it is -1.13618"),
    ("points.1.ground", None, "points.1.ground: got null; the run has -1.13618"),
    ("points.1.exact", -1.0, "points.1.exact: got -1.0; recomputed it is -1.13618"),
    ("points.1.exact", -1.3, "points.1.exact: got -1.3; it must lie from -1.13618"),
    ("failed", [{"bond_length_angstrom": 0.9, "reason": "-"}], "bond lengths of failed: got [0.9]"),
    ("points.2.amplitudes.0.amplitude", 0.3, "points.2.energy: got -1.13414"),
    ("points.2.amplitudes.0.create", [2, 7], "points.2.excitations.0: got [[0, 1], [2, 7]]; a"),
    ("points.2.amplitudes.0.create", [2], "points.2.excitations.0: got [[0, 1], [2]]; allowed"),
    ("points.2.amplitudes", [], "points.2.energy: got -1.13414"),
    ("points.2.amplitudes.0.amplitude", float("nan"), "got NaN; allowed: a number"),
    ("points.0.integrals.n_core", 1, "points.0.integrals.n_core: got 1; allowed: 0"),
    ("points.0.integrals.n_alpha", 2, "points.0.integrals.n_alpha: got 2; allowed: 1"),
    ("points.0.integrals.nuclear_repulsion", 1.0, "points.0.integrals.nuclear_repulsion: got 1.0"),
    ("points.0.integrals.core_energy", 1.0, "points.0.integrals.core_energy: got 1.0; recomput"),
    ("points.0.integrals.hartree_fock", -1.0, "points.0.hartree_fock: got -1.0; recomputed it"),
    ("points.0.integrals.one_electron.0", -1.0, "points.0.hartree_fock: got -1.04299"),
    ("points.0.integrals.two_electron.0", 0.5, "points.0.hartree_fock: got -1.04299"),
    ("points.0.integrals.two_electron.5", 0.5, "points.0.energy: got -1.05515"),
    ("points.0.integrals.one_electron", [1.0], "one_electron: got a length of 1; allowed: 3"),
    ("counts", {}, "counts: got 0; the run has 100"),
    ("counts", {"1100": 101}, "counts: got 101; the run has 100"),
    ("counts", {"1100": 99, "1000": 1}, 'counts: got "1000"; allowed: 4 spin orbitals by turns, 1'),
    ("counts", {"1100": 99, "1010": 1}, 'counts: got "1010"; allowed: 4 spin orbitals'),
    ("counts", {"1100": 99, "110": 1}, 'counts: got "110"; allowed: 4 spin orbitals'),
    ("counts", {"1100": 99, "1001": 1}, 'counts: got "1001"; allowed: determinants of the state'),
    ("counts", {"1100": 0}, 'counts."1100": got 0; allowed: an integer from 1 to'),
    ("points.0.seconds.exact", -1.0, "points.0.seconds.exact: got -1.0; allowed: a number"),
    ("schema_version", 1, "schema_version: got 1; allowed: 2"),
    ("note", "trust me", "note: no such field; allowed"),
]


@pytest.mark.parametrize(
    ("path", "value", "said"), TAMPERED, ids=[f"{path} {value}" for path, value, _ in TAMPERED]
)
def test_a_result_that_was_tampered_with_is_refused_by_its_figure(
    path: str, value: Any, said: str
) -> None:
    data = written()
    inner, last = at(data, path)
    inner[last] = value
    assert said in refused(data)


OPTIONAL = {"schema_version", "tasks", "device_run"}


@pytest.mark.parametrize("field", sorted(written().keys() - OPTIONAL))
def test_a_result_that_lacks_a_field_is_refused(field: str) -> None:
    data = written()
    del data[field]
    assert refused(data).startswith(f"results.json: {field}: missing; allowed: ")


def test_points_that_are_left_out_are_no_success() -> None:
    data = written()
    data["points"] = data["points"][:2]
    data["history"] = [each for each in data["history"] if each["start"] <= 2]
    assert "converged: got true; the run has false" in refused(data)
    data["converged"] = False
    assert 'stopped_by: got null; the run has "limits.max_runtime_seconds"' in refused(data)
    result = read_result({**data, "stopped_by": "limits.max_runtime_seconds"}, PREPARED)
    assert isinstance(result, MoleculeResult)
    assert len(result.points) == 2


def test_an_exact_energy_that_was_not_computed_is_none() -> None:
    data = written()
    data["points"][0]["exact"] = data["points"][0]["ground"] = None
    read_result(data, PREPARED)


def test_an_energy_of_adapts_course_must_lie_between_exact_and_hartree_fock() -> None:
    data = written(solved_molecule(ADAPT))
    read_result(data, ADAPT)
    data["points"][0]["growth"][0]["energy"] = -1.5
    assert "points.0.growth: got -1.5; it must lie from -1.137283" in refused(data, ADAPT)


def test_rounding_is_no_tampering() -> None:
    data = written()
    data["points"][0]["energy"] += 1e-10
    data["points"][0]["exact"] -= 1e-10
    data["points"][0]["ground"] -= 1e-10
    read_result(data, PREPARED)


@pytest.mark.parametrize("seed", range(3))
def test_no_state_is_below_the_energy_that_verification_takes_for_the_lowest(seed: int) -> None:
    integrals = honest().points[seed].integrals
    matrix = Hamiltonian.of(integrals).dense()
    states = np.random.default_rng(seed).normal(size=(200, len(matrix)))
    energies = np.einsum("ki,ij,kj->k", states, matrix, states) / np.sum(states**2, axis=1)
    exact = honest().points[seed].exact
    assert exact is not None
    assert len(matrix) <= DIAGONALISED
    assert energies.min() >= exact


ON_DM1 = prepared_molecule(H2, device="dm1", shots=500, noise=NOISE, mitigation=MITIGATION)


@cache
def measured() -> MoleculeResult:
    return measured_molecule(ON_DM1)


def test_a_measured_energy_is_read_and_survives_json() -> None:
    result = read_result(written(measured()), ON_DM1)
    assert isinstance(result, MoleculeResult)
    assert result.measured == measured().measured
    assert any(bits.count("1") != 2 for bits in result.counts)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("measured", None, "measured: got null; allowed: "),
        ("measured.energy", -1.1, "measured.energy: got -1.1; recomputed it is "),
        ("device_run.mitigation.raw.energy", -1.1, "mitigation.raw.energy: got -1.1; recomputed"),
        (
            "device_run.trained_energy",
            -1.1,
            "device_run.trained_energy: got -1.1; the run has -1.1",
        ),
        ("device_run", None, "device_run: got null"),
        ("groups", [], "integrals that the groups leave: got 0.1"),
        ("groups.0.turns.0.1", 0.1, "integrals that the groups leave: got "),
        ("groups.0.turns.0.0", -1, "groups.0.turns.0.0: got -1; allowed: "),
        ("groups.0.strength", 0.2, "integrals that the groups leave: got "),
        ("groups.0.eigenvalues", [1.0], "groups.0.eigenvalues: got 1; allowed: 2 numbers"),
        ("pair_counts", [], "pair_counts: got 0; the run has 2"),
        ("pair_counts.1", [1, 2], "pair_counts.1: length: got 2; the run has 10"),
        ("pair_counts.1.3", 501, "pair_counts.1: got 501; it must lie from 0 to 500"),
        ("pair_counts.1.3", -1, "pair_counts.1.3: got -1; allowed: an integer from 0 to"),
        ("pair_counts.0.0", 17, "pair_counts.0: got [17, "),
        ("counts", {"1100": 499}, "counts: got 499; the run has 500"),
        ("counts", {"11x0": 500}, 'counts: got "11x0"; allowed: 4 times 0 or 1'),
        ("tasks", [], "tasks: got []"),
    ],
)
def test_a_measured_energy_that_its_shots_do_not_have_is_refused(
    path: str, value: Any, said: str
) -> None:
    data = written(measured())
    inner, last = at(data, path)
    inner[last] = value
    assert said in refused(data, ON_DM1)


def test_what_ran_on_no_device_measured_nothing() -> None:
    data = written()
    data["measured"] = {"energy": -1.1, "standard_error": 0.1}
    assert "measured: got " in refused(data)


def test_a_molecule_is_no_result_of_a_graph() -> None:
    graph = prepared_run(TRIANGLE)
    said = 'algorithm: got "vqe"; allowed: qaoa'
    with pytest.raises(InvalidResult, match=said):
        verify(honest(), graph)
    with pytest.raises(InvalidResult, match=said):
        report_of_molecule(graph, honest())


def _lists(schema: object) -> Iterator[dict[str, Any]]:
    """Yield each list of any length that a model reads."""
    if isinstance(schema, dict):
        if schema.get("type") == "tuple" and "variadic_item_index" in schema:
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        yield from (found for each in schema for found in _lists(each))


@pytest.mark.parametrize("model", [MoleculeResult, OptimisationResult])
def test_lists_of_any_length_are_read_up_to_their_first_wrong_entry(model: type[BaseModel]) -> None:
    found = list(_lists(model.__pydantic_core_schema__))
    assert len(found) > 5
    assert all(each.get("fail_fast") for each in found)
