"""Graph colouring, and the largest cut into several parts: each node takes one of k colours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from quantum_pipeline.problems.base import Goal, Label, check_labels
from quantum_pipeline.problems.decoded import Groups, Violation, listed, plain
from quantum_pipeline.problems.formed import FormProblem, broken, one_of, rows, total
from quantum_pipeline.problems.graphs import Graph
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Polynomial, Space
from quantum_pipeline.wording import digits, refusal

MOST_KINDS = 64

Kinds = Annotated[
    Annotated[StrictInt, Field(ge=2, le=MOST_KINDS)]
    | Annotated[Entries[Label], Field(min_length=2, max_length=MOST_KINDS)],
    Field(
        json_schema_extra={
            "allowed": f"an integer from 2 to {MOST_KINDS}, or a list of 2 or more names"
        }
    ),
]


class _Coloured(Graph, FormProblem):
    """Nodes of one of k kinds each: bit i k + c says that node i is of kind c."""

    @property
    @abstractmethod
    def kinds(self) -> tuple[Label, ...]:
        """The kinds' names."""

    @property
    def n_qubits(self) -> int:
        """Number of bits: one for each node and kind."""
        return self.node_count * len(self.kinds)

    @property
    def n_terms(self) -> int:
        """Number of edges, for each kind."""
        return len(self.edges) * len(self.kinds)

    @property
    def labels(self) -> Sequence[Label]:
        """Node and kind."""
        return [f"{node}: {kind}" for node in self.nodes for kind in self.kinds]

    @cached_property
    def space(self) -> Space:
        """Each node is of one kind."""
        return one_of(self.node_count, len(self.kinds))

    def _alike(self, sign: int) -> list[tuple[tuple[int, ...], float]]:
        k = len(self.kinds)
        return [((i * k + c, j * k + c), sign * w) for i, j, w in self.edges for c in range(k)]

    def kind_of(self, bits: Sequence[int]) -> list[int]:
        """Return the kind of each node, by number."""
        return [kind for (kind,) in rows(bits, len(self.kinds))]

    def _by_kind(self, bits: Sequence[int]) -> dict[str, tuple[Label, ...]]:
        kind_of = self.kind_of(bits)
        return {
            str(kind): tuple(node for node, c in zip(self.nodes, kind_of, strict=True) if c == k)
            for k, kind in enumerate(self.kinds)
        }

    def _not_one(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        found: tuple[Violation, ...] = ()
        for node, kinds in zip(self.nodes, rows(bits, len(self.kinds)), strict=True):
            found += broken(f"{plain(node)} is of one kind", abs(len(kinds) - 1))
        return found


def _named(given: int | tuple[Label, ...], word: str) -> tuple[Label, ...]:
    return tuple(f"{word} {k}" for k in range(1, given + 1)) if isinstance(given, int) else given


def _said(groups: dict[str, tuple[Label, ...]]) -> str:
    return "; ".join(f"{plain(name)}: {listed(members)}" for name, members in groups.items())


class GraphColoring(_Coloured):
    """Give each node one of k colours, so that edges of little weight join equal ones.

    conflict = sum_{(i,j,w)} w [colour of i = colour of j]  is minimised; an answer is feasible
    where it is 0. Where no colouring without conflicts exists, the least conflict is found.
    """

    counts_violations = True

    type: Literal["graph_coloring"] = "graph_coloring"
    colors: Kinds = Field(description="k, or the colours' names")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for position, (*_, weight) in enumerate(self.edges):
            if weight <= 0:
                raise ValueError(refusal(f"edges.{position}.2", weight, "a number above 0"))
        check_labels("colors", self.kinds)
        return self

    @property
    def kinds(self) -> tuple[Label, ...]:
        """The colours' names."""
        return _named(self.colors, "colour")

    def minimised(self) -> Polynomial:
        """Return the weight of the edges whose ends have one colour."""
        return Polynomial.of(self._alike(1))

    def _conflicts(self, bits: Sequence[int]) -> list[tuple[Label, Label, float]]:
        colour = self.kind_of(bits)
        names = self.nodes
        return [(names[i], names[j], w) for i, j, w in self.edges if colour[i] == colour[j]]

    def objective(self, bits: Sequence[int]) -> float:
        """Return the weight of the conflicts."""
        return total(w for *_, w in self._conflicts(bits))

    def decoded(self, bits: Sequence[int]) -> Groups:
        """Return the nodes of each colour."""
        groups, conflicts = self._by_kind(bits), self._conflicts(bits)
        used = sum(bool(nodes) for nodes in groups.values())
        said = f"{len(conflicts)} conflicts" if len(conflicts) != 1 else "1 conflict"
        return Groups(
            words=f"{said if conflicts else 'no conflict'}, {used} colours: {_said(groups)}",
            figures={"conflicts": len(conflicts), "colours": used},
            groups=groups,
        )

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the edges whose ends have one colour, each by its weight."""
        if wrong := self._not_one(bits):
            return wrong
        return tuple(
            Violation(rule=f"{plain(a)} and {plain(b)} differ in colour", by=w)
            for a, b, w in self._conflicts(bits)
        )


class MaxKCut(_Coloured):
    """Split the nodes of a graph into k parts, so that the edges between parts weigh most.

    cut = sum_{(i,j,w)} w [part of i != part of j]
    """

    type: Literal["max_k_cut"] = "max_k_cut"
    parts: Kinds = Field(description="k, or the parts' names")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_labels("parts", self.kinds)
        return self

    @property
    def sense(self) -> Goal:
        """The cut is to be large."""
        return "maximise"

    @property
    def kinds(self) -> tuple[Label, ...]:
        """The parts' names."""
        return _named(self.parts, "part")

    def minimised(self) -> Polynomial:
        """Return the weight of the edges inside the parts, less that of all."""
        return Polynomial.of(self._alike(1), -total(w for *_, w in self.edges))

    def objective(self, bits: Sequence[int]) -> float:
        """Return the cut."""
        part = self.kind_of(bits)
        return total(w for i, j, w in self.edges if part[i] != part[j])

    def decoded(self, bits: Sequence[int]) -> Groups:
        """Return the nodes of each part."""
        groups, cut = self._by_kind(bits), self.objective(bits)
        words = f"cut {digits(cut)}: {_said(groups)}"
        return Groups(words=words, figures={"cut": cut}, groups=groups)

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the nodes that are in no part, or in several."""
        return self._not_one(bits)
