"""Generate the JSON Schemas of requests, packs and studies, and the field tables of their pages.

    make docs

A test fails when any is out of step.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from quantum_pipeline.refusals import words
from quantum_pipeline.requests.pack import Pack, StoredPack
from quantum_pipeline.requests.request import Request
from quantum_pipeline.studies.study import Study

DOCS = Path(__file__).resolve().parents[1] / "docs"
_TABLE = re.compile(r"(<!-- fields of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Published:
    """What an execution takes: its schema as a file, and the page that has its tables."""

    name: str
    title: str
    asked: Any

    @property
    def schema_file(self) -> Path:
        """The JSON Schema."""
        return DOCS / f"{self.name}.schema.json"

    @property
    def page(self) -> Path:
        """The page."""
        return DOCS / f"{self.name}.md"

    @cache  # noqa: B019 - there are two, and they stay
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"title": self.title} | TypeAdapter(self.asked).json_schema()

    def schema_text(self) -> str:
        """Return it as it is published."""
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return json.dumps(dialect | self.schema(), indent=2) + "\n"

    def models(self) -> dict[str, dict[str, Any]]:
        """Return the schema of each object in it, by its model's name."""
        found: dict[str, dict[str, Any]] = self.schema()["$defs"]
        return found

    def table(self, name: str) -> str:
        """Return the fields of a model as a Markdown table."""
        model = self.models().get(name, self.schema())
        lines = ["| field | meaning | default | allowed |", "|---|---|---|---|"]
        for field, each in model["properties"].items():
            if field == "type" and "const" in each:
                meaning = "the type of the problem"
            else:
                meaning = each["description"]
            allowed = words(each, self.schema())
            lines.append(f"| `{field}` | {meaning} | {_default(field, model)} | {allowed} |")
        return "\n".join(lines) + "\n"

    def page_text(self, page: str) -> str:
        """Return the page with its tables written anew."""
        return _TABLE.sub(lambda found: found[1] + self.table(found[2]) + found[3], page)

    def write(self) -> None:
        """Write the schema, and the tables of the page."""
        self.schema_file.write_text(self.schema_text(), encoding="utf-8")
        self.page.write_text(self.page_text(self.page.read_text("utf-8")), encoding="utf-8")


REQUEST = Published(
    "request", "Quantum Pipeline request, or pack of them", Request | Pack | StoredPack
)
STUDY = Published("studies", "Quantum Pipeline study", Study)


def _default(field: str, model: dict[str, Any]) -> str:
    if field in model.get("required", []):
        return "required"
    default = model["properties"][field].get("default")
    if default is None or default == [] or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`"


if __name__ == "__main__":
    REQUEST.write()
    STUDY.write()
