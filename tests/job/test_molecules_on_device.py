"""Molecules as circuits: the state, what is measured of it, and its energy under noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from braket.circuits import Circuit
from braket.devices import LocalSimulator
from numpy.typing import NDArray

from hybrid_job.molecules import integrals
from hybrid_job.on_device.measurement import Compiled
from hybrid_job.on_device.molecules.excitations import ansatz_circuit
from hybrid_job.on_device.molecules.settings import NEGLIGIBLE, Settings
from hybrid_job.vqe import AnsatzName, MoleculeSolution, solve
from quantum_pipeline.chemistry.excitations import Excitation, singles_and_doubles, state_of
from quantum_pipeline.chemistry.molecules import NAMED, geometry_of
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.ising import all_energies

Amplitudes = NDArray[np.complex128]

MOLECULES = {"H2": 0.74, "HeH+": 0.9, "LiH": 1.546}


@cache
def solved(name: str, ansatz: AnsatzName = "uccsd") -> MoleculeSolution:
    made = integrals(geometry_of(name, MOLECULES[name]), charge=NAMED[name].charge)
    return solve(made, ansatz)


def simulated(circuit: Circuit, n_qubits: int) -> Amplitudes:
    """The state that Braket's simulator makes of a circuit, qubit 0 the most significant."""
    whole = Circuit(circuit)
    for qubit in set(range(n_qubits)) - {int(each) for each in circuit.qubits}:
        whole.i(qubit)
    whole.state_vector()
    amplitudes: Amplitudes = LocalSimulator().run(whole, shots=0).result().values[0]
    return amplitudes


def among_bitstrings(sector: Sector, state: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.zeros(2**sector.n_qubits)
    for determinant, amplitude in enumerate(state):
        whole[int(sector.bitstring(determinant), 2)] = amplitude
    return whole


def two_qubit_gates(circuit: Circuit) -> int:
    return sum(len(each.target) == 2 for each in circuit.instructions)


def settings_of(solution: MoleculeSolution) -> tuple[Settings, Sequence[float]]:
    kept = [
        (excitation, amplitude)
        for excitation, amplitude in zip(solution.excitations, solution.parameters, strict=True)
        if abs(amplitude) > NEGLIGIBLE
    ]
    return Settings(solution.integrals, [each for each, _ in kept]), [each for _, each in kept]


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
@pytest.mark.parametrize("name", MOLECULES)
def test_the_circuit_makes_the_state_that_was_trained(name: str, ansatz: AnsatzName) -> None:
    solution = solved(name, ansatz)
    circuit = ansatz_circuit(solution.sector, solution.excitations, solution.parameters)
    np.testing.assert_allclose(
        simulated(circuit, solution.sector.n_qubits),
        among_bitstrings(solution.sector, solution.state),
        atol=1e-12,
    )


@pytest.mark.parametrize(
    "sector", [Sector(3, 1, 1), Sector(3, 2, 1), Sector(4, 3, 1), Sector(4, 2, 2), Sector(4, 0, 2)]
)
def test_excitations_in_any_order_and_number_make_their_state(sector: Sector) -> None:
    chance = np.random.default_rng(5)
    pool = singles_and_doubles(sector)
    chosen = [pool[each] for each in chance.integers(len(pool), size=2 * len(pool))]
    angles = chance.normal(size=len(chosen)).tolist()
    np.testing.assert_allclose(
        simulated(ansatz_circuit(sector, chosen, angles), sector.n_qubits),
        among_bitstrings(sector, state_of(sector, chosen, angles)),
        atol=1e-12,
    )


def test_excitations_take_few_gates_on_two_qubits() -> None:
    sector = Sector(2, 1, 1)
    double, up, down = singles_and_doubles(sector)
    counts = [
        two_qubit_gates(ansatz_circuit(sector, chosen, [0.1] * len(chosen)))
        for chosen in ([double], [up], [double, up, down], [double, double], [up, down, double])
    ]
    assert counts == [3, 1, 3 + 2 + 2, 3 + 13, 1 + 1 + 13]


def test_electrons_that_are_passed_cost_a_ladder_and_known_ones_nothing() -> None:
    sector = Sector(4, 1, 0)
    over_three, first = Excitation((0,), (6,)), Excitation((0,), (2,))
    assert two_qubit_gates(ansatz_circuit(sector, [over_three], [0.1])) == 1
    # Of the two orbitals passed, one may have the electron: CZ before and after.
    both = ansatz_circuit(sector, [first, over_three, over_three], [0.1, 0.2, 0.3])
    assert two_qubit_gates(both) == 1 + (1 + 1 + 1) + (2 + 2)


@pytest.mark.parametrize(("name", "ansatz"), [("H2", "uccsd"), ("HeH+", "uccsd"), ("LiH", "adapt")])
def test_expectations_of_all_settings_add_up_to_the_energy(name: str, ansatz: AnsatzName) -> None:
    solution = solved(name, ansatz)
    n = solution.sector.n_qubits
    settings, amplitudes = settings_of(solution)
    circuits = settings.circuits(amplitudes)
    measured = settings.measurement(
        amplitudes, [Compiled(each, tuple(range(n))) for each in circuits]
    )
    total = 0.0
    bits = (np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1).astype(np.int8)
    for setting in measured.plain:
        probabilities = abs(simulated(setting.compiled.circuit, n)) ** 2
        total += float(probabilities @ all_energies(setting.model))
        assert probabilities[settings.accepted(bits)].sum() == pytest.approx(1, abs=1e-9)

    assert total == pytest.approx(solution.energy, abs=1e-9)
    assert measured.exact == pytest.approx(solution.energy, abs=1e-9)


def test_shots_with_other_numbers_of_electrons_of_a_spin_are_not_accepted() -> None:
    settings, _ = settings_of(solved("H2"))
    seen = ["1100", "0110", "1010", "0101", "1000", "1110", "0011"]
    bits = np.array([list(map(int, each)) for each in seen], dtype=np.int8)
    accepted = [each for each, right in zip(seen, settings.accepted(bits), strict=True) if right]
    assert accepted == ["1100", "0110", "0011"]


def test_hydrogen_takes_two_circuits_of_three_and_seven_gates() -> None:
    settings, amplitudes = settings_of(solved("H2"))
    assert len(amplitudes) == 1
    assert [two_qubit_gates(each) for each in settings.circuits(amplitudes)] == [3, 7]
