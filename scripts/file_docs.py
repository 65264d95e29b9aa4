"""Generate the tables of docs/files.md from the formats that are read.

    make docs

A test fails when they are out of step.
"""

from __future__ import annotations

import re
from pathlib import Path

from quantum_pipeline.files.formats import FORMATS, JSON_FORMS

_TABLE = re.compile(r"(<!-- ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "files.md"


def formats_table() -> str:
    """Return the formats as a Markdown table."""
    lines = ["| format | suffixes | what it is | becomes |", "|---|---|---|---|"]
    for name, each in FORMATS.items():
        suffixes = " ".join(f"`{suffix}`" for suffix in each.suffixes)
        lines.append(f"| `{name}` | {suffixes} | {each.what} | {each.becomes} |")
    return "\n".join(lines) + "\n"


def forms_table() -> str:
    """Return what JSON files may hold as a Markdown table."""
    lines = ["| form | what it is |", "|---|---|", "| | a request |"]
    lines += [f"| `{name}` | {what} |" for name, what in JSON_FORMS.items()]
    return "\n".join(lines) + "\n"


def page_text(page: str) -> str:
    """Return the page with its tables written anew."""
    tables = {"formats": formats_table(), "forms of JSON": forms_table()}
    return _TABLE.sub(lambda found: found[1] + tables[found[2]] + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(page_text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
