"""What Step Functions refuses of a call before it looks at what is asked, by AWS's types and texts.

moto takes a body as it comes, and fails inside where it does not fit. Here it is held to the
service's model first: JSON, the members' types, those that are required, their bounds and values.
The name and the input of an execution have rules of their own (`start_execution`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from quantum_pipeline.local.start_execution import Refusal, detected

_OF_JSON = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "timestamp": (int, float),
    "blob": (str,),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}
_ELSEWHERE = {("StartExecution", "name"), ("StartExecution", "input")}


class _Unreadable(Exception):
    """A body that is not JSON, or has a member of another type."""


def refusal(operation: str, body: bytes) -> Refusal | None:
    """Return the refusal of a call, if its operation or its body is none of the service's.

    >>> refusal("StartExecution", b"{").type.partition("#")[2]
    'SerializationException'
    >>> refusal("DescribeExecution", b"{}").message
    "1 validation error detected: Value null at 'executionArn' failed to satisfy constraint: \
Member must not be null"
    >>> refusal("DescribeExecution", b'{"executionArn": "arn"}')
    """
    if operation not in _model().operation_names:
        return Refusal("com.amazon.coral.service#UnknownOperationException", operation)
    shape = _model().operation_model(operation).input_shape
    try:
        parameters = _parameters(body)
        if shape is not None:
            _check_types(parameters, shape)
    except _Unreadable as error:
        return Refusal("com.amazon.coral.service#SerializationException", str(error))
    violations = list(_violations(operation, parameters, shape))
    return detected(violations) if violations else None


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("stepfunctions", "service-2"), "stepfunctions")


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(str(error)) from error
    if not isinstance(parameters, dict):
        raise _Unreadable("Unexpected value type in payload")
    return parameters


def _check_types(value: Any, shape: Shape) -> None:
    kind = type(value)
    if kind not in _KINDS.get(shape.type_name, (kind,)):
        raise _Unreadable(_mistaken(value, shape.type_name))
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_types(value[name], member)
    elif isinstance(shape, ListShape | MapShape):
        inner = shape.member if isinstance(shape, ListShape) else shape.value
        for each in value if isinstance(shape, ListShape) else value.values():
            if each is not None:
                _check_types(each, inner)


def _mistaken(value: Any, wanted: str) -> str:
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    if wanted in ("structure", "map", "list"):
        return "Unexpected field type"
    return f"{_OF_JSON[type(value)]} cannot be converted to {wanted.title()}"


def _violations(operation: str, value: Any, shape: Shape | None, path: str = "") -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            at = f"{path}.{name}".lstrip(".")
            if value.get(name) is not None:
                yield from _violations(operation, value[name], member, at)
            elif name in shape.required_members:
                yield _violation("null", at, "Member must not be null")
    elif isinstance(shape, ListShape):
        for number, each in enumerate(value, 1):
            yield from _violations(operation, each, shape.member, f"{path}.{number}.member")
    elif shape is not None and (operation, path) not in _ELSEWHERE:
        yield from _out_of_bounds(value, shape, path)


def _out_of_bounds(value: Any, shape: Shape, path: str) -> Iterator[str]:
    limits, size = shape.metadata, len(value) if isinstance(value, str) else value
    what = "length" if isinstance(value, str) else "value"
    if "enum" in limits and value not in limits["enum"]:
        allowed = ", ".join(limits["enum"])
        yield _violation(f"'{value}'", path, f"Member must satisfy enum value set: [{allowed}]")
    if "min" in limits and size < limits["min"]:
        bound = f"Member must have {what} greater than or equal to {limits['min']}"
        yield _violation(f"'{value}'", path, bound)
    if "max" in limits and size > limits["max"]:
        bound = f"Member must have {what} less than or equal to {limits['max']}"
        yield _violation(f"'{value}'", path, bound)


def _violation(value: str, path: str, constraint: str) -> str:
    return f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"
