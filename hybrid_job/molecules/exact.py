"""Full configuration interaction: a molecule's lowest energy in its sector, by diagonalisation."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh

DENSE = 64
"""Largest sector whose matrix is diagonalised whole, which is then faster than Lanczos."""


def lowest_eigenvalue(matrix: csr_array) -> float:
    """Return the ground state's energy: full configuration interaction in the sector."""
    n = matrix.shape[0]
    if n <= DENSE:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])
    start = np.random.default_rng(0).normal(size=n)  # of every symmetry, and the same each time
    return float(eigsh(matrix, k=1, which="SA", v0=start, return_eigenvectors=False)[0])
