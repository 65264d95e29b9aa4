"""A graph in a problem: edges between numbered nodes, or a graph as networkx writes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from quantum_pipeline.problems.base import (
    MAX_MAGNITUDE,
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


class Graph(BaseModel):
    """The fields of a problem on a simple, undirected, weighted graph with named nodes."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["edges"]}, {"required": ["graph"]}]}
    )

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
    def _check_graph(self) -> Self:
        if self.graph is not None:
            self._read(self.graph)
        if not self.edges:
            raise ValueError("edges: missing; allowed: one or more edges, or a graph")
        pairs = [(i, j) for i, j, _ in self.edges]
        check_no_loops("edges", pairs)
        check_no_repeats("edges", pairs)
        check_indices("edges", pairs, self.node_count, "nodes")
        if self.node_labels is not None:
            if len(self.node_labels) != self.node_count:
                allowed = f"one for each of the {self.node_count} nodes"
                raise ValueError(refusal("node_labels", self.node_labels, allowed))
            check_labels("node_labels", self.node_labels)
        return self

    def _read(self, graph: NodeLink) -> None:
        for name in ("edges", "n_nodes", "node_labels"):
            if name in self.model_fields_set:
                raise ValueError(f"{name}: got a graph beside it; allowed: one of the two")
        # From here on the graph is its numbered edges, and frozen.
        self.__dict__.update(graph.numbered(), graph=None)

    @cached_property
    def node_count(self) -> int:
        """Number of nodes: ``n_nodes``, else one more than the largest node in an edge."""
        return self.n_nodes or 1 + max(max(i, j) for i, j, _ in self.edges)

    @property
    def nodes(self) -> Sequence[Label]:
        """The nodes' names, where the graph had other ones than 0 to n - 1."""
        return self.node_labels or range(self.node_count)
