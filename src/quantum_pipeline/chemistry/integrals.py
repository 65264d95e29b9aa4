"""The integrals of a molecule over its active orbitals, from which its energies are computed.

H = core + sum_pq h_pq E_pq + 1/2 sum_pqrs (pq|rs) (E_pq E_rs - delta_qr E_ps),
E_pq = a+_p,alpha a_q,alpha + a+_p,beta a_q,beta
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from quantum_pipeline.quantities import Count, Entries, Finite, Number
from quantum_pipeline.wording import refusal

Real = NDArray[np.float64]


class OrbitalIntegrals(BaseModel):
    """Real integrals over ``n_orbitals`` orbitals, in hartree, each distinct one once.

    ``one_electron`` has h_pq for p >= q, row by row: n (n + 1) / 2 = m numbers; ``two_electron``
    has (pq|rs) for p >= q, r >= s and pair pq not before pair rs, row by row: m (m + 1) / 2.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_orbitals: Count
    one_electron: Entries[Finite]
    two_electron: Entries[Finite]

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        pairs = self.n_orbitals * (self.n_orbitals + 1) // 2
        for name, expected in (("one_electron", pairs), ("two_electron", pairs * (pairs + 1) // 2)):
            given = len(getattr(self, name))
            if given != expected:
                allowed = f"{expected}, of {self.n_orbitals} orbitals"
                raise ValueError(f"{name}: got a length of {given}; allowed: {allowed}")
        return self

    @cached_property
    def h(self) -> Real:
        """The one-electron integrals h_pq, shape (n, n)."""
        return _symmetric(np.array(self.one_electron), self.n_orbitals)

    @cached_property
    def eri(self) -> Real:
        """The two-electron integrals (pq|rs) in chemists' notation, shape (n, n, n, n)."""
        n = self.n_orbitals
        pairs = _symmetric(np.array(self.two_electron), n * (n + 1) // 2)
        index = _symmetric(np.arange(len(pairs)), n)
        unpacked: Real = pairs[index.reshape(n, n, 1, 1), index]
        return unpacked


class Integrals(OrbitalIntegrals):
    """The integrals over the active molecular orbitals, and the electrons that occupy them.

    ``core_energy`` is the repulsion of the nuclei and the energy of the frozen electrons.
    """

    n_alpha: Number
    n_beta: Number
    n_core: Number
    nuclear_repulsion: Finite
    core_energy: Finite
    hartree_fock: Finite

    @model_validator(mode="after")
    def _check_electrons(self) -> Self:
        for name in ("n_alpha", "n_beta"):
            if getattr(self, name) > self.n_orbitals:
                raise ValueError(refusal(name, getattr(self, name), f"up to {self.n_orbitals}"))
        return self

    @classmethod
    def of(
        cls,
        one_electron: Real,
        two_electron: Real,
        *,
        n_alpha: int,
        n_beta: int,
        n_core: int,
        nuclear_repulsion: float,
        core_energy: float,
        hartree_fock: float,
    ) -> Integrals:
        """Return the model of the arrays h_pq, shape (n, n), and (pq|rs), shape (n, n, n, n)."""
        return cls(
            n_orbitals=len(one_electron),
            n_alpha=n_alpha,
            n_beta=n_beta,
            n_core=n_core,
            nuclear_repulsion=nuclear_repulsion,
            core_energy=core_energy,
            hartree_fock=hartree_fock,
            **packed(one_electron, two_electron),
        )

    @property
    def n_qubits(self) -> int:
        """Spin orbitals, one qubit each."""
        return 2 * self.n_orbitals

    def determinant_energy(self, alpha: Real, beta: Real) -> Real:
        """Return the energies <D|H|D> of determinants.

            core + sum_p h_pp n_p + 1/2 sum_pq (pp|qq) n_p n_q - 1/2 sum_pq,spin (pq|qp) n_p n_q

        Args:
            alpha: occupations 0 or 1 of the orbitals with spin up, shape (rows, n).
            beta: the same with spin down, shape (columns, n).

        Returns:
            Shape (rows, columns).
        """
        coulomb = np.einsum("ppqq->pq", self.eri)
        same = coulomb - np.einsum("pqqp->pq", self.eri)
        one = np.diagonal(self.h)
        up, down = (
            each @ one + 0.5 * np.einsum("ip,pq,iq->i", each, same, each) for each in (alpha, beta)
        )
        energies: Real = self.core_energy + up[:, None] + down + alpha @ coulomb @ beta.T
        return energies

    def recomputed_hartree_fock(self) -> float:
        """Return the energy of the lowest determinant, which ``hartree_fock`` must equal."""
        orbitals = np.arange(self.n_orbitals)
        alpha, beta = ((orbitals < n).astype(float)[None] for n in (self.n_alpha, self.n_beta))
        return float(self.determinant_energy(alpha, beta)[0, 0])


def packed(one_electron: Real, two_electron: Real) -> dict[str, tuple[float, ...]]:
    """Return the distinct elements of h_pq and (pq|rs), as ``OrbitalIntegrals`` has them."""
    p, q = np.tril_indices(len(one_electron))
    pairs = two_electron[p[:, None], q[:, None], p, q]
    return {
        "one_electron": tuple(one_electron[p, q].tolist()),
        "two_electron": tuple(pairs[np.tril_indices(len(p))].tolist()),
    }


def _symmetric(lower: NDArray[Any], n: int) -> NDArray[Any]:
    """Return the symmetric matrix with this lower triangle, given row by row."""
    matrix = np.empty((n, n), dtype=lower.dtype)
    rows, columns = np.tril_indices(n)
    matrix[rows, columns] = matrix[columns, rows] = lower
    return matrix
