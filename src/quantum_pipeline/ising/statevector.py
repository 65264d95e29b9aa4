"""QAOA on the exact state vector: energy and exact gradient, with numpy alone.

    |psi> = prod_k exp(-i beta_k B) exp(-i gamma_k C) |+>^n,    B = sum_i X_i,    C = diag(cost)

Both operators are diagonal, C as it stands and B in the Hadamard basis (entry n - 2 popcount), so a
layer is a phase, a Walsh-Hadamard transform, a phase, and the transform back. The transform takes
four qubits at a time as a real matrix product, which BLAS does at the speed of the memory.

A warm start tilts qubit i: it begins in cos(t/2)|0> + sin(t/2)|1> instead of |+>, and its mixer is
the Pauli matrix of which that is the eigenstate +1, X sin t + Z cos t, diagonal in the basis that
replaces Hadamard's; t = pi/2 is the plain case. Source: Egger, Marecek, Woerner, arXiv:2009.10095.

Amplitude k belongs to the bitstring that is k in binary, variable 0 first, as in ``ising``.
This module knows nothing of problems, units or optimisers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, pi, sqrt
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

    def quantile(self, probabilities: Real, alpha: float) -> float:
        """Return the least value q with P(D <= q) >= alpha, for probabilities of shape (2^n,)."""
        values: NDArray[Any] = self._table
        masses: NDArray[Any] = probabilities
        if self._index is None:
            order = np.argsort(self.values)
            values, masses = self.values[order], masses[order]
        else:
            masses = np.bincount(self._index, weights=masses)
        below = np.cumsum(masses)
        # A mass that falls short by rounding alone is enough.
        return float(values[np.searchsorted(below, alpha * below[-1] * (1 - 1e-12))])


def matrix_element(values: NDArray[Any], bra: Complex, ket: Complex) -> complex:
    """Return <bra|diag(values)|ket>."""
    blocks = _blocks(values.size)
    return complex(sum(np.vdot(values[at] * bra[at], ket[at]) for at in blocks))


def mean_and_deviation(values: Real, weights: Real) -> tuple[float, float]:
    """Return mean and standard deviation of values with weights: counts or probabilities."""
    total = weights.sum()
    mean = float(values @ weights / total)
    squares = (float((values[at] - mean) ** 2 @ weights[at]) for at in _blocks(values.size))
    return mean, sqrt(sum(squares) / total)


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
    """The QAOA circuit of one cost diagonal C, measured in C, or in another diagonal observable.

    ``cost`` and ``observable`` have shape (2^n,). ``tilts`` are the warm start's angles t, one a
    qubit. Angles of the circuit have shape (2, depth): gammas, then betas.

    Memory: five vectors of 2^n complex numbers; two states, two to transform into, and less than
    one for both diagonals.
    """

    def __init__(
        self, cost: Real, observable: Real | None = None, *, tilts: Sequence[float] | None = None
    ) -> None:
        self.n_qubits = cost.size.bit_length() - 1
        self.cost = Diagonal(cost)
        self._outcomes = self.cost if observable is None else Diagonal(observable)
        self.observable = self._outcomes.values
        ones = np.bitwise_count(np.arange(cost.size, dtype=np.uint32)).astype(np.int8)
        self._mixer = Diagonal(np.int8(self.n_qubits) - 2 * ones)
        self._states = np.empty((2, cost.size), dtype=np.complex128)
        self._spare = np.empty_like(self._states)
        self._bases = [_basis(tilt) for tilt in tilts or [pi / 2] * self.n_qubits]
        groups = np.array_split(range(self.n_qubits), ceil(self.n_qubits / GROUP))
        *self._high, low = [_kron([self._bases[i] for i in group]) for group in groups]
        # The last qubits lie next to the pairs (real, imaginary), which must not mix.
        self._low = np.kron(low, np.eye(2))

    def state(self, angles: Real) -> Complex:
        """Return |psi>, shape (2^n,); valid until the next call. Cost: O(depth n 2^n)."""
        self._states[0] = _kron([basis[0] for basis in self._bases])
        for gamma, beta in angles.T:
            self.cost.apply_phase(gamma, self._states[:1])
            self._transform(1)
            self._mixer.apply_phase(beta, self._states[:1])
            self._transform(1)
        psi: Complex = self._states[0]
        return psi

    def probabilities(self, angles: Real) -> Real:
        """Return the probability of each bitstring, shape (2^n,)."""
        psi = self.state(angles)
        probabilities: Real = psi.real**2
        probabilities += psi.imag**2
        return probabilities

    def energy(self, angles: Real) -> float:
        """Return <psi|O|psi> of the observable O: the cost, unless another was given."""
        psi = self.state(angles)
        return matrix_element(self.observable, psi, psi).real

    def energy_and_gradient(self, angles: Real) -> tuple[float, Real]:
        """Return <psi|O|psi> and its derivatives, shape (2, depth), at about three times the cost.

        With |lambda> = O|psi> and both walked back through the circuit, behind each gate
        exp(-i angle D) the derivative is 2 Re <lambda|(-i D)|psi> = 2 Im <lambda|D|psi>.
        Source: Jones, Gacon, arXiv:2009.02823.
        """
        self.state(angles)
        return self._value_and_gradient(angles, self.observable)

    def tail_and_gradient(self, angles: Real, alpha: float) -> tuple[float, Real]:
        """Return CVaR, the mean of O over the lowest ``alpha`` of the probability, and derivatives.

            CVaR = max_q <q - max(q - O, 0) / alpha>,    0 < alpha <= 1

        The best q is the alpha-quantile of O. At a maximum a small change of q changes nothing, so
        the gradient is that of the mean at this q.
        Source: Barkoutsos et al., arXiv:1907.04769; Rockafellar, Uryasev, J. Risk 2, 21 (2000).
        """
        tail = self._tail(self.probabilities(angles), alpha)
        return self._value_and_gradient(angles, tail)

    def tail(self, probabilities: Real, alpha: float) -> float:
        """Return CVaR alone, of probabilities of shape (2^n,), as ``tail_and_gradient`` has it."""
        return mean_and_deviation(self._tail(probabilities, alpha), probabilities)[0]

    def _tail(self, probabilities: Real, alpha: float) -> Real:
        quantile = self._outcomes.quantile(probabilities, alpha)
        return quantile - np.maximum(quantile - self.observable, 0) / alpha

    def _value_and_gradient(self, angles: Real, observable: Real) -> tuple[float, Real]:
        psi = self._states[0]
        np.multiply(observable, psi, out=self._states[1])
        value = matrix_element(observable, psi, psi).real
        gradient = np.empty_like(angles)
        for layer in reversed(range(angles.shape[1])):
            self._transform(2)
            gradient[1, layer] = self._undo(self._mixer, angles[1, layer])
            self._transform(2)
            gradient[0, layer] = self._undo(self.cost, angles[0, layer])
        return value, gradient

    def _undo(self, operator: Diagonal, angle: float) -> float:
        psi, bra = self._states
        derivative = 2 * matrix_element(operator.values, bra, psi).imag
        operator.apply_phase(-angle, self._states)
        return derivative

    def _transform(self, rows: int) -> None:
        """Apply its basis, its own inverse, to every qubit of the first ``rows`` states."""
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


def _basis(tilt: float) -> Real:
    """Return the eigenvectors of X sin t + Z cos t, which are Hadamard's at t = pi/2."""
    c, s = np.cos(tilt / 2), np.sin(tilt / 2)
    return np.array([[c, s], [s, -c]])


def _kron(factors: Sequence[Real]) -> Real:
    product: NDArray[Any] = np.ones(1)
    for factor in factors:
        product = np.kron(product, factor)
    return product
