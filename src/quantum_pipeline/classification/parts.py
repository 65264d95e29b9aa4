"""Which rows are trained on, tested and shown, and folds of the trained: stratified, by a seed.

The tested rows are the same for every model and every run with the same ``seed`` of the problem.
Orders are those of numpy's legacy generator, which are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class Parts(NamedTuple):
    """Places of rows, rising."""

    trained: Places
    tested: Places


def parts(classes: Sequence[int], test_share: float, seed: int) -> Parts:
    """Return the trained and the tested rows: of each class the same share, rounded.

    Of each class, which has two rows or more, one at least is tested; one at least is trained on,
    of three or more two.
    """
    tested: list[int] = []
    for places in _shuffled(classes, seed):
        most = max(1, len(places) - 2)
        tested.extend(places[: min(max(1, round(test_share * len(places))), most)])
    is_tested = np.zeros(len(classes), dtype=bool)
    is_tested[tested] = True
    return Parts(np.flatnonzero(~is_tested), np.flatnonzero(is_tested))


def folds(classes: Sequence[int], count: int, seed: int) -> list[Places]:
    """Return the rows of each fold, among the trained ones: classes dealt out in turn.

    ``classes`` are those of the trained rows, and so are the places. Folds differ by one row at
    most, and so do the rows of a class in them.
    """
    dealt = [place for places in _shuffled(classes, seed) for place in places]
    return [np.sort(np.array(dealt[fold::count], dtype=np.int64)) for fold in range(count)]


def spread(classes: Sequence[int], most: int) -> Places:
    """Return the places of up to ``most`` rows, sorted by class, spread over the rows of each.

    Classes have as many each, those with fewer rows all of theirs.

    >>> spread([0, 0, 0, 0, 0, 0, 1, 2, 2], 6).tolist()
    [0, 2, 4, 6, 7, 8]
    """
    numbers = np.asarray(classes, dtype=np.int64)
    places = [np.flatnonzero(numbers == each) for each in np.unique(numbers)]
    sizes = np.array([len(each) for each in places])
    share = next(n for n in range(most, 0, -1) if np.minimum(sizes, n).sum() <= most)
    counts = np.minimum(sizes, share).tolist()
    evenly = (np.arange(k) * len(each) // k for each, k in zip(places, counts, strict=True))
    return np.concatenate([each[at] for each, at in zip(places, evenly, strict=True)])


def _shuffled(classes: Sequence[int], seed: int) -> Iterator[list[int]]:
    """Yield the places of each class, in an order drawn by the seed."""
    generator = np.random.RandomState(seed)
    numbers = np.asarray(classes, dtype=np.int64)
    for each in np.unique(numbers):
        yield generator.permutation(np.flatnonzero(numbers == each)).tolist()
