"""Finds a diagonal's distinct values and quantiles, block by block, without a full sort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.planning.memory import TABLE

Real = NDArray[np.float64]

BLOCK = 2**14
SHARE = 8
"""Amplitudes for each value that make a table worth while."""

BINS = 2**14


def distinct(values: Real) -> tuple[Real, NDArray[np.unsignedinteger[Any]] | None]:
    """Return the distinct values in order, and of each value its index among them.

    The index, of one or two bytes, is None where there are too many for a table to pay.

    >>> distinct(np.repeat([3.0, 1.0], 8))[0].tolist()
    [1.0, 3.0]
    """
    most = min(TABLE, values.size // SHARE)
    table = np.unique(values[:BLOCK])
    index = np.empty(values.size, dtype=np.uint16)
    again = 0
    for block in _blocks(values.size):
        if table.size > most:
            return table, None
        if not _look_up(table, values[block], index[block]):
            table, again = np.union1d(table, values[block]), block.stop
    if table.size > most:
        return table, None
    for block in _blocks(again):
        _look_up(table, values[block], index[block])
    return table, index.astype(np.uint8) if table.size <= 256 else index


def _look_up(table: Real, values: Real, index: NDArray[np.uint16]) -> bool:
    """Set the places of the values in the table, and return whether all are there."""
    places = np.searchsorted(table, values)
    index[:] = places
    return bool(np.array_equal(table[np.minimum(places, table.size - 1)], values))


def quantile(values: Real, weights: Real, alpha: float) -> float:
    """Return the least q such that the values up to q have the share ``alpha`` of the weight.

    A histogram shows which of its bins holds q; only the values in there are sorted.

    >>> quantile(np.array([2.0, 0.0, 1.0]), np.array([0.5, 0.2, 0.3]), 0.4)
    1.0
    """
    lowest, highest = values.min(), values.max()
    scale = (BINS - 1) / (highest - lowest) if highest > lowest else 0.0

    def bins(block: slice) -> NDArray[np.intp]:
        numbers: NDArray[np.intp] = ((values[block] - lowest) * scale).astype(np.intp)
        return numbers

    masses = np.zeros(BINS)
    for block in _blocks(values.size):
        masses += np.bincount(bins(block), weights[block], BINS)
    below = np.cumsum(masses)
    wanted = alpha * below[-1] * (1 - 1e-12)  # a mass that falls short by rounding is enough
    chosen = int(np.searchsorted(below, wanted))
    inside = [np.flatnonzero(bins(block) == chosen) + block.start for block in _blocks(values.size)]
    places = np.concatenate(inside)
    places = places[np.argsort(values[places])]
    up_to = below[chosen] - masses[chosen] + np.cumsum(weights[places])
    found = min(int(np.searchsorted(up_to, wanted)), places.size - 1)
    return float(values[places[found]])


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))
