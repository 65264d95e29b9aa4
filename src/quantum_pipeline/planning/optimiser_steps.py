"""How many energies each optimiser asks for in a step, which are measured together.

The optimisers take their numbers from here, and the plan of a run forecasts its tasks by the same.
Evaluations are those that are left to the optimiser: one more measures the angles that it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Literal

Method = Literal["spsa", "cobyla", "nft"]

PARABOLA = 2
"""Energies that NFT asks for beside the centre's for the parabola of one angle, or of a sweep."""

CURVE = 4
"""The same for the whole curve of the last beta."""


def spsa(evaluations: int) -> int:
    """Return the steps of SPSA, each a difference of two energies.

    >>> spsa(29)
    14
    """
    return evaluations // 2


def batch_sizes(method: Method, evaluations: int, depth: int) -> Iterator[int]:
    """Yield how many energies an optimiser asks for together, batch after batch.

    Of SPSA these are all of them. NFT and COBYLA end before where they have found a minimum; what
    they ask for until then are the first ones of these.

    >>> list(batch_sizes("spsa", 12, depth=1)), list(batch_sizes("nft", 12, depth=1))
    ([2, 2, 2, 2, 2, 2], [1, 2, 4, 2, 2])
    """
    left = evaluations
    for size in _unlimited(method, evaluations, depth):
        if size > left:
            return
        yield size
        left -= size


def _unlimited(method: Method, evaluations: int, depth: int) -> Iterator[int]:
    if method == "spsa":
        yield from repeat(2, spsa(evaluations))
    elif method == "nft":
        yield 1
        while True:
            yield from [*repeat(PARABOLA, 2 * depth - 1), CURVE, PARABOLA]
    else:
        yield from repeat(1)
