"""The couplings of a model as sparse rows, which compiled loops read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from quantum_pipeline.ising import IsingModel

Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Where each spin's neighbours start, the neighbours, and their couplings."""


def couplings_of(model: IsingModel) -> csr_array:
    """Return J, symmetric, its diagonal 0, shape (n, n)."""
    couplings = np.array(model.couplings, dtype=np.float64).reshape(-1, 3)
    i, j = couplings[:, :2].T.astype(np.int64)
    values = np.append(couplings[:, 2], couplings[:, 2])
    n = model.n_variables
    return csr_array((values, (np.append(i, j), np.append(j, i))), shape=(n, n))


def rows_of(matrix: csr_array) -> Rows:
    """Return the rows of a symmetric matrix."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data
