"""The Ising problem: spins in local fields, coupled in pairs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.ising.exact import Terms
from quantum_pipeline.problems.base import (
    BinaryProblem,
    Number,
    Term,
    check_indices,
    check_no_loops,
)
from quantum_pipeline.quantities import Entries


class Ising(BinaryProblem):
    """Minimise  offset + sum_i h_i s_i + sum J_ij s_i s_j  over spins; repeated pairs add up."""

    type: Literal["ising"] = "ising"
    fields: Entries[Number] = Field(min_length=1, description="h: one number per spin")
    couplings: Entries[Term] = Field(
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

    @property
    def n_terms(self) -> int:
        """Number of fields and couplings."""
        return len(self.fields) + len(self.couplings)

    @property
    def constant(self) -> float:
        """The offset."""
        return self.offset

    def terms(self) -> Terms:
        """Return the energy of the spins s = 1 - 2x, less its offset."""
        return Terms(self.fields, self.couplings, spins=True)
