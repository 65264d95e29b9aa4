"""Makes one pack of several requests, and tells those that cannot share a job, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from quantum_pipeline.cli.problem_file import label_of
from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.planning.device import needs_device
from quantum_pipeline.requests.pack import (
    FEWEST,
    LONGEST_NAME,
    MOST,
    MOST_USD,
    Pack,
    PackedRequest,
    PackLimits,
    said_of,
)
from quantum_pipeline.requests.request import Request


class Alone(NamedTuple):
    """A request that has a job of its own, and why."""

    file: Path
    request: Request
    because: str


def gathered(requests: Sequence[tuple[Path, Request]]) -> tuple[Pack | None, tuple[Alone, ...]]:
    """Return the pack of all requests that can share a job, and the others, each with its file.

    A run has the name of its file. Each has the limit on cost that it has by itself, and the pack
    what they are together.

    Raises:
        InvalidRequest: more than a pack may have, or a device that there is none of.
    """
    sharing: list[tuple[Path, Request]] = []
    alone: list[Alone] = []
    for file, request in requests:
        if _needs_device(file, request):
            alone.append(Alone(file, request, "it needs a device"))
        else:
            sharing.append((file, request))
    if len(sharing) > MOST:
        raise InvalidRequest(f"FILES: got {len(sharing)} runs of one job; allowed: up to {MOST}")
    if len(sharing) < FEWEST:
        alone += (Alone(*each, "no other shares its job") for each in sharing)
        return None, tuple(alone)
    runs = tuple(
        PackedRequest(name=name, request=request)
        for name, (_, request) in zip(
            names(label_of(file) for file, _ in sharing), sharing, strict=True
        )
    )
    most = min(sum(run.request.limits.max_cost_usd for run in runs), MOST_USD)
    return Pack(pack=runs, limits=PackLimits(max_cost_usd=most)), tuple(alone)


def _needs_device(file: Path, request: Request) -> bool:
    with said_of(str(file)):
        return needs_device(request)


def names(labels: Iterable[str]) -> list[str]:
    """Return a run's name for each label, no two alike.

    >>> names(["ring 8", "ring-8", "größe", "2026.11"])
    ['ring-8', 'ring-8-2', 'gr-e', '2026-11']
    """
    found: list[str] = []
    for label in labels:
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", label).strip("-_")[:LONGEST_NAME] or "run"
        name, number = stem, 1
        while name in found:
            number += 1
            name = f"{stem[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
        found.append(name)
    return found
