"""The Ising problem: spins in local fields, coupled in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.problems.base import (
    BinaryProblem,
    Number,
    Term,
    check_indices,
    check_no_loops,
)


class Ising(BinaryProblem):
    """Minimise  offset + sum_i h_i s_i + sum J_ij s_i s_j  over spins; repeated pairs add up."""

    type: Literal["ising"] = "ising"
    fields: tuple[Number, ...] = Field(min_length=1, description="h: one number per spin")
    couplings: tuple[Term, ...] = Field(
        (), description="J: repeated pairs, in either order, are added up"
    )
    offset: Number = Field(0.0, description="constant of the energy")

    @model_validator(mode="after")
    def _check(self) -> Self:
        pairs = [(i, j) for i, j, _ in self.couplings]
        check_indices("couplings", pairs, self.n_variables)
        check_no_loops("couplings", pairs)
        return self

    @property
    def n_variables(self) -> int:
        """Number of spins."""
        return len(self.fields)

    def objective(self, bits: Sequence[int]) -> float:
        """Return the energy of the spins s = 1 - 2x."""
        s = [1 - 2 * x for x in bits]
        return float(
            self.offset
            + sum(h * spin for h, spin in zip(self.fields, s, strict=True))
            + sum(value * s[i] * s[j] for i, j, value in self.couplings)
        )

    def ising(self) -> IsingModel:
        """Return the model as it is, each pair once."""
        return IsingModel.from_spins(self.fields, self.couplings, self.offset)
