"""Integrals and orbitals against PennyLane's, published energies and closed forms."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.special import erf

from hybrid_job.molecules.gaussians import atomic_integrals
from hybrid_job.molecules.hartree_fock import NoOrbitals
from hybrid_job.molecules.integrals import integrals
from quantum_pipeline.chemistry import basis
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.molecules import BOHR_ANGSTROM, NAMED, Geometry, geometry_of

WATER: Geometry = (
    ("O", (0.1, 0.0, 0.05)),
    ("H", (0.8, 0.1, 0.6)),
    ("H", (-0.7, 0.2, 0.5)),
)
"""No symmetry, so that no integral vanishes by itself."""


def molecule_of_pennylane(geometry: Geometry, name: str) -> Any:
    from pennylane import numpy as plain
    from pennylane import qchem

    points = plain.array([point for _, point in geometry], requires_grad=False)
    return qchem.Molecule(
        [symbol for symbol, _ in geometry], points, basis_name=name, unit="angstrom"
    )


@pytest.mark.parametrize("name", ["sto-3g", "6-31g"])
def test_one_electron_integrals_are_those_of_pennylane(name: str) -> None:
    from pennylane.qchem import core_matrix, overlap_matrix

    molecule = molecule_of_pennylane(WATER, name)

    ours = atomic_integrals(WATER, name)

    np.testing.assert_allclose(ours.overlap, overlap_matrix(molecule.basis_set)(), atol=1e-8)
    expected = core_matrix(molecule.basis_set, molecule.nuclear_charges, molecule.coordinates)()
    np.testing.assert_allclose(ours.core, expected, atol=1e-7)


def test_repulsion_is_that_of_pennylane() -> None:
    from pennylane.qchem import repulsion_integral

    functions = molecule_of_pennylane(WATER, "sto-3g").basis_set
    ours = atomic_integrals(WATER, "sto-3g").repulsion
    rng = np.random.default_rng(3)

    for p, q, r, s in [(2, 3, 4, 2), (1, 5, 3, 6), *rng.integers(0, 7, (20, 4)).tolist()]:
        expected = repulsion_integral(
            functions[p], functions[q], functions[r], functions[s], normalize=False
        )()
        assert ours[p, q, r, s] == pytest.approx(float(expected), abs=1e-8)


def test_basis_sets_are_those_of_pennylane() -> None:
    from pennylane.qchem.basis_set import atom_basis_data

    for name in basis.names():
        for symbol in ("H", "He", "Li", "C", "O", "Ne"):
            theirs = atom_basis_data(name, symbol)
            ours = [
                (powers, list(shell.exponents), list(shell.coefficients))
                for shell in basis.shells(name, symbol)
                for powers in basis.DIRECTIONS[shell.momentum]
            ]
            assert sorted(map(str, ours)) == sorted(map(str, theirs)), (name, symbol)


REPULSIONS = {
    (0, 0): (4.821848127, 4.821848127),
    (0, 5): (0.739875644, 0.006398877),
    (4, 7): (0.759536601, 0.078192263),
    (11, 12): (0.507178203, 0.069304083),
    (15, 20): (0.355263456, 0.026612589),
    (23, 23): (0.332830260, 0.332830260),
}
"""(kk|mm) and (km|km) of orbitals without repulsion, by PySCF 2.14.0 with the data of the Basis Set
Exchange 0.12, as the energies below."""


def test_integrals_over_d_functions_are_those_of_pyscf() -> None:
    atomic = atomic_integrals(WATER, "cc-pvdz")

    energies, orbitals = eigh(atomic.core, atomic.overlap)

    np.testing.assert_allclose(np.diagonal(atomic.overlap), 1.0, atol=1e-12)
    assert energies[:4] == pytest.approx(
        [-33.105344371, -8.991017365, -8.794808544, -8.570671551], abs=1e-8
    )
    assert energies[14:18] == pytest.approx(
        [-2.987455307, -2.945449047, -2.685602592, -2.636307521], abs=1e-8
    )
    for (k, m), expected in REPULSIONS.items():
        one, other = orbitals[:, k], orbitals[:, m]
        field = np.einsum("pqrs,r,s->pq", atomic.repulsion, other, other)
        exchange = np.einsum("pqrs,q,r->ps", atomic.repulsion, other, one)
        assert (one @ field @ one, one @ exchange @ other) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("symbol", "distance", "hartree_fock", "exact"),
    [("H", 0.74, -1.1287000936, -1.1633744903), ("Ne", 0.0, -128.4887755518, None)],
)
def test_energies_of_cc_pvdz_are_those_of_pyscf(
    symbol: str, distance: float, hartree_fock: float, exact: float | None
) -> None:
    """That of neon is published, too: -128.488776 hartree."""
    pair: Geometry = ((symbol, (0, 0, 0)), (symbol, (0, 0, distance)))
    active = {} if exact else {"active_electrons": 2, "active_orbitals": 2}

    made = integrals(pair[: 2 if distance else 1], "cc-pvdz", **active)

    assert made.hartree_fock == pytest.approx(hartree_fock, abs=1e-8)
    if exact is not None:
        lowest = np.linalg.eigvalsh(Hamiltonian.of(made).dense())[0]
        assert lowest == pytest.approx(exact, abs=1e-8)


def test_two_protons_attract_an_electron_as_the_closed_form_says() -> None:
    """<g|1/|r - R||g> = erf(sqrt(2 a) R) / R of a normalised Gaussian exp(-a r^2)."""
    name, distance = "sto-3g", 1.3
    shell = basis.shells(name, "H")[0]
    atomic = atomic_integrals((("H", (0, 0, 0)), ("H", (0, 0, distance * BOHR_ANGSTROM))), name)
    a = np.array(shell.exponents)
    weights = np.array(shell.coefficients) * (2 * a / pi) ** 0.75
    sums = a[:, None] + a
    products = weights[:, None] * weights * (pi / sums) ** 1.5
    near = np.sum(products * 2 * np.sqrt(sums / pi))
    far = np.sum(products * erf(np.sqrt(sums) * distance) / distance)
    kinetic = np.sum(products * 3 * a[:, None] * a / sums)

    assert atomic.core[0, 0] == pytest.approx(kinetic - near - far, abs=1e-8)


@pytest.mark.parametrize(
    ("molecule", "length", "hartree_fock", "exact"),
    [("H2", 0.74, -1.116759, -1.137284), ("LiH", 1.546, -7.863134, -7.882762)],
)
def test_energies_are_those_of_pyscf(
    molecule: str, length: float, hartree_fock: float, exact: float
) -> None:
    made = integrals(geometry_of(molecule, length))

    assert made.hartree_fock == pytest.approx(hartree_fock, abs=1e-6)
    lowest = np.linalg.eigvalsh(Hamiltonian.of(made).dense())[0]
    assert lowest == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    ("molecule", "length", "charge", "multiplicity", "energy"),
    [
        ("H2O", 0.96, 0, 1, -74.963319),
        ("BH", 1.23, 0, 1, -24.752827),
        ("BH", 1.23, 1, 2, -24.522149),
        ("H2O", 0.96, 0, 3, -74.581849),
        ("N2", 1.1, 1, 2, -106.962511),
        ("CH4", 1.09, 0, 1, -39.726700),
    ],
)
def test_open_and_closed_shells_are_those_of_pyscf(
    molecule: str, length: float, charge: int, multiplicity: int, energy: float
) -> None:
    geometry = geometry_of(molecule, length)

    made = integrals(geometry, charge=charge, multiplicity=multiplicity)

    assert made.hartree_fock == pytest.approx(energy, abs=2e-6)
    assert made.recomputed_hartree_fock() == pytest.approx(made.hartree_fock, abs=1e-9)


def test_frozen_electrons_stay_as_hartree_fock_has_them() -> None:
    geometry = geometry_of("LiH", 1.546)
    whole = integrals(geometry)

    active = integrals(geometry, active_electrons=2, active_orbitals=4)

    assert (active.n_core, active.n_orbitals, active.n_alpha) == (1, 4, 1)
    assert active.hartree_fock == pytest.approx(whole.hartree_fock, abs=1e-10)
    assert active.recomputed_hartree_fock() == pytest.approx(whole.hartree_fock, abs=1e-9)
    exact, restricted = (
        np.linalg.eigvalsh(Hamiltonian.of(each).dense())[0] for each in (whole, active)
    )
    assert exact < restricted < whole.hartree_fock


def test_integrals_are_those_of_pennylanes_orbitals_up_to_signs() -> None:
    from pennylane.qchem import electron_integrals

    geometry = geometry_of("H2", 0.74)
    core, one, two = electron_integrals(molecule_of_pennylane(geometry, "sto-3g"))()

    made = integrals(geometry)

    assert made.core_energy == pytest.approx(core.item(), abs=1e-8)
    np.testing.assert_allclose(made.h, one, atol=1e-7)
    np.testing.assert_allclose(made.eri, two.transpose(0, 3, 1, 2), atol=1e-7)


@pytest.mark.parametrize("name", NAMED)
def test_every_named_molecule_has_a_minimum_of_hartree_fock(name: str) -> None:
    made = integrals(geometry_of(name, 1.4), charge=NAMED[name].charge)

    assert made.recomputed_hartree_fock() == pytest.approx(made.hartree_fock, abs=1e-9)


def test_nuclei_too_near_for_the_basis_are_refused() -> None:
    with pytest.raises(NoOrbitals, match="nuclei further apart, or a smaller"):
        integrals((("C", (0, 0, 0)), ("C", (0, 0, 0.1))), "6-311g")


def test_orbitals_of_a_rotated_molecule_have_the_same_energy() -> None:
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turned = tuple((symbol, tuple((turn @ point).tolist())) for symbol, point in WATER)

    energies = [integrals(each, "6-31g").hartree_fock for each in (WATER, turned)]

    assert energies[1] == pytest.approx(energies[0], abs=1e-9)
