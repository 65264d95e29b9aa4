"""The knapsack: the most valuable items that are not too heavy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.problems.base import Goal, Label, Number, check_labels
from quantum_pipeline.problems.decoded import Selection, Violation, listed
from quantum_pipeline.problems.formed import FormProblem, broken, exact, free, ones, total
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Polynomial, Space
from quantum_pipeline.wording import digits

Size = Annotated[Number, Field(ge=0)]


class Item(BaseModel):
    """Something that may be packed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Label | None = Field(None, description="its name; its number, from 0, if not given")
    value: Number = Field(description="what it is worth")
    weight: Size = Field(description="what it takes of the capacity")


class Knapsack(FormProblem):
    """Pack items of the most value whose weight is at most the capacity; bit i packs item i."""

    type: Literal["knapsack"] = "knapsack"
    items: Entries[Item] = Field(min_length=1, description="what may be packed")
    capacity: Size = Field(description="the most that the packed items may weigh")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("items", self.labels)
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """A capacity that takes everything, and items that are too heavy for it."""
        if self._weight(range(len(self.items))) <= self.capacity:
            return ("all items fit together: the constraint holds whatever is packed",)
        heavy = [
            name
            for name, item in zip(self.labels, self.items, strict=True)
            if item.weight > self.capacity
        ]
        return (f"heavier than the capacity, never packed: {listed(heavy)}",) if heavy else ()

    @property
    def sense(self) -> Goal:
        """The value is to be large."""
        return "maximise"

    @property
    def n_qubits(self) -> int:
        """Number of items."""
        return len(self.items)

    @property
    def n_terms(self) -> int:
        """A value and a weight of each item."""
        return 2 * len(self.items)

    @property
    def labels(self) -> Sequence[Label]:
        """The items' names."""
        return [k if item.name is None else item.name for k, item in enumerate(self.items)]

    @cached_property
    def space(self) -> Space:
        """All packings."""
        return Space(free(len(self.items)))

    def minimised(self) -> Polynomial:
        """Return the negative of the packed value."""
        return Polynomial.of(((i,), -item.value) for i, item in enumerate(self.items))

    def constraints(self) -> tuple[Constraint, ...]:
        """Return that the packed weight is at most the capacity."""
        weights = tuple((i, item.weight) for i, item in enumerate(self.items))
        return (Constraint("capacity", weights, "<=", self.capacity),)

    def _weight(self, packed: Sequence[int]) -> float:
        return total(self.items[i].weight for i in packed)

    def objective(self, bits: Sequence[int]) -> float:
        """Return the value of what is packed."""
        return total(self.items[i].value for i in ones(bits))

    def decoded(self, bits: Sequence[int]) -> Selection:
        """Return what is packed, its value and its weight."""
        packed = ones(bits)
        value, weight = self.objective(bits), self._weight(packed)
        chosen = tuple(self.labels[i] for i in packed)
        return Selection(
            words=f"{listed(chosen)}: value {digits(value)}, weight {digits(weight)} of "
            f"{digits(self.capacity)}",
            figures={"value": value, "weight": weight, "capacity": self.capacity},
            chosen=chosen,
            left_out=tuple(self.labels[i] for i, bit in enumerate(bits) if not bit),
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return by how much the packed items are too heavy."""
        weight = sum(exact(self.items[i].weight) for i in ones(bits))
        return broken("the weight is at most the capacity", weight - exact(self.capacity))
