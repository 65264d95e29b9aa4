"""The entries of a kernel that a device measures: which they are, and the matrices they make.

With T trained rows, L of which are the columns (all, or landmarks), and N tested rows: first the
pairs of columns, K(x, y) = K(y, x), K(x, x) = 1; then the other trained rows with each column; then
the tested rows with each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.encodings import Rows
from quantum_pipeline.classification.kernels import repaired
from quantum_pipeline.classification.parts import Places

Real = NDArray[np.float64]


class Pairs(NamedTuple):
    """The two rows of each entry, both of shape (n_entries, n_qubits)."""

    rows: Rows
    others: Rows


def pairs_of(trained: Rows, tested: Rows, columns: Places) -> Pairs:
    """Return the rows of all entries, in order."""
    chosen, rest = trained[columns], np.delete(trained, columns, axis=0)
    first, second = np.triu_indices(len(columns), 1)
    beside = np.concatenate([rest, tested])
    return Pairs(
        np.concatenate([chosen[first], np.repeat(beside, len(columns), axis=0)]),
        np.concatenate([chosen[second], np.tile(chosen, (len(beside), 1))]),
    )


class Measured(NamedTuple):
    """The kernel of columns as it was measured, (L, L), that of trained rows with columns, (T, L),
    where the columns' own part is made positive, and that of tested rows with columns, (N, L)."""

    raw: Real
    trained: Real
    tested: Real


def assembled(entries: Sequence[float], n_trained: int, columns: Places) -> Measured:
    """Return the matrices of entries, in the order of ``pairs_of``."""
    values, n_columns = np.array(entries), len(columns)
    raw = np.eye(n_columns)
    n_pairs = n_columns * (n_columns - 1) // 2
    raw[np.triu_indices(n_columns, 1)] = values[:n_pairs]
    raw = np.maximum(raw, raw.T)
    others = values[n_pairs:].reshape(-1, n_columns)
    n_rest = n_trained - n_columns
    trained = np.empty((n_trained, n_columns))
    trained[columns] = repaired(raw)
    trained[np.delete(np.arange(n_trained), columns)] = others[:n_rest]
    return Measured(raw, trained, others[n_rest:])
