"""Binary quadratic models of dimod, as ``BinaryQuadraticModel.to_serializable()`` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.ising import Coupling
from quantum_pipeline.ising.exact import Terms
from quantum_pipeline.problems.base import (
    BinaryProblem,
    Index,
    Label,
    NestedLabel,
    Number,
    check_indices,
    check_labels,
    check_no_loops,
)
from quantum_pipeline.quantities import Entries


class SerializedBqm(BaseModel):
    """Schema 3 of dimod's layout, in lists of numbers; what is not read is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["BinaryQuadraticModel"] = Field(description="dimod's name of the layout")
    use_bytes: Literal[False] = Field(
        False, description="must be false: biases are lists of numbers"
    )
    variable_type: Literal["SPIN", "BINARY"] = Field(description="spins (-1, +1) or bits (0, 1)")
    offset: Number = Field(0.0, description="constant of the energy")
    variable_labels: Entries[NestedLabel] = Field(
        description="names of the variables, each once; tuples in dimod are lists in JSON"
    )
    linear_biases: Entries[Number] = Field(min_length=1, description="one per variable")
    quadratic_biases: Entries[Number] = Field((), description="one per interaction")
    quadratic_head: Entries[Index] = Field((), description="first variable of each interaction")
    quadratic_tail: Entries[Index] = Field((), description="second variable of each interaction")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, other in (
            ("variable_labels", "linear_biases"),
            ("quadratic_head", "quadratic_biases"),
            ("quadratic_tail", "quadratic_biases"),
        ):
            length, n = len(getattr(self, name)), len(getattr(self, other))
            if length != n:
                allowed = f"{n}, as many as {other}"
                raise ValueError(f"{name}: got a length of {length}; allowed: {allowed}")
        check_labels("variable_labels", self.variable_labels)
        pairs = list(zip(self.quadratic_head, self.quadratic_tail, strict=True))
        check_indices("quadratic_head", pairs, len(self.linear_biases))
        check_no_loops("quadratic_head", pairs)
        return self


class Bqm(BinaryProblem):
    """Minimise a binary quadratic model of dimod.

    Spins or bits by its ``variable_type``; the solution's bits are dimod's binary values, and for
    spins s = 1 - 2x.
    """

    type: Literal["bqm"] = "bqm"
    bqm: SerializedBqm = Field(description="the output of dimod's to_serializable()")

    @property
    def n_variables(self) -> int:
        """Number of variables."""
        return len(self.bqm.linear_biases)

    @property
    def n_terms(self) -> int:
        """Number of biases."""
        return len(self.bqm.linear_biases) + len(self.bqm.quadratic_biases)

    @property
    def labels(self) -> Sequence[Label]:
        """The variables' names."""
        return self.bqm.variable_labels

    def _pairs(self) -> list[Coupling]:
        b = self.bqm
        return list(zip(b.quadratic_head, b.quadratic_tail, b.quadratic_biases, strict=True))

    @property
    def constant(self) -> float:
        """The model's offset."""
        return self.bqm.offset

    def terms(self) -> Terms:
        """Return the model's energy at bits, or at the spins s = 1 - 2x, less its offset."""
        spins = self.bqm.variable_type == "SPIN"
        return Terms(self.bqm.linear_biases, self._pairs(), spins=spins)
