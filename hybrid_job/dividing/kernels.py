"""The compiled loops over spins and their neighbours; importing this compiles or reads them.

Neighbours come as the rows of a symmetric compressed sparse matrix, as in ``classical.kernels``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, void

from hybrid_job.compiling import compiled

_reals, _integers = float64[::1], int64[::1]


@compiled(
    int64(
        _integers, _integers, _reals, _reals, _reals, _integers, _reals, int64, _integers, _integers
    )
)
def grow(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    starts, neighbours, couplings, spins, forces, order, noise, size, members, ends
):
    """Divide all spins into blocks of at most ``size``; return how many there are.

    Each begins with the first spin of ``order`` that is in none. The next is the neighbour that is
    cheapest to turn over once all spins of the block are: -2 s_j f_j plus its ``noise``, f_j with
    theirs turned. So a block is a chain of flips each of which the last makes cheap. Block b is
    members[ends[b - 1]:ends[b]].
    """
    n = spins.size
    felt = forces.copy()
    taken = np.zeros(n, dtype=np.bool_)
    seen = np.full(n, -1, dtype=np.int64)
    edge = np.empty(n, dtype=np.int64)
    count = filled = 0
    for first in order:
        if taken[first]:
            continue
        begin, at_edge, chosen = filled, 0, first
        while True:
            taken[chosen] = True
            members[filled] = chosen
            filled += 1
            if filled - begin == size:
                break
            for at in range(starts[chosen], starts[chosen + 1]):
                j = neighbours[at]
                felt[j] -= 2.0 * couplings[at] * spins[chosen]
                if not taken[j] and seen[j] != count:
                    seen[j] = count
                    edge[at_edge] = j
                    at_edge += 1
            place, least = -1, math.inf
            for q in range(at_edge):
                j = edge[q]
                cost = -2.0 * spins[j] * felt[j] + noise[j]
                if cost < least:
                    place, least = q, cost
            if place < 0:
                break
            chosen = edge[place]
            at_edge -= 1
            edge[place] = edge[at_edge]
        for q in range(begin, filled):
            for at in range(starts[members[q]], starts[members[q] + 1]):
                felt[neighbours[at]] = forces[neighbours[at]]
        ends[count] = filled
        count += 1
    return count


@compiled(void(_integers, _integers, _reals, _integers, _integers, float64[:, ::1]))
def among(starts, neighbours, couplings, members, places, inside):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Add to ``inside``, shape (k, k), the couplings that k spins have among themselves.

    ``places`` has -1 for every spin, before and after.
    """
    for a in range(members.size):
        places[members[a]] = a
    for a in range(members.size):
        for at in range(starts[members[a]], starts[members[a] + 1]):
            b = places[neighbours[at]]
            if b >= 0:
                inside[a, b] += couplings[at]
    for a in range(members.size):
        places[members[a]] = -1


@compiled(void(_integers, _integers, _reals, _integers, _reals, _reals))
def turn(starts, neighbours, couplings, members, spins, forces):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Turn some spins over, and update the forces on their neighbours."""
    for i in members:
        spins[i] = -spins[i]
        for at in range(starts[i], starts[i + 1]):
            forces[neighbours[at]] += 2.0 * spins[i] * couplings[at]
