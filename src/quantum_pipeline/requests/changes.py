"""Changes to a request as JSON: ``algorithm.depth=3`` puts a value where a path leads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.wording import shown

ALLOWED = "PATH=VALUE, such as algorithm.depth=3 or problem.edges.0.2=1.5; a VALUE is JSON, or text"


def changed(request: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Return a copy of a request with values set at paths; objects on the way are made.

    What becomes of it is for who reads the request to judge.

    Raises:
        InvalidRequest: an assignment has no =, or its path leads into what has no fields.

    >>> changed({"shots": 1}, ["algorithm.depth=3", "device=Garnet", "shots=null"])
    {'shots': None, 'algorithm': {'depth': 3}, 'device': 'Garnet'}
    """
    copy: dict[str, Any] = json.loads(json.dumps(request))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not all(path.split(".")):
            raise InvalidRequest.of("--set", assignment, ALLOWED)
        try:
            put(copy, path, _value(text))
        except InvalidRequest as error:
            raise InvalidRequest(f"--set: {error}; allowed: {ALLOWED}") from None
    return copy


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def put(request: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a path leads; objects on the way are made.

    Raises:
        InvalidRequest: the path leads into what has no fields.
    """
    *steps, last = path.split(".")
    place: Any = request
    for step in steps:
        place = _inner(place, step, path)
    if isinstance(place, dict):
        place[last] = value
    else:
        place[_index(place, last, path)] = value


def _inner(place: Any, step: str, path: str) -> Any:
    if isinstance(place, dict):
        if place.get(step) is None:
            place[step] = {}
        return place[step]
    return place[_index(place, step, path)]


def _index(place: Any, step: str, path: str) -> int:
    if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return int(step)
    found = f"a list of {len(place)}, counted from 0" if isinstance(place, list) else shown(place)
    raise InvalidRequest(f"{path}: no {shown(step)} in {found}")
