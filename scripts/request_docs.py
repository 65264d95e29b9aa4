"""Generate the JSON Schema of requests and packs, and the field tables of docs/request.md.

    make docs

A test fails when either is out of step.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from quantum_pipeline.refusals import words
from quantum_pipeline.requests.pack import Pack, StoredPack
from quantum_pipeline.requests.request import Request

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCHEMA, PAGE = DOCS / "request.schema.json", DOCS / "request.md"
_TABLE = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of what an execution takes: a request or a pack."""
    title = {"title": "Quantum Pipeline request, or pack of them"}
    return title | TypeAdapter(Request | Pack | StoredPack).json_schema()


def schema_text() -> str:
    """Return it as it is published."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema(), indent=2) + "\n"


def models() -> dict[str, dict[str, Any]]:
    """Return the schema of each object in it, by its model's name."""
    found: dict[str, dict[str, Any]] = schema()["$defs"]
    return found


def table(name: str) -> str:
    """Return the fields of a model as a Markdown table."""
    model, root = models()[name], schema()
    lines = ["| field | meaning | default | allowed |", "|---|---|---|---|"]
    for field, each in model["properties"].items():
        if field == "type" and "const" in each:
            meaning = "the type of the problem"
        else:
            meaning = each["description"]
        lines.append(f"| `{field}` | {meaning} | {_default(field, model)} | {words(each, root)} |")
    return "\n".join(lines) + "\n"


def _default(field: str, model: dict[str, Any]) -> str:
    if field in model.get("required", []):
        return "required"
    default = model["properties"][field].get("default")
    if default is None or default == [] or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`"


def page_text(page: str) -> str:
    """Return the page with its tables written anew."""
    return _TABLE.sub(lambda found: found[1] + table(found[2]) + found[3], page)


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page_text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
