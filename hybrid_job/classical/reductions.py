"""Exact reductions: from a model to kernels whose optima are, put together, its optimum.

A ghost spin carries the fields, as in ``cut_polytope``: then only products of two spins count, and
of every solution the flip of all spins is as good. Until nothing changes any more:

- a spin v with a coupling |J_uv| >= sum_{w != u} |J_vw| follows u: s_v = -sgn(J_uv) s_u is best
  whatever the others are. Every spin of degree 1 or 2 has one, so that trees, rings, cacti and
  all else of tree-width 2 vanish, and so does a spin that its field decides;
- blocks, which share one spin at most, are solved apart, and flipped until they agree on it;
- where no cycle is frustrated, two colours satisfy all couplings (F. Harary, 1953).

All sums are of integers, multiples of one power of two, so no rounding breaks a proof.

Sources: F. Barahona, J. Phys. A 15, 3241 (1982); S. Lange, B. Andres, P. Swoboda, CVPR (2019);
J. Hopcroft, R. Tarjan, Comm. ACM 16, 372 (1973).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from quantum_pipeline.ising import Coupling, IsingModel
from quantum_pipeline.ising.reduced import Reduced

Real = NDArray[np.float64]
Spins = dict[int, int]
_Block = tuple[int, list[int]]
"""The spin that a block shares with the one before, and its other ones."""


class Reduction:
    """What is left of a model: kernels, each to be solved by itself, without their offsets.

    There are none if the optimum is found already.

    Cost: O((n + m) r) for n variables, m couplings and r rounds of blocks within blocks, hardly
    ever more than three.

    >>> triangle = [(0, 1, 1), (1, 2, 1), (0, 2, 1)]
    >>> model = IsingModel.from_spins([0, 0, 0, 0.5], [*triangle, (2, 3, 2)])
    >>> reduction = Reduction(model)
    >>> reduction.kernels, reduction.spins([]).tolist()
    ([], [-1.0, 1.0, 1.0, -1.0])
    """

    def __init__(self, model: IsingModel) -> None:
        self._n, self._unit = model.n_variables, _unit(model)
        edges = [*model.couplings, *((i, self._n, h) for i, h in enumerate(model.fields) if h)]
        whole = dict.fromkeys(range(self._n + 1), 0.0)
        self._pieces = [_Piece(Reduced(whole, ((i, j, self._whole(w)) for i, j, w in edges)))]
        for piece in self._pieces:
            self._pieces += piece.taken_apart()
        self._left = [piece for piece in self._pieces if piece.is_kernel]
        self.kernels = [self._model(piece) for piece in self._left]

    def spins(self, solutions: Sequence[Real]) -> Real:
        """Return the spins of the model, shape (n,), from those of each of its kernels.

        They are optimal if the kernels' are; they satisfy what was reduced in any case.
        """
        for piece, solution in zip(self._left, solutions, strict=True):
            piece.spins = dict(zip(self._names(piece), solution.astype(int).tolist(), strict=True))
            piece.spins.setdefault(self._n, 1)
        for piece in reversed(self._pieces):
            piece.put_together()
        spins = self._pieces[0].spins
        return np.array([float(spins[v] * spins[self._n]) for v in range(self._n)])

    def _whole(self, weight: float) -> int:
        numerator, denominator = weight.as_integer_ratio()
        return numerator * (self._unit // denominator)

    def _names(self, piece: _Piece) -> list[int]:
        return sorted(v for v in piece.reduced.variables if v != self._n)

    def _model(self, piece: _Piece) -> IsingModel:
        at = {v: k for k, v in enumerate(self._names(piece))}
        fields = [0.0] * len(at)
        couplings = []
        for i, j, weight in piece.edges():
            value = int(weight) / self._unit
            if j == self._n:
                fields[at[i]] = value
            else:
                couplings.append((at[i], at[j], value))
        return IsingModel.from_spins(fields, couplings)


@dataclass
class _Piece:
    """A model without fields: what is left of it, and what became of that."""

    reduced: Reduced
    blocks: list[tuple[int, _Piece]] = field(default_factory=list)
    spins: Spins = field(default_factory=dict)
    is_kernel: bool = False

    def edges(self) -> Iterator[Coupling]:
        """Yield the couplings left, the smaller of their spins first."""
        for v in self.reduced.variables:
            yield from ((v, u, w) for u, w in self.reduced.near(v).items() if v < u)

    def taken_apart(self) -> list[_Piece]:
        """Reduce the piece, and return those that it falls into."""
        _contract(self.reduced)
        near = {v: self.reduced.near(v) for v in self.reduced.variables}
        found = list(_blocks(near)) if near else []
        if len(found) == 1:
            colours = _two_colours(list(self.edges()))
            self.spins, self.is_kernel = colours or {}, colours is None
            return []
        for shared, others in reversed(found):
            inside = {shared, *others}
            edges = ((v, u, w) for v in inside for u, w in near[v].items() if u in inside and v < u)
            self.blocks.append((shared, _Piece(Reduced(dict.fromkeys(inside, 0.0), edges))))
        return [piece for _, piece in self.blocks]

    def put_together(self) -> None:
        """Set the spins of all variables from those of the variables left, or of the blocks."""
        for shared, piece in self.blocks:
            flip = self.spins.get(shared, 1) * piece.spins[shared]
            self.spins |= {v: flip * spin for v, spin in piece.spins.items()}
        self.spins = self.reduced.spins(self.spins)


def _unit(model: IsingModel) -> int:
    """Return a power of two of whose inverse all fields and couplings are multiples."""
    weights = (*model.fields, *(coupling for _, _, coupling in model.couplings))
    return max(weight.as_integer_ratio()[1] for weight in weights)


def _contract(reduced: Reduced) -> None:
    """Let spins follow their neighbours as long as any has a coupling that outweighs the others."""
    waiting = deque(reduced.variables)
    queued, left = set(waiting), set(waiting)
    while waiting:
        v = waiting.popleft()
        queued.discard(v)
        if v not in left:
            continue
        near = reduced.near(v)
        strongest = max(near, key=lambda u: abs(near[u]), default=None)
        if strongest is not None and 2 * abs(near[strongest]) < sum(map(abs, near.values())):
            continue
        changed = [u for u in near if u not in queued]
        reduced.fix(v, -1 if strongest is not None and near[strongest] > 0 else 1, strongest)
        left.discard(v)
        waiting.extend(changed)
        queued.update(changed)


def _blocks(near: Mapping[int, Iterable[int]]) -> Iterator[_Block]:
    """Yield the blocks of a graph without isolated vertices, each after those that hang on it.

    Depth first: what a vertex leads to is a block of its own unless some edge leads back before it.
    """
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    for start in near:
        if start in number:
            continue
        number[start] = lowest[start] = len(number)
        seen, path = [start], [(start, start, iter(near[start]))]
        while path:
            v, before, others = path[-1]
            u = next(others, None)
            if u is None:
                path.pop()
                lowest[before] = min(lowest[before], lowest[v])
                if path and lowest[v] >= number[before]:
                    at = number[v]
                    inside = [seen.pop()]
                    while number[inside[-1]] > at:
                        inside.append(seen.pop())
                    yield before, inside
            elif u not in number:
                number[u] = lowest[u] = len(number)
                seen.append(u)
                path.append((u, v, iter(near[u])))
            elif u != before:
                lowest[v] = min(lowest[v], number[u])


def _two_colours(edges: Sequence[Coupling]) -> Spins | None:
    """Return spins that satisfy every coupling of a connected graph, if there are any.

    Of two copies of the graph let a negative coupling join spins of one copy, a positive one spins
    of both. A cycle is frustrated if and only if it leads from a spin to its copy.
    """
    names = sorted({i for i, _, _ in edges} | {j for _, j, _ in edges})
    at, n = {v: k for k, v in enumerate(names)}, len(names)
    i = np.array([at[i] for i, _, _ in edges])
    j = np.array([at[j] for _, j, _ in edges])
    other = np.where([weight > 0 for _, _, weight in edges], n, 0)
    ends = np.append(i, i + n), np.append(j + other, j + n - other)
    graph = csr_array((np.ones(2 * len(edges)), ends), shape=(2 * n, 2 * n))
    _, labels = connected_components(graph, directed=False)
    if labels[0] == labels[n]:
        return None
    return {v: 1 if labels[k] == labels[0] else -1 for v, k in at.items()}
