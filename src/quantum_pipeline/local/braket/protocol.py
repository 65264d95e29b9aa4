"""The wire form of Braket's API (protocol rest-json), derived from botocore's own service model.

Nothing about an operation is written down here: paths, methods, members, limits, patterns and
status codes are those that every AWS client uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from quantum_pipeline.local.braket.errors import BraketError, invalid


class Call(NamedTuple):
    """One request, read and checked."""

    operation: str
    params: dict[str, Any]
    region: str


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("braket", "service-2"), "braket")


@cache
def _urls() -> Map:
    """Return the routes; a label may hold slashes, since ARNs do (sent as %2F, seen as /)."""
    operations = (_model().operation_model(name) for name in _model().operation_names)
    return Map(
        [
            Rule(
                re.sub(r"\{(\w+)\}", r"<path:\1>", operation.http["requestUri"]),
                methods=[operation.http["method"]],
                endpoint=operation.name,
            )
            for operation in operations
        ],
        merge_slashes=False,
    )


def operations() -> frozenset[str]:
    """Return the names of all operations of the service."""
    return frozenset(_model().operation_names)


def errors(operation: str) -> frozenset[str]:
    """Return the codes of the errors that an operation may answer with."""
    return frozenset(shape.name for shape in _model().operation_model(operation).error_shapes)


def read(request: Request) -> Call:
    """Return the operation that a request asks for and its parameters.

    Raises:
        BraketError: no such operation, a body that is not JSON, or parameters outside the model.
    """
    try:
        name, labels = _urls().bind_to_environ(request.environ).match()
    except HTTPException as error:
        raise BraketError(
            "UnknownOperationException", f"no operation at {request.method} {request.path}"
        ) from error
    operation = _model().operation_model(str(name))
    params = _params(operation, request, labels)
    problems = list(_problems(params, operation.input_shape))
    if problems:
        raise invalid(f"{len(problems)} validation error(s): " + "; ".join(problems))
    return Call(operation.name, params, _region(request))


def answer(operation: str, output: Mapping[str, Any]) -> Response:
    """Return the response for an operation's output; members that are None are left out.

    Raises:
        BraketError: the output is not what the service model promises.
    """
    model = _model().operation_model(operation)
    present = {name: value for name, value in output.items() if value is not None}
    problems = list(_problems(present, model.output_shape))
    if problems:
        raise BraketError("InternalServiceException", f"{operation}: " + "; ".join(problems))
    body = json.dumps(_wire(present, model.output_shape))
    return Response(body, int(model.http["responseCode"]), content_type="application/json")


def refusal(error: BraketError) -> Response:
    """Return the response for an error, with the model's status code."""
    statuses = {shape.name: shape.metadata["error"] for shape in _model().error_shapes}
    status = statuses.get(error.code, {"httpStatusCode": 400})["httpStatusCode"]
    body = json.dumps({"message": error.message})
    response = Response(body, status, content_type="application/json")
    response.headers["x-amzn-errortype"] = error.code
    return response


def _region(request: Request) -> str:
    """Return the region of the signature's credential scope."""
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", request.headers.get("Authorization", ""))
    return scope[1] if scope else "us-east-1"


def _params(
    operation: OperationModel, request: Request, labels: Mapping[str, Any]
) -> dict[str, Any]:
    params = _body(request)
    for member, shape in _members(operation.input_shape).items():
        wire = shape.serialization.get("name", member)
        match shape.serialization.get("location"):
            case "uri":
                params[member] = labels[wire]
            case "querystring" if wire in request.args:
                values = request.args.getlist(wire)
                params[member] = values if isinstance(shape, ListShape) else values[0]
    return params


def _body(request: Request) -> dict[str, Any]:
    data = request.get_data()
    try:
        body = json.loads(data) if data else {}
    except ValueError as error:
        raise BraketError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BraketError("SerializationException", "the body is not a JSON object")
    return body


def _problems(value: Mapping[str, Any], shape: Shape | None) -> Iterator[str]:
    """Yield what is wrong with a structure: botocore's checks first, then what they leave out."""
    if shape is None:
        return
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield report.generate_report().replace("\n", "; ")
    else:
        yield from _constraints(value, shape, "")


def _constraints(value: Any, shape: Shape, path: str) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            yield from _constraints(item, shape.members[name], f"{path}.{name}".lstrip("."))
        return
    if isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from _constraints(item, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _constraints(key, shape.key, f"{path} (key)")
            yield from _constraints(item, shape.value, f"{path}.{key}")
    size = value if shape.type_name in ("integer", "long") else None
    if isinstance(value, str | list | dict):
        size = len(value)
    if size is not None and size > limits.get("max", size):
        yield f"{path}: {_short(value)} is larger or longer than {limits['max']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield f"{path}: {_short(value)} does not match {limits['pattern']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{path}: {_short(value)} is not one of {', '.join(limits['enum'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _members(shape: Shape | None) -> Mapping[str, Shape]:
    return shape.members if isinstance(shape, StructureShape) else {}


def _wire(value: Any, shape: Shape | None) -> Any:
    """Return a value as JSON carries it: times in the form that the model names."""
    if isinstance(shape, StructureShape):
        return {name: _wire(item, shape.members[name]) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [_wire(item, shape.member) for item in value]
    if isinstance(value, datetime):
        if shape is not None and shape.serialization.get("timestampFormat") == "unixTimestamp":
            return value.timestamp()
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
