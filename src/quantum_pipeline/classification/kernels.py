"""How much two rows are alike: by the overlap of their states, or by what single qubits show.

    fidelity    K(x, y) = |<x|y>|^2
    projected   K(x, y) = exp(-gamma sum_k |r_k(x) - r_k(y)|^2), r_k the Bloch vector of qubit k

Source: V. Havlicek et al., Nature 567, 209 (2019); H.-Y. Huang et al., Nat. Commun. 12, 2631
(2021), whose squared distance of density matrices is half of that of Bloch vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.encodings import Encoding, Rows

Kernel = Literal["fidelity", "projected"]
Real = NDArray[np.float64]

TOGETHER = 2**20
"""Amplitudes that are in memory together where not all need be."""


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


def fidelities_with(encoding: Encoding, rows: Rows, others: Rows) -> Real:
    """Return |<x|y>|^2 of rows with others, shape (n_rows, n_others).

    Cost: that of the states, and O(n_rows * n_others * 2^n) in BLAS; memory that of the others.
    """
    bras = encoding.parts(others)
    found = np.empty((len(rows), len(others)))
    for block in _blocks(len(rows), encoding):
        kets = encoding.parts(rows[block])
        found[block] = (kets.reshape(len(kets), -1) @ bras.reshape(len(bras), -1).T) ** 2
        if bras.shape[1] == 2:
            crossed = kets[:, 0] @ bras[:, 1].T - kets[:, 1] @ bras[:, 0].T
            found[block] += crossed**2
    return np.minimum(found, 1.0, out=found)


def bloch_vectors(encoding: Encoding, rows: Rows) -> Real:
    """Return <X_k>, <Y_k> and <Z_k> of each row's qubits, shape (n_rows, 3 n), qubit by qubit.

    Cost: that of the states, and O(n_rows * 2^n * n).
    """
    found = np.empty((len(rows), encoding.n_qubits, 3))
    for block in _blocks(len(rows), encoding):
        parts = encoding.parts(rows[block])
        for qubit in range(encoding.n_qubits):
            found[block, qubit] = _bloch_vector(parts, qubit)
    return found.reshape(len(rows), -1)


def _bloch_vector(parts: Real, qubit: int) -> Real:
    """Return <X>, <Y> and <Z> of a qubit, shape (n_rows, 3), of states as parts."""
    split = parts.reshape(*parts.shape[:2], 2**qubit, 2, -1)
    zero, one = split[:, :, :, 0], split[:, :, :, 1]
    x = 2 * np.einsum("rpab,rpab->r", zero, one)
    z = np.einsum("rpab,rpab->r", zero, zero) - np.einsum("rpab,rpab->r", one, one)
    y = np.zeros_like(x)
    if parts.shape[1] == 2:
        y = 2 * np.einsum("rab,rab->r", zero[:, 0], one[:, 1])
        y -= 2 * np.einsum("rab,rab->r", zero[:, 1], one[:, 0])
    return np.stack([x, y, z], axis=1)


def distances(points: Real) -> Real:
    """Return the squared distances of all pairs of rows: symmetric, 0 on the diagonal, exactly.

    exp(-gamma distances) is the projected kernel of Bloch vectors, the RBF kernel of other points.
    """
    found = distances_from(points, points)
    np.fill_diagonal(found, 0.0)
    return found


def distances_from(points: Real, others: Real) -> Real:
    """Return the squared distances of points from others, shape (n_points, n_others)."""
    squares, of_others = (np.einsum("rk,rk->r", each, each) for each in (points, others))
    found: Real = squares[:, None] + of_others - 2 * (points @ others.T)
    return np.maximum(found, 0.0, out=found)


def repaired(gram: Real) -> Real:
    """Return the kernel matrix that noise has left of one: positive, and 1 of each row with itself.

    Negative eigenvalues become 0, then each entry is divided by the roots of both its diagonals.

    Args:
        gram: symmetric, shape (n_rows, n_rows), with a diagonal of 1.

    Cost: O(n_rows^3).
    """
    values, vectors = np.linalg.eigh(gram)
    if values[0] >= 0:
        return gram
    clipped = (vectors * np.maximum(values, 0.0)) @ vectors.T
    roots = np.sqrt(np.diag(clipped))
    found: Real = clipped / np.outer(roots, roots)
    np.fill_diagonal(found, 1.0)
    return np.asarray((found + found.T) / 2)


def inverse_root(gram: Real) -> Real:
    """Return K^(-1/2) of a kernel matrix, on what of it is more than rounding.

    K(x, landmarks) K^(-1/2), K that of the landmarks, are features whose products are the kernel as
    far as landmarks know it. Source: C. Williams, M. Seeger, NIPS 13 (2000), Nystroem's method.
    """
    values, vectors = np.linalg.eigh(gram)
    kept = values > values[-1] * len(gram) * np.finfo(np.float64).eps
    found: Real = vectors[:, kept] / np.sqrt(values[kept]) @ vectors[:, kept].T
    return found


def _blocks(n_rows: int, encoding: Encoding) -> Iterator[slice]:
    """Yield rows whose states are in memory together."""
    size = max(1, TOGETHER >> encoding.n_qubits)
    return (slice(first, first + size) for first in range(0, n_rows, size))
