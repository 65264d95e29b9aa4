"""A row's numbers as a state of qubits: the circuits of kernels.

Conventions as everywhere: R_P(t) = exp(-i t P / 2), exp(-i t ZZ / 2); bit k of an index, from the
left, is qubit k. A layer of n qubits, x a row times the bandwidth, its gates in this order:

    angle        R_Y(x_k) on qubit k, then CZ on neighbours in a ring
    iqp          H on all, R_Z(x_k), then ZZ(x_j x_k) on neighbours in a ring
    reuploading  R_Y(x_k), R_Z(x_k), then CZ on neighbours in a ring

repeated ``depth`` times. Without entanglement the last part of a layer is left out. The ring of two
qubits is one pair, that of one none.

A layer turns each qubit by real numbers, then multiplies each amplitude by a phase. So real and
imaginary parts are arrays of their own; qubits are turned a few together, by a matrix of each row,
too small a one for BLAS to share among threads, which would change the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.quantities import Count, Flag

EncodingName = Literal["angle", "iqp", "reuploading"]
GateName = Literal["h", "ry", "rz", "cz", "zz"]

Rows = NDArray[np.float64]
Real = NDArray[np.float64]
States = NDArray[np.complex128]

BLOCK = 2**16
"""Amplitudes that are computed together: what stays in a processor's cache."""

TOGETHER = 5
"""Qubits that are turned together: matrices of 32 rows."""


class Gate(NamedTuple):
    """A gate on one or two qubits; ``angle`` in radians, 0 of those that have none."""

    name: GateName
    qubits: tuple[int, ...]
    angle: float = 0.0


class Encoding(BaseModel):
    """A circuit that a row becomes the angles of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: EncodingName
    n_qubits: Count
    depth: Count
    entangled: Flag = True

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The neighbours that gates join."""
        return ring(self.n_qubits) if self.entangled else []

    def gates(self, row: Rows) -> Iterator[Gate]:
        """Yield the gates that make a row's state of |0...0>; ``row`` has the bandwidth in it."""
        x = row.tolist()
        for _ in range(self.depth):
            for qubit, angle in enumerate(x):
                if self.name == "iqp":
                    yield Gate("h", (qubit,))
                else:
                    yield Gate("ry", (qubit,), angle)
                if self.name != "angle":
                    yield Gate("rz", (qubit,), angle)
            for j, k in self.pairs:
                yield Gate("zz", (j, k), x[j] * x[k]) if self.name == "iqp" else Gate("cz", (j, k))

    def states(self, rows: Rows) -> States:
        """Return the states of rows: shape (n_rows, 2^n), of rows of shape (n_rows, n).

        Cost: as of ``parts``.

        >>> Encoding(name="angle", n_qubits=1, depth=1).states(np.array([[np.pi]])).round(12)
        array([[0.+0.j, 1.+0.j]])
        """
        parts = self.parts(rows)
        return parts[:, 0] + (1j * parts[:, 1] if parts.shape[1] == 2 else 0j)

    def parts(self, rows: Rows) -> Real:
        """Return states as real and imaginary parts, shape (n_rows, 2, 2^n).

        Those of ``angle`` are real: shape (n_rows, 1, 2^n).

        Cost: O(n_rows * 2^n * n * depth); memory that of the result.
        """
        size = 2**self.n_qubits
        found = np.empty((len(rows), 1 if self.name == "angle" else 2, size))
        together = max(1, BLOCK // size)
        for first in range(0, len(rows), together):
            found[first : first + together] = self._block(rows[first : first + together])
        return found

    def _block(self, rows: Rows) -> Real:
        halves = rows / 2
        turns = np.stack([np.cos(halves), np.sin(halves)], axis=-1)
        phases = self._phases(halves)
        if self.name == "iqp":
            turns = np.broadcast_to(np.sqrt(0.5), (1, self.n_qubits, 2))
        states = _multiply(_product(turns)[:, None], phases)
        matrices = _matrices(turns, reflected=self.name == "iqp") if self.depth > 1 else []
        for _ in range(self.depth - 1):
            states = _multiply(_turned(states, matrices), phases)
        return states

    def _phases(self, halves: Real) -> Real:
        """Return what a layer multiplies amplitudes by, as parts: of ``angle`` signs alone."""
        signs = np.ones((1,) * (self.n_qubits + 1)) if self.name == "iqp" else self._signs()
        if self.name == "angle":
            return signs.reshape(1, 1, -1)
        joint = np.zeros_like(halves)
        if self.name == "iqp" and self.entangled:
            joint = 2 * halves * np.roll(halves, -1, axis=1)
        phases = _chain(halves, joint) * signs.reshape(1, -1)
        return np.stack([phases.real, phases.imag], axis=1)

    def _signs(self) -> Real:
        """Return the signs of CZ on all pairs, shape (1, 2, 2, ..)."""
        signs = np.ones((1,) + (2,) * self.n_qubits)
        for pair in self.pairs:
            signs[tuple(1 if axis - 1 in pair else slice(None) for axis in range(signs.ndim))] *= -1
        return signs


def overlap_gates(encoding: Encoding, x: Rows, y: Rows) -> Iterator[Gate]:
    """Yield the gates of U(y)^+ U(x): of |0...0> the share |<x|y>|^2 ends in all zeros.

    What ends U(x) and begins U(y)^+ is diagonal, so both are one: CZ on the same pairs undo each
    other, and rotations about Z and ZZ of x and y become one by the difference of their angles.
    """
    there, back = list(encoding.gates(x)), list(encoding.gates(y))
    first = 1 + max(k for k, gate in enumerate(there) if gate.name in ("h", "ry"))
    yield from there[:first]
    for one, other in zip(there[first:], back[first:], strict=True):
        if one.name != "cz":
            yield one._replace(angle=one.angle - other.angle)
    for gate in back[first - 1 :: -1]:
        yield gate._replace(angle=-gate.angle)


def ring(n_qubits: int) -> list[tuple[int, int]]:
    """Return the pairs of neighbours in a ring.

    >>> ring(1), ring(2), ring(3)
    ([], [(0, 1)], [(0, 1), (1, 2), (2, 0)])
    """
    pairs = [(k, k + 1) for k in range(n_qubits - 1)]
    return [*pairs, (n_qubits - 1, 0)] if n_qubits > 2 else pairs


def _product(turns: Real) -> Real:
    """Return the product over qubits of (cos, sin), shape (n_rows, 2^n)."""
    n_rows = len(turns)
    states = np.ones((n_rows, 1))
    for turn in turns.transpose(1, 0, 2)[::-1]:
        states = (turn[:, :, None] * states[:, None, :]).reshape(n_rows, -1)
    return states


def _chain(halves: Real, joint: Real) -> States:
    """Return exp(-i sum_k h_k z_k - i sum_k j_k z_k z_(k+1)), shape (n_rows, 2^n), in a ring.

    Built up from the last qubit, each time by what joins a qubit to its neighbour.
    """
    n_rows, n_qubits = halves.shape
    z = np.array([1.0, -1.0])
    phases: States = np.exp(-1j * halves[:, -1:] * z)
    for k in range(n_qubits - 2, -1, -1):
        angles = halves[:, k, None, None] * z[:, None] + joint[:, k, None, None] * np.outer(z, z)
        split = phases.reshape(n_rows, 1, 2, -1)
        phases = (np.exp(-1j * angles)[..., None] * split).reshape(n_rows, -1)
    if n_qubits > 2:
        closing = np.exp(-1j * joint[:, -1, None, None] * np.outer(z, z))
        phases = (closing[:, :, None] * phases.reshape(n_rows, 2, -1, 2)).reshape(n_rows, -1)
    return phases


def _matrices(turns: Real, *, reflected: bool) -> list[Real]:
    """Return what turns the qubits, a few together: the Kronecker product of their matrices.

    That of a qubit is R_Y, [[c, -s], [s, c]]; reflected [[c, s], [s, -c]], which is H at c = s.
    Each is of shape (n_rows, 2^m, 2^m) of m qubits.
    """
    c, s = turns[..., 0], turns[..., 1]
    rows = [c, s, s, -c] if reflected else [c, -s, s, c]
    single = np.stack(rows, axis=-1).reshape(*c.shape, 2, 2)
    return [
        reduce(_kron, single[:, first : first + TOGETHER].transpose(1, 0, 2, 3))
        for first in range(0, c.shape[1], TOGETHER)
    ]


def _kron(left: Real, right: Real) -> Real:
    size = left.shape[1] * right.shape[1]
    return (left[:, :, None, :, None] * right[:, None, :, None, :]).reshape(-1, size, size)


def _turned(states: Real, matrices: list[Real]) -> Real:
    """Return the states with each matrix applied to its qubits, from the left."""
    n_rows, n_parts, size = states.shape
    before = 1
    for matrix in matrices:
        width = matrix.shape[1]
        after = size // before // width
        slab = min(after, 2**TOGETHER)
        split = states.reshape(n_rows, n_parts, before, width, after // slab, slab)
        turned = matrix[:, None, None, None] @ split.transpose(0, 1, 2, 4, 3, 5)
        states = turned.transpose(0, 1, 2, 4, 3, 5).reshape(n_rows, n_parts, size)
        before *= width
    return states


def _multiply(states: Real, phases: Real) -> Real:
    """Return states times phases, both as parts."""
    if phases.shape[1] == 1:
        return states * phases
    cosine, sine = phases[:, 0], phases[:, 1]
    found = np.empty_like(phases)
    if states.shape[1] == 1:
        return np.multiply(states, phases, out=found)
    real, imaginary = states[:, 0], states[:, 1]
    np.subtract(real * cosine, imaginary * sine, out=found[:, 0])
    np.add(real * sine, imaginary * cosine, out=found[:, 1])
    return found
