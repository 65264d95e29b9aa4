"""The integrals over active orbitals, of a geometry or of integrals that were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hybrid_job.molecules.gaussians import AtomicIntegrals, Real, atomic_integrals
from hybrid_job.molecules.hartree_fock import hartree_fock
from hybrid_job.molecules.restricted import RestrictedEnergy
from hybrid_job.molecules.starting_orbitals import starting_orbitals
from quantum_pipeline.chemistry.active_space import ActiveSpace, active_space
from quantum_pipeline.chemistry.integrals import Integrals, OrbitalIntegrals
from quantum_pipeline.chemistry.molecules import Geometry, nuclear_repulsion
from quantum_pipeline.problems import Chemistry


def integrals(
    geometry: Geometry,
    basis: str = "sto-3g",
    *,
    charge: int = 0,
    multiplicity: int = 1,
    active_electrons: int | None = None,
    active_orbitals: int | None = None,
) -> Integrals:
    """Return the integrals of a molecule over Hartree-Fock orbitals, in hartree.

    Args:
        geometry: elements and positions in angstrom.
        basis: one of ``quantum_pipeline.chemistry.basis.names``.
        charge: of the molecule.
        multiplicity: 1 + number of unpaired electrons, which occupy the highest filled orbitals.
        active_electrons: those not frozen in the lowest orbitals; None is all.
        active_orbitals: those that they may occupy, from the lowest; None is all.

    Raises:
        ValueError: the molecule has no such active space.
        NoOrbitals: Hartree-Fock has none for this geometry.
    """
    space = active_space(
        geometry,
        basis,
        charge=charge,
        multiplicity=multiplicity,
        active_electrons=active_electrons,
        active_orbitals=active_orbitals,
    )
    return integrals_and_orbitals(geometry, basis, space)[0]


def integrals_and_orbitals(
    geometry: Geometry, basis: str, space: ActiveSpace, near: Real | None = None
) -> tuple[Integrals, Real]:
    """Return the integrals over an active space, and all orbitals, shape (n, n).

    Args:
        geometry: elements and positions in angstrom.
        basis: as for ``integrals``.
        space: the electrons and orbitals that stay free.
        near: orbitals of the same molecule at a neighbouring length, one more start.

    Raises:
        NoOrbitals: Hartree-Fock has none for this geometry.
    """
    atomic = atomic_integrals(geometry, basis)
    starts = starting_orbitals(geometry, basis, atomic, near)
    return _over_active(atomic, nuclear_repulsion(geometry), space, starts)


def integrals_at(
    problem: Chemistry, length: float | None, near: Real | None = None
) -> tuple[Integrals, Real]:
    """Return integrals and orbitals of a problem, at one of its lengths if it has any.

    Raises:
        NoOrbitals: Hartree-Fock has none.
    """
    given = problem.integrals
    if given is None:
        assert problem.basis is not None
        return integrals_and_orbitals(
            problem.geometry_at(length), problem.basis, problem.space, near
        )
    atomic = AtomicIntegrals(np.eye(given.n_orbitals), given.h, given.eri)
    starts = _given_starts(atomic, given, problem.n_electrons)
    return _over_active(atomic, given.core_energy, problem.space, starts)


def _given_starts(
    atomic: AtomicIntegrals, given: OrbitalIntegrals, n_electrons: int
) -> Iterator[Real]:
    """Yield the orbitals as they were given; those without repulsion, and in an even density."""
    even = np.eye(given.n_orbitals) * n_electrons / (2 * given.n_orbitals)
    yield np.eye(given.n_orbitals)
    yield np.linalg.eigh(RestrictedEnergy(atomic, 0, 0).focks(np.array([even, even]))[0])[1]
    yield np.linalg.eigh(atomic.core)[1]


def _over_active(
    atomic: AtomicIntegrals, repulsion: float, space: ActiveSpace, starts: Iterable[Real]
) -> tuple[Integrals, Real]:
    """Return the integrals over the active ones of Hartree-Fock's orbitals, and all of these."""
    n_alpha, n_beta = space.n_core + space.n_alpha, space.n_core + space.n_beta
    orbitals = hartree_fock(atomic, n_alpha, n_beta, starts)
    core_energy, one, two = over_orbitals(atomic, orbitals.coefficients, space)
    made = Integrals.of(
        one,
        two,
        n_alpha=space.n_alpha,
        n_beta=space.n_beta,
        n_core=space.n_core,
        nuclear_repulsion=repulsion,
        core_energy=repulsion + core_energy,
        hartree_fock=repulsion + orbitals.energy,
    )
    return made, orbitals.coefficients


def over_orbitals(
    atomic: AtomicIntegrals, coefficients: Real, space: ActiveSpace
) -> tuple[float, Real, Real]:
    """Return the frozen electrons' energy, and h_pq and (pq|rs) of the active orbitals.

    h_pq = core_pq + sum_i (2 (pq|ii) - (pi|iq)),  i over the frozen orbitals
    """
    used = coefficients[:, : space.n_core + space.n_orbitals]
    frozen, active = np.split(used, [space.n_core], axis=1)
    density = 2 * frozen @ frozen.T
    field = np.einsum("pqrs,rs->pq", atomic.repulsion, density)
    field -= 0.5 * np.einsum("prqs,rs->pq", atomic.repulsion, density)
    energy = float(np.sum(density * (atomic.core + 0.5 * field)))
    c = active
    two = np.einsum("pqrs,pi,qj,rk,sl->ijkl", atomic.repulsion, c, c, c, c, optimize=True)
    return energy, c.T @ (atomic.core + field) @ c, two
