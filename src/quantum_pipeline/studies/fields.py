"""Where a path leads in a request or in a report: the schema of what stands there.

A path leads through every type that a field may have; those of the problem are narrowed to the
types that a study solves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from quantum_pipeline.errors import InvalidRequest
from quantum_pipeline.refusals import did_you_mean
from quantum_pipeline.reports import AnyReport
from quantum_pipeline.requests.request import Request
from quantum_pipeline.wording import shown

Schema = dict[str, Any]

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,100}").fullmatch

OF_STUDIES = ("source", "study")
"""Fields of a request that are not the user's to vary."""

EVERY: Set[str] = frozenset()
"""No types in particular: all of them."""


def in_request(path: str, types: Set[str] = EVERY) -> list[Schema]:
    """Return the schemas of what may stand at a path of a request.

    Args:
        path: such as ``algorithm.depth``.
        types: of the problems that are solved; ``EVERY`` where they are not known.

    Raises:
        InvalidRequest: nothing stands there; says what does.
    """
    root = _request()
    return _followed(path, root, types)


def in_report(path: str, of: type[AnyReport] | None = None) -> list[Schema]:
    """Return the schemas of what may stand at a path of a report, of one type or of any.

    Raises:
        InvalidRequest: nothing stands there; says what does.
    """
    return _followed(path, _report(of), EVERY)


def kinds(schemas: list[Schema]) -> Set[str]:
    """Return the types of JSON that schemas take.

    >>> sorted(kinds(in_request("algorithm.depth")))
    ['integer', 'null', 'string']
    """
    return {kind for schema in schemas for kind in _kinds(schema)}


@cache
def _request() -> Schema:
    schema = Request.model_json_schema()
    left = {name: each for name, each in schema["properties"].items() if name not in OF_STUDIES}
    return schema | {"properties": left}


@cache
def _report(of: type[AnyReport] | None) -> Schema:
    return TypeAdapter(of or AnyReport).json_schema(mode="serialization")


def _followed(path: str, root: Schema, types: Set[str]) -> list[Schema]:
    found = list(_each(root, root))
    for number, step in enumerate(path.split(".")):
        inner = [deeper for schema in found for deeper in _inside(schema, step, root)]
        if number == 0 and step == "problem" and types:
            inner = [schema for schema in inner if _type(schema) in types]
        if not inner:
            raise InvalidRequest(_no_field(path, step, found))
        found = inner
    return found


def named(path: str) -> str:
    """Return a path as refusals name it: as it is, unless it is no plain one.

    >>> named("algorithm.depth"), named("a b")
    ('algorithm.depth', '"a b"')
    """
    return path if _PLAIN(path) else shown(path)


def _no_field(path: str, step: str, beside: list[Schema]) -> str:
    there = dict.fromkeys(name for schema in beside for name in schema.get("properties", ()))
    said = f"{named(path)}: no such field"
    if not there:
        return f"{said}; allowed: a path of fields, and of places in lists counted from 0"
    return said + (did_you_mean(step, there) or f"; allowed: {', '.join(there)}")


def _each(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield a schema, or each of those that it stands for."""
    if "$ref" in schema:
        yield from _each(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    elif "properties" in schema or not (several := schema.get("anyOf", schema.get("oneOf"))):
        yield schema
    else:
        for each in several:
            yield from _each(each, root)


def _inside(schema: Schema, step: str, root: Schema) -> Iterator[Schema]:
    """Yield what stands in a field of an object, or at a place of a list."""
    inner = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if step.isdecimal() and schema.get("type") == "array":
        places = schema.get("prefixItems", [])
        inner = places[int(step)] if int(step) < len(places) else schema.get("items")
    if isinstance(inner, dict):
        yield from _each(inner, root)


def _type(schema: Schema) -> str | None:
    named: str | None = schema.get("properties", {}).get("type", {}).get("const")
    return named


def _kinds(schema: Schema) -> Iterator[str]:
    of_python = {str: "string", bool: "boolean", int: "integer", float: "number"}
    words = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    yield from (of_python[type(word)] for word in words if type(word) in of_python)
    if not words and "type" in schema:
        yield schema["type"]
