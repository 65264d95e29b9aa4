"""Hartree-Fock orbitals: restricted, for closed shells and for unpaired electrons of one spin.

From each start the orbitals are iterated to self-consistency with DIIS (Pulay, J. Comput. Chem. 3,
556), which takes a few cheap steps near equilibrium and may go nowhere at stretched bonds. What it
comes to is led on downhill until it is a minimum, see ``orbital_descent``. From there other minima
are looked for, and the lowest is kept. Energy and orbitals belong together: the energy is computed
from the orbitals that are returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from hybrid_job.molecules.gaussians import AtomicIntegrals
from hybrid_job.molecules.orbital_descent import STEPS, descend
from hybrid_job.molecules.restricted import Determinant, Real, RestrictedEnergy

ITERATIONS = 25
"""Steps of DIIS, before Newton's method takes over."""

REMEMBERED = 8
"""Fock matrices that DIIS combines."""

TOLERANCE = 1e-6
"""Largest element of the commutator of Fock and density matrix at which DIIS leaves off."""

DISTINCT = 1e-7
"""Hartree by which an energy is lower rather than the same."""

PROBES, MORE_PROBES = 4, 20
"""Random orbitals to descend from, always and where there is more than one minimum."""

EXPLORED = 4
"""The lowest minima, whose orbitals are exchanged."""

SEARCHED = 400
"""Most rotations of orbitals for which more minima are looked for: each step is O(rotations^3)."""

DEPENDENT = 1e-7
"""Eigenvalue of the overlap below which functions cannot be told apart in double precision."""


class NoOrbitals(ValueError):
    """Hartree-Fock has no orbitals for this geometry; the message says why, and what to do."""


class Orbitals(NamedTuple):
    """Molecular orbitals as columns, and the energy without the nuclei's.

    The doubly occupied ones come first, then those singly and not occupied, each by rising energy.
    """

    coefficients: Real
    energy: float


def hartree_fock(
    atomic: AtomicIntegrals, n_alpha: int, n_beta: int, starts: Iterable[Real]
) -> Orbitals:
    """Return the orbitals of the lowest minimum found from ``starts``, and from there on.

    Raises:
        NoOrbitals: no start leads to a minimum, or the basis functions are nearly dependent.
    """
    if np.linalg.eigvalsh(atomic.overlap)[0] < DEPENDENT:
        raise NoOrbitals(
            "basis functions can hardly be told apart: take nuclei further apart, or a smaller "
            "problem.basis"
        )
    energy = RestrictedEnergy(atomic, n_alpha, n_beta)
    minima = _Minima(energy)
    minima.settle(starts)
    if not minima.found:
        raise NoOrbitals(
            f"Hartree-Fock is at no minimum after {STEPS} steps: take another length or "
            "problem.basis"
        )
    if len(energy.pairs[0]) <= SEARCHED:
        minima.search()
    return _canonical(energy, minima.found[0])


class _Minima:
    """The minima found so far, each energy once, the lowest first.

    Near equilibrium there mostly is one, wherever the orbitals start. Along a stretched bond there
    are many, and what symmetry or a rough Fock matrix suggest need not lead to the lowest.
    """

    def __init__(self, energy: RestrictedEnergy) -> None:
        self.energy = energy
        self.found: list[Determinant] = []

    def settle(self, starts: Iterable[Real]) -> None:
        """Add the minimum below what each start comes to by itself, of one energy once."""
        known: list[float] = []
        for start in starts:
            end, settled = _self_consistent(self.energy, start)
            if settled and any(abs(end.energy - each) < DISTINCT for each in known):
                continue
            if settled:
                known.append(end.energy)
            self._add(end)

    def search(self) -> None:
        """Add those below some random orbitals, and below exchanges out of the lowest ones.

        As soon as there are two minima, there may be more: then more random orbitals are tried.
        """
        rng, explored = np.random.default_rng(0), list[float]()
        self._probe(rng, PROBES)
        self._explore(explored)
        if len(self.found) > 1:
            self._probe(rng, MORE_PROBES)
            self._explore(explored)

    def _add(self, start: Determinant) -> None:
        end = descend(self.energy, start)
        if end and all(abs(end.energy - each.energy) >= DISTINCT for each in self.found):
            self.found = sorted([*self.found, end], key=lambda each: each.energy)

    def _probe(self, rng: np.random.Generator, times: int) -> None:
        values, vectors = np.linalg.eigh(self.energy.atomic.overlap)
        orthonormal = vectors / np.sqrt(values) @ vectors.T
        for _ in range(times):
            turn = np.linalg.qr(rng.normal(size=orthonormal.shape))[0]
            self._add(self.energy.of(orthonormal @ turn))

    def _explore(self, explored: list[float]) -> None:
        """Exchange orbitals of the lowest minima, as long as these are not explored yet."""
        while True:
            left = [each for each in self.found[:EXPLORED] if each.energy not in explored]
            if not left:
                return
            explored.append(left[0].energy)
            orbitals = _canonical(self.energy, left[0]).coefficients
            for exchanged in _exchanges(orbitals, self.energy.shells):
                self._add(self.energy.of(exchanged))


def _self_consistent(energy: RestrictedEnergy, start: Real) -> tuple[Determinant, bool]:
    """Return the end of the iterations and True, or of ``ITERATIONS`` the lowest and False."""
    focks: list[Real] = []
    errors: list[Real] = []
    here = lowest = energy.of(start)
    overlap = energy.atomic.overlap
    for _ in range(ITERATIONS):
        joined = energy.joined_fock(here)
        error = joined @ here.densities.sum(axis=0) @ overlap
        focks, errors = [*focks, joined][-REMEMBERED:], [*errors, error - error.T][-REMEMBERED:]
        if np.abs(errors[-1]).max() < TOLERANCE:
            return here, True
        here = energy.of(eigh(_extrapolated(focks, errors), overlap)[1])
        lowest = min(lowest, here, key=lambda each: each.energy)
    return lowest, False


def _extrapolated(focks: list[Real], errors: list[Real]) -> Real:
    """Return the combination of Fock matrices of least combined error, of weights summing to 1."""
    n = len(focks)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = [[np.sum(a * b) for b in errors] for a in errors]
    system[:n, :n] /= max(system[n - 1, n - 1], 1e-300)
    system[n, :n] = system[:n, n] = 1.0
    weights = np.linalg.lstsq(system, np.eye(n + 1)[n], rcond=1e-14)[0][:n]
    return sum((w * fock for w, fock in zip(weights, focks, strict=True)), np.zeros_like(focks[0]))


def _exchanges(coefficients: Real, shells: Iterable[slice]) -> Iterator[Real]:
    """Yield the orbitals with one of a shell's last two and a later shell's first two exchanged."""
    orbitals = np.arange(coefficients.shape[1])
    for fuller, emptier in combinations([orbitals[shell] for shell in shells], 2):
        for i, a in product(fuller[-2:], emptier[:2]):
            order = orbitals.copy()
            order[[i, a]] = a, i
            yield coefficients[:, order]


def _canonical(energy: RestrictedEnergy, determinant: Determinant) -> Orbitals:
    """Return orbitals that diagonalise the Fock matrix within each shell, where they stay.

    Diagonalised as a whole, it may put an empty orbital below an occupied one: another determinant.
    Each has its largest coefficient positive: signs then are the same.
    """
    coefficients, joined = determinant.coefficients, energy.joined_fock(determinant)
    turned = [
        shell @ np.linalg.eigh(shell.T @ joined @ shell)[1]
        for shell in (coefficients[:, each] for each in energy.shells)
    ]
    whole = np.concatenate(turned, axis=1)
    largest = np.argmax(np.abs(whole).round(8), axis=0)
    signed = whole * np.sign(whole[largest, np.arange(len(whole))])
    return Orbitals(signed, energy.of(signed).energy)
