"""QAOA on the exact state vector: energy and exact gradient, with numpy alone.

    |psi> = prod_k exp(-i beta_k B) exp(-i gamma_k C) |+>^n,    B = sum_i X_i,    C = diag(cost)

Both operators are diagonal, C as it stands and B in the Hadamard basis (entry n - 2 popcount), so a
layer is a phase, a Walsh-Hadamard transform, a phase, and the transform back. The transform takes
four qubits at a time as a real matrix product, which BLAS does at the speed of the memory.

Amplitude k belongs to the bitstring that is k in binary, variable 0 first, as in ``ising``.
This module knows nothing of problems, units or optimisers.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

GROUP = 4
"""Qubits transformed at once: fewer cost more passes over the state, more cost arithmetic."""

PRODUCT = 2**18
"""Multiplications in one call of BLAS: as many as it does without starting threads, which gain
little here and stall one another when the machine does anything else."""

BLOCK = 2**13
"""Amplitudes per step of a phase: two states and their phases stay in the cache, and the inner
product within one thread of BLAS."""

DISTINCT = 2**12
"""Most values that are worth a table of phases."""


class Diagonal:
    """A real diagonal operator D, with a table of its values where they are few.

    ``values`` has shape (2^n,) and any real type; a small one takes less memory.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self._table, self._index = _distinct(values)

    def apply_phase(self, angle: float, states: Complex) -> None:
        """Multiply each row of ``states``, shape (rows, 2^n), by exp(-i angle D), in place."""
        table = _phases(angle * self._table)
        for block in _blocks(self.values.size):
            if self._index is None:
                states[:, block] *= _phases(angle * self.values[block])
            else:
                states[:, block] *= np.take(table, self._index[block])

    def matrix_element(self, bra: Complex, ket: Complex) -> complex:
        """Return <bra|D|ket>."""
        blocks = _blocks(self.values.size)
        return complex(sum(np.vdot(self.values[at] * bra[at], ket[at]) for at in blocks))


def _blocks(size: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]


def _phases(angles: Real) -> Complex:
    phases = np.empty(angles.shape, dtype=np.complex128)
    phases.real, phases.imag = np.cos(angles), -np.sin(angles)
    return phases


def _distinct(values: NDArray[Any]) -> tuple[Real, NDArray[np.uint16] | None]:
    table = np.unique(values[:BLOCK])
    if table.size <= DISTINCT:  # else the sort of them all is spared
        table = np.unique(values)
    if table.size > DISTINCT:
        return np.empty(0), None
    return table, np.searchsorted(table, values).astype(np.uint16)


class Qaoa:
    """The QAOA circuit of one cost diagonal.

    Memory: five vectors of 2^n complex numbers; two states, two to transform into, and less than
    one for both diagonals. Angles have shape (2, depth): gammas, then betas.
    """

    def __init__(self, cost: Real) -> None:
        self.n_qubits = cost.size.bit_length() - 1
        self.cost = Diagonal(cost)
        ones = np.bitwise_count(np.arange(cost.size, dtype=np.uint32)).astype(np.int8)
        self._mixer = Diagonal(np.int8(self.n_qubits) - 2 * ones)
        self._states = np.empty((2, cost.size), dtype=np.complex128)
        self._spare = np.empty_like(self._states)
        groups = np.array_split(range(self.n_qubits), ceil(self.n_qubits / GROUP))
        *self._high, low = [_hadamard(len(group)) for group in groups]
        # The last qubits lie next to the pairs (real, imaginary), which must not mix.
        self._low = np.kron(low, np.eye(2))

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,); valid until the next call. Cost: O(depth n 2^n)."""
        self._states[0] = 2.0 ** (-self.n_qubits / 2)
        for gamma, beta in angles.T:
            self.cost.apply_phase(gamma, self._states[:1])
            self._transform(1)
            self._mixer.apply_phase(beta, self._states[:1])
            self._transform(1)
        psi: Complex = self._states[0]
        return psi

    def energy(self, angles: Real) -> float:
        """Return <psi|C|psi>."""
        psi = self.state(angles)
        return self.cost.matrix_element(psi, psi).real

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|C|psi> and its derivatives, shape (2, depth), at about three times the cost.

        With |lambda> = C|psi> and both walked back through the circuit, behind each gate
        exp(-i angle D) the derivative is 2 Re <lambda|(-i D)|psi> = 2 Im <lambda|D|psi>.
        Source: Jones, Gacon, arXiv:2009.02823.
        """
        psi = self.state(angles)
        np.multiply(self.cost.values, psi, out=self._states[1])
        energy = self.cost.matrix_element(psi, psi).real
        gradient = np.empty_like(angles)
        for layer in reversed(range(angles.shape[1])):
            self._transform(2)
            gradient[1, layer] = self._undo(self._mixer, angles[1, layer])
            self._transform(2)
            gradient[0, layer] = self._undo(self.cost, angles[0, layer])
        return energy, gradient

    def _undo(self, operator: Diagonal, angle: float) -> float:
        psi, bra = self._states
        derivative = 2 * operator.matrix_element(bra, psi).imag
        operator.apply_phase(-angle, self._states)
        return derivative

    def _transform(self, rows: int) -> None:
        """Apply the Hadamard gate to every qubit of the first ``rows`` states."""
        source, target = self._states, self._spare
        below = 2 * self.cost.values.size  # real numbers under one step of the group's qubits
        for matrix in self._high:
            below //= len(matrix)
            columns = min(below, PRODUCT // matrix.size)
            shape = (-1, len(matrix), below // columns, columns)
            x, y = (_real(each[:rows], shape).swapaxes(1, 2) for each in (source, target))
            np.matmul(matrix, x, out=y)
            source, target = target, source
        pairs = 2 * self.cost.values.size // len(self._low)
        shape_low = (-1, min(pairs, PRODUCT // self._low.size), len(self._low))
        x, y = (_real(each[:rows], shape_low) for each in (source, target))
        np.matmul(x, self._low, out=y)
        self._states, self._spare = target, source


def _real(states: Complex, shape: tuple[int, ...]) -> Real:
    return states.view(np.float64).reshape(shape)


def _hadamard(n_qubits: int) -> Real:
    gate = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2)
    matrix = np.eye(1)
    for _ in range(n_qubits):
        matrix = np.kron(matrix, gate)
    return matrix
