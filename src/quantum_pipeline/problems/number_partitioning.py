"""Number partitioning: two sets of numbers whose sums differ least."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.problems.base import Label, Number, check_labels
from quantum_pipeline.problems.decoded import Groups, Violation, listed
from quantum_pipeline.problems.formed import FormProblem, exact, free, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Polynomial, Space
from quantum_pipeline.wording import digits


class NumberPartitioning(FormProblem):
    """Split numbers into two sets A and B, to make (sum of A - sum of B)² small.

    The first number is in A, for the names of the sets mean nothing; bit i - 1 puts number i in B.
    """

    type: Literal["number_partitioning"] = "number_partitioning"
    numbers: Entries[Number] = Field(
        min_length=2,
        description="what is split",
        json_schema_extra={"allowed": "a list of two or more numbers"},
    )
    names: Entries[Label] | None = Field(
        None, description="what the numbers belong to; they name themselves if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.names is not None and len(self.names) != len(self.numbers):
            allowed = f"{len(self.numbers)}, as many as numbers"
            raise ValueError(f"names: got a length of {len(self.names)}; allowed: {allowed}")
        check_labels("names", self.names or ())
        return self

    @property
    def n_qubits(self) -> int:
        """One less than there are numbers."""
        return len(self.numbers) - 1

    @property
    def n_terms(self) -> int:
        """Number of products of two numbers."""
        return len(self.numbers) * (len(self.numbers) - 1) // 2

    @property
    def labels(self) -> Sequence[Label]:
        """The names of all numbers but the first."""
        return self.item_names[1:]

    @property
    def item_names(self) -> Sequence[Label]:
        """The names of all numbers."""
        if self.names is not None:
            return self.names
        return [digits(number, least=15) for number in self.numbers]

    @cached_property
    def space(self) -> Space:
        """All ways to split them."""
        return Space(free(self.n_qubits))

    def minimised(self) -> Polynomial:
        """Return (a_0 + sum_i a_i s_i)², each coefficient rounded once."""
        first, *others = map(exact, self.numbers)
        constant = first**2 + sum(each**2 for each in others)
        products: list[tuple[tuple[int, ...], float]] = [
            ((i,), float(2 * first * each)) for i, each in enumerate(others)
        ]
        for i, a in enumerate(others):
            for j in range(i):
                products.append(((j, i), float(2 * a * others[j])))
        return Polynomial.of(products, float(constant), spins=True)

    def _sides(self, bits: Sequence[int]) -> list[list[int]]:
        side = [0, *bits]
        return [[i for i, own in enumerate(side) if own == which] for which in (0, 1)]

    def objective(self, bits: Sequence[int]) -> float:
        """Return the square of the difference of the sums."""
        a, b = (sum(exact(self.numbers[i]) for i in each) for each in self._sides(bits))
        return float((a - b) ** 2)

    def decoded(self, bits: Sequence[int]) -> Groups:
        """Return the two sets and their sums."""
        sides = self._sides(bits)
        sums = [sum(exact(self.numbers[i]) for i in each) for each in sides]
        difference = float(abs(sums[0] - sums[1]))
        groups = {
            name: tuple(self.item_names[i] for i in each)
            for name, each in zip("AB", sides, strict=True)
        }
        said = "; ".join(
            f"{name} = {digits(float(value))}: {listed(groups[name])}"
            for name, value in zip("AB", sums, strict=True)
        )
        return Groups(
            words=f"difference {digits(difference)}; {said}",
            figures={
                "difference": difference,
                "sum of A": total(sums[:1]),
                "sum of B": total(sums[1:]),
            },
            groups=groups,
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:  # noqa: ARG002 - none can break
        """Return nothing: every split is one."""
        return ()
