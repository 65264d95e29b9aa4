"""Full configuration interaction: a molecule's lowest energies in its sector, by diagonalisation.

The sector has states of the least spin that its unpaired electrons allow, and of all higher ones.
Where the lowest of all is not of the least spin, a multiple of  S_- S_+ = S^2 - S_z (S_z + 1)  is
added, which raises every other one and leaves those of the least spin as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh

from hybrid_job.molecules.ansatz import Real
from quantum_pipeline.chemistry.sector import Sector

DENSE = 128
"""Largest sector whose matrix is diagonalised whole, where Lanczos would be little faster."""

RESIDUAL, VECTORS = 1e-8, 40
"""Of Lanczos: the residual over the energy, whose error has its square, and the vectors it keeps.

Atoms far apart have many states of nearly one energy, among which it takes long to decide.
"""

PURE = 1e-5
"""Difference of <S^2> from s (s + 1) that is rounding."""

PENALTY = 0.5
"""Hartree of S_- S_+ that are tried first; four times as many each next time."""


class Exact(NamedTuple):
    """Lowest energies in hartree: of the least spin, and of any spin."""

    energy: float
    ground: float


def exact_energies(matrix: csr_array, sector: Sector) -> Exact:
    """Return full configuration interaction's energies in the sector.

    Cost: Lanczos steps of O(elements of the matrix), some 50; again for each penalty.
    """
    ground, state = _lowest(matrix)
    target, source, sign = sector.raising()
    raising = csr_array((sign, (target, source)), shape=(1 + target.max(initial=0), len(state)))
    energy, weight = ground, PENALTY
    while sector.spin_squared(state) - sector.least_spin_squared > PURE:
        _, state = _lowest((matrix + weight * (raising.T @ raising)).tocsr())
        energy = float(state @ (matrix @ state))
        weight *= 4
    return Exact(energy, ground)


def _lowest(matrix: csr_array) -> tuple[float, Real]:
    n = matrix.shape[0]
    if n <= DENSE:
        values, vectors = np.linalg.eigh(matrix.toarray())
        return float(values[0]), vectors[:, 0]
    start = np.random.default_rng(0).normal(size=n)  # of every symmetry, and the same each time
    values, vectors = eigsh(matrix, k=1, which="SA", v0=start, tol=RESIDUAL, ncv=min(n, VECTORS))
    return float(values[0]), vectors[:, 0]
