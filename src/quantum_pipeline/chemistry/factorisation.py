"""Factorises the Hamiltonian for measurement: few sums over occupations, each in its own orbitals.

    H = c + sum_p f_p n_p + 1/2 sum_pq g_pq n_p n_q + sum_k (s_k O_k + w_k O_k^2 / 2),
    O_k = sum_pq L_k,pq E_pq = sum_i l_ki n_ki,    n = n_alpha + n_beta

What depends on occupations of the orbitals themselves is measured as it is. A group k is measured
in the orbitals that diagonalise a symmetric matrix, l_k being its eigenvalues,

    L_k = V_k + diag(d_k / w_k),    (pq|rs) = sum_k w_k V_k,pq V_k,rs    for p < q, r < s

of an eigenvector V_k of the exchange-like integrals, with d_k,p = sum_{r<s} (pp|rs) V_k,rs: then
w_k O_k^2 / 2 holds the integrals (pp|rs) too, and what it has of (pp|qq) more than the molecule is
taken from g. The one-electron integrals of p < q are a sum of the V_k, so each group measures its
part of them, s_k, with the same shots. That makes 1 + n (n - 1) / 2 circuits, half of what the
eigenvectors of all integrals make. Every group conserves the numbers of alpha and of beta
electrons, so that each shot shows them.

The eigenvectors are not unique: equal eigenvalues, which symmetric molecules have, leave them to
the processor's last digits. So groups are made once and travel. Who reads them asks not how they
came to be but whether they are right: what they leave of H must depend on occupations alone.

Source: W. Huggins et al., npj Quantum Inf. 7, 23 (2021), arXiv:1907.13117, with the freedom in
(pp|qq) used for fewer groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from quantum_pipeline.chemistry.integrals import Integrals
from quantum_pipeline.chemistry.rotations import Turn, network, turned
from quantum_pipeline.chemistry.sector import Real
from quantum_pipeline.quantities import Entries, Finite

NEGLIGIBLE = 1e-11
"""Integrals, in hartree, that are no group of their own: rounding."""

WEAKEST = 1e-10
"""Least w_k, in hartree, that is divided by."""

TOLERANCE = 1e-9
"""Largest integral, in hartree, that groups may leave to move electrons."""


class Group(BaseModel):
    """One k: the turns to its orbitals, the l_k of each place after them, w_k and s_k in hartree.

    There are as many ``eigenvalues`` as orbitals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: Entries[Turn]
    eigenvalues: Entries[Finite]
    strength: Finite
    slope: Finite

    def matrix(self) -> Real:
        """Return L, shape (n, n)."""
        rotation = turned(self.turns, len(self.eigenvalues))
        product: Real = rotation.T * np.array(self.eigenvalues) @ rotation
        return product


class Rest(NamedTuple):
    """What groups leave of H: f, shape (n,), and g, symmetric, shape (n, n), in hartree.

    ``moving`` is the largest integral, in hartree, that moves electrons between orbitals: of right
    groups it is rounding, at most ``TOLERANCE``.
    """

    linear: Real
    quadratic: Real
    moving: float


def groups(integrals: Integrals) -> list[Group]:
    """Return groups of a molecule. Cost: O(n^6).

    There are n (n - 1) / 2, fewer where exchange-like integrals vanish.
    """
    n, eri = integrals.n_orbitals, integrals.eri
    p, q = np.triu_indices(n, 1)
    strengths, vectors = np.linalg.eigh(eri[p[:, None], q[:, None], p, q])
    # None is below 0 but for rounding, and all (pp|rs) vanish with it, if only as its root. What
    # raises a small one errs in (pq|rs) by that, and leaves (pp|rs) exact.
    strengths = np.maximum(strengths, WEAKEST)
    diagonals = np.einsum("aars->ars", eri)[:, p, q] @ vectors / strengths
    slopes = _one_electron(integrals)[p, q] @ vectors
    made = []
    for strength, slope, vector, diagonal in zip(
        strengths.tolist(), slopes.tolist(), vectors.T, diagonals.T, strict=True
    ):
        if strength > WEAKEST or max(*np.abs(strength * diagonal), abs(slope)) > NEGLIGIBLE:
            matrix = np.diag(diagonal)
            matrix[p, q] = matrix[q, p] = vector
            made.append(_group(matrix, strength, slope))
    return made


def _group(matrix: Real, strength: float, slope: float) -> Group:
    values, columns = np.linalg.eigh(matrix)
    turns, order = network(columns.T)
    eigenvalues = tuple(values[order].tolist())
    return Group(turns=tuple(turns), eigenvalues=eigenvalues, strength=strength, slope=slope)


@np.errstate(over="ignore", invalid="ignore")
def rest(integrals: Integrals, made: Sequence[Group]) -> Rest:
    """Return what is left of a molecule's integrals without those of the groups. Cost: O(n^6)."""
    n = integrals.n_orbitals
    matrices = np.array([each.matrix() for each in made]).reshape(-1, n * n)
    strengths, slopes = np.array([(each.strength, each.slope) for each in made]).reshape(-1, 2).T
    one = _one_electron(integrals) - (slopes @ matrices).reshape(n, n)
    two = integrals.eri - (matrices.T * strengths @ matrices).reshape((n,) * 4)
    linear, quadratic = np.diagonal(one).copy(), np.einsum("ppqq->pq", two).copy()
    np.fill_diagonal(one, 0.0)
    np.einsum("ppqq->pq", two)[:] = 0.0
    return Rest(linear, quadratic, float(max(np.abs(one).max(), np.abs(two).max())))


def _one_electron(integrals: Integrals) -> Real:
    """Return the one-electron integrals where two-electron ones are of products E_pq E_rs."""
    one: Real = integrals.h - 0.5 * np.einsum("prrq->pq", integrals.eri)
    return one


def most_circuits(n_orbitals: int) -> int:
    """Return how many circuits there are at most, known without any integrals.

    >>> most_circuits(2), most_circuits(6)
    (2, 16)
    """
    return 1 + n_orbitals * (n_orbitals - 1) // 2
