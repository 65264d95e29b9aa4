"""Syntax trees of state machines on the disk: as parsed, forgotten, never relied on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quantum_pipeline.local import endpoint, syntax_trees
from quantum_pipeline.local.aws import read_stack

DEFINITIONS = [machine.definition for machine in read_stack().state_machines]


@pytest.fixture(scope="module")
def parse() -> Callable[[str], Any]:
    endpoint._load_engine()
    return lambda text: endpoint._parse_of_moto()(text)[1]


def nodes(tree: Any) -> list[tuple[str, str, int]]:
    """Return all nodes of a tree from its root on: their kinds, texts and numbers of children."""
    below = [node for child in getattr(tree, "children", None) or () for node in nodes(child)]
    return [(type(tree).__name__, tree.getText(), tree.getChildCount()), *below]


@pytest.mark.parametrize("text", DEFINITIONS)
def test_a_kept_tree_is_that_which_the_parser_makes(
    tmp_path: Path, parse: Callable[[str], Any], text: str
) -> None:
    asked = []

    def counted(text: str) -> Any:
        asked.append(text)
        return parse(text)

    first, kept = (syntax_trees.syntax_tree(text, counted, tmp_path) for _ in range(2))
    assert asked == [text]
    assert kept is not first
    parsed = nodes(parse(text))
    assert len(parsed) > 1000
    assert nodes(first) == nodes(kept) == parsed


def test_each_text_has_a_tree_of_its_own(tmp_path: Path) -> None:
    texts = ("one", "another", "one")
    trees = [syntax_trees.syntax_tree(text, str.upper, tmp_path) for text in texts]
    assert trees == ["ONE", "ANOTHER", "ONE"]


@pytest.mark.parametrize("left", [b"", b"\x80", b"cnone\nnothing\n."])
def test_a_damaged_file_is_made_anew(tmp_path: Path, left: bytes) -> None:
    syntax_trees.syntax_tree("one", str.upper, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(left)
    assert syntax_trees.syntax_tree("one", str.upper, tmp_path) == "ONE"
    assert file.read_bytes() == whole


def test_where_nothing_can_be_kept_a_text_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert syntax_trees.syntax_tree("one", str.upper, tmp_path / "file" / "folder") == "ONE"


def test_what_is_too_deep_to_be_kept_is_parsed(tmp_path: Path) -> None:
    def parse(_text: str) -> Any:
        tree: list[Any] = []
        for _ in range(100_000):
            tree = [tree]
        return tree

    assert syntax_trees.syntax_tree("deep", parse, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_has_asked_for_in_a_day_is_forgotten(tmp_path: Path) -> None:
    for text in ("asked for", "not asked for"):
        syntax_trees.syntax_tree(text, str.upper, tmp_path)
    old = time.time() - 1.01 * syntax_trees.KEPT_SECONDS
    for file in tmp_path.iterdir():
        os.utime(file, (old, old))
    for text in ("asked for", "new"):
        syntax_trees.syntax_tree(text, str.upper, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert syntax_trees.syntax_tree("asked for", pytest.fail, tmp_path) == "ASKED FOR"
