"""The instance types that a job can run on, with the memory and the processors of each."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources


@cache
def _by_size() -> dict[str, dict[str, float]]:
    file = resources.files("quantum_pipeline.planning") / "instances.json"
    found: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8"))
    return found


def memory_bytes(instance_type: str) -> float | None:
    """Return the memory of an instance in bytes, None where it is not known.

    >>> memory_bytes("ml.m5.large") == 8 * 2**30
    True
    """
    gib = _by_size()["memory_gib"].get(instance_type)
    return None if gib is None else gib * 2**30


def processors(instance_type: str) -> int | None:
    """Return how many processes an instance runs at once, None where it is not known.

    >>> processors("ml.m5.large")
    2
    """
    found = _by_size()["processors"].get(instance_type)
    return None if found is None else int(found)
