"""Set cover and exact cover: the cheapest sets that have every element, or each just once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.problems.base import Label, Number, check_labels
from quantum_pipeline.problems.decoded import Selection, Violation, listed, plain
from quantum_pipeline.problems.formed import FormProblem, free, grouped, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Polynomial, Space
from quantum_pipeline.spaces.form import Sense
from quantum_pipeline.wording import digits, refusal

Elements = Annotated[
    Entries[Label], Field(min_length=1, json_schema_extra={"allowed": "a list of elements"})
]


class _Cover(FormProblem):
    sets: dict[str, Elements] = Field(
        min_length=1, description="each set by its name, with its elements"
    )
    elements: Entries[Label] | None = Field(
        None, description="what has to be covered; all that is in a set if not given"
    )
    costs: dict[str, Number] = Field(
        {}, description="what a set costs, by its name; 1 if not given"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("elements", self.elements or ())
        known = {str(each) for each in self.all_elements}
        for name, elements in self.sets.items():
            check_labels(f"sets.{name}", elements)
            for k, each in enumerate(elements):
                if str(each) not in known:
                    raise ValueError(refusal(f"sets.{name}.{k}", each, "one of elements"))
        for each in self.all_elements:
            if not self._sets_of(each):
                raise ValueError(refusal("elements", each, "elements of one set or more"))
        for name in self.costs:
            if name not in self.sets:
                raise ValueError(refusal("costs", name, f"names of sets: {listed([*self.sets])}"))
        return self

    @property
    @abstractmethod
    def _covered(self) -> Sense: ...

    @cached_property
    def all_elements(self) -> tuple[Label, ...]:
        """What has to be covered."""
        if self.elements is not None:
            return self.elements
        found = {str(each): each for elements in self.sets.values() for each in elements}
        return tuple(found.values())

    def _sets_of(self, element: Label) -> list[int]:
        return self._where.get(str(element), [])

    @cached_property
    def _where(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for i, elements in enumerate(self.sets.values()):
            for each in elements:
                found.setdefault(str(each), []).append(i)
        return found

    @property
    def n_qubits(self) -> int:
        """Number of sets."""
        return len(self.sets)

    @property
    def n_terms(self) -> int:
        """Number of sets, and of elements in all of them."""
        return len(self.sets) + sum(map(len, self.sets.values()))

    @property
    def labels(self) -> Sequence[Label]:
        """The sets' names."""
        return list(self.sets)

    def _once(self) -> tuple[Constraint, ...]:
        return tuple(
            Constraint(str(each), tuple((i, 1.0) for i in self._sets_of(each)), self._covered, 1.0)
            for each in self.all_elements
        )

    def minimised(self) -> Polynomial:
        """Return the cost of the chosen sets."""
        return Polynomial.of(((i,), self.costs.get(name, 1.0)) for i, name in enumerate(self.sets))

    def _chosen(self, bits: Sequence[int]) -> list[str]:
        return [name for name, bit in zip(self.sets, bits, strict=True) if bit]

    def objective(self, bits: Sequence[int]) -> float:
        """Return the cost of the chosen sets."""
        return total(self.costs.get(name, 1.0) for name in self._chosen(bits))

    def decoded(self, bits: Sequence[int]) -> Selection:
        """Return the chosen sets."""
        chosen, cost = self._chosen(bits), self.objective(bits)
        n = len(chosen)
        price = f" of cost {digits(cost)}" if self.costs else ""
        return Selection(
            words=f"{n} {'set' if n == 1 else 'sets'}{price}: {listed(chosen)}",
            figures={"sets": n, "cost": cost},
            chosen=tuple(chosen),
            left_out=tuple(name for name in self.sets if name not in chosen),
        )

    def _times(self, bits: Sequence[int]) -> list[tuple[Label, int]]:
        """Return how often each element is covered."""
        chosen = [set(map(str, self.sets[name])) for name in self._chosen(bits)]
        return [(each, sum(str(each) in own for own in chosen)) for each in self.all_elements]


class SetCover(_Cover):
    """Choose sets that have every element between them, to cost least; bit i chooses set i."""

    type: Literal["set_cover"] = "set_cover"

    @property
    def _covered(self) -> Sense:
        return ">="

    @cached_property
    def space(self) -> Space:
        """All choices of sets."""
        return Space(free(len(self.sets)))

    def constraints(self) -> tuple[Constraint, ...]:
        """Return that each element is in one chosen set or more."""
        return self._once()

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the elements that no chosen set has."""
        return tuple(
            Violation(rule=f"{plain(each)} is covered", by=1.0)
            for each, times in self._times(bits)
            if not times
        )


class ExactCover(_Cover):
    """Choose sets that have each element just once, to cost least; bit i chooses set i."""

    type: Literal["exact_cover"] = "exact_cover"

    @property
    def _covered(self) -> Sense:
        return "=="

    @cached_property
    def _grouped(self) -> tuple[Space, tuple[Constraint, ...]]:
        return grouped((), range(len(self.sets)), self._once())

    @cached_property
    def space(self) -> Space:
        """Choices of sets: just one of those of an element, where no other group has any."""
        return self._grouped[0]

    def constraints(self) -> tuple[Constraint, ...]:
        """Return that each other element is in just one chosen set."""
        return self._grouped[1]

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the elements that no chosen set has, or several."""
        return tuple(
            Violation(rule=f"{plain(each)} is covered once", by=float(abs(times - 1)))
            for each, times in self._times(bits)
            if times != 1
        )
