"""Molecules as the job solves them: energies, limits, journal, and any moment its last."""

from __future__ import annotations

import json
import math
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_job import main
from hybrid_job.journal import Journal
from hybrid_job.molecules.ansatz import Ansatz
from hybrid_job.molecules.excitation_search import Budget, Search
from hybrid_job.solvers.vqe import Orbitals, RecordedBudget
from quantum_pipeline.chemistry.excitations import rotation
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.results import MoleculeResult, read_result, verify
from tests.unit.finished_molecule import (
    H2,
    OPEN_SHELL,
    PARTLY,
    SCAN,
    prepared_molecule,
    solved_molecule,
)

LIH = {"molecule": "LiH", "bond_length_angstrom": 1.546}


def without_times(result: MoleculeResult) -> dict[str, Any]:
    fields = result.model_dump(exclude={"seconds"})
    for point in fields["points"]:
        del point["seconds"]
    return fields


@pytest.mark.parametrize(
    ("problem", "ansatz", "hartree_fock", "exact"),
    [
        (H2, "uccsd", -1.116759, -1.137284),
        (H2, "adapt", -1.116759, -1.137284),
        (LIH, "uccsd", -7.863134, -7.882762),
        (LIH, "adapt", -7.863134, -7.882762),
    ],
)
def test_molecules_reach_the_energies_that_pyscf_computes(
    problem: dict[str, Any], ansatz: str, hartree_fock: float, exact: float
) -> None:
    result = solved_molecule(prepared_molecule(problem, algorithm={"ansatz": ansatz}))
    (point,) = result.points
    assert result.converged
    assert point.integrals.hartree_fock == pytest.approx(hartree_fock, abs=1e-6)
    assert point.exact == pytest.approx(exact, abs=1e-6)
    assert exact - 1e-6 < point.energy < exact + 1e-4


def test_the_entry_point_writes_a_result_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INPUT_DIR", "JOB_RESULTS_DIR", "CHECKPOINT_DIR"):
        monkeypatch.setenv(f"AMZN_BRAKET_{name}", str(tmp_path / name))
    prepared = prepared_molecule(SCAN, shots=50)
    (tmp_path / "INPUT_DIR" / "run").mkdir(parents=True)
    (tmp_path / "INPUT_DIR" / "run" / "prepared.json").write_text(prepared.model_dump_json())
    main.run()
    written = json.loads((tmp_path / "JOB_RESULTS_DIR" / "results.json").read_text())
    result = read_result(written["dataDictionary"], prepared)
    assert isinstance(result, MoleculeResult)
    assert len(result.points) == 5


def test_a_doublet_keeps_its_spin() -> None:
    result = solved_molecule(prepared_molecule(OPEN_SHELL))
    point = result.lowest
    spin = Sector.of(point.integrals).spin_squared(point.state())
    assert spin == pytest.approx(0.75, abs=1e-3)


def test_same_seed_gives_the_same_result_and_another_seed_other_shots() -> None:
    first, second, other = (
        solved_molecule(prepared_molecule(LIH, seed=seed)) for seed in (7, 7, 8)
    )
    assert without_times(first) == without_times(second)
    assert first.counts != other.counts


def test_shots_have_the_probabilities_of_the_state() -> None:
    result = solved_molecule(prepared_molecule(H2, shots=50_000, seed=1))
    sector, probabilities = Sector(2, 1, 1), result.lowest.state() ** 2
    for bitstring in ("1100", "0011"):
        expected = probabilities[sector.determinant(bitstring)]
        error = np.sqrt(expected * (1 - expected) / 50_000)
        assert abs(result.counts[bitstring] / 50_000 - expected) < 4 * error


def test_the_evaluations_of_a_scan_are_shared_by_its_lengths() -> None:
    few = prepared_molecule(SCAN, algorithm={"max_evaluations": 10})
    result = solved_molecule(few)
    verify(result, few)
    assert [point.evaluations for point in result.points] == [2, 2, 2, 2, 2]
    assert not result.converged
    assert result.stop_reason == "algorithm.max_evaluations: all 2 are used"
    limits = {point.stopped_by for point in result.points}
    assert {result.stopped_by} == limits == {"algorithm.max_evaluations"}


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
def test_one_evaluation_is_hartree_fock(ansatz: str) -> None:
    once = prepared_molecule(LIH, algorithm={"ansatz": ansatz, "max_evaluations": 1})
    result = solved_molecule(once)
    verify(result, once)
    (point,) = result.points
    assert point.energy == pytest.approx(point.integrals.hartree_fock, abs=1e-9)
    assert not result.converged


def test_a_job_out_of_time_has_the_lengths_that_it_reached(tmp_path: Path) -> None:
    short = prepared_molecule(SCAN, limits={"max_runtime_seconds": 1})
    with closing(Journal(tmp_path, short.request)) as journal:
        result = main.solve(short, journal, time.monotonic() - 0.98)
    assert isinstance(result, MoleculeResult)
    verify(result, short)
    assert len(result.points) == 1
    assert not result.converged
    assert result.stop_reason == "limits.max_runtime_seconds: 1 of 5 lengths"
    assert result.stopped_by == "limits.max_runtime_seconds"


def test_a_scan_keeps_the_points_that_can_be_solved() -> None:
    prepared = prepared_molecule(PARTLY)
    result = solved_molecule(prepared)
    verify(result, prepared)
    assert [point.bond_length_angstrom for point in result.points] == [0.8, 1.0]
    (failed,) = result.failed
    assert failed.bond_length_angstrom == 0.1
    assert "hardly be told apart" in failed.reason
    assert not result.converged
    assert result.stop_reason == f"no energy at 0.1 angstrom: {failed.reason}"
    alone = prepared_molecule({**PARTLY, "bond_lengths_angstrom": [0.8, 1.0]})
    expected = [point.energy for point in solved_molecule(alone).points]
    assert [point.energy for point in result.points] == pytest.approx(expected, abs=1e-8)


def test_evaluations_in_the_journal_are_those_of_a_length_whichever_before_it_failed(
    tmp_path: Path,
) -> None:
    prepared = prepared_molecule(PARTLY)
    with closing(Journal(tmp_path, prepared.request)) as journal:
        main.solve(prepared, journal, time.monotonic())
    lines = map(json.loads, journal.path.read_text().splitlines())
    numbers = {line["angles"][0] for line in lines if line["kind"] == "evaluation"}
    assert numbers == {0, 2}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bond_lengths_angstrom": [0.1, 0.11]}, "bond_lengths_angstrom: got [0.1, 0.11]"),
        ({"bond_lengths_angstrom": None, "bond_length_angstrom": 0.1}, "bond_length_angstrom: got"),
        ({"geometry": [["H", [0, 0, 0.105 * k]] for k in range(4)]}, "geometry: got H4"),
    ],
)
def test_a_molecule_of_which_no_point_can_be_solved_is_refused_with_what_to_do(
    changes: dict[str, Any], field: str
) -> None:
    named = {} if "geometry" in changes else PARTLY
    problem = {"basis": "6-31g", "active_electrons": 2, "active_orbitals": 2, **named, **changes}
    prepared = prepared_molecule({key: value for key, value in problem.items() if value})
    with pytest.raises(InvalidRequest) as refused:
        solved_molecule(prepared)
    assert str(refused.value).startswith(f"problem.{field}")
    assert "take nuclei further apart, or a smaller problem.basis" in str(refused.value)


class _Killed(Exception):
    pass


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
@pytest.mark.parametrize("evaluations", [1, 9, 16])
def test_a_job_that_starts_again_repeats_nothing_and_ends_like_one_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ansatz: str, evaluations: int
) -> None:
    scan = {"molecule": "H2", "bond_lengths_angstrom": [0.7, 0.9, 1.5], "basis": "6-31g"}
    prepared = prepared_molecule(scan, algorithm={"ansatz": ansatz})
    alone = solved_molecule(prepared)
    computed = 0
    compute = Ansatz.energy_and_gradient

    def dies(ansatz: Ansatz, parameters: Any) -> Any:
        nonlocal computed
        if computed == evaluations:
            raise _Killed
        computed += 1
        return compute(ansatz, parameters)

    monkeypatch.setattr(Ansatz, "energy_and_gradient", dies)
    with pytest.raises(_Killed):
        solved_molecule(prepared, tmp_path)
    computed = -(10**6)
    again = solved_molecule(prepared, tmp_path)
    assert without_times(again) == without_times(alone)
    assert computed + 10**6 == len(alone.history) - evaluations


def test_every_evaluation_is_a_metric_that_the_sdk_parses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from braket.jobs.metrics_data.log_metrics_parser import LogMetricsParser

    prepared = prepared_molecule(SCAN)
    with closing(Journal(tmp_path, prepared.request)) as journal:
        result = main.solve(prepared, journal, time.monotonic())
    assert isinstance(result, MoleculeResult)
    lines = capsys.readouterr().out.splitlines()
    assert sum("integrals" in line for line in lines) == len(result.points)
    parser = LogMetricsParser()
    for line in lines:
        parser.parse_log_message("", line)
    assert [(each["iteration_number"], each["energy"]) for each in parser.all_metrics] == [
        (each.evaluation, each.energy) for each in result.history
    ]


def test_a_later_attempt_keeps_the_orbitals_of_the_first_one(tmp_path: Path) -> None:
    prepared = prepared_molecule(LIH)
    found = solved_molecule(prepared).lowest
    signs = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])  # as good, and not the same
    h = np.einsum("pq,p,q->pq", found.integrals.h, signs, signs)
    eri = np.einsum("pqrs,p,q,r,s->pqrs", found.integrals.eri, *[signs] * 4)
    sizes = ("n_alpha", "n_beta", "n_core", "nuclear_repulsion", "core_energy", "hartree_fock")
    turned = Integrals.of(h, eri, **{name: getattr(found.integrals, name) for name in sizes})
    with closing(Journal(tmp_path, prepared.request)) as journal:
        made = Orbitals(integrals=turned, orbitals=np.eye(6).tolist())
        journal.record_decision("integrals at 1.546", made)

    again = solved_molecule(prepared, tmp_path)
    verify(again, prepared)
    assert again.lowest.integrals == turned
    assert again.lowest.energy == pytest.approx(found.energy, abs=1e-9)


def test_the_energy_of_another_product_of_excitations_is_not_taken_for_this_ones(
    tmp_path: Path,
) -> None:
    prepared = prepared_molecule(LIH)
    search = Search(solved_molecule(prepared).lowest.integrals, Budget(1, math.inf))
    energies = []
    for chosen in search.pool[:2]:
        ansatz = Ansatz(search.matrix, [rotation(search.sector, chosen)])
        with closing(Journal(tmp_path, prepared.request)) as journal:
            budget = RecordedBudget(9, math.inf, journal=journal, point=0, before=0)
            energies.append(budget.evaluate(ansatz, np.array([0.3]))[0])
        assert energies[-1] == ansatz.energy(np.array([0.3]))
    assert energies[0] != energies[1]
