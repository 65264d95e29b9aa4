"""What is drawn of a model beside its figures: its classes on a plane."""

from __future__ import annotations

import numpy as np

from hybrid_job.learning.table import Table
from quantum_pipeline.classification.encodings import Rows
from quantum_pipeline.classification.prediction import predict_scaled
from quantum_pipeline.classification.stored import StoredModel
from quantum_pipeline.results.classification import Boundary

POINTS = 40
"""Of a boundary along each axis."""

MARGIN = 0.05
"""Of the span of the trained rows, beyond them."""


def boundary(table: Table, stored: StoredModel) -> Boundary | None:
    """Return a model's classes over the first two components, None where there is one alone."""
    if table.scaling.n_qubits < 2:
        return None
    first, second = (_axis(table, number) for number in (0, 1))
    rows = np.zeros((POINTS**2, table.scaling.n_qubits))
    rows[:, 0], rows[:, 1] = np.tile(first, POINTS), np.repeat(second, POINTS)
    return Boundary(
        first=tuple(first.tolist()),
        second=tuple(second.tolist()),
        classes=tuple(predict_scaled(stored, rows).classes.tolist()),
    )


def _axis(table: Table, number: int) -> Rows:
    values = table.trained[:, number]
    beyond = MARGIN * np.ptp(values) or 1.0  # of a column that is the same in all rows
    return np.linspace(values.min() - beyond, values.max() + beyond, POINTS)
