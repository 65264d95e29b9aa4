"""The eigensolver against PennyLane's circuits, finite differences and exact diagonalisation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_job import main
from hybrid_job.journal import Journal
from hybrid_job.molecules.ansatz import Ansatz, Pool, sparse
from hybrid_job.molecules.exact import exact_energies
from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry.excitations import (
    Excitation,
    rotation,
    singles_and_doubles,
)
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian, energy_of
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry, geometry_of
from quantum_pipeline.chemistry.sector import Sector
from quantum_pipeline.results import MoleculePoint, MoleculeResult
from tests.unit.finished_molecule import H2, prepared_molecule, report_of_molecule, solved_molecule

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


H4 = {"molecule": "H4", "bond_length_angstrom": 1.0}
LIH = {"molecule": "LiH", "bond_length_angstrom": 1.546}


def solved(problem: dict[str, Any], **algorithm: Any) -> MoleculeResult:
    return solved_molecule(prepared_molecule(problem, algorithm=algorithm))


def energies(result: MoleculeResult, point: int = 1) -> list[float]:
    return [each.energy for each in result.history if each.start == point]


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
@pytest.mark.parametrize(("problem", "tolerance"), [(H2, 1e-3), (LIH, 0.1)], ids=["H2", "LiH"])
def test_molecule_comes_to_its_exact_energy(
    ansatz: str, problem: dict[str, Any], tolerance: float
) -> None:
    prepared = prepared_molecule(problem, algorithm={"ansatz": ansatz})
    result = solved_molecule(prepared)
    report, point = report_of_molecule(prepared, result), result.lowest

    assert result.converged
    assert point.exact is not None
    assert point.exact - 1e-9 <= point.energy < point.integrals.hartree_fock
    assert 1000 * (point.energy - point.exact) == pytest.approx(0, abs=tolerance)
    assert report.quality.error_millihartree == pytest.approx(0, abs=tolerance)
    assert report.solution.spin_squared == pytest.approx(0, abs=1e-5)
    correlation = point.integrals.hartree_fock - point.exact
    recovered = 100 * (point.integrals.hartree_fock - point.energy) / correlation
    assert report.quality.correlation_recovered_percent == pytest.approx(recovered)


def test_point_recomputes_from_its_integrals_and_amplitudes() -> None:
    result = solved(H4, ansatz="adapt")
    point = MoleculePoint.model_validate_json(result.lowest.model_dump_json())

    assert energy_of(point.integrals, point.state()) == pytest.approx(point.energy, abs=1e-10)
    rotations = [rotation(Sector.of(point.integrals), a.excitation) for a in point.amplitudes]
    trained = Ansatz(sparse(Hamiltonian.of(point.integrals)), rotations)
    state = trained.state(np.array([each.amplitude for each in point.amplitudes]))
    np.testing.assert_allclose(state, point.state(), atol=1e-12)
    assert Sector.of(point.integrals).bitstring(int(np.argmax(state**2))) == "11110000"
    assert energies(result)[-1] <= energies(result)[0]
    assert min(energies(result)) == point.energy


def test_adapt_needs_fewer_excitations_and_grows_downhill() -> None:
    point = solved(LIH, ansatz="adapt").lowest

    pool = singles_and_doubles(Sector.of(point.integrals))
    assert len(point.amplitudes) < 0.5 * len(pool)
    grown = [each.energy for each in point.growth]
    assert grown == sorted(grown, reverse=True)
    assert [each.n_parameters for each in point.growth] == list(range(1, len(grown) + 1))
    assert point.growth[0].gradient_norm > 1e-3


def test_adapt_reaches_what_one_product_of_excitations_does_not() -> None:
    stretched = {"molecule": "BeH2", "bond_length_angstrom": 2.2}
    asked = {**stretched, "active_electrons": 4, "active_orbitals": 5}
    adapt, uccsd = (solved(asked, ansatz=name).lowest for name in ("adapt", "uccsd"))
    assert adapt.exact is not None
    assert adapt.energy - adapt.exact < 0.1 * (uccsd.energy - adapt.exact)


def test_same_molecule_twice_gives_the_same_numbers() -> None:
    first, second = (solved(H4, ansatz="adapt") for _ in range(2))
    assert (first.lowest.amplitudes, first.history) == (second.lowest.amplitudes, second.history)


def test_evaluations_are_limited() -> None:
    result = solved(H4, max_evaluations=3)

    assert not result.converged
    assert result.stop_reason == "algorithm.max_evaluations: all 3 are used"
    assert len(energies(result)) == 3
    assert result.lowest.energy == min(energies(result))


@pytest.mark.parametrize("ansatz", ["uccsd", "adapt"])
def test_past_deadline_leaves_one_evaluation_and_no_exact_energy(
    tmp_path: Path, ansatz: str
) -> None:
    late = prepared_molecule(H2, algorithm={"ansatz": ansatz}, limits={"max_runtime_seconds": 1})
    with closing(Journal(tmp_path, late.request)) as journal:
        result = main.solve(late, journal, time.monotonic() - 1)
    assert isinstance(result, MoleculeResult)
    quality = report_of_molecule(late, result).quality

    assert "limits.max_runtime_seconds" in result.stop_reason
    assert result.lowest.energy == pytest.approx(result.lowest.integrals.hartree_fock)
    assert (len(result.history), result.lowest.exact) == (1, None)
    assert quality.error_millihartree is None
    assert quality.correlation_recovered_percent is None


def test_doublet_stays_one_and_lies_between_exact_and_hartree_fock() -> None:
    prepared = prepared_molecule({"geometry": H3, "multiplicity": 2})
    result = solved_molecule(prepared)
    point = result.lowest

    assert point.exact is not None
    assert point.exact - 1e-9 <= point.energy < point.integrals.hartree_fock - 1e-3
    spin = report_of_molecule(prepared, result).solution.spin_squared
    assert spin == pytest.approx(0.75, abs=1e-3)


def test_stretched_h2_becomes_two_hydrogen_atoms() -> None:
    atom = integrals((("H", (0, 0, 0)),), multiplicity=2).hartree_fock

    near, far = solved({"molecule": "H2", "bond_lengths_angstrom": [0.74, 4.0]}).points

    assert far.energy == pytest.approx(2 * atom, abs=1e-4)
    assert near.energy < far.energy
    assert far.integrals.hartree_fock > far.energy + 0.2
    assert far.seconds.integrals > 0


def test_each_geometry_starts_from_the_one_before() -> None:
    lengths = [1.0, 1.05, 1.1]
    alone = [solved({"molecule": "H2", "bond_length_angstrom": length}) for length in lengths]

    together = solved({"molecule": "H2", "bond_lengths_angstrom": lengths})

    assert energies(together, 3)[0] < energies(alone[2])[0] - 1e-3
    for one, other in zip(alone, together.points, strict=True):
        assert other.energy == pytest.approx(one.lowest.energy, abs=1e-8)


def test_lanczos_finds_the_lowest_eigenvalue() -> None:
    made = molecule("LiH", 3.0)
    matrix = sparse(Hamiltonian.of(made))
    expected = np.linalg.eigvalsh(matrix.toarray())[0]
    assert exact_energies(matrix, Sector.of(made)).energy == pytest.approx(expected, abs=1e-10)
