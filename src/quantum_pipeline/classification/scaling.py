"""Numbers standardised and turned onto their principal components: fitted on trained rows alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantum_pipeline.classification.stored import Scaling

Rows = NDArray[np.float64]


def fitted(rows: Rows, n_qubits: int) -> Scaling:
    """Return the scaling of encoded trained rows, as wide as the qubits or wider, to them.

        z = (x - mean) / deviation,  z = U S V^T,  component k = row k of V^T, spread S_k / sqrt(n)

    A column, or a component, that is the same in all rows has scale 1. Of each component the
    entry of the largest size is positive.

    Cost: O(n_rows * width * min(n_rows, width)).
    """
    means, scales = rows.mean(axis=0), _scales(rows)
    standardised = (rows - means) / scales
    components, spreads = None, None
    if rows.shape[1] > n_qubits:
        components, spreads = _principal(standardised, n_qubits)
    return Scaling(
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        components=None if components is None else tuple(map(tuple, components.tolist())),
        spreads=None if spreads is None else tuple(spreads.tolist()),
    )


def scaled(scaling: Scaling, rows: Rows) -> Rows:
    """Return scaled rows, shape (n_rows, n_qubits), each column about of mean 0 and deviation 1.

    A row comes out the same, bit for bit, whichever others are beside it.
    """
    standardised: Rows = (rows - np.array(scaling.means)) / np.array(scaling.scales)
    if scaling.components is None or scaling.spreads is None:
        return standardised
    turned = [(standardised * np.array(each)).sum(axis=1) for each in scaling.components]
    spread: Rows = np.column_stack(turned) / np.array(scaling.spreads)
    return spread


def _scales(rows: Rows) -> Rows:
    """Return the deviations of columns, 1 of those that only rounding tells from constant ones."""
    size = rows.shape[0] * np.finfo(np.float64).eps
    variances = rows.var(axis=0)
    noise = size * variances + (size * rows.mean(axis=0)) ** 2
    return np.where(variances <= noise, 1.0, np.sqrt(variances))


def _principal(standardised: Rows, n_qubits: int) -> tuple[Rows, Rows]:
    """Return the first components, and what each is divided by."""
    n_rows, width = standardised.shape
    _, sizes, components = np.linalg.svd(standardised, full_matrices=n_rows < width)
    sizes = np.pad(sizes, (0, max(0, n_qubits - len(sizes))))[:n_qubits]
    components = components[:n_qubits]
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    is_noise = sizes <= sizes.max(initial=0) * max(n_rows, width) * np.finfo(np.float64).eps
    return components * signs[:, None], np.where(is_noise, 1.0, sizes / np.sqrt(n_rows))
