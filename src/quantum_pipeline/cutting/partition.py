"""Where a problem is cut: into parts that fit a width, with the fewest couplings between them.

Parts of a problem that no coupling joins are apart already. Of the others, the fewest couplings
that will do are looked for by branch and bound: variables are put into parts one by one, each next
to those that are placed; of equally few couplings the weakest win, for they take the fewest shots,
and then the narrowest parts. Variables that more couplings hold together than may be cut are one
from the beginning (Menger: by paths that share no coupling).

A cut in the first layer needs no further qubit: there a qubit in the superposition of all bits has
seen nothing but phases, and measuring it is preparing either bit. In each later layer a variable
at a cut takes an ancilla that its measurement goes to.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from quantum_pipeline.ising import IsingModel
from quantum_pipeline.quantities import Entries, Number

STEPS = 200_000
"""Variables that are placed in a search before it is given up: about a second."""

Near = Mapping[int, Mapping[int, float]]


class Part(BaseModel):
    """Variables of a part in ascending order, its ancillas, and the device that it runs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    variables: Entries[Number]
    n_ancillas: Number = 0

    @property
    def width(self) -> int:
        """Qubits of its circuits, at most."""
        return len(self.variables) + self.n_ancillas


Edge = tuple[int, int, float]


def crossing(model: IsingModel, parts: Iterable[Sequence[int]]) -> tuple[Edge, ...]:
    """Return the couplings between parts."""
    home = {variable: k for k, part in enumerate(parts) for variable in part}
    return tuple(edge for edge in model.couplings if home[edge[0]] != home[edge[1]])


def partition(
    model: IsingModel, width: int, *, depth: int, most: int
) -> tuple[tuple[int, ...], ...] | None:
    """Return the variables of each part, or None where no cut was found.

    Args:
        model: what is to be solved.
        width: qubits that a part may have, ancillas included.
        depth: layers of the circuit.
        most: couplings that may be cut.

    Cost: a second at most for each of ``most`` couplings and component; far less where one of few
    couplings exists.
    """
    near = _near(model)
    whole, cut = list[tuple[int, ...]](), list[tuple[int, ...]]()
    for component in _components(near):
        if len(component) <= width:
            whole.append(component)
            continue
        found = _divided(component, near, width, depth, most)
        if found is None:
            return None
        most -= found.cut
        cut += found.parts
    return tuple(sorted([*cut, *_packed(whole, width)]))


def _near(model: IsingModel) -> dict[int, dict[int, float]]:
    near: dict[int, dict[int, float]] = {v: {} for v in range(model.n_variables)}
    for i, j, coupling in model.couplings:
        near[i][j] = near[j][i] = abs(coupling)
    return near


def _components(near: Near) -> list[tuple[int, ...]]:
    left, found = set(near), []
    while left:
        queue = [min(left)]
        left.discard(queue[0])
        for v in queue:  # grows while it is read
            fresh = left.intersection(near[v])
            left -= fresh
            queue += sorted(fresh)
        found.append(tuple(sorted(queue)))
    return found


def _packed(components: Iterable[tuple[int, ...]], width: int) -> list[tuple[int, ...]]:
    """Return components side by side in as few parts as the first that fits makes of them."""
    bins: list[tuple[int, ...]] = []
    for component in sorted(components, key=len, reverse=True):
        for k, others in enumerate(bins):
            if len(others) + len(component) <= width:
                bins[k] = tuple(sorted(others + component))
                break
        else:
            bins.append(component)
    return bins


class _Found(NamedTuple):
    """Parts, the number of couplings between them, and what decides among equals."""

    cut: int
    parts: list[tuple[int, ...]]
    cost: tuple[float, int]


def _divided(
    component: tuple[int, ...], near: Near, width: int, depth: int, most: int
) -> _Found | None:
    """Return the parts of a component with as few couplings between them as possible."""
    fewest = -(-len(component) // width) - 1  # of connected parts each needs one to the others
    for cut in range(fewest, most + 1):
        found = _Search(component, near, width, depth, cut).best()
        if found is not None:
            return found
    return None


class _Search:
    """Looks for parts of a connected component with ``cut`` couplings between them at most."""

    def __init__(
        self, component: tuple[int, ...], near: Near, width: int, depth: int, cut: int
    ) -> None:
        self._near, self._width, self._depth, self._cut = near, width, depth, cut
        self._groups = _inseparable(component, near, cut)
        home = {v: k for k, group in enumerate(self._groups) for v in group}
        self._joined = [
            Counter(home[u] for v in group for u in near[v] if home[u] != home[v])
            for group in self._groups
        ]
        self._order = self._by_adjacency()
        self._label = [-1] * len(self._groups)
        self._sizes = [0] * (cut + 1)
        self._to = [[0] * (cut + 1) for _ in self._groups]
        self._steps = 0
        self._best: _Found | None = None

    def best(self) -> _Found | None:
        """Return the best parts that the search comes to, None if to none."""
        if max(map(len, self._groups)) <= self._width:
            self._place(0, 0, 0)
        return self._best

    def _by_adjacency(self) -> list[int]:
        """Return groups in an order in which each has the most couplings to those before it."""
        left, order = set(range(len(self._groups))), list[int]()
        pull = Counter[int]()
        while left:
            chosen = max(left, key=lambda k: (pull[k], len(self._groups[k]), -k))
            left.discard(chosen)
            order.append(chosen)
            pull.update(self._joined[chosen])
        return order

    def _place(self, at: int, used: int, bound: int) -> None:
        """Place the groups from one on; no fewer couplings than ``bound`` are between parts."""
        if at == len(self._order):
            self._keep(used)
            return
        group = self._order[at]
        to, size = self._to[group], len(self._groups[group])
        for label in sorted(range(min(used + 1, self._cut + 1)), key=lambda k: -to[k]):
            self._steps += 1
            if self._steps > STEPS:
                return
            lost = max(to) - to[label]  # the bound counts it as if it went where most of it is
            if self._sizes[label] + size > self._width or bound + lost > self._cut:
                continue
            added = self._move(group, label, 1)
            if bound + lost + added <= self._cut:
                self._place(at + 1, max(used, label + 1), bound + lost + added)
            self._move(group, label, -1)

    def _move(self, group: int, label: int, by: int) -> int:
        """Put a group into a part, or take it out; return by how much its neighbours' bound rises.

        A group that is not placed loses all couplings to placed ones but those to one part.
        """
        self._label[group] = label if by > 0 else -1
        self._sizes[label] += by * len(self._groups[group])
        added = 0
        for other, couplings in self._joined[group].items():
            to = self._to[other]
            before = sum(to) - max(to)
            to[label] += by * couplings
            if self._label[other] < 0:
                added += sum(to) - max(to) - before
        return added

    def _keep(self, used: int) -> None:
        parts = [list[int]() for _ in range(used)]
        for group, label in zip(self._groups, self._label, strict=True):
            parts[label] += group
        home = {v: k for k, part in enumerate(parts) for v in part}
        cut = [(v, u) for v in home for u in self._near[v] if home[u] != home[v]]
        at_cuts = Counter(home[v] for v in {v for v, _ in cut})
        widths = [len(part) + (self._depth - 1) * at_cuts[k] for k, part in enumerate(parts)]
        cost = (sum(sorted(self._near[v][u] for v, u in cut)), max(widths))
        if cost[1] <= self._width and (self._best is None or cost < self._best.cost):
            self._best = _Found(len(cut) // 2, [tuple(sorted(part)) for part in parts], cost)


def _inseparable(component: Sequence[int], near: Near, cut: int) -> list[list[int]]:
    """Return groups of variables that no ``cut`` couplings hold apart."""
    group = {v: [v] for v in component}
    for v in component:
        for u in near[v]:
            if u > v and group[u] is not group[v] and _paths(v, u, near, cut + 1) > cut:
                merged = group[v] + group[u]
                group.update(dict.fromkeys(merged, merged))
    return list({id(each): sorted(each) for each in group.values()}.values())


def _paths(source: int, target: int, near: Near, most: int) -> int:
    """Return how many paths that share no coupling lead from one variable to another, up to a most.

    Each is found by a breadth-first search on what the flow along the others leaves.
    """
    flow = set[tuple[int, int]]()
    for number in range(most):
        came, queue = {source: source}, deque([source])
        while queue and target not in came:
            v = queue.popleft()
            for u in near[v]:
                if u not in came and (v, u) not in flow:
                    came[u] = v
                    queue.append(u)
        if target not in came:
            return number
        v = target
        while v != source:
            back = (v, came[v])
            flow.remove(back) if back in flow else flow.add((came[v], v))
            v = came[v]
    return most
