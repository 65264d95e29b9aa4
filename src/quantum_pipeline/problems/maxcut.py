"""MaxCut: the largest cut of a weighted graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import fsum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from quantum_pipeline.exact import Terms
from quantum_pipeline.ising import IsingModel
from quantum_pipeline.problems.base import (
    MAX_MAGNITUDE,
    BinaryProblem,
    Index,
    Label,
    Number,
    check_indices,
    check_labels,
    check_no_loops,
    check_no_repeats,
)
from quantum_pipeline.problems.node_link import NodeLink
from quantum_pipeline.quantities import Entries
from quantum_pipeline.wording import refusal


def _with_weight(edge: Any) -> Any:
    return [*edge, 1.0] if isinstance(edge, list | tuple) and len(edge) == 2 else edge


_NODE = {"type": "integer", "minimum": 0}
Edge = Annotated[
    tuple[Index, Index, Number],
    BeforeValidator(_with_weight),
    WithJsonSchema(
        {
            "type": "array",
            "prefixItems": [
                _NODE,
                _NODE,
                {"type": "number", "minimum": -MAX_MAGNITUDE, "maximum": MAX_MAGNITUDE},
            ],
            "minItems": 2,
            "maxItems": 3,
            "allowed": "[i, j] or [i, j, weight]: two nodes, counted from 0, and a number",
        }
    ),
]
"""(i, j, w); [i, j] is read as weight 1."""


class MaxCut(BinaryProblem):
    """Split the nodes of a graph so that the edges between the two sides weigh most.

    cut(x) = sum_{(i,j,w)} w [x_i != x_j],    energy = -cut
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["edges"]}, {"required": ["graph"]}]}
    )
    sense = "maximise"

    type: Literal["maxcut"] = "maxcut"
    edges: Entries[Edge] = Field(
        (),
        min_length=1,
        description="edges between nodes 0, 1, ..., each pair once; the default weight is 1",
    )
    n_nodes: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="number of nodes; if not given, one more than the largest node of an edge"
    )
    node_labels: Entries[Label] | None = Field(
        None, description="names of the nodes in the report; their numbers if not given"
    )
    graph: NodeLink | None = Field(
        None, exclude=True, description="a graph as networkx writes it, instead of the fields above"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.graph is not None:
            self._read(self.graph)
        if not self.edges:
            raise ValueError("edges: missing; allowed: one or more edges, or a graph")
        pairs = [(i, j) for i, j, _ in self.edges]
        check_no_loops("edges", pairs)
        check_no_repeats("edges", pairs)
        check_indices("edges", pairs, self.n_variables, "nodes")
        if self.node_labels is not None:
            if len(self.node_labels) != self.n_variables:
                allowed = f"one for each of the {self.n_variables} nodes"
                raise ValueError(refusal("node_labels", self.node_labels, allowed))
            check_labels("node_labels", self.node_labels)
        return self

    def _read(self, graph: NodeLink) -> None:
        for name in ("edges", "n_nodes", "node_labels"):
            if name in self.model_fields_set:
                raise ValueError(f"{name}: got a graph beside it; allowed: one of the two")
        # The last of validation: from here on the graph is its numbered edges, and frozen.
        self.__dict__.update(graph.numbered(), graph=None)

    @cached_property
    def n_variables(self) -> int:
        """Number of nodes: ``n_nodes``, else one more than the largest node in an edge."""
        return self.n_nodes or 1 + max(max(i, j) for i, j, _ in self.edges)

    @property
    def n_terms(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @property
    def labels(self) -> Sequence[Label]:
        """The nodes' names, where the graph had other ones than 0 to n - 1."""
        return self.node_labels or range(self.n_variables)

    def terms(self) -> Terms:
        """Return -cut = (sum_{ij} w s_i s_j - sum_{ij} w) / 2."""
        gained = [-w for *_, w in self.edges]
        return Terms([0.0] * self.n_variables, self.edges, gained, spins=True, divisor=2)

    @cached_property
    def ising(self) -> IsingModel:
        """-cut = sum_{ij} w (s_i s_j - 1)/2."""
        halves = [(i, j, w / 2) for i, j, w in self.edges]
        offset = -fsum(w for *_, w in halves)
        return IsingModel.from_spins([0.0] * self.n_variables, halves, offset)
