"""What the layers hold can be imported where they are."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "quantum_pipeline"
SHARED = {"numpy", "pydantic", "pydantic_core", "aws_lambda_powertools", "quantum_pipeline"}
PLOTTING = {"matplotlib", "jinja2", "PIL"}
OF_LAMBDA = {"boto3", "botocore"}


def left_out() -> set[str]:
    """What the Makefile removes from the copy of the package."""
    found = re.search(r'quantum_pipeline"? && rm -rf (.+)', (ROOT / "sam.mk").read_text())
    assert found
    return set(found[1].split())


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_modules_in_the_layer_import_what_is_in_the_layers_or_of_lambda() -> None:
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in left_out():
            there = SHARED | OF_LAMBDA | (PLOTTING if inside.parts[0] == "pages" else set())
            missing = set(imported(path)) - there - sys.stdlib_module_names
            assert not missing, (inside, missing)


def test_what_is_left_out_of_the_layer_exists() -> None:
    assert all((PACKAGE / name).exists() for name in left_out())
