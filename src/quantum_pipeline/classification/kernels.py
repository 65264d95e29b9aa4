"""How much two rows are alike: by the overlap of their states, or by what single qubits show.

    fidelity    K(x, y) = |<x|y>|^2
    projected   K(x, y) = exp(-gamma sum_k |r_k(x) - r_k(y)|^2), r_k the Bloch vector of qubit k

Source: V. Havlicek et al., Nature 567, 209 (2019); H.-Y. Huang et al., Nat. Commun. 12, 2631
(2021), whose squared distance of density matrices is half of that of Bloch vectors.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.encodings import Encoding, Rows

Kernel = Literal["fidelity", "projected"]
Real = NDArray[np.float64]


def fidelities(encoding: Encoding, rows: Rows) -> Real:
    """Return |<x|y>|^2 of all pairs of rows: symmetric, and 1 of each row with itself, exactly.

        |<x|y>|^2 = (Re x . Re y + Im x . Im y)^2 + (Re x . Im y - Im x . Re y)^2

    Args:
        encoding: circuit of n qubits.
        rows: shape (n_rows, n), with the bandwidth in them.

    Cost: that of the states, each once, and O(n_rows^2 * 2^n) in BLAS.
    """
    parts = encoding.parts(rows)
    flat = parts.reshape(len(rows), -1)
    overlaps = flat @ flat.T
    found: Real = overlaps**2
    if parts.shape[1] == 2:
        crossed = parts[:, 0] @ parts[:, 1].T
        found += (crossed - crossed.T) ** 2
    np.minimum(found, 1.0, out=found)
    np.fill_diagonal(found, 1.0)
    return found


def bloch_vectors(encoding: Encoding, rows: Rows) -> Real:
    """Return <X_k>, <Y_k> and <Z_k> of each row's qubits, shape (n_rows, 3 n), qubit by qubit.

    Cost: that of the states, and O(n_rows * 2^n * n).
    """
    parts = encoding.parts(rows)
    found = np.zeros((len(rows), encoding.n_qubits, 3))
    for qubit in range(encoding.n_qubits):
        split = parts.reshape(*parts.shape[:2], 2**qubit, 2, -1)
        zero, one = split[:, :, :, 0], split[:, :, :, 1]
        found[:, qubit, 0] = 2 * np.einsum("rpab,rpab->r", zero, one)
        if parts.shape[1] == 2:
            left = np.einsum("rab,rab->r", zero[:, 0], one[:, 1])
            found[:, qubit, 1] = 2 * (left - np.einsum("rab,rab->r", zero[:, 1], one[:, 0]))
        found[:, qubit, 2] = np.einsum("rpab,rpab->r", zero, zero)
        found[:, qubit, 2] -= np.einsum("rpab,rpab->r", one, one)
    return found.reshape(len(rows), -1)


def distances(points: Real) -> Real:
    """Return the squared distances of all pairs of rows: symmetric, 0 on the diagonal, exactly.

    exp(-gamma distances) is the projected kernel of Bloch vectors, the RBF kernel of other points.
    """
    squares = np.einsum("rk,rk->r", points, points)
    found: Real = squares[:, None] + squares - 2 * (points @ points.T)
    np.maximum(found, 0.0, out=found)
    np.fill_diagonal(found, 0.0)
    return found
