"""The axes of a study: what is varied, and over which values."""

from __future__ import annotations

from typing import Any

from quantum_pipeline.studies.study import Count, Range


def values_of(axis: list[Any] | Range | Count) -> list[Any]:
    """Return the values of an axis; of a range its ends, the corners of what is drawn."""
    match axis:
        case Range():
            return [axis.start, axis.stop]
        case Count():
            return list(range(axis.count))
        case _:
            return axis
