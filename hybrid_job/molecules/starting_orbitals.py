"""Where Hartree-Fock starts: orbitals of a rough Fock matrix, or of a neighbouring geometry."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy.linalg import block_diag, eigh

from hybrid_job.molecules.gaussians import AtomicIntegrals, atomic_integrals
from hybrid_job.molecules.restricted import Real, RestrictedEnergy
from quantum_pipeline.chemistry.basis import HARMONICS, shells
from quantum_pipeline.chemistry.molecules import Geometry, nuclear_charge

ATOMIC_SHELLS = (0, 0, 1, 0, 1)
"""Angular momenta of 1s, 2s, 2p, 3s and 3p, in the order in which atoms fill them."""

_EMPTY: Real = np.zeros(0)

ATOMIC_STEPS, SETTLED = 50, 1e-4
"""An atom's density is a start only: it need not be exact."""


def starting_orbitals(
    geometry: Geometry, basis: str, atomic: AtomicIntegrals, near: Real | None = None
) -> Iterator[Real]:
    """Yield orbitals to start from, each of shape (n, n).

    Those of electrons without repulsion; of Wolfsberg and Helmholz, 1.75 S_ij (h_ii + h_jj) / 2,
    which keeps them nearer to their nuclei; in the field of the densities of the atoms; and
    ``near``, those of the same molecule at a neighbouring length, made orthonormal here.
    """
    diagonal = np.diagonal(atomic.core)
    helmholz = 0.875 * atomic.overlap * (diagonal[:, None] + diagonal)
    np.fill_diagonal(helmholz, diagonal)
    density = block_diag(*(atomic_density(symbol, basis) for symbol, _ in geometry))
    atoms = RestrictedEnergy(atomic, 0, 0).focks(np.array([density, density]))[0]
    for fock in (atoms, helmholz, atomic.core):
        yield eigh(fock, atomic.overlap)[1]
    if near is not None:
        values, vectors = np.linalg.eigh(near.T @ atomic.overlap @ near)
        yield near @ (vectors / np.sqrt(values)) @ vectors.T


@cache
def atomic_density(symbol: str, basis: str) -> Real:
    """Return the density of half an atom's electrons, spherical: its shells are filled evenly.

    So the Fock matrix mixes neither s, p and d nor their directions, of which one stands for all.
    """
    atomic = atomic_integrals(((symbol, (0.0, 0.0, 0.0)),), basis)
    energy, filling = RestrictedEnergy(atomic, 0, 0), _filling(symbol)
    density = np.zeros_like(atomic.core)
    for _ in range(ATOMIC_STEPS):
        fock, filled = energy.focks(np.array([density, density]))[0], np.zeros_like(density)
        for momentum, directions in _functions(symbol, basis).items():
            block, electrons = np.ix_(directions[0], directions[0]), filling.get(momentum, _EMPTY)
            orbitals = eigh(fock[block], atomic.overlap[block])[1][:, : len(electrons)]
            electrons = electrons[: orbitals.shape[1]]
            for each in directions:
                filled[np.ix_(each, each)] = (orbitals * electrons) @ orbitals.T
        if np.abs(density - filled).max() < SETTLED:
            return filled
        density = (density + filled) / 2
    return density


def _functions(symbol: str, basis: str) -> dict[int, list[list[int]]]:
    """Return the places of an atom's functions, by angular momentum and direction."""
    places: dict[int, list[list[int]]] = {}
    count = itertools.count()
    for shell in shells(basis, symbol):
        directions = places.setdefault(shell.momentum, [[] for _ in HARMONICS[shell.momentum]])
        for each in directions:
            each.append(next(count))
    return places


def _filling(symbol: str) -> dict[int, Real]:
    """Return the electrons of one spin in each orbital of one direction, by angular momentum."""
    left, filling = nuclear_charge(symbol), dict[int, list[float]]()
    for momentum in ATOMIC_SHELLS:
        orbitals = 2 * momentum + 1
        electrons = min(left, 2 * orbitals)
        filling.setdefault(momentum, []).append(electrons / 2 / orbitals)
        left -= electrons
    return {momentum: np.array(electrons) for momentum, electrons in filling.items()}
