"""The energy of restricted orbitals: one set for both spins, doubly, singly and not occupied.

    E(C) = 1/2 sum_s tr D_s (core + F_s),    D_s = C_s C_s^T of the orbitals of spin s
    F_s  = core + J(D_alpha + D_beta) - K(D_s)

The first ``n_beta`` orbitals are doubly occupied, those up to ``n_alpha`` singly. Orbitals move by
C exp(K) with an antisymmetric K; only elements K_pq between shells of different occupation matter.
With X^s_pq = K_pq (n^s_q - n^s_p), the energy is, to second order in K,

    E + sum_s tr F_s X^s + 1/2 sum_s tr [F_s, K] X^s
      + 1/2 sum_st,pqrs X^s_pq X^t_rs ((pq|rs) - delta_st (ps|rq))

Source: Helgaker, Jorgensen, Olsen, Molecular Electronic-Structure Theory, chapter 10.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from hybrid_job.molecules.gaussians import AtomicIntegrals

Real = NDArray[np.float64]


class Determinant(NamedTuple):
    """Orbitals, the energy without the nuclei's, and of both spins densities and Fock matrices.

    ``densities`` and ``focks`` have shape (2, n, n), over basis functions; alpha first.
    """

    coefficients: Real
    energy: float
    densities: Real
    focks: Real


class RestrictedEnergy:
    """The energy as a function of the orbitals, and its derivatives along their rotations."""

    def __init__(self, atomic: AtomicIntegrals, n_alpha: int, n_beta: int) -> None:
        n = len(atomic.core)
        self.atomic, self.n_alpha, self.n_beta = atomic, n_alpha, n_beta
        self._coulomb = atomic.repulsion.reshape(n * n, n * n)
        self._exchange = atomic.repulsion.transpose(0, 2, 1, 3).reshape(n * n, n * n)
        occupations = np.array([np.arange(n) < each for each in (n_alpha, n_beta)], dtype=float)
        q, p = np.tril_indices(n, -1)
        moved = occupations[:, q] - occupations[:, p]
        matters = np.any(moved != 0, axis=0)
        self.pairs = p[matters], q[matters]
        self._moved: Real = moved[:, matters]

    @property
    def shells(self) -> tuple[slice, slice, slice]:
        """Orbitals that are doubly, singly and not occupied."""
        return slice(self.n_beta), slice(self.n_beta, self.n_alpha), slice(self.n_alpha, None)

    def focks(self, densities: Real) -> Real:
        """Return the Fock matrix of each spin in the field of both, shape (2, n, n)."""
        shape = self.atomic.core.shape
        coulomb = (self._coulomb @ densities.sum(axis=0).ravel()).reshape(shape)
        exchange = (self._exchange @ densities.reshape(2, -1).T).T.reshape(2, *shape)
        focks: Real = self.atomic.core + coulomb - exchange
        return focks

    def of(self, coefficients: Real) -> Determinant:
        """Return what the orbitals make. Cost: O(n^4)."""
        filled = coefficients[:, : self.n_alpha], coefficients[:, : self.n_beta]
        densities = np.array([each @ each.T for each in filled])
        focks = self.focks(densities)
        energy = 0.5 * float(np.sum(densities * (self.atomic.core + focks)))
        return Determinant(coefficients, energy, densities, focks)

    def rotated(self, coefficients: Real, angles: Real) -> Real:
        """Return C exp(K); ``angles`` are K of ``pairs``, shape (pairs,)."""
        generator = np.zeros_like(coefficients)
        p, q = self.pairs
        generator[p, q], generator[q, p] = angles, -angles
        turned: Real = coefficients @ expm(generator)
        return turned

    def derivatives(self, determinant: Determinant) -> tuple[Real, Real]:
        """Return gradient and Hessian in the angles at K = 0, shapes (pairs,) and (pairs, pairs).

        Cost: O(n^5).
        """
        c, (p, q) = determinant.coefficients, self.pairs
        focks: Real = c.T @ determinant.focks @ c
        repulsion: Real = self.atomic.repulsion
        for _ in range(4):
            repulsion = np.asarray(np.tensordot(repulsion, c, axes=(0, 0)), dtype=np.float64)
        left, right = p[:, None], q[:, None]
        total = self._moved.sum(axis=0)
        hessian = 4 * repulsion[left, right, p, q] * np.outer(total, total)
        exchange = 2 * (repulsion[left, p, right, q] + repulsion[left, q, right, p])
        for fock, moved in zip(focks, self._moved, strict=True):
            turned = (right == p) * fock[left, q] + (right == q) * fock[left, p]
            turned -= (left == p) * fock[right, q] + (left == q) * fock[right, p]
            turned *= moved
            hessian += turned + turned.T - exchange * np.outer(moved, moved)
        gradient: Real = 2 * np.sum(self._moved * focks[:, p, q], axis=0)
        return gradient, hessian

    def joined_fock(self, determinant: Determinant) -> Real:
        """Return Roothaan's effective Fock matrix, shape (n, n), over basis functions.

        Between single and double occupation the beta matrix acts, between single and none the alpha
        one, elsewhere their mean: at the minimum no element is left between the shells. Without
        unpaired electrons all are one. Source: Roothaan, Rev. Mod. Phys. 32, 179.
        """
        alpha, beta = determinant.focks
        up, down = determinant.densities @ self.atomic.overlap
        mean = (alpha + beta) / 2
        double, single, none = down, up - down, np.eye(len(up)) - up
        half = sum(each.T @ mean @ each for each in (double, single, none)) / 2
        half = half + single.T @ beta @ double + single.T @ alpha @ none + none.T @ mean @ double
        joined: Real = half + half.T
        return joined
