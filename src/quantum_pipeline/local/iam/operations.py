"""Finds the operation that a request asks for, and its parameters, from botocore's service models.

Protocols of RPC name it: in the header X-Amz-Target or in the form's Action. In REST it follows
from method, path, and those parts of query and headers that an operation cannot do without: of
those that fit, the one that asks for most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import botocore.session
from botocore.model import OperationModel, ServiceModel, StructureShape

from quantum_pipeline.local.contents import content

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OF_REST = frozenset({"braket", "lambda", "s3"})
"""Services of the REST protocols that roles call, by the names that requests are signed for."""


class Operation(NamedTuple):
    """What is asked of a service."""

    service: str
    region: str
    name: str
    """Empty where no operation fits."""
    parameters: Mapping[str, Any]
    """By their names in the service's model; of those in XML none."""
    body: bytes


def read(environ: WSGIEnvironment, service: str, region: str) -> Operation:
    """Return what a request asks for; its body can be read again.

    Cost: O(operations of the service) for REST, some tens of microseconds.
    """
    # What is stored in S3 may be large, and says nothing of what is asked.
    stored = service == "s3" and environ["REQUEST_METHOD"] == "PUT"
    body = b"" if stored else content(environ)
    if service in _OF_REST:
        name, parameters = _of_rest(environ, service)
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        name, parameters = target.rpartition(".")[2], {}
    elif found := re.search(r"/operation/(\w+)$", environ["PATH_INFO"]):  # RPC v2
        name, parameters = found[1], {}
    else:
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        name, parameters = form.pop("Action", ""), form
    return Operation(service, region, name, {**parameters, **_json(body)}, body)


def _json(body: bytes) -> dict[str, Any]:
    if not body.startswith(b"{"):
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # the service will say so
        return {}
    return found if isinstance(found, dict) else {}


class _Route(NamedTuple):
    """By what a REST operation is known."""

    name: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str], ...]
    """Names and values, which are empty where any will do."""
    headers: tuple[str, ...]


def _of_rest(environ: WSGIEnvironment, service: str) -> tuple[str, dict[str, Any]]:
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    path = _path(environ, service)
    for route in _routes(service, environ["REQUEST_METHOD"]):
        found = route.path.fullmatch(path)
        if (
            found
            and all(name in query and value in ("", query[name]) for name, value in route.query)
            and all(name in environ for name in route.headers)
        ):
            headers = {name: environ[name] for name in route.headers}
            return route.name, {**query, **headers, **found.groupdict()}
    return "", {}


def _path(environ: WSGIEnvironment, service: str) -> str:
    """Return the path, in which a bucket stands that the host names."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    bucket, named, _ = environ.get("HTTP_HOST", "").rpartition(".localhost")
    return f"/{bucket}{path}" if named and service == "s3" else path


@cache
def _routes(service: str, method: str) -> list[_Route]:
    """Return the routes of a service by one method, the most particular first."""
    loader = botocore.session.create_loader(None)
    model = ServiceModel(loader.load_service_model(service, "service-2"), service)
    operations = map(model.operation_model, model.operation_names)
    routes = [_route(each) for each in operations if each.http["method"] == method]
    return sorted(routes, key=lambda each: -len(each.query) - len(each.headers))


def _route(operation: OperationModel) -> _Route:
    path, _, fixed = operation.http["requestUri"].partition("?")
    # A client that is called takes the bucket out of the models, which all share.
    path = operation.http.get("authPath", path).rstrip("/")
    required = dict(_required(operation))
    query = [*parse_qsl(fixed, keep_blank_values=True)]
    query += [(name, "") for name, place in required.items() if place == "querystring"]
    headers = [
        f"HTTP_{name.upper().replace('-', '_')}"
        for name, place in required.items()
        if place == "header"
    ]
    return _Route(
        operation.name,
        re.compile("".join(map(_expression, re.split(r"(\{\w+\+?\})", path))) + "/?"),
        tuple(query),
        tuple(headers),
    )


def _expression(part: str) -> str:
    """Return the expression of a path's part. But for buckets, labels may hold slashes.

    Names of objects do, and ARNs, which are sent with %2F for them.
    """
    label = part.strip("{+}")
    if label == part:
        return re.escape(part)
    return f"(?P<{label}>[^/]+)" if label == "Bucket" else f"(?P<{label}>.+)"


def _required(operation: OperationModel) -> Iterator[tuple[str, str]]:
    shape = operation.input_shape
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            place = shape.members[name].serialization
            yield place.get("name", name), place.get("location", "")
