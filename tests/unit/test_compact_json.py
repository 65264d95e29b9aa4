"""JSON that is read by people: the same value, in few lines that fit."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quantum_pipeline.cli.compact_json import WIDTH, compact

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUE: st.SearchStrategy[Any] = st.recursive(
    LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@given(VALUE)
def test_compact_text_is_the_same_value(value: Any) -> None:
    assert json.loads(compact(value)) == value


def test_a_short_list_is_one_line() -> None:
    assert compact({"edges": [[0, 1], [0, 4]], "name": "ring"}).splitlines() == [
        "{",
        '  "edges": [[0, 1], [0, 4]],',
        '  "name": "ring"',
        "}",
    ]


def test_a_long_list_fills_lines_that_fit() -> None:
    edges = [[i, i + 1] for i in range(100)]
    lines = compact({"problem": {"edges": edges}}).splitlines()
    assert max(map(len, lines)) <= WIDTH
    filled = [line for line in lines if line.startswith("      [")]
    assert len(filled) < 100 * len("[10, 11], ") / (WIDTH - 20)
    assert all(len(line) > WIDTH - 20 for line in filled[:-1])


def test_objects_in_a_list_are_indented_as_others() -> None:
    nodes = [{"id": "a"}, {"id": "b"}]
    assert compact({"nodes": nodes}) == json.dumps({"nodes": nodes}, indent=2)
