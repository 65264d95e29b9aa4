"""The compiled loops of the classical methods; importing this compiles or reads them.

The caller checks shapes and keeps time: one call here takes milliseconds. Neighbours come as the
rows of a symmetric compressed sparse matrix: those of spin i, and their couplings, at positions
starts[i] to starts[i + 1] of ``neighbours`` and ``couplings``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float64, int64, uint64, void

from hybrid_job.compiling import compiled

_reals, _integers = float64[::1], int64[::1]


@compiled(void(_reals, float64, _reals, int64, int64))
def _spread(energies, constant, fields, first, end):  # type: ignore[no-untyped-def]
    """Set ``energies`` to those of spins ``first`` to ``end`` in their fields, plus a constant."""
    energies[0] = constant
    for j in range(first, end):
        energies[0] += fields[j]
    size = 1
    for j in range(end - 1, first - 1, -1):
        for q in range(size):
            energies[size + q] = energies[q] - 2.0 * fields[j]
        size *= 2


@compiled(
    void(
        float64[:, ::1], float64[:, ::1], float64[:, ::1], int64, int64, float64, _reals, _reals,
        _reals, _reals, _reals, _reals, _integers,
    ),
    fastmath={"nnan", "ninf", "nsz", "reassoc"},
)  # fmt: skip
def scan(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    within, across, block, start, count, energy, spins, local, last, row_part, column_part,
    extremes, codes,
):  # fmt: skip
    """Lower extremes[0] and raise extremes[1] to the ends of the energies of ``count`` blocks.

    A block has every value of the last k spins: block[r, c] is what they have among themselves,
    r the first half of them and c the other. The m spins before have couplings ``within``, shape
    (m, m), and ``across``, (m, k), and follow the Gray code of the block's number, from ``start``.
    ``energy`` is that of the first block's m ``spins`` alone, ``local`` the fields on them and
    ``last`` those that they and nothing else exert on the last; ``row_part`` and ``column_part``
    are room for a number a row and a column. ``codes`` gets the Gray codes of the ends.
    """
    m, k = across.shape
    rows, columns = block.shape
    code = start ^ (start >> 1)
    half = k // 2
    for number in range(start, start + count):
        if number > start:
            place = 0
            while not (number >> place) & 1:
                place += 1
            i = m - 1 - place
            code ^= 1 << place
            energy -= 2.0 * spins[i] * local[i]
            change = -2.0 * spins[i]
            spins[i] = -spins[i]
            for j in range(m):
                local[j] += change * within[i, j]
            for j in range(k):
                last[j] += change * across[i, j]
        _spread(row_part, energy, last, 0, half)
        _spread(column_part, 0.0, last, half, k)
        for r in range(rows):
            low = high = block[r, 0] + column_part[0]
            for c in range(1, columns):
                value = block[r, c] + column_part[c]
                low = min(low, value)
                high = max(high, value)
            if low + row_part[r] < extremes[0]:
                extremes[0], codes[0] = low + row_part[r], code
            if high + row_part[r] > extremes[1]:
                extremes[1], codes[1] = high + row_part[r], code


@compiled(uint64(uint64), inline="always")
def _next(state):  # type: ignore[no-untyped-def]
    """Return the next state of Marsaglia's xorshift generator of 64 bits."""
    state ^= state << uint64(13)
    state ^= state >> uint64(7)
    return state ^ (state << uint64(17))


@compiled(void(_integers, _integers, _reals, _reals, _reals, _reals, uint64))
def anneal(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    starts, neighbours, couplings, local, spins, temperatures, state
):
    """Update ``spins`` and their fields ``local`` by a Metropolis sweep at each temperature."""
    for temperature in temperatures:
        for i in range(spins.size):
            loss = -2.0 * spins[i] * local[i]
            if loss > 0.0:
                if loss > 40.0 * temperature:
                    continue
                state = _next(state)
                if float64(state >> uint64(11)) * 2.0**-53 >= math.exp(-loss / temperature):
                    continue
            change = -2.0 * spins[i]
            spins[i] = -spins[i]
            for at in range(starts[i], starts[i + 1]):
                local[neighbours[at]] += change * couplings[at]


@compiled(void(_integers, _integers, _reals, _reals, _reals, _reals, int64, uint64))
def tabu(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    starts, neighbours, couplings, local, spins, best, steps, state
):
    """Flip ``steps`` times the best spin that may be flipped; ``best`` gets the best spins seen.

    A flipped spin must rest for a while, unless its flip leads below all that was seen.
    """
    n = spins.size
    rest, more = n // 4, max(10, n // 10)
    free_from = np.zeros(n, dtype=np.int64)
    energy, lowest = 0.0, 0.0
    for step in range(steps):
        state = _next(state)
        chosen, least = -1, math.inf
        # From anywhere, lest equals always go to the first.
        i = int64(state % uint64(n))
        for _ in range(n):
            change = -2.0 * spins[i] * local[i]
            if change < least and (free_from[i] <= step or energy + change < lowest - 1e-9):
                chosen, least = i, change
            i = i + 1 if i + 1 < n else 0
        if chosen < 0:
            continue
        factor = -2.0 * spins[chosen]
        spins[chosen] = -spins[chosen]
        energy += least
        free_from[chosen] = step + 1 + rest + int64((state >> uint64(32)) % uint64(more))
        for at in range(starts[chosen], starts[chosen + 1]):
            local[neighbours[at]] += factor * couplings[at]
        if energy < lowest - 1e-9:
            lowest = energy
            for j in range(n):
                best[j] = spins[j]
