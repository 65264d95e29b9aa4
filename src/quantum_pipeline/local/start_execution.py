"""What Step Functions refuses of a StartExecution, which moto does not; codes and texts are AWS's.

Lengths are those of the service's model, and are looked at before anything else: several are told
together. What stands in the name and in the input is looked at once there is a state machine.

Source: the API reference of StartExecution; texts as AWS answered in 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from quantum_pipeline.runs import NOT_IN_NAMES

_SERVICE = "com.amazonaws.swf.service.v2.model"
MAX_NAME = 80
MAX_INPUT_BYTES = 256 * 1024
_NOT_IN_NAMES = re.compile(f"[{NOT_IN_NAMES}\\ud800-\\udfff]")


class Refusal(NamedTuple):
    """The type of an error as the service writes it, and its message."""

    type: str
    message: str


def too_long(parameters: Mapping[str, Any]) -> Refusal | None:
    """Return the refusal of a name or an input of a length outside the model, if there is one.

    >>> too_long({"name": "n", "input": "{}"})
    """
    found = list(_violations(parameters))
    return detected(found) if found else None


def detected(violations: list[str]) -> Refusal:
    """Return the refusal of a call whose members are out of their bounds."""
    errors = f"{len(violations)} validation error{'s' * (len(violations) > 1)} detected: "
    return Refusal("com.amazon.coral.validate#ValidationException", errors + "; ".join(violations))


def not_valid(parameters: Mapping[str, Any]) -> Refusal | None:
    """Return the refusal of a name's characters, or of an input that is not JSON, if there is one.

    >>> not_valid({"name": "a b"}).message
    "Invalid Name: 'a b'"
    """
    name, content = str(parameters.get("name", "")), parameters.get("input", "{}")
    if _NOT_IN_NAMES.search(name):
        shown = name.encode("utf-8", "replace").decode()
        return Refusal(f"{_SERVICE}#InvalidName", f"Invalid Name: '{shown}'")
    try:
        json.loads(content)
    except ValueError as error:
        message = f"Invalid State Machine Execution Input: '{error}'"
        return Refusal(f"{_SERVICE}#InvalidExecutionInput", message)
    return None


def _violations(parameters: Mapping[str, Any]) -> Iterator[str]:
    name, content = parameters.get("name"), parameters.get("input")
    if isinstance(name, str) and not 1 <= len(name) <= MAX_NAME:
        bound = f"less than or equal to {MAX_NAME}" if name else "greater than or equal to 1"
        yield (
            f"Value '{name}' at 'name' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )
    if isinstance(content, str) and len(content.encode("utf-8", "surrogatepass")) > MAX_INPUT_BYTES:
        yield (
            "Value at 'input' failed to satisfy constraint: Member must have size less than or "
            f"equal to {MAX_INPUT_BYTES} bytes in UTF-8 encoding"
        )
