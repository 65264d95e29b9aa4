"""Energy and exact gradient of a product of excitations, among the determinants of a sector.

    |psi> = prod_k exp(theta_k A_k) |HF>,    A = T - T+,    see ``chemistry.excitations``

Each factor is a rotation in pairs of determinants, so that a state costs O(dimension) per factor at
most and the gradient three times as much: with |lambda> = H|psi> and both walked back through the
product, behind factor k the derivative is 2 <lambda|A_k|psi> (Jones, Gacon, arXiv:2009.02823).
All numbers are real. In numpy alone: a sector is small enough that compiling would not pay.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from quantum_pipeline.chemistry.excitations import Rotation
from quantum_pipeline.chemistry.hamiltonian import Hamiltonian

Real = NDArray[np.float64]
Index = NDArray[np.int64]


def sparse(hamiltonian: Hamiltonian) -> csr_array:
    """Return the matrix in the form that scipy multiplies and diagonalises."""
    parts = hamiltonian.data, hamiltonian.indices, hamiltonian.indptr
    return csr_array(parts, shape=(hamiltonian.dimension, hamiltonian.dimension))


class Ansatz:
    """The product of ``rotations`` on determinant 0, measured by ``matrix``; it can grow."""

    def __init__(self, matrix: csr_array, rotations: Iterable[Rotation] = ()) -> None:
        self.matrix = matrix
        self.identity = 0
        """Tells the product from others: a checksum of its factors."""
        self._pairs: list[Index] = []
        self._signs: list[Real] = []
        for each in rotations:
            self.append(each)

    @property
    def n_parameters(self) -> int:
        """Number of factors."""
        return len(self._pairs)

    def append(self, last: Rotation) -> None:
        """Add a factor that acts after all others."""
        ends = last.source.tobytes() + last.target.tobytes()
        self.identity = zlib.crc32(ends, self.identity)
        self._pairs.append(np.array([last.source, last.target]))
        self._signs.append(last.sign)

    def state(self, parameters: Real) -> Real:
        """Return |psi>, shape (dimension,)."""
        states = np.zeros((1, self.matrix.shape[0]))
        states[0, 0] = 1.0
        for k, (cosine, sine) in enumerate(_cosines_and_sines(parameters)):
            self._rotate(states, k, cosine, sine)
        psi: Real = states[0]
        return psi

    def energy(self, parameters: Real) -> float:
        """Return <psi|H|psi> in hartree."""
        psi = self.state(parameters)
        return float(psi @ (self.matrix @ psi))

    def energy_and_gradient(self, parameters: Real) -> tuple[float, Real]:
        """Return <psi|H|psi> and its derivatives, shape (n_parameters,)."""
        psi = self.state(parameters)
        states = np.array([psi, self.matrix @ psi])
        energy = float(states[0] @ states[1])
        gradient = np.empty(self.n_parameters)
        turns = list(_cosines_and_sines(parameters))
        for k in reversed(range(self.n_parameters)):
            terms = _derivative(states[0], states[1], *self._pairs[k])
            gradient[k] = terms @ self._signs[k]
            cosine, sine = turns[k]
            self._rotate(states, k, cosine, -sine)
        return energy, gradient

    def _rotate(self, states: Real, k: int, cosine: float, sine: float) -> None:
        source, target = self._pairs[k]
        first, second = states[:, source], states[:, target]
        sines = sine * self._signs[k]
        states[:, source] = cosine * first - sines * second
        states[:, target] = cosine * second + sines * first


class Pool:
    """The excitations that may be appended to an ansatz: the derivative of each, at its angle 0."""

    def __init__(self, rotations: Iterable[Rotation]) -> None:
        self.rotations = list(rotations)
        self._source, self._target = (
            np.concatenate([each[k] for each in self.rotations]) for k in (0, 1)
        )
        self._sign = np.concatenate([each.sign for each in self.rotations])
        sizes = [len(each.sign) for each in self.rotations]
        self._starts = np.cumsum([0, *sizes[:-1]])

    def gradient(self, psi: Real, applied: Real) -> Real:
        """Return 2 <psi|H A_k|psi> for all k, with ``applied`` = H|psi>. Cost: O(all pairs)."""
        terms = self._sign * _derivative(psi, applied, self._source, self._target)
        gradient: Real = np.add.reduceat(terms, self._starts)
        return gradient


def _derivative(psi: Real, bra: Real, source: Index, target: Index) -> Real:
    """Return the terms of 2 <bra|A|psi>, but for their signs."""
    terms: Real = 2 * (bra[target] * psi[source] - bra[source] * psi[target])
    return terms


def _cosines_and_sines(parameters: Real) -> Iterable[tuple[float, float]]:
    return zip(np.cos(parameters).tolist(), np.sin(parameters).tolist(), strict=True)
