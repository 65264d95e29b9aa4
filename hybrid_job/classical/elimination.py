"""Bucket elimination: the optimum of a model whose graph is a thick tree at most, proven.

One variable after the other is minimised out, which leaves a table of energies over its neighbours:

    t_v(S) = min over s_v of  h_v s_v + sum_u J_uv s_u s_v + (tables that have v),

S being the neighbours left, which become neighbours of each other. Backwards, every variable takes
its best value. Ladders, strips of grids, and rings with chords stay narrow however long they are.

Source: R. Dechter, Artificial Intelligence 113, 41 (1999).
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.ising import IsingModel

Real = NDArray[np.float64]
Integers = NDArray[np.int64]
_Table = tuple[tuple[int, ...], Integers]
"""Variables in the order of their elimination, and the energy of all their values, in parts."""

DIGIT = 40
"""Bits of a part of an integer: sums of thousands of them fit."""

WIDEST = 20
"""Most neighbours that a variable may have when it is eliminated."""

FEW_ENTRIES, MOST_ENTRIES = 2**20, 2**25
"""Numbers in all tables together: of some tens of milliseconds, and of a second or two."""

ENTRIES_PER_SECOND = 2**23
"""On a slow day."""


def elimination_order(
    model: IsingModel, most_entries: int
) -> list[tuple[int, tuple[int, ...]]] | None:
    """Return variables and their neighbours left, fewest first; None if tables get too large.

    Neighbours are in the order of their own elimination.
    """
    near: list[set[int]] = [set() for _ in range(model.n_variables)]
    for i, j, _ in model.couplings:
        near[i].add(j)
        near[j].add(i)
    heap = [(len(others), v) for v, others in enumerate(near)]
    heapq.heapify(heap)
    place: dict[int, int] = {}
    entries, left = 0, dict[int, set[int]]()
    while heap:
        degree, v = heapq.heappop(heap)
        if v in place or degree != len(near[v]):
            continue
        entries += 2 << degree
        if degree > WIDEST or entries > most_entries:
            return None
        place[v], left[v] = len(place), near[v]
        for u in near[v]:
            near[u] = (near[u] | near[v]) - {u, v}
            heapq.heappush(heap, (len(near[u]), u))
    return [(v, tuple(sorted(others, key=place.__getitem__))) for v, others in left.items()]


def eliminated(model: IsingModel, most_entries: int = FEW_ENTRIES) -> Real | None:
    """Return the spins of lowest energy, shape (n,); None if that takes tables too large.

    >>> eliminated(IsingModel.from_spins([1, 0, 0], [(0, 1, -2), (1, 2, 3)]))
    array([-1., -1.,  1.])

    Cost: O(sum over variables of 2^(neighbours left)).
    """
    order = elimination_order(model, most_entries)
    if order is None:
        return None
    whole = _integers(model)
    tables: dict[int, list[_Table]] = {v: [] for v, _ in order}
    best: dict[int, NDArray[np.bool_]] = {}
    for v, others in order:
        pairs = [(min(u, v), max(u, v)) for u in others]
        total = _own_energies(whole[v, v], [whole.get(pair, 0 * whole[v, v]) for pair in pairs])
        for variables, table in tables.pop(v):
            total += table.reshape(len(table), *(2 if u in variables else 1 for u in (v, *others)))
        best[v] = _carried(total[:, 1] - total[:, 0])[-1] < 0
        if others:
            least = np.where(best[v], total[:, 1], total[:, 0])
            tables[others[0]].append((others, _carried(least)))
    down: dict[int, int] = {}
    for v, others in reversed(order):
        down[v] = int(best[v][tuple(down[u] for u in others)])
    return np.array([1.0 - 2.0 * down[v] for v in range(model.n_variables)])


def _integers(model: IsingModel) -> dict[tuple[int, int], Integers]:
    """Return fields (v, v) and couplings as multiples of one power of two, in parts of DIGIT bits.

    sum_k part_k 2^(k DIGIT), shape (parts,): so no sum of them is rounded, however many there are.
    """
    values = {(v, v): h for v, h in enumerate(model.fields)}
    values |= {(i, j): value for i, j, value in model.couplings}
    ratios = {pair: value.as_integer_ratio() for pair, value in values.items()}
    unit = max(denominator for _, denominator in ratios.values())
    whole = {pair: number * (unit // below) for pair, (number, below) in ratios.items()}
    parts = 1 + max(abs(each) for each in whole.values()).bit_length() // DIGIT
    return {pair: _parts(each, parts) for pair, each in whole.items()}


def _parts(value: int, parts: int) -> Integers:
    low = [(value >> DIGIT * k) & (2**DIGIT - 1) for k in range(parts - 1)]
    return np.array([*low, value >> DIGIT * (parts - 1)], dtype=np.int64)


def _carried(numbers: Integers) -> Integers:
    """Return numbers in parts, of which all but the last are from 0 to 2^DIGIT - 1."""
    for k in range(len(numbers) - 1):
        carry = numbers[k] >> DIGIT
        numbers[k] -= carry << DIGIT
        numbers[k + 1] += carry
    return numbers


def _own_energies(strength: Integers, couplings: list[Integers]) -> Integers:
    """Return (h + sum_k J_k s_k) s, shape (parts, 2, ..., 2): s first, then the s_k; +1 first."""
    local = strength
    for coupling in couplings:
        signed = np.stack([coupling, -coupling], axis=-1)
        local = local[..., None] + signed.reshape(len(signed), *(1,) * (local.ndim - 1), 2)
    return np.stack([local, -local], axis=1)
