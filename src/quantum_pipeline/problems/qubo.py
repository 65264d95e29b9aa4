"""QUBO: quadratic unconstrained binary optimisation."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from quantum_pipeline.ising.exact import Terms
from quantum_pipeline.problems.base import (
    BinaryProblem,
    Goal,
    Number,
    Term,
    check_indices,
    check_square,
    n_entries,
    terms_of_matrix,
)
from quantum_pipeline.quantities import Entries


class Qubo(BinaryProblem):
    """Minimise  offset + sum_i l_i x_i + sum q_ij x_i x_j  over bits; repeated pairs add up.

    Given as ``linear`` and ``quadratic``, or as a square ``matrix`` M with objective x^T M x. With
    the sense maximise the energy is its negative.
    """

    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={"oneOf": [{"required": ["linear"]}, {"required": ["matrix"]}]},
    )

    type: Literal["qubo"] = "qubo"
    linear: Entries[Number] | None = Field(
        None, min_length=1, description="l: one number per variable"
    )
    quadratic: Entries[Term] = Field(
        (), description="q: repeated pairs, in either order, are added up; i = j adds to linear"
    )
    matrix: Entries[Entries[Number]] | None = Field(
        None, min_length=1, description="M, row by row, instead of linear and quadratic"
    )
    offset: Number = Field(0.0, description="constant of the objective")
    goal: Goal = Field(
        "minimise", alias="sense", description="whether the objective is to be small or large"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.linear is None and self.matrix is None:
            raise ValueError("linear: missing; allowed: linear with quadratic, or matrix")
        if self.matrix is None:
            check_indices("quadratic", [(i, j) for i, j, _ in self.quadratic], self.n_variables)
            return self
        for name in ("linear", "quadratic"):
            if getattr(self, name):
                raise ValueError(f"{name}: got a matrix beside it; allowed: one of the two")
        check_square("matrix", self.matrix, len(self.matrix))
        return self

    @property
    def sense(self) -> Goal:
        """As it was asked for."""
        return self.goal

    @property
    def constant(self) -> float:
        """The offset of the minimised objective."""
        return -self.offset if self.sense == "maximise" else self.offset

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return len(self.matrix if self.matrix is not None else self.linear or ())

    @property
    def n_terms(self) -> int:
        """Number of coefficients; of a matrix, those that are not 0."""
        if self.matrix is not None:
            return n_entries(self.matrix)
        return self.n_variables + len(self.quadratic)

    def terms(self) -> Terms:
        """Return l.x + sum q x x, its negative where that is maximised."""
        linear = self.linear or [0.0] * self.n_variables
        quadratic = self.quadratic if self.matrix is None else terms_of_matrix(self.matrix)
        if self.sense == "minimise":
            return Terms(linear, quadratic)
        return Terms([-value for value in linear], [(i, j, -value) for i, j, value in quadratic])
