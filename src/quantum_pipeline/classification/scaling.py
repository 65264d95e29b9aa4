"""Numbers standardised and turned onto their principal components: fitted on trained rows alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import Scaling

Rows = NDArray[np.float64]


def fitted(rows: Rows, n_qubits: int) -> Scaling:
    """Return the scaling of encoded trained rows to a number of qubits."""
    raise NotImplementedError


def scaled(scaling: Scaling, rows: Rows) -> Rows:
    """Return scaled rows, shape (n_rows, n_qubits), each column about of mean 0 and deviation 1."""
    raise NotImplementedError
