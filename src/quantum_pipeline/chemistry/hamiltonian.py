"""The Hamiltonian in the determinants of a sector, by the Slater-Condon rules.

Every determinant couples to as many others as any other does: to n singles and doubles of each spin
and to pairs of one single each. So a row has a fixed width and is written down without a search:

    same determinant         <D|H|D>, see ``Integrals.determinant_energy``
    q -> p                   sign (h_pq + sum_r n_r (pq|rr) - sum_r,same spin n_r (pr|rq))
    q -> p, s -> r           sign ((pq|rs) - (ps|rq)), the second term for equal spins alone

Source: Szabo, Ostlund, Modern Quantum Chemistry, tables 2.3 and 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.sector import Index, Real, Sector, Strings, move

NEGLIGIBLE = 1e-12
"""Matrix elements, in hartree, that are zero by symmetry but for rounding; they are left out."""

BLOCK = 2**20
"""Matrix elements computed at once."""

BYTES = 12
"""Bytes of one element that is kept: its value and its column."""


def row_width(sector: Sector) -> int:
    """Return the number of matrix elements in each row, those that vanish by symmetry included."""
    n = sector.n_orbitals
    singles = [k * (n - k) for k in (sector.n_alpha, sector.n_beta)]
    doubles = [comb(k, 2) * comb(n - k, 2) for k in (sector.n_alpha, sector.n_beta)]
    return 1 + sum(singles) + sum(doubles) + singles[0] * singles[1]


def memory_bytes(sector: Sector) -> int:
    """Return the most memory that ``Hamiltonian.of`` takes, before anything is allocated.

    >>> memory_bytes(Sector(6, 2, 2)) < 10**8
    True
    """
    return 2 * BYTES * sector.dimension * row_width(sector) + 4 * 8 * BLOCK


class _Couplings(NamedTuple):
    """The strings that a string of one spin couples to: targets and signs, (strings, count)."""

    target: Index
    sign: Index
    create: Index
    annihilate: Index


def _singles(strings: Strings) -> _Couplings:
    q = np.repeat(strings.occupied, strings.empty.shape[1], axis=1)
    p = np.tile(strings.empty, (1, strings.occupied.shape[1]))
    masks, sign = move(strings.masks[:, None], p, q)
    return _Couplings(strings.index(masks), sign, p, q)


def _doubles(strings: Strings, integrals: Integrals) -> tuple[Index, Real]:
    """Return the targets of double excitations and their matrix elements, (strings, count)."""
    holes = _pairs(strings.occupied)
    particles = _pairs(strings.empty)
    q, s = (np.repeat(each, particles[0].shape[1], axis=1) for each in holes)
    p, r = (np.tile(each, (1, holes[0].shape[1])) for each in particles)
    masks, first = move(strings.masks[:, None], p, q)
    masks, second = move(masks, r, s)
    values = integrals.eri[p, q, r, s] - integrals.eri[p, s, r, q]
    return strings.index(masks), first * second * values


def _pairs(columns: Index) -> tuple[Index, Index]:
    chosen = np.array(list(combinations(range(columns.shape[1]), 2)), dtype=np.int64).reshape(-1, 2)
    return columns[:, chosen[:, 0]], columns[:, chosen[:, 1]]


class Rows:
    """The rows of the matrix, computed block by block from tables of each spin."""

    def __init__(self, integrals: Integrals, sector: Sector | None = None) -> None:
        self.sector = sector or Sector.of(integrals)
        self.integrals = integrals
        alpha, beta, eri = self.sector.alpha, self.sector.beta, integrals.eri
        self._alpha, self._beta = _singles(alpha), _singles(beta)
        self._alpha_doubles = _doubles(alpha, integrals)
        self._beta_doubles = _doubles(beta, integrals)
        self._coulomb = np.einsum("pqrr->pqr", eri)
        self._own = self._coulomb - np.einsum("prrq->pqr", eri)

    def blocks(self) -> Iterator[tuple[Index, Real]]:
        """Yield columns and elements of successive rows, both of shape (rows, ``row_width``).

        The first column of each row is the diagonal. Cost: O(dimension * row_width) in all.
        """
        per_string = row_width(self.sector) * len(self.sector.beta)
        step = max(1, BLOCK // per_string)
        for start in range(0, len(self.sector.alpha), step):
            yield self._block(np.arange(start, min(start + step, len(self.sector.alpha))))

    def _block(self, rows: Index) -> tuple[Index, Real]:
        alpha, beta = self.sector.alpha, self.sector.beta
        a, b, n_beta = _Couplings(*(each[rows] for each in self._alpha)), self._beta, len(beta)
        up, down = alpha.occupations[rows], beta.occupations
        home, every = rows[:, None, None] * n_beta, np.arange(n_beta)[None, :, None]
        shape = (len(rows), n_beta)

        diagonal = self.integrals.determinant_energy(up, down)[:, :, None]
        single_a = self._single(a, up)[:, None, :] + self._field(a, down)
        single_b = self._single(b, down) + self._field(b, up).swapaxes(0, 1)
        double_a, double_b = self._alpha_doubles, self._beta_doubles
        both = self.integrals.eri[
            a.create[:, None, :, None], a.annihilate[:, None, :, None],
            b.create[None, :, None, :], b.annihilate[None, :, None, :],
        ]  # fmt: skip
        signs = a.sign[:, None, :, None] * b.sign[None, :, None, :]
        goal = a.target[:, None, :, None] * n_beta + b.target[None, :, None, :]

        columns = [
            home + every,
            a.target[:, None, :] * n_beta + every,
            home + b.target,
            double_a[0][rows][:, None, :] * n_beta + every,
            home + double_b[0],
            goal.reshape(*shape, -1),
        ]
        values = [
            diagonal,
            a.sign[:, None, :] * single_a,
            b.sign * single_b,
            double_a[1][rows][:, None, :],
            double_b[1],
            (signs * both).reshape(*shape, -1),
        ]
        return _joined(columns, shape), _joined(values, shape)

    def _single(self, single: _Couplings, occupations: Real) -> Real:
        """Return h_pq and the field of the electrons of the same spin, (strings, singles)."""
        p, q = single.create, single.annihilate
        field = np.einsum("ijr,ir->ij", self._own[p, q], occupations)
        total: Real = self.integrals.h[p, q] + field
        return total

    def _field(self, single: _Couplings, others: Real) -> Real:
        """Return the field of the electrons of the other spin, (strings, others, singles)."""
        field: Real = np.einsum(
            "ijr,kr->ikj", self._coulomb[single.create, single.annihilate], others
        )
        return field


def _joined(parts: list[NDArray[Any]], shape: tuple[int, int]) -> NDArray[Any]:
    whole = [np.broadcast_to(each, (*shape, each.shape[-1])) for each in parts]
    joined: NDArray[Any] = np.concatenate(whole, axis=-1)
    return joined.reshape(shape[0] * shape[1], -1)


@dataclass(frozen=True)
class Hamiltonian:
    """The matrix in compressed sparse rows, as scipy.sparse.csr_array takes them.

    Row k has ``data[indptr[k]:indptr[k + 1]]`` at columns ``indices[...]``; its first is the
    diagonal.
    """

    data: Real
    indices: NDArray[np.int32]
    indptr: Index

    @classmethod
    def of(cls, integrals: Integrals, sector: Sector | None = None) -> Hamiltonian:
        """Return the matrix of a molecule. Cost and memory: see ``Rows`` and ``memory_bytes``."""
        data, indices, counts = [], [], []
        for columns, values in Rows(integrals, sector).blocks():
            kept = np.abs(values) > NEGLIGIBLE
            kept[:, 0] = True
            data.append(values[kept])
            indices.append(columns[kept].astype(np.int32))
            counts.append(kept.sum(axis=1))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
        return cls(np.concatenate(data), np.concatenate(indices), indptr)

    @property
    def dimension(self) -> int:
        """Number of determinants."""
        return len(self.indptr) - 1

    @property
    def diagonal(self) -> Real:
        """Energies of the determinants."""
        return self.data[self.indptr[:-1]]

    def product(self, state: Real) -> Real:
        """Return H psi, shape (dimension,)."""
        product: Real = np.add.reduceat(self.data * state[self.indices], self.indptr[:-1])
        return product

    def dense(self) -> Real:
        """Return the full matrix, shape (dimension, dimension)."""
        matrix = np.zeros((self.dimension, self.dimension))
        rows = np.repeat(np.arange(self.dimension), np.diff(self.indptr))
        matrix[rows, self.indices] = self.data
        return matrix


def energy_of(integrals: Integrals, state: Real) -> float:
    """Return <psi|H|psi> / <psi|psi> without keeping the matrix: for what others claim.

    ``state`` has one amplitude per determinant of ``Sector.of(integrals)``.
    """
    applied = [
        np.einsum("ij,ij->i", values, state[columns])
        for columns, values in Rows(integrals).blocks()
    ]
    return float(state @ np.concatenate(applied) / (state @ state))
