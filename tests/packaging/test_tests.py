"""The tests' own rules: each file says what it covers, and none imports from another test file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))

every = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that are imported, and the names that are imported from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)


@every
def test_no_file_imports_from_a_file_of_tests(file: Path) -> None:
    names = list(imported(ast.parse(file.read_text("utf-8"))))
    theirs = [each for each in names if each.startswith("tests.") and ".test_" in each]
    assert theirs == []


@every
def test_the_first_line_of_a_file_says_what_it_covers(file: Path) -> None:
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8")))
    assert docstring is not None
    first = docstring.splitlines()[0]
    assert first.endswith(".")
    assert len(first.split()) > 3


def test_no_two_files_of_tests_cover_the_same() -> None:
    lines = [file.read_text("utf-8").partition("\n")[0] for file in FILES]
    assert len(lines) == len(set(lines))
