"""Factorises the Hamiltonian for measurement: few sums over occupations, each in its own orbitals.

    H = sum_k (c_k + sum_i f_ki n_ki + 1/2 sum_ij q_kij n_ki n_kj),    n_ki = n_ki,alpha + n_ki,beta

Group 0 is in the orbitals themselves, group k in those that diagonalise the symmetric matrix

    L_k = V_k + diag(d_k / w_k),    (pq|rs) = sum_k w_k V_k,pq V_k,rs    for p < q, r < s

of an eigenvector V_k of the exchange-like integrals, with d_k,p = sum_{r<s} (pp|rs) V_k,rs. With
O = sum_{p<q} L_pq (E_pq + E_qp) + sum_p L_pp n_p, w_k O^2 / 2 holds the integrals (pp|rs) too; what
it has of (pp|qq) more than the molecule is taken from group 0. The one-electron integrals h_pq of
p < q are a sum of the V_k, so each group measures its part of them with the same shots. That makes
1 + n (n - 1) / 2 groups, half of what the eigenvectors of all integrals make.

Every group conserves the numbers of alpha and of beta electrons, so that each shot shows them.

Source: W. Huggins et al., npj Quantum Inf. 7, 23 (2021), arXiv:1907.13117, with the freedom in
(pp|qq) used for fewer groups.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.sector import Real

NEGLIGIBLE = 1e-10
"""Exchange-like integrals, in hartree, that are rounding: together far below 1e-8 hartree."""


class Group(NamedTuple):
    """One k: row i of ``rotation`` has its orbital i in the molecule's, shape (n, n).

    ``linear`` has f, shape (n,), ``quadratic`` q, symmetric, shape (n, n); energies in hartree.
    """

    rotation: Real
    constant: float
    linear: Real
    quadratic: Real


def groups(integrals: Integrals) -> list[Group]:
    """Return the groups of a molecule, that of its own orbitals first. Cost: O(n^6).

    There are 1 + n (n - 1) / 2, fewer where exchange-like integrals vanish.
    """
    n, eri = integrals.n_orbitals, integrals.eri
    p, q = np.triu_indices(n, 1)
    one = integrals.h - 0.5 * np.einsum("prrq->pq", eri)
    strengths, vectors = np.linalg.eigh(eri[p[:, None], q[:, None], p, q])
    mixed = np.einsum("aars->ars", eri)[:, p, q] @ vectors
    parts = one[p, q] @ vectors
    linear, coulomb = np.diagonal(one).copy(), np.einsum("ppqq->pq", eri).copy()
    made = []
    for strength, vector, diagonal, part in zip(strengths, vectors.T, mixed.T, parts, strict=True):
        if max(abs(strength), np.abs(diagonal).max(), abs(part)) <= NEGLIGIBLE:
            continue
        shift = diagonal / strength if abs(strength) > NEGLIGIBLE else np.zeros(n)
        matrix = np.diag(shift)
        matrix[p, q] = matrix[q, p] = vector
        values, columns = np.linalg.eigh(matrix)
        made.append(Group(columns.T, 0.0, part * values, strength * np.outer(values, values)))
        linear -= part * shift
        coulomb -= strength * np.outer(shift, shift)
    return [Group(np.eye(n), integrals.core_energy, linear, coulomb), *made]


def most_groups(n_orbitals: int) -> int:
    """Return how many groups there are at most, known without any integrals.

    >>> most_groups(2), most_groups(6)
    (2, 16)
    """
    return 1 + n_orbitals * (n_orbitals - 1) // 2
