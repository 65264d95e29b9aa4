"""A table's columns, and its rows as numbers: words become indicators, one for each known word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import Column

Cell = float | int | str | bool | None


def encoded(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return rows as numbers, shape (n_rows, width): a number each, of words one a known word.

    ``names`` are those of the cells of a row, in order; others than ``columns`` are left out.
    """
    raise NotImplementedError
