"""Maximum satisfiability: truth values that satisfy clauses of the most weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.problems.base import Goal, Label, Number
from quantum_pipeline.problems.decoded import Values, Violation, listed
from quantum_pipeline.problems.formed import FormProblem, free, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Polynomial, Space
from quantum_pipeline.wording import digits, refusal

MOST_LITERALS = 16
"""Of a clause: its polynomial has 2^p products for p literals that are not negated."""

Clause = Annotated[
    Entries[Label],
    Field(
        min_length=1,
        max_length=MOST_LITERALS,
        json_schema_extra={
            "allowed": f'a list of 1 to {MOST_LITERALS} literals: 3 or "x", negated -3 or "-x"'
        },
    ),
]


def _literal(given: Label) -> tuple[Label, bool]:
    """Return a literal's variable, and whether it is true where the literal is.

    >>> _literal(-3), _literal("x"), _literal("-x")
    ((3, False), ('x', True), ('x', False))
    """
    if isinstance(given, int):
        return abs(given), given > 0
    return given.removeprefix("-"), not given.startswith("-")


class MaxSat(FormProblem):
    """Choose truth values so that the satisfied clauses weigh most; bit i is 1 where i is true.

    A clause is satisfied where one of its literals is true. Variables are numbers from 1, as in
    DIMACS, or names.
    """

    type: Literal["max_sat"] = "max_sat"
    clauses: Entries[Clause] = Field(min_length=1, description="the clauses")
    weights: Entries[Annotated[Number, Field(ge=0)]] | None = Field(
        None, description="weight of each clause, in their order; 1 if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for k, clause in enumerate(self.clauses):
            for literal in clause:
                if _literal(literal)[0] in (0, ""):
                    allowed = 'a number that is not 0, or a name; "-" in front negates it'
                    raise ValueError(refusal(f"clauses.{k}", literal, allowed))
        if self.weights is not None and len(self.weights) != len(self.clauses):
            allowed = f"{len(self.clauses)}, as many as clauses"
            raise ValueError(f"weights: got a length of {len(self.weights)}; allowed: {allowed}")
        return self

    @property
    def sense(self) -> Goal:
        """The satisfied weight is to be large."""
        return "maximise"

    @cached_property
    def _bit(self) -> dict[str, int]:
        names = dict.fromkeys(str(_literal(each)[0]) for clause in self.clauses for each in clause)
        return {name: i for i, name in enumerate(sorted(names, key=_by_number))}

    @property
    def n_qubits(self) -> int:
        """Number of variables."""
        return len(self._bit)

    @property
    def n_terms(self) -> int:
        """Number of products: 2^p of a clause with p literals that are not negated."""
        positive = (sum(_literal(each)[1] for each in clause) for clause in self.clauses)
        return sum(2**p for p in positive)

    @property
    def labels(self) -> Sequence[Label]:
        """The variables' names."""
        return list(self._bit)

    @cached_property
    def space(self) -> Space:
        """All truth values."""
        return Space(free(self.n_qubits))

    @property
    def _weights(self) -> Sequence[float]:
        return self.weights or [1.0] * len(self.clauses)

    def minimised(self) -> Polynomial:
        """Return the weight of clauses that are not satisfied, less that of all.

        A clause is not where each literal is false: prod (1 - x) of the plain ones, prod x of the
        negated ones.
        """
        return Polynomial.of(self._products(), -total(self._weights))

    def _products(self) -> Iterator[tuple[tuple[int, ...], float]]:
        for clause, weight in zip(self.clauses, self._weights, strict=True):
            literals = [_literal(each) for each in clause]
            positive = [self._bit[str(name)] for name, true in literals if true]
            negated = tuple(self._bit[str(name)] for name, true in literals if not true)
            for size in range(len(positive) + 1):
                for some in combinations(positive, size):
                    yield (*negated, *some), weight * (-1) ** size

    def _satisfied(self, bits: Sequence[int]) -> list[bool]:
        values = dict(zip(self.labels, bits, strict=True))
        return [
            any(bool(values[str(name)]) == true for name, true in map(_literal, clause))
            for clause in self.clauses
        ]

    def objective(self, bits: Sequence[int]) -> float:
        """Return the weight of the satisfied clauses."""
        satisfied = zip(self._weights, self._satisfied(bits), strict=True)
        return total(weight for weight, kept in satisfied if kept)

    def decoded(self, bits: Sequence[int]) -> Values:
        """Return the truth values, 0 or 1, and how many clauses they satisfy."""
        kept, n = sum(self._satisfied(bits)), len(self.clauses)
        values: dict[str, int | str] = dict(zip(map(str, self.labels), bits, strict=True))
        true = [name for name, bit in values.items() if bit]
        weight = self.objective(bits)
        weighs = "" if self.weights is None else f" of weight {digits(weight)}"
        return Values(
            words=f"{kept} of {n} clauses satisfied{weighs}; true: {listed(true, 'none')}",
            figures={"satisfied": kept, "clauses": n, "weight": weight},
            values=values,
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:  # noqa: ARG002 - none can break
        """Return nothing: clauses that are not satisfied only weigh less."""
        return ()


def _by_number(name: str) -> tuple[bool, int, str]:
    """Order numbers by size, and before names.

    >>> sorted(["x", "10", "9"], key=_by_number)
    ['9', '10', 'x']
    """
    number = name.isascii() and name.isdigit() and len(name) < 20
    return not number, int(name) if number else 0, name
