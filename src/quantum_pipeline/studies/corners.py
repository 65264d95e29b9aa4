"""The corners of a study: settings where each axis has its least or greatest value, or any word.

What they take and cost bounds what strategies take that do not know their settings beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import prod
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.studies.axes import Choice, axes_of
from quantum_pipeline.studies.requests import Requests
from quantum_pipeline.studies.rows import Setting
from quantum_pipeline.studies.study import Study

MOST_CORNERS = 4096
"""Each is planned before anything starts."""


def corners(study: Study) -> tuple[Setting, ...]:
    """Return the corners, and beside them each listed value once, with the others at their first.

    Raises:
        InvalidRequest: there are more than ``MOST_CORNERS``; as ``axes_of``.
    """
    axes = axes_of(study)
    n = prod(len(axis.corners) for axis in axes)
    if n > MOST_CORNERS:
        allowed = f"up to {MOST_CORNERS:,}, with fewer words or fewer axes"
        raise InvalidRequest(f"vary: got {n:,} combinations of extremes; allowed: {allowed}")
    first = {axis.path: axis.corners[0] for axis in axes}
    found = [
        dict(zip(first, values, strict=True)) for values in product(*(a.corners for a in axes))
    ]
    for axis in axes:
        if isinstance(axis, Choice):
            found += ({**first, axis.path: value} for value in axis.values)
    return _distinct(study, found)


def _distinct(study: Study, found: Iterable[dict[str, Any]]) -> tuple[Setting, ...]:
    requests = Requests(study)
    kept = {requests.key(values): values for values in map(requests.kept, found)}
    return tuple(Setting(number=n, values=values) for n, values in enumerate(kept.values()))
