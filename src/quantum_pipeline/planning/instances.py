"""The instance types that a job can run on, with the memory of each."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources


@cache
def _memory_gib() -> dict[str, float]:
    file = resources.files("quantum_pipeline.planning") / "instances.json"
    found: dict[str, float] = json.loads(file.read_text("utf-8"))["memory_gib"]
    return found


def memory_bytes(instance_type: str) -> float | None:
    """Return the memory of an instance in bytes, None where it is not known.

    >>> memory_bytes("ml.m5.large") == 8 * 2**30
    True
    """
    gib = _memory_gib().get(instance_type)
    return None if gib is None else gib * 2**30
