"""How many energies each optimiser asks for in a step, which are measured together.

The optimisers take their numbers from here, and the plan of a run forecasts its tasks by the same.
Evaluations are those that are left to the optimiser: one more measures the angles that it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Literal, NamedTuple

Method = Literal["spsa", "cobyla", "nft"]

PARABOLA = 2
"""Energies that NFT asks for beside the centre's for the parabola of one angle, or of a sweep."""

CURVE = 4
"""The same for the whole curve of the last beta."""


class Spsa(NamedTuple):
    """SPSA's differences of two energies: ``trials`` all at once, then one for each of ``steps``.

    The trials find how steep slopes are, which sets the size of steps.
    """

    trials: int
    steps: int


def spsa(evaluations: int) -> Spsa:
    """Return SPSA's schedule: a tenth of the differences are trials, from one to five.

    >>> spsa(29)
    Spsa(trials=2, steps=12)
    """
    trials = min(5, max(1, evaluations // 10), evaluations // 2)
    return Spsa(trials, evaluations // 2 - trials)


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
        trials, steps = spsa(evaluations)
        yield from [2 * trials, *repeat(2, steps)] if trials else []
    elif method == "nft":
        yield 1
        while True:
            yield from [*repeat(PARABOLA, 2 * depth - 1), CURVE, PARABOLA]
    else:
        yield from repeat(1)
