"""The eigensolver against PennyLane's circuits, finite differences and exact diagonalisation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job.molecules.ansatz import Ansatz, Pool, sparse
from hybrid_job.molecules.integrals import integrals
from hybrid_job.molecules.vqe import MoleculeSolution, lowest_eigenvalue, solve, solve_molecules
from quantum_pipeline.chemistry.excitations import (
    Excitation,
    rotation,
    singles_and_doubles,
    state_of,
)
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian, energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry, geometry_of
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.errors import InvalidRequest

Real = NDArray[np.float64]

H3: Geometry = (("H", (0, 0, 0)), ("H", (0, 0, 0.9)), ("H", (0.3, 0, 2.0)))


def molecule(name: str, length: float, **asked: int) -> Integrals:
    return integrals(geometry_of(name, length), **asked)  # type: ignore[arg-type]


def ansatz_of(made: Integrals) -> tuple[Ansatz, list[Excitation]]:
    sector = Sector.of(made)
    excitations = singles_and_doubles(sector)
    matrix = sparse(Hamiltonian.of(made))
    return Ansatz(matrix, (rotation(sector, each) for each in excitations)), excitations


def in_all_states(sector: Sector, state: Real) -> Real:
    """Return the 4^n amplitudes of qubits in the order of the spin orbitals.

    There creation operators stand by rising spin orbital: a sign for each beta electron that an
    alpha electron of a higher orbital has to pass.
    """
    full = np.zeros(4**sector.n_orbitals)
    for at, amplitude in enumerate(state):
        bits = sector.bitstring(at)
        passed = sum(
            bits[p] == "1" and bits[q] == "1"
            for p in range(0, sector.n_qubits, 2)
            for q in range(1, p, 2)
        )
        full[int(bits, 2)] = (-1) ** passed * amplitude
    return full


def circuit_of_pennylane(
    sector: Sector, excitations: Sequence[Excitation], parameters: Real
) -> Any:
    from pennylane import UCCSD

    doubles = [each for each in excitations if len(each.create) == 2]
    singles = [each for each in excitations if len(each.create) == 1]
    order = [excitations.index(each) for each in singles + doubles]
    wires = [
        [list(range(low, high + 1)) for low, high in (each.annihilate, each.create)]
        for each in doubles
    ]
    return UCCSD(
        parameters[order],
        wires=range(sector.n_qubits),
        s_wires=[list(range(each.annihilate[0], each.create[0] + 1)) for each in singles],
        d_wires=wires,
        init_state=np.array([int(bit) for bit in sector.bitstring(0)]),
    )


def hamiltonian_of_pennylane(made: Integrals) -> Any:
    from pennylane import Hamiltonian as Sum
    from pennylane import jordan_wigner
    from pennylane.qchem import fermionic_observable

    physicists = made.eri.transpose(0, 2, 3, 1)
    observable = fermionic_observable(np.array([made.core_energy]), made.h, physicists)
    coefficients, operators = jordan_wigner(observable).terms()
    return Sum(np.real(coefficients), operators)


@pytest.mark.parametrize(
    ("name", "length", "asked"),
    [
        ("H2", 0.74, {}),
        ("H4", 1.0, {}),
        ("LiH", 1.546, {"active_electrons": 2, "active_orbitals": 4}),
    ],
)
def test_uccsd_is_the_circuit_of_pennylane(name: str, length: float, asked: dict[str, int]) -> None:
    import pennylane

    made = molecule(name, length, **asked)
    ansatz, excitations = ansatz_of(made)
    parameters = np.random.default_rng(2).normal(scale=0.4, size=len(excitations))
    hamiltonian = hamiltonian_of_pennylane(made)
    device = pennylane.device("lightning.qubit", wires=made.n_qubits)

    def circuit() -> Any:
        circuit_of_pennylane(Sector.of(made), excitations, 2 * parameters)
        return pennylane.state(), pennylane.expval(hamiltonian)

    state, energy = pennylane.QNode(circuit, device)()

    sector = Sector.of(made)
    sign = in_all_states(sector, sector.hartree_fock()).sum()  # there it starts with +1
    ours = sign * in_all_states(sector, ansatz.state(parameters))
    np.testing.assert_allclose(ours, state, atol=1e-10)
    assert ansatz.energy(parameters) == pytest.approx(float(energy), abs=1e-10)


def test_excitations_are_those_of_pennylane_in_its_order() -> None:
    from pennylane.qchem import excitations

    ours = singles_and_doubles(Sector(4, 2, 2))

    singles, doubles = excitations(4, 8)
    flat = [[*each.annihilate, *each.create] for each in ours]
    assert [each for each in flat if len(each) == 4] == [list(map(int, each)) for each in doubles]
    assert [each for each in flat if len(each) == 2] == [list(map(int, each)) for each in singles]


def test_cnots_are_those_of_pennylanes_circuit() -> None:
    import pennylane

    for excitation in (Excitation((0,), (6,)), Excitation((0, 3), (4, 7))):
        (low, *high), (first, *last) = excitation
        ends = [high[0], last[0]] if high else [first, first]
        wires = list(range(low, ends[0] + 1)), list(range(first, ends[1] + 1))
        operator = (
            pennylane.FermionicDoubleExcitation(0.3, wires1=wires[0], wires2=wires[1])
            if high
            else pennylane.FermionicSingleExcitation(0.3, wires=wires[0])
        )
        names = [each.name for each in operator.decomposition()]
        assert excitation.n_cnots == names.count("CNOT")


def test_spectrum_of_h2_is_that_of_pennylanes_hamiltonian_in_the_sector() -> None:
    from pennylane import qchem

    symbols, points = zip(*geometry_of("H2", 0.74), strict=True)
    theirs, _ = qchem.molecular_hamiltonian(
        qchem.Molecule(list(symbols), np.array(points), unit="angstrom")
    )
    full = theirs.sparse_matrix(wire_order=range(4)).toarray().real
    kept = [int(bits, 2) for bits in ("1100", "1001", "0110", "0011")]

    ours = np.linalg.eigvalsh(Hamiltonian.of(molecule("H2", 0.74)).dense())

    expected = np.linalg.eigvalsh(full[np.ix_(kept, kept)])
    np.testing.assert_allclose(ours, expected, atol=1e-8)


@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 2), (1, 1), (-1, 3)])
def test_gradient_is_that_of_finite_differences(charge: int, multiplicity: int) -> None:
    made = integrals(H3, charge=charge, multiplicity=multiplicity)
    ansatz, excitations = ansatz_of(made)
    parameters = np.random.default_rng(4).normal(size=len(excitations))

    energy, gradient = ansatz.energy_and_gradient(parameters)

    assert energy == pytest.approx(ansatz.energy(parameters), abs=1e-12)
    step = 1e-5
    differences = [
        (ansatz.energy(parameters + shift) - ansatz.energy(parameters - shift)) / (2 * step)
        for shift in step * np.eye(len(excitations))
    ]
    np.testing.assert_allclose(gradient, differences, atol=1e-8)


def test_slopes_of_the_pool_are_those_of_an_appended_excitation() -> None:
    made = molecule("H4", 1.2)
    ansatz, excitations = ansatz_of(made)
    rotations = [rotation(Sector.of(made), each) for each in excitations]
    parameters = np.random.default_rng(6).normal(size=len(excitations))
    psi = ansatz.state(parameters)

    slopes = Pool(rotations).gradient(psi, ansatz.matrix @ psi)

    for each, slope in zip(rotations, slopes, strict=True):
        longer, _ = ansatz_of(made)
        longer.append(each)
        _, gradient = longer.energy_and_gradient(np.append(parameters, 0.0))
        assert slope == pytest.approx(gradient[-1], abs=1e-11)


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
@pytest.mark.parametrize(("name", "length", "tolerance"), [("H2", 0.74, 1e-3), ("LiH", 1.546, 0.1)])
def test_molecule_comes_to_its_exact_energy(
    ansatz: Any, name: str, length: float, tolerance: float
) -> None:
    solution = solve(molecule(name, length), ansatz)

    assert solution.converged
    assert solution.error_millihartree == pytest.approx(0, abs=tolerance)
    assert solution.exact is not None
    assert solution.exact - 1e-9 <= solution.energy < solution.hartree_fock
    assert solution.spin_squared == pytest.approx(0, abs=1e-5)
    recovered = (solution.hartree_fock - solution.energy) / (solution.hartree_fock - solution.exact)
    assert solution.correlation_recovered == pytest.approx(recovered)


def test_solution_recomputes_from_its_integrals_and_parameters() -> None:
    solution = solve(molecule("H4", 1.0), "adapt")

    made = Integrals.model_validate_json(solution.integrals.model_dump_json())
    state = state_of(Sector.of(made), solution.excitations, solution.parameters)

    assert energy_of(made, state) == pytest.approx(solution.energy, abs=1e-10)
    np.testing.assert_allclose(solution.state, state, atol=1e-12)
    assert solution.determinants[0][0] == "11110000"
    assert solution.history[-1] <= solution.history[0]
    assert min(solution.history) == solution.energy


def test_adapt_needs_fewer_excitations_and_grows_downhill() -> None:
    made = molecule("LiH", 1.546)

    solution = solve(made, "adapt")

    assert len(solution.parameters) < 0.5 * len(singles_and_doubles(Sector.of(made)))
    energies = [each.energy for each in solution.growth]
    assert energies == sorted(energies, reverse=True)
    assert [each.n_parameters for each in solution.growth] == list(range(1, len(energies) + 1))
    assert solution.growth[0].gradient_norm > 1e-3


def test_adapt_reaches_what_one_product_of_excitations_does_not() -> None:
    made = molecule("BeH2", 2.2, active_electrons=4, active_orbitals=5)
    (adapt, uccsd) = (solve(made, name).error_millihartree for name in ("adapt", "uccsd"))
    assert adapt is not None and uccsd is not None
    assert adapt < 0.1 * uccsd


def test_same_molecule_twice_gives_the_same_numbers() -> None:
    first, second = (solve(molecule("H4", 1.0), "adapt") for _ in range(2))
    assert (first.parameters, first.history) == (second.parameters, second.history)


def test_evaluations_are_limited_and_watched() -> None:
    seen: list[tuple[int, float]] = []

    solution = solve(
        molecule("H4", 1.0), max_evaluations=3, watch=lambda n, energy: seen.append((n, energy))
    )

    assert not solution.converged
    assert solution.stop_reason == "algorithm.max_evaluations: all 3 are used"
    assert seen == list(enumerate(solution.history, 1))
    assert len(seen) == 3
    assert solution.energy == min(solution.history)


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
def test_past_deadline_leaves_one_evaluation_and_no_exact_energy(ansatz: Any) -> None:
    solution = solve(molecule("H2", 0.74), ansatz, deadline=time.monotonic() - 1)

    assert "limits.max_runtime_seconds" in solution.stop_reason
    assert solution.energy == pytest.approx(solution.hartree_fock)
    assert (len(solution.history), solution.exact) == (1, None)
    assert solution.error_millihartree is None
    assert solution.correlation_recovered is None


def test_atom_with_nothing_to_excite_is_hartree_fock() -> None:
    solution = solve(integrals((("He", (0, 0, 0)),)))

    assert solution.energy == solution.exact == pytest.approx(-2.807784, abs=1e-6)
    assert (solution.parameters, solution.converged) == ((), True)
    assert solution.correlation_recovered is None


def test_doublet_stays_one_and_lies_between_exact_and_hartree_fock() -> None:
    solution = solve(integrals(H3, multiplicity=2))

    assert solution.exact is not None
    assert solution.exact - 1e-9 <= solution.energy < solution.hartree_fock - 1e-3
    assert solution.spin_squared == pytest.approx(0.75, abs=1e-3)


def scanned(lengths: Sequence[float], **limits: Any) -> list[MoleculeSolution]:
    return list(solve_molecules((geometry_of("H2", length) for length in lengths), **limits))


def test_stretched_h2_becomes_two_hydrogen_atoms() -> None:
    atom = integrals((("H", (0, 0, 0)),), multiplicity=2).hartree_fock

    near, far = scanned([0.74, 4.0])

    assert far.energy == pytest.approx(2 * atom, abs=1e-4)
    assert near.energy < far.energy
    assert far.hartree_fock > far.energy + 0.2
    assert far.seconds.integrals > 0


def test_each_geometry_starts_from_the_one_before() -> None:
    lengths = [1.0, 1.05, 1.1]
    alone = [scanned([length])[0] for length in lengths]

    together = scanned(lengths)

    assert together[2].history[0] < alone[2].history[0] - 1e-3
    for one, other in zip(alone, together, strict=True):
        assert other.energy == pytest.approx(one.energy, abs=1e-8)


def test_molecule_that_does_not_fit_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quantum_pipeline.chemistry.sizes.MAX_BYTES", 2**26)
    made = integrals(geometry_of("N2", 1.1))
    with pytest.raises(InvalidRequest, match=r"active_orbitals: got 10; allowed: up to 9 with 14"):
        solve(made)


def test_lanczos_finds_the_lowest_eigenvalue() -> None:
    matrix = sparse(Hamiltonian.of(molecule("LiH", 3.0)))
    expected = np.linalg.eigvalsh(matrix.toarray())[0]
    assert lowest_eigenvalue(matrix) == pytest.approx(expected, abs=1e-10)
