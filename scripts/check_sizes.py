"""Print each function's unzipped size with its layers after `sam build`; fail above a limit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from quantum_pipeline.local.intrinsics import read_template

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "build"
MEGABYTE = 10**6
LIMIT = 150  # MB; Lambda's own is 250 MiB
STRICTER = {"SubmitFunction": 90, "MonitorFunction": 90}


def folder_bytes(folder: Path) -> int:
    """Return the bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def parts(template: dict[str, Any], function: str) -> list[str]:
    """Return what Lambda unpacks for a function: its code folder, then its layers."""
    shared = template["Globals"]["Function"].get("Layers", [])
    properties = template["Resources"][function]["Properties"]
    layers = [layer["Ref"] for layer in shared + properties.get("Layers", [])]
    folders = [template["Resources"][layer]["Properties"]["ContentUri"] for layer in layers]
    return [properties["CodeUri"], *folders]


def main() -> int:
    """Print the table; return 1 where a function is over its limit."""
    if not (BUILD / "template.yaml").exists():
        print("Nothing is built; run: make build", file=sys.stderr)
        return 2
    template = read_template(BUILD / "template.yaml")
    table = Table(title="Unzipped with layers (MB)")
    for column in ("function", "code", "layers", "total", "limit"):
        table.add_column(column, justify="left" if column == "function" else "right")
    too_large = False
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        code, *layers = [folder_bytes(BUILD / part) / MEGABYTE for part in parts(template, name)]
        total, limit = code + sum(layers), STRICTER.get(name, LIMIT)
        too_large |= total > limit
        style = "red" if total > limit else None
        table.add_row(
            name, f"{code:.2f}", f"{sum(layers):.1f}", f"{total:.1f}", str(limit), style=style
        )
    Console().print(table)
    return int(too_large)


if __name__ == "__main__":
    sys.exit(main())
