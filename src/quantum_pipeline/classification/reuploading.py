"""A circuit whose layers take the row again and again, with what it says of a row.

Layer l of ``layers`` turns each qubit k by its component x_k of the scaled row, three angles each
affine in it, then couples neighbours; a closing layer, number ``layers``, only turns:

    angle_lkj = weights_lkj x_k + biases_lkj,    U_lk = R_Y(angle_lk2) R_Z(angle_lk1) R_Y(angle_lk0)
    |x> = U_L CZ U_(L-1) .. CZ U_0 |0...0>,      score_c = intercept_c + sum_k readout_ck <x|Z_k|x>

CZ is on neighbours in a ring (of two qubits one pair); without entanglement there is none, and a
score is a sum of functions of single components. Conventions as everywhere: R_P(t) = exp(-i t P /
2); bit k of an index, from the left, is qubit k.

All is in real arithmetic, element by element: a row's scores are the same, bit for bit, whichever
rows stand beside it.

Source: Perez-Salinas et al., Quantum 4, 226 (2020), whose rotations take three components each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import ReuploadingModel

Real = NDArray[np.float64]

AMPLITUDES = 2**20
"""Amplitudes that are kept at once: rows are taken in parts."""


class Parameters(NamedTuple):
    """The trained parameters: weights and biases of shape (layers + 1, n, 3), the readout's.

    ``readout`` has shape (n_scores, n), ``intercepts`` (n_scores,).
    """

    weights: Real
    biases: Real
    readout: Real
    intercepts: Real

    @classmethod
    def of(cls, model: ReuploadingModel) -> Parameters:
        """Return the parameters of a stored model."""
        shape = (model.layers + 1, model.n_qubits, 3)
        return cls(
            np.array(model.weights).reshape(shape),
            np.array(model.biases).reshape(shape),
            np.array(model.readout),
            np.array(model.intercepts),
        )

    def flat(self) -> Real:
        """Return all parameters as one vector."""
        return np.concatenate([each.ravel() for each in self])

    def moved(self, step: Real) -> Parameters:
        """Return the parameters with a vector added to them."""
        ends = np.cumsum([each.size for each in self])[:-1]
        parts = zip(self, np.split(step, ends), strict=True)
        return Parameters(*(each + part.reshape(each.shape) for each, part in parts))

    def angles(self, rows: Real) -> Real:
        """Return the angles of each row, shape (n_rows, layers + 1, n, 3)."""
        angles: Real = self.weights * rows[:, None, :, None] + self.biases
        return angles

    def scores(self, expectations: Real) -> Real:
        """Return the scores of rows, shape (n_rows, n_scores), of their <Z_k>."""
        scores: Real = (expectations[:, None, :] * self.readout).sum(axis=2) + self.intercepts
        return scores


def scores(model: ReuploadingModel, rows: Real) -> Real:
    """Return the scores of scaled rows, shape (n_rows, n_classes), of two classes (n_rows, 1).

    Cost: O(n_rows * layers * n * 2^n).
    """
    parameters, size = Parameters.of(model), max(1, AMPLITUDES >> model.n_qubits)
    parts = [rows[first : first + size] for first in range(0, len(rows), size)]
    found = [
        parameters.scores(expectations(parameters.angles(part), entangled=model.entangled))
        for part in parts
    ]
    return np.concatenate(found)


def expectations(angles: Real, *, entangled: bool) -> Real:
    """Return <Z_k>, shape (n_rows, n), of angles of shape (n_rows, layers + 1, n, 3)."""
    n = angles.shape[2]
    probabilities = (state(angles, entangled=entangled) ** 2).sum(axis=0)
    split = [probabilities.reshape(len(angles), 2**k, 2, -1).sum(axis=(1, 3)) for k in range(n)]
    return np.stack([each[:, 0] - each[:, 1] for each in split], axis=1)


def state(angles: Real, *, entangled: bool) -> Real:
    """Return the states of rows: real and imaginary parts, shape (2, n_rows, 2^n)."""
    n_rows, _, n, _ = angles.shape
    psi = np.zeros((2, n_rows, 2**n))
    psi[0, :, 0] = 1.0
    signs = ring_signs(n) if entangled else np.ones(2**n)
    for layer, turns in enumerate(rotations(angles).transpose(2, 3, 0, 1)):
        if layer:
            psi *= signs
        for k, turn in enumerate(turns):
            _turn(psi.reshape(2, n_rows, 2**k, 2, -1), turn[..., None, None])
    return psi


def rotations(angles: Real) -> Real:
    """Return the rotations of angles (.., 3): shape (4, ..), the parts of a and b in them.

    R_Y(t2) R_Z(t1) R_Y(t0) = [[a, -b*], [b, a*]],
    a = cos(t1/2) cos((t0+t2)/2) - i sin(t1/2) cos((t0-t2)/2),
    b = cos(t1/2) sin((t0+t2)/2) + i sin(t1/2) sin((t0-t2)/2)
    """
    first, middle, last = (np.ascontiguousarray(angles[..., j]) for j in range(3))
    half, total, difference = middle / 2, (first + last) / 2, (first - last) / 2
    cosine, sine = np.cos(half), np.sin(half)
    return np.stack(
        [
            cosine * np.cos(total),
            -sine * np.cos(difference),
            cosine * np.sin(total),
            sine * np.sin(difference),
        ]
    )


def ring_signs(n: int) -> Real:
    """Return what CZ on neighbours in a ring multiplies each of 2^n amplitudes by."""
    index = np.arange(2**n)
    bits = [index >> (n - 1 - k) & 1 for k in range(n)]
    pairs = {tuple(sorted((k, (k + 1) % n))) for k in range(n)} if n > 1 else set()
    signs = np.ones(2**n)
    for j, k in pairs:
        signs[(bits[j] & bits[k]) == 1] *= -1.0
    return signs


def _turn(psi: Real, turn: Real) -> None:
    """Turn the qubit of axis 3 of (2, n_rows, left, 2, right); ``turn`` has shape (4, n_rows)."""
    (x0, x1), (y0, y1) = psi[0].transpose(2, 0, 1, 3).copy(), psi[1].transpose(2, 0, 1, 3).copy()
    a, b, c, d = turn
    psi[0, :, :, 0] = a * x0 - b * y0 - c * x1 - d * y1
    psi[1, :, :, 0] = a * y0 + b * x0 - c * y1 + d * x1
    psi[0, :, :, 1] = c * x0 - d * y0 + a * x1 + b * y1
    psi[1, :, :, 1] = c * y0 + d * x0 + a * y1 - b * x1
