"""Sets of nodes of a graph: independent sets, vertex covers, cliques.

All are of weighted nodes: bit i says that node i is in the set.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Literal, Self

from pydantic import Field, model_validator

from quantum_pipeline.problems.base import Goal, Label, Number
from quantum_pipeline.problems.decoded import Selection, Violation, listed, plain
from quantum_pipeline.problems.formed import FormProblem, free, ones, total
from quantum_pipeline.problems.graphs import Graph
from quantum_pipeline.quantities import Entries
from quantum_pipeline.spaces import Constraint, Polynomial, Space
from quantum_pipeline.wording import digits

Pair = tuple[int, int]


class _NodeSet(Graph, FormProblem):
    node_weights: Entries[Number] | None = Field(
        None, description="weight of each node, in their order; 1 if not given"
    )

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if self.node_weights is not None and len(self.node_weights) != self.node_count:
            length = len(self.node_weights)
            allowed = f"{self.node_count}, one for each node"
            raise ValueError(f"node_weights: got a length of {length}; allowed: {allowed}")
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """Weights of edges, which take no part."""
        if all(w == 1 for *_, w in self.edges):
            return ()
        return (f"the weights of edges take no part in {self.type}; node_weights do",)

    @property
    def n_qubits(self) -> int:
        """Number of nodes."""
        return self.node_count

    @property
    def n_terms(self) -> int:
        """Number of nodes, and of the ends of pairs that a constraint holds to each other."""
        return self.node_count + 2 * len(self.edges)

    @property
    def labels(self) -> Sequence[Label]:
        """The nodes' names."""
        return self.nodes

    @cached_property
    def space(self) -> Space:
        """All sets of nodes."""
        return Space(free(self.node_count))

    @property
    def _weights(self) -> Sequence[float]:
        return self.node_weights or [1.0] * self.node_count

    @property
    def _sign(self) -> int:
        return -1 if self.sense == "maximise" else 1

    def minimised(self) -> Polynomial:
        """Return the weight of the set, its negative where it is to be large."""
        return Polynomial.of(((i,), self._sign * w) for i, w in enumerate(self._weights))

    @abstractmethod
    def _held_pairs(self) -> Iterator[Pair]:
        """Yield the pairs of nodes that a constraint holds to each other."""

    def constraints(self) -> tuple[Constraint, ...]:
        """Return, of each such pair, that at most one is in the set; of a cover, at least one."""
        sense: Literal["<=", ">="] = "<=" if self.sense == "maximise" else ">="
        names = self.nodes
        return tuple(
            Constraint(f"{names[i]}, {names[j]}", ((i, 1.0), (j, 1.0)), sense, 1.0)
            for i, j in self._held_pairs()
        )

    def objective(self, bits: Sequence[int]) -> float:
        """Return the weight of the nodes in the set."""
        return total(self._weights[i] for i in ones(bits))

    def decoded(self, bits: Sequence[int]) -> Selection:
        """Return the nodes in the set."""
        chosen = tuple(self.nodes[i] for i in ones(bits))
        weight, n = self.objective(bits), len(chosen)
        weighs = "" if self.node_weights is None else f" of weight {digits(weight)}"
        return Selection(
            words=f"{n} {'node' if n == 1 else 'nodes'}{weighs}: {listed(chosen)}",
            figures={"nodes": n, "weight": weight},
            chosen=chosen,
            left_out=tuple(node for node, bit in zip(self.nodes, bits, strict=True) if not bit),
        )

    def _wrong(self, pairs: list[Pair], rule: str) -> tuple[Violation, ...]:
        names = self.nodes
        return tuple(
            Violation(rule=rule.format(plain(names[i]), plain(names[j])), by=1.0) for i, j in pairs
        )


class MaxIndependentSet(_NodeSet):
    """Choose nodes of which no two share an edge, to weigh most."""

    type: Literal["max_independent_set"] = "max_independent_set"

    @property
    def sense(self) -> Goal:
        """Its weight is to be large."""
        return "maximise"

    def _held_pairs(self) -> Iterator[Pair]:
        yield from ((i, j) for i, j, _ in self.edges)

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the edges inside the set."""
        inside = [(i, j) for i, j, _ in self.edges if bits[i] and bits[j]]
        return self._wrong(inside, "{} and {} are neighbours: at most one")


class MinVertexCover(_NodeSet):
    """Choose nodes so that each edge ends in one of them, to weigh least."""

    type: Literal["min_vertex_cover"] = "min_vertex_cover"

    def _held_pairs(self) -> Iterator[Pair]:
        yield from ((i, j) for i, j, _ in self.edges)

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the edges that are not covered."""
        bare = [(i, j) for i, j, _ in self.edges if not bits[i] and not bits[j]]
        return self._wrong(bare, "the edge of {} and {} is covered")


class MaxClique(_NodeSet):
    """Choose nodes of which every two share an edge, to weigh most."""

    type: Literal["max_clique"] = "max_clique"

    @property
    def sense(self) -> Goal:
        """Its weight is to be large."""
        return "maximise"

    @property
    def n_terms(self) -> int:
        """Number of nodes, and of the ends of pairs that share no edge."""
        n = self.node_count
        return n + n * (n - 1) - 2 * len(self.edges)

    def _held_pairs(self) -> Iterator[Pair]:
        joined = {frozenset((i, j)) for i, j, _ in self.edges}
        every = combinations(range(self.node_count), 2)
        yield from (pair for pair in every if frozenset(pair) not in joined)

    def check(self, bits: Sequence[int]) -> tuple[Violation, ...]:
        """Return the pairs in the set that share no edge."""
        edges = {(i, j) for i, j, _ in self.edges} | {(j, i) for i, j, _ in self.edges}
        chosen = ones(bits)
        apart = [(i, j) for i in chosen for j in chosen if i < j and (i, j) not in edges]
        return self._wrong(apart, "{} and {} are no neighbours: at most one")
