"""Which rows are trained on and which are tested, and folds of the trained: stratified, by a seed.

The tested rows are the same for every model and every run with the same ``seed`` of the problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class Parts(NamedTuple):
    """Places of rows, rising."""

    trained: Places
    tested: Places


def parts(classes: Sequence[int], test_share: float, seed: int) -> Parts:
    """Return the trained and the tested rows: of each class the same share, rounded."""
    raise NotImplementedError


def folds(classes: Sequence[int], count: int, seed: int) -> list[Places]:
    """Return the rows of each fold, among the trained ones: classes dealt out in turn."""
    raise NotImplementedError
