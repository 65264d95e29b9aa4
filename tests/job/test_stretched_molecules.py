"""Hartree-Fock and exact energies where bonds are long, spins are low and symmetry misleads.

The energies are PySCF 2.14's, STO-3G: the lowest of four guesses, each taken on by second-order
steps until it is stable; and full configuration interaction of the spin that is asked for.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from hybrid_job.molecules.ansatz import sparse
from hybrid_job.molecules.exact import Exact, exact_energies
from hybrid_job.molecules.gaussians import atomic_integrals
from hybrid_job.molecules.integrals import integrals
from hybrid_job.molecules.orbital_descent import descend
from hybrid_job.molecules.restricted import Real, RestrictedEnergy
from hybrid_job.molecules.starting_orbitals import atomic_density, starting_orbitals
from quantum_pipeline.chemistry import verification
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian
from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.molecules import Geometry, geometry_of
from quantum_pipeline.chemistry.sector import Sector
from tests.unit.finished_molecule import prepared_molecule, solved_molecule


def rectangle(a: float, b: float) -> Geometry:
    corners = (0.0, 0.0, 0.0), (a, 0.0, 0.0), (a, b, 0.0), (0.0, b, 0.0)
    return tuple(("H", corner) for corner in corners)


def atom(symbol: str) -> Geometry:
    return ((symbol, (0.0, 0.0, 0.0)),)


SQUARE = rectangle(1.34, 1.34)


def exact_of(made: Integrals) -> Exact:
    return exact_energies(sparse(Hamiltonian.of(made)), Sector.of(made))


@pytest.mark.parametrize(
    ("molecule", "length", "ion", "hartree_fock", "exact"),
    [
        ("HF", 1.8, (0, 1), -98.311229, -98.479444),
        ("HF", 2.2, (0, 1), -98.210618, -98.459049),
        ("HF", 3.0, (0, 1), -98.116040, -98.453298),
        ("HF", 2.2, (1, 2), -98.015098, -98.035286),
        ("LiH", 6.0, (0, 1), -7.566710, -7.782429),
        ("LiH", 8.0, (0, 1), -7.552859, -7.782418),
        ("LiH", 3.0, (0, 3), -7.779559, -7.779872),
        ("H4", 4.5, (0, 1), -1.211096, -1.866329),
        ("H4", 5.5, (0, 1), -1.188055, -1.866327),
        ("H4", 5.0, (1, 2), -1.172530, -1.399905),
        ("H6", 5.0, (1, 2), -1.797365, -2.333087),
        ("HCl", 4.5, (0, 1), -454.751329, -455.008777),
        ("BeH2", 5.0, (0, 1), -14.924282, -15.336821),
        ("H2", 12.0, (0, 1), -0.567910, -0.933164),
    ],
)
def test_stretched_bonds_have_the_energies_of_pyscf(
    molecule: str, length: float, ion: tuple[int, int], hartree_fock: float, exact: float
) -> None:
    charge, multiplicity = ion
    made = integrals(geometry_of(molecule, length), charge=charge, multiplicity=multiplicity)

    assert made.hartree_fock == pytest.approx(hartree_fock, abs=1e-6)
    assert made.recomputed_hartree_fock() == pytest.approx(made.hartree_fock, abs=1e-9)
    assert exact_of(made).energy == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize(
    ("molecule", "length", "multiplicity", "hartree_fock"),
    [
        ("CO", 4.0, 1, -110.752002),
        ("CO", 4.5, 1, -110.751731),
        ("CO", 2.5, 3, -110.897971),
        ("CH4", 3.5, 1, -38.277816),
        ("N2", 2.0, 1, -107.067295),
    ],
)
def test_larger_stretched_molecules_are_as_low_as_pyscf_has_them(
    molecule: str, length: float, multiplicity: int, hartree_fock: float
) -> None:
    made = integrals(
        geometry_of(molecule, length),
        multiplicity=multiplicity,
        active_electrons=4,
        active_orbitals=4,
    )

    assert made.hartree_fock == pytest.approx(hartree_fock, abs=1e-6)
    assert made.recomputed_hartree_fock() == pytest.approx(made.hartree_fock, abs=1e-9)


@pytest.mark.parametrize(
    ("geometry", "hartree_fock", "exact"),
    [
        (SQUARE, -1.759147, -1.969012),
        (rectangle(1.34, 1.3), -1.786794, -1.971867),
        (rectangle(1.1, 1.1), -1.782551, -1.951594),
    ],
)
def test_energies_depend_neither_on_the_order_of_atoms_nor_on_where_they_lie(
    geometry: Geometry, hartree_fock: float, exact: float
) -> None:
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turned = tuple((symbol, tuple((turn @ point + 0.3).tolist())) for symbol, point in geometry)
    for order in permutations((1, 2, 3)):
        made = integrals((turned[0], *(turned[k] for k in order)))
        assert made.hartree_fock == pytest.approx(hartree_fock, abs=1e-6)
        assert exact_of(made).energy == pytest.approx(exact, abs=1e-6)


def test_the_search_for_amplitudes_does_not_depend_on_the_order_of_atoms_either() -> None:
    for order in ((0, 1, 2, 3), (0, 2, 1, 3)):
        square = {"geometry": [[SQUARE[k][0], list(SQUARE[k][1])] for k in order]}
        result = solved_molecule(prepared_molecule(square))
        assert result.lowest.energy == pytest.approx(-1.966524, abs=1e-5)


@pytest.mark.parametrize(
    ("geometry", "multiplicity", "asked", "exact", "ground"),
    [
        (atom("C"), 1, {}, -37.146190, -37.218734),
        (atom("C"), 3, {}, -37.218734, -37.218734),
        (rectangle(1.34, 1.34), 3, {}, -1.938204, -1.938204),
        (
            (("O", (0.0, 0.0, 0.0)), ("O", (0.0, 0.0, 1.2075))),
            1,
            {"active_electrons": 8, "active_orbitals": 6},
            -147.688231,
            -147.723930,
        ),
    ],
)
def test_the_exact_energy_is_of_the_spin_that_is_asked_for(
    geometry: Geometry, multiplicity: int, asked: dict[str, Any], exact: float, ground: float
) -> None:
    made = integrals(geometry, multiplicity=multiplicity, **asked)

    for found in (exact_of(made), recomputed(made)):
        assert found == pytest.approx((exact, ground), abs=1e-6)


def test_lanczos_finds_the_asked_spin_where_another_is_lower() -> None:
    made = integrals((("N", (0.0, 0.0, 0.0)), ("H", (0.0, 0.0, 1.04))))  # NH's ground is a triplet
    assert Sector.of(made).dimension > 128

    assert exact_of(made) == pytest.approx(recomputed(made), abs=1e-8)
    assert exact_of(made).ground < exact_of(made).energy - 0.05


def recomputed(made: Integrals) -> tuple[float, float]:
    """Return the exact energies as the pipeline computes them again."""
    exact, ground = verification.exact_energies(made)
    return exact.value, ground.value


def restricted(geometry: Geometry, multiplicity: int) -> tuple[RestrictedEnergy, Real]:
    """Return the energy of a molecule, and orbitals at no stationary point of it."""
    atomic = atomic_integrals(geometry, "sto-3g")
    electrons = sum({"H": 1, "Li": 3, "O": 8}[symbol] for symbol, _ in geometry)
    n_alpha = (electrons + multiplicity - 1) // 2
    energy = RestrictedEnergy(atomic, n_alpha, electrons - n_alpha)
    start = next(starting_orbitals(geometry, "sto-3g", atomic))
    angles = np.random.default_rng(7).normal(scale=0.3, size=len(energy.pairs[0]))
    return energy, energy.rotated(start, angles)


@pytest.mark.parametrize("multiplicity", [1, 3])
def test_derivatives_along_rotations_are_those_of_finite_differences(multiplicity: int) -> None:
    energy, orbitals = restricted(geometry_of("H2O", 1.1), multiplicity)
    gradient, hessian = energy.derivatives(energy.of(orbitals))
    step, rng = 1e-3, np.random.default_rng(8)
    for _ in range(5):
        along = rng.normal(size=len(gradient))
        along /= np.linalg.norm(along)
        behind, here, ahead = (
            energy.of(energy.rotated(orbitals, k * step * along)).energy for k in (-1, 0, 1)
        )
        assert (ahead - behind) / (2 * step) == pytest.approx(gradient @ along, abs=1e-5)
        curvature = (ahead - 2 * here + behind) / step**2
        assert curvature == pytest.approx(along @ hessian @ along, abs=1e-4)


def test_descent_leaves_a_stationary_point_that_is_no_minimum() -> None:
    """Both electrons of H2 in the antibonding orbital: no slope by symmetry, and far too high."""
    energy, _ = restricted(geometry_of("H2", 0.5), 1)
    overlap = energy.atomic.overlap[0, 1]
    bonding, antibonding = np.array([1, 1]), np.array([1, -1])
    columns = antibonding / np.sqrt(2 - 2 * overlap), bonding / np.sqrt(2 + 2 * overlap)
    start = energy.of(np.array(columns).T)
    assert np.abs(energy.derivatives(start)[0]).max() < 1e-9

    end = descend(energy, start)

    assert end is not None
    assert end.energy == pytest.approx(energy.of(np.array(columns[::-1]).T).energy, abs=1e-9)
    assert np.linalg.eigvalsh(energy.derivatives(end)[1])[0] > 0


def test_atomic_densities_have_the_electrons_of_the_atom_and_are_spherical() -> None:
    density = atomic_density("O", "6-31g")
    overlap = atomic_integrals(atom("O"), "6-31g").overlap
    assert 2 * np.sum(density * overlap) == pytest.approx(8.0, abs=1e-9)
    x, y, z = ([k, k + 4] for k in (2, 3, 4))  # 2p after 1s and 2s, 3p after 3s
    np.testing.assert_allclose(density[np.ix_(x, x)], density[np.ix_(y, y)], atol=1e-9)
    np.testing.assert_allclose(density[np.ix_(x, x)], density[np.ix_(z, z)], atol=1e-9)
    np.testing.assert_allclose(density[np.ix_(x, [0, 1, 5, *y, *z])], 0, atol=1e-9)
