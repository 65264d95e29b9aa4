"""Formats JSON for reading: each field of an object on its own line, lists as compact as fits."""

from __future__ import annotations

import json
from typing import Any

WIDTH = 100
"""Columns of a line."""


def compact(value: Any, indent: int = 0) -> str:
    """Return a JSON value as text whose lists fill their lines.

    A list that holds no object is wrapped between its entries; a string may be longer than a line.

    >>> print(compact({"edges": [[0, 1], [1, 2]], "limits": {"max_cost_usd": 1.0}}))
    {
      "edges": [[0, 1], [1, 2]],
      "limits": {
        "max_cost_usd": 1.0
      }
    }
    """
    margin = " " * (indent + 2)
    if isinstance(value, dict) and value:
        fields = (
            f"{margin}{json.dumps(name)}: {compact(each, indent + 2)}"
            for name, each in value.items()
        )
        return "{\n" + ",\n".join(fields) + "\n" + " " * indent + "}"
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    if any(isinstance(each, dict) for each in value):
        entries = (margin + compact(each, indent + 2) for each in value)
        return "[\n" + ",\n".join(entries) + "\n" + " " * indent + "]"
    return _filled([json.dumps(each) for each in value], indent)


def _filled(entries: list[str], indent: int) -> str:
    """Return a list on one line where it fits beside a field's name, else in full lines."""
    whole = f"[{', '.join(entries)}]"
    if indent + BESIDE_NAME + len(whole) <= WIDTH:
        return whole
    margin = " " * (indent + 2)
    lines = [margin + entries[0]]
    for entry in entries[1:]:
        if len(lines[-1]) + len(entry) + 3 <= WIDTH:
            lines[-1] += f", {entry}"
        else:
            lines[-1] += ","
            lines.append(margin + entry)
    return "[\n" + "\n".join(lines) + "\n" + " " * indent + "]"


BESIDE_NAME = 30
"""Columns left to the name before a list that stands on its line."""
