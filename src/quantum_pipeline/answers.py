"""Refuses answers of AWS that lack what they promise, as one does that was cut off on its way.

A body that ends too early reaches the caller as a success without members: botocore makes an empty
answer of what it cannot parse. What each answer has to hold, its service's own model says. An
incomplete one is asked for again, and in the end is ServiceUnavailable.
Nothing here knows boto3: an operation is what botocore's ``OperationModel`` has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from quantum_pipeline.errors import ServiceUnavailable

ATTEMPTS = 3
"""Most attempts of a call whose answers are incomplete."""

RETRY_SECONDS = 0.2

_NOT_NEEDED = frozenset({"deviceParameters"})
"""Said to be in every quantum task's answer; whether those of program sets have it is not known."""


class Events(Protocol):
    """The events of a session or of a client."""

    def register(self, event_name: str, handler: Any) -> None:
        """Call the handler at each event of that name."""


def watch(events: Events) -> None:
    """Let the calls of a session, or of a client, end in complete answers alone."""
    events.register("needs-retry", _retry_seconds)
    events.register("after-call", _refuse)


def require(members: Mapping[str, Any], *names: str) -> None:
    """Refuse what lacks a member that no model promises, and that is read all the same.

    Raises:
        ServiceUnavailable: it is not there.
    """
    _refuse_if(name for name in names if name not in members)


def _retry_seconds(response: Any, attempts: int, operation: Any, **_: Any) -> float | None:
    """Return how long to wait before the next attempt; None for none."""
    if response is None or attempts >= ATTEMPTS:
        return None
    http, parsed = response
    incomplete = http.status_code < 300 and any(_missing(parsed, operation.output_shape, ""))
    return RETRY_SECONDS if incomplete else None


def _refuse(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    if http_response.status_code < 300:
        _refuse_if(_missing(parsed, model.output_shape, model.name))


def _refuse_if(missing: Iterable[str]) -> None:
    for name in missing:
        raise ServiceUnavailable(f"{name}: missing in an answer of AWS, which was cut off")


def _missing(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Yield the members that a shape of botocore's requires and a value lacks."""
    if shape is None:
        return
    if shape.type_name == "list":
        for item in value:
            yield from _missing(item, shape.member, path)
    elif shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value and name not in _NOT_NEEDED:
                yield f"{path}.{name}"
        for name in value.keys() & shape.members.keys():
            yield from _missing(value[name], shape.members[name], f"{path}.{name}")
