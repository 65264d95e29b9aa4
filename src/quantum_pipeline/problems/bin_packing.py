"""Bin packing: items into as few bins of one capacity as possible."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from quantum_pipeline.problems.base import Label, Number, check_labels
from quantum_pipeline.problems.decoded import Groups, Violation, listed, plain
from quantum_pipeline.problems.formed import (
    MAX_BITS,
    FormProblem,
    broken,
    exact,
    free,
    one_of,
    rows,
    total,
)
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Polynomial, Space
from quantum_pipeline.wording import refusal

Size = Annotated[Number, Field(gt=0)]


class Piece(BaseModel):
    """Something that has to be packed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Label | None = Field(None, description="its name; its number, from 0, if not given")
    size: Size = Field(
        description="what it takes of a bin", json_schema_extra={"allowed": "a number above 0"}
    )


class BinPacking(FormProblem):
    """Put each item into a bin, none filled above the capacity, and use as few bins as possible.

    Of B bins, the first L = ceil(total size / capacity) are needed in any case. Bit i B + b says
    that item i is in bin b; bit n B + b - L, of each bin b beyond those, that it is used.
    """

    type: Literal["bin_packing"] = "bin_packing"
    items: Entries[Piece] = Field(min_length=1, description="what has to be packed")
    capacity: Size = Field(
        description="the most that a bin takes", json_schema_extra={"allowed": "a number above 0"}
    )
    bins: Annotated[StrictInt, Field(ge=1, le=4096)] | None = Field(
        None, description="B: how many bins there are; if not given, those that first fit takes"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("items", self.item_names)
        for k, item in enumerate(self.items):
            if item.size > self.capacity:
                allowed = f"up to {self.capacity:g}, the capacity"
                raise ValueError(refusal(f"items.{k}.size", item.size, allowed))
        if self.bins is not None and self.bins < self._needed:
            allowed = f"{self._needed} or more, for the items' total size"
            raise ValueError(refusal("bins", self.bins, allowed))
        return self

    @property
    def item_names(self) -> list[Label]:
        """The names of all items."""
        return [k if item.name is None else item.name for k, item in enumerate(self.items)]

    @cached_property
    def _needed(self) -> int:
        """L: bins that the total size takes."""
        return ceil(sum(exact(item.size) for item in self.items) / exact(self.capacity))

    @cached_property
    def n_bins(self) -> int:
        """B: ``bins``, else as many as first fit, largest first, takes."""
        if self.bins is not None:
            return self.bins
        if len(self.items) * self._needed > MAX_BITS:
            return self._needed  # too many as it is: packing them would take its time
        room: list[Fraction] = []
        for size in sorted((exact(item.size) for item in self.items), reverse=True):
            fit = next((b for b, left in enumerate(room) if size <= left), None)
            if fit is None:
                room.append(exact(self.capacity) - size)
            else:
                room[fit] -= size
        return len(room)

    @property
    def n_qubits(self) -> int:
        """Number of bits: one for each item and bin, and one for each bin that may stay unused."""
        return (len(self.items) + 1) * self.n_bins - self._needed

    @property
    def n_terms(self) -> int:
        """Number of sizes in all bins, and of bins."""
        return (len(self.items) + 2) * self.n_bins

    @property
    def labels(self) -> Sequence[Label]:
        """Item and bin, or that a bin is used; the first bin is 1."""
        placed = [f"{item} in bin {b + 1}" for item in self.item_names for b in range(self.n_bins)]
        return placed + [f"bin {b + 1} is used" for b in range(self._needed, self.n_bins)]

    @cached_property
    def space(self) -> Space:
        """Each item is in one bin; bins that may stay unused are used or not."""
        placed = one_of(len(self.items), self.n_bins)
        used = free(self.n_bins - self._needed, first=placed.n_bits)
        return Space(placed.groups + used)

    def _used_bit(self, b: int) -> int:
        return len(self.items) * self.n_bins + b - self._needed

    def minimised(self) -> Polynomial:
        """Return the number of bins that are used."""
        spare = range(self._needed, self.n_bins)
        return Polynomial.of((((self._used_bit(b),), 1.0) for b in spare), float(self._needed))

    def constraints(self) -> tuple[Constraint, ...]:
        """Return that no bin is filled above its capacity, which is 0 unless it is used."""
        found = []
        for b in range(self.n_bins):
            sizes = [(i * self.n_bins + b, item.size) for i, item in enumerate(self.items)]
            if b < self._needed:
                room = self.capacity
            else:
                room = 0.0
                sizes.append((self._used_bit(b), -self.capacity))
            found.append(Constraint(f"bin {b + 1}", tuple(sizes), "<=", room))
        return tuple(found)

    def _bins(self, bits: Sequence[int]) -> tuple[list[list[int]], list[bool]]:
        """Return the items of each bin, and whether it counts as used."""
        placed = rows(bits[: len(self.items) * self.n_bins], self.n_bins)
        inside = [[i for i, bins in enumerate(placed) if b in bins] for b in range(self.n_bins)]
        spare = [bool(bit) for bit in bits[len(self.items) * self.n_bins :]]
        return inside, [True] * self._needed + spare

    def objective(self, bits: Sequence[int]) -> float:
        """Return the number of bins that are used."""
        return float(sum(self._bins(bits)[1]))

    def decoded(self, bits: Sequence[int]) -> Groups:
        """Return what is in each bin that is used or filled."""
        inside, used = self._bins(bits)
        groups = {
            f"bin {b + 1}": tuple(self.item_names[i] for i in items)
            for b, items in enumerate(inside)
            if used[b] or items
        }
        n = sum(used)
        said = "; ".join(f"{name}: {listed(items)}" for name, items in groups.items())
        loads = {
            f"load of bin {b + 1}": total(self.items[i].size for i in items)
            for b, items in enumerate(inside)
            if used[b] or items
        }
        return Groups(
            words=f"{n} {'bin' if n == 1 else 'bins'}: {said}",
            figures={"bins": n, "capacity": self.capacity, **loads},
            groups=groups,
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return by how much bins are too full, and items that are in no bin or in several."""
        found: tuple[Violation, ...] = ()
        inside, used = self._bins(bits)
        for i, name in enumerate(self.item_names):
            times = sum(i in items for items in inside)
            found += broken(f"{plain(name)} is in one bin", abs(times - 1))
        for b, items in enumerate(inside):
            room = exact(self.capacity) if used[b] else Fraction()
            load = sum(exact(self.items[i].size) for i in items)
            found += broken(f"bin {b + 1} holds at most {float(room):g}", load - room)
        return found
