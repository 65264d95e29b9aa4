"""Filters and paginates the results of the Search operations."""

from __future__ import annotations

import base64
import binascii
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from botocore.utils import parse_to_aware_datetime

from quantum_pipeline.local.braket.errors import invalid
from quantum_pipeline.local.braket.protocol import Call


class Resource(Protocol):
    """Anything that an ARN names."""

    @property
    def arn(self) -> str:
        """Amazon resource name."""


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Field(Generic[R]):
    """What a filter compares: a text, or a time in seconds since the epoch."""

    of: Callable[[R], str | float | None]
    is_time: bool = False


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
}


def search(
    resources: Iterable[R], fields: Mapping[str, Field[R]], call: Call
) -> tuple[list[R], str | None]:
    """Return one page of the resources that pass all filters, and the token of the next page.

    Raises:
        BraketError: an unknown filter, an operator or value that does not fit it, a foreign token.
    """
    tests = [_test(fields, chosen) for chosen in call.params.get("filters", ())]
    found = [resource for resource in resources if all(test(resource) for test in tests)]
    start = _start(found, call.params.get("nextToken"))
    end = start + call.params.get("maxResults", 100)
    page = found[start:end]
    return page, _token(page[-1].arn) if end < len(found) else None


def _test(fields: Mapping[str, Field[R]], chosen: Mapping[str, Any]) -> Callable[[R], bool]:
    name, values, relation = chosen["name"], chosen["values"], chosen.get("operator", "EQUAL")
    if name not in fields:
        raise invalid(f"filters: {name!r} is not one of {', '.join(fields)}")
    field = fields[name]
    bounds = [_seconds(name, value) for value in values] if field.is_time else values
    compare = _comparison(name, relation, bounds, is_time=field.is_time)
    return lambda resource: (value := field.of(resource)) is not None and compare(value)


def _comparison(
    name: str, relation: str, bounds: list[Any], *, is_time: bool
) -> Callable[[Any], bool]:
    if relation == "EQUAL":
        return lambda value: value in bounds
    if relation == "CONTAINS" and not is_time:
        return lambda value: any(bound in value for bound in bounds)
    if relation in _ORDER and is_time and len(bounds) == 1:
        return lambda value: _ORDER[relation](value, bounds[0])
    if relation == "BETWEEN" and is_time and len(bounds) == 2:
        return lambda value: bool(bounds[0] <= value <= bounds[1])
    raise invalid(f"filters: {relation} with {len(bounds)} value(s) does not fit {name}")


def _seconds(name: str, value: str) -> float:
    try:
        return parse_to_aware_datetime(value).timestamp()
    except (ValueError, OverflowError) as error:
        raise invalid(
            f"filters: {name}: {value!r} is not a time such as 2026-08-21T12:00:00Z"
        ) from error


def _token(arn: str) -> str:
    return base64.urlsafe_b64encode(arn.encode()).decode()


def _start(found: list[R], token: str | None) -> int:
    """Return where the page after the token's resource begins.

    The token names a resource, not an index, so that pages neither repeat nor skip what is there
    when new resources come in between.
    """
    if token is None:
        return 0
    try:
        last = base64.urlsafe_b64decode(token.encode()).decode()
        return [resource.arn for resource in found].index(last) + 1
    except (binascii.Error, ValueError) as error:
        raise invalid("nextToken: it does not come from this search") from error
