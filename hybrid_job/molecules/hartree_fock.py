"""Hartree-Fock orbitals: restricted, for closed shells and for unpaired electrons of one spin.

    F C = S C e,    F_spin = core + J(D_alpha + D_beta) - K(D_spin)

One set of orbitals serves both spins. The two Fock matrices are joined so that at the minimum no
element is left between doubly, singly and not occupied orbitals (Roothaan, Rev. Mod. Phys. 32,
179); without unpaired electrons both are one. Iterated with DIIS (Pulay, J. Comput. Chem. 3, 556).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from hybrid_job.molecules.gaussians import AtomicIntegrals
from quantum_pipeline.errors import InvalidRequest

Real = NDArray[np.float64]

ITERATIONS = 300
REMEMBERED = 8
"""Fock matrices that DIIS combines."""

DISTINCT = 1e-7
"""Hartree by which an energy is lower rather than the same."""

DEPENDENT = 1e-7
"""Eigenvalue of the overlap below which functions cannot be told apart in double precision."""

TOLERANCE = 1e-9
"""Largest element left of the commutator of Fock and density matrix; the energy has its square."""


class Orbitals(NamedTuple):
    """Molecular orbitals by rising energy as columns, and the energy without the nuclei's."""

    coefficients: Real
    energy: float


def hartree_fock(atomic: AtomicIntegrals, n_alpha: int, n_beta: int) -> Orbitals:
    """Return the orbitals of lowest energy found.

    Iterations keep the symmetry of their start, so one alone may end above the ground state: there
    are the starts of ``_guesses``, and from the best end those with two orbitals exchanged across
    a border of occupation, as long as one of them leads lower.

    Raises:
        InvalidRequest: from no start it converges, or the basis functions are nearly dependent.
    """
    if np.linalg.eigvalsh(atomic.overlap)[0] < DEPENDENT:
        raise InvalidRequest.of("geometry", "as given", "nuclei further apart for this basis")

    def best_of(starts: Iterable[Real]) -> Orbitals | None:
        ends = [_iterate(atomic, n_alpha, n_beta, start) for start in starts]
        return min(filter(None, ends), key=lambda end: round(end.energy, 9), default=None)

    best = best_of(eigh(guess, atomic.overlap)[1] for guess in _guesses(atomic))
    if best is None:
        allowed = f"one where Hartree-Fock converges in {ITERATIONS} steps, which here it does not"
        raise InvalidRequest.of("geometry", "as given", allowed)
    while True:
        other = best_of(_exchanges(best.coefficients, {n_alpha, n_beta}))
        if other is None or not other.energy < best.energy - DISTINCT:
            return best
        best = other


def _exchanges(coefficients: Real, borders: Iterable[int]) -> Iterator[Real]:
    """Yield the orbitals with one of the last two before a border and one after it exchanged."""
    n = coefficients.shape[1]
    for border in sorted(borders):
        filled, empty = range(border)[-2:], range(n)[border : border + 2]
        for i, a in product(filled, empty):
            order = np.arange(n)
            order[[i, a]] = a, i
            yield coefficients[:, order]


def _guesses(atomic: AtomicIntegrals) -> list[Real]:
    """Return matrices to take the first orbitals from.

    Electrons without repulsion; and that of Wolfsberg and Helmholz, 1.75 S_ij (h_ii + h_jj) / 2,
    which keeps them nearer to their nuclei.
    """
    diagonal = np.diagonal(atomic.core)
    helmholz = 0.875 * atomic.overlap * (diagonal[:, None] + diagonal)
    np.fill_diagonal(helmholz, diagonal)
    return [helmholz, atomic.core]


def _iterate(
    atomic: AtomicIntegrals, n_alpha: int, n_beta: int, coefficients: Real
) -> Orbitals | None:
    focks: list[Real] = []
    errors: list[Real] = []
    for _ in range(ITERATIONS):
        up, down = (c @ c.T for c in (coefficients[:, :n_alpha], coefficients[:, :n_beta]))
        fock_up, fock_down = _fock(atomic, up, down)
        joined = _joined(fock_up, fock_down, up @ atomic.overlap, down @ atomic.overlap)
        error = joined @ (up + down) @ atomic.overlap
        focks, errors = [*focks, joined][-REMEMBERED:], [*errors, error - error.T][-REMEMBERED:]
        if np.abs(errors[-1]).max() < TOLERANCE:
            energy = 0.5 * np.sum((up + down) * atomic.core + up * fock_up + down * fock_down)
            return Orbitals(_canonical(joined, atomic.overlap), float(energy))
        coefficients = eigh(_extrapolated(focks, errors), atomic.overlap)[1]
    return None


def _fock(atomic: AtomicIntegrals, up: Real, down: Real) -> tuple[Real, Real]:
    coulomb = np.einsum("pqrs,rs->pq", atomic.repulsion, up + down)
    exchange = [np.einsum("prqs,rs->pq", atomic.repulsion, each) for each in (up, down)]
    return atomic.core + coulomb - exchange[0], atomic.core + coulomb - exchange[1]


def _joined(fock_up: Real, fock_down: Real, up: Real, down: Real) -> Real:
    """Return Roothaan's effective Fock matrix; ``up`` and ``down`` project on occupied orbitals.

    Between single and double occupation the spin-down matrix acts, between single and none the
    spin-up one, elsewhere their mean.
    """
    mean = (fock_up + fock_down) / 2
    double, single, none = down, up - down, np.eye(len(up)) - up
    half = sum(each.T @ mean @ each for each in (double, single, none)) / 2
    half = half + single.T @ fock_down @ double + single.T @ fock_up @ none
    half = half + none.T @ mean @ double
    joined: Real = half + half.T
    return joined


def _extrapolated(focks: list[Real], errors: list[Real]) -> Real:
    """Return the combination of Fock matrices of least combined error, of weights summing to 1."""
    n = len(focks)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = [[np.sum(a * b) for b in errors] for a in errors]
    system[:n, :n] /= max(system[n - 1, n - 1], 1e-300)
    system[n, :n] = system[:n, n] = 1.0
    weights = np.linalg.lstsq(system, np.eye(n + 1)[n], rcond=1e-14)[0][:n]
    return sum((w * fock for w, fock in zip(weights, focks, strict=True)), np.zeros_like(focks[0]))


def _canonical(fock: Real, overlap: Real) -> Real:
    """Return the orbitals, each with its largest coefficient positive: signs then are the same."""
    coefficients: Real = eigh(fock, overlap)[1]
    largest = np.argmax(np.abs(coefficients).round(8), axis=0)
    signed: Real = coefficients * np.sign(coefficients[largest, np.arange(len(fock))])
    return signed
