"""The couplings of a wide model as a sparse matrix, and what spins feel of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hybrid_job.dividing import kernels
from hybrid_job.sparse import Rows, couplings_of, rows_of
from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """A small model: fields on its spins, shape (n,), and couplings J, symmetric, shape (n, n)."""

    fields: Real
    couplings: Real

    @property
    def model(self) -> IsingModel:
        """The same as a model, of whose energies all may be listed."""
        i, j = np.nonzero(np.triu(self.couplings, 1))
        values = self.couplings[i, j]
        return IsingModel.model_construct(
            fields=tuple(self.fields.tolist()),
            couplings=tuple(zip(i.tolist(), j.tolist(), values.tolist(), strict=True)),
            offset=0.0,
        )


@dataclass(frozen=True)
class System:
    """E(s) = sum_i h_i s_i + 1/2 sum_ij J_ij s_i s_j: fields h, and J, symmetric, diagonal 0."""

    fields: Real
    matrix: csr_array

    @classmethod
    def of(cls, model: IsingModel) -> Self:
        """Return the system of a model, less its constant."""
        return cls(np.array(model.fields, dtype=np.float64), couplings_of(model))

    @property
    def n(self) -> int:
        """Number of spins."""
        return int(self.fields.size)

    @property
    def unit(self) -> float:
        """The root mean square of the field on a spin, 1 where there is none."""
        total = float(self.fields @ self.fields + self.matrix.data @ self.matrix.data)
        return float(np.sqrt(total / self.n)) or 1.0

    def forces(self, spins: Real) -> Real:
        """Return h + J s, shape (n,): to turn spin i over costs -2 s_i forces_i."""
        return np.asarray(self.fields + self.matrix @ spins)

    def energy(self, spins: Real) -> float:
        """Return E(s)."""
        return float(spins @ (self.fields + self.matrix @ spins / 2))

    @cached_property
    def rows(self) -> Rows:
        """The couplings of each spin, as the kernels read them."""
        return rows_of(self.matrix)

    @cached_property
    def _places(self) -> Places:
        return np.full(self.n, -1)

    def among(self, members: Places) -> Real:
        """Return the couplings of some spins among themselves, shape (k, k)."""
        inside = np.zeros((members.size, members.size))
        kernels.among(*self.rows, members, self._places, inside)
        return inside

    def block(self, members: Places, spins: Real, forces: Real) -> Block:
        """Return the model of some spins while all others stay as they are."""
        couplings = self.among(members)
        return Block(forces[members] - couplings @ spins[members], couplings)

    def cost(self, members: Places, spins: Real, forces: Real) -> float:
        """Return the energy that turning some spins over costs."""
        s = spins[members]
        return float(-2 * s @ forces[members] + 2 * s @ self.among(members) @ s)

    def turn(self, members: Places, spins: Real, forces: Real) -> None:
        """Turn some spins over, in place, with the forces that follow."""
        kernels.turn(*self.rows, members, spins, forces)

    def flips_of(self, blocks: list[Places], spins: Real) -> System:
        """Return the system whose spins say which of the blocks are turned over.

        What a block has inside is the same either way; of the rest, the fields on it and its
        couplings to other blocks add up.
        """
        labels = np.empty(self.n, dtype=np.int64)
        for number, members in enumerate(blocks):
            labels[members] = number
        signs = csr_array((spins, (labels, np.arange(self.n))), shape=(len(blocks), self.n))
        between = csr_array(signs @ self.matrix @ signs.T)
        between.setdiag(0.0)
        between.eliminate_zeros()
        return System(np.asarray(signs @ self.fields), between)
