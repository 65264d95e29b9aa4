"""Molecules as circuits: the state, what is measured of it, and its energy under noise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from braket.circuits import Circuit
from numpy.typing import NDArray

from hybrid_job.job import VqeJob
from hybrid_job.journal import Journal
from hybrid_job.on_device.measurement import Compiled
from hybrid_job.on_device.molecules.excitations import measured_circuit
from hybrid_job.on_device.molecules.settings import Settings
from hybrid_job.on_device.spending import CapReached
from hybrid_job.solvers import vqe
from quantum_pipeline.chemistry.excitations import Excitation, singles_and_doubles, state_of
from quantum_pipeline.chemistry.factorisation import groups
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.ising import IsingModel, all_energies
from quantum_pipeline.planning.prepared import PreparedRun
from quantum_pipeline.problems import Chemistry
from quantum_pipeline.requests.algorithm import SettledVqe
from quantum_pipeline.results import MoleculePoint, verify
from tests.clock import clock_of
from tests.job.braket_job import tasks_of
from tests.job.devices_by_hand import vector
from tests.local.braket.server import Server
from tests.unit.finished_molecule import H2, prepared_molecule, solved_molecule

Amplitudes = NDArray[np.complex128]

MOLECULES: dict[str, dict[str, Any]] = {
    "H2": {"bond_length_angstrom": 0.74},
    "HeH+": {"bond_length_angstrom": 0.9},
    "LiH": {"bond_length_angstrom": 1.546, "active_electrons": 2, "active_orbitals": 4},
}


@cache
def solved(name: str, ansatz: str = "uccsd") -> MoleculePoint:
    problem = {"molecule": name, **MOLECULES[name]}
    return solved_molecule(prepared_molecule(problem, algorithm={"ansatz": ansatz})).lowest


def hydrogen() -> tuple[Settings, NDArray[np.float64]]:
    point = solved("H2")
    return Settings.of(point, groups(point.integrals))


def simulated(circuit: Circuit, n_qubits: int) -> Amplitudes:
    """The state that a circuit makes, gate by gate, qubit 0 the most significant."""
    return np.asarray(vector(circuit, range(n_qubits)).ravel())


def among_bitstrings(sector: Sector, state: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.zeros(2**sector.n_qubits)
    for determinant, amplitude in enumerate(state):
        whole[int(sector.bitstring(determinant), 2)] = amplitude
    return whole


def two_qubit_gates(circuit: Circuit) -> int:
    return sum(len(each.target) == 2 for each in circuit.instructions)


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
@pytest.mark.parametrize("name", MOLECULES)
def test_the_circuit_makes_the_state_that_was_trained(name: str, ansatz: str) -> None:
    point = solved(name, ansatz)
    sector = Sector.of(point.integrals)
    excitations = [each.excitation for each in point.amplitudes]
    circuit = measured_circuit(
        sector, excitations, [each.amplitude for each in point.amplitudes], ()
    )
    np.testing.assert_allclose(
        simulated(circuit, sector.n_qubits),
        among_bitstrings(sector, point.state()),
        atol=1e-12,
    )


@pytest.mark.parametrize(
    "sector", [Sector(3, 1, 1), Sector(3, 2, 1), Sector(4, 3, 1), Sector(4, 2, 2), Sector(4, 0, 2)]
)
def test_excitations_in_any_order_and_number_make_their_state(sector: Sector) -> None:
    rng = np.random.default_rng(5)
    pool = singles_and_doubles(sector)
    chosen = [pool[each] for each in rng.integers(len(pool), size=2 * len(pool))]
    angles = rng.normal(size=len(chosen)).tolist()
    np.testing.assert_allclose(
        simulated(measured_circuit(sector, chosen, angles, ()), sector.n_qubits),
        among_bitstrings(sector, state_of(sector, chosen, angles)),
        atol=1e-12,
    )


def test_excitations_take_few_gates_on_two_qubits() -> None:
    sector = Sector(2, 1, 1)
    double, up, down = singles_and_doubles(sector)
    counts = [
        two_qubit_gates(measured_circuit(sector, chosen, [0.1] * len(chosen), ()))
        for chosen in ([double], [up], [double, up, down], [double, double], [up, down, double])
    ]
    assert counts == [3, 1, 3 + 2 + 2, 3 + 13, 1 + 1 + 13]


def test_electrons_that_are_passed_cost_a_ladder_and_known_ones_nothing() -> None:
    sector = Sector(4, 1, 0)
    over_three, first = Excitation((0,), (6,)), Excitation((0,), (2,))
    assert two_qubit_gates(measured_circuit(sector, [over_three], [0.1], ())) == 1
    # Of the two orbitals passed, one may have the electron: CZ before and after.
    both = measured_circuit(sector, [first, over_three, over_three], [0.1, 0.2, 0.3], ())
    assert two_qubit_gates(both) == 1 + (1 + 1 + 1) + (2 + 2)


@pytest.mark.parametrize(
    "solve_it",
    [lambda: solved("H2"), lambda: solved("HeH+"), lambda: solved("LiH", "adapt")],
    ids=["H2", "HeH+", "LiH"],
)
def test_expectations_of_all_settings_add_up_to_the_energy(
    solve_it: Callable[[], MoleculePoint],
) -> None:
    point = solve_it()
    settings, trained = Settings.of(point, groups(point.integrals))
    n = settings.n_qubits
    circuits = settings.circuits(trained)
    measured = settings.measurement(trained, [Compiled(each, tuple(range(n))) for each in circuits])
    total = 0.0
    bits = (np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1).astype(np.int8)
    for setting in measured.plain:
        probabilities = abs(simulated(setting.compiled.circuit, n)) ** 2
        assert isinstance(setting.model, IsingModel)
        total += float(probabilities @ all_energies(setting.model))
        assert probabilities[settings.accepted(bits)].sum() == pytest.approx(1, abs=1e-9)

    assert total == pytest.approx(point.energy, abs=1e-9)
    assert measured.exact == pytest.approx(point.energy, abs=1e-9)


def test_shots_with_other_numbers_of_electrons_of_a_spin_are_not_accepted() -> None:
    settings, _ = hydrogen()
    seen = ["1100", "0110", "1010", "0101", "1000", "1110", "0011"]
    bits = np.array([list(map(int, each)) for each in seen], dtype=np.int8)
    accepted = [each for each, right in zip(seen, settings.accepted(bits), strict=True) if right]
    assert accepted == ["1100", "0110", "0011"]


def test_hydrogen_takes_two_circuits_of_three_and_seven_gates() -> None:
    settings, amplitudes = hydrogen()
    assert len(amplitudes) == 1
    assert [two_qubit_gates(each) for each in settings.circuits(amplitudes)] == [3, 7]


NOISE = {"one_qubit": 0.001, "two_qubit": 0.01, "readout": 0.02}
MITIGATION = {"readout": True, "symmetry": True, "zne": "linear", "scales": [1.0, 3.0]}


def prepared_on(device: str, run_id: str, **request: Any) -> PreparedRun:
    """A molecule on a device, whose tasks are its own by its id."""
    run = prepared_molecule(request.pop("molecule", H2), device=device, **request)
    assert run.state_summary is not None
    change = {
        "run_id": run_id,
        "execution_arn": f"{run.execution_arn}-{run_id}",
        "state_summary": run.state_summary.model_copy(update={"emulated": "on this machine"}),
    }
    return run.model_copy(update=change)


def test_a_device_without_noise_measures_the_energy_within_its_error(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("sv1", "ideal", shots=4000)
    result = solved_molecule(prepared, tmp_path)
    verify(result, prepared)
    assert result.measured is not None
    assert 0.001 < result.measured.standard_error < 0.005
    error = result.measured.energy - result.lowest.energy
    assert abs(error) < 4 * result.measured.standard_error
    assert set(result.counts) <= {"1100", "0011"}
    assert sum(result.counts.values()) == 4000


def test_on_dm1_the_mitigated_energy_of_hydrogen_is_three_times_nearer_than_the_raw_one(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("dm1", "noisy", shots=6000, noise=NOISE, mitigation=MITIGATION)
    result = solved_molecule(prepared, tmp_path)
    verify(result, prepared)
    assert result.device_run is not None
    outcome = result.device_run.mitigation
    assert outcome is not None
    assert outcome.kept == "mitigated"
    assert outcome.raw == result.measured
    exact = result.lowest.energy
    assert abs(outcome.raw.energy - exact) > 0.04
    assert 3 * abs(outcome.mitigated.energy - exact) < abs(outcome.raw.energy - exact)
    accepted = [each.accepted or 0.0 for each in outcome.scaled]
    assert accepted == sorted(accepted, reverse=True)
    circuits = 2 * 3 * 2 + 2
    assert sum(task.executables for task in result.tasks) == circuits
    assert sum(task.shots for task in result.tasks) == circuits * 6000


def test_on_an_emulated_qpu_the_circuits_are_compiled_and_the_result_says_what_it_is(
    braket: Server, tmp_path: Path
) -> None:
    prepared = prepared_on("garnet", "compiled", shots=500, limits={"max_cost_usd": 10.0})
    result = solved_molecule(prepared, tmp_path)
    verify(result, prepared)
    assert result.device_run is not None
    assert "Emulated" in (result.device_run.emulated or "")
    compilation = result.device_run.compilation
    assert compilation is not None
    assert compilation.plain.two_qubit_gates == 7
    assert len(set(compilation.qubits)) == 4
    assert result.measured is not None
    error = result.measured.energy - result.lowest.energy
    assert -4 * result.measured.standard_error < error < 0.2
    assert [task.executables for task in result.tasks] == [2]


def test_a_job_that_starts_again_measures_nothing_twice_and_ends_like_one_left_alone(
    braket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepared_on("sv1", "twice", shots=100)
    first = solved_molecule(prepared, tmp_path)
    monkeypatch.setattr(vqe, "solve_point", None)  # nothing is trained again
    again = solved_molecule(prepared, tmp_path)
    assert again.counts == first.counts
    assert again.measured == first.measured
    assert again.model_dump(include={"points"}) == first.model_dump(include={"points"})
    assert again.tasks == first.tasks
    assert len(tasks_of(braket, "twice")) == 1


def test_training_leaves_time_for_the_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = clock_of(monkeypatch, vqe)
    asked = prepared_on("sv1", "time", limits={"max_runtime_seconds": 100})
    with closing(Journal(tmp_path, asked.request)) as journal:
        algorithm, problem = asked.request.algorithm, asked.request.problem
        assert isinstance(algorithm, SettledVqe)
        assert isinstance(problem, Chemistry)
        job = VqeJob(asked, journal, clock.now, algorithm, problem)
        half = vqe._budget(job, vqe.Scan()).deadline - clock.now
    assert half == pytest.approx((100 - 10) / 2)  # a tenth is for ending well


def test_what_the_cap_leaves_is_measured_without_mitigation_and_said(
    braket: Server, tmp_path: Path
) -> None:
    limits = {"max_cost_usd": 0.012, "max_runtime_seconds": 600}
    asked = {"shots": 1000, "noise": NOISE, "mitigation": MITIGATION, "limits": limits}
    prepared = prepared_on("dm1", "capped", **asked)
    result = solved_molecule(prepared, tmp_path)
    verify(result, prepared)
    assert result.device_run is not None
    assert result.device_run.mitigation is None
    assert result.device_run.cut_short is not None
    assert result.device_run.cut_short.startswith("limits.max_cost_usd: no mitigation of errors")
    assert result.device_run.cut_short_by == ("limits.max_cost_usd",)


def test_a_cap_that_leaves_no_shots_is_refused_by_name(braket: Server, tmp_path: Path) -> None:
    prepared = prepared_on("dm1", "nothing", limits={"max_cost_usd": 0.0})
    with pytest.raises(CapReached, match=r"limits\.max_cost_usd: 2 circuits of 1 shots"):
        solved_molecule(prepared, tmp_path)
    assert tasks_of(braket, "nothing") == []
