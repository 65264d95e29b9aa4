"""The tests' own rules: each file says what it covers, and none imports from another test file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


LIKELY = re.compile(r"\btests\.[\w.]*test_|\btests[\w.]* import [^)\n]*(?:\([^)]*)?\btest_")
"""What an import from a file of tests looks like; to parse all files would take seconds."""


def imported(text: str) -> Iterator[str]:
    """Yield the modules that are imported, and the names that are imported from them."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)


def is_of_tests(name: str) -> bool:
    return name.startswith("tests.") and ".test_" in name


def from_tests(text: str) -> list[str]:
    """Return what a file imports from files of tests."""
    return [each for each in imported(text) if is_of_tests(each)] if LIKELY.search(text) else []


def tells(text: str) -> bool:
    """Return whether the first line is a sentence, of a docstring."""
    first = text.partition("\n")[0]
    said = first.removeprefix('"""').removesuffix('"""')
    return said != first and said.endswith(".") and len(said.split()) > 3


def test_no_file_imports_from_a_file_of_tests_and_its_first_line_says_what_it_covers() -> None:
    texts = {str(file.relative_to(TESTS)): file.read_text("utf-8") for file in FILES}
    assert [(name, found) for name, text in texts.items() for found in from_tests(text)] == []
    assert [name for name, text in texts.items() if not tells(text)] == []


IMPORTS = {
    "from tests.unit import page, test_one": ["tests.unit.test_one"],
    "from tests.unit.test_two import case": ["tests.unit.test_two.case"],
    "def late():\n    import tests.job.test_three": ["tests.job.test_three"],
    "from tests.job import (\n    attempts,\n    test_four as four,\n)": ["tests.job.test_four"],
    "from elsewhere import test_five": [],
    "SCRIPT = 'from tests.unit.test_six import case'": [],
}


def test_an_import_is_found_however_it_is_written() -> None:
    assert {text: from_tests(text) for text in IMPORTS} == IMPORTS


def test_no_two_files_of_tests_cover_the_same() -> None:
    lines = [file.read_text("utf-8").partition("\n")[0] for file in FILES]
    assert len(lines) == len(set(lines))
