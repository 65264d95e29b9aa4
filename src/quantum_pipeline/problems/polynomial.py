"""Polynomials of any order over named bits or spins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.problems.base import Goal, Label, Number, check_labels
from quantum_pipeline.problems.decoded import Values, Violation, listed_values
from quantum_pipeline.problems.formed import FormProblem, exact, free, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Polynomial as Sum
from quantum_pipeline.spaces import Space
from quantum_pipeline.wording import refusal

Term = Annotated[
    tuple[Annotated[Entries[Label], Field(min_length=1)], Number],
    Field(json_schema_extra={"allowed": "[[name, ...], value]: one or more variables, a number"}),
]


class Polynomial(FormProblem):
    """Minimise or maximise  constant + sum_t value_t prod_{v in t} v  over bits or spins.

    Repeated terms add up; a variable twice in one is itself over bits, and 1 over spins. A spin is
    s = 1 - 2x: bit i is 1 where variable i is -1.
    """

    type: Literal["polynomial"] = "polynomial"
    terms: Entries[Term] = Field(min_length=1, description="products of variables, each by a value")
    over: Literal["bits", "spins"] = Field(
        "bits", description="whether variables are 0 and 1, or +1 and -1"
    )
    goal: Goal = Field("minimise", alias="sense", description="whether it is to be small or large")
    constant: Number = Field(0.0, description="the same for all values")
    variables: Entries[Label] | None = Field(
        None, description="the variables in their order; as terms name them first if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("variables", self.variables or ())
        for k, (names, _) in enumerate(self.terms):
            for name in names:
                if str(name) not in self._bit:
                    raise ValueError(refusal(f"terms.{k}", name, "one of variables"))
        return self

    @property
    def sense(self) -> Goal:
        """As the request has it."""
        return self.goal

    @cached_property
    def _bit(self) -> dict[str, int]:
        named = self.variables or [name for names, _ in self.terms for name in names]
        return {name: i for i, name in enumerate(dict.fromkeys(map(str, named)))}

    @property
    def n_qubits(self) -> int:
        """Number of variables."""
        return len(self._bit)

    @property
    def n_terms(self) -> int:
        """Number of variables in all terms."""
        return sum(len(names) for names, _ in self.terms)

    @property
    def labels(self) -> Sequence[Label]:
        """The variables' names."""
        return list(self._bit)

    @cached_property
    def space(self) -> Space:
        """All values."""
        return Space(free(self.n_qubits))

    def minimised(self) -> Sum:
        """Return the polynomial, its negative where it is maximised."""
        sign = -1 if self.sense == "maximise" else 1
        terms = (
            ([self._bit[str(name)] for name in names], sign * value) for names, value in self.terms
        )
        return Sum.of(terms, sign * self.constant, spins=self.over == "spins")

    def _values(self, bits: Sequence[int]) -> dict[str, int]:
        spins = self.over == "spins"
        values = [1 - 2 * bit for bit in bits] if spins else list(bits)
        return dict(zip(self._bit, values, strict=True))

    def objective(self, bits: Sequence[int]) -> float:
        """Return the polynomial's value."""
        values = self._values(bits)
        products = (exact(c) * prod(values[str(name)] for name in names) for names, c in self.terms)
        return total([self.constant, *products])

    def decoded(self, bits: Sequence[int]) -> Values:
        """Return each variable's value."""
        values = self._values(bits)
        return Values(words=listed_values(values), figures={}, values={**values})

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:  # noqa: ARG002 - none can break
        """Return nothing: no values are excluded."""
        return ()
