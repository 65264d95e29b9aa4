"""The Ising model as a maximum cut, and linear inequalities that every cut satisfies.

One more spin, always +1, carries the fields, so every model is a sum over the edges of a graph.
With z_e = 1 where edge e is cut,  E = offset + sum_e J_e - 2 sum_e J_e z_e,  and a z in {0, 1} is
a cut if and only if it cuts every cycle C an even number of times:

    sum_{e in F} (1 - z_e) + sum_{e in C - F} z_e >= 1      for every F in C of odd size.

These are all there is to say of a planar graph, and nearly all of other sparse ones.

Sources: F. Barahona, A. R. Mahjoub, Math. Programming 36, 157 (1986); F. Barahona et al.,
Operations Research 36, 493 (1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import breadth_first_order, dijkstra, minimum_spanning_tree

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.ising.exact import ExactEnergies

Real = NDArray[np.float64]
Integers = NDArray[np.int64]

VIOLATION = 1e-3
"""Violations smaller than this are none."""

MOST_CYCLES = 4
"""Inequalities found at once, per vertex: more make the next linear program large."""

LARGEST = 1e6
"""Integers up to here are weights as they are; larger ones, or others, make the largest 100."""

_Cycle = tuple[tuple[int, ...], tuple[int, ...]]
"""The edges of F, and those of C - F."""


@dataclass(frozen=True)
class CutGraph:
    """The graph of a model of n spins; vertex n is the fixed spin.

    Edge e joins ``tails[e]`` < ``heads[e]`` with weight J_e, in units of ``unit``. Where all
    weights are multiples of one number, ``step`` divides all differences of energy, else it is 0.
    """

    vertices: int
    tails: Integers
    heads: Integers
    weights: Real
    step: float
    unit: float

    @classmethod
    def of(cls, model: IsingModel) -> CutGraph:
        """Return the graph of a model in which not all fields and couplings are 0."""
        n = model.n_variables
        edges = [*model.couplings, *((i, n, h) for i, h in enumerate(model.fields) if h)]
        tails, heads = (np.array([edge[k] for edge in edges], dtype=np.int64) for k in (0, 1))
        given = np.array([edge[2] for edge in edges])
        whole = ExactEnergies.of(model).multiples(given)
        weights, step = (given, 0.0) if whole is None else (whole, 4.0)
        if step:
            # A flip changes E by 2 (h_i + sum_j J_ij s_j): modulo 4, by 2 (h_i + sum_j J_ij).
            sums = np.bincount(np.append(tails, heads), np.append(weights, weights), n + 1)
            step = 2.0 if (sums[:n] % 2).any() else 4.0
        largest = abs(weights).max()
        if not step or largest > LARGEST:
            weights, step = weights * (100 / largest), step * (100 / largest)
        unit = float(abs(given).max() / abs(weights).max())
        return cls(n + 1, tails, heads, weights, step, unit)

    @cached_property
    def _numbers(self) -> dict[tuple[int, int], int]:
        pairs = zip(self.tails.tolist(), self.heads.tolist(), strict=True)
        return {pair: e for e, pair in enumerate(pairs)}

    def edge(self, i: int, j: int) -> int:
        """Return the number of the edge between two vertices."""
        return self._numbers[min(i, j), max(i, j)]

    def energy(self, spins: Real) -> float:
        """Return sum_e J_e s_i s_j of spins of all vertices."""
        return float(self.weights @ (spins[self.tails] * spins[self.heads]))

    def matrix(self, values: Real) -> csr_array:
        """Return the symmetric matrix, shape (vertices, vertices), of one value an edge."""
        both = np.append(self.tails, self.heads), np.append(self.heads, self.tails)
        return csr_array((np.append(values, values), both), shape=(self.vertices, self.vertices))

    def rounded(self, z: Real) -> Real:
        """Return the spins that agree with z on a spanning forest of its most decided edges."""
        forest = minimum_spanning_tree(self.matrix(np.minimum(abs(z), abs(1 - z)) + 1e-6))
        spins = np.zeros(self.vertices)
        for root in range(self.vertices):
            if spins[root]:
                continue
            spins[root] = 1.0
            order, before = breadth_first_order(forest, root, directed=False)
            for vertex in order[1:].tolist():
                parent = int(before[vertex])
                spins[vertex] = (
                    -spins[parent] if z[self.edge(vertex, parent)] > 0.5 else spins[parent]
                )
        return spins

    def descended(self, spins: Real) -> Real:
        """Return the spins after the flips, one after the other, that lower the energy most."""
        couplings, spins = self.matrix(self.weights), spins.copy()
        fields = couplings @ spins
        while True:
            vertex = int((spins * fields).argmax())
            if spins[vertex] * fields[vertex] <= 1e-9:
                return spins
            spins[vertex] *= -1
            row = slice(couplings.indptr[vertex], couplings.indptr[vertex + 1])
            fields[couplings.indices[row]] += 2 * spins[vertex] * couplings.data[row]


@dataclass(frozen=True)
class Inequalities:
    """rows @ z <= limits."""

    rows: csr_array
    limits: Real

    def __add__(self, other: Inequalities) -> Inequalities:
        rows = csr_array(vstack([self.rows, other.rows], format="csr"))
        return Inequalities(rows, np.append(self.limits, other.limits))

    def binding(self, z: Real) -> Inequalities:
        """Return those that hold as equations."""
        kept = self.limits - self.rows @ z < 1e-6
        return Inequalities(self.rows[kept], self.limits[kept])


def violated(graph: CutGraph, z: Real) -> Inequalities | None:
    """Return for each edge the most violated inequalities of cycles through it, if there are any.

    In two copies of the graph, let an edge inside a copy be z_e long and one between the copies
    1 - z_e: a path from a vertex to its copy, shorter than 1, is the cycle of a violated one.

    Cost: the shortest paths from every vertex. At most MOST_CYCLES inequalities a vertex.
    """
    n, z = graph.vertices, np.clip(z, 0.0, 1.0)
    i, j = graph.tails, graph.heads
    # No length is 0, lest the sparse matrix drop it; and of equal paths one has the fewest edges.
    lengths = np.concatenate([z, z, 1 - z, 1 - z]) + 1e-9
    ends = np.concatenate([i, i + n, i, i + n]), np.concatenate([j, j + n, j + n, j])
    length, before = dijkstra(
        csr_array((lengths, ends), shape=(2 * n, 2 * n)),
        directed=False, indices=np.arange(n), return_predecessors=True, limit=1.0,
    )  # fmt: skip
    # Each cycle as an edge of it and the path between its ends; the edge is one between the copies
    # where the path is not.
    totals = np.append(length[i, j] + 1 - z, length[i, j + n] + z)
    found: dict[_Cycle, None] = {}
    for number in np.argsort(totals, kind="stable").tolist():
        if totals[number] > 1 - VIOLATION or len(found) >= MOST_CYCLES * n:
            break
        e = number % len(z)
        odd: list[int] = [e] if number < len(z) else []
        even: list[int] = [] if odd else [e]
        start, at = int(i[e]), int(j[e]) + (0 if odd else n)
        while at != start:
            previous = int(before[start, at])
            crosses = (previous < n) != (at < n)
            (odd if crosses else even).append(graph.edge(previous % n, at % n))
            at = previous
        if len({*odd, *even}) == len(odd) + len(even):
            found[tuple(sorted(odd)), tuple(sorted(even))] = None
    return _inequalities(list(found), len(z)) if found else None


def _inequalities(cycles: list[_Cycle], n_edges: int) -> Inequalities:
    columns = np.array([e for odd, even in cycles for e in odd + even])
    signs = np.array([s for odd, even in cycles for s in (1.0,) * len(odd) + (-1.0,) * len(even)])
    starts = np.cumsum([0, *(len(odd) + len(even) for odd, even in cycles)])
    rows = csr_array((signs, columns, starts), shape=(len(cycles), n_edges))
    return Inequalities(rows, np.array([len(odd) - 1.0 for odd, _ in cycles]))
