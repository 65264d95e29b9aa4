"""A linear and a quadratic cost over bits, given explicitly or generated from a seed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from quantum_pipeline.ising.exact import Terms
from quantum_pipeline.problems.base import (
    BinaryProblem,
    Number,
    check_square,
    n_entries,
    terms_of_matrix,
)
from quantum_pipeline.quantities import Entries


class Optimization(BinaryProblem):
    """Minimise  l.x + x^T Q x  over bits, Q square but not necessarily symmetric."""

    type: Literal["optimization"] = "optimization"
    linear_coefficients: Entries[Number] = Field(
        min_length=1, description="l: one number per variable"
    )
    quadratic_matrix: Entries[Entries[Number]] = Field(
        description="Q, row by row: as many rows and columns as variables"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_square("quadratic_matrix", self.quadratic_matrix, self.n_variables)
        return self

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return len(self.linear_coefficients)

    @property
    def n_terms(self) -> int:
        """Number of linear coefficients, and of entries of Q that are not 0."""
        return self.n_variables + n_entries(self.quadratic_matrix)

    def terms(self) -> Terms:
        """Return l.x + x^T Q x."""
        return Terms(self.linear_coefficients, terms_of_matrix(self.quadratic_matrix))


class Random(BinaryProblem):
    """An ``optimization`` problem drawn from a seed, the same on every machine.

    l_i uniform in [-2, 2], A_ij uniform in [-1, 1], Q = (A + A^T)/2; the Mersenne Twister of
    numpy's legacy generator draws l first, then A by rows.
    """

    type: Literal["random"] = "random"
    problem_size: Annotated[int, Field(strict=True, ge=2)] = Field(
        description="number of variables"
    )
    seed: Annotated[int, Field(strict=True, ge=0, le=2**32 - 1)] = Field(
        42, description="seed of the random number generator"
    )

    def drawn(self) -> Optimization:
        """Return the problem that the seed stands for."""
        generator = np.random.RandomState(self.seed)
        linear = generator.uniform(-2, 2, self.problem_size)
        square = generator.uniform(-1, 1, (self.problem_size, self.problem_size))
        return Optimization(
            linear_coefficients=tuple(linear.tolist()),
            quadratic_matrix=tuple(map(tuple, ((square + square.T) / 2).tolist())),
        )

    @property
    def n_variables(self) -> int:
        """Number of bits."""
        return self.problem_size

    @property
    def n_terms(self) -> int:
        """Number of coefficients, none of which is 0."""
        return self.problem_size * (self.problem_size + 1)

    def terms(self) -> Terms:
        """Return the drawn problem's terms."""
        return self.drawn().terms()
