"""Graphs as networkx writes them (``node_link_data``): ``edges``, or before version 3.4 ``links``.

Attributes other than a node's ``id`` and an edge's ``weight`` are passed over.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from quantum_pipeline.problems.base import (
    NestedLabel,
    Number,
    check_labels,
    check_no_loops,
    check_no_repeats,
)
from quantum_pipeline.quantities import Entries
from quantum_pipeline.wording import refusal


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Node(_Part):
    """A node by its name."""

    id: NestedLabel = Field(description="the node's name")


class Link(_Part):
    """An edge between two named nodes."""

    source: NestedLabel = Field(description="name of one end")
    target: NestedLabel = Field(description="name of the other end")
    weight: Number = Field(1.0, description="weight of the edge")


class NodeLink(_Part):
    """A simple, undirected graph."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["edges"]}, {"required": ["links"]}]}
    )

    directed: Literal[False] = Field(False, description="must be false: graphs are undirected here")
    multigraph: Literal[False] = Field(
        False, description="must be false: add up the weights of parallel edges first"
    )
    nodes: Entries[Node] = Field(min_length=1, description="the nodes with their names")
    edges: Entries[Link] = Field((), min_length=1, description="the edges")
    links: Entries[Link] = Field(
        (), min_length=1, description="the edges, as older versions of networkx name them"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.edges or self.links):
            raise ValueError("edges: missing; allowed: one or more edges, here or as links")
        if self.edges and self.links:
            raise ValueError("edges: got links as well; allowed: one of the two")
        name = "edges" if self.edges else "links"
        labels = [node.id for node in self.nodes]
        check_labels("nodes", labels)
        pairs = [(link.source, link.target) for link in self.edges or self.links]
        known = set(labels)
        for position, pair in enumerate(pairs):
            if not known.issuperset(pair):
                raise ValueError(refusal(f"{name}.{position}", list(pair), "ids of two nodes"))
        check_no_loops(name, pairs)
        check_no_repeats(name, pairs)
        return self

    def numbered(self) -> dict[str, Any]:
        """Return edges between node numbers, the number of nodes, and their names."""
        number = {node.id: k for k, node in enumerate(self.nodes)}
        edges = tuple(
            (number[link.source], number[link.target], link.weight)
            for link in self.edges or self.links
        )
        return {"edges": edges, "n_nodes": len(number), "node_labels": tuple(number)}
