"""Light cones of QAOA: the part of a sparse problem that each term depends on, and its size.

Seen backwards from Z_i or Z_i Z_j, depth p reaches the variables within p couplings. Counted from
the measured ones, a variable at distance r is turned by the first p - r mixers only: behind the
last of them it is a classical bit, and it takes part in one more layer of the cost. Its history is
therefore one index of ``index_size(p, r)`` values (a bit of ket and one of bra for each layer, and
the classical one), and the mean of the term is a sum over all histories of a product of one factor
for each variable and each coupling of the cone. ``plan`` orders that sum; its ``work`` is known
before anything is computed. A variable at distance p is a classical bit from the start: where it
hangs on one other, it is summed in closed form (``pendants``).

Cones are labelled from the measured variables outwards, so that equal ones, as in a regular graph,
get equal descriptions. An equal description always is an equal cone; that two equal cones are
described differently can happen where they have cycles, and costs time alone.

Sources: Farhi, Goldstone, Gutmann, arXiv:1411.4028 (light cones); Basso et al., arXiv:2110.14206
(histories); Dechter, Artif. Intell. 113, 41 (1999) (order of summation).
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.ising import IsingModel

Neighbours = list[dict[int, float]]
"""For each variable, the coupling J_ij to each j that it is coupled to."""

LARGEST = 2**22
"""Most complex numbers in one array of the sum over a cone, 64 MiB."""

WORK = 2**27
"""Most numbers computed in one energy of all cones: some seconds with the gradient."""

EXACT = 25
"""Most variables whose state vector is computed as a whole."""


class Shape(NamedTuple):
    """A cone without its numbers: distances of its variables, and which of them are coupled.

    Pendants are left out; couplings (a, b) have a < b and are in order.
    """

    depth: int
    distances: tuple[int, ...]
    couplings: tuple[tuple[int, int], ...]


class Numbers(NamedTuple):
    """The numbers of a cone in the order of its shape.

    ``pendants`` are, for each variable at distance p - 1, the sizes |J| of its couplings to
    variables that touch no other within that distance; signs and fields of those cancel.
    """

    fields: tuple[float, ...]
    couplings: tuple[float, ...]
    pendants: tuple[tuple[float, ...], ...]


class Cone(NamedTuple):
    """All that the mean of one term depends on."""

    shape: Shape
    numbers: Numbers

    @property
    def n_qubits(self) -> int:
        """Number of variables within distance p."""
        return len(self.shape.distances) + sum(map(len, self.numbers.pendants))


class Step(NamedTuple):
    """One variable summed over; the result depends on its ``neighbours``, in order."""

    variable: int
    neighbours: tuple[int, ...]


class Plan(NamedTuple):
    """The order of summation: ``work`` and ``largest`` count the numbers of all arrays, of one."""

    steps: tuple[Step, ...]
    work: float
    largest: float


class ConeSizes(NamedTuple):
    """What a problem's energy takes at one depth: infinite ``work`` is hopeless, and not counted.

    ``work`` and ``largest`` are in complex numbers, ``n_qubits`` is that of the widest cone.
    """

    depth: int
    n_terms: int
    n_distinct: int
    n_qubits: int
    work: float
    largest: float

    @property
    def fits(self) -> bool:
        """Whether the energy can be computed within ``WORK`` and ``LARGEST``."""
        return self.work <= WORK and self.largest <= LARGEST


def index_size(depth: int, distance: int) -> int:
    """Return the number of histories of a variable: 4^p if measured, else 2^(2(p - r) + 1).

    >>> [index_size(2, distance) for distance in (0, 1, 2)]
    [16, 8, 2]
    """
    return 1 << (2 * depth if distance == 0 else 2 * (depth - distance) + 1)


def neighbours_of(model: IsingModel) -> Neighbours:
    """Return the couplings of each variable.

    >>> neighbours_of(IsingModel.from_spins([0, 0, 0], [(0, 2, 0.5)]))
    [{2: 0.5}, {}, {0: 0.5}]
    """
    neighbours: Neighbours = [{} for _ in model.fields]
    for i, j, coupling in model.couplings:
        neighbours[i][j] = neighbours[j][i] = coupling
    return neighbours


def terms_of(model: IsingModel) -> Iterator[tuple[int, ...]]:
    """Return the variables of each term of the energy: (i,) of a field, (i, j) of a coupling.

    >>> list(terms_of(IsingModel.from_spins([0, 2], [(0, 1, 1)])))
    [(1,), (0, 1)]
    """
    yield from ((i,) for i, strength in enumerate(model.fields) if strength)
    yield from ((i, j) for i, j, _ in model.couplings)


def cone_of(
    measured: Sequence[int], depth: int, fields: Sequence[float], neighbours: Neighbours
) -> Cone:
    """Return the cone of the product of Z over ``measured``.

    Cost: O(couplings in the cone), with a logarithm for sorting.

    >>> ring = IsingModel.from_spins([0] * 9, [(i, (i + 1) % 9, 1) for i in range(9)])
    >>> cone = cone_of((3, 4), 2, ring.fields, neighbours_of(ring))
    >>> cone.shape.distances, cone.shape.couplings, cone.numbers.pendants
    ((0, 0, 1, 1), ((0, 1), (0, 2), (1, 3)), ((1.0,), (1.0,)))
    """
    distances = _distances(measured, depth, neighbours)
    inside = [v for v, distance in distances.items() if distance < depth]
    reached: dict[int, list[int]] = {}
    for v in inside:
        for u in neighbours[v]:
            if distances[u] == depth:
                reached.setdefault(u, []).append(v)
    pendants: dict[int, list[float]] = {v: [] for v in inside if distances[v] == depth - 1}
    for u, touched in reached.items():
        if len(touched) == 1:
            pendants[touched[0]].append(abs(neighbours[u][touched[0]]))
            del distances[u]
    for values in pendants.values():
        values.sort()
    order = _labels(measured, distances, fields, neighbours, pendants)
    labels = {v: label for label, v in enumerate(order)}
    couplings = sorted(
        (labels[v], labels[u], coupling)
        for v in inside
        for u, coupling in neighbours[v].items()
        if u in labels and labels[v] < labels[u]
    )
    shape = Shape(depth, tuple(distances[v] for v in order), tuple((a, b) for a, b, _ in couplings))
    numbers = Numbers(
        tuple(fields[v] for v in order if distances[v] < depth),
        tuple(coupling for _, _, coupling in couplings),
        tuple(tuple(pendants[v]) for v in order if v in pendants),
    )
    return Cone(shape, numbers)


def _distances(measured: Sequence[int], depth: int, neighbours: Neighbours) -> dict[int, int]:
    distances = dict.fromkeys(measured, 0)
    queue = deque(measured)
    while queue:
        v = queue.popleft()
        if distances[v] == depth:
            break
        for u in neighbours[v]:
            if u not in distances:
                distances[u] = distances[v] + 1
                queue.append(u)
    return distances


def _labels(
    measured: Sequence[int],
    distances: dict[int, int],
    fields: Sequence[float],
    neighbours: Neighbours,
    pendants: dict[int, list[float]],
) -> list[int]:
    """Return the variables from the measured ones outwards, siblings by what hangs on them.

    In a tree that is a canonical order (Aho, Hopcroft, Ullman, 1974): first by the form of the
    branch, then by its numbers.
    """
    colours: dict[int, tuple[int, int]] = {}
    for v in sorted(distances, key=distances.__getitem__, reverse=True):
        beside, beyond = [], []
        for u, coupling in neighbours[v].items():
            if u in colours and distances[u] > distances[v]:
                beyond.append((*colours[u], coupling))
            elif u in distances:
                beside.append((distances[u], coupling))
        form = hash((len(beside), *sorted(form for form, _, _ in beyond)))
        numbers = (fields[v], *pendants.get(v, ()), *sorted(beside), *sorted(beyond))
        colours[v] = form, hash(numbers)
    order = sorted(measured, key=colours.__getitem__)
    known = set(order)
    for v in order:  # grows while it is read
        new = [u for u in neighbours[v] if u in distances and u not in known]
        order.extend(sorted(new, key=colours.__getitem__))
        known.update(new)
    return order


@lru_cache(maxsize=2**14)
def plan(shape: Shape) -> Plan:
    """Return an order of summation: always the variable whose array is the smallest.

    Where even that array is beyond hope, ``work`` and ``largest`` are infinite.

    >>> found = plan(Shape(1, (0, 0), ((0, 1),)))
    >>> found.steps, found.work, found.largest
    ((Step(variable=1, neighbours=(0,)), Step(variable=0, neighbours=())), 20.0, 16.0)
    """
    bits = [index_size(shape.depth, distance).bit_length() - 1 for distance in shape.distances]
    around: list[set[int]] = [set() for _ in bits]
    for a, b in shape.couplings:
        around[a].add(b)
        around[b].add(a)

    def size(v: int) -> int:
        return bits[v] + sum(bits[u] for u in around[v])

    heap = [(size(v), -v) for v in range(len(bits))]
    heapq.heapify(heap)
    steps: list[Step] = []
    work, largest = 0.0, 0.0
    left = set(range(len(bits)))
    while left:
        exponent, v = heapq.heappop(heap)
        v = -v
        if v not in left or exponent != size(v):
            continue  # an entry from before a neighbour went
        if 2**exponent > LARGEST:
            return Plan((), math.inf, math.inf)
        left.remove(v)
        steps.append(Step(v, tuple(sorted(around[v]))))
        work += 2.0**exponent
        largest = max(largest, 2.0**exponent)
        for u in around[v]:
            around[u] |= around[v] - {u}
            around[u].remove(v)
        for u in around[v]:
            heapq.heappush(heap, (size(u), -u))
    return Plan(tuple(steps), work, largest)


def cone_sizes(model: IsingModel, depth: int) -> ConeSizes:
    """Return what the energy takes at ``depth``; at depth 1 that of the closed form.

    Ends at the first cone that is beyond hope.

    Cost: O(couplings in all cones), about 0.1 ms a term at degree 3 and depth 2.

    >>> ring = IsingModel.from_spins([0] * 60, [(i, (i + 1) % 60, 1) for i in range(60)])
    >>> sizes = cone_sizes(ring, 3)
    >>> sizes.n_terms, sizes.n_distinct, sizes.n_qubits, sizes.fits
    (60, 1, 8, True)
    """
    neighbours = neighbours_of(model)
    terms = list(terms_of(model))
    if depth == 1:
        touched = [sum(len(neighbours[v]) for v in term) for term in terms]
        widest = min(max(touched, default=0), model.n_variables)
        return ConeSizes(1, len(terms), len(terms), widest, float(sum(touched)), 0.0)
    distinct: set[Cone] = set()
    work, largest, widest = 0.0, 0.0, 0
    for term in terms:
        cone = cone_of(term, depth, model.fields, neighbours)
        if cone in distinct:
            continue
        distinct.add(cone)
        found = plan(cone.shape)
        work, largest = work + found.work, max(largest, found.largest)
        widest = max(widest, cone.n_qubits)
        if work > WORK:
            work = math.inf
            break
    return ConeSizes(depth, len(terms), len(distinct), widest, work, largest)


def fits(model: IsingModel, depth: int) -> bool:
    """Return whether the energy at ``depth`` can be computed from light cones."""
    return cone_sizes(model, depth).fits


def require_fit(model: IsingModel, depth: int, exact: int = EXACT) -> None:
    """Refuse a depth at which neither the whole state nor light cones can be computed.

    Raises:
        InvalidRequest: it says which depths fit, or what would.
    """
    n = model.n_variables
    if n <= exact or (sizes := cone_sizes(model, depth)).fits:
        return
    degree = max(map(len, neighbours_of(model)))
    problem = f"{n} variables, each coupled to at most {degree}"
    reason = (
        f"a light cone of depth {depth} holds {sizes.n_qubits} of them or more"
        if depth > 1
        else f"the closed form of depth 1 has {sizes.work:.3g} factors, {WORK:.3g} are the limit"
    )
    fitting = next((p for p in range(depth - 1, 0, -1) if fits(model, p)), 0)
    allowed = f"at most {fitting}" if fitting else f"none: fewer couplings, or {exact} variables"
    raise InvalidRequest.of(
        "algorithm.depth", depth, f"{allowed} for this problem ({problem}; {reason})"
    )
