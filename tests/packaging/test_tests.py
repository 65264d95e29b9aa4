"""The tests' own rules: each file says what it covers, and none imports from another test file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that are imported, and the names that are imported from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)


def is_of_tests(name: str) -> bool:
    return name.startswith("tests.") and ".test_" in name


def tells(docstring: str | None) -> bool:
    """Return whether the first line is a sentence."""
    first = (docstring or "").partition("\n")[0]
    return first.endswith(".") and len(first.split()) > 3


def test_no_file_imports_from_a_file_of_tests_and_its_first_line_says_what_it_covers() -> None:
    importing, untold = [], []
    for file in FILES:
        name, tree = str(file.relative_to(TESTS)), ast.parse(file.read_text("utf-8"))
        importing += [(name, each) for each in imported(tree) if is_of_tests(each)]
        untold += [] if tells(ast.get_docstring(tree)) else [name]
    assert importing == []
    assert untold == []


def test_no_two_files_of_tests_cover_the_same() -> None:
    lines = [file.read_text("utf-8").partition("\n")[0] for file in FILES]
    assert len(lines) == len(set(lines))
